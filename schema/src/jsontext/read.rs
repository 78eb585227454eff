//! Reading JSON text (RFC 8259, with `/* */` and `//` comments where asked for), bounded and without recursion.

use std::collections::HashMap;

use super::Json;
use crate::limits::Limits;

/// Whether comments count as white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comments {
    /// `/* */` and `//` are skipped, as in Avro schemas.
    Allowed,
    /// JSON proper.
    Refused,
}

/// Why a text is not JSON that can be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text breaks the grammar.
    #[error("{problem} at line {line}, column {column}")]
    Syntax {
        /// What is wrong there.
        problem: Problem,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// There is no value at all, only white space and comments.
    #[error("there is no JSON value")]
    Nothing,
    /// The text is longer than [`Limits::schema_bytes`].
    #[error("text is longer than {0} bytes")]
    TooLong(usize),
    /// Values nest deeper than [`Limits::depth`].
    #[error("values nest deeper than {0} levels")]
    TooDeep(usize),
}

/// What is wrong at one place of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Something else had to come here.
    #[error("unexpected character {found:?} instead of {expected}")]
    Unexpected {
        /// What is there.
        found: char,
        /// What may be there.
        expected: &'static str,
    },
    /// The text ends too soon.
    #[error("unexpected end of text instead of {0}")]
    End(&'static str),
    /// A control character inside a string, not escaped.
    #[error("control character {0:?} in a string")]
    Control(char),
    /// A backslash followed by something that is not an escape.
    #[error("unknown escape in a string")]
    Escape,
    /// Half of a surrogate pair without the other half, which no UTF-8 text can hold.
    #[error("lone surrogate in a string")]
    Surrogate,
    /// A number of more digits than anyone needs.
    #[error("number of more than {MAX_DIGITS} digits")]
    LongNumber,
    /// A member name that is too long.
    #[error("member name of more than {MAX_NAME_CHARS} characters")]
    LongName,
    /// More text after the value.
    #[error("text after the end of the value")]
    Trailing,
}

/// Most digits of an integer, as in the reference's reader.
const MAX_DIGITS: usize = 1_000;
/// Most UTF-16 code units of a member name, as in the reference's reader.
const MAX_NAME_CHARS: usize = 50_000;
/// Objects with more members than this get an index, so that repeated keys are found fast.
const INDEX_FROM: usize = 16;

/// Reads one value; nothing but white space (and comments) may surround it.
pub fn read(text: &str, comments: Comments, limits: &Limits) -> Result<Json, JsonError> {
    let mut reader = Reader::new(text, comments, limits)?;
    let value = reader.value()?;
    reader.skip_space()?;
    if reader.peek().is_some() { Err(reader.error(Problem::Trailing)) } else { Ok(value) }
}

/// Reads the first value and returns it with the text that follows it directly.
pub fn read_first<'a>(
    text: &'a str,
    comments: Comments,
    limits: &Limits,
) -> Result<(Json, &'a str), JsonError> {
    let mut reader = Reader::new(text, comments, limits)?;
    let value = reader.value()?;
    Ok((value, text.get(reader.position..).unwrap_or_default()))
}

/// Like [`read_first`] without comments; the bare words `NaN`, `Infinity` and `-Infinity` are read as strings of these
/// letters (schema formats spec §3.1).
pub fn read_first_with_words<'a>(text: &'a str, limits: &Limits) -> Result<(Json, &'a str), JsonError> {
    let mut reader = Reader::new(text, Comments::Refused, limits)?;
    reader.words = true;
    let value = reader.value()?;
    Ok((value, text.get(reader.position..).unwrap_or_default()))
}

struct Reader<'a> {
    text: &'a str,
    /// Byte offset; always on a character boundary where `text` is cut.
    position: usize,
    comments: bool,
    /// Whether `NaN` and `Infinity` are values.
    words: bool,
    max_depth: usize,
}

/// A container whose end has not been read.
enum Open {
    Array(Vec<Json>),
    Object(Members, String),
}

/// Members of an object, a repeated key replacing the earlier value.
#[derive(Default)]
struct Members {
    list: Vec<(String, Json)>,
    index: HashMap<String, usize>,
}

impl Members {
    fn put(&mut self, key: String, value: Json) {
        let known = if self.list.len() < INDEX_FROM {
            self.list.iter().position(|(name, _)| *name == key)
        } else {
            if self.index.is_empty() {
                self.index = self.list.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
            }
            self.index.get(&key).copied()
        };
        match known.and_then(|at| self.list.get_mut(at)) {
            Some((_, old)) => *old = value,
            None => {
                if !self.index.is_empty() {
                    self.index.insert(key.clone(), self.list.len());
                }
                self.list.push((key, value));
            }
        }
    }
}

const VALUE: &str = "a value";
const KEY: &str = "a member name in double quotes";

impl<'a> Reader<'a> {
    fn new(text: &'a str, comments: Comments, limits: &Limits) -> Result<Self, JsonError> {
        if text.len() > limits.schema_bytes {
            return Err(JsonError::TooLong(limits.schema_bytes));
        }
        let mut reader = Self {
            text,
            position: 0,
            comments: comments == Comments::Allowed,
            words: false,
            max_depth: limits.depth,
        };
        reader.skip_space()?;
        if reader.peek().is_none() { Err(JsonError::Nothing) } else { Ok(reader) }
    }

    fn value(&mut self) -> Result<Json, JsonError> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.skip_space()?;
            let mut value = match self.peek() {
                Some(b'{') => {
                    self.enter(open.len())?;
                    self.skip_space()?;
                    if self.eat(b'}') {
                        Json::Object(Vec::new())
                    } else {
                        open.push(Open::Object(Members::default(), self.key()?));
                        continue;
                    }
                }
                Some(b'[') => {
                    self.enter(open.len())?;
                    self.skip_space()?;
                    if self.eat(b']') {
                        Json::Array(Vec::new())
                    } else {
                        open.push(Open::Array(Vec::new()));
                        continue;
                    }
                }
                Some(b'"') => Json::String(self.string()?),
                Some(b'-') if self.words && self.rest().starts_with("-I") => {
                    self.position += 1;
                    match self.literal()? {
                        Json::String(word) => Json::String(format!("-{word}")),
                        _ => return Err(self.unexpected(VALUE)),
                    }
                }
                Some(b'-' | b'0'..=b'9') => Json::Number(self.number()?),
                _ => self.literal()?,
            };
            // The value is complete: hand it to the container around it, which may thereby be complete too.
            loop {
                match open.pop() {
                    None => return Ok(value),
                    Some(Open::Array(mut items)) => {
                        items.push(value);
                        self.skip_space()?;
                        if self.eat(b',') {
                            open.push(Open::Array(items));
                            break;
                        }
                        self.expect(b']', "',' or ']'")?;
                        value = Json::Array(items);
                    }
                    Some(Open::Object(mut members, key)) => {
                        members.put(key, value);
                        self.skip_space()?;
                        if self.eat(b',') {
                            self.skip_space()?;
                            open.push(Open::Object(members, self.key()?));
                            break;
                        }
                        self.expect(b'}', "',' or '}'")?;
                        value = Json::Object(members.list);
                    }
                }
            }
        }
    }

    /// Steps over the opening bracket of a container that has `depth` others around it.
    fn enter(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth >= self.max_depth {
            return Err(JsonError::TooDeep(self.max_depth));
        }
        self.position += 1;
        Ok(())
    }

    fn key(&mut self) -> Result<String, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected(KEY));
        }
        let start = self.position;
        let key = self.string()?;
        if key.len() > MAX_NAME_CHARS && key.encode_utf16().count() > MAX_NAME_CHARS {
            self.position = start;
            return Err(self.error(Problem::LongName));
        }
        self.skip_space()?;
        self.expect(b':', "':'")?;
        Ok(key)
    }

    /// Reads a string from its opening quote.
    fn string(&mut self) -> Result<String, JsonError> {
        self.position += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ');
            let Some(plain) = plain else {
                self.position = self.text.len();
                return Err(self.error(Problem::End("'\"'")));
            };
            out.push_str(rest.get(..plain).unwrap_or_default());
            self.position += plain;
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(control) => return Err(self.error(Problem::Control(char::from(control)))),
                None => return Err(self.error(Problem::End("'\"'"))),
            }
        }
    }

    /// Reads an escape from its backslash.
    fn escape(&mut self) -> Result<char, JsonError> {
        let letter = self.rest().as_bytes().get(1).copied();
        let plain = match letter {
            Some(b'u') => return self.unicode_escape(),
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(_) => return Err(self.error(Problem::Escape)),
            None => return Err(self.error(Problem::End("an escape"))),
        };
        self.position += 2;
        Ok(plain)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let Some(first) = self.code_unit(0) else { return Err(self.error(Problem::Escape)) };
        if let Some(c) = char::from_u32(first) {
            self.position += 6;
            return Ok(c);
        }
        let is_high = (0xd800..0xdc00).contains(&first);
        match self.code_unit(6) {
            Some(second @ 0xdc00..0xe000) if is_high => {
                self.position += 12;
                let c = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                c.ok_or_else(|| self.error(Problem::Surrogate))
            }
            _ => Err(self.error(Problem::Surrogate)),
        }
    }

    /// The UTF-16 code unit of the `\uXXXX` that lies `offset` bytes ahead.
    fn code_unit(&self, offset: usize) -> Option<u32> {
        let digits = self.rest().get(offset..offset + 6)?.strip_prefix("\\u")?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Result<String, JsonError> {
        let start = self.position;
        self.eat(b'-');
        let integer = self.position;
        if !self.eat(b'0') {
            self.digits()?;
        } else if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected("the end of the number, as it begins with 0"));
        }
        let mut digits = self.position - integer;
        if self.eat(b'.') {
            digits += self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            digits += self.digits()?;
        }
        if digits > MAX_DIGITS {
            self.position = start;
            return Err(self.error(Problem::LongNumber));
        }
        Ok(self.text.get(start..self.position).unwrap_or_default().to_owned())
    }

    /// Steps over one or more digits and says how many.
    fn digits(&mut self) -> Result<usize, JsonError> {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return Err(self.unexpected("a digit"));
        }
        self.position += count;
        Ok(count)
    }

    fn literal(&mut self) -> Result<Json, JsonError> {
        let rest = self.rest();
        let word = rest.get(..rest.bytes().take_while(u8::is_ascii_alphanumeric).count()).unwrap_or_default();
        let value = match word {
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            "NaN" | "Infinity" if self.words => Json::String(word.to_owned()),
            _ => return Err(self.unexpected(VALUE)),
        };
        self.position += word.len();
        Ok(value)
    }

    fn skip_space(&mut self) -> Result<(), JsonError> {
        loop {
            let rest = self.rest();
            let space = rest.bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            self.position += space;
            if !self.comments || self.peek() != Some(b'/') {
                return Ok(());
            }
            let rest = self.rest();
            let (length, is_closed) = if let Some(comment) = rest.strip_prefix("/*") {
                comment.find("*/").map_or((rest.len(), false), |length| (length + 4, true))
            } else if let Some(comment) = rest.strip_prefix("//") {
                (2 + comment.find(['\n', '\r']).unwrap_or(comment.len()), true)
            } else {
                self.position += 1;
                return Err(self.unexpected("'/' or '*'"));
            };
            let comment = rest.get(..length).unwrap_or_default();
            if let Some(control) = comment.find(|c| c < ' ' && !matches!(c, '\t' | '\n' | '\r')) {
                self.position += control;
                return Err(self.unexpected("a comment without control characters"));
            }
            self.position += length;
            if !is_closed {
                return Err(self.error(Problem::End("the end of a comment")));
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.position += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), JsonError> {
        if self.eat(byte) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn unexpected(&self, expected: &'static str) -> JsonError {
        self.error(match self.rest().chars().next() {
            Some(found) => Problem::Unexpected { found, expected },
            None => Problem::End(expected),
        })
    }

    fn error(&self, problem: Problem) -> JsonError {
        let before = self.text.get(..self.position).unwrap_or(self.text);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        JsonError::Syntax { problem, line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsontext::write;

    fn compact(text: &str) -> Result<String, JsonError> {
        let value = read(text, Comments::Allowed, &Limits::default())?;
        let mut out = String::new();
        write(&mut out, &value);
        Ok(out)
    }

    #[test]
    fn json_with_comments_is_read() {
        let cases = [
            (" \t\r\n1 ", "1"),
            ("[ ]", "[]"),
            ("{ }", "{}"),
            ("[1 , 2]", "[1,2]"),
            (r#"{"a" : 1 , "b":[true,false,null]}"#, r#"{"a":1,"b":[true,false,null]}"#),
            ("/*x*/[/**/1/* */,//\n2]//end", "[1,2]"),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            (r#""\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00""#, "\"\\\"\\\\/\\b\\f\\n\\r\\téé😀\""),
            ("-0", "0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("[1.10,1e3,1E+5,1e-7,1e400,-1e400]", r#"[1.1,1000.0,100000.0,1.0E-7,"Infinity","-Infinity"]"#),
        ];
        for (text, expected) in cases {
            assert_eq!(compact(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn repeated_keys_of_large_objects_keep_their_first_place_and_last_value() {
        let members: Vec<String> = (0..100).map(|i| format!("\"k{}\":{i}", i % 40)).collect();
        let expected: Vec<String> =
            (0..40).map(|i| format!("\"k{i}\":{}", if i < 20 { i + 80 } else { i + 40 })).collect();
        let text = format!("{{{}}}", members.join(","));
        assert_eq!(compact(&text), Ok(format!("{{{}}}", expected.join(","))));
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        let cases = [
            ("", 0, 0),
            ("/* x */", 0, 0),
            ("\u{feff}1", 1, 1),
            ("[1,]", 1, 4),
            ("[,1]", 1, 2),
            ("{\"a\":1,}", 1, 8),
            ("{'a':1}", 1, 2),
            ("{a:1}", 1, 2),
            ("[1 2]", 1, 4),
            ("[1}", 1, 3),
            ("{\"a\" 1}", 1, 6),
            ("{\"a\":1", 1, 7),
            ("{\"a\":", 1, 6),
            ("[\n1,\n x]", 3, 2),
            ("01", 1, 2),
            ("-", 1, 2),
            ("+1", 1, 1),
            (".5", 1, 1),
            ("1.", 1, 3),
            ("1e", 1, 3),
            ("1e+", 1, 4),
            ("NaN", 1, 1),
            ("nul", 1, 1),
            ("truex", 1, 1),
            ("\"a", 1, 3),
            ("\"\t\"", 1, 2),
            ("\"\\x\"", 1, 2),
            ("\"\\u12g4\"", 1, 2),
            ("\"\\u+123\"", 1, 2),
            ("\"\\ud800\"", 1, 2),
            ("\"\\udc00\"", 1, 2),
            ("\"\\ud800\\u0041\"", 1, 2),
            ("\"\\", 1, 2),
            ("1 2", 1, 3),
            ("# x\n1", 1, 1),
            ("/x", 1, 2),
            ("1 /* x", 1, 7),
            ("// \u{b}\n1", 1, 4),
            ("/* \t\r\n \u{0} */1", 2, 2),
            ("\u{a0}1", 1, 1),
        ];
        for (text, line, column) in cases {
            match compact(text) {
                Err(JsonError::Syntax { line: l, column: c, .. }) => {
                    assert_eq!((l, c), (line, column), "{text:?}")
                }
                Err(JsonError::Nothing) => assert_eq!((0, 0), (line, column), "{text:?}"),
                other => panic!("{text:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn comments_are_refused_where_json_proper_is_asked_for() {
        assert!(read("[1]//", Comments::Refused, &Limits::default()).is_err());
    }

    #[test]
    fn the_text_after_the_first_value_is_handed_back() {
        let (value, rest) = read_first(" [1]/*x*/ 2", Comments::Allowed, &Limits::default()).unwrap();
        assert_eq!((value, rest), (Json::Array(vec![Json::Number("1".into())]), "/*x*/ 2"));
    }

    #[test]
    fn bounds_are_errors() {
        let limits = Limits { depth: 2, schema_bytes: 20, ..Limits::default() };
        let read = |text: &str| read(text, Comments::Allowed, &limits);
        assert!(read("[[1]]").is_ok());
        assert_eq!(read("[[[1]]]"), Err(JsonError::TooDeep(2)));
        assert_eq!(read("{\"a\":{\"b\":{}}}"), Err(JsonError::TooDeep(2)));
        assert_eq!(read(&" ".repeat(21)), Err(JsonError::TooLong(20)));
        assert_eq!(compact(&"[".repeat(100_000)), Err(JsonError::TooDeep(500)));
        assert!(compact(&"1".repeat(1_000)).is_ok());
        assert!(compact(&"1".repeat(1_001)).is_err());
        assert!(compact(&format!("{{\"{}\":1}}", "k".repeat(50_000))).is_ok());
        assert!(compact(&format!("{{\"{}\":1}}", "k".repeat(50_001))).is_err());
    }
}
