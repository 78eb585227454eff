//! Writing compact JSON the way Jackson does (schema formats spec §1.5).

use super::{Json, Number, java_double};
use crate::subject::utf16_order;

/// Appends `value`: members in order, no white space, numbers as [`write_number`] does.
pub fn write(out: &mut String, value: &Json) {
    write_nested(out, value, write_number, |members| Members::InOrder(members.iter()));
}

/// Appends `value` like [`write()`], but numbers by their text.
pub fn write_verbatim(out: &mut String, value: &Json) {
    write_nested(out, value, String::push_str, |members| Members::InOrder(members.iter()));
}

/// A value whose members are written sorted by key at every level.
#[derive(Clone, Copy, Debug)]
pub struct Sorted<'a>(pub &'a Json);

impl Sorted<'_> {
    /// Appends the value; keys are sorted by UTF-16 code units, which is Java's order of strings.
    pub fn write(self, out: &mut String) {
        write_nested(out, self.0, write_number, sorted);
    }

    /// Appends the value like [`write`](Self::write), but numbers by their text.
    pub fn write_verbatim(self, out: &mut String) {
        write_nested(out, self.0, String::push_str, sorted);
    }
}

/// How deep `value` nests: 0 for anything but an array or object.
pub fn depth(value: &Json) -> usize {
    let mut deepest = 0;
    let mut values = vec![(value, 0)];
    while let Some((value, depth)) = values.pop() {
        match value {
            Json::Array(items) => {
                deepest = deepest.max(depth + 1);
                values.extend(items.iter().map(|item| (item, depth + 1)));
            }
            Json::Object(members) => {
                deepest = deepest.max(depth + 1);
                values.extend(members.iter().map(|(_, member)| (member, depth + 1)));
            }
            _ => {}
        }
    }
    deepest
}

/// Appends a number: integers keep their digits, doubles are printed as Java prints them, and those that JSON has no
/// number for become strings.
pub fn write_number(out: &mut String, text: &str) {
    match Number::of(text) {
        Number::Integer(digits) => out.push_str(digits),
        Number::Double(value) if value.is_finite() => out.push_str(&java_double(value)),
        Number::Double(value) => {
            out.push('"');
            out.push_str(&java_double(value));
            out.push('"');
        }
    }
}

/// Appends a string in quotes; only `"`, `\` and characters below U+0020 are escaped.
pub fn write_string(out: &mut String, text: &str) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => {
                out.push_str(if c < '\u{10}' { "\\u000" } else { "\\u001" });
                out.push(HEX[usize::from(u8::try_from(c).unwrap_or(0) & 15)]);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn sorted(members: &[(String, Json)]) -> Members<'_> {
    let mut sorted: Vec<&(String, Json)> = members.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| utf16_order(a, b));
    Members::Sorted(sorted.into_iter())
}

/// Members of an object in the order in which they are to be written.
enum Members<'a> {
    InOrder(std::slice::Iter<'a, (String, Json)>),
    Sorted(std::vec::IntoIter<&'a (String, Json)>),
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a (String, Json);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::InOrder(members) => members.next(),
            Self::Sorted(members) => members.next(),
        }
    }
}

/// A container that is being written.
enum Open<'a> {
    Array(std::slice::Iter<'a, Json>),
    Object(Members<'a>),
}

fn write_nested<'a>(
    out: &mut String,
    value: &'a Json,
    number: fn(&mut String, &str),
    members_of: impl Fn(&'a [(String, Json)]) -> Members<'a>,
) {
    let mut open: Vec<Open<'a>> = Vec::new();
    let mut value = Some(value);
    let mut is_first = true;
    loop {
        if let Some(value) = value.take() {
            is_first = false;
            match value {
                Json::Null => out.push_str("null"),
                Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
                Json::Number(text) => number(out, text),
                Json::String(text) => write_string(out, text),
                Json::Array(items) => {
                    out.push('[');
                    open.push(Open::Array(items.iter()));
                    is_first = true;
                }
                Json::Object(members) => {
                    out.push('{');
                    open.push(Open::Object(members_of(members)));
                    is_first = true;
                }
            }
        }
        let comma = if is_first { "" } else { "," };
        value = match open.last_mut() {
            None => return,
            Some(Open::Array(items)) => items.next().inspect(|_| out.push_str(comma)),
            Some(Open::Object(members)) => members.next().map(|(key, value)| {
                out.push_str(comma);
                write_string(out, key);
                out.push(':');
                value
            }),
        };
        if value.is_none() {
            out.push(if matches!(open.pop(), Some(Open::Array(_))) { ']' } else { '}' });
            is_first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsontext::{Comments, read};
    use crate::limits::Limits;

    #[test]
    fn only_what_must_be_is_escaped() {
        let mut out = String::new();
        write_string(&mut out, "\"\\/\u{0}\u{1f}\u{8}\t\n\u{c}\r\u{7f}\u{2028}é😀");
        assert_eq!(out, "\"\\\"\\\\/\\u0000\\u001F\\b\\t\\n\\f\\r\u{7f}\u{2028}é😀\"");
    }

    #[test]
    fn members_are_sorted_by_utf16_at_every_level() {
        let text = "{\"b\":[{\"y\":1,\"x\":[]}],\"\u{ff5e}\":1,\"\u{1f600}\":2,\"a\":{}}";
        let value = read(text, Comments::Refused, &Limits::default()).unwrap();
        let mut out = String::new();
        Sorted(&value).write(&mut out);
        assert_eq!(out, "{\"a\":{},\"b\":[{\"x\":[],\"y\":1}],\"\u{1f600}\":2,\"\u{ff5e}\":1}");
        assert_eq!(depth(&value), 4);
    }
}
