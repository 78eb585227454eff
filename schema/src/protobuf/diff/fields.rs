//! The comparison of two fields of one number.

use std::collections::HashSet;

use super::DifferenceKind;
use super::types::Resolved;
use super::walk::{FieldAt, Pair, Path, Subject, Walk};
use crate::protobuf::model::{Field, FieldType, MAX_VALUE_DEPTH, Scalar};

/// Scalars of one group can be read as each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    General,
    ZigZag,
    Text,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

impl Group {
    /// Source: schema formats spec §2.8, "SCALAR".
    pub fn of(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Int32 | Scalar::Int64 | Scalar::Uint32 | Scalar::Uint64 | Scalar::Bool => Self::General,
            Scalar::Sint32 | Scalar::Sint64 => Self::ZigZag,
            Scalar::String | Scalar::Bytes => Self::Text,
            Scalar::Fixed32 | Scalar::Sfixed32 => Self::Fixed32,
            Scalar::Fixed64 | Scalar::Sfixed64 => Self::Fixed64,
            Scalar::Float => Self::Float,
            Scalar::Double => Self::Double,
        }
    }
}

/// A key or value of a map.
type Part<'s> = Option<Resolved<'s>>;

/// What the comparison of fields tells apart.
enum Kind<'s> {
    Scalar(Group),
    Map(Part<'s>, Part<'s>),
    Message,
}

impl<'s> Walk<'s> {
    /// Compares two fields. `scopes` are the full names of the messages they are in.
    pub(super) fn field(
        &mut self,
        fields: Pair<&'s Field>,
        scopes: Pair<&str>,
        path: &Path<'s>,
        subject: Subject<'s>,
    ) {
        let number = fields.reader.number.to_string();
        if fields.reader.name != fields.writer.name {
            self.add(DifferenceKind::FieldNameChanged, path, &[&number], subject);
        }
        let types = self
            .resolved(Pair { reader: &fields.reader.field_type, writer: &fields.writer.field_type }, scopes);
        if let Some(group) = self.types_of_fields(types, scopes, (path, &number, subject))
            && let (Some(reader), Some(writer)) = (fields.reader.label, fields.writer.label)
            && reader != writer
        {
            self.label(group, path, &number, subject);
        }
    }

    fn label(&mut self, group: Group, path: &Path<'s>, number: &str, subject: Subject<'s>) {
        let kind = match group {
            Group::Text => DifferenceKind::FieldStringOrBytesLabelChanged,
            _ => DifferenceKind::FieldNumericLabelChanged,
        };
        self.add(kind, path, &[number], subject);
    }

    fn resolved(&mut self, types: Pair<&'s FieldType>, scopes: Pair<&str>) -> Pair<Resolved<'s>> {
        Pair {
            reader: self.types.reader.resolve(types.reader, scopes.reader, &mut self.work_left),
            writer: self.types.writer.resolve(types.writer, scopes.writer, &mut self.work_left),
        }
    }

    /// Compares types, keys and values of maps included. Returns the group of two scalars that can be read as each other,
    /// unless they are in a map.
    fn types_of_fields(
        &mut self,
        types: Pair<Resolved<'s>>,
        scopes: Pair<&str>,
        (path, number, subject): (&Path<'s>, &str, Subject<'s>),
    ) -> Option<Group> {
        let mut pairs = vec![(types, 0)];
        let mut entries = HashSet::new();
        let mut group = None;
        while let Some((types, depth)) = pairs.pop() {
            self.work_left = self.work_left.saturating_sub(1);
            if self.work_left == 0 {
                return None;
            }
            let kinds = Pair {
                reader: self.kind(types.reader, scopes.reader, true),
                writer: self.kind(types.writer, scopes.writer, false),
            };
            // An entry message can be its own key and value. Once is enough.
            if let (Some(reader), Some(writer)) = (entry(types.reader), entry(types.writer))
                && !entries.insert((reader, writer))
            {
                continue;
            }
            match (kinds.reader, kinds.writer) {
                (Kind::Scalar(reader), Kind::Scalar(writer)) if reader == writer => {
                    group = (depth == 0).then_some(reader);
                }
                (Kind::Scalar(_), Kind::Scalar(_)) => {
                    self.add(DifferenceKind::FieldScalarKindChanged, path, &[number], subject);
                }
                // Deeper than any type is written.
                (Kind::Map(..), Kind::Map(..)) if depth > MAX_VALUE_DEPTH => {}
                (Kind::Map(reader_key, reader_value), Kind::Map(writer_key, writer_value)) => {
                    for (reader, writer) in [(reader_value, writer_value), (reader_key, writer_key)] {
                        if let (Some(reader), Some(writer)) = (reader, writer) {
                            pairs.push((Pair { reader, writer }, depth + 1));
                        }
                    }
                }
                (Kind::Message, Kind::Message) => self.messages(types, (path, number, subject)),
                _ => self.add(DifferenceKind::FieldKindChanged, path, &[number], subject),
            }
        }
        group
    }

    fn kind(&mut self, resolved: Resolved<'s>, scope: &str, is_reader: bool) -> Kind<'s> {
        let types = if is_reader { &mut self.types.reader } else { &mut self.types.writer };
        let work_left = &mut self.work_left;
        match resolved {
            Resolved::Scalar(scalar) => Kind::Scalar(Group::of(scalar)),
            Resolved::Enum(..) => Kind::Scalar(Group::General),
            Resolved::Map(map) => {
                let value = types.resolve(&map.value, scope, work_left);
                Kind::Map(Some(Resolved::Scalar(map.key)), Some(value))
            }
            Resolved::MapEntry(key, value) => {
                let mut part = |field: Option<&'s Field>| {
                    field.map(|field| types.resolve(&field.field_type, scope, work_left))
                };
                Kind::Map(part(key), part(value))
            }
            Resolved::Message(..) | Resolved::Unresolved(_) => Kind::Message,
        }
    }

    fn messages(
        &mut self,
        types: Pair<Resolved<'s>>,
        (path, number, subject): (&Path<'s>, &str, Subject<'s>),
    ) {
        let is_one_name = match (types.reader, types.writer) {
            (Resolved::Message(reader, _), Resolved::Message(writer, _)) => {
                // What is built in is the same on both sides.
                let is_one = reader.key() == writer.key();
                let is_one_name = reader.path() == writer.path();
                if is_one_name && !is_one && !reader.origin.is_same(writer.origin) {
                    let field = FieldAt { subject, path: path.render(&[number]) };
                    self.look_into(Pair { reader, writer }, field);
                }
                is_one_name
            }
            (
                Resolved::Message(_, reader) | Resolved::Unresolved(reader),
                Resolved::Message(_, writer) | Resolved::Unresolved(writer),
            ) => reader == writer,
            _ => true,
        };
        if !is_one_name {
            self.add(DifferenceKind::FieldNamedTypeChanged, path, &[number], subject);
        }
    }
}

/// What tells a map-entry message from others.
fn entry(resolved: Resolved<'_>) -> Option<usize> {
    match resolved {
        Resolved::MapEntry(key, value) => key.or(value).map(|field| std::ptr::from_ref(field).addr()),
        _ => None,
    }
}
