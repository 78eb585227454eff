//! A small bounded JSON reader and writer that keep what schema text needs kept: number lexemes of any size and
//! member order (schema formats spec §1.1, §1.5).
//!
//! Nothing here recurses, so nesting costs heap and never stack; reading bounds it all the same ([`Limits::depth`]),
//! because whoever drops or formats a value does recurse.
//!
//! [`Limits::depth`]: crate::limits::Limits::depth

mod number;
mod read;
mod write;

pub use number::{Number, java_double, java_float, parse_java_double};
pub use read::{Comments, JsonError, Problem, read, read_first, read_first_with_words};
pub use write::{Sorted, depth, write, write_number, write_string, write_verbatim};

/// A JSON value as written.
#[derive(Debug, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The number's text as written. Outside JSON proper, `NaN`, `Infinity` and `-Infinity` may occur too: Avro
    /// defaults written as such strings are numbers.
    Number(String),
    /// The string, unescaped.
    String(String),
    /// Items in order.
    Array(Vec<Json>),
    /// Members in order of first appearance; of a repeated key the last value.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The member of that name, if this is an object that has one.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether an integer that does not fit 64 bits is in it, at any depth. Java makes no value of such a number, so
    /// there are places where the reference refuses it.
    #[cfg(feature = "avro")]
    pub(crate) fn has_big_integer(&self) -> bool {
        let mut values = vec![self];
        while let Some(value) = values.pop() {
            match value {
                Self::Number(text) => {
                    let number = Number::of(text);
                    if matches!(number, Number::Integer(_)) && number.as_i64().is_none() {
                        return true;
                    }
                }
                Self::Array(items) => values.extend(items),
                Self::Object(members) => values.extend(members.iter().map(|(_, member)| member)),
                _ => {}
            }
        }
        false
    }

    /// Whether the two are the same value: members in any order, numbers by kind (`1` and `1.0` differ, `1e1` and
    /// `10.0` do not).
    ///
    /// Source: schema formats spec §1.7 (equality of Jackson's tree).
    pub fn same_value(&self, other: &Self) -> bool {
        let mut pairs = vec![(self, other)];
        while let Some((a, b)) = pairs.pop() {
            let same = match (a, b) {
                (Self::Null, Self::Null) => true,
                (Self::Bool(a), Self::Bool(b)) => a == b,
                (Self::Number(a), Self::Number(b)) => Number::of(a) == Number::of(b),
                (Self::String(a), Self::String(b)) => a == b,
                (Self::Array(a), Self::Array(b)) => {
                    pairs.extend(a.iter().zip(b));
                    a.len() == b.len()
                }
                (Self::Object(a), Self::Object(b)) => same_members(a, b, &mut pairs),
                _ => false,
            };
            if !same {
                return false;
            }
        }
        true
    }
}

/// Whether two lists of members have the same keys, in any order; queues the values for comparison.
fn same_members<'a>(
    a: &'a [(String, Json)],
    b: &'a [(String, Json)],
    pairs: &mut Vec<(&'a Json, &'a Json)>,
) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let in_order = a.iter().zip(b).all(|((a, _), (b, _))| a == b);
    if in_order {
        pairs.extend(a.iter().zip(b).map(|((_, a), (_, b))| (a, b)));
        return true;
    }
    let index: std::collections::HashMap<&str, &Json> =
        b.iter().map(|(key, value)| (key.as_str(), value)).collect();
    a.iter().all(|(key, value)| match index.get(key.as_str()) {
        Some(other) => {
            pairs.push((value, other));
            true
        }
        None => false,
    })
}

/// Whether two attribute lists hold the same attributes, in any order.
#[cfg(feature = "avro")]
pub(crate) fn same_attributes(a: &[(String, Json)], b: &[(String, Json)]) -> bool {
    let mut pairs = Vec::new();
    same_members(a, b, &mut pairs) && pairs.into_iter().all(|(a, b)| a.same_value(b))
}

/// As written: members in order, numbers by their text.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        let mut pairs = vec![(self, other)];
        while let Some((a, b)) = pairs.pop() {
            let same = match (a, b) {
                (Self::Null, Self::Null) => true,
                (Self::Bool(a), Self::Bool(b)) => a == b,
                (Self::Number(a), Self::Number(b)) | (Self::String(a), Self::String(b)) => a == b,
                (Self::Array(a), Self::Array(b)) => {
                    pairs.extend(a.iter().zip(b));
                    a.len() == b.len()
                }
                (Self::Object(a), Self::Object(b)) => {
                    pairs.extend(a.iter().zip(b).map(|((_, a), (_, b))| (a, b)));
                    a.len() == b.len() && a.iter().zip(b).all(|((a, _), (b, _))| a == b)
                }
                _ => false,
            };
            if !same {
                return false;
            }
        }
        true
    }
}

impl Clone for Json {
    fn clone(&self) -> Self {
        /// A container that is being copied, and what is left to copy.
        enum Open<'a> {
            Array(Vec<Json>, std::slice::Iter<'a, Json>),
            Object(Vec<(String, Json)>, &'a str, std::slice::Iter<'a, (String, Json)>),
        }
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut source = self;
        loop {
            let mut copy = match source {
                Self::Null => Self::Null,
                Self::Bool(value) => Self::Bool(*value),
                Self::Number(text) => Self::Number(text.clone()),
                Self::String(text) => Self::String(text.clone()),
                Self::Array(items) => {
                    let mut rest = items.iter();
                    match rest.next() {
                        None => Self::Array(Vec::new()),
                        Some(first) => {
                            open.push(Open::Array(Vec::with_capacity(items.len()), rest));
                            source = first;
                            continue;
                        }
                    }
                }
                Self::Object(members) => {
                    let mut rest = members.iter();
                    match rest.next() {
                        None => Self::Object(Vec::new()),
                        Some((key, first)) => {
                            open.push(Open::Object(Vec::with_capacity(members.len()), key, rest));
                            source = first;
                            continue;
                        }
                    }
                }
            };
            source = loop {
                copy = match open.pop() {
                    None => return copy,
                    Some(Open::Array(mut items, mut rest)) => {
                        items.push(copy);
                        if let Some(next) = rest.next() {
                            open.push(Open::Array(items, rest));
                            break next;
                        }
                        Self::Array(items)
                    }
                    Some(Open::Object(mut members, key, mut rest)) => {
                        members.push((key.to_owned(), copy));
                        if let Some((key, next)) = rest.next() {
                            open.push(Open::Object(members, key, rest));
                            break next;
                        }
                        Self::Object(members)
                    }
                };
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn json(text: &str) -> Json {
        read(text, Comments::Refused, &Limits::default()).unwrap()
    }

    #[test]
    fn values_are_the_same_whatever_the_order_of_members_and_the_form_of_doubles() {
        let cases = [
            (r#"{"a":1,"b":[1,{}]}"#, r#"{"b":[1,{}],"a":1}"#, true),
            (r#"{"a":1,"b":2}"#, r#"{"a":1,"c":2}"#, false),
            (r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"y":2,"x":3}}"#, false),
            ("1", "1.0", false),
            ("10.0", "1e1", true),
            ("0.0", "-0.0", false),
            ("0", "-0", true),
            ("[1,2]", "[2,1]", false),
            ("[1]", "[1,1]", false),
            ("\"1\"", "1", false),
        ];
        for (a, b, expected) in cases {
            assert_eq!(json(a).same_value(&json(b)), expected, "{a} and {b}");
        }
    }

    #[test]
    fn the_deepest_value_survives_every_operation_on_a_small_stack() {
        let depth = Limits::default().depth;
        let arrays = "[".repeat(depth) + &"]".repeat(depth);
        let objects = "{\"k\":".repeat(depth) + "1" + &"}".repeat(depth);
        let work = move || {
            for text in [arrays, objects] {
                let value = json(&text);
                let copy = value.clone();
                assert!(value == copy && value.same_value(&copy));
                let mut out = String::new();
                write(&mut out, &copy);
                assert_eq!(out, text);
            }
        };
        std::thread::Builder::new().stack_size(128 * 1024).spawn(work).unwrap().join().unwrap();
    }
}
