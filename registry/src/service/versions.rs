//! Versions of a subject: reading, listing, who references them (registry API spec §4.3, §8.4).

use std::collections::BTreeSet;
use std::str::FromStr;

use muster_schema::{Context, SchemaId, Subject, Version};

use super::error::{During as _, Operation, ServiceError};
use super::page::Page;
use super::{Service, latest};
use crate::store::SchemaVersion;

/// A version as a path names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichVersion {
    /// The highest live one.
    Latest,
    /// This one.
    Number(Version),
}

/// Which versions to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionQuery {
    /// Soft-deleted ones too.
    pub deleted: bool,
    /// Only soft-deleted ones; wins over `deleted`.
    pub deleted_only: bool,
    /// All, soft-deleted ones as negative numbers; wins over both.
    pub deleted_as_negative: bool,
    /// The part of the list.
    pub page: Page,
}

impl FromStr for WhichVersion {
    type Err = ServiceError;

    /// Reads `latest` in any letter case, -1, or a number from 1 to 2^31-1, white space around it aside.
    fn from_str(text: &str) -> Result<Self, ServiceError> {
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("latest") {
            return Ok(Self::Latest);
        }
        match trimmed.parse::<i32>() {
            Ok(-1) => Ok(Self::Latest),
            Ok(number) if number > 0 => Ok(Self::Number(Version(number))),
            _ => Err(ServiceError::InvalidVersion(text.to_owned())),
        }
    }
}

impl WhichVersion {
    /// The number, -1 for the latest.
    pub fn number(self) -> Version {
        match self {
            Self::Latest => super::LATEST,
            Self::Number(number) => number,
        }
    }
}

impl Service {
    /// Reads a version, live or (with `deleted`) soft-deleted; -1 is the latest, which is always live. An unqualified
    /// subject is then tried in every other context that has one of this name.
    pub async fn version(
        &self,
        subject: &Subject,
        version: Version,
        deleted: bool,
    ) -> Result<SchemaVersion, ServiceError> {
        match self.find_version(subject, version, deleted).await? {
            Some(found) => Ok(found),
            None => Err(self.no_version(subject, version, deleted).await),
        }
    }

    pub(super) async fn find_version(
        &self,
        subject: &Subject,
        version: Version,
        deleted: bool,
    ) -> Result<Option<SchemaVersion>, ServiceError> {
        if let Some(found) = self.version_in(subject, version, deleted).await? {
            return Ok(Some(found));
        }
        for namesake in self.namesakes(subject).await? {
            if let Some(found) = self.version_in(&namesake, version, deleted).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// As [`Service::version`], in the subject's own context only.
    async fn version_in(
        &self,
        subject: &Subject,
        version: Version,
        deleted: bool,
    ) -> Result<Option<SchemaVersion>, ServiceError> {
        if version == super::LATEST {
            let state = self.store.state(subject).await.during(Operation::Read)?;
            return Ok(latest(&state.versions).cloned());
        }
        let found = self.store.version(subject, version).await.during(Operation::Read)?;
        Ok(found.filter(|v| deleted || !v.deleted))
    }

    /// The numbers of a subject's versions, ascending by absolute value.
    pub async fn versions(&self, subject: &Subject, query: VersionQuery) -> Result<Vec<i32>, ServiceError> {
        if !self.exists(subject, query.deleted || query.deleted_only).await? {
            return Err(ServiceError::SubjectNotFound(subject.clone()));
        }
        let state = self.store.state(subject).await.during(Operation::Read)?;
        let number = |v: &SchemaVersion| {
            let number = v.version.0;
            if query.deleted_as_negative {
                return Some(if v.deleted { -number } else { number });
            }
            let wanted = if query.deleted_only { v.deleted } else { query.deleted || !v.deleted };
            wanted.then_some(number)
        };
        query.page.of(state.versions.iter().filter_map(number).collect(), self.options.search.versions)
    }

    /// The ids of the schemas that reference a version, by context and id. The version itself may be soft-deleted;
    /// soft-deleted referrers count with `deleted`.
    pub async fn referenced_by(
        &self,
        subject: &Subject,
        version: Version,
        deleted: bool,
        page: Page,
    ) -> Result<Vec<SchemaId>, ServiceError> {
        let Some(target) = self.find_version(subject, version, true).await? else {
            return Err(self.no_version(subject, version, true).await);
        };
        let referrers =
            self.store.referrers(&target.subject, target.version).await.during(Operation::Read)?;
        let ids: BTreeSet<(Context, SchemaId)> = referrers
            .into_iter()
            .filter(|referrer| deleted || !referrer.deleted)
            .map(|referrer| (referrer.subject.context().clone(), referrer.id))
            .collect();
        page.of(ids.into_iter().map(|(_, id)| id).collect(), self.options.search.schemas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_reference_reads_them() {
        let number = |n| Some(WhichVersion::Number(Version(n)));
        let cases = [
            ("latest", Some(WhichVersion::Latest)),
            (" LATEST ", Some(WhichVersion::Latest)),
            ("-1", Some(WhichVersion::Latest)),
            ("1", number(1)),
            ("01", number(1)),
            ("+1", number(1)),
            ("2147483647", number(i32::MAX)),
            ("2147483648", None),
            ("0", None),
            ("-2", None),
            ("1e0", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse().ok(), expected, "{text:?}");
        }
    }
}
