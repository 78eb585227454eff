//! Logical types (schema formats spec §1.4). They are properties like any other, except that normalization puts those
//! it recognizes first.

use super::model::{Kind, Node};
use crate::jsontext::{Json, Number};

/// Attributes that keep a logical type from being recognized, if they are strings.
const JAVA_CLASSES: [&str; 4] = ["avro.java.string", "java-class", "java-key-class", "java-element-class"];

/// A logical type that fits the type it is on.
pub(super) struct LogicalType<'a> {
    pub(super) name: &'a str,
    /// Precision and scale.
    pub(super) decimal: Option<(i32, i32)>,
}

/// The logical type of a node, if Avro Java 1.12 knows it and it is well-formed.
pub(super) fn logical_type(node: &Node) -> Option<LogicalType<'_>> {
    let prop = |key: &str| node.props.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let name = prop("logicalType")?.as_str()?;
    if JAVA_CLASSES.iter().any(|key| prop(key).and_then(Json::as_str).is_some()) {
        return None;
    }
    let size = if let Kind::Fixed(fixed) = &node.kind { Some(fixed.size) } else { None };
    let is_known = match name {
        "date" | "time-millis" => matches!(node.kind, Kind::Int),
        "time-micros"
        | "timestamp-millis"
        | "timestamp-micros"
        | "timestamp-nanos"
        | "local-timestamp-millis"
        | "local-timestamp-micros"
        | "local-timestamp-nanos" => matches!(node.kind, Kind::Long),
        "uuid" => matches!(node.kind, Kind::String) || size == Some(16),
        "duration" => size == Some(12),
        "big-decimal" => matches!(node.kind, Kind::Bytes),
        "decimal" => {
            let integer = |key: &str| match prop(key) {
                None => Some(None),
                Some(Json::Number(text)) => Number::of(text).as_i32().map(Some),
                Some(_) => None,
            };
            let (precision, scale) = (integer("precision")??, integer("scale")?.unwrap_or(0));
            let max_precision = match &node.kind {
                Kind::Bytes => i64::from(i32::MAX),
                Kind::Fixed(fixed) => max_decimal_digits(fixed.size),
                _ => return None,
            };
            let fits =
                precision > 0 && i64::from(precision) <= max_precision && (0..=precision).contains(&scale);
            return fits.then_some(LogicalType { name, decimal: Some((precision, scale)) });
        }
        _ => false,
    };
    is_known.then_some(LogicalType { name, decimal: None })
}

/// How many digits a two's complement number of `size` bytes always holds, in Java's 32-bit arithmetic.
fn max_decimal_digits(size: usize) -> i64 {
    let bits = i32::try_from(size).unwrap_or(i32::MAX).wrapping_mul(8).wrapping_sub(1);
    #[expect(clippy::cast_possible_truncation, reason = "a 32-bit number times less than one")]
    let digits = (std::f64::consts::LOG10_2 * f64::from(bits)).floor() as i64;
    digits
}
