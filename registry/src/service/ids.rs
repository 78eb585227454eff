//! Reading by id and by guid (registry API spec §4.4, §8.3, §8.5).

use muster_schema::{Context, Guid, ParseError, SchemaId, Subject};

use super::error::{During as _, Operation, ServiceError};
use super::page::Page;
use super::{Service, context_of};
use crate::options::SearchLimit;
use crate::store::{Content, SchemaVersion};

/// Where some content was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The context.
    pub context: Context,
    /// Its id there.
    pub id: SchemaId,
}

impl Service {
    /// The schema with this id. `subject` narrows it: empty is the default context, a context name that context, a
    /// qualified subject exactly that one; an unqualified one is tried in the default context, then in the others,
    /// and at last does not matter.
    pub async fn by_id(&self, id: SchemaId, subject: &str) -> Result<Option<SchemaVersion>, ServiceError> {
        let uses = self.uses(id, subject).await?;
        Ok(uses.and_then(|(uses, preferred)| uses.into_iter().nth(preferred)))
    }

    /// The highest id of the context that `subject` is in.
    pub async fn max_id(&self, subject: &str) -> Result<Option<SchemaId>, ServiceError> {
        self.store.max_id(&context_of(subject)).await.during(Operation::Read)
    }

    /// The versions that use an id, at most one per subject.
    pub async fn uses_of_id(
        &self,
        id: SchemaId,
        subject: &str,
        deleted: bool,
        page: Page,
        bounds: SearchLimit,
    ) -> Result<Vec<SchemaVersion>, ServiceError> {
        let (uses, _) = self.uses(id, subject).await?.ok_or(ServiceError::SchemaNotFound)?;
        // The content counts rather than the id: imported content may have several ids, and the index knows the last.
        let uses = match uses.first() {
            Some(used) => match self.by_hash(&used.content, &used.subject).await? {
                Some(hit) if hit.id != id => self.uses_in(used.subject.context(), hit.id).await?,
                _ => uses,
            },
            None => uses,
        };
        let uses = uses.into_iter().filter(|used| deleted || !used.deleted).collect();
        page.of(uses, bounds)
    }

    /// The content with this guid, in the default context or else the first by name, and that context.
    pub async fn by_guid(&self, text: &str) -> Result<SchemaVersion, ServiceError> {
        let not_found = || ServiceError::GuidNotFound(text.to_owned());
        let guid: Guid = text.parse().map_err(|_| not_found())?;
        let places = self.store.ids_of_guid(guid).await.during(Operation::Read)?;
        if places.is_empty() {
            return Err(not_found());
        }
        for (context, id) in places {
            let uses = self.uses_in(&context, id).await?;
            if let Some(used) = speaker(&uses).and_then(|position| uses.into_iter().nth(position)) {
                return Ok(used);
            }
        }
        // The reference knows the hash of content that nothing uses any more, and fails.
        Err(not_found())
    }

    /// Where the content with this guid was ever registered; nowhere if the text is no guid.
    pub async fn ids_of_guid(&self, text: &str) -> Result<Vec<Located>, ServiceError> {
        let Ok(guid) = text.parse::<Guid>() else { return Ok(Vec::new()) };
        let places = self.store.ids_of_guid(guid).await.during(Operation::Read)?;
        Ok(places.into_iter().map(|(context, id)| Located { context, id }).collect())
    }

    /// The text of some content in a `format`; blank is the canonical text.
    pub async fn formatted(
        &self,
        content: &Content,
        context: &Context,
        format: &str,
    ) -> Result<String, ServiceError> {
        if format.trim().is_empty() || format.trim().eq_ignore_ascii_case("default") {
            return Ok(content.schema.clone());
        }
        let not_showable = |source| ServiceError::NotShowable { format: format.to_owned(), source };
        if content.schema.is_empty() {
            return Err(not_showable(ParseError::Invalid("the stored text is empty".to_owned())));
        }
        self.parse_content(content, context).await?.formatted(format).map_err(not_showable)
    }

    /// The uses of an id, and which of them answers for it.
    async fn uses(
        &self,
        id: SchemaId,
        subject: &str,
    ) -> Result<Option<(Vec<SchemaVersion>, usize)>, ServiceError> {
        let subject = Subject::parse(subject);
        let uses = self.uses_in(subject.context(), id).await?;
        if subject.name().is_empty() {
            return Ok(speaker(&uses).map(|position| (uses, position)));
        }
        let position =
            |uses: &[SchemaVersion], wanted: &Subject| uses.iter().position(|u| u.subject == *wanted);
        if let Some(own) = position(&uses, &subject) {
            return Ok(Some((uses, own)));
        }
        if !subject.context().is_default() {
            return Ok(None);
        }
        for namesake in self.namesakes(&subject).await? {
            let others = self.uses_in(namesake.context(), id).await?;
            if let Some(own) = position(&others, &namesake) {
                return Ok(Some((others, own)));
            }
        }
        Ok(speaker(&uses).map(|position| (uses, position)))
    }

    async fn uses_in(&self, context: &Context, id: SchemaId) -> Result<Vec<SchemaVersion>, ServiceError> {
        self.store.uses_of_id(context, id).await.during(Operation::Read)
    }
}

/// Which use answers for an id when the client names none. Any would do; the reference takes the first entry of a Java
/// `ConcurrentHashMap` keyed by subject, so the same one is taken here and answers agree.
fn speaker(uses: &[SchemaVersion]) -> Option<usize> {
    // The table doubles from 16 slots on whenever it is three quarters full.
    let mut slots = 16;
    while uses.len() >= slots / 4 * 3 {
        slots *= 2;
    }
    let slot = |used: &SchemaVersion| {
        let hash = used
            .subject
            .to_string()
            .encode_utf16()
            .fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
        usize::try_from((hash ^ (hash >> 16)) & 0x7fff_ffff).unwrap_or_default() % slots
    };
    uses.iter().enumerate().min_by_key(|(_, used)| slot(used)).map(|(position, _)| position)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use muster_schema::{SchemaType, Version};

    use super::*;

    #[test]
    fn the_first_of_a_java_hash_map_speaks() {
        let content = Arc::new(Content {
            guid: Guid([0; 16]),
            schema_type: SchemaType::Avro,
            schema: String::new(),
            references: Vec::new(),
            metadata: None,
            rule_set: None,
        });
        let used = |subject: &str| SchemaVersion {
            subject: Subject::parse(subject),
            version: Version(1),
            id: SchemaId(1),
            content: Arc::clone(&content),
            deleted: false,
            ts_ms: 0,
        };
        let cases = [
            (vec![], None),
            (vec!["s1"], Some("s1")),
            (vec!["100%25", "s1"], Some("s1")),
            (vec!["orders-value", "s2"], Some("orders-value")),
        ];
        for (subjects, expected) in cases {
            let uses: Vec<SchemaVersion> = subjects.iter().map(|subject| used(subject)).collect();
            let speaks = speaker(&uses).map(|position| subjects[position]);
            assert_eq!(speaks, expected, "{subjects:?}");
        }
    }
}
