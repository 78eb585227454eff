//! Keywords of objects.

use std::collections::{HashMap, HashSet};

use super::kind::DifferenceKind::{self, *};
use super::plan::{At, Entry, Segment, What};
use super::scalars::{Four, difference, limit};
use super::walk::Walk;
use crate::json::model::{Additional, Kind, NodeId, ObjectNode};

/// What an object or array says about a property or item it does not declare.
pub(super) enum Content {
    /// Nothing.
    Open,
    /// It must be what this schema accepts.
    Covered(At),
    /// It must not be there.
    Closed,
}

/// An object with the node it is of, and its lists by name.
struct Side<'s> {
    at: At,
    node: &'s ObjectNode,
    properties: HashMap<&'s str, NodeId>,
    required: HashSet<&'s str>,
}

impl<'s> Side<'s> {
    fn new(at: At, node: &'s ObjectNode) -> Self {
        let properties = node.properties.iter().map(|(name, id)| (name.as_str(), *id)).collect();
        Self { at, node, properties, required: node.required.iter().map(String::as_str).collect() }
    }

    fn at(&self, id: NodeId) -> At {
        self.at.child(id)
    }
}

impl<'s> Walk<'s> {
    pub(super) fn objects(
        &mut self,
        lines: &mut Vec<Entry<'s>>,
        (writer_at, writer): (At, &'s ObjectNode),
        (reader_at, reader): (At, &'s ObjectNode),
    ) {
        const MAX: Four =
            [MaxPropertiesAdded, MaxPropertiesRemoved, MaxPropertiesIncreased, MaxPropertiesDecreased];
        const MIN: Four =
            [MinPropertiesAdded, MinPropertiesRemoved, MinPropertiesIncreased, MinPropertiesDecreased];
        let (writer, reader) = (Side::new(writer_at, writer), Side::new(reader_at, reader));
        self.required(lines, &writer, &reader);
        self.properties(lines, &writer, &reader);
        dependent_lists(lines, writer.node, reader.node);
        dependent_schemas(lines, &writer, &reader);
        let kinds = [
            AdditionalPropertiesAdded,
            AdditionalPropertiesRemoved,
            AdditionalPropertiesExtended,
            AdditionalPropertiesNarrowed,
        ];
        let (old, new) = ((writer.at, writer.node.additional), (reader.at, reader.node.additional));
        additional(lines, "additionalProperties", old, new, kinds);
        let kinds = [
            UnevaluatedPropertiesAdded,
            UnevaluatedPropertiesRemoved,
            UnevaluatedPropertiesExtended,
            UnevaluatedPropertiesNarrowed,
        ];
        let (old, new) = (writer.node.unevaluated, reader.node.unevaluated);
        let (old, new) = (old.map(|id| writer.at(id)), new.map(|id| reader.at(id)));
        self.unevaluated(lines, "unevaluatedProperties", old, new, kinds);
        let (writer, reader) = (writer.node, reader.node);
        limit(lines, "maxProperties", writer.max_properties, reader.max_properties, MAX);
        limit(lines, "minProperties", writer.min_properties, reader.min_properties, MIN);
    }

    fn required(&self, lines: &mut Vec<Entry<'s>>, writer: &Side<'s>, reader: &Side<'s>) {
        for (name, _) in &writer.node.properties {
            let Some(id) = reader.properties.get(name.as_str()) else { continue };
            let kind =
                match (writer.required.contains(name.as_str()), reader.required.contains(name.as_str())) {
                    (true, false) => RequiredAttributeRemoved,
                    (false, true) if self.has_default(reader.at(*id)) => RequiredAttributeWithDefaultAdded,
                    (false, true) => RequiredAttributeAdded,
                    _ => continue,
                };
            lines.push(difference(Segment::Name("required", name), kind));
        }
    }

    fn properties(&mut self, lines: &mut Vec<Entry<'s>>, writer: &Side<'s>, reader: &Side<'s>) {
        for (name, id) in &writer.node.properties {
            let segment = Segment::Name("properties", name);
            let old = writer.at(*id);
            if let Some(new) = reader.properties.get(name.as_str()) {
                lines.push(Entry { segment, what: What::Compare((old, reader.at(*new))) });
                continue;
            }
            match self.object_content(reader.at, reader.node, name) {
                Content::Open => lines.push(difference(segment, PropertyRemovedFromOpenContentModel)),
                Content::Covered(by) => {
                    let what = What::Covered(
                        (old, by),
                        PropertyRemovedIsCoveredByPartiallyOpenContentModel,
                        PropertyRemovedNotCoveredByPartiallyOpenContentModel,
                    );
                    lines.push(Entry { segment, what });
                }
                Content::Closed if matches!(self.kind(old), Kind::False) => {
                    lines.push(difference(segment, PropertyWithFalseRemovedFromClosedContentModel));
                }
                Content::Closed => lines.push(difference(segment, PropertyRemovedFromClosedContentModel)),
            }
        }
        for (name, id) in &reader.node.properties {
            if !writer.properties.contains_key(name.as_str()) {
                self.added_property(lines, writer, reader, (name, reader.at(*id)));
            }
        }
    }

    fn added_property(
        &mut self,
        lines: &mut Vec<Entry<'s>>,
        writer: &Side<'s>,
        reader: &Side<'s>,
        (name, new): (&'s str, At),
    ) {
        let segment = Segment::Name("properties", name);
        let demand = match (reader.required.contains(name), self.has_default(new)) {
            (true, true) => 0,
            (true, false) => 1,
            _ => 2,
        };
        let content = self.object_content(writer.at, writer.node, name);
        if let Content::Open = content {
            let kind = if matches!(self.kind(new), Kind::Empty | Kind::True) {
                PropertyWithEmptySchemaAddedToOpenContentModel
            } else {
                [
                    RequiredPropertyWithDefaultAddedToOpenContentModel,
                    RequiredPropertyAddedToOpenContentModel,
                    OptionalPropertyAddedToOpenContentModel,
                ][demand]
            };
            lines.push(difference(segment, kind));
            return;
        }
        if let Content::Covered(by) = content {
            let what = What::Covered(
                (by, new),
                PropertyAddedIsCoveredByPartiallyOpenContentModel,
                PropertyAddedNotCoveredByPartiallyOpenContentModel,
            );
            lines.push(Entry { segment, what });
        }
        let kind = [
            RequiredPropertyWithDefaultAddedToUnopenContentModel,
            RequiredPropertyAddedToUnopenContentModel,
            OptionalPropertyAddedToUnopenContentModel,
        ][demand];
        lines.push(difference(segment, kind));
    }

    fn object_content(&mut self, at: At, node: &'s ObjectNode, name: &str) -> Content {
        let unevaluated = node.unevaluated.map(|id| at.child(id));
        if node.pattern_properties.is_empty() {
            return self.content(at, node.additional, unevaluated);
        }
        let matching = node.pattern_properties.iter().find(|(pattern, _)| self.is_match(pattern, name));
        match matching {
            Some((_, id)) => Content::Covered(at.child(*id)),
            // Where there are patterns, nothing that matches none is open.
            None => match self.content(at, node.additional, unevaluated) {
                Content::Open => Content::Closed,
                other => other,
            },
        }
    }

    /// The content model, patterns aside.
    pub(super) fn content(&self, at: At, additional: Additional, unevaluated: Option<At>) -> Content {
        match (additional, unevaluated) {
            (Additional::Refused, _) => Content::Closed,
            (Additional::Schema(id), _) => Content::Covered(at.child(id)),
            (Additional::Allowed, None) => Content::Open,
            (Additional::Allowed, Some(unevaluated)) => match self.kind(unevaluated) {
                Kind::True | Kind::Empty => Content::Open,
                Kind::False => Content::Closed,
                _ => Content::Covered(unevaluated),
            },
        }
    }

    /// Compares `unevaluatedProperties` or `unevaluatedItems`.
    pub(super) fn unevaluated(
        &self,
        lines: &mut Vec<Entry<'s>>,
        keyword: &'static str,
        writer: Option<At>,
        reader: Option<At>,
        [added, removed, extended, narrowed]: Four,
    ) {
        let segment = Segment::Keyword(keyword);
        let is_false = |at: At| matches!(self.kind(at), Kind::False);
        let is_true = |at: At| matches!(self.kind(at), Kind::True | Kind::Empty);
        let kind = match (writer, reader) {
            (None, None) => return,
            (None, Some(reader)) if is_false(reader) => removed,
            (None, Some(_)) => narrowed,
            (Some(writer), None) if is_false(writer) => added,
            (Some(_), None) => extended,
            (Some(writer), Some(reader)) => {
                match ((is_false(writer), is_false(reader)), is_true(writer), is_true(reader)) {
                    ((true, false), ..) => added,
                    ((false, true), ..) => removed,
                    ((false, false), true, false) => narrowed,
                    ((false, false), false, true) => extended,
                    _ => {
                        lines.push(Entry { segment, what: What::Compare((writer, reader)) });
                        return;
                    }
                }
            }
        };
        lines.push(difference(segment, kind));
    }
}

/// Compares `additionalProperties` or `additionalItems`.
pub(super) fn additional(
    lines: &mut Vec<Entry<'_>>,
    keyword: &'static str,
    (writer_at, writer): (At, Additional),
    (reader_at, reader): (At, Additional),
    [added, removed, extended, narrowed]: Four,
) {
    let segment = Segment::Keyword(keyword);
    let kind = match (writer, reader) {
        (Additional::Refused, Additional::Refused) | (Additional::Allowed, Additional::Allowed) => return,
        (Additional::Refused, _) => added,
        (_, Additional::Refused) => removed,
        (Additional::Schema(_), Additional::Allowed) => extended,
        (Additional::Allowed, Additional::Schema(_)) => narrowed,
        (Additional::Schema(old), Additional::Schema(new)) => {
            let pair = (writer_at.child(old), reader_at.child(new));
            lines.push(Entry { segment, what: What::Compare(pair) });
            return;
        }
    };
    lines.push(difference(segment, kind));
}

fn dependent_lists<'s>(lines: &mut Vec<Entry<'s>>, writer: &'s ObjectNode, reader: &'s ObjectNode) {
    let by_name = |node: &'s ObjectNode| -> HashMap<&'s str, &'s [String]> {
        node.required_with.iter().map(|(name, list)| (name.as_str(), list.as_slice())).collect()
    };
    let (old, new) = (by_name(writer), by_name(reader));
    let added = reader.required_with.iter().filter(|(name, _)| !old.contains_key(name.as_str()));
    for (name, _) in writer.required_with.iter().chain(added) {
        if let Some(kind) = change_of_list(old.get(name.as_str()).copied(), new.get(name.as_str()).copied()) {
            lines.push(difference(Segment::Name("dependencies", name), kind));
        }
    }
}

fn change_of_list(writer: Option<&[String]>, reader: Option<&[String]>) -> Option<DifferenceKind> {
    let (writer, reader) = match (writer, reader) {
        (None, None) => return None,
        (None, Some(_)) => return Some(DependencyArrayAdded),
        (Some(_), None) => return Some(DependencyArrayRemoved),
        (Some(writer), Some(reader)) => (writer, reader),
    };
    let (writer, reader): (HashSet<&String>, HashSet<&String>) =
        (writer.iter().collect(), reader.iter().collect());
    match (reader.is_superset(&writer), reader.is_subset(&writer)) {
        (true, true) => None,
        (true, false) => Some(DependencyArrayExtended),
        (false, true) => Some(DependencyArrayNarrowed),
        (false, false) => Some(DependencyArrayChanged),
    }
}

fn dependent_schemas<'s>(lines: &mut Vec<Entry<'s>>, writer: &Side<'s>, reader: &Side<'s>) {
    let by_name = |side: &Side<'s>| -> HashMap<&'s str, NodeId> {
        side.node.schemas_with.iter().map(|(name, id)| (name.as_str(), *id)).collect()
    };
    let (old, new) = (by_name(writer), by_name(reader));
    for (name, id) in &writer.node.schemas_with {
        let segment = Segment::Name("dependencies", name);
        lines.push(match new.get(name.as_str()) {
            Some(new) => Entry { segment, what: What::Compare((writer.at(*id), reader.at(*new))) },
            None => difference(segment, DependencySchemaRemoved),
        });
    }
    let added = reader.node.schemas_with.iter().filter(|(name, _)| !old.contains_key(name.as_str()));
    lines.extend(
        added.map(|(name, _)| difference(Segment::Name("dependencies", name), DependencySchemaAdded)),
    );
}
