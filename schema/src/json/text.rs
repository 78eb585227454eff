//! JSON text of a schema, in and out (schema formats spec §3.1–3.3).

use super::decimal::Decimal;
use super::invalid;
use crate::format::ParseError;
use crate::jsontext::{Json, JsonError, Sorted, read_first_with_words, write_verbatim};
use crate::limits::Limits;

/// Reads the first value of a text and brings its numbers into their canonical form; what follows it is ignored.
pub(in crate::json) fn read(text: &str, limits: &Limits) -> Result<Json, ParseError> {
    let (mut json, _) = read_first_with_words(text, limits).map_err(|error| match error {
        JsonError::TooLong(limit) => ParseError::TooLarge { what: "bytes", limit },
        JsonError::TooDeep(limit) => ParseError::TooLarge { what: "levels", limit },
        other => invalid(format!("Invalid JSON schema: {other}")),
    })?;
    canonicalize(&mut json)?;
    Ok(json)
}

/// The text that is stored: no white space, members in order.
pub(in crate::json) fn canonical(json: &Json) -> String {
    let mut out = String::new();
    write_verbatim(&mut out, json);
    out
}

/// The same with the members of every object sorted by their names' UTF-16 code units.
pub(in crate::json) fn normalized(json: &Json) -> String {
    let mut out = String::new();
    Sorted(json).write_verbatim(&mut out);
    out
}

/// Rewrites the numbers as exact decimals.
fn canonicalize(json: &mut Json) -> Result<(), ParseError> {
    let mut values = vec![json];
    while let Some(value) = values.pop() {
        match value {
            Json::Number(text) => {
                let decimal = Decimal::of(text);
                let printed = decimal.as_ref().map(Decimal::print);
                *text = printed.ok_or_else(|| invalid("Invalid JSON schema: exponent out of range"))?;
            }
            Json::Array(items) => values.extend(items),
            Json::Object(members) => values.extend(members.iter_mut().map(|(_, member)| member)),
            _ => {}
        }
    }
    Ok(())
}
