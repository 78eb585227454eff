//! The walker beside `prost-reflect`, which builds values.

use muster_schema::Limits;
use muster_schema::protobuf::validate::{InvalidKind, Program, Scratch, Seen};
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, Kind, MessageDescriptor, ReflectMessage, Value,
};
use prost_types::FileDescriptorProto;

/// A file, for both.
pub struct Both {
    program: Program,
    pool: DescriptorPool,
    is_proto2: bool,
    scratch: Scratch,
}

impl Both {
    pub fn new(file: FileDescriptorProto) -> Self {
        let program = Program::compile([&file]).expect("names are short");
        let is_proto2 = file.syntax() != "proto3";
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_proto(file).expect("what is generated links");
        Self { program, pool, is_proto2, scratch: Scratch::default() }
    }

    /// Has both look at a message. Panics if they disagree; returns the walker's verdict.
    pub fn check(&mut self, name: &str, bytes: &[u8]) -> Result<Seen, InvalidKind> {
        let message = self.program.message(name).expect("it is declared");
        let verdict = self.program.check(message, bytes, &Limits::default(), &mut self.scratch);
        let verdict = verdict.map_err(|invalid| {
            assert!(invalid.offset <= bytes.len(), "{invalid}");
            invalid.kind
        });
        let descriptor = self.pool.get_message_by_name(name).expect("it is declared");
        let decoded = DynamicMessage::decode(descriptor, bytes);
        let text = decoded.as_ref().err().map(ToString::to_string).unwrap_or_default();
        // The other counts levels a little differently, and wants UTF-8 in proto2 as well.
        let is_different =
            text.contains("recursion limit") || self.is_proto2 && text.contains("not UTF-8 encoded");
        if is_different || verdict == Err(InvalidKind::TooDeep) {
            return verdict;
        }
        match (&verdict, decoded) {
            (Ok(_), Err(_)) => panic!("{text}: {bytes:02x?}"),
            (Ok(seen), Ok(decoded)) => {
                assert!(!lacks_required(&decoded), "required fields are missing in {bytes:02x?}");
                let has_unknown = has_unknown(&decoded);
                assert!(seen.unknown_fields > 0 || !has_unknown, "unknown fields in {bytes:02x?}");
            }
            (Err(InvalidKind::MissingRequired(number)), Ok(decoded)) => {
                let is_missing = lacks_required(&decoded) || holds_maps_of_messages(&decoded.descriptor());
                assert!(is_missing, "field {number} is not missing in {bytes:02x?}");
            }
            // The other reads the entry of a map whatever the wire type says.
            (Err(InvalidKind::WireType(number)), Ok(decoded))
                if holds_map(&decoded.descriptor(), Some(*number)) => {}
            (Err(InvalidKind::EndGroup), Ok(decoded)) if holds_map(&decoded.descriptor(), None) => {}
            (Err(kind), Ok(_)) => panic!("{kind}, but it decodes: {bytes:02x?}"),
            (Err(_), Err(_)) => {}
        }
        verdict
    }
}

/// Entries of a map are not looked into: of two with one key only the last is left.
fn inner(message: &DynamicMessage) -> Vec<DynamicMessage> {
    let mut inner = Vec::new();
    for (_, value) in message.fields() {
        match value {
            Value::Message(message) => inner.push(message.clone()),
            Value::List(list) => inner.extend(list.iter().filter_map(Value::as_message).cloned()),
            _ => {}
        }
    }
    inner
}

fn lacks_required(message: &DynamicMessage) -> bool {
    let mut fields = message.descriptor().fields().collect::<Vec<_>>().into_iter();
    fields.any(|field| field.cardinality() == Cardinality::Required && !message.has_field(&field))
        || inner(message).iter().any(lacks_required)
}

fn has_unknown(message: &DynamicMessage) -> bool {
    message.unknown_fields().next().is_some() || inner(message).iter().any(has_unknown)
}

fn holds_maps_of_messages(message: &MessageDescriptor) -> bool {
    let is_such = |field: &prost_reflect::FieldDescriptor| match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            matches!(entry.map_entry_value_field().kind(), Kind::Message(_))
        }
        _ => false,
    };
    message.parent_pool().all_messages().any(|message| message.fields().any(|field| is_such(&field)))
}

/// Whether a message of the file has a map, with this number.
fn holds_map(message: &MessageDescriptor, number: Option<u32>) -> bool {
    let mut fields =
        message.parent_pool().all_messages().flat_map(|message| message.fields().collect::<Vec<_>>());
    fields.any(|field| field.is_map() && number.is_none_or(|number| number == field.number()))
}
