//! Attributes of JSON objects as Avro reads them, and the messages about them.

use std::borrow::Cow;

use super::model::Kind;
use crate::format::ParseError;
use crate::jsontext::{self, Json, JsonError};

/// An ordinary rejection.
pub(super) fn invalid(reason: impl Into<String>) -> ParseError {
    ParseError::Invalid(reason.into())
}

pub(super) fn json_error(error: JsonError) -> ParseError {
    match error {
        JsonError::TooLong(limit) => ParseError::TooLarge { what: "bytes of text", limit },
        JsonError::TooDeep(limit) => ParseError::TooLarge { what: "levels of nesting", limit },
        JsonError::Nothing => invalid("Cannot parse <null> schema"),
        other => invalid(other.to_string()),
    }
}

pub(super) fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

/// A string-valued attribute; one of another kind counts as absent.
pub(super) fn text<'j>(json: &'j Json, key: &str) -> Option<&'j str> {
    json.get(key).and_then(Json::as_str)
}

pub(super) fn required_text<'j>(json: &'j Json, key: &str, error: &str) -> Result<&'j str, ParseError> {
    text(json, key).ok_or_else(|| invalid(format!("{error}: {}", shown(json))))
}

pub(super) fn aliases_of(json: &Json) -> Result<Vec<&str>, ParseError> {
    match json.get("aliases") {
        None => Ok(Vec::new()),
        Some(Json::Array(aliases)) => {
            let alias = |alias: &'_ Json| invalid(format!("alias not a string: {}", shown(alias)));
            aliases.iter().map(|json| json.as_str().ok_or_else(|| alias(json))).collect()
        }
        Some(_) => Err(invalid(format!("aliases not an array: {}", shown(json)))),
    }
}

pub(super) fn props(json: &Json, is_reserved: impl Fn(&str) -> bool) -> Vec<(String, Json)> {
    let Json::Object(members) = json else { return Vec::new() };
    members.iter().filter(|(key, _)| !is_reserved(key)).cloned().collect()
}

/// JSON for a message.
pub(super) fn shown(json: &Json) -> String {
    let mut out = String::new();
    jsontext::write(&mut out, json);
    clip(&out).into_owned()
}

/// Text for a message: long ones are cut, a message is for people.
pub(super) fn clip(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 1_000;
    match text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)) {
        Some(start) => format!("{start}...").into(),
        None => text.into(),
    }
}
