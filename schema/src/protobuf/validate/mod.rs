//! The validating walker: are these bytes a valid encoding of this message? Answered without building values.
//!
//! Descriptors are compiled once into a flat [`Program`] of messages and fields; checking a message is one pass over its
//! bytes, with a small stack of its own for messages and groups that are open, and no allocation once the [`Scratch`] is
//! warm. It is safe on any byte: lengths are checked against the bytes that remain, and [`Limits`] bounds depth and items.
//!
//! What counts as valid is what the common parsers accept, with one thing that most of them let through: a field that
//! the schema knows must have the wire type that the schema gives it. Parsers in Java and C++ put such a field aside as
//! unknown, so that its value is lost in silence; others, such as `prost`, refuse it. Fields that the schema does not
//! know are fine and counted. A number too large for its type is cut to size by every parser, and an unknown number of an
//! enum is kept as it is, so both are valid.
//!
//! Source: Protocol Buffers documentation, "Encoding", "Field Presence", and `utf8_validation` in "Feature Settings for
//! Editions"; broker validation spec §7.1, reason `PAYLOAD`.

mod compile;
mod flatten;
mod required;
mod walk;
pub(in crate::protobuf) mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use prost_types::FileDescriptorProto;

use super::ProtobufSchema;
use super::indexes::NamesTooLong;
use crate::limits::Limits;

/// Deepest nesting of messages and groups inside a message: what every official parser accepts, and few more.
pub const MOST_DEPTH: usize = 100;

/// Messages compiled for walking. Cheap to share between threads.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The first stands for everything the schema does not know.
    messages: Vec<MessageCode>,
    /// Fields of each message together, by number.
    fields: Vec<FieldCode>,
    /// For each message the places of its fields with low numbers, as distances from its first field.
    dense: Vec<u16>,
    names: HashMap<String, MessageId>,
}

/// One message of a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(u32);

/// What is inside a group that the schema does not know.
const UNKNOWN: MessageId = MessageId(0);

#[derive(Clone, Copy, Debug, Default)]
struct MessageCode {
    first_field: u32,
    field_count: u32,
    first_dense: u32,
    /// Field numbers below this one are looked up in `dense`, all others are searched.
    dense_count: u32,
    /// How many fields are `required`.
    required_count: u32,
}

/// Place of no field in `dense`.
const NO_FIELD: u16 = u16::MAX;

#[derive(Clone, Copy, Debug)]
struct FieldCode {
    number: u32,
    kind: Kind,
    /// Whether values may also stand one behind the other in one length-delimited field.
    packable: bool,
    is_repeated: bool,
    /// Whether the message may as well be encoded as a group: what a registry shows of a schema that was registered as a
    /// descriptor no longer tells groups from messages.
    takes_group: bool,
    /// The oneof that holds the field, from 1; 0 for none.
    oneof: u16,
    /// Which of the required fields of its message this is.
    required: Option<u16>,
    /// The message, for messages and groups.
    message: MessageId,
}

/// What a value looks like on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Varint,
    Fixed64,
    Fixed32,
    /// Text that must be UTF-8.
    String,
    /// Bytes, text that need not be UTF-8, and messages of which nothing is known.
    Bytes,
    Message,
    Group,
    /// Of a type that could not be found: a message or an enum.
    Unresolved,
}

/// Working memory of a walk, to be reused from one message to the next. Holds nothing between calls but capacity: at most
/// [`MOST_DEPTH`] entries of 24 bytes, and a bit for each required field of messages that are open.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    frames: Vec<walk::Frame>,
    seen: Vec<u64>,
}

/// What was seen in a valid message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Fields that the schema does not know, at any depth; an unknown group counts once.
    pub unknown_fields: usize,
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong.
    pub kind: InvalidKind,
    /// Index of the first byte of the offending element, counted from the start of the message; for a missing field the
    /// end of the message that lacks it.
    pub offset: usize,
}

/// What is wrong with an encoded message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidKind {
    /// The bytes end inside a value or a group.
    Truncated,
    /// A varint of more than 64 bits.
    Varint,
    /// A field key with number 0, of more than 32 bits, or with a wire type that does not exist.
    Key,
    /// The field with this number has another wire type than its type in the schema.
    WireType(u32),
    /// A value or a length goes on after the end of the data, or of the message around.
    LengthPastEnd,
    /// Packed values do not end where their field ends.
    Packed,
    /// A string that is not UTF-8.
    NotUtf8,
    /// The end of a group that is not open.
    EndGroup,
    /// More fields and packed values than [`Limits::items`].
    TooManyItems,
    /// Deeper than [`Limits::depth`] or [`MOST_DEPTH`].
    TooDeep,
    /// The `required` field with this number is missing.
    MissingRequired(u32),
    /// 2 GiB or more, which no parser accepts.
    TooLarge,
}

impl fmt::Display for InvalidKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "data ends inside a value",
            Self::Varint => "number takes too many bytes",
            Self::Key => "field key is invalid",
            Self::WireType(number) => return write!(f, "field {number} has the wrong wire type"),
            Self::LengthPastEnd => "value exceeds its message",
            Self::Packed => "packed values do not fit their length",
            Self::NotUtf8 => "string is not valid UTF-8",
            Self::EndGroup => "a group ends that is not open",
            Self::TooManyItems => "message has too many items",
            Self::TooDeep => "message is nested too deeply",
            Self::MissingRequired(number) => return write!(f, "required field {number} is missing"),
            Self::TooLarge => "message has 2 GiB or more",
        })
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl std::error::Error for Invalid {}

impl Program {
    /// Compiles the messages of `files`, in which the types of one are found in the others.
    ///
    /// Takes what the reference registry accepts: of messages, fields and extensions with one name or number the first
    /// one counts, and a field whose type is in none of the files may hold whatever a message or an enum may.
    /// Time and memory are in proportion to the descriptors and the full names in them.
    /// Errors: [`NamesTooLong`].
    pub fn compile<'f>(
        files: impl IntoIterator<Item = &'f FileDescriptorProto>,
    ) -> Result<Self, NamesTooLong> {
        compile::compile(&files.into_iter().collect::<Vec<_>>())
    }

    /// Compiles the messages of a schema, of its references and of the built-in files.
    ///
    /// Takes what [`compile`](Self::compile) takes; nothing need link.
    /// Errors: [`NamesTooLong`].
    pub fn of(schema: &ProtobufSchema) -> Result<Self, NamesTooLong> {
        let mut flattened = flatten::Flattened::default();
        flattened.add(schema.file())?;
        for (_, file) in schema.imports() {
            flattened.add(file)?;
        }
        for (path, file) in super::builtins() {
            if !schema.imports().iter().any(|(name, _)| name == path) {
                flattened.add(file)?;
            }
        }
        Self::compile(&flattened.files)
    }

    /// The message with this package-qualified name, without a leading dot.
    pub fn message(&self, full_name: &str) -> Option<MessageId> {
        self.names.get(full_name).copied()
    }

    /// Checks that `bytes` are a valid encoding of `message`.
    ///
    /// Errors: [`Invalid`].
    ///
    /// ```
    /// use muster_schema::Limits;
    /// use muster_schema::protobuf::validate::{InvalidKind, Program, Scratch};
    /// use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, field_descriptor_proto::Type};
    ///
    /// let mut id = FieldDescriptorProto { number: Some(1), ..Default::default() };
    /// id.set_type(Type::Int32);
    /// let user = DescriptorProto { name: Some("User".into()), field: vec![id], ..Default::default() };
    /// let file = FileDescriptorProto { package: Some("p".into()), message_type: vec![user], ..Default::default() };
    ///
    /// let program = Program::compile([&file]).unwrap();
    /// let user = program.message("p.User").unwrap();
    /// let mut scratch = Scratch::default();
    /// let mut check = |bytes: &[u8]| program.check(user, bytes, &Limits::default(), &mut scratch);
    /// assert!(check(&[0x08, 0x2a]).is_ok());
    /// assert_eq!(check(&[0x08, 0x2a, 0x7a, 0]).unwrap().unknown_fields, 1);
    /// assert_eq!(check(&[0x0a, 0]).unwrap_err().kind, InvalidKind::WireType(1));
    /// ```
    pub fn check(
        &self,
        message: MessageId,
        bytes: &[u8],
        limits: &Limits,
        scratch: &mut Scratch,
    ) -> Result<Seen, Invalid> {
        let (seen, lacks_required) = walk::walk(self, message, bytes, limits, scratch)?;
        if lacks_required && let Some(missing) = required::missing(self, message, bytes) {
            return Err(missing);
        }
        Ok(seen)
    }

    fn code(&self, message: MessageId) -> MessageCode {
        self.messages.get(message.0 as usize).copied().unwrap_or_default()
    }

    fn fields_of(&self, code: MessageCode) -> &[FieldCode] {
        let first = code.first_field as usize;
        self.fields.get(first..first + code.field_count as usize).unwrap_or_default()
    }

    fn field(&self, code: MessageCode, number: u32) -> Option<&FieldCode> {
        let place = if number < code.dense_count {
            usize::from(*self.dense.get((code.first_dense + number) as usize)?)
        } else {
            self.fields_of(code).binary_search_by_key(&number, |field| field.number).ok()?
        };
        self.fields.get(code.first_field as usize + place).filter(|field| field.number == number)
    }
}
