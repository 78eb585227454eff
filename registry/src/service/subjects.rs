//! Listing subjects, and finding a version by its metadata (registry API spec §4.2).

use muster_schema::Subject;

use super::error::{During as _, Operation, ServiceError};
use super::page::Page;
use super::{Service, merge};
use crate::store::SchemaVersion;

impl Service {
    /// Qualified subject names that match `prefix`, sorted. A subject counts as deleted if all its versions are.
    pub async fn subjects(
        &self,
        prefix: &str,
        deleted: bool,
        deleted_only: bool,
        page: Page,
    ) -> Result<Vec<String>, ServiceError> {
        let subjects = self.store.subjects(&Self::selection(prefix)).await.during(Operation::Read)?;
        let wanted = |live: u32| if deleted_only { live == 0 } else { deleted || live > 0 };
        let names = subjects.into_iter().filter(|s| wanted(s.live)).map(|s| s.subject.to_string()).collect();
        page.of(names, self.options.search.subjects)
    }

    /// The highest version whose metadata properties contain all of `pairs`.
    pub async fn version_by_metadata(
        &self,
        subject: &Subject,
        pairs: &[(String, String)],
        deleted: bool,
    ) -> Result<SchemaVersion, ServiceError> {
        let state = self.store.state(subject).await.during(Operation::Read)?;
        let matches = |version: &&SchemaVersion| {
            let metadata = version.content.metadata.as_ref();
            let has = |(key, value): &(String, String)| merge::property(metadata, key) == Some(value);
            (deleted || !version.deleted) && metadata.is_some() && pairs.iter().all(has)
        };
        if let Some(found) = state.versions.iter().rev().find(matches) {
            return Ok(found.clone());
        }
        if self.exists(subject, deleted).await? {
            Err(ServiceError::SchemaNotFound)
        } else {
            Err(ServiceError::SubjectNotFound(subject.clone()))
        }
    }
}
