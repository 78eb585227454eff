//! When a schema is the one that a subject has already (registry API spec §8.1–8.2, schema formats spec §4.4).

use muster_schema::{Guid, Metadata, SchemaId, Subject};

use super::canonical::Canonical;
use super::error::{During as _, Operation, ServiceError};
use super::merge::{self, VERSION_PROPERTY};
use super::{Found, Service};
use crate::store::{Content, SchemaVersion};

/// What a context knows about some content.
#[derive(Clone)]
pub(super) struct HashHit {
    /// The id that the content stands for; at least one version of any subject still uses it.
    pub(super) id: SchemaId,
    /// The version of the subject asked about under that id, soft-deleted or not.
    pub(super) of_subject: Option<SchemaVersion>,
}

/// What was looked up by content since the last write, for clients that register the same schemas again and again.
pub(super) struct HashHits(moka::sync::Cache<(Subject, Guid), (u64, HashHit)>);

impl HashHits {
    const BYTES: u64 = 4 << 20;

    pub(super) fn new() -> Self {
        let weigh = |(subject, _): &(Subject, Guid), (_, hit): &(u64, HashHit)| {
            let text = hit.of_subject.as_ref().map_or(0, |version| version.content.schema.len());
            u32::try_from(text + subject.name().len() + 500).unwrap_or(u32::MAX)
        };
        Self(moka::sync::Cache::builder().max_capacity(Self::BYTES).weigher(weigh).build())
    }
}

impl Service {
    /// Looks the content up in the context of `subject`. An entry that nothing uses any more does not count.
    pub(super) async fn by_hash(
        &self,
        content: &Content,
        subject: &Subject,
    ) -> Result<Option<HashHit>, ServiceError> {
        let revision = self.store.revision();
        let key = (subject.clone(), content.guid);
        if let Some((read_at, hit)) = self.hash_hits.0.get(&key)
            && read_at == revision
        {
            return Ok(Some(hit));
        }
        let known = self.store.known_content(subject, content.guid).await.during(Operation::LookUp)?;
        let Some((id, of_subject)) = known else { return Ok(None) };
        let hit = HashHit { id, of_subject };
        self.hash_hits.0.insert(key, (revision, hit.clone()));
        Ok(Some(hit))
    }

    /// Finds `canonical` among `versions` of `subject`: by content hash, else the newest version that says the same.
    pub(super) async fn find(
        &self,
        canonical: &Canonical,
        subject: &Subject,
        versions: &[SchemaVersion],
        deleted: bool,
    ) -> Result<Option<Found>, ServiceError> {
        if versions.is_empty() {
            return Ok(None);
        }
        let hit = self.by_hash(&canonical.content, subject).await?.and_then(|hit| hit.of_subject);
        if let Some(hit) = hit.filter(|hit| deleted || !hit.deleted) {
            return Ok(Some(hash_answer(canonical, hit)));
        }
        for version in versions.iter().rev().filter(|v| deleted || !v.deleted) {
            if self.stands_for(canonical, version).await? {
                return Ok(Some(Found { schema: version.clone(), stored: true }));
            }
        }
        Ok(None)
    }

    /// Whether a client that sends `new` means the stored `version`: the same references (or `new` has everything
    /// inlined), the same schema, metadata and rules, the version's own number aside.
    pub(super) async fn stands_for(
        &self,
        new: &Canonical,
        version: &SchemaVersion,
    ) -> Result<bool, ServiceError> {
        let (ours, theirs) = (&*new.content, &*version.content);
        let same_references = ours.references == theirs.references;
        if ours.schema_type != theirs.schema_type
            || !(same_references || ours.references.is_empty())
            || ours.rule_set != theirs.rule_set
            || !metadata_agrees(ours, version)
        {
            return Ok(false);
        }
        if same_references && ours.schema == theirs.schema {
            return Ok(true);
        }
        // What does not parse any more cannot be meant; the search goes on.
        match self.parse_stored(version).await {
            Ok(parsed) => Ok(new.parsed.equivalent(&parsed)),
            Err(error @ ServiceError::Store { .. }) => Err(error),
            Err(_) => Ok(false),
        }
    }
}

/// The answer for a hit of the content hash: the stored place with the content of the request.
pub(super) fn hash_answer(canonical: &Canonical, hit: SchemaVersion) -> Found {
    Found { schema: SchemaVersion { content: canonical.content.clone(), ..hit }, stored: false }
}

/// Compares metadata, ignoring the version property where only one side has it. A value that is no number counts as a
/// property like any other.
fn metadata_agrees(new: &Content, version: &SchemaVersion) -> bool {
    let number = |content: &Content| -> Option<i32> {
        merge::property(content.metadata.as_ref(), VERSION_PROPERTY)?.parse().ok()
    };
    let (ours, theirs) = (new.metadata.as_ref(), version.content.metadata.as_ref());
    let bare = |metadata| merge::without_property(metadata, VERSION_PROPERTY).unwrap_or_default();
    let whole = |metadata: Option<&Metadata>| metadata.cloned().unwrap_or_default();
    match (number(new), number(&version.content)) {
        (None, Some(_)) => merge::same_metadata(Some(&whole(ours)), Some(&bare(theirs))),
        (Some(number), None) => {
            number == version.version.0 && merge::same_metadata(Some(&bare(ours)), Some(&whole(theirs)))
        }
        (None, None) | (Some(_), Some(_)) => merge::same_metadata(ours, theirs),
    }
}
