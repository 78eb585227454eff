//! Keywords whose values are numbers, texts or lists of values.

use std::collections::HashSet;

use super::kind::DifferenceKind::{self, *};
use super::plan::{Entry, Segment, What};
use crate::json::decimal::Decimal;
use crate::json::model::{Annotations, Bound, NumberNode, StringNode};
use crate::json::text;
use crate::jsontext::Json;

/// Kinds for a keyword that is added, removed, increased and decreased.
pub(super) type Four = [DifferenceKind; 4];

pub(super) fn difference<'s>(segment: Segment<'s>, kind: DifferenceKind) -> Entry<'s> {
    Entry { segment, what: What::Differs(kind) }
}

pub(super) fn here<'s>(kind: DifferenceKind) -> Entry<'s> {
    difference(Segment::Here, kind)
}

/// Compares a keyword that is a number.
pub(super) fn limit<T: PartialOrd>(
    lines: &mut Vec<Entry<'_>>,
    keyword: &'static str,
    writer: Option<T>,
    reader: Option<T>,
    [added, removed, increased, decreased]: Four,
) {
    let kind = match (writer, reader) {
        (None, None) => return,
        (None, Some(_)) => added,
        (Some(_), None) => removed,
        (Some(writer), Some(reader)) if writer < reader => increased,
        (Some(writer), Some(reader)) if writer > reader => decreased,
        _ => return,
    };
    lines.push(difference(Segment::Keyword(keyword), kind));
}

pub(super) fn annotations(lines: &mut Vec<Entry<'_>>, writer: &Annotations, reader: &Annotations) {
    let changed = [
        (writer.id != reader.id, IdChanged),
        (writer.title != reader.title, TitleChanged),
        (writer.description != reader.description, DescriptionChanged),
        (writer.default != reader.default, DefaultChanged),
    ];
    lines.extend(changed.into_iter().filter(|(is_changed, _)| *is_changed).map(|(_, kind)| here(kind)));
}

pub(super) fn strings(lines: &mut Vec<Entry<'_>>, writer: &StringNode, reader: &StringNode) {
    const MAX: Four = [MaxLengthAdded, MaxLengthRemoved, MaxLengthIncreased, MaxLengthDecreased];
    const MIN: Four = [MinLengthAdded, MinLengthRemoved, MinLengthIncreased, MinLengthDecreased];
    limit(lines, "maxLength", writer.max_length, reader.max_length, MAX);
    limit(lines, "minLength", writer.min_length, reader.min_length, MIN);
    let kind = match (&writer.pattern, &reader.pattern) {
        (None, Some(_)) => PatternAdded,
        (Some(_), None) => PatternRemoved,
        (Some(writer), Some(reader)) if writer != reader => PatternChanged,
        _ => return,
    };
    lines.push(difference(Segment::Keyword("pattern"), kind));
}

pub(super) fn numbers(lines: &mut Vec<Entry<'_>>, writer: &NumberNode, reader: &NumberNode) {
    const MAX: Four = [MaximumAdded, MaximumRemoved, MaximumIncreased, MaximumDecreased];
    const MIN: Four = [MinimumAdded, MinimumRemoved, MinimumIncreased, MinimumDecreased];
    const EXCLUSIVE_MAX: Four = [
        ExclusiveMaximumAdded,
        ExclusiveMaximumRemoved,
        ExclusiveMaximumIncreased,
        ExclusiveMaximumDecreased,
    ];
    const EXCLUSIVE_MIN: Four = [
        ExclusiveMinimumAdded,
        ExclusiveMinimumRemoved,
        ExclusiveMinimumIncreased,
        ExclusiveMinimumDecreased,
    ];
    let value = |bound: &Option<Bound>| bound.as_ref().map(|bound| bound.value);
    limit(lines, "maximum", value(&writer.maximum), value(&reader.maximum), MAX);
    limit(lines, "minimum", value(&writer.minimum), value(&reader.minimum), MIN);
    let (old, new) = (value(&writer.exclusive_maximum), value(&reader.exclusive_maximum));
    // The reference looks at another keyword: a bound that sinks counts only if it was above the new `maximum`.
    let is_told = match (old, new, value(&reader.maximum)) {
        (Some(old), Some(new), Some(maximum)) if new < old => old > maximum,
        _ => true,
    };
    if is_told {
        limit(lines, "exclusiveMaximum", old, new, EXCLUSIVE_MAX);
    }
    let (old, new) = (value(&writer.exclusive_minimum), value(&reader.exclusive_minimum));
    limit(lines, "exclusiveMinimum", old, new, EXCLUSIVE_MIN);
    if let Some(kind) = multiples(writer.multiple_of.as_ref(), reader.multiple_of.as_ref()) {
        lines.push(difference(Segment::Keyword("multipleOf"), kind));
    }
    match (writer.is_integer, reader.is_integer) {
        (true, false) => lines.push(here(TypeExtended)),
        (false, true) => lines.push(here(TypeNarrowed)),
        _ => {}
    }
}

fn multiples(writer: Option<&Bound>, reader: Option<&Bound>) -> Option<DifferenceKind> {
    let (writer, reader) = match (writer, reader) {
        (None, None) => return None,
        (None, Some(_)) => return Some(MultipleOfAdded),
        (Some(_), None) => return Some(MultipleOfRemoved),
        (Some(writer), Some(reader)) => (writer, reader),
    };
    if writer.text == reader.text {
        return None;
    }
    let (Some(writer), Some(reader)) = (Decimal::of(&writer.text), Decimal::of(&reader.text)) else {
        return Some(MultipleOfChanged);
    };
    let is_multiple = |a: &Decimal<'_>, b: &Decimal<'_>| !b.is_zero() && a.is_multiple_of(b) == Some(true);
    match (is_multiple(&reader, &writer), is_multiple(&writer, &reader)) {
        (true, true) if writer.is_equal(&reader) => None,
        (true, _) => Some(MultipleOfExpanded),
        (false, true) => Some(MultipleOfReduced),
        (false, false) if writer.is_zero() && reader.is_zero() => None,
        (false, false) => Some(MultipleOfChanged),
    }
}

pub(super) fn enums(lines: &mut Vec<Entry<'_>>, writer: &[Json], reader: &[Json]) {
    let set = |values: &[Json]| values.iter().map(text::normalized).collect::<HashSet<String>>();
    let (writer, reader) = (set(writer), set(reader));
    let kind = match (reader.is_superset(&writer), reader.is_subset(&writer)) {
        (true, true) => return,
        (true, false) => EnumArrayExtended,
        (false, true) => EnumArrayNarrowed,
        (false, false) => EnumArrayChanged,
    };
    lines.push(difference(Segment::Keyword("enum"), kind));
}

pub(super) fn constants(lines: &mut Vec<Entry<'_>>, writer: &Json, reader: &Json) {
    if text::normalized(writer) != text::normalized(reader) {
        lines.push(difference(Segment::Keyword("const"), EnumArrayChanged));
    }
}
