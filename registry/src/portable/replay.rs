//! What a registry remembers after a sequence of records (registry API spec §14.3).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use muster_schema::identity::content_guid;
use muster_schema::{Context, Guid, SchemaId, Subject, Version};

use super::record::{AssociationKey, Record, SchemaValue};
use crate::store::snapshot::{Key, VersionRecord};
use crate::store::{Association, Content, Snapshot};

/// How many troubles are kept in words.
const TROUBLES: usize = 20;

/// A property the reference adds where it has encrypted the values of others.
const ENCRYPTED: &str = "__enc__";

/// What happened to records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records seen, those of no use included.
    pub records: u64,
    /// Records that could not be decoded, or whose id belongs to another text.
    pub skipped: u64,
    /// Versions whose sensitive properties the reference has encrypted. They stay as they are.
    pub encrypted: u64,
    /// The first few of those that were skipped.
    pub troubles: Vec<Trouble>,
}

/// A record that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Its place: a line or an offset.
    pub place: u64,
    /// Why.
    pub reason: String,
}

/// Something that records cannot say, set directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Override {
    /// The highest id that a context has given out.
    LastId(Context, SchemaId),
    /// The version of a subject that an id leads to, or that it leads to none.
    Use(Context, SchemaId, String, Option<Version>),
    /// The id that content leads to, or that it leads to none.
    Content(Context, Guid, Option<SchemaId>),
}

/// Applies records one by one.
///
/// A later record of a key takes the place of an earlier one, so a log gives the same result before and after
/// compaction as far as compaction keeps what is needed.
#[derive(Debug, Default)]
pub struct Replay {
    snapshot: Snapshot,
    associations: BTreeMap<AssociationKey, Association>,
    /// The ids that lead to a version.
    leading: HashMap<(Key, Version), BTreeSet<SchemaId>>,
    /// Contents by hash, to share equal ones.
    contents: HashMap<Guid, Arc<Content>>,
    summary: Summary,
    /// The time of records that do not tell theirs.
    now_ms: i64,
}

impl Replay {
    /// Starts with nothing. `now_ms` is the time of records that do not tell theirs.
    pub fn new(now_ms: i64) -> Self {
        Self { now_ms, ..Self::default() }
    }

    /// Applies a record. `place` and `timestamp_ms` are those of the record.
    pub fn apply(&mut self, record: Record, place: u64, timestamp_ms: Option<i64>) {
        self.summary.records += 1;
        match record {
            Record::Noop => {}
            Record::Schema { subject, version, value: Some(value) } => {
                let id = value.id;
                if !self.put(&subject, version, *value, timestamp_ms) {
                    let reason = format!(
                        "version {version} of subject {:?} claims id {id}, which belongs to another schema",
                        subject.to_string()
                    );
                    self.trouble(place, reason);
                }
            }
            Record::Schema { subject, version, value: None } => {
                self.forget(&Snapshot::key(&subject), &[version]);
            }
            Record::Config { target, value } => {
                self.snapshot.subjects.entry(Snapshot::key(&target)).or_default().config =
                    value.map(|config| *config);
            }
            Record::Mode { target, value } => {
                self.snapshot.subjects.entry(Snapshot::key(&target)).or_default().mode = value;
            }
            Record::DeleteSubject { subject, through } => {
                if let Some(through) = through {
                    self.soft_delete(&Snapshot::key(&subject), through);
                }
            }
            Record::ClearSubject { target, present } => {
                if present {
                    self.clear(&target);
                }
            }
            Record::Context { context, present } => {
                self.snapshot.contexts.entry(context).or_default().listed = present;
            }
            Record::Association { key, value: Some(value) } => {
                self.associations.insert(key, *value);
            }
            Record::Association { key, value: None } => {
                self.associations.remove(&key);
            }
        }
    }

    /// Notes a record that cannot be decoded.
    pub fn skip(&mut self, place: u64, reason: String) {
        self.summary.records += 1;
        self.trouble(place, reason);
    }

    /// Sets what records cannot say.
    pub fn set(&mut self, what: Override) {
        let snapshot = &mut self.snapshot;
        match what {
            Override::LastId(context, id) => {
                let last_id = &mut snapshot.contexts.entry(context).or_default().last_id;
                *last_id = Some(last_id.map_or(id, |known| known.max(id)));
            }
            Override::Use(context, id, name, version) => {
                let uses = snapshot.uses.entry((context.clone(), id)).or_default();
                let key = (context, name);
                let old = match version {
                    Some(version) => uses.insert(key.1.clone(), version),
                    None => uses.remove(&key.1),
                };
                if let Some(old) = old
                    && let Some(ids) = self.leading.get_mut(&(key.clone(), old))
                {
                    ids.remove(&id);
                }
                if let Some(version) = version {
                    self.leading.entry((key, version)).or_default().insert(id);
                }
            }
            Override::Content(context, guid, Some(id)) => {
                snapshot.ids.insert((context, guid), id);
            }
            Override::Content(context, guid, None) => {
                snapshot.ids.remove(&(context, guid));
            }
        }
    }

    /// What is remembered, and what happened on the way.
    pub fn finish(mut self) -> (Snapshot, Summary) {
        // A resource has one key and one value; of several the one written last counts.
        let mut of_resource: BTreeMap<_, Association> = BTreeMap::new();
        for association in self.associations.into_values() {
            let resource = &association.resource;
            let key = (resource.id.clone(), resource.kind.clone(), association.association_type);
            match of_resource.get(&key) {
                Some(known) if known.updated_ms > association.updated_ms => {}
                _ => drop(of_resource.insert(key, association)),
            }
        }
        self.snapshot.associations = of_resource.into_values().collect();
        self.snapshot.tidy();
        (self.snapshot, self.summary)
    }

    /// What happened so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn trouble(&mut self, place: u64, reason: String) {
        self.summary.skipped += 1;
        if self.summary.troubles.len() < TROUBLES {
            self.summary.troubles.push(Trouble { place, reason });
        }
    }

    /// Writes a version; `false` if its id belongs to another text.
    fn put(
        &mut self,
        subject: &Subject,
        version: Version,
        value: SchemaValue,
        timestamp_ms: Option<i64>,
    ) -> bool {
        let key = Snapshot::key(subject);
        let id = value.id;
        if self.text_of(&key.0, id).is_some_and(|text| text != value.schema) {
            return false;
        }
        let properties = value.metadata.as_ref().and_then(|metadata| metadata.properties.as_ref());
        self.summary.encrypted += u64::from(properties.is_some_and(|all| all.contains_key(ENCRYPTED)));
        let ts_ms = timestamp_ms.or(value.ts_ms).unwrap_or(self.now_ms);
        let deleted = value.deleted;
        let content = self.share(value);
        let state = self.snapshot.contexts.entry(key.0.clone()).or_default();
        // An imported id 0 counts as 1 (§10.1).
        state.last_id = Some(state.last_id.unwrap_or(SchemaId(1)).max(id));
        self.snapshot.ids.insert((key.0.clone(), content.guid), id);
        let record = VersionRecord { id, content, deleted, ts_ms };
        self.snapshot.subjects.entry(key.clone()).or_default().versions.insert(version, record);
        // The id of what stood there before goes on leading there.
        self.lead(&key, id, Some(version));
        true
    }

    /// The text that an id stands for: that of a version which has it, else of one that has replaced such a version.
    fn text_of(&self, context: &Context, id: SchemaId) -> Option<&str> {
        let uses = self.snapshot.uses.get(&(context.clone(), id))?;
        let mut found = uses
            .iter()
            .filter_map(|(name, version)| self.snapshot.version(&(context.clone(), name.clone()), *version));
        let first = found.next()?;
        let own = if first.id == id { Some(first) } else { found.find(|version| version.id == id) };
        Some(&own.unwrap_or(first).content.schema)
    }

    fn share(&mut self, value: SchemaValue) -> Arc<Content> {
        let SchemaValue { schema_type, references, metadata, rule_set, schema, .. } = value;
        let guid = value
            .guid
            .unwrap_or_else(|| content_guid(&schema, &references, metadata.as_ref(), rule_set.as_ref()));
        let content = Content { guid, schema_type, schema, references, metadata, rule_set };
        match self.contents.get(&guid) {
            Some(known) if **known == content => Arc::clone(known),
            _ => {
                let content = Arc::new(content);
                self.contents.insert(guid, Arc::clone(&content));
                content
            }
        }
    }

    /// Lets an id lead to a version of a subject, or no longer to that subject.
    fn lead(&mut self, key: &Key, id: SchemaId, version: Option<Version>) {
        self.set(Override::Use(key.0.clone(), id, key.1.clone(), version));
    }

    fn soft_delete(&mut self, key: &Key, through: Version) {
        let Some(record) = self.snapshot.subjects.get_mut(key) else { return };
        let mut written = Vec::new();
        for (version, stored) in record.versions.range_mut(..=through) {
            stored.deleted = true;
            written.push((*version, stored.id, stored.content.guid));
        }
        // Each is written again, so ids and contents lead to the last of them.
        for (version, id, guid) in written {
            self.lead(key, id, Some(version));
            self.snapshot.ids.insert((key.0.clone(), guid), id);
        }
    }

    fn clear(&mut self, target: &Subject) {
        let (context, name) = Snapshot::key(target);
        let everything = name.is_empty() && (context.is_default() || context.is_global());
        let matching = |key: &Key| everything || (key.0 == context && (name.is_empty() || key.1 == name));
        let mut gone = Vec::new();
        for (key, record) in self.snapshot.subjects.iter().filter(|(key, _)| matching(key)) {
            let deleted = record.versions.iter().filter(|(_, version)| version.deleted);
            gone.push((key.clone(), deleted.map(|(version, _)| *version).collect::<Vec<_>>()));
        }
        for (key, versions) in gone {
            self.forget(&key, &versions);
        }
    }

    /// Removes versions. An id that led to one leads to the highest version of the subject that still has it, or no
    /// longer to the subject. What a content's hash led to stays (§15, 89).
    fn forget(&mut self, key: &Key, versions: &[Version]) {
        for version in versions {
            let Some(record) = self.snapshot.subjects.get_mut(key) else { return };
            record.versions.remove(version);
            let ids = self.leading.remove(&(key.clone(), *version)).unwrap_or_default();
            for id in ids {
                let left = self.snapshot.subjects.get(key).into_iter().flat_map(|record| &record.versions);
                let highest = left.filter(|(_, version)| version.id == id).map(|(version, _)| *version).max();
                self.lead(key, id, highest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    type Log = Vec<(Value, Value)>;

    /// Applies records given as key and value.
    fn replay(records: &[(Value, Value)]) -> (Snapshot, Summary) {
        let mut replay = Replay::new(0);
        for (place, (key, value)) in (1..).zip(records) {
            match Record::decode(key, Some(value), Some(i64::try_from(place).unwrap())) {
                Ok(record) => replay.apply(record, place, Some(i64::try_from(place).unwrap())),
                Err(error) => replay.skip(place, error.to_string()),
            }
        }
        replay.finish()
    }

    fn key(subject: &str, version: i32) -> Value {
        json!({"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1})
    }

    fn put(subject: &str, version: i32, id: i32, schema: &str) -> (Value, Value) {
        let value =
            json!({"subject": subject, "version": version, "id": id, "schema": schema, "deleted": false});
        (key(subject, version), value)
    }

    fn tombstone(subject: &str, version: i32) -> (Value, Value) {
        (key(subject, version), Value::Null)
    }

    fn delete(subject: &str, version: i32) -> (Value, Value) {
        let key = json!({"keytype": "DELETE_SUBJECT", "subject": subject, "magic": 0});
        (key, json!({"subject": subject, "version": version}))
    }

    fn clear(subject: Option<&str>) -> (Value, Value) {
        (json!({"keytype": "CLEAR_SUBJECT", "subject": subject, "magic": 0}), json!({"subject": subject}))
    }

    /// Versions as `subject/version=id`, with `-` in front of soft-deleted ones.
    fn versions(snapshot: &Snapshot) -> String {
        let mut found = Vec::new();
        for ((context, name), record) in &snapshot.subjects {
            for (version, stored) in &record.versions {
                let deleted = if stored.deleted { "-" } else { "" };
                let subject = Subject::new(context.clone(), name.as_str());
                found.push(format!("{deleted}{subject}/{version}={}", stored.id));
            }
        }
        found.join(" ")
    }

    /// Uses as `id:subject/version`.
    fn uses(snapshot: &Snapshot) -> String {
        let one = |((_, id), names): (&(Context, SchemaId), &BTreeMap<String, Version>)| {
            names.iter().map(|(name, version)| format!("{id}:{name}/{version}")).collect::<Vec<_>>().join(" ")
        };
        snapshot.uses.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_log_decides_in_its_order() {
        let cases: Vec<(&str, Log, &str)> = vec![
            ("a version", vec![put("s", 1, 1, "x")], "s/1=1"),
            ("later records win", vec![put("s", 1, 1, "x"), put("s", 1, 2, "y")], "s/1=2"),
            ("tombstones remove", vec![put("s", 1, 1, "x"), tombstone("s", 1)], ""),
            ("tombstones of nothing", vec![tombstone("s", 1), put("s", 1, 1, "x")], "s/1=1"),
            ("deletion", vec![put("s", 1, 1, "x"), put("s", 2, 2, "y"), delete("s", 1)], "-s/1=1 s/2=2"),
            // §15, 88: a watermark over what is there, not a lasting flag.
            ("deletion before", vec![delete("s", 9), put("s", 1, 1, "x")], "s/1=1"),
            (
                "deletion between",
                vec![put("s", 1, 1, "x"), delete("s", 9), put("s", 2, 2, "y")],
                "-s/1=1 s/2=2",
            ),
            ("deletion undone", vec![put("s", 1, 1, "x"), delete("s", 1), put("s", 1, 1, "x")], "s/1=1"),
            (
                "clearing a subject",
                vec![
                    put("s", 1, 1, "x"),
                    put("t", 1, 2, "y"),
                    delete("s", 1),
                    delete("t", 1),
                    clear(Some("s")),
                ],
                "-t/1=2",
            ),
            ("clearing spares the live", vec![put("s", 1, 1, "x"), clear(Some("s"))], "s/1=1"),
            (
                "clearing a context",
                vec![
                    put(":.c:s", 1, 1, "x"),
                    put("s", 1, 1, "x"),
                    delete("s", 1),
                    delete(":.c:s", 1),
                    clear(Some(":.c:")),
                ],
                "-s/1=1",
            ),
            ("clearing everything", vec![put(":.c:s", 1, 1, "x"), delete(":.c:s", 1), clear(None)], ""),
            // §15, 87: one id, two texts: the later record is dropped.
            ("a claimed id", vec![put("s", 1, 1, "x"), put("t", 1, 1, "y")], "s/1=1"),
            (
                "an id of another context",
                vec![put("s", 1, 1, "x"), put(":.c:t", 1, 1, "y")],
                "s/1=1 :.c:t/1=1",
            ),
            ("a shared id", vec![put("s", 1, 1, "x"), put("t", 1, 1, "x")], "s/1=1 t/1=1"),
            ("a freed id", vec![put("s", 1, 1, "x"), tombstone("s", 1), put("t", 1, 1, "y")], "t/1=1"),
            ("no version", vec![(json!({"keytype": "NOOP", "magic": 0}), Value::Null)], ""),
        ];
        for (name, records, expected) in cases {
            assert_eq!(versions(&replay(&records).0), expected, "{name}");
        }
    }

    #[test]
    fn ids_lead_to_the_version_written_last() {
        let cases: Vec<(Vec<(Value, Value)>, &str)> = vec![
            (vec![put("s", 1, 1, "x"), put("s", 2, 1, "x")], "1:s/2"),
            (vec![put("s", 2, 1, "x"), put("s", 1, 1, "x")], "1:s/1"),
            (vec![put("s", 1, 1, "x"), put("s", 2, 1, "x"), tombstone("s", 2)], "1:s/1"),
            // §15, 20: the old id resolves to the new content of the version.
            (vec![put("s", 1, 1, "x"), put("s", 1, 2, "y")], "1:s/1 2:s/1"),
            (vec![put("s", 1, 1, "x"), put("s", 1, 2, "y"), tombstone("s", 1)], ""),
            (vec![put("s", 2, 1, "x"), put("s", 1, 1, "x"), delete("s", 2)], "1:s/2"),
        ];
        for (records, expected) in cases {
            assert_eq!(uses(&replay(&records).0), expected, "{records:?}");
        }
    }

    #[test]
    fn the_highest_id_and_the_hash_outlive_their_version() {
        let (snapshot, _) = replay(&[put("s", 1, 9, "x"), tombstone("s", 1)]);
        let context = Context::default_context();
        assert_eq!(snapshot.contexts[&context].last_id, Some(SchemaId(9)));
        let guid = content_guid("x", &[], None, None);
        assert_eq!(snapshot.ids.get(&(context, guid)), Some(&SchemaId(9)));
    }

    #[test]
    fn settings_contexts_and_times_are_kept() {
        let config = |value| (json!({"keytype": "CONFIG", "subject": "s", "magic": 0}), value);
        let context =
            |value| (json!({"keytype": "CONTEXT", "tenant": "default", "context": ".c", "magic": 0}), value);
        let (snapshot, summary) = replay(&[
            config(json!({"compatibilityLevel": "NONE"})),
            config(json!({"compatibilityLevel": "FULL"})),
            (json!({"keytype": "MODE", "magic": 0}), json!({"mode": "READONLY"})),
            context(json!({"tenant": "default", "context": ".c"})),
            put("s", 1, 1, "x"),
            (json!({"keytype": "WHAT"}), Value::Null),
        ]);
        let counts = snapshot.counts();
        assert_eq!((counts.configs, counts.modes, counts.contexts, counts.versions), (1, 1, 1, 1));
        assert_eq!(snapshot.subjects.values().find_map(|s| s.versions.values().next()).unwrap().ts_ms, 5);
        assert_eq!((summary.records, summary.skipped), (6, 1));
        assert_eq!(summary.troubles[0], Trouble { place: 6, reason: "unknown key type \"WHAT\"".into() });
        let (snapshot, _) =
            replay(&[config(json!({})), config(Value::Null), context(json!({})), context(Value::Null)]);
        assert_eq!(snapshot, Snapshot::default());
    }
}
