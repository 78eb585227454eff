//! Reading a payload: JSON proper (RFC 8259), bounded, without recursion, straight into the values that the crate
//! validates.

use serde_json::{Map, Value};

use super::{DuplicateKeys, Invalid, InvalidKind, lower};
use crate::limits::Limits;

/// Most values in one payload, whatever [`Limits::items`] says: each takes up to a hundred bytes.
const MOST_VALUES: usize = 2_000_000;
/// Values that nest deeper than this are taken apart by hand, as dropping them recurses.
const DROP_DEPTH: usize = 32;

/// A payload that was read.
pub(super) struct Instance {
    pub value: Value,
    /// How deep arrays and objects nest; 0 for anything else.
    pub depth: usize,
    /// How many values there are, at any depth.
    pub values: usize,
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.depth > DROP_DEPTH {
            dismantle(std::mem::take(&mut self.value));
        }
    }
}

/// Drops a value without recursion.
pub(super) fn dismantle(value: Value) {
    let mut values = vec![value];
    while let Some(value) = values.pop() {
        match value {
            Value::Array(items) => values.extend(items),
            Value::Object(members) => values.extend(members.into_iter().map(|(_, member)| member)),
            _ => {}
        }
    }
}

/// Reads one value with nothing but white space around it.
pub(super) fn read(bytes: &[u8], duplicates: DuplicateKeys, limits: &Limits) -> Result<Instance, Invalid> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let reason = format!("is not UTF-8 from byte {} on", error.valid_up_to());
            return Err(Invalid::whole(InvalidKind::NotUtf8, reason));
        }
    };
    let most_values = limits.items.min(MOST_VALUES);
    let mut reader = Reader { text, at: 0, duplicates, most_depth: limits.depth, most_values, values: 0 };
    let mut instance = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        let reason = format!("has more text after the value, at byte {}", reader.at);
        return Err(Invalid::whole(InvalidKind::TrailingBytes, reason));
    }
    instance.values = reader.values;
    Ok(instance)
}

/// How deep a value nests and how many values it holds; `None` if that exceeds a bound.
pub(super) fn measure(value: &Value, limits: &Limits) -> Result<(usize, usize), Invalid> {
    let most_values = limits.items.min(MOST_VALUES);
    let (mut deepest, mut count) = (0, 0);
    let mut values = vec![(value, 0)];
    while let Some((value, depth)) = values.pop() {
        count += 1;
        if count > most_values {
            return Err(too_many(most_values));
        }
        let inner = depth + 1;
        match value {
            Value::Array(items) => values.extend(items.iter().map(|item| (item, inner))),
            Value::Object(members) => values.extend(members.iter().map(|(_, member)| (member, inner))),
            _ => continue,
        }
        deepest = deepest.max(inner);
        if inner > limits.depth {
            return Err(too_deep(limits.depth));
        }
    }
    Ok((deepest, count))
}

fn too_many(most: usize) -> Invalid {
    Invalid::whole(InvalidKind::TooLarge, format!("holds more than {most} values"))
}

fn too_deep(most: usize) -> Invalid {
    Invalid::whole(InvalidKind::TooLarge, format!("nests deeper than {most} levels"))
}

struct Reader<'a> {
    text: &'a str,
    /// Byte offset; on a character boundary wherever the text is cut.
    at: usize,
    duplicates: DuplicateKeys,
    most_depth: usize,
    most_values: usize,
    values: usize,
}

/// A container whose end has not been read.
enum Open {
    Array(Vec<Value>),
    Object(Map<String, Value>, String),
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Instance, Invalid> {
        let mut open: Vec<Open> = Vec::new();
        let mut depth = 0;
        loop {
            self.skip_space();
            self.values += 1;
            if self.values > self.most_values {
                return Err(too_many(self.most_values));
            }
            let mut value = match self.peek() {
                Some(b'{') => {
                    depth = depth.max(self.enter(open.len())?);
                    if self.eat(b'}') {
                        Value::Object(Map::new())
                    } else {
                        let key = self.key()?;
                        open.push(Open::Object(Map::new(), key));
                        continue;
                    }
                }
                Some(b'[') => {
                    depth = depth.max(self.enter(open.len())?);
                    if self.eat(b']') {
                        Value::Array(Vec::new())
                    } else {
                        open.push(Open::Array(Vec::new()));
                        continue;
                    }
                }
                Some(b'"') => Value::String(self.string()?),
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => self.word()?,
            };
            // The value is complete: hand it to the container around it, which may thereby be complete too.
            loop {
                match open.pop() {
                    None => return Ok(Instance { value, depth, values: 0 }),
                    Some(Open::Array(mut items)) => {
                        items.push(value);
                        self.skip_space();
                        if self.eat(b',') {
                            open.push(Open::Array(items));
                            break;
                        }
                        self.expect(b']', "',' or ']'")?;
                        value = Value::Array(items);
                    }
                    Some(Open::Object(mut members, key)) => {
                        if self.duplicates == DuplicateKeys::Refused && members.contains_key(&key) {
                            let reason = format!("repeats a member name before byte {}", self.at);
                            return Err(Invalid::whole(InvalidKind::DuplicateKey, reason));
                        }
                        members.insert(key, value);
                        self.skip_space();
                        if self.eat(b',') {
                            self.skip_space();
                            let key = self.key()?;
                            open.push(Open::Object(members, key));
                            break;
                        }
                        self.expect(b'}', "',' or '}'")?;
                        value = Value::Object(members);
                    }
                }
            }
        }
    }

    /// Steps into a container that has `depth` others around it, and returns how deep its contents are.
    fn enter(&mut self, depth: usize) -> Result<usize, Invalid> {
        if depth >= self.most_depth {
            return Err(too_deep(self.most_depth));
        }
        self.at += 1;
        self.skip_space();
        Ok(depth + 1)
    }

    fn key(&mut self) -> Result<String, Invalid> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a member name"));
        }
        let key = self.string()?;
        self.skip_space();
        self.expect(b':', "':'")?;
        Ok(key)
    }

    /// Reads a string from its opening quote.
    fn string(&mut self) -> Result<String, Invalid> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ');
            let plain = plain.unwrap_or(rest.len());
            let text = rest.get(..plain).unwrap_or_default();
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    if out.is_empty() {
                        return Ok(text.to_owned());
                    }
                    out.push_str(text);
                    return Ok(out);
                }
                Some(b'\\') => {
                    out.push_str(text);
                    out.push(self.escape()?);
                }
                _ => return Err(self.wrong("the end of a string")),
            }
        }
    }

    /// Reads an escape from its backslash.
    fn escape(&mut self) -> Result<char, Invalid> {
        let letter = self.text.as_bytes().get(self.at + 1);
        let plain = match letter {
            Some(b'u') => return self.unicode_escape(),
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(*letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return Err(self.wrong("an escape")),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode_escape(&mut self) -> Result<char, Invalid> {
        let Some(first) = self.code_unit(0) else { return Err(self.wrong("an escape")) };
        let (c, length) = match char::from_u32(first) {
            Some(c) => (Some(c), 6),
            // Half of a surrogate pair: no UTF-8 can hold it without the other half.
            None => {
                let second = self.code_unit(6).filter(|second| (0xdc00..0xe000).contains(second));
                let pair = second.filter(|_| first < 0xdc00);
                let code = pair.map(|second| 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                (code.and_then(char::from_u32), 12)
            }
        };
        let Some(c) = c else { return Err(self.wrong("a character")) };
        self.at += length;
        Ok(c)
    }

    /// The UTF-16 code unit of the `\uXXXX` that lies `offset` bytes ahead.
    fn code_unit(&self, offset: usize) -> Option<u32> {
        let start = self.at.checked_add(offset)?;
        let digits = self.text.get(start..start.checked_add(6)?)?.strip_prefix("\\u")?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Result<Value, Invalid> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        } else if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.wrong("the end of a number that begins with 0"));
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Ok(lower::number_of(self.text.get(start..self.at).unwrap_or_default()))
    }

    /// Steps over one or more digits.
    fn digits(&mut self) -> Result<(), Invalid> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.wrong("a digit"));
        }
        self.at += count;
        Ok(())
    }

    fn word(&mut self) -> Result<Value, Invalid> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let words = [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
        for (word, value) in words {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.wrong("a value"))
    }

    fn skip_space(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), Invalid> {
        if self.eat(byte) { Ok(()) } else { Err(self.wrong(expected)) }
    }

    fn wrong(&self, expected: &str) -> Invalid {
        Invalid::whole(InvalidKind::Syntax, format!("is not JSON: no {expected} at byte {}", self.at))
    }
}
