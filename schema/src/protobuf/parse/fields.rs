//! Fields, groups, and the ranges of `reserved` and `extensions`.

use super::{FieldOrGroup, Parser};
use crate::format::ParseError;
use crate::protobuf::lexer::{LeadingDigit, is_quote};
use crate::protobuf::model::{
    Extensions, Field, FieldType, Group, Label, MAX_NUMBER, MAX_VALUE_DEPTH, MapType, Range, Reserved,
    Scalar, Syntax,
};
use crate::protobuf::options::{read_bracketed, take_text};

impl Parser<'_, '_, '_> {
    /// A field or a group that begins with `label`, which stands at `at` and may also be its type.
    pub(super) fn field_or_group(&mut self, at: usize, label: &str) -> Result<FieldOrGroup, ParseError> {
        let is_proto3 = self.file.syntax == Some(Syntax::Proto3);
        let (label, word) = match label {
            "optional" => (Some(Label::Optional), self.word()?),
            "repeated" => (Some(Label::Repeated), self.word()?),
            "required" if is_proto3 => {
                return Err(self
                    .lexer
                    .error_at(at, "'required' label forbidden in proto3 field declarations"));
            }
            "required" => (Some(Label::Required), self.word()?),
            word if is_proto3 || (word == "map" && self.lexer.peek()? == b'<') => (None, word),
            word => return Err(self.lexer.error_at(at, &format!("unexpected label: {word}"))),
        };
        if word == "group" {
            return self.group(label).map(FieldOrGroup::Group);
        }
        let field_type = self.field_type(word)?;
        if label.is_some() && matches!(field_type, FieldType::Map(_)) {
            return Err(self.lexer.error_at(at, "'map' type cannot have label"));
        }
        self.field(label, field_type).map(FieldOrGroup::Field)
    }

    /// A type that begins with `word`. A map may have maps as values.
    pub(super) fn field_type(&mut self, word: &str) -> Result<FieldType, ParseError> {
        let mut word = word;
        let mut keys = Vec::new();
        while word == "map" {
            if keys.len() >= MAX_VALUE_DEPTH {
                return Err(ParseError::TooLarge { what: "levels of nested maps", limit: MAX_VALUE_DEPTH });
            }
            self.lexer.require(b'<')?;
            let key = self.word()?;
            let scalar = Scalar::named(key).filter(|scalar| scalar.is_map_key()).ok_or_else(|| {
                self.lexer.error(&format!("map key must be non-byte, non-floating point scalar: {key}"))
            })?;
            keys.push(scalar);
            self.lexer.require(b',')?;
            word = self.word()?;
        }
        let mut field_type = FieldType::named(word);
        for key in keys.into_iter().rev() {
            self.lexer.require(b'>')?;
            field_type = FieldType::Map(Box::new(MapType { key, value: field_type }));
        }
        Ok(field_type)
    }

    /// The rest of a field, after its type.
    pub(super) fn field(&mut self, label: Option<Label>, field_type: FieldType) -> Result<Field, ParseError> {
        self.budget.node()?;
        let name = self.lexer.name(LeadingDigit::Refused)?.to_owned();
        self.lexer.require(b'=')?;
        let number = self.lexer.integer()?;
        let mut options = read_bracketed(&mut self.lexer, self.budget)?;
        let default = take_text(&mut options, "default");
        let json_name = take_text(&mut options, "json_name");
        self.lexer.require(b';')?;
        self.lexer.trailing_comment()?;
        Ok(Field { label, field_type, name, number, default, json_name, options })
    }

    /// The rest of a group, after `group`. Its members are fields.
    pub(super) fn group(&mut self, label: Option<Label>) -> Result<Group, ParseError> {
        self.budget.node()?;
        let name = self.word()?.to_owned();
        self.lexer.require(b'=')?;
        let number = self.lexer.integer()?;
        let mut fields = Vec::new();
        self.lexer.require(b'{')?;
        while !self.lexer.eat(b'}')? {
            let at = self.lexer.position();
            // What a group may hold is read without recursion: another group ends it with an error first.
            let label = self.word()?;
            let is_labelled = matches!(label, "optional" | "required" | "repeated");
            let mut ahead = self.lexer;
            if label == "group" || (is_labelled && ahead.word(LeadingDigit::Allowed)? == "group") {
                return Err(self.lexer.error_at(at, "expected field declaration, was a group"));
            }
            if let FieldOrGroup::Field(field) = self.field_or_group(at, label)? {
                fields.push(field);
            }
        }
        Ok(Group { label, name, number, fields })
    }

    /// The rest of a `reserved` statement.
    pub(super) fn reserved(&mut self) -> Result<Vec<Reserved>, ParseError> {
        let mut reserved = Vec::new();
        loop {
            self.budget.node()?;
            if is_quote(self.lexer.peek()?) {
                reserved.push(Reserved::Name(self.lexer.string()?));
            } else {
                reserved.push(Reserved::Range(self.range(b",;")?));
            }
            if self.lexer.eat(b';')? {
                break;
            }
            if !self.lexer.eat(b',')? {
                return Err(self.lexer.error("expected ',' or ';'"));
            }
        }
        self.lexer.trailing_comment()?;
        Ok(reserved)
    }

    /// The rest of an `extensions` statement.
    pub(super) fn extensions(&mut self) -> Result<Extensions, ParseError> {
        let mut extensions = Extensions::default();
        loop {
            self.budget.node()?;
            extensions.ranges.push(self.range(b",;[")?);
            match self.lexer.peek()? {
                b'[' => {
                    extensions.options = read_bracketed(&mut self.lexer, self.budget)?;
                    self.lexer.require(b';')?;
                    return Ok(extensions);
                }
                b';' => {
                    self.lexer.require(b';')?;
                    return Ok(extensions);
                }
                b',' => self.lexer.require(b',')?,
                _ => return Err(self.lexer.error("expected ',' or ';'")),
            }
        }
    }

    /// A number, or two with `to` between them; one of `ends` follows a single number.
    fn range(&mut self, ends: &[u8]) -> Result<Range, ParseError> {
        let start = self.lexer.integer()?;
        if ends.contains(&self.lexer.peek()?) {
            return Ok(Range { start, end: start, is_single: true });
        }
        if self.word()? != "to" {
            return Err(self.lexer.error("expected ',', ';', or 'to'"));
        }
        let word = self.word()?;
        let end = if word == "max" { Some(MAX_NUMBER) } else { word.parse().ok() };
        let end = end.ok_or_else(|| self.lexer.error(&format!("expected an integer but was {word}")))?;
        Ok(Range { start, end, is_single: false })
    }
}
