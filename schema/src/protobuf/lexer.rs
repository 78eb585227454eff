//! Reads the words, strings and comments of `.proto` text in the steps of Wire's reader, because the steps decide what
//! is accepted. Nothing here recurses or allocates more than the text is long.

use crate::format::ParseError;

/// A position in a text and what comes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

/// Which words may begin with a digit: not the names of fields and enum constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeadingDigit {
    Allowed,
    Refused,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next byte stands.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Steps over white space and comments; says whether the text ends there.
    pub(super) fn is_exhausted(&mut self) -> Result<bool, ParseError> {
        self.skip()?;
        Ok(self.byte().is_none())
    }

    /// The next byte that is neither white space nor comment.
    pub(super) fn peek(&mut self) -> Result<u8, ParseError> {
        self.skip()?;
        self.byte().ok_or_else(|| self.error("unexpected end of file"))
    }

    /// Steps over `wanted` if it comes next.
    pub(super) fn eat(&mut self, wanted: u8) -> Result<bool, ParseError> {
        let is_there = self.peek()? == wanted;
        self.at += usize::from(is_there);
        Ok(is_there)
    }

    /// Steps over `wanted`.
    pub(super) fn require(&mut self, wanted: u8) -> Result<(), ParseError> {
        if self.eat(wanted)? {
            return Ok(());
        }
        let found = self.rest().chars().next().unwrap_or_default();
        Err(self.error(&format!("expected '{}' but was '{found}'", char::from(wanted))))
    }

    /// A word of letters, digits, `_`, `-` and `.`.
    pub(super) fn word(&mut self, leading_digit: LeadingDigit) -> Result<&'t str, ParseError> {
        self.skip()?;
        let rest = self.rest();
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let length = rest.bytes().take_while(is_part).count();
        if leading_digit == LeadingDigit::Refused && rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self.error("field and constant names cannot start with a digit"));
        }
        match rest.get(..length) {
            Some(word) if length > 0 => {
                self.at += length;
                Ok(word)
            }
            _ => Err(self.error("expected a word")),
        }
    }

    /// A word, which may stand in parentheses or brackets.
    pub(super) fn name(&mut self, leading_digit: LeadingDigit) -> Result<&'t str, ParseError> {
        let close = match self.peek()? {
            b'(' => b')',
            b'[' => b']',
            _ => return self.word(leading_digit),
        };
        self.at += 1;
        let word = self.word(leading_digit)?;
        self.require(close)?;
        Ok(word)
    }

    /// An integer of 32 bits, decimal or `0x…`.
    pub(super) fn integer(&mut self) -> Result<i32, ParseError> {
        let word = self.word(LeadingDigit::Allowed)?;
        let hex = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let value = hex.map_or_else(|| word.parse(), |digits| i32::from_str_radix(digits, 16));
        value.map_err(|_| self.error(&format!("expected an integer but was {word}")))
    }

    /// A quoted string with its neighbours, quotes and escapes removed.
    pub(super) fn string(&mut self) -> Result<String, ParseError> {
        let mut value = String::new();
        let mut quote = self.peek()?;
        if !is_quote(quote) {
            return Err(self.error("expected quoted string"));
        }
        self.at += 1;
        loop {
            let Some(c) = self.next_char() else { return Err(self.error("unterminated string")) };
            if c == char::from(quote) {
                let next = self.peek()?;
                if !is_quote(next) {
                    return Ok(value);
                }
                quote = next;
                self.at += 1;
            } else if c == '\\' {
                value.push(self.escape()?);
            } else {
                value.push(c);
            }
        }
    }

    /// What stands for an escape sequence, after its backslash. A number is a character, not a byte.
    fn escape(&mut self) -> Result<char, ParseError> {
        let Some(c) = self.next_char() else { return Err(self.error("unexpected end of file")) };
        Ok(match c {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' | 'X' => self.number_escape(16, 2)?,
            '0'..='7' => {
                self.at -= 1;
                self.number_escape(8, 3)?
            }
            other => other,
        })
    }

    fn number_escape(&mut self, radix: u32, most_digits: usize) -> Result<char, ParseError> {
        let digits = self.rest().chars().map_while(|c| c.to_digit(radix)).take(most_digits);
        let (count, value) = digits.fold((0, 0), |(count, value), digit| (count + 1, value * radix + digit));
        self.at += count;
        char::from_u32(value)
            .filter(|_| count > 0)
            .ok_or_else(|| self.error("expected a digit after \\x or \\X"))
    }

    /// Steps over the comment that may trail a declaration on its line. Nothing may follow it there.
    pub(super) fn trailing_comment(&mut self) -> Result<(), ParseError> {
        self.at += count_blanks(self.rest());
        if !self.rest().starts_with('/') {
            return Ok(());
        }
        if !self.rest().starts_with("/*") {
            return self.comment();
        }
        self.comment()?;
        self.at += count_blanks(self.rest());
        match self.byte() {
            None | Some(b'\n') => Ok(()),
            Some(_) => Err(self.error("no syntax may follow trailing comment")),
        }
    }

    /// An error at the next byte.
    pub(super) fn error(&self, what: &str) -> ParseError {
        self.error_at(self.at, what)
    }

    /// An error at a position.
    pub(super) fn error_at(&self, at: usize, what: &str) -> ParseError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let clipped: String = what.chars().take(200).collect();
        ParseError::Invalid(format!("Could not parse Protobuf - Syntax error in :{line}:{column}: {clipped}"))
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next_char(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip(&mut self) -> Result<(), ParseError> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b'/') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    /// Steps over a comment; its slash comes next.
    fn comment(&mut self) -> Result<(), ParseError> {
        let rest = self.rest();
        let length = if rest.starts_with("//") {
            rest.find('\n').map_or(rest.len(), |newline| newline + 1)
        } else if let Some(body) = rest.strip_prefix("/*") {
            match body.find("*/") {
                Some(end) => end + 4,
                None => {
                    self.at = self.text.len();
                    return Err(self.error("unterminated comment"));
                }
            }
        } else {
            return Err(self.error("unexpected '/'"));
        };
        self.at += length;
        Ok(())
    }
}

/// Whether a string begins or ends with this byte.
pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

fn count_blanks(text: &str) -> usize {
    text.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count()
}
