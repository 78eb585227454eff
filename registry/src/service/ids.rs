//! Reading by id and by guid (registry API spec §4.4, §8.3, §8.5).

use muster_schema::{Context, Guid, ParseError, SchemaId, Subject};

use super::error::{During as _, Operation, ServiceError};
use super::page::Page;
use super::{Service, context_of};
use crate::options::SearchLimit;
use crate::store::SchemaVersion;

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
        let subject = Subject::parse(subject);
        if !subject.name().is_empty() {
            if let Some(own) = self.use_in(&subject, id).await? {
                return Ok(Some(own));
            }
            if !subject.context().is_default() {
                return Ok(None);
            }
            for namesake in self.namesakes(&subject).await? {
                if let Some(own) = self.use_in(&namesake, id).await? {
                    return Ok(Some(own));
                }
            }
        }
        self.speaker(subject.context(), id).await
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
        let used = self.by_id(id, subject).await?.ok_or(ServiceError::SchemaNotFound)?;
        // The content counts rather than the id: imported content may have several ids, and the index knows the last.
        let id = self.by_hash(&used.content, &used.subject).await?.map_or(id, |hit| hit.id);
        let uses = self.store.uses_of_id(used.subject.context(), id).await.during(Operation::Read)?;
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
            if let Some(used) = self.speaker(&context, id).await? {
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

    /// The text of a version in a `format`; blank is the canonical text.
    pub async fn formatted(&self, version: &SchemaVersion, format: &str) -> Result<String, ServiceError> {
        let content = &version.content;
        if format.trim().is_empty() || format.trim().eq_ignore_ascii_case("default") {
            return Ok(content.schema.clone());
        }
        let not_showable = |source| ServiceError::NotShowable { format: format.to_owned(), source };
        if content.schema.is_empty() {
            return Err(not_showable(ParseError::Invalid("the stored text is empty".to_owned())));
        }
        let schema = self.parse_content(content, version.subject.context()).await?;
        schema.formatted(format).map_err(not_showable)
    }

    async fn use_in(&self, subject: &Subject, id: SchemaId) -> Result<Option<SchemaVersion>, ServiceError> {
        self.store.use_of_id(subject, id).await.during(Operation::Read)
    }

    async fn speaker(&self, context: &Context, id: SchemaId) -> Result<Option<SchemaVersion>, ServiceError> {
        self.store.speaker_of_id(context, id).await.during(Operation::Read)
    }
}
