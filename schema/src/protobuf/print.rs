//! From a syntax tree to text (schema formats spec §2.2, §2.3), byte for byte as the reference prints it.
//!
//! A block is a header, sections and `}`. Blank lines part the sections, and carry the indentation of the block they
//! stand in, because the reference indents a nested block line by line.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::model::{
    Enum, Extend, Extensions, Field, FieldType, Group, MAX_NUMBER, Message, MessageId, Oneof, OptionValue,
    ProtoFile, ProtoOption, Range, Reserved, Rpc, Scalar, Service, TypeId,
};

/// How a field's `default` and `json_name` stand among its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Last: the canonical text.
    Canonical,
    /// Sorted in: the normalized text.
    Normalized,
}

/// Prints a file, unless that takes more than `max_bytes`.
pub(super) fn print(file: &ProtoFile, style: Style, max_bytes: usize) -> Option<String> {
    let mut printer = Printer { out: String::new(), style, max_bytes };
    printer.file(file);
    (printer.out.len() <= max_bytes).then_some(printer.out)
}

struct Printer {
    out: String,
    style: Style,
    max_bytes: usize,
}

/// A block whose sections are being printed, and how deep it stands.
struct Block {
    depth: usize,
    is_empty: bool,
}

/// What is still to be printed of nested types.
enum Rest {
    Type(TypeId, usize),
    End(Block),
}

impl Printer {
    fn file(&mut self, file: &ProtoFile) {
        if let Some(syntax) = file.syntax {
            self.put(0, &["syntax = \"", syntax.as_str(), "\";\n"]);
        }
        if let Some(package) = &file.package {
            self.put(0, &["package ", package, ";\n"]);
        }
        if !file.imports.is_empty() || !file.public_imports.is_empty() {
            self.out.push('\n');
        }
        for path in &file.imports {
            self.put(0, &["import \"", path, "\";\n"]);
        }
        for path in &file.public_imports {
            self.put(0, &["import public \"", path, "\";\n"]);
        }
        self.part(&file.options, Self::option_statement);
        if !file.types.is_empty() {
            self.out.push('\n');
            self.types(file, None, 0);
        }
        self.part(&file.extends, Self::extend);
        self.part(&file.services, Self::service);
    }

    /// A part of the file, which a blank line begins.
    fn part<T>(&mut self, items: &[T], print: impl Fn(&mut Self, &T, usize)) {
        if !items.is_empty() {
            self.out.push('\n');
        }
        for item in items {
            print(self, item, 0);
        }
    }

    /// The types at one level and all they hold: messages, then enums.
    fn types(&mut self, file: &ProtoFile, parent: Option<MessageId>, depth: usize) {
        let mut rest = Vec::new();
        push_types(file, parent, depth, &mut rest);
        while let Some(next) = rest.pop() {
            match next {
                Rest::Type(TypeId::Enum(id), depth) => self.enumeration(file.enumeration(id), depth),
                Rest::Type(TypeId::Message(id), depth) => {
                    let message = file.message(id);
                    let mut block = self.message(message, depth);
                    if !message.types.is_empty() {
                        self.separate(&mut block);
                    }
                    rest.push(Rest::End(block));
                    push_types(file, Some(id), depth + 1, &mut rest);
                }
                Rest::End(block) => self.end(block),
            }
        }
    }

    /// A message up to its nested types.
    fn message(&mut self, message: &Message, depth: usize) -> Block {
        let mut block = self.begin(depth, &["message ", &message.name, " {"]);
        self.section(&mut block, &message.reserved, |p, reserved, depth| p.reserved(reserved, depth));
        self.section(&mut block, &message.options, Self::option_statement);
        self.section(&mut block, &message.fields, Self::field);
        self.section(&mut block, &message.oneofs, Self::oneof);
        self.section(&mut block, &message.groups, Self::group);
        self.section(&mut block, &message.extensions, Self::extensions);
        self.section(&mut block, &message.extends, Self::extend);
        block
    }

    /// An enum: the one block without blank lines.
    fn enumeration(&mut self, printed: &Enum, depth: usize) {
        let mut block = self.begin(depth, &["enum ", &printed.name, " {"]);
        block.is_empty =
            printed.reserved.is_empty() && printed.options.is_empty() && printed.constants.is_empty();
        if !block.is_empty {
            self.out.push('\n');
        }
        for reserved in &printed.reserved {
            self.reserved(reserved, depth + 1);
        }
        for option in &printed.options {
            self.option_statement(option, depth + 1);
        }
        for constant in &printed.constants {
            self.put(depth + 1, &[&constant.name]);
            let _ = write!(self.out, " = {}", constant.number);
            self.bracketed(&constant.options, depth + 1);
            self.out.push_str(";\n");
        }
        self.end(block);
    }

    /// A oneof; one without fields is left out of the normalized text, though it may have groups and the section stays.
    fn oneof(&mut self, oneof: &Oneof, depth: usize) {
        if oneof.fields.is_empty() && self.style == Style::Normalized {
            return;
        }
        let mut block = self.begin(depth, &["oneof ", &oneof.name, " {"]);
        self.section(&mut block, &oneof.options, Self::option_statement);
        self.section(&mut block, &oneof.fields, Self::field);
        self.section(&mut block, &oneof.groups, Self::group);
        self.end(block);
    }

    fn group(&mut self, group: &Group, depth: usize) {
        let label = group.label.map_or("", |label| label.as_str());
        let space = if label.is_empty() { "" } else { " " };
        let number = group.number.to_string();
        let mut block = self.begin(depth, &[label, space, "group ", &group.name, " = ", &number, " {"]);
        self.section(&mut block, &group.fields, Self::field);
        self.end(block);
    }

    /// An `extend` block; an empty one is left out of the normalized text, though the section stays.
    fn extend(&mut self, extend: &Extend, depth: usize) {
        if extend.fields.is_empty() && self.style == Style::Normalized {
            return;
        }
        let mut block = self.begin(depth, &["extend ", &extend.name, " {"]);
        self.section(&mut block, &extend.fields, Self::field);
        self.end(block);
    }

    fn service(&mut self, service: &Service, depth: usize) {
        let mut block = self.begin(depth, &["service ", &service.name, " {"]);
        self.section(&mut block, &service.options, Self::option_statement);
        self.section(&mut block, &service.rpcs, Self::rpc);
        self.end(block);
    }

    fn rpc(&mut self, rpc: &Rpc, depth: usize) {
        let stream = |is_stream| if is_stream { "stream " } else { "" };
        let (request, response) = (&rpc.request, &rpc.response);
        self.put(depth, &["rpc ", &rpc.name, " (", stream(request.is_stream), &request.name]);
        self.out.push_str(") returns (");
        self.out.push_str(stream(response.is_stream));
        self.out.push_str(&response.name);
        self.out.push(')');
        if !rpc.options.is_empty() {
            self.out.push_str(" {\n");
            for option in &rpc.options {
                self.option_statement(option, depth + 1);
            }
            self.put(depth, &["}"]);
        }
        self.out.push_str(";\n");
    }

    fn field(&mut self, field: &Field, depth: usize) {
        let label = field.label.map_or("", |label| label.as_str());
        let space = if label.is_empty() { "" } else { " " };
        self.put(depth, &[label, space]);
        let _ = write!(self.out, "{} {} = {}", field.field_type, field.name, field.number);
        self.bracketed(&all_options(field, self.style), depth);
        self.out.push_str(";\n");
    }

    fn reserved(&mut self, reserved: &[Reserved], depth: usize) {
        self.put(depth, &["reserved "]);
        for (at, item) in reserved.iter().enumerate() {
            self.out.push_str(if at == 0 { "" } else { ", " });
            match item {
                Reserved::Range(range) => self.range(*range),
                Reserved::Name(name) => self.quoted(name),
            }
        }
        self.out.push_str(";\n");
    }

    fn extensions(&mut self, extensions: &Extensions, depth: usize) {
        self.put(depth, &["extensions "]);
        for (at, range) in extensions.ranges.iter().enumerate() {
            self.out.push_str(if at == 0 { "" } else { ", " });
            self.range(*range);
        }
        self.bracketed(&extensions.options, depth);
        self.out.push_str(";\n");
    }

    fn range(&mut self, Range { start, end, is_single }: Range) {
        let _ = match (is_single, end >= MAX_NUMBER) {
            (true, _) => write!(self.out, "{start}"),
            (false, true) => write!(self.out, "{start} to max"),
            (false, false) => write!(self.out, "{start} to {end}"),
        };
    }

    fn option_statement(&mut self, option: &ProtoOption, depth: usize) {
        self.put(depth, &["option "]);
        self.option(option, depth);
        self.out.push_str(";\n");
    }

    /// Options in brackets: one on the line of its owner, several on lines of their own.
    fn bracketed<O: std::borrow::Borrow<ProtoOption>>(&mut self, options: &[O], depth: usize) {
        match options {
            [] => {}
            [one] => {
                self.out.push_str(" [");
                self.option(one.borrow(), depth);
                self.out.push(']');
            }
            several => {
                self.out.push_str(" [\n");
                for (at, option) in several.iter().enumerate() {
                    self.put(depth + 1, &[]);
                    self.option(option.borrow(), depth + 1);
                    self.out.push_str(if at + 1 < several.len() { ",\n" } else { "\n" });
                }
                self.put(depth, &["]"]);
            }
        }
    }

    fn option(&mut self, option: &ProtoOption, depth: usize) {
        let (open, close) = if option.is_extension { ("(", ")") } else { ("", "") };
        for piece in [open, &option.name, close] {
            self.out.push_str(piece);
        }
        let mut value = &option.value;
        while let OptionValue::Part(part, rest) = value {
            self.out.push('.');
            self.out.push_str(part);
            value = rest;
        }
        self.out.push_str(" = ");
        match value {
            // Only as the whole value does a list of one stand on one line.
            OptionValue::List(items) if let [item] = items.as_slice() => {
                self.out.push('[');
                self.value(item, depth);
                self.out.push(']');
            }
            value => self.value(value, depth),
        }
    }

    fn value(&mut self, value: &OptionValue, depth: usize) {
        match value {
            OptionValue::Text(text) => self.quoted(text),
            OptionValue::Number(text) | OptionValue::Word(text) => self.out.push_str(text),
            OptionValue::Part(_, value) => self.value(value, depth),
            OptionValue::Aggregate(members) => {
                self.out.push_str("{\n");
                for (at, (key, value)) in members.iter().enumerate() {
                    self.put(depth + 1, &[key, ": "]);
                    self.value(value, depth + 1);
                    self.out.push_str(if at + 1 < members.len() { ",\n" } else { "\n" });
                }
                self.put(depth, &["}"]);
            }
            OptionValue::List(items) => {
                self.out.push_str("[\n");
                for (at, item) in items.iter().enumerate() {
                    self.put(depth + 1, &[]);
                    self.value(item, depth + 1);
                    self.out.push_str(if at + 1 < items.len() { ",\n" } else { "\n" });
                }
                self.put(depth, &["]"]);
            }
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '\u{7}' => self.out.push_str("\\a"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{b}' => self.out.push_str("\\v"),
                '\\' | '\'' | '"' => self.out.extend(['\\', c]),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    /// The header of a block, and no line break yet.
    fn begin(&mut self, depth: usize, header: &[&str]) -> Block {
        self.put(depth, header);
        Block { depth, is_empty: true }
    }

    fn section<T>(&mut self, block: &mut Block, items: &[T], print: impl Fn(&mut Self, &T, usize)) {
        if items.is_empty() {
            return;
        }
        self.separate(block);
        for item in items {
            print(self, item, block.depth + 1);
        }
    }

    /// What stands before a section: the line break of the header, or a blank line.
    fn separate(&mut self, block: &mut Block) {
        if !block.is_empty {
            self.put(block.depth, &[]);
        }
        self.out.push('\n');
        block.is_empty = false;
    }

    fn end(&mut self, block: Block) {
        self.put(if block.is_empty { 0 } else { block.depth }, &["}\n"]);
    }

    /// Indentation and text. A text that is too long already is not indented any more: only indentation can make it
    /// much longer than its source.
    fn put(&mut self, depth: usize, pieces: &[&str]) {
        if self.out.len() <= self.max_bytes {
            self.out.extend(std::iter::repeat_n("  ", depth));
        }
        for piece in pieces {
            self.out.push_str(piece);
        }
    }
}

/// Options of a field with its default and JSON name.
pub(super) fn all_options(field: &Field, style: Style) -> Vec<Cow<'_, ProtoOption>> {
    let mut all: Vec<Cow<'_, ProtoOption>> = field.options.iter().map(Cow::Borrowed).collect();
    let option = |name: &str, value| ProtoOption { name: name.to_owned(), is_extension: false, value };
    if let Some(default) = &field.default {
        let is_text = field.field_type == FieldType::Scalar(Scalar::String);
        let value = if is_text { OptionValue::Text } else { OptionValue::Word };
        all.push(Cow::Owned(option("default", value(default.clone()))));
    }
    if let Some(json_name) = &field.json_name {
        all.push(Cow::Owned(option("json_name", OptionValue::Text(json_name.clone()))));
    }
    if style == Style::Normalized {
        all.sort_by(|a, b| a.name.cmp(&b.name));
    }
    all
}

/// Leaves the types at one level to be printed, last first: enums come after messages.
fn push_types(file: &ProtoFile, parent: Option<MessageId>, depth: usize, rest: &mut Vec<Rest>) {
    let from = rest.len();
    rest.extend(file.messages_of(parent).map(|(id, _)| Rest::Type(TypeId::Message(id), depth)));
    rest.extend(file.enums_of(parent).map(|(id, _)| Rest::Type(TypeId::Enum(id), depth)));
    if let Some(pushed) = rest.get_mut(from..) {
        pushed.reverse();
    }
}
