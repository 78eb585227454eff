//! Everything that a store remembers, in one value: what is exported, imported and compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster_schema::{Context, Guid, SchemaId, Subject, Version};

use super::{Association, ConfigRecord, Content, Mode};

/// A subject by its context and its name within it; an empty name stands for the settings of the context.
pub type Key = (Context, String);

/// A registry at one moment. Two registries with equal snapshots answer every request alike.
///
/// What the value says beyond its parts: every version's id leads to a version of its subject (`uses`), and every
/// version's content to an id (`ids`). [`Snapshot::tidy`] leaves out what makes no difference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Contexts in which something happened.
    pub contexts: BTreeMap<Context, ContextState>,
    /// Subjects and contexts that have versions or settings.
    pub subjects: BTreeMap<Key, SubjectRecord>,
    /// For each id of a context the version of each subject that answers for it, the last one written for it. The
    /// version may have another id since: then an import has replaced it (registry API spec §15, 20).
    pub uses: BTreeMap<(Context, SchemaId), BTreeMap<String, Version>>,
    /// The id that content stands for in a context, the last one written for it; outlives all uses of the id.
    pub ids: BTreeMap<(Context, Guid), SchemaId>,
    /// Associations, in the order of listings.
    pub associations: Vec<Association>,
}

/// What a context remembers besides its subjects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContextState {
    /// The highest id ever given out or imported.
    pub last_id: Option<SchemaId>,
    /// Whether listings show it. Never set for the default context, which they always show.
    pub listed: bool,
}

/// Settings and versions of a subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubjectRecord {
    /// The config, if one was put.
    pub config: Option<ConfigRecord>,
    /// The mode, if one was put.
    pub mode: Option<Mode>,
    /// All versions, soft-deleted ones included.
    pub versions: BTreeMap<Version, VersionRecord>,
}

/// A version without its place.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRecord {
    /// The id within the context.
    pub id: SchemaId,
    /// What was registered. Equal contents share one value.
    pub content: Arc<Content>,
    /// Whether it is soft-deleted.
    pub deleted: bool,
    /// When it was last written, in milliseconds since the epoch.
    pub ts_ms: i64,
}

/// How much is in a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Subjects that have versions.
    pub subjects: usize,
    /// Versions, soft-deleted ones included.
    pub versions: usize,
    /// Soft-deleted versions.
    pub deleted: usize,
    /// Ids that lead somewhere, over all contexts.
    pub ids: usize,
    /// Contexts that listings show, besides the default one.
    pub contexts: usize,
    /// Configs.
    pub configs: usize,
    /// Modes.
    pub modes: usize,
    /// Associations.
    pub associations: usize,
}

impl Snapshot {
    /// The key of a subject.
    pub fn key(subject: &Subject) -> Key {
        (subject.context().clone(), subject.name().to_owned())
    }

    /// The version that a key and a number name.
    pub fn version(&self, key: &Key, version: Version) -> Option<&VersionRecord> {
        self.subjects.get(key)?.versions.get(&version)
    }

    /// Leaves out what makes no difference: contexts and subjects about which nothing is remembered.
    pub fn tidy(&mut self) {
        self.contexts.retain(|context, state| {
            state.listed &= !context.is_default();
            *state != ContextState::default()
        });
        self.subjects.retain(|_, record| *record != SubjectRecord::default());
        self.uses.retain(|_, subjects| !subjects.is_empty());
        self.associations.sort_by(Association::listing_order);
    }

    /// Counts what is there.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            ids: self.uses.len(),
            contexts: self.contexts.values().filter(|state| state.listed).count(),
            associations: self.associations.len(),
            ..Counts::default()
        };
        for record in self.subjects.values() {
            counts.subjects += usize::from(!record.versions.is_empty());
            counts.versions += record.versions.len();
            counts.deleted += record.versions.values().filter(|version| version.deleted).count();
            counts.configs += usize::from(record.config.is_some());
            counts.modes += usize::from(record.mode.is_some());
        }
        counts
    }

    /// The first difference to `other`, in words, or `None` if both are equal.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let place = |(context, name): &Key| Subject::new(context.clone(), name.as_str()).to_string();
        for (key, record) in &self.subjects {
            let Some(found) = other.subjects.get(key) else {
                return Some(format!("subject {:?} is missing", place(key)));
            };
            for (version, stored) in &record.versions {
                match found.versions.get(version) {
                    None => return Some(format!("version {version} of subject {:?} is missing", place(key))),
                    Some(found) if found != stored => {
                        return Some(format!("version {version} of subject {:?} differs", place(key)));
                    }
                    Some(_) => {}
                }
            }
            if record != found {
                return Some(format!(
                    "config, mode or number of versions of subject {:?} differ",
                    place(key)
                ));
            }
        }
        if let Some(key) = other.subjects.keys().find(|key| !self.subjects.contains_key(*key)) {
            return Some(format!("subject {:?} is not expected", place(key)));
        }
        let parts = [
            (self.contexts == other.contexts, "contexts or their highest ids"),
            (self.uses == other.uses, "the versions that ids lead to"),
            (self.ids == other.ids, "the ids that contents lead to"),
            (self.associations == other.associations, "associations"),
        ];
        parts.iter().find(|(same, _)| !same).map(|(_, what)| format!("{what} differ"))
    }
}
