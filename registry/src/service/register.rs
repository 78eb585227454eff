//! Registration (`POST /subjects/{subject}/versions`, registry API spec §7).

use muster_schema::format::EntityTags;
use muster_schema::subject::Purpose;
use muster_schema::{SchemaId, Strictness, Subject, Version};

use super::canonical::{Canonical, Draft};
use super::error::{During as _, NeededMode, Operation, ServiceError, is_stale};
use super::lookup::inherited;
use super::matching::hash_answer;
use super::merge::{self, VERSION_PROPERTY};
use super::scope::Scope;
use super::{Found, Service, latest, rules};
use crate::options::RuleSets;
use crate::store::{Basis, Refusal, Registered, Registration, SchemaVersion, StoreError, SubjectState};

/// A request to register.
#[derive(Clone, Debug, Default)]
pub struct Registering {
    /// The schema.
    pub draft: Draft,
    /// The id asked for; negative counts as none.
    pub id: Option<i32>,
    /// The version asked for: absent or 0 is "the one it has, or the next", -1 "the latest, or the next".
    pub version: Option<i32>,
    /// Inline tags to add to the text.
    pub tags_to_add: Vec<EntityTags>,
    /// Inline tags to take away.
    pub tags_to_remove: Vec<EntityTags>,
    /// Whether the previous version's inline tags are copied.
    pub propagate_tags: bool,
    /// Whether to normalize; the config may say so as well.
    pub normalize: bool,
    /// Whether to skip the compatibility check.
    pub force: bool,
}

/// A request to change the tags of a version by registering a next one.
#[derive(Clone, Debug, Default)]
pub struct TagRequest {
    /// The number the new version must get.
    pub new_version: Option<i32>,
    /// Inline tags to add.
    pub tags_to_add: Vec<EntityTags>,
    /// Inline tags to take away.
    pub tags_to_remove: Vec<EntityTags>,
    /// Metadata in place of the version's own.
    pub metadata: Option<muster_schema::Metadata>,
    /// Rule set in place of the version's own.
    pub rule_set: Option<muster_schema::RuleSet>,
    /// Rules to merge into those of the version before the new one.
    pub rules_to_merge: Option<muster_schema::RuleSet>,
    /// Names of rules to take away.
    pub rules_to_remove: Vec<String>,
}

/// What a decision comes to.
pub(super) enum Decision {
    /// The subject has it already.
    Known(Found),
    /// To be stored.
    New(Registration),
}

impl Registering {
    fn changes_tags(&self) -> bool {
        self.propagate_tags || self.edits_tags()
    }

    fn edits_tags(&self) -> bool {
        !self.tags_to_add.is_empty() || !self.tags_to_remove.is_empty()
    }

    fn fixed_id(&self) -> Option<SchemaId> {
        self.id.filter(|id| *id >= 0).map(SchemaId)
    }
}

impl Service {
    /// Registers a schema under `subject`, or finds it registered.
    pub async fn register(&self, subject: &Subject, mut request: Registering) -> Result<Found, ServiceError> {
        self.prepare(&mut request)?;
        check_name(subject)?;
        if self.options.reject_empty_subject && matches!(subject.name(), "" | "*") {
            return Err(ServiceError::InvalidSubject(subject.to_string()));
        }
        if let Some(known) = self.known(subject, &request).await? {
            self.metrics.registered(crate::metrics::Outcome::Known);
            return Ok(known);
        }
        let outcome = self.commit(subject, &request).await;
        self.metrics.registered(match &outcome {
            Ok(found) if found.stored => crate::metrics::Outcome::Known,
            Ok(_) => crate::metrics::Outcome::New,
            Err(ServiceError::Incompatible { .. }) => crate::metrics::Outcome::Incompatible,
            Err(ServiceError::Store { .. }) => crate::metrics::Outcome::Failed,
            Err(_) => crate::metrics::Outcome::Refused,
        });
        outcome
    }

    /// Takes rule sets out of a request or checks them.
    pub(super) fn prepare(&self, request: &mut Registering) -> Result<(), ServiceError> {
        if self.options.rule_sets == RuleSets::Drop {
            request.draft.rule_set = None;
        }
        request.draft.rule_set.as_ref().map_or(Ok(()), rules::validate)
    }

    /// Registers the next version of `subject` from `version` with other tags, metadata or rules
    /// (registry API spec §7.6).
    pub async fn change_tags(
        &self,
        subject: &Subject,
        version: Version,
        mut request: TagRequest,
    ) -> Result<Found, ServiceError> {
        if self.options.rule_sets == RuleSets::Drop {
            request.rule_set = None;
        }
        if let Some(rule_set) = &request.rule_set {
            rules::validate(rule_set)?;
            if request.rules_to_merge.is_some() || !request.rules_to_remove.is_empty() {
                let text = "ruleSet should be omitted if rulesToMerge or rulesToRemove is specified";
                return Err(ServiceError::InvalidRuleSet(text.to_owned()));
            }
        }
        if let Some(rule_set) = &request.rules_to_merge {
            rules::validate(rule_set)?;
        }
        let base = self.version(subject, version, false).await?;
        check_name(&base.subject)?;
        let new_version = request.new_version.unwrap_or(0);
        let content = &base.content;
        let metadata = request.metadata.or_else(|| content.metadata.clone());
        let metadata = merge::with_property(metadata, VERSION_PROPERTY, new_version.to_string());
        let rule_set = if request.rules_to_merge.is_some() || !request.rules_to_remove.is_empty() {
            let before = if new_version > 1 { Version(new_version - 1) } else { super::LATEST };
            let state = self.store.state(&base.subject).await.during(Operation::Read)?;
            let before = match before {
                super::LATEST => latest(&state.versions),
                number => state.versions.iter().find(|v| v.version == number && !v.deleted),
            };
            let rules = before.and_then(|v| v.content.rule_set.clone());
            let merged = merge::rule_set(rules.as_ref(), request.rules_to_merge.as_ref());
            merged.map(|rules| merge::without_rules(&rules, &request.rules_to_remove))
        } else {
            request.rule_set
        };
        let registering = Registering {
            draft: Draft {
                schema_type: Some(content.schema_type.as_str().to_owned()),
                schema: content.schema.clone(),
                references: content.references.iter().map(super::PartialReference::from).collect(),
                metadata: Some(metadata),
                rule_set,
            },
            version: request.new_version,
            tags_to_add: request.tags_to_add,
            tags_to_remove: request.tags_to_remove,
            ..Registering::default()
        };
        self.commit(&base.subject, &registering).await
    }

    /// The version that the request means, where one can be told before the mode and the config are looked at: known
    /// content is found in every mode (registry API spec §7.2).
    async fn known(&self, subject: &Subject, request: &Registering) -> Result<Option<Found>, ServiceError> {
        if request.changes_tags() || request.draft.is_blank() {
            return Ok(None);
        }
        let state = self.store.state(subject).await.during(Operation::Register)?;
        let scope = Scope::of(&state.settings, subject, &self.options);
        if scope.amends_schemas() {
            return Ok(None);
        }
        let normalize = request.normalize || scope.normalize;
        let canonical =
            self.canonicalize(&request.draft, subject, &scope, Strictness::Stored, normalize, false).await?;
        let found = if request.version == Some(super::LATEST.0) {
            match latest(&state.versions) {
                Some(latest) if self.stands_for(&canonical, latest).await? => {
                    Some(Found { schema: latest.clone(), stored: true })
                }
                _ => None,
            }
        } else {
            self.find(&canonical, subject, &state.versions, false).await?
        };
        let Some(found) = found else { return Ok(None) };
        let any_version = matches!(request.version, None | Some(0 | -1));
        let id = request.fixed_id();
        let id_agrees = id.is_none_or(|id| id == found.schema.id);
        if any_version && id_agrees
            || id == Some(found.schema.id) && request.version == Some(found.schema.version.0)
        {
            return Ok(Some(found));
        }
        // The same content imported under several versions: the one asked for is as good as the one found.
        let asked_for = state.versions.iter().find(|v| {
            Some(v.version.0) == request.version
                && !v.deleted
                && Some(v.id) == id
                && v.content.guid == found.schema.content.guid
        });
        Ok(asked_for.map(|version| Found { schema: version.clone(), stored: true }))
    }

    /// Decides and stores, again and again until nothing has changed in between.
    async fn commit(&self, subject: &Subject, request: &Registering) -> Result<Found, ServiceError> {
        let _turn = self.turns.take(subject).await;
        loop {
            let registration = match self.decide(subject, request).await? {
                Decision::Known(found) => return Ok(found),
                Decision::New(registration) => registration,
            };
            match self.write(Operation::Register, self.store.register(registration)).await {
                Ok(Registered { schema, existed }) => return Ok(Found { schema, stored: existed }),
                Err(error) if is_stale(&error) => {}
                Err(StoreError::Refused(Refusal::IdTaken(id))) => {
                    return Err(ServiceError::IdTaken { id, context: subject.context().clone() });
                }
                Err(error) => return Err(error).during(Operation::Register),
            }
        }
    }

    pub(super) async fn decide(
        &self,
        subject: &Subject,
        request: &Registering,
    ) -> Result<Decision, ServiceError> {
        let state = self.store.state(subject).await.during(Operation::Register)?;
        let scope = Scope::of(&state.settings, subject, &self.options);
        let importing = scope.importing();
        let fixed_id = request.fixed_id();

        let mut draft = request.draft.clone();
        let mut version = request.version.unwrap_or(0);
        if request.edits_tags() {
            draft.schema =
                self.edit_tags(subject, &draft, &request.tags_to_add, &request.tags_to_remove).await?;
            if version == 0 {
                version = super::LATEST.0;
            }
        }
        check_mode(&scope, subject, fixed_id)?;
        let next = state.versions.last().map_or(1, |last| last.version.0.saturating_add(1));
        if !importing {
            self.complete(&mut draft, subject, request, &state, &scope, version, next).await?;
        }
        let strictness = if fixed_id.is_none() && scope.validate_new_schemas {
            Strictness::New
        } else {
            Strictness::Stored
        };
        let normalize = request.normalize || scope.normalize;
        let canonical = self.canonicalize(&draft, subject, &scope, strictness, normalize, true).await?;

        for reference in &canonical.content.references {
            let target = Subject::parse_in(&reference.subject, subject.context());
            if self.is_strongly_associated(&target).await? {
                return Err(ServiceError::ReferenceToAssociated(target));
            }
        }
        let hit = self.by_hash(&canonical.content, subject).await?;
        let hit = hit.filter(|hit| fixed_id.is_none_or(|id| id == hit.id));
        let fixed_id_or_reused = fixed_id.or(hit.as_ref().map(|hit| hit.id));
        if version == 0 {
            let live = hit.and_then(|hit| hit.of_subject).filter(|version| !version.deleted);
            if let Some(live) = live {
                return Ok(Decision::Known(hash_answer(&canonical, live)));
            }
            for known in state.versions.iter().rev().filter(|v| !v.deleted) {
                if fixed_id_or_reused.is_none_or(|id| id == known.id)
                    && self.stands_for(&canonical, known).await?
                {
                    return Ok(Decision::Known(Found { schema: known.clone(), stored: true }));
                }
            }
        }
        if !importing && !request.force {
            self.check_registration(&canonical, subject, &state.versions, &scope).await?;
        }
        if version > 0 && version != next && !importing {
            return Err(ServiceError::VersionNotNext);
        }
        let Canonical { content, basis: references, .. } = canonical;
        let mut basis: Basis = state.basis;
        basis.extend(references);
        // Without a version asked for, the store may answer with a version that appears at the last moment. A client
        // that says "the latest or the next" wants a new one by now.
        let version = (version != 0).then_some(Version(if version > 0 { version } else { next }));
        Ok(Decision::New(Registration {
            subject: subject.clone(),
            content,
            id: fixed_id,
            version,
            importing,
            basis,
        }))
    }

    /// Fills in what the request leaves to the previous version and the config (registry API spec §7.4).
    #[expect(clippy::too_many_arguments, reason = "the parts of one decision, named once")]
    async fn complete(
        &self,
        draft: &mut Draft,
        subject: &Subject,
        request: &Registering,
        state: &SubjectState,
        scope: &Scope,
        version: i32,
        next: i32,
    ) -> Result<(), ServiceError> {
        let previous: Option<&SchemaVersion> = latest(&state.versions);
        if draft.is_blank() {
            let previous = previous.ok_or(ServiceError::EmptySchema)?;
            draft.schema = previous.content.schema.clone();
            draft.schema_type = Some(previous.content.schema_type.as_str().to_owned());
            draft.references =
                previous.content.references.iter().map(super::PartialReference::from).collect();
        }
        if request.propagate_tags
            && let Some(previous) = previous
        {
            draft.schema = self.propagate_tags(subject, draft, previous).await?;
        }
        let (metadata, rule_set) = inherited(draft, previous, scope);
        draft.metadata = metadata;
        draft.rule_set = rule_set;
        if version != 0 || merge::property(draft.metadata.as_ref(), VERSION_PROPERTY).is_some() {
            let metadata = draft.metadata.take();
            draft.metadata = Some(merge::with_property(metadata, VERSION_PROPERTY, next.to_string()));
        }
        Ok(())
    }
}

/// A subject that may hold schemas. The empty subject of the default context cannot: the reference accepts the request
/// and then never sees its own record again.
fn check_name(subject: &Subject) -> Result<(), ServiceError> {
    let valid = subject.check(Purpose::Schemas).is_ok() && !super::scope::is_top(subject);
    if valid { Ok(()) } else { Err(ServiceError::InvalidSubject(subject.to_string())) }
}

/// Which registrations the mode allows (registry API spec §6.5).
fn check_mode(scope: &Scope, subject: &Subject, fixed_id: Option<SchemaId>) -> Result<(), ServiceError> {
    scope.check_writable(subject)?;
    let needed = match (scope.importing(), fixed_id) {
        (true, None) => NeededMode::ReadWrite,
        (false, Some(_)) => NeededMode::Import,
        (true, Some(_)) | (false, None) => return Ok(()),
    };
    Err(ServiceError::ModeForbids { subject: subject.clone(), needed })
}
