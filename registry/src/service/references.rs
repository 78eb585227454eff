//! From a list of references to the texts behind them (registry API spec §11, schema formats spec §5.1).

use std::collections::HashMap;

use muster_schema::{
    Context, ParseError, ResolvedReferences, SchemaReference, SchemaType, Strictness, Subject, Version,
};

use super::Service;
use super::error::{During as _, Operation, PartialReference, ServiceError};
use crate::store::{Basis, SchemaVersion};

/// What a list of references stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolution {
    /// The references with concrete versions, subjects as sent.
    pub(super) references: Vec<SchemaReference>,
    /// Everything they lead to.
    pub(super) closure: ResolvedReferences,
    /// What it was read from. Empty unless asked for.
    pub(super) basis: Basis,
}

/// One list of references being followed.
struct Frame {
    references: std::vec::IntoIter<SchemaReference>,
    context: Context,
    /// The schema whose list this is; its text follows those it references. `None` for the schema asked about.
    owner: Option<(String, SchemaVersion)>,
}

impl Service {
    /// Follows `references` of a schema in `context`, depth first; of two with the same name the first counts.
    ///
    /// A new schema (`Strictness::New`) finds live versions only, a stored one finds soft-deleted ones too. With
    /// `based`, the result says what it was read from.
    pub(super) async fn resolve(
        &self,
        schema_type: SchemaType,
        references: &[SchemaReference],
        context: &Context,
        strictness: Strictness,
        based: bool,
    ) -> Result<Resolution, ServiceError> {
        let mut resolution = Resolution::default();
        if references.is_empty() {
            return Ok(resolution);
        }
        let limit = self.parser.limits().references;
        let too_many = || ServiceError::InvalidSchema {
            schema_type,
            source: ParseError::TooLarge { what: "references", limit },
        };
        let mut seen: HashMap<String, (Subject, Version)> = HashMap::new();
        let mut followed = 0usize;
        let mut stack = vec![Frame {
            references: Vec::from(references).into_iter(),
            context: context.clone(),
            owner: None,
        }];
        while let Some(frame) = stack.last_mut() {
            let Some(reference) = frame.references.next() else {
                if let Some((name, owner)) = stack.pop().and_then(|frame| frame.owner) {
                    resolution.closure.guids.push(owner.content.guid);
                    resolution.closure.texts.push((name, owner.content.schema.clone()));
                }
                continue;
            };
            followed += 1;
            if followed > limit {
                return Err(too_many());
            }
            let subject = Subject::parse_in(&reference.subject, &frame.context);
            let top = frame.owner.is_none();
            let found = self
                .referenced(&subject, reference.version, strictness, based, &mut resolution.basis)
                .await?;
            let Some(found) = found else {
                return Err(ServiceError::ReferenceNotFound {
                    schema_type,
                    subject: subject.to_string(),
                    version: reference.version,
                });
            };
            if top {
                resolution.references.push(SchemaReference { version: found.version, ..reference.clone() });
            }
            let place = (found.subject.clone(), found.version);
            if let Some(first) = seen.get(&reference.name) {
                if self.options.strict_reference_versions && *first != place {
                    let (name, (subject, version)) = (&reference.name, first);
                    let text = format!(
                        "Conflicting reference versions for {name}: {subject} {version} and {} {}",
                        place.0, place.1
                    );
                    return Err(ServiceError::InvalidSchema {
                        schema_type,
                        source: ParseError::Invalid(text),
                    });
                }
            } else {
                seen.insert(reference.name.clone(), place);
                stack.push(Frame {
                    references: found.content.references.clone().into_iter(),
                    context: subject.context().clone(),
                    owner: Some((reference.name, found)),
                });
            }
        }
        Ok(resolution)
    }

    async fn referenced(
        &self,
        subject: &Subject,
        version: Version,
        strictness: Strictness,
        based: bool,
        basis: &mut Basis,
    ) -> Result<Option<SchemaVersion>, ServiceError> {
        let found = if based || version == super::LATEST {
            let state = self.store.state(subject).await.during(Operation::Read)?;
            if based {
                basis.extend(state.basis);
            }
            let wanted =
                |v: &&SchemaVersion| if version == super::LATEST { !v.deleted } else { v.version == version };
            state.versions.iter().rev().find(wanted).cloned()
        } else {
            self.store.version(subject, version).await.during(Operation::Read)?
        };
        Ok(found.filter(|v| strictness == Strictness::Stored || !v.deleted))
    }
}

/// Turns references as sent into references; each must be complete.
pub(super) fn complete(
    references: &[PartialReference],
    schema_type: SchemaType,
) -> Result<Vec<SchemaReference>, ServiceError> {
    let complete = |reference: &PartialReference| {
        Some(SchemaReference {
            name: reference.name.clone()?,
            subject: reference.subject.clone()?,
            version: Version(reference.version?),
        })
    };
    references
        .iter()
        .map(|reference| {
            complete(reference)
                .ok_or_else(|| ServiceError::InvalidReference { schema_type, reference: reference.clone() })
        })
        .collect()
}
