//! Message indexes: how a record says which message of a Protobuf file its body is (wire format spec §2).
//!
//! A path of positions, first among the messages at the top of the file, then among those declared inside. Enums do not
//! count; groups and the entry messages of maps do, where the registered form of the schema has them.

use std::sync::Arc;

use prost_types::{DescriptorProto, FileDescriptorProto};

use super::ProtobufSchema;
use super::model::{Field, FieldType, Group, MessageId, ProtoFile};

/// Longest path accepted. No compiler nests messages this deep.
pub const LONGEST_PATH: usize = 128;
/// Most bytes that the indexes of an accepted path take: the count and each index are varints of at most 5 bytes.
pub const LONGEST_BYTES: usize = 5 * (LONGEST_PATH + 1);
/// Most bytes of names in one table. A name is repeated in those of all messages inside, so that a hostile schema of
/// 1 MiB could ask for gigabytes.
const MOST_NAME_BYTES: usize = 16 << 20;

/// The message types of a Protobuf file in index order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageTable {
    /// Messages at the top of the file.
    pub messages: Vec<Message>,
}

/// One message type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Package-qualified name.
    pub name: Arc<str>,
    /// Messages declared inside, those of groups and map entries included where the registered form has them.
    pub nested: Vec<Message>,
}

/// Why bytes select no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IndexError {
    /// Cut, negative, or with a count beyond the bytes or [`LONGEST_PATH`].
    #[error("message indexes are malformed")]
    Malformed,
    /// Well-formed, but the schema has no such message.
    #[error("message indexes select no message")]
    NoSuchMessage,
}

/// The names of the messages of a file are too long to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message names take more than {MOST_NAME_BYTES} bytes")]
pub struct NamesTooLong;

impl MessageTable {
    /// The messages of `file`, with nested messages in the order of the descriptor.
    ///
    /// Messages deeper than [`LONGEST_PATH`] are left out, as nothing can select them.
    /// Errors: [`NamesTooLong`].
    pub fn of(file: &FileDescriptorProto) -> Result<Self, NamesTooLong> {
        fn list(
            scope: &str,
            messages: &[DescriptorProto],
            depth: usize,
            left: &mut usize,
        ) -> Result<Vec<Message>, NamesTooLong> {
            if depth == LONGEST_PATH {
                return Ok(Vec::new());
            }
            let mut listed = Vec::with_capacity(messages.len());
            for message in messages {
                let name = qualified(scope, message.name());
                *left = left.checked_sub(name.len()).ok_or(NamesTooLong)?;
                let nested = list(&name, &message.nested_type, depth + 1, left)?;
                listed.push(Message { name: name.into(), nested });
            }
            Ok(listed)
        }
        let mut left = MOST_NAME_BYTES;
        Ok(Self { messages: list(file.package(), &file.message_type, 0, &mut left)? })
    }

    /// The message that `path` selects; the empty path is the first message.
    pub fn message(&self, path: &[usize]) -> Option<&Message> {
        let (first, inner) = path.split_first().unwrap_or((&0, &[]));
        inner.iter().try_fold(self.messages.get(*first)?, |message, index| message.nested.get(*index))
    }

    /// The path of the first message with this package-qualified name.
    pub fn path_of(&self, name: &str) -> Option<Vec<usize>> {
        let mut path = Vec::new();
        let mut level = &self.messages;
        loop {
            // A package-qualified name begins with the names of all messages around, so there is one way down. Only a
            // dot inside a name, which no parser accepts, could lead astray.
            let (index, message) = level.iter().enumerate().find(|(_, message)| {
                name.strip_prefix(&*message.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })?;
            path.push(index);
            if message.name.len() == name.len() {
                return Some(path);
            }
            level = &message.nested;
        }
    }
}

impl ProtobufSchema {
    /// The messages of the schema in index order.
    ///
    /// Inside a message come the messages that the text declares, in order, then those of its groups, then the entries of
    /// its maps; a text that spells an entry message out has it where it stands. A file that does nothing but to import
    /// another one publicly stands for that file.
    /// Errors: [`NamesTooLong`]. Source: wire format spec §2, schema formats spec §5.3, §9.
    pub fn message_table(&self) -> Result<MessageTable, NamesTooLong> {
        let file = self.named_file();
        let mut left = MOST_NAME_BYTES;
        let scope = file.package.as_deref().unwrap_or_default();
        Ok(MessageTable { messages: declared(file, None, scope, 0, &mut left)? })
    }
}

/// The messages that a file declares at one level.
fn declared(
    file: &ProtoFile,
    parent: Option<MessageId>,
    scope: &str,
    depth: usize,
    left: &mut usize,
) -> Result<Vec<Message>, NamesTooLong> {
    if depth == LONGEST_PATH {
        return Ok(Vec::new());
    }
    let mut name = |scope: &str, name: &str| {
        let name = qualified(scope, name);
        *left = left.checked_sub(name.len()).ok_or(NamesTooLong)?;
        Ok(name)
    };
    let mut named = Vec::new();
    for (id, message) in file.messages_of(parent) {
        named.push((Some(id), name(scope, &message.name)?));
    }
    if let Some(parent) = parent.map(|id| file.message(id)) {
        for group in parent.all_groups() {
            named.push((None, name(scope, &group.name)?));
        }
        let members = parent.oneofs.iter().flat_map(|oneof| &oneof.fields);
        for entry in members.chain(&parent.fields).filter_map(map_entry_name) {
            named.push((None, name(scope, &entry)?));
        }
    }
    let mut messages = Vec::with_capacity(named.len());
    for (id, name) in named {
        let nested = match id {
            Some(id) => declared(file, Some(id), &name, depth + 1, left)?,
            None => Vec::new(),
        };
        messages.push(Message { name: name.into(), nested });
    }
    Ok(messages)
}

impl super::model::Message {
    /// Groups outside and inside of oneofs.
    pub(super) fn all_groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().chain(self.oneofs.iter().flat_map(|oneof| &oneof.groups))
    }
}

/// The name of the message that stands for the entries of a map field: in camel case, with `Entry` behind it.
pub(super) fn map_entry_name(field: &Field) -> Option<String> {
    if !matches!(field.field_type, FieldType::Map(_)) {
        return None;
    }
    let mut name = String::with_capacity(field.name.len() + 5);
    let mut is_start = true;
    for letter in field.name.chars() {
        match letter {
            '_' => is_start = true,
            _ if is_start => {
                name.push(letter.to_ascii_uppercase());
                is_start = false;
            }
            _ => name.push(letter),
        }
    }
    Some(name + "Entry")
}

/// `scope.name`, or `name` at the top.
pub(super) fn qualified(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// Reads the indexes at the front of `bytes` and follows them through `table`, if there is one.
///
/// `bytes`: zigzag varint count, then that many zigzag varints; count 0 means the path `[0]`. Returns the selected
/// message (`None` without a table) and the bytes behind the indexes. Allocates nothing.
/// Errors: [`IndexError`]; what the table lacks is reported only if the syntax of the whole path is right.
/// Source: wire format spec §2.
///
/// ```
/// use muster_schema::protobuf::indexes::{IndexError, Message, MessageTable, select};
///
/// let inner = Message { name: "p.Event.Item".into(), nested: vec![] };
/// let table = MessageTable { messages: vec![Message { name: "p.Event".into(), nested: vec![inner] }] };
/// let (message, body) = select(Some(&table), &[4, 0, 0, 0x0a]).unwrap();
/// assert_eq!((message.map(|m| &*m.name), body), (Some("p.Event.Item"), &[0x0a][..]));
/// assert_eq!(select(Some(&table), &[2, 2]), Err(IndexError::NoSuchMessage));
/// ```
pub fn select<'t, 'b>(
    table: Option<&'t MessageTable>,
    bytes: &'b [u8],
) -> Result<(Option<&'t Message>, &'b [u8]), IndexError> {
    let mut rest = bytes;
    let mut next = || {
        let (value, after) = index(rest).ok_or(IndexError::Malformed)?;
        rest = after;
        Ok(value)
    };
    let count = next()?;
    if count > LONGEST_PATH {
        return Err(IndexError::Malformed);
    }
    let mut level = table.map(|table| table.messages.as_slice());
    let mut selected = None;
    let mut missing = false;
    for step in 0..count.max(1) {
        let index = if count == 0 && step == 0 { 0 } else { next()? };
        if let Some(messages) = level {
            selected = messages.get(index);
            missing |= selected.is_none();
            level = Some(selected.map_or(&[], |message| message.nested.as_slice()));
        }
    }
    if missing { Err(IndexError::NoSuchMessage) } else { Ok((selected, rest)) }
}

/// Appends the indexes of `path` to `out`: the single byte 0 for `[0]` and for the empty path, which both mean the first
/// message; else the count and the indexes as zigzag varints.
///
/// Source: wire format spec §2.
pub fn write(path: &[usize], out: &mut Vec<u8>) {
    if matches!(path, [] | [0]) {
        return out.push(0);
    }
    for &value in std::iter::once(&path.len()).chain(path) {
        let mut zigzag = (value as u64) << 1;
        while zigzag >= 0x80 {
            out.push((zigzag & 0x7f) as u8 | 0x80);
            zigzag >>= 7;
        }
        out.push(zigzag as u8);
    }
}

/// A zigzag varint of at most 32 bits that is not negative, and what follows it.
fn index(bytes: &[u8]) -> Option<(usize, &[u8])> {
    if let [byte, rest @ ..] = bytes
        && *byte < 0x80
    {
        return (byte & 1 == 0).then_some((usize::from(byte >> 1), rest));
    }
    let mut value = 0_u32;
    for (at, &byte) in bytes.iter().take(5).enumerate() {
        // The fifth byte has room for four bits. More would be dropped by one reader and kept by another.
        if at == 4 && byte > 0x0f {
            return None;
        }
        value |= u32::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            let value = (value & 1 == 0).then_some(value >> 1)?;
            return Some((usize::try_from(value).ok()?, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes, the selected message and how many bytes are left.
    type Case<'a> = (&'a [u8], Result<(&'a str, usize), IndexError>);

    fn message(name: &str, nested: Vec<Message>) -> Message {
        Message { name: name.into(), nested }
    }

    fn table() -> MessageTable {
        let item = message("Event.Item", vec![message("Event.Item.Deep", vec![])]);
        MessageTable { messages: vec![message("Event", vec![item]), message("Ping", vec![])] }
    }

    #[test]
    fn indexes_select_a_message() {
        let cases: &[Case<'_>] = &[
            (&[0, 9, 9], Ok(("Event", 2))),
            (&[2, 0, 9], Ok(("Event", 1))),
            (&[0x80, 0, 9], Ok(("Event", 1))),
            (&[2, 2], Ok(("Ping", 0))),
            (&[4, 0, 0], Ok(("Event.Item", 0))),
            (&[6, 0, 0, 0, 1], Ok(("Event.Item.Deep", 1))),
            (&[2, 4], Err(IndexError::NoSuchMessage)),
            (&[4, 0, 2], Err(IndexError::NoSuchMessage)),
            (&[4, 2, 0], Err(IndexError::NoSuchMessage)),
            (&[8, 0, 0, 0, 0], Err(IndexError::NoSuchMessage)),
            (&[2, 0xfe, 0xff, 0xff, 0xff, 0x0f], Err(IndexError::NoSuchMessage)),
            (&[], Err(IndexError::Malformed)),
            (&[1], Err(IndexError::Malformed)),
            (&[2], Err(IndexError::Malformed)),
            (&[4, 0], Err(IndexError::Malformed)),
            (&[4, 4], Err(IndexError::Malformed)),
            (&[2, 1], Err(IndexError::Malformed)),
            (&[2, 0xff, 0xff, 0xff, 0xff, 0x0f], Err(IndexError::Malformed)),
            (&[2, 0x80, 0x80, 0x80, 0x80, 0x10], Err(IndexError::Malformed)),
            (&[0xfe, 0xff, 0x03, 0], Err(IndexError::Malformed)),
            (&[0xfe, 0xff, 0xff, 0xff, 0x0f, 0], Err(IndexError::Malformed)),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], Err(IndexError::Malformed)),
        ];
        for (bytes, expected) in cases {
            let found = select(Some(&table()), bytes)
                .map(|(message, rest)| (message.expect("there is a table").name.to_string(), rest.len()));
            assert_eq!(found, expected.map(|(name, rest)| (name.to_owned(), rest)), "{bytes:02x?}");
        }
    }

    #[test]
    fn without_a_table_only_the_syntax_counts() {
        assert_eq!(select(None, &[2, 0x7e, 5]), Ok((None, &[5][..])));
        assert_eq!(select(None, &[2, 1]), Err(IndexError::Malformed));
        assert_eq!(select(Some(&MessageTable::default()), &[0]), Err(IndexError::NoSuchMessage));
    }

    #[test]
    fn the_longest_path_is_bounded() {
        let path = |count: usize| {
            let mut bytes = Vec::new();
            write(&vec![0; count], &mut bytes);
            bytes
        };
        assert!(select(None, &path(LONGEST_PATH)).is_ok());
        assert!(path(LONGEST_PATH).len() <= LONGEST_BYTES);
        assert_eq!(select(None, &path(LONGEST_PATH + 1)), Err(IndexError::Malformed));
    }

    #[test]
    fn paths_are_written_as_serializers_do() {
        let cases: &[(&[usize], &[u8])] = &[
            (&[], &[0]),
            (&[0], &[0]),
            (&[1], &[2, 2]),
            (&[0, 1], &[4, 0, 2]),
            (&[63], &[2, 0x7e]),
            (&[64], &[2, 0x80, 1]),
            (&[2, 0, 5], &[6, 4, 0, 10]),
        ];
        for (path, expected) in cases {
            let mut bytes = Vec::new();
            write(path, &mut bytes);
            assert_eq!(bytes, *expected, "{path:?}");
        }
    }

    #[test]
    fn names_and_paths_are_each_others_inverse() {
        let descriptor = |name: &str, nested_type| DescriptorProto {
            name: Some(name.to_owned()),
            nested_type,
            ..DescriptorProto::default()
        };
        for package in ["", "a.b"] {
            let outer = descriptor("Outer", vec![descriptor("OuterEntry", vec![]), descriptor("In", vec![])]);
            let file = FileDescriptorProto {
                package: (!package.is_empty()).then(|| package.to_owned()),
                message_type: vec![descriptor("Out", vec![]), outer],
                ..FileDescriptorProto::default()
            };
            let table = MessageTable::of(&file).expect("short names");
            let paths: [(&[usize], &str); 4] =
                [(&[0], "Out"), (&[1], "Outer"), (&[1, 0], "Outer.OuterEntry"), (&[1, 1], "Outer.In")];
            for (path, name) in paths {
                let name = qualified(package, name);
                assert_eq!(table.message(path).map(|message| &*message.name), Some(&*name));
                assert_eq!(table.path_of(&name).as_deref(), Some(path));
            }
            assert_eq!(table.message(&[]), table.message(&[0]));
            assert_eq!((table.message(&[2]), table.message(&[0, 0])), (None, None));
            for name in ["", "Oute", "Outer.I", "Outer.In.X", "a", "a.b", "a.b.Outer."] {
                assert_eq!(table.path_of(name), None, "{name}");
            }
        }
    }

    #[test]
    fn a_long_name_around_many_messages_is_refused() {
        let inner = DescriptorProto { name: Some("m".to_owned()), ..DescriptorProto::default() };
        let outer = DescriptorProto {
            name: Some("x".repeat(100_000)),
            nested_type: vec![inner; 1_000],
            ..DescriptorProto::default()
        };
        let file = FileDescriptorProto { message_type: vec![outer], ..FileDescriptorProto::default() };
        assert_eq!(MessageTable::of(&file), Err(NamesTooLong));
    }
}
