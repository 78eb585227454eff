//! Inline tags of a schema: finding them, changing them, carrying them over (registry API spec §7.6, §8.6).

use muster_schema::format::EntityTags;
use muster_schema::{Strictness, Subject};

use super::Service;
use super::canonical::Draft;
use super::error::ServiceError;
use super::references;
use crate::store::SchemaVersion;

impl Service {
    /// The places of a version that carry one of `wanted`; `*` is any tag.
    pub async fn tags(
        &self,
        version: &SchemaVersion,
        wanted: &[String],
    ) -> Result<Vec<EntityTags>, ServiceError> {
        let parsed = self.parse_stored(version).await?;
        let any = wanted.iter().any(|tag| tag == "*");
        let mut entities = parsed.inline_tags();
        entities.retain(|entity| any || entity.tags.iter().any(|tag| wanted.contains(tag)));
        Ok(entities)
    }

    /// The draft's text with tags added and taken away.
    pub(super) async fn edit_tags(
        &self,
        subject: &Subject,
        draft: &Draft,
        add: &[EntityTags],
        remove: &[EntityTags],
    ) -> Result<String, ServiceError> {
        if draft.is_blank() {
            return Err(ServiceError::EmptySchema);
        }
        let schema_type = draft.schema_type()?;
        let references = references::complete(&draft.references, schema_type)?;
        let resolution =
            self.resolve(schema_type, &references, subject.context(), Strictness::Stored, false).await?;
        let parsed = self
            .parser
            .parse(schema_type, &draft.schema, &resolution.closure, Strictness::Stored)
            .await
            .map_err(|source| ServiceError::InvalidSchema { schema_type, source })?;
        parsed.with_tags(add, remove).map_err(|source| ServiceError::InvalidTags(source.to_string()))
    }

    /// The draft's text with the inline tags of the previous version.
    pub(super) async fn propagate_tags(
        &self,
        subject: &Subject,
        draft: &Draft,
        previous: &SchemaVersion,
    ) -> Result<String, ServiceError> {
        let tags = self.parse_stored(previous).await?.inline_tags();
        if tags.is_empty() {
            return Ok(draft.schema.clone());
        }
        self.edit_tags(subject, draft, &tags, &[]).await
    }
}
