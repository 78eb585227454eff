//! From a `FileDescriptorProto` to a syntax tree (schema formats spec §2.6).
//!
//! Nested messages wait in a list of our own, so that their depth costs no stack; as in the libraries of the language
//! there may be no more than [`MAX_DEPTH`] levels.

use std::collections::HashSet;

use super::options::read_options;
use super::wire::{Fields, Malformed, Payload};
use super::{MAX_DEPTH, int32, text};
use crate::format::ParseError;
use crate::protobuf::model::{
    Enum, EnumConstant, Extend, Extensions, Field, FieldType, Label, Message, MessageId, Oneof, ProtoFile,
    Range, Reserved, Rpc, Scalar, Service, Streamed, Syntax,
};
use crate::protobuf::parse::Budget;

/// Why bytes are no file.
#[derive(Debug)]
pub(super) enum Failure {
    Malformed,
    TooLarge(ParseError),
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Self::TooLarge(error)
    }
}

type Result<T> = std::result::Result<T, Failure>;

/// A message whose bytes are still to be read.
struct Pending<'a> {
    id: MessageId,
    bytes: &'a [u8],
    depth: usize,
}

/// A field as its descriptor has it.
struct RawField {
    field: Field,
    oneof: Option<u64>,
    is_proto3_optional: bool,
    extendee: String,
}

struct Reader<'b, 'l> {
    file: ProtoFile,
    budget: &'b mut Budget<'l>,
}

/// Reads a file.
pub(super) fn read_file(bytes: &[u8], budget: &mut Budget<'_>) -> Result<ProtoFile> {
    let mut reader = Reader { file: ProtoFile::default(), budget };
    // What the syntax is decides what the rest means.
    for field in Fields(bytes) {
        if let (12, Payload::Bytes(text)) = field? {
            reader.file.syntax = match text {
                b"proto2" => Some(Syntax::Proto2),
                b"proto3" => Some(Syntax::Proto3),
                _ => None,
            };
        }
    }
    reader.file(bytes)?;
    Ok(reader.file)
}

impl Reader<'_, '_> {
    fn file(&mut self, bytes: &[u8]) -> Result<()> {
        let mut dependencies = Vec::new();
        let (mut public, mut weak) = (HashSet::new(), HashSet::new());
        let mut pending = Vec::new();
        let mut options: Vec<u8> = Vec::new();
        let mut extensions = Vec::new();
        for field in Fields(bytes) {
            match field? {
                (2, Payload::Bytes(package)) => {
                    self.file.package = Some(text(package)).filter(|package| !package.is_empty());
                }
                (3, Payload::Bytes(path)) => dependencies.push(text(path)),
                (4, Payload::Bytes(bytes)) => pending.push(self.open(None, bytes, 1)?),
                (5, Payload::Bytes(bytes)) => self.enumeration(None, bytes)?,
                (6, Payload::Bytes(bytes)) => self.service(bytes)?,
                (7, Payload::Bytes(bytes)) => extensions.push(self.field(bytes)?),
                (8, Payload::Bytes(bytes)) => options.extend(bytes),
                (10, payload) => public.extend(indexes(payload)?),
                (11, payload) => weak.extend(indexes(payload)?),
                _ => {}
            }
        }
        self.file.options = read_options(&options, "FileOptions")?;
        self.file.extends = group_extensions(extensions, self.budget)?;
        for (at, path) in (0..).zip(dependencies) {
            self.budget.node()?;
            if public.contains(&at) {
                self.file.public_imports.push(path);
            } else if weak.contains(&at) {
                self.file.weak_imports.push(path);
            } else {
                self.file.imports.push(path);
            }
        }
        pending.reverse();
        while let Some(next) = pending.pop() {
            let nested = self.message(next)?;
            pending.extend(nested.into_iter().rev());
        }
        Ok(())
    }

    /// Gives a message its place among its siblings.
    fn open<'a>(&mut self, parent: Option<MessageId>, bytes: &'a [u8], depth: usize) -> Result<Pending<'a>> {
        if depth > MAX_DEPTH {
            return Err(Failure::Malformed);
        }
        self.budget.node()?;
        let id = self.file.add_message(Message { parent, ..Message::default() });
        Ok(Pending { id, bytes, depth })
    }

    /// Reads a message and leaves the nested ones to be read.
    fn message<'a>(&mut self, Pending { id, bytes, depth }: Pending<'a>) -> Result<Vec<Pending<'a>>> {
        let mut nested = Vec::new();
        let mut message = Message::default();
        let mut options: Vec<u8> = Vec::new();
        let (mut fields, mut extensions) = (Vec::new(), Vec::new());
        let mut oneofs: Vec<Oneof> = Vec::new();
        let (mut ranges, mut names) = (Vec::new(), Vec::new());
        for field in Fields(bytes) {
            match field? {
                (1, Payload::Bytes(name)) => message.name = text(name),
                (2, Payload::Bytes(bytes)) => fields.push(self.field(bytes)?),
                (3, Payload::Bytes(bytes)) => nested.push(self.open(Some(id), bytes, depth + 1)?),
                (4, Payload::Bytes(bytes)) => self.enumeration(Some(id), bytes)?,
                (5, Payload::Bytes(bytes)) => message.extensions.push(self.extension_range(bytes)?),
                (6, Payload::Bytes(bytes)) => extensions.push(self.field(bytes)?),
                (7, Payload::Bytes(bytes)) => options.extend(bytes),
                (8, Payload::Bytes(bytes)) => oneofs.push(self.oneof(bytes)?),
                (9, Payload::Bytes(bytes)) => ranges.push(self.range(bytes, 1)?),
                (10, Payload::Bytes(name)) => names.push(text(name)),
                _ => {}
            }
        }
        message.options = read_options(&options, "MessageOptions")?;
        message.extends = group_extensions(extensions, self.budget)?;
        let items = ranges.into_iter().map(Reserved::Range).chain(names.into_iter().map(Reserved::Name));
        message.reserved = items.map(|item| vec![item]).collect();
        for RawField { mut field, oneof, is_proto3_optional, .. } in fields {
            let oneof = oneof.filter(|_| !is_proto3_optional).map(usize::try_from);
            match oneof {
                None => message.fields.push(field),
                Some(at) => {
                    field.label = None;
                    let oneof = at.ok().and_then(|at| oneofs.get_mut(at)).ok_or(Failure::Malformed)?;
                    oneof.fields.push(field);
                }
            }
        }
        oneofs.retain(|oneof| !oneof.fields.is_empty());
        message.oneofs = oneofs;
        let place = self.file.messages.get_mut(id.0).ok_or(Failure::Malformed)?;
        message.parent = place.parent;
        message.types = std::mem::take(&mut place.types);
        *place = message;
        Ok(nested)
    }

    fn field(&mut self, bytes: &[u8]) -> Result<RawField> {
        self.budget.node()?;
        let mut options: Vec<u8> = Vec::new();
        let (mut name, mut extendee, mut type_name) = (String::new(), String::new(), None);
        let (mut number, mut label, mut kind) = (0, 1, 1);
        let (mut default, mut json_name, mut oneof) = (None, None, None);
        let mut is_proto3_optional = false;
        for field in Fields(bytes) {
            match field? {
                (1, Payload::Bytes(bytes)) => name = text(bytes),
                (2, Payload::Bytes(bytes)) => extendee = text(bytes),
                (3, Payload::Varint(value)) => number = int32(value),
                (4, Payload::Varint(value @ 1..=3)) => label = value,
                (5, Payload::Varint(value @ 1..=18)) => kind = value,
                (6, Payload::Bytes(bytes)) => type_name = Some(text(bytes)),
                (7, Payload::Bytes(bytes)) => default = Some(text(bytes)),
                (8, Payload::Bytes(bytes)) => options.extend(bytes),
                (9, Payload::Varint(value)) => oneof = Some(value),
                (10, Payload::Bytes(bytes)) => json_name = Some(text(bytes)),
                (17, Payload::Varint(value)) => is_proto3_optional = value != 0,
                _ => {}
            }
        }
        let is_proto3 = self.file.syntax == Some(Syntax::Proto3);
        let label = match label {
            3 => Some(Label::Repeated),
            2 if !is_proto3 => Some(Label::Required),
            1 if !is_proto3 || is_proto3_optional => Some(Label::Optional),
            _ => None,
        };
        let field_type = match (type_name, scalar(kind)) {
            (Some(name), _) if !name.is_empty() => FieldType::named(&name),
            (_, Some(scalar)) => FieldType::Scalar(scalar),
            // The reference calls a type without a name by its kind, and then finds nothing of that name.
            (_, None) => FieldType::Named(kind_name(kind).to_owned()),
        };
        default = default.filter(|_| !is_proto3);
        let options = read_options(&options, "FieldOptions")?;
        let field = Field { label, field_type, name, number, default, json_name, options };
        Ok(RawField { field, oneof, is_proto3_optional, extendee })
    }

    fn oneof(&mut self, bytes: &[u8]) -> Result<Oneof> {
        self.budget.node()?;
        let mut oneof = Oneof::default();
        let mut options: Vec<u8> = Vec::new();
        for field in Fields(bytes) {
            match field? {
                (1, Payload::Bytes(name)) => oneof.name = text(name),
                (2, Payload::Bytes(bytes)) => options.extend(bytes),
                _ => {}
            }
        }
        oneof.options = read_options(&options, "OneofOptions")?;
        Ok(oneof)
    }

    fn enumeration(&mut self, parent: Option<MessageId>, bytes: &[u8]) -> Result<()> {
        self.budget.node()?;
        let mut read = Enum { parent, ..Enum::default() };
        let mut options: Vec<u8> = Vec::new();
        let (mut ranges, mut names) = (Vec::new(), Vec::new());
        for field in Fields(bytes) {
            match field? {
                (1, Payload::Bytes(name)) => read.name = text(name),
                (2, Payload::Bytes(bytes)) => read.constants.push(self.constant(bytes)?),
                (3, Payload::Bytes(bytes)) => options.extend(bytes),
                (4, Payload::Bytes(bytes)) => ranges.push(self.range(bytes, 0)?),
                (5, Payload::Bytes(name)) => names.push(text(name)),
                _ => {}
            }
        }
        read.options = read_options(&options, "EnumOptions")?;
        let items = ranges.into_iter().map(Reserved::Range).chain(names.into_iter().map(Reserved::Name));
        read.reserved = items.map(|item| vec![item]).collect();
        self.file.add_enum(read);
        Ok(())
    }

    fn constant(&mut self, bytes: &[u8]) -> Result<EnumConstant> {
        self.budget.node()?;
        let mut constant = EnumConstant { name: String::new(), number: 0, options: Vec::new() };
        let mut options: Vec<u8> = Vec::new();
        for field in Fields(bytes) {
            match field? {
                (1, Payload::Bytes(name)) => constant.name = text(name),
                (2, Payload::Varint(number)) => constant.number = int32(number),
                (3, Payload::Bytes(bytes)) => options.extend(bytes),
                _ => {}
            }
        }
        constant.options = read_options(&options, "EnumValueOptions")?;
        Ok(constant)
    }

    fn service(&mut self, bytes: &[u8]) -> Result<()> {
        self.budget.node()?;
        let mut service = Service::default();
        let mut options: Vec<u8> = Vec::new();
        for field in Fields(bytes) {
            match field? {
                (1, Payload::Bytes(name)) => service.name = text(name),
                (2, Payload::Bytes(bytes)) => service.rpcs.push(self.rpc(bytes)?),
                (3, Payload::Bytes(bytes)) => options.extend(bytes),
                _ => {}
            }
        }
        service.options = read_options(&options, "ServiceOptions")?;
        self.file.services.push(service);
        Ok(())
    }

    fn rpc(&mut self, bytes: &[u8]) -> Result<Rpc> {
        self.budget.node()?;
        let streamed = || Streamed { is_stream: false, name: String::new() };
        let mut rpc =
            Rpc { name: String::new(), request: streamed(), response: streamed(), options: Vec::new() };
        let mut options: Vec<u8> = Vec::new();
        for field in Fields(bytes) {
            match field? {
                (1, Payload::Bytes(name)) => rpc.name = text(name),
                (2, Payload::Bytes(name)) => rpc.request.name = text(name),
                (3, Payload::Bytes(name)) => rpc.response.name = text(name),
                (4, Payload::Bytes(bytes)) => options.extend(bytes),
                (5, Payload::Varint(value)) => rpc.request.is_stream = value != 0,
                (6, Payload::Varint(value)) => rpc.response.is_stream = value != 0,
                _ => {}
            }
        }
        rpc.options = read_options(&options, "MethodOptions")?;
        Ok(rpc)
    }

    fn extension_range(&mut self, bytes: &[u8]) -> Result<Extensions> {
        let mut options: Vec<u8> = Vec::new();
        for field in Fields(bytes) {
            if let (3, Payload::Bytes(bytes)) = field? {
                options.extend(bytes);
            }
        }
        let ranges = vec![self.range(bytes, 1)?];
        Ok(Extensions { ranges, options: read_options(&options, "ExtensionRangeOptions")? })
    }

    /// A range whose end lies `beyond` its last number.
    fn range(&mut self, bytes: &[u8], beyond: i32) -> Result<Range> {
        self.budget.node()?;
        let (mut start, mut end) = (0, 0);
        for field in Fields(bytes) {
            match field? {
                (1, Payload::Varint(value)) => start = int32(value),
                (2, Payload::Varint(value)) => end = int32(value),
                _ => {}
            }
        }
        let end = end.saturating_sub(beyond);
        Ok(Range { start, end, is_single: start == end })
    }
}

/// Extensions as blocks, one for each extended message, in the order of their first extensions.
fn group_extensions(extensions: Vec<RawField>, budget: &mut Budget<'_>) -> Result<Vec<Extend>> {
    let mut blocks: Vec<Extend> = Vec::new();
    for RawField { field, extendee, .. } in extensions {
        budget.steps(blocks.len())?;
        match blocks.iter_mut().find(|block| block.name == extendee) {
            Some(block) => block.fields.push(field),
            None => blocks.push(Extend { name: extendee, fields: vec![field] }),
        }
    }
    Ok(blocks)
}

/// What a type that has a name of its own is.
fn kind_name(kind: u64) -> &'static str {
    match kind {
        10 => "group",
        11 => "message",
        _ => "enum",
    }
}

/// A scalar by its number in `FieldDescriptorProto.Type`.
fn scalar(kind: u64) -> Option<Scalar> {
    Scalar::ALL.into_iter().find(|scalar| scalar.descriptor_type() == kind)
}

impl Scalar {
    /// The number in `FieldDescriptorProto.Type`.
    pub(super) fn descriptor_type(self) -> u64 {
        match self {
            Self::Double => 1,
            Self::Float => 2,
            Self::Int64 => 3,
            Self::Uint64 => 4,
            Self::Int32 => 5,
            Self::Fixed64 => 6,
            Self::Fixed32 => 7,
            Self::Bool => 8,
            Self::String => 9,
            Self::Bytes => 12,
            Self::Uint32 => 13,
            Self::Sfixed32 => 15,
            Self::Sfixed64 => 16,
            Self::Sint32 => 17,
            Self::Sint64 => 18,
        }
    }
}

/// Indexes of dependencies, packed or not.
fn indexes(payload: Payload<'_>) -> Result<Vec<u64>> {
    match payload {
        Payload::Varint(index) => Ok(vec![index]),
        Payload::Bytes(bytes) => super::wire::varints(bytes).map_err(Failure::from),
        Payload::Other => Ok(Vec::new()),
    }
}
