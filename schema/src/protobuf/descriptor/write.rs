//! From a syntax tree to a `FileDescriptorProto` (schema formats spec §7, `serialized`).
//!
//! Messages are written from the last to the first, so that those nested in one are done before it.

use prost_types::{DescriptorProto, FileDescriptorProto};

use super::options::write_options;
use super::wire::Writer;
use crate::format::ParseError;
use crate::protobuf::model::{
    Enum, Extend, Field, FieldType, Group, Label, Message, MessageId, ProtoFile, ProtoOption, Range,
    Reserved, Scalar, Service, Syntax, TypeId,
};
use crate::protobuf::names::{Names, Place};
use crate::protobuf::parse::Budget;

/// What the descriptor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protobuf) enum Purpose {
    /// To be shown: as the reference writes it, names as in the source, without groups.
    Shown,
    /// To work with: full names, groups, no reserved numbers.
    Linked,
}

/// A file to be written.
pub(super) struct Source<'s, 'f> {
    pub(super) file: &'f ProtoFile,
    /// Its index among the files of `names`.
    pub(super) index: usize,
    /// What to call it.
    pub(super) name: &'s str,
    /// The paths of its imports that are there, each once.
    pub(super) imports: Vec<&'s str>,
    /// Which of them are public, as often as the text says so.
    pub(super) public_imports: Vec<usize>,
}

const TYPE_GROUP: i64 = 10;
const TYPE_MESSAGE: i64 = 11;
const TYPE_ENUM: i64 = 14;

struct FileWriter<'n, 'f, 'b, 'l> {
    names: &'n Names<'f>,
    source: usize,
    purpose: Purpose,
    syntax: Option<Syntax>,
    budget: &'b mut Budget<'l>,
    bytes_left: usize,
}

/// A file or message in two parts: what comes before the messages in it, and after.
struct Parts {
    before: Writer,
    after: Writer,
}

/// Writes a file as the reference shows it.
pub(super) fn write_file(
    source: &Source<'_, '_>,
    names: &Names<'_>,
    budget: &mut Budget<'_>,
) -> Result<Vec<u8>, ParseError> {
    let file = source.file;
    let mut writer = FileWriter::new(source, names, Purpose::Shown, budget);
    let mut parts = writer.file(source)?;
    let mut done: Vec<Vec<u8>> = vec![Vec::new(); file.messages.len()];
    for (at, message) in file.messages.iter().enumerate().rev() {
        let written = writer.message(file, MessageId(at), message)?;
        let mut out = written.before;
        for (id, _) in file.messages_of(Some(MessageId(at))) {
            out.bytes(3, &done.get_mut(id.0).map(std::mem::take).unwrap_or_default());
        }
        out.0.extend(written.after.0);
        writer.pay(out.0.len())?;
        if let Some(place) = done.get_mut(at) {
            *place = out.0;
        }
    }
    for (id, _) in file.messages_of(None) {
        parts.before.bytes(4, done.get(id.0).map_or(&[], Vec::as_slice));
    }
    parts.before.0.extend(parts.after.0);
    Ok(parts.before.0)
}

/// Makes a descriptor to work with. The messages are put together one by one, since decoding a whole would recurse.
pub(super) fn link_file(
    source: &Source<'_, '_>,
    names: &Names<'_>,
    budget: &mut Budget<'_>,
) -> Result<FileDescriptorProto, ParseError> {
    let file = source.file;
    let mut writer = FileWriter::new(source, names, Purpose::Linked, budget);
    let parts = writer.file(source)?;
    let mut descriptor: FileDescriptorProto = parts.decode()?;
    let mut done: Vec<DescriptorProto> = vec![DescriptorProto::default(); file.messages.len()];
    for (at, message) in file.messages.iter().enumerate().rev() {
        let mut linked: DescriptorProto = writer.message(file, MessageId(at), message)?.decode()?;
        let nested = file.messages_of(Some(MessageId(at)));
        let nested = nested.filter_map(|(id, _)| done.get_mut(id.0).map(std::mem::take));
        // Those that stand for the entries of maps, and for groups, come last.
        linked.nested_type = nested.chain(std::mem::take(&mut linked.nested_type)).collect();
        if let Some(place) = done.get_mut(at) {
            *place = linked;
        }
    }
    let top = file.messages_of(None).filter_map(|(id, _)| done.get_mut(id.0).map(std::mem::take));
    descriptor.message_type = top.collect();
    Ok(descriptor)
}

impl Parts {
    fn decode<M: prost::Message + Default>(mut self) -> Result<M, ParseError> {
        self.before.0.extend(self.after.0);
        M::decode(self.before.0.as_slice()).map_err(|error| ParseError::Invalid(error.to_string()))
    }
}

impl<'n, 'f, 'b, 'l> FileWriter<'n, 'f, 'b, 'l> {
    fn new(
        source: &Source<'_, '_>,
        names: &'n Names<'f>,
        purpose: Purpose,
        budget: &'b mut Budget<'l>,
    ) -> Self {
        let bytes_left = budget.limits.schema_bytes.saturating_mul(4);
        Self { names, source: source.index, purpose, syntax: source.file.syntax, budget, bytes_left }
    }

    /// A file without its messages.
    fn file(&mut self, source: &Source<'_, '_>) -> Result<Parts, ParseError> {
        let file = source.file;
        let (mut before, mut after) = (Writer::default(), Writer::default());
        before.text(1, source.name);
        if let Some(package) = &file.package {
            before.text(2, package);
        }
        for path in &source.imports {
            before.text(3, path);
        }
        for (_, found) in file.enums_of(None) {
            after.bytes(5, &self.enumeration(found).0);
        }
        for service in &file.services {
            after.bytes(6, &self.service(service)?.0);
        }
        self.extends(&file.extends, self.names.package_of(self.source), 7, &mut after)?;
        self.options(&file.options, "FileOptions", 8, &mut after);
        for index in source.public_imports.iter().filter_map(|index| i64::try_from(*index).ok()) {
            after.integer(10, index);
        }
        if let Some(syntax) = file.syntax {
            after.text(12, syntax.as_str());
        }
        Ok(Parts { before, after })
    }

    /// A message without those nested in it. Its fields: members of oneofs, then plain ones, then groups; synthetic oneofs
    /// come last. The reference leaves out a plain field that is called as a member of a oneof.
    fn message(&mut self, file: &ProtoFile, id: MessageId, message: &Message) -> Result<Parts, ParseError> {
        let scope = self.names.message_of(self.source, id);
        let mut fields = Writer::default();
        // The messages of groups come before those of members of oneofs that are groups, and those of maps last, as
        // message indexes count them.
        let (mut groups, mut member_groups, mut entries) =
            (Writer::default(), Writer::default(), Writer::default());
        let mut oneofs = Writer::default();
        let mut oneof_count = 0;
        for oneof in &message.oneofs {
            for field in &oneof.fields {
                self.field(field, scope, Some(oneof_count), None, &mut fields, Some(&mut entries))?;
            }
            if self.purpose == Purpose::Linked {
                for group in &oneof.groups {
                    self.group(group, scope, Some(oneof_count), &mut fields, &mut member_groups)?;
                }
                if oneof.fields.is_empty() && oneof.groups.is_empty() {
                    continue;
                }
            }
            self.oneof(&oneof.name, &oneof.options, &mut oneofs);
            oneof_count += 1;
        }
        for (field, _) in message.described_fields().filter(|(_, is_member)| !is_member) {
            let is_synthetic = self.is_proto3() && field.label == Some(Label::Optional);
            let index = is_synthetic.then_some(oneof_count);
            self.field(field, scope, index, None, &mut fields, Some(&mut entries))?;
            if is_synthetic {
                self.oneof(&format!("_{}", field.name), &[], &mut oneofs);
                oneof_count += 1;
            }
        }
        if self.purpose == Purpose::Linked {
            for group in &message.groups {
                self.group(group, scope, None, &mut fields, &mut groups)?;
            }
        }
        let mut before = Writer::default();
        before.text(1, &message.name);
        before.0.extend(fields.0);
        let mut out = groups;
        out.0.extend(member_groups.0);
        out.0.extend(entries.0);
        for (_, found) in file.enums_of(Some(id)) {
            out.bytes(4, &self.enumeration(found).0);
        }
        for extensions in &message.extensions {
            let mut options = Writer::default();
            self.options(&extensions.options, "ExtensionRangeOptions", 3, &mut options);
            if options.0.is_empty() {
                options.bytes(3, &[]);
            }
            for range in &extensions.ranges {
                let mut written = self.range(*range, 1);
                written.0.extend(&options.0);
                self.pay(written.0.len())?;
                out.bytes(5, &written.0);
            }
        }
        self.extends(&message.extends, scope, 6, &mut out)?;
        self.options(&message.options, "MessageOptions", 7, &mut out);
        out.0.extend(oneofs.0);
        self.reserved(&message.reserved, 1, (9, 10), &mut out);
        Ok(Parts { before, after: out })
    }

    /// A field or extension, and the message of a map's entries.
    fn field(
        &mut self,
        field: &Field,
        scope: Place,
        oneof: Option<i64>,
        extended: Option<&str>,
        out: &mut Writer,
        entries: Option<&mut Writer>,
    ) -> Result<(), ParseError> {
        let mut written = Writer::default();
        written.text(1, &field.name);
        if let Some(extended) = extended {
            written.text(2, &self.name(extended, scope)?.0);
        }
        written.integer(3, field.number.into());
        let is_synthetic = extended.is_none() && self.is_proto3() && field.label == Some(Label::Optional);
        let is_map = matches!(field.field_type, FieldType::Map(_));
        let label = match field.label {
            _ if is_map => Some(3),
            Some(Label::Repeated) => Some(3),
            Some(Label::Required) => Some(2),
            Some(Label::Optional) => Some(1),
            None => (oneof.is_some() || self.purpose == Purpose::Linked).then_some(1),
        };
        if let Some(label) = label {
            written.integer(4, label);
        }
        match &field.field_type {
            FieldType::Map(map) => {
                let name = entry_name(&field.name);
                let entry = self.entry(&name, (map.key, &map.value), scope)?;
                if let Some(entries) = entries {
                    entries.bytes(3, &entry.0);
                }
                match self.purpose {
                    Purpose::Shown => written.text(6, &name),
                    Purpose::Linked => {
                        written.integer(5, TYPE_MESSAGE);
                        written.text(6, &format!(".{}.{name}", self.names.full_name(scope)));
                    }
                }
            }
            field_type => self.field_type(field_type, scope, &mut written)?,
        }
        if let Some(default) = &field.default {
            written.text(7, default);
        }
        self.options(&field.options, "FieldOptions", 8, &mut written);
        if let Some(oneof) = oneof {
            written.integer(9, oneof);
        }
        if let Some(json_name) = &field.json_name {
            written.text(10, json_name);
        }
        if is_synthetic {
            written.integer(17, 1);
        }
        self.pay(written.0.len())?;
        out.bytes(if extended.is_some() { 7 } else { 2 }, &written.0);
        Ok(())
    }

    /// The type of a field: the number of a scalar, or a name and whether it is that of a message or an enum.
    fn field_type(
        &mut self,
        field_type: &FieldType,
        scope: Place,
        out: &mut Writer,
    ) -> Result<(), ParseError> {
        match field_type {
            FieldType::Scalar(scalar) => out.integer(5, scalar.descriptor_type().cast_signed()),
            FieldType::Named(name) => {
                let (name, kind) = self.name(name, scope)?;
                if let Some(kind) = kind {
                    out.integer(5, kind);
                }
                out.text(6, &name);
            }
            FieldType::Map(_) => out.text(6, &field_type.to_string()),
        }
        Ok(())
    }

    /// The message that stands for an entry of a map.
    fn entry(
        &mut self,
        name: &str,
        (key, value): (Scalar, &FieldType),
        scope: Place,
    ) -> Result<Writer, ParseError> {
        let mut entry = Writer::default();
        entry.text(1, name);
        for (name, number, field_type) in [("key", 1, &FieldType::Scalar(key)), ("value", 2, value)] {
            let mut field = Writer::default();
            field.text(1, name);
            field.integer(3, number);
            if self.purpose == Purpose::Linked {
                field.integer(4, 1);
            }
            self.field_type(field_type, scope, &mut field)?;
            entry.bytes(2, &field.0);
        }
        entry.bytes(7, &[0x38, 1]);
        Ok(entry)
    }

    /// A group: a field and a nested message.
    fn group(
        &mut self,
        group: &Group,
        scope: Place,
        oneof: Option<i64>,
        fields: &mut Writer,
        nested: &mut Writer,
    ) -> Result<(), ParseError> {
        let mut field = Writer::default();
        field.text(1, &group.name.to_ascii_lowercase());
        field.integer(3, group.number.into());
        let label = match group.label {
            Some(Label::Repeated) => 3,
            Some(Label::Required) => 2,
            Some(Label::Optional) | None => 1,
        };
        field.integer(4, label);
        field.integer(5, TYPE_GROUP);
        field.text(6, &format!(".{}.{}", self.names.full_name(scope), group.name));
        if let Some(oneof) = oneof {
            field.integer(9, oneof);
        }
        self.pay(field.0.len())?;
        fields.bytes(2, &field.0);
        let mut message = Writer::default();
        message.text(1, &group.name);
        let (mut inner, mut entries) = (Writer::default(), Writer::default());
        for field in group.fields.iter().filter(|field| !matches!(field.field_type, FieldType::Map(_))) {
            let field = Field { label: field.label.filter(|_| !self.is_proto3()), ..field.clone() };
            self.field(&field, scope, None, None, &mut inner, Some(&mut entries))?;
        }
        message.0.extend(inner.0);
        message.0.extend(entries.0);
        nested.bytes(3, &message.0);
        Ok(())
    }

    fn extends(
        &mut self,
        extends: &[Extend],
        scope: Place,
        number: u32,
        out: &mut Writer,
    ) -> Result<(), ParseError> {
        for extend in extends {
            for field in &extend.fields {
                let mut written = Writer::default();
                self.field(field, scope, None, Some(&extend.name), &mut written, None)?;
                retag(&mut written, number);
                out.0.extend(written.0);
            }
        }
        Ok(())
    }

    fn oneof(&mut self, name: &str, options: &[ProtoOption], out: &mut Writer) {
        let mut oneof = Writer::default();
        oneof.text(1, name);
        let written = write_options(options, "OneofOptions");
        oneof.bytes(2, &written.0);
        out.bytes(8, &oneof.0);
    }

    fn enumeration(&mut self, found: &Enum) -> Writer {
        let mut out = Writer::default();
        out.text(1, &found.name);
        for constant in &found.constants {
            let mut written = Writer::default();
            written.text(1, &constant.name);
            written.integer(2, constant.number.into());
            self.options(&constant.options, "EnumValueOptions", 3, &mut written);
            out.bytes(2, &written.0);
        }
        self.options(&found.options, "EnumOptions", 3, &mut out);
        self.reserved(&found.reserved, 0, (4, 5), &mut out);
        out
    }

    fn service(&mut self, service: &Service) -> Result<Writer, ParseError> {
        let scope = self.names.package_of(self.source);
        let mut out = Writer::default();
        out.text(1, &service.name);
        for rpc in &service.rpcs {
            let mut written = Writer::default();
            written.text(1, &rpc.name);
            written.text(2, &self.name(&rpc.request.name, scope)?.0);
            written.text(3, &self.name(&rpc.response.name, scope)?.0);
            self.options(&rpc.options, "MethodOptions", 4, &mut written);
            written.integer(5, rpc.request.is_stream.into());
            written.integer(6, rpc.response.is_stream.into());
            out.bytes(2, &written.0);
        }
        self.options(&service.options, "ServiceOptions", 3, &mut out);
        Ok(out)
    }

    fn options(&self, options: &[ProtoOption], of: &'static str, number: u32, out: &mut Writer) {
        let written = write_options(options, of);
        if !written.0.is_empty() {
            out.bytes(number, &written.0);
        }
    }

    /// Reserved numbers, then reserved names; an end lies `beyond` its last number.
    fn reserved(
        &self,
        reserved: &[Vec<Reserved>],
        beyond: i32,
        (ranges, names): (u32, u32),
        out: &mut Writer,
    ) {
        if self.purpose == Purpose::Linked {
            return;
        }
        for item in reserved.iter().flatten() {
            if let Reserved::Range(range) = item {
                out.bytes(ranges, &self.range(*range, beyond).0);
            }
        }
        for item in reserved.iter().flatten() {
            if let Reserved::Name(name) = item {
                out.text(names, name);
            }
        }
    }

    fn range(&self, range: Range, beyond: i32) -> Writer {
        let mut written = Writer::default();
        written.integer(1, range.start.into());
        written.integer(2, range.end.wrapping_add(beyond).into());
        written
    }

    /// A name as it is written, and whether it is that of a message or of an enum, if it can be found.
    fn name(&mut self, name: &str, scope: Place) -> Result<(String, Option<i64>), ParseError> {
        let found = self.names.resolve(scope, name, self.budget)?;
        let kind = found.map(|(_, found)| match found.id {
            TypeId::Message(_) => TYPE_MESSAGE,
            TypeId::Enum(_) => TYPE_ENUM,
        });
        match (self.purpose, found) {
            (Purpose::Shown, _) => Ok((name.to_owned(), kind)),
            (Purpose::Linked, Some((place, _))) => Ok((format!(".{}", self.names.full_name(place)), kind)),
            (Purpose::Linked, None) => Err(ParseError::Invalid(format!("Could not resolve type: {name}"))),
        }
    }

    fn is_proto3(&self) -> bool {
        self.syntax == Some(Syntax::Proto3)
    }

    /// Pays for bytes that will be copied.
    fn pay(&mut self, count: usize) -> Result<(), ParseError> {
        let limit = self.budget.limits.schema_bytes;
        let too_large = ParseError::TooLarge { what: "bytes of descriptors", limit };
        self.bytes_left = self.bytes_left.checked_sub(count).ok_or(too_large)?;
        Ok(())
    }
}

/// Gives the one field in `written`, whose tag takes one byte, another number.
fn retag(written: &mut Writer, number: u32) {
    if let (Some(tag), Ok(number)) = (written.0.first_mut(), u8::try_from(number)) {
        *tag = number << 3 | 2;
    }
}

/// The name of the message for the entries of a map field: `mEntry` for `m`, `FooBarEntry` for `foo_bar`.
pub(in crate::protobuf) fn entry_name(field: &str) -> String {
    if !field.contains('_') {
        return format!("{field}Entry");
    }
    let camel = field.split('_').flat_map(|word| {
        let rest = word.chars().skip(1).map(|c| c.to_ascii_lowercase());
        word.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(rest)
    });
    camel.chain("Entry".chars()).collect()
}
