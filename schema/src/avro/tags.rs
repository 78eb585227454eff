//! Inline tags: the attribute `confluent:tags` of records and fields (schema formats spec §8).

use std::collections::{HashSet, VecDeque};

use super::attributes::invalid;
use super::model::{AvroSchema, Field, Kind, Name, NodeId};
use super::names::NameIndex;
use super::references;
use crate::format::{EntityTags, ParseError};
use crate::jsontext::{self, Comments, Json};
use crate::tags::{edits, of_members};

/// Records and fields that carry tags, each record before its fields, in document order.
pub(super) fn inline_tags(schema: &AvroSchema) -> Vec<EntityTags> {
    enum Task<'a> {
        Node(NodeId),
        Field(&'a Name, &'a Field),
    }
    let names = NameIndex::new(&schema.nodes);
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut tasks = vec![Task::Node(schema.root)];
    while let Some(task) = tasks.pop() {
        match task {
            Task::Node(id) => match schema.nodes.get(id.index()).map(|node| (&node.kind, &node.props)) {
                Some((Kind::Array(child) | Kind::Map(child), _)) => tasks.push(Task::Node(*child)),
                Some((Kind::Union(branches), _)) => {
                    tasks.extend(branches.iter().rev().copied().map(Task::Node));
                }
                Some((Kind::Record(record), props))
                    if names.of(id).is_some_and(|(name, _)| seen.insert(name)) =>
                {
                    let name = &record.named.name;
                    if let Some(tags) = of_members(props, jsontext::write) {
                        found.push(EntityTags { path: name.to_string(), is_field: false, tags });
                    }
                    tasks.extend(record.fields.iter().rev().map(|field| Task::Field(name, field)));
                }
                _ => {}
            },
            Task::Field(record, field) => {
                if let Some(tags) = of_members(&field.props, jsontext::write) {
                    let path = format!("{record}.{}", field.name);
                    found.push(EntityTags { path, is_field: true, tags });
                }
                tasks.push(Task::Node(field.schema));
            }
        }
    }
    found
}

/// Adds tags, then removes tags, and returns the canonical text that results.
///
/// Tags that are there keep their order, new ones follow; an attribute without tags disappears.
/// Errors: [`ParseError::Invalid`] for a path that leads nowhere.
pub(super) fn with_tags(
    schema: &AvroSchema,
    add: &[EntityTags],
    remove: &[EntityTags],
) -> Result<String, ParseError> {
    let limits = &schema.source.limits;
    let mut json = jsontext::read(&schema.canonical, Comments::Refused, limits)
        .map_err(|error| invalid(error.to_string()))?;
    for edit in edits(add, remove) {
        let entity = edit.entity;
        let path = find(&json, entity)
            .ok_or_else(|| invalid(format!("No matching path '{}' found in the schema", entity.path)))?;
        if let Some(Json::Object(members)) = follow(&mut json, &path) {
            edit.apply_to(members, jsontext::write)?;
        }
    }
    let mut text = String::new();
    jsontext::write(&mut text, &json);
    let source = &schema.source;
    references::parse(&text, &source.references, source.strictness, limits, limits.schema_bytes)
        .map(|schema| schema.canonical)
}

/// Where an entity is in canonical text, as positions of members and items from the root. The nearest one to the root
/// wins, as in the reference, which searches level by level; the fields of an `error` are not searched.
fn find(root: &Json, entity: &EntityTags) -> Option<Vec<usize>> {
    let path = entity.path.strip_prefix('.').unwrap_or(&entity.path).trim_end_matches('.');
    let (record, field) = match path.rsplit_once('.') {
        Some((record, field)) if entity.is_field => (record, Some(field)),
        None if entity.is_field => return None,
        _ => (path, None),
    };
    let (namespace, record) = record.rsplit_once('.').unwrap_or(("", record));
    // What was reached: the value, from which earlier one, at which position, in which namespace.
    let mut reached: Vec<(&Json, usize, usize, Option<&str>)> = Vec::new();
    let mut queue = VecDeque::new();
    reached.push((root, 0, 0, text(root, "namespace")));
    queue.push_back(0);
    while let Some(at) = queue.pop_front() {
        let &(json, _, _, inherited) = reached.get(at)?;
        let mut add = |reached: &mut Vec<_>, steps: &[usize]| {
            let (mut json, mut from) = (json, at);
            for (done, &step) in steps.iter().enumerate() {
                let Some(child) = child(json, step) else { return };
                let namespace = text(child, "namespace").or(inherited);
                reached.push((child, from, step, namespace));
                from = reached.len() - 1;
                json = child;
                if done + 1 == steps.len() {
                    queue.push_back(from);
                }
            }
        };
        let type_of = json.get("type");
        let count = children(json);
        let Some(type_of) = type_of else {
            (0..count).for_each(|step| add(&mut reached, &[step]));
            continue;
        };
        let member = |key: &str| position(json, key);
        match type_of.as_str().unwrap_or_default() {
            "record" => {
                let fields = member("fields");
                let field_count = fields.and_then(|fields| child(json, fields)).map_or(0, children);
                let is_it = text(json, "name") == Some(record)
                    && (namespace.is_empty() || inherited == Some(namespace));
                match (is_it, field, fields) {
                    (true, None, _) => return Some(trace(&reached, at)),
                    (true, Some(name), Some(fields)) => {
                        let list = child(json, fields)?;
                        let found = (0..field_count).find(|&step| {
                            child(list, step).and_then(|field| text(field, "name")) == Some(name)
                        });
                        if let Some(step) = found {
                            let mut path = trace(&reached, at);
                            path.extend([fields, step]);
                            return Some(path);
                        }
                    }
                    (_, _, Some(fields)) => {
                        (0..field_count).for_each(|step| add(&mut reached, &[fields, step]))
                    }
                    _ => {}
                }
            }
            "array" => member("items").into_iter().for_each(|step| add(&mut reached, &[step])),
            "map" => member("values").into_iter().for_each(|step| add(&mut reached, &[step])),
            _ => member("type").into_iter().for_each(|step| add(&mut reached, &[step])),
        }
    }
    None
}

/// The positions that lead to a value that was reached.
fn trace(reached: &[(&Json, usize, usize, Option<&str>)], mut at: usize) -> Vec<usize> {
    let mut path = Vec::new();
    while let (true, Some(&(_, from, step, _))) = (at != 0, reached.get(at)) {
        path.push(step);
        at = from;
    }
    path.reverse();
    path
}

fn text<'j>(json: &'j Json, key: &str) -> Option<&'j str> {
    json.get(key).and_then(Json::as_str)
}

fn position(json: &Json, key: &str) -> Option<usize> {
    match json {
        Json::Object(members) => members.iter().position(|(name, _)| name == key),
        _ => None,
    }
}

fn children(json: &Json) -> usize {
    match json {
        Json::Array(items) => items.len(),
        Json::Object(members) => members.len(),
        _ => 0,
    }
}

fn child(json: &Json, step: usize) -> Option<&Json> {
    match json {
        Json::Array(items) => items.get(step),
        Json::Object(members) => members.get(step).map(|(_, value)| value),
        _ => None,
    }
}

fn follow<'j>(json: &'j mut Json, path: &[usize]) -> Option<&'j mut Json> {
    path.iter().try_fold(json, |json, &step| match json {
        Json::Array(items) => items.get_mut(step),
        Json::Object(members) => members.get_mut(step).map(|(_, value)| value),
        _ => None,
    })
}
