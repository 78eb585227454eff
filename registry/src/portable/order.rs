//! A snapshot as a sequence of records that leads to it.

use std::collections::HashMap;

use muster_schema::identity::content_guid;
use muster_schema::{Context, SchemaId, Subject, Version};

use super::record::{AssociationKey, Record, SchemaValue};
use super::replay::{Override, Replay};
use crate::store::snapshot::{Key, VersionRecord};
use crate::store::{Content, Snapshot};

/// A record with its timestamp, or something that no record can say.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Record(Record, Option<i64>),
    Override(Override),
}

/// Hands out the steps in an order that depends on nothing but the snapshot: contexts, configs, modes, schemas by
/// context and id with what they reference before them, associations, then what is left (registry API spec §14.3).
pub(super) fn steps<E>(snapshot: &Snapshot, mut each: impl FnMut(Step) -> Result<(), E>) -> Result<(), E> {
    let mut replay = Replay::new(0);
    let mut step = |step: Step| {
        match step.clone() {
            Step::Record(record, timestamp_ms) => replay.apply(record, 0, timestamp_ms),
            Step::Override(what) => replay.set(what),
        }
        each(step)
    };
    let subject = |(context, name): &Key| Subject::new(context.clone(), name.as_str());
    for (context, _) in snapshot.contexts.iter().filter(|(_, state)| state.listed) {
        step(Step::Record(Record::Context { context: context.clone(), present: true }, None))?;
    }
    for (key, record) in &snapshot.subjects {
        if let Some(config) = &record.config {
            let value = Some(Box::new(config.clone()));
            step(Step::Record(Record::Config { target: subject(key), value }, None))?;
        }
    }
    for (key, record) in &snapshot.subjects {
        if let Some(mode) = record.mode {
            step(Step::Record(Record::Mode { target: subject(key), value: Some(mode) }, None))?;
        }
    }
    let replaced = replaced_ids(snapshot);
    for (key, version) in in_order(snapshot) {
        for id in replaced.get(&(key.clone(), version)).into_iter().flatten().copied() {
            let Some(stored) = snapshot.version(key, version) else { continue };
            let content = content_of(snapshot, &key.0, id).unwrap_or(&stored.content);
            let former = SchemaValue { id, ..value(content, stored) };
            let value = Some(Box::new(former));
            step(Step::Record(Record::Schema { subject: subject(key), version, value }, Some(stored.ts_ms)))?;
        }
        let Some(stored) = snapshot.version(key, version) else { continue };
        let value = Some(Box::new(value(&stored.content, stored)));
        step(Step::Record(Record::Schema { subject: subject(key), version, value }, Some(stored.ts_ms)))?;
    }
    for association in &snapshot.associations {
        let (key, value) = (AssociationKey::of(association), Some(Box::new(association.clone())));
        step(Step::Record(Record::Association { key, value }, Some(association.updated_ms)))?;
    }
    let (reached, _) = replay.finish();
    missing(snapshot, &reached).into_iter().try_for_each(|what| each(Step::Override(what)))
}

/// What must be set so that `reached` becomes `wanted`.
fn missing(wanted: &Snapshot, reached: &Snapshot) -> Vec<Override> {
    let mut found = Vec::new();
    for (context, state) in &wanted.contexts {
        if let Some(id) = state.last_id
            && reached.contexts.get(context).and_then(|state| state.last_id) != Some(id)
        {
            found.push(Override::LastId(context.clone(), id));
        }
    }
    for (context, id) in
        wanted.uses.keys().chain(reached.uses.keys().filter(|key| !wanted.uses.contains_key(*key)))
    {
        let of =
            |snapshot: &Snapshot| snapshot.uses.get(&(context.clone(), *id)).cloned().unwrap_or_default();
        let (wanted, reached) = (of(wanted), of(reached));
        for (name, version) in &wanted {
            if reached.get(name) != Some(version) {
                found.push(Override::Use(context.clone(), *id, name.clone(), Some(*version)));
            }
        }
        for name in reached.keys().filter(|name| !wanted.contains_key(*name)) {
            found.push(Override::Use(context.clone(), *id, name.clone(), None));
        }
    }
    for ((context, guid), id) in &wanted.ids {
        if reached.ids.get(&(context.clone(), *guid)) != Some(id) {
            found.push(Override::Content(context.clone(), *guid, Some(*id)));
        }
    }
    for (context, guid) in reached.ids.keys().filter(|key| !wanted.ids.contains_key(*key)) {
        found.push(Override::Content(context.clone(), *guid, None));
    }
    found
}

fn value(content: &Content, stored: &VersionRecord) -> SchemaValue {
    let computed = content_guid(
        &content.schema,
        &content.references,
        content.metadata.as_ref(),
        content.rule_set.as_ref(),
    );
    SchemaValue {
        id: stored.id,
        guid: Some(content.guid).filter(|guid| *guid != computed),
        schema_type: content.schema_type,
        references: content.references.clone(),
        metadata: content.metadata.clone(),
        rule_set: content.rule_set.clone(),
        schema: content.schema.clone(),
        deleted: stored.deleted,
        ts_ms: None,
    }
}

/// For each version that an import has given another id, the ids that lead to it still.
fn replaced_ids(snapshot: &Snapshot) -> HashMap<(Key, Version), Vec<SchemaId>> {
    let mut replaced: HashMap<(Key, Version), Vec<SchemaId>> = HashMap::new();
    for ((context, id), names) in &snapshot.uses {
        for (name, version) in names {
            let key = (context.clone(), name.clone());
            if snapshot.version(&key, *version).is_some_and(|stored| stored.id != *id) {
                replaced.entry((key, *version)).or_default().push(*id);
            }
        }
    }
    replaced
}

/// The content that an id stands for: that of a version which has it, else of the first that has replaced one.
fn content_of<'s>(snapshot: &'s Snapshot, context: &Context, id: SchemaId) -> Option<&'s Content> {
    let names = snapshot.uses.get(&(context.clone(), id))?;
    let mut versions = names
        .iter()
        .filter_map(|(name, version)| snapshot.version(&(context.clone(), name.clone()), *version));
    let first = versions.next()?;
    let own = if first.id == id { Some(first) } else { versions.find(|version| version.id == id) };
    Some(&own.unwrap_or(first).content)
}

/// All versions by context, id, name and number, each after those that it references.
fn in_order(snapshot: &Snapshot) -> Vec<(&Key, Version)> {
    let mut all: Vec<(&Key, Version, &VersionRecord)> = snapshot
        .subjects
        .iter()
        .flat_map(|(key, record)| {
            record.versions.iter().map(move |(version, stored)| (key, *version, stored))
        })
        .collect();
    all.sort_by(|a, b| (&a.0.0, a.2.id, &a.0.1, a.1).cmp(&(&b.0.0, b.2.id, &b.0.1, b.1)));
    let places: HashMap<(&Key, Version), usize> =
        all.iter().enumerate().map(|(place, (key, version, _))| ((*key, *version), place)).collect();
    let targets = |place: usize| -> Vec<usize> {
        let Some((key, _, stored)) = all.get(place) else { return Vec::new() };
        let target = |reference: &muster_schema::SchemaReference| {
            let subject = Subject::parse_in(&reference.subject, &key.0);
            places.get(&(&Snapshot::key(&subject), reference.version)).copied()
        };
        stored.content.references.iter().filter_map(target).collect()
    };
    // Depth first, without recursion: references come from whoever registered.
    let mut seen = vec![false; all.len()];
    let mut ordered = Vec::with_capacity(all.len());
    for start in 0..all.len() {
        let mut path = vec![(start, None::<std::vec::IntoIter<usize>>)];
        while let Some((place, rest)) = path.last_mut() {
            let place = *place;
            let entered = rest.is_some();
            if !entered {
                match seen.get_mut(place) {
                    Some(seen) if !*seen => *seen = true,
                    _ => {
                        path.pop();
                        continue;
                    }
                }
            }
            let next = rest.get_or_insert_with(|| targets(place).into_iter()).next();
            match next {
                Some(next) => path.push((next, None)),
                None => {
                    ordered.extend(all.get(place).map(|(key, version, _)| (*key, *version)));
                    path.pop();
                }
            }
        }
    }
    ordered
}
