//! From `.proto` text to a syntax tree (schema formats spec §2.1), as leniently as the reference reads it.
//!
//! Messages nest on a stack of our own. What does not belong where it stands is an error only where the reference
//! finds one: an option inside of an `extend` block, for example, is read and forgotten.

mod fields;

use std::collections::HashSet;

use super::lexer::{LeadingDigit, Lexer, is_quote};
use super::model::{
    Enum, EnumConstant, EnumId, Extend, Field, Group, Message, MessageId, Oneof, ProtoFile, ProtoOption, Rpc,
    Service, Streamed, Syntax, TypeId,
};
use super::options::{Separator, read_bracketed, read_option};
use crate::format::ParseError;
use crate::limits::Limits;

/// What one schema and its imports may still cost.
#[derive(Debug)]
pub(super) struct Budget<'l> {
    pub(super) limits: &'l Limits,
    nodes: usize,
    steps: usize,
}

/// A file being read.
struct Parser<'t, 'b, 'l> {
    lexer: Lexer<'t>,
    budget: &'b mut Budget<'l>,
    file: ProtoFile,
    /// The messages around the next declaration, outermost first.
    open: Vec<MessageId>,
    /// Names of the top-level types and services that have been read.
    defined: HashSet<&'t str>,
    is_first: bool,
}

/// A field or a group.
enum FieldOrGroup {
    Field(Field),
    Group(Group),
}

/// Reads a text.
pub(super) fn read_text(text: &str, budget: &mut Budget<'_>) -> Result<ProtoFile, ParseError> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        budget,
        file: ProtoFile::default(),
        open: Vec::new(),
        defined: HashSet::new(),
        is_first: true,
    };
    loop {
        match parser.open.last().copied() {
            None if parser.lexer.is_exhausted()? => return Ok(parser.file),
            None => parser.top_level()?,
            Some(_) if parser.lexer.eat(b'}')? => drop(parser.open.pop()),
            Some(id) => parser.member(id)?,
        }
        parser.is_first = false;
    }
}

impl<'l> Budget<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self { limits, nodes: limits.nodes, steps: limits.pairs }
    }

    /// Pays for a type, field, constant, option or the like.
    pub(super) fn node(&mut self) -> Result<(), ParseError> {
        let limit = self.limits.nodes;
        self.nodes = self
            .nodes
            .checked_sub(1)
            .ok_or(ParseError::TooLarge { what: "types, fields and options", limit })?;
        Ok(())
    }

    /// Pays for a search of that many steps.
    pub(super) fn steps(&mut self, count: usize) -> Result<(), ParseError> {
        let limit = self.limits.pairs;
        self.steps = self.steps.checked_sub(count).ok_or(ParseError::TooLarge { what: "steps", limit })?;
        Ok(())
    }
}

impl<'t> Parser<'t, '_, '_> {
    /// A declaration outside of any message.
    fn top_level(&mut self) -> Result<(), ParseError> {
        if self.lexer.eat(b';')? {
            return Ok(());
        }
        let at = self.lexer.position();
        match self.word()? {
            "package" => {
                self.file.package = Some(self.lexer.name(LeadingDigit::Allowed)?.to_owned());
                self.lexer.require(b';')
            }
            "import" => self.import(),
            "syntax" => self.syntax(at),
            "option" => {
                let option = self.option()?;
                self.file.options.push(option);
                Ok(())
            }
            "reserved" => self.reserved().map(drop),
            "message" => self.message(None),
            "enum" => self.enumeration(None),
            "service" => self.service(),
            "extend" => {
                let extend = self.extend()?;
                self.file.extends.push(extend);
                Ok(())
            }
            "edition" => Err(self.lexer.error("edition is not currently supported")),
            other => Err(self.lexer.error_at(at, &format!("unexpected label: {other}"))),
        }
    }

    /// A declaration inside of a message.
    fn member(&mut self, id: MessageId) -> Result<(), ParseError> {
        if self.lexer.eat(b';')? {
            return Ok(());
        }
        let at = self.lexer.position();
        match self.word()? {
            "option" => {
                let option = self.option()?;
                self.at(id).options.push(option);
                Ok(())
            }
            "reserved" => {
                let reserved = self.reserved()?;
                self.at(id).reserved.push(reserved);
                Ok(())
            }
            "message" => self.message(Some(id)),
            "enum" => self.enumeration(Some(id)),
            "extend" => {
                let extend = self.extend()?;
                self.at(id).extends.push(extend);
                Ok(())
            }
            "oneof" => {
                let oneof = self.oneof()?;
                self.at(id).oneofs.push(oneof);
                Ok(())
            }
            "extensions" => {
                let extensions = self.extensions()?;
                self.at(id).extensions.push(extensions);
                Ok(())
            }
            label => {
                match self.field_or_group(at, label)? {
                    FieldOrGroup::Field(field) => self.at(id).fields.push(field),
                    FieldOrGroup::Group(group) => self.at(id).groups.push(group),
                }
                Ok(())
            }
        }
    }

    fn syntax(&mut self, at: usize) -> Result<(), ParseError> {
        if self.file.syntax.is_some() {
            return Err(self.lexer.error_at(at, "too many syntax definitions"));
        }
        self.lexer.require(b'=')?;
        if !self.is_first {
            return Err(self.lexer.error_at(at, "'syntax' element must be the first declaration in a file"));
        }
        self.file.syntax = Some(match self.lexer.string()?.as_str() {
            "proto2" => Syntax::Proto2,
            "proto3" => Syntax::Proto3,
            other => return Err(self.lexer.error_at(at, &format!("unexpected syntax: {other}"))),
        });
        self.lexer.require(b';')
    }

    fn import(&mut self) -> Result<(), ParseError> {
        let paths = if is_quote(self.lexer.peek()?) {
            &mut self.file.imports
        } else {
            match self.lexer.word(LeadingDigit::Allowed)? {
                "weak" => &mut self.file.weak_imports,
                "public" => &mut self.file.public_imports,
                _ => return Err(self.lexer.error("expected quoted string")),
            }
        };
        self.budget.node()?;
        paths.push(clean_path(&self.lexer.string()?));
        self.lexer.require(b';')
    }

    /// Opens a message; its members follow.
    fn message(&mut self, parent: Option<MessageId>) -> Result<(), ParseError> {
        let name = self.type_name(parent)?;
        self.lexer.require(b'{')?;
        let limit = self.budget.limits.depth;
        if self.open.len() >= limit {
            return Err(ParseError::TooLarge { what: "levels of nested messages", limit });
        }
        let id = self.file.add_message(Message { name: name.to_owned(), parent, ..Message::default() });
        self.open.push(id);
        Ok(())
    }

    fn enumeration(&mut self, parent: Option<MessageId>) -> Result<(), ParseError> {
        let name = self.type_name(parent)?;
        let mut read = Enum { name: name.to_owned(), parent, ..Enum::default() };
        self.lexer.require(b'{')?;
        while self.goes_on()? {
            match self.lexer.word(LeadingDigit::Refused)? {
                "option" => read.options.push(self.option()?),
                "reserved" => read.reserved.push(self.reserved()?),
                name => {
                    self.budget.node()?;
                    self.lexer.require(b'=')?;
                    let number = self.lexer.integer()?;
                    let options = read_bracketed(&mut self.lexer, self.budget)?;
                    self.lexer.require(b';')?;
                    self.lexer.trailing_comment()?;
                    read.constants.push(EnumConstant { name: name.to_owned(), number, options });
                }
            }
        }
        self.file.add_enum(read);
        Ok(())
    }

    /// The name of a type; at the top level it must be new.
    fn type_name(&mut self, parent: Option<MessageId>) -> Result<&'t str, ParseError> {
        self.budget.node()?;
        let at = self.lexer.position();
        let name = self.lexer.name(LeadingDigit::Allowed)?;
        if parent.is_none() && !self.defined.insert(name) {
            return Err(self.lexer.error_at(at, &format!("{name} is already defined")));
        }
        Ok(name)
    }

    fn service(&mut self) -> Result<(), ParseError> {
        self.budget.node()?;
        let at = self.lexer.position();
        let mut service =
            Service { name: self.lexer.name(LeadingDigit::Allowed)?.to_owned(), ..Service::default() };
        self.budget.steps(self.file.services.len())?;
        if self.file.services.iter().any(|other| other.name == service.name) {
            return Err(self.lexer.error_at(at, &format!("{} is already defined", service.name)));
        }
        self.lexer.require(b'{')?;
        while self.goes_on()? {
            let at = self.lexer.position();
            match self.word()? {
                "option" => service.options.push(self.option()?),
                "reserved" => drop(self.reserved()?),
                "rpc" => service.rpcs.push(self.rpc()?),
                other => return Err(self.lexer.error_at(at, &format!("unexpected label: {other}"))),
            }
        }
        self.file.services.push(service);
        Ok(())
    }

    fn rpc(&mut self) -> Result<Rpc, ParseError> {
        self.budget.node()?;
        let name = self.lexer.name(LeadingDigit::Allowed)?.to_owned();
        let request = self.streamed()?;
        if self.word()? != "returns" {
            return Err(self.lexer.error("expected 'returns'"));
        }
        let response = self.streamed()?;
        let mut options = Vec::new();
        if !self.lexer.eat(b'{')? {
            self.lexer.require(b';')?;
            return Ok(Rpc { name, request, response, options });
        }
        while self.goes_on()? {
            let at = self.lexer.position();
            match self.word()? {
                "option" => options.push(self.option()?),
                "reserved" => drop(self.reserved()?),
                other => return Err(self.lexer.error_at(at, &format!("unexpected label: {other}"))),
            }
        }
        Ok(Rpc { name, request, response, options })
    }

    fn streamed(&mut self) -> Result<Streamed, ParseError> {
        self.lexer.require(b'(')?;
        let mut word = self.word()?;
        let is_stream = word == "stream";
        if is_stream {
            word = self.word()?;
        }
        let name = self.field_type(word)?.to_string();
        self.lexer.require(b')')?;
        Ok(Streamed { is_stream, name })
    }

    /// An `extend` block. Groups, options and `reserved` in it are forgotten.
    fn extend(&mut self) -> Result<Extend, ParseError> {
        self.budget.node()?;
        let name = self.lexer.name(LeadingDigit::Allowed)?.to_owned();
        let mut fields = Vec::new();
        self.lexer.require(b'{')?;
        while self.goes_on()? {
            let at = self.lexer.position();
            match self.word()? {
                "option" => drop(self.option()?),
                "reserved" => drop(self.reserved()?),
                label => {
                    if let FieldOrGroup::Field(field) = self.field_or_group(at, label)? {
                        fields.push(field);
                    }
                }
            }
        }
        Ok(Extend { name, fields })
    }

    fn oneof(&mut self) -> Result<Oneof, ParseError> {
        self.budget.node()?;
        let mut oneof =
            Oneof { name: self.lexer.name(LeadingDigit::Allowed)?.to_owned(), ..Oneof::default() };
        self.lexer.require(b'{')?;
        while !self.lexer.eat(b'}')? {
            match self.word()? {
                "group" => oneof.groups.push(self.group(None)?),
                "option" => oneof.options.push(self.option()?),
                word => {
                    let field_type = self.field_type(word)?;
                    oneof.fields.push(self.field(None, field_type)?);
                }
            }
        }
        Ok(oneof)
    }

    /// Whether a block goes on behind empty statements.
    fn goes_on(&mut self) -> Result<bool, ParseError> {
        while !self.lexer.eat(b'}')? {
            if !self.lexer.eat(b';')? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What follows `option`.
    fn option(&mut self) -> Result<ProtoOption, ParseError> {
        let option = read_option(&mut self.lexer, self.budget, Separator::Equals)?;
        self.lexer.require(b';')?;
        Ok(option)
    }

    fn word(&mut self) -> Result<&'t str, ParseError> {
        self.lexer.word(LeadingDigit::Allowed)
    }

    fn at(&mut self, id: MessageId) -> &mut Message {
        &mut self.file.messages[id.0]
    }
}

impl ProtoFile {
    /// Adds a message to the arena and to the types of its parent.
    pub(super) fn add_message(&mut self, message: Message) -> MessageId {
        let id = MessageId(self.messages.len());
        self.siblings(message.parent).push(TypeId::Message(id));
        self.messages.push(message);
        id
    }

    /// Adds an enum to the arena and to the types of its parent.
    pub(super) fn add_enum(&mut self, added: Enum) {
        let id = EnumId(self.enums.len());
        self.siblings(added.parent).push(TypeId::Enum(id));
        self.enums.push(added);
    }

    fn siblings(&mut self, parent: Option<MessageId>) -> &mut Vec<TypeId> {
        match parent {
            Some(id) => &mut self.messages[id.0].types,
            None => &mut self.types,
        }
    }
}

/// An import path without empty and `.` segments, backslashes turned round. What leads out of the root is dropped.
pub(super) fn clean_path(path: &str) -> String {
    let slashed = path.replace('\\', "/");
    let root = if path.starts_with("\\\\") {
        "//"
    } else if slashed.starts_with('/') {
        "/"
    } else {
        ""
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in slashed.split('/') {
        let is_above_root = part == ".." && !root.is_empty() && parts.is_empty();
        if !part.is_empty() && part != "." && !is_above_root {
            parts.push(part);
        }
    }
    let cleaned = format!("{root}{}", parts.join("/"));
    if cleaned.is_empty() { ".".to_owned() } else { cleaned }
}
