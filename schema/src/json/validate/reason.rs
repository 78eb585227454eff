//! What the crate finds, in words that hold nothing of the payload.

use std::fmt::Write;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use super::{Invalid, InvalidKind, patterns};

/// Most characters of the schema's own words that a reason quotes.
const QUOTED_CHARS: usize = 80;
/// Most choices of an `enum` that a reason lists.
const LISTED_CHOICES: usize = 5;

/// The first thing that is wrong.
pub(super) fn invalid(error: &ValidationError<'_>) -> Invalid {
    let path = error.instance_path().as_str().to_owned();
    let reason = match error.kind() {
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            return Invalid::too_expensive();
        }
        Kind::Custom { keyword, message } if keyword == patterns::PATTERN => unmatched(message),
        Kind::Custom { .. } => return Invalid::too_expensive(),
        Kind::AdditionalItems { limit } => format!("has more than {limit} items"),
        Kind::AdditionalProperties { .. } => "has members that the schema does not allow".to_owned(),
        Kind::AnyOf { .. } => "satisfies no branch of anyOf".to_owned(),
        Kind::OneOfNotValid { .. } => "satisfies no branch of oneOf".to_owned(),
        Kind::OneOfMultipleValid { .. } => "satisfies more than one branch of oneOf".to_owned(),
        Kind::Not { .. } => "satisfies what not refuses".to_owned(),
        Kind::Constant { expected_value } => format!("is not {}", quoted(expected_value)),
        Kind::Enum { options } => format!("is not one of {}", choices(options)),
        Kind::Contains => "holds too few or too many items that contains asks for".to_owned(),
        Kind::ExclusiveMaximum { limit } => format!("is not less than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("is not more than {limit}"),
        Kind::Maximum { limit } => format!("is more than {limit}"),
        Kind::Minimum { limit } => format!("is less than {limit}"),
        // The place is the object then.
        Kind::FalseSchema if error.schema_path().as_str().ends_with("/additionalProperties") => {
            "has members that the schema does not allow".to_owned()
        }
        Kind::FalseSchema => "is not allowed at all".to_owned(),
        Kind::Format { format } => format!("is not a {}", clipped(format)),
        Kind::MaxItems { limit } => format!("has more than {limit} items"),
        Kind::MinItems { limit } => format!("has less than {limit} items"),
        Kind::MaxLength { limit } => format!("is longer than {limit} characters"),
        Kind::MinLength { limit } => format!("is shorter than {limit} characters"),
        Kind::MaxProperties { limit } => format!("has more than {limit} members"),
        Kind::MinProperties { limit } => format!("has less than {limit} members"),
        Kind::MultipleOf { multiple_of } => format!("is no multiple of {multiple_of}"),
        Kind::Pattern { pattern } => unmatched(pattern),
        Kind::PropertyNames { .. } => "has a member whose name the schema does not allow".to_owned(),
        Kind::Required { property } => format!("lacks the member {}", quoted(property)),
        Kind::Type { kind: TypeKind::Single(expected) } => format!("is not of type {expected}"),
        Kind::Type { kind: TypeKind::Multiple(expected) } => {
            let names: Vec<String> = expected.iter().map(|expected| expected.to_string()).collect();
            format!("is not of type {}", names.join(" or "))
        }
        Kind::UnevaluatedItems { .. } => "has items that the schema does not allow".to_owned(),
        Kind::UnevaluatedProperties { .. } => "has members that the schema does not allow".to_owned(),
        Kind::UniqueItems => "has equal items".to_owned(),
        other => format!("does not satisfy {}", other.keyword()),
    };
    let keyword = match error.kind().keyword() {
        patterns::PATTERN => "pattern".to_owned(),
        keyword => keyword.to_owned(),
    };
    Invalid { kind: InvalidKind::Schema, path, place: String::new(), keyword, reason }
}

fn unmatched(pattern: &str) -> String {
    format!("does not match the pattern {}", clipped(pattern))
}

fn choices(options: &Value) -> String {
    let Value::Array(options) = options else { return quoted(options) };
    let mut text = String::from("[");
    for (i, option) in options.iter().take(LISTED_CHOICES).enumerate() {
        let _ = write!(text, "{}{}", if i == 0 { "" } else { ", " }, quoted(option));
    }
    let more = options.len().saturating_sub(LISTED_CHOICES);
    if more > 0 {
        let _ = write!(text, ", and {more} more");
    }
    text.push(']');
    text
}

fn quoted(value: &Value) -> String {
    clipped(&value.to_string())
}

fn clipped(text: &str) -> String {
    let mut chars = text.chars();
    let mut clipped: String = chars.by_ref().take(QUOTED_CHARS).collect();
    if chars.next().is_some() {
        clipped.push('…');
    }
    clipped
}
