//! Everything that changed between two schemas, with the verdict of both directions.

use std::collections::HashMap;
use std::hash::Hash;

use super::walk::{Finding, Member, Pair, Subject, compare, members};
use super::{DifferenceKind, types::MessageRef};
use crate::changes::{Change, Verdict};
use crate::limits::Limits;
use crate::protobuf::ProtobufSchema;
use crate::protobuf::model::{EnumId, MessageId, ProtoFile};

/// Lists what changed from `writer` to `reader`.
///
/// The list holds the differences that the reader finds, compatible or not, in the reference's names and paths. A change
/// breaks forward if the writer, reading data of the reader's, finds the same thing the other way round and the reference
/// does not let it pass. What only the writer finds comes last, under the name and path that it has for the writer, such
/// as `MULTIPLE_FIELDS_MOVED_TO_ONEOF` for members that the reader has moved *out* of a oneof. So a direction is
/// compatible exactly if no change breaks it.
pub fn changes(writer: &ProtobufSchema, reader: &ProtobufSchema, limits: &Limits) -> Vec<Change> {
    let backward = compare(reader, writer, limits).found;
    let forward = compare(writer, reader, limits).found;
    let breaking = forward.iter().filter(|found| !found.difference.is_compatible());
    // The key and the value of a map may both differ, which is the same finding twice.
    let mut unpaired: HashMap<_, usize> = HashMap::new();
    for found in breaking.clone() {
        if let Some(kind) = found.difference.kind.reversed() {
            *unpaired.entry((kind, key(found.subject, true))).or_default() += 1;
        }
    }
    let mut changes = Vec::new();
    for found in &backward {
        let what = (found.difference.kind, key(found.subject, false));
        let verdict = Verdict {
            breaks_backward: !found.difference.is_compatible(),
            breaks_forward: take(&mut unpaired, &what),
        };
        let Pair { reader: mut to, writer: mut from } = words(found);
        if found.difference.kind == DifferenceKind::PackageChanged {
            (from, to) = (writer.file().package.clone(), reader.file().package.clone());
        }
        changes.push(change(found, verdict, from, to));
    }
    for found in breaking {
        let reversed = found.difference.kind.reversed();
        let is_listed = reversed.is_some_and(|kind| !take(&mut unpaired, &(kind, key(found.subject, true))));
        if !is_listed {
            // Here the two sides have changed places.
            let Pair { reader: from, writer: to } = words(found);
            changes.push(change(found, Verdict { breaks_backward: false, breaks_forward: true }, from, to));
        }
    }
    changes
}

/// Takes one of these away, if there is one.
fn take<T: Eq + Hash>(counts: &mut HashMap<T, usize>, what: &T) -> bool {
    let Some(count) = counts.get_mut(what).filter(|count| **count > 0) else { return false };
    *count -= 1;
    true
}

fn change(found: &Finding<'_>, verdict: Verdict, from: Option<String>, to: Option<String>) -> Change {
    Change { path: found.difference.path.clone(), kind: found.difference.kind.as_str(), from, to, verdict }
}

type FileId = usize;

/// What a subject is, the two sides swapped if asked to.
#[derive(PartialEq, Eq, Hash)]
enum Key<'s> {
    File,
    Message(Option<(FileId, MessageId)>, Option<(FileId, MessageId)>),
    Enum(Option<(FileId, EnumId)>, Option<(FileId, EnumId)>, Option<i32>),
    Field((FileId, MessageId), (FileId, MessageId), i32),
    Oneof((FileId, MessageId), (FileId, MessageId), &'s str),
}

fn key(subject: Subject<'_>, is_swapped: bool) -> Key<'_> {
    fn sides<T>(pair: Pair<T>, is_swapped: bool) -> (T, T) {
        if is_swapped { (pair.writer, pair.reader) } else { (pair.reader, pair.writer) }
    }
    let declared = |(file, id): (&ProtoFile, EnumId)| (std::ptr::from_ref(file).addr(), id);
    match subject {
        Subject::File => Key::File,
        Subject::Message(messages) => {
            let (a, b) = sides(messages, is_swapped);
            Key::Message(a.map(MessageRef::key), b.map(MessageRef::key))
        }
        Subject::Enum(enums) => {
            let (a, b) = sides(enums, is_swapped);
            Key::Enum(a.map(declared), b.map(declared), None)
        }
        Subject::Constant(enums, number) => {
            let (a, b) = sides(enums, is_swapped);
            Key::Enum(Some(declared(a)), Some(declared(b)), Some(number))
        }
        Subject::Field(messages, number) => {
            let (a, b) = sides(messages, is_swapped);
            Key::Field(a.key(), b.key(), number)
        }
        Subject::Oneof(messages, name) => {
            let (a, b) = sides(messages, is_swapped);
            Key::Oneof(a.key(), b.key(), name)
        }
    }
}

/// What each side says about the subject of a finding.
fn words(found: &Finding<'_>) -> Pair<Option<String>> {
    let kind = found.difference.kind;
    let both = |of: &dyn Fn(MessageRef<'_>) -> Option<String>, pair: Pair<MessageRef<'_>>| Pair {
        reader: of(pair.reader),
        writer: of(pair.writer),
    };
    match found.subject {
        // The caller knows the files.
        Subject::File => Pair { reader: None, writer: None },
        Subject::Message(messages) => {
            let name = |message: Option<MessageRef<'_>>| {
                let message = message?;
                if kind != DifferenceKind::MessageMoved {
                    return Some(message.message().name.clone());
                }
                let parent = message.message().parent;
                let place = message.file.messages_of(parent).position(|(id, _)| id == message.id)?;
                Some(format!("position {place}"))
            };
            Pair { reader: name(messages.reader), writer: name(messages.writer) }
        }
        Subject::Enum(enums) => {
            let name = |found: Option<(&ProtoFile, EnumId)>| {
                found.map(|(file, id)| file.enumeration(id).name.clone())
            };
            Pair { reader: name(enums.reader), writer: name(enums.writer) }
        }
        Subject::Constant(enums, number) => {
            let name = |(file, id): (&ProtoFile, EnumId)| {
                let mut constants = file.enumeration(id).constants.iter();
                constants.rfind(|constant| constant.number == number).map(|constant| constant.name.clone())
            };
            Pair { reader: name(enums.reader), writer: name(enums.writer) }
        }
        Subject::Field(messages, number) => {
            both(&|message| Some(field_words(kind, members(message.message()).get(&number)?)), messages)
        }
        Subject::Oneof(messages, name) => both(
            &|message| {
                let oneof = message.message().oneofs.iter().find(|oneof| oneof.name == name)?;
                Some(oneof.name.clone())
            },
            messages,
        ),
    }
}

fn field_words(kind: DifferenceKind, member: &Member<'_>) -> String {
    let field = member.field;
    let label = field.label.map_or("", |label| label.as_str());
    match kind {
        DifferenceKind::FieldNameChanged => field.name.clone(),
        DifferenceKind::FieldNumericLabelChanged | DifferenceKind::FieldStringOrBytesLabelChanged => {
            label.to_owned()
        }
        DifferenceKind::FieldKindChanged
        | DifferenceKind::FieldScalarKindChanged
        | DifferenceKind::FieldNamedTypeChanged => field.field_type.to_string(),
        _ if label.is_empty() => format!("{} {}", field.field_type, field.name),
        _ => format!("{label} {} {}", field.field_type, field.name),
    }
}
