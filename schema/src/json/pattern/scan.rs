//! Reads a pattern by the grammar of `java.util.regex.Pattern` and writes it for the engine that matches. One pass, no
//! recursion.

use std::collections::HashSet;
use std::fmt::Write;

use super::classes;

/// Why a pattern does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pattern does not compile: {0}")]
pub(in crate::json) struct PatternError(&'static str);

/// A pattern that compiles.
#[derive(Debug)]
pub(super) struct Scanned {
    /// As the engine writes it.
    pub(super) text: String,
    /// How deep groups and classes nest.
    pub(super) depth: usize,
    /// Whether the engine matches what Java does: not where a block of characters is named.
    pub(super) is_exact: bool,
}

pub(super) fn scan(pattern: &str) -> Result<Scanned, PatternError> {
    let mut scanner = Scanner {
        rest: pattern,
        out: String::new(),
        open: Vec::new(),
        names: HashSet::new(),
        depth: 0,
        is_exact: true,
    };
    scanner.run()?;
    Ok(Scanned { text: scanner.out, depth: scanner.depth, is_exact: scanner.is_exact })
}

struct Scanner<'p> {
    rest: &'p str,
    out: String,
    /// Whether each open group looks behind.
    open: Vec<bool>,
    names: HashSet<&'p str>,
    depth: usize,
    is_exact: bool,
}

/// What the engine takes for the inside of a class.
const DIGIT: &str = "0-9";
const SPACE: &str = " \\t\\n\\x0B\\f\\r";
const WORD: &str = "a-zA-Z0-9_";
const HORIZONTAL: &str = " \\t\\x{A0}\\x{1680}\\x{180E}\\x{2000}-\\x{200A}\\x{202F}\\x{205F}\\x{3000}";
const VERTICAL: &str = "\\n\\x0B\\f\\r\\x{85}\\x{2028}\\x{2029}";

/// What an escape stands for.
enum Escape {
    Char(char),
    /// The inside of a class, and whether it is negated.
    Class(String, bool),
    /// Written for the engine; not allowed in a class.
    Other(String),
    BackReference(String),
}

impl<'p> Scanner<'p> {
    fn run(&mut self) -> Result<(), PatternError> {
        // Whether a quantifier may come next: not where a sequence begins, and not after another quantifier.
        let mut has_atom = false;
        while let Some(c) = self.next() {
            match c {
                '|' => {
                    self.out.push('|');
                    has_atom = false;
                    continue;
                }
                '(' => {
                    has_atom = self.group()?;
                    continue;
                }
                ')' => {
                    self.open.pop().ok_or(PatternError("unmatched closing ')'"))?;
                    self.out.push(')');
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    if !has_atom {
                        return Err(PatternError("dangling meta character"));
                    }
                    if c != '?' {
                        self.unbounded()?;
                    }
                    self.out.push(c);
                    self.greed();
                    has_atom = false;
                    continue;
                }
                '{' => {
                    if !has_atom {
                        self.out.push_str("(?:)");
                    }
                    self.count()?;
                    has_atom = false;
                    continue;
                }
                '\\' => match self.escape(false)? {
                    Escape::Char(c) => push_literal(&mut self.out, c),
                    Escape::Class(inside, negated) => {
                        let _ = write!(self.out, "[{}{inside}]", if negated { "^" } else { "" });
                    }
                    Escape::Other(text) if text.is_empty() => continue,
                    Escape::Other(text) => self.out.push_str(&text),
                    Escape::BackReference(text) => {
                        if self.open.contains(&true) {
                            return Err(PatternError("look-behind group without an obvious maximum length"));
                        }
                        self.out.push_str(&text);
                    }
                },
                '^' | '$' | '.' => self.out.push(c),
                c => push_literal(&mut self.out, c),
            }
            has_atom = true;
        }
        if self.open.is_empty() { Ok(()) } else { Err(PatternError("unclosed group")) }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let stripped = self.rest.strip_prefix(prefix);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn unbounded(&self) -> Result<(), PatternError> {
        if self.open.contains(&true) {
            return Err(PatternError("look-behind group without an obvious maximum length"));
        }
        Ok(())
    }

    /// Steps over what makes a quantifier reluctant or possessive.
    fn greed(&mut self) {
        for mark in ["?", "+"] {
            if self.eat(mark) {
                self.out.push_str(mark);
                return;
            }
        }
    }

    fn number(&mut self) -> Option<u32> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at_checked(digits)?;
        let number = number.parse::<u32>().ok().filter(|number| i32::try_from(*number).is_ok())?;
        self.rest = rest;
        Some(number)
    }

    /// Reads a counted quantifier from after its brace.
    fn count(&mut self) -> Result<(), PatternError> {
        let least = self.number().ok_or(PatternError("illegal repetition"))?;
        let mut text = format!("{{{least}");
        if self.eat(",") {
            text.push(',');
            if self.rest.starts_with('}') {
                self.unbounded()?;
            } else {
                let most = self.number().ok_or(PatternError("illegal repetition range"))?;
                if most < least {
                    return Err(PatternError("illegal repetition range"));
                }
                let _ = write!(text, "{most}");
            }
        }
        if !self.eat("}") {
            return Err(PatternError("unclosed counted closure"));
        }
        self.out.push_str(&text);
        self.out.push('}');
        self.greed();
        Ok(())
    }

    /// Reads the start of a group from after its parenthesis; whether it is complete, being mere flags.
    fn group(&mut self) -> Result<bool, PatternError> {
        let mut looks_behind = false;
        if !self.eat("?") {
            self.out.push('(');
        } else if let Some(kind) = ["<=", "<!", ":", "=", "!", ">"].into_iter().find(|kind| self.eat(kind)) {
            looks_behind = kind.starts_with('<');
            let _ = write!(self.out, "(?{kind}");
        } else if self.eat("<") {
            let length = self.rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let name = self.rest.get(..length).unwrap_or_default();
            self.rest = self.rest.get(length..).unwrap_or_default();
            if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !self.eat(">") {
                return Err(PatternError("capturing group without a proper name"));
            }
            if !self.names.insert(name) {
                return Err(PatternError("two capturing groups of one name"));
            }
            let _ = write!(self.out, "(?<{name}>");
        } else {
            // The engine knows some of the flags; `u`, `U` and `d` mean little to names.
            let mut flags = String::new();
            loop {
                match self.next() {
                    Some('-') if !flags.contains('-') => flags.push('-'),
                    Some(c @ ('i' | 'm' | 's' | 'x')) => flags.push(c),
                    Some('d' | 'u' | 'c' | 'U') => {}
                    Some(end @ (')' | ':')) => {
                        let flags = flags.strip_suffix('-').unwrap_or(&flags);
                        if end == ')' {
                            if !flags.is_empty() {
                                let _ = write!(self.out, "(?{flags})");
                            }
                            return Ok(false);
                        }
                        let _ = write!(self.out, "(?{flags}:");
                        break;
                    }
                    _ => return Err(PatternError("unknown inline modifier")),
                }
            }
        }
        self.open.push(looks_behind);
        self.depth = self.depth.max(self.open.len());
        Ok(false)
    }

    /// Reads a class from after its bracket.
    fn class(&mut self) -> Result<(), PatternError> {
        const UNCLOSED: PatternError = PatternError("unclosed character class");
        // Per open bracket: whether it holds something yet.
        let mut open = vec![false];
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        while !open.is_empty() {
            self.depth = self.depth.max(self.open.len().saturating_add(open.len()));
            let is_empty = open.last() == Some(&false);
            let c = self.next().ok_or(UNCLOSED)?;
            let first = match c {
                '[' => {
                    open.push(false);
                    self.out.push('[');
                    if self.eat("^") {
                        self.out.push('^');
                    }
                    continue;
                }
                ']' if !is_empty => {
                    self.out.push(']');
                    open.pop();
                    if let Some(holds) = open.last_mut() {
                        *holds = true;
                    }
                    continue;
                }
                '&' if self.rest.starts_with('&') => {
                    while self.eat("&") {}
                    // What is intersected with nothing stays as it is.
                    if !is_empty && !self.rest.starts_with(']') {
                        self.out.push_str("&&");
                    }
                    continue;
                }
                '\\' => match self.escape(true)? {
                    Escape::Char(c) => c,
                    Escape::Class(inside, negated) => {
                        let _ = match negated {
                            true => write!(self.out, "[^{inside}]"),
                            false => write!(self.out, "{inside}"),
                        };
                        if let Some(holds) = open.last_mut() {
                            *holds = true;
                        }
                        continue;
                    }
                    Escape::Other(text) if text.is_empty() => continue,
                    _ => return Err(PatternError("illegal escape sequence in a character class")),
                },
                c => c,
            };
            if let Some(holds) = open.last_mut() {
                *holds = true;
            }
            push_literal(&mut self.out, first);
            let after = self.rest.strip_prefix('-').and_then(|rest| rest.chars().next());
            let Some(end) = after.filter(|end| !matches!(end, ']' | '[')) else { continue };
            // A range.
            let before = self.rest;
            self.next();
            self.next();
            let end = match end {
                '\\' => match self.escape(true)? {
                    Escape::Char(end) => end,
                    _ => {
                        // A class after a hyphen: the hyphen stands for itself.
                        self.rest = before;
                        self.next();
                        push_literal(&mut self.out, '-');
                        continue;
                    }
                },
                end => end,
            };
            if end < first {
                return Err(PatternError("illegal character range"));
            }
            self.out.push('-');
            push_literal(&mut self.out, end);
        }
        Ok(())
    }

    /// Reads an escape from after its backslash.
    fn escape(&mut self, in_class: bool) -> Result<Escape, PatternError> {
        const ILLEGAL: PatternError = PatternError("illegal escape sequence");
        let c = self.next().ok_or(PatternError("unescaped trailing backslash"))?;
        let other = |text: &str| if in_class { Err(ILLEGAL) } else { Ok(Escape::Other(text.to_owned())) };
        let class = |inside: &str, negated| Ok(Escape::Class(inside.to_owned(), negated));
        match c {
            't' => Ok(Escape::Char('\t')),
            'n' => Ok(Escape::Char('\n')),
            'r' => Ok(Escape::Char('\r')),
            'f' => Ok(Escape::Char('\u{c}')),
            'a' => Ok(Escape::Char('\u{7}')),
            'e' => Ok(Escape::Char('\u{1b}')),
            'd' | 'D' => class(DIGIT, c == 'D'),
            's' | 'S' => class(SPACE, c == 'S'),
            'w' | 'W' => class(WORD, c == 'W'),
            'h' | 'H' => class(HORIZONTAL, c == 'H'),
            'v' | 'V' => class(VERTICAL, c == 'V'),
            'p' | 'P' => {
                let name = self.property()?;
                let inside = classes::inside(name).ok_or(PatternError("unknown character property"))?;
                self.is_exact &= !classes::is_block(name);
                Ok(Escape::Class(inside, c == 'P'))
            }
            'b' if self.eat("{g}") => other("\\b"),
            'A' | 'B' | 'b' | 'z' => other(&format!("\\{c}")),
            'Z' => other("(?=\\n?\\z)"),
            'G' => other("\\G"),
            'R' => other("(?:\\r\\n|[\\n\\x0B\\f\\r\\x{85}\\x{2028}\\x{2029}])"),
            'X' => other("(?:\\P{M}\\p{M}*)"),
            'Q' => {
                let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                if in_class {
                    quoted.chars().for_each(|c| push_literal(&mut self.out, c));
                    return Ok(Escape::Other(String::new()));
                }
                let mut text = String::new();
                quoted.chars().for_each(|c| push_literal(&mut text, c));
                Ok(Escape::Other(text))
            }
            'c' => {
                let c = self.next().ok_or(PatternError("illegal control escape sequence"))?;
                char::from_u32(u32::from(c) ^ 64).map(Escape::Char).ok_or(ILLEGAL)
            }
            '0' => {
                let is_octal = |byte: &u8| (b'0'..=b'7').contains(byte);
                let most = if self.rest.starts_with(['0', '1', '2', '3']) { 3 } else { 2 };
                let digits = self.rest.bytes().take(most).take_while(is_octal).count();
                self.code_point(digits, 8)
            }
            'u' => self.code_point(4, 16),
            'x' if self.eat("{") => {
                let digits = self.rest.bytes().take_while(u8::is_ascii_hexdigit).count();
                let escape = self.code_point(digits, 16)?;
                if self.eat("}") {
                    Ok(escape)
                } else {
                    Err(PatternError("unclosed hexadecimal escape sequence"))
                }
            }
            'x' => self.code_point(2, 16),
            'k' if !in_class => {
                let (name, rest) = self
                    .rest
                    .strip_prefix('<')
                    .and_then(|rest| rest.split_once('>'))
                    .ok_or(PatternError("back reference without a name"))?;
                if !self.names.contains(name) {
                    return Err(PatternError("back reference to an unknown group"));
                }
                self.rest = rest;
                Ok(Escape::BackReference(format!("\\k<{name}>")))
            }
            '1'..='9' if !in_class => Ok(Escape::BackReference(format!("\\{c}"))),
            c if c.is_ascii_alphanumeric() => Err(ILLEGAL),
            c => Ok(Escape::Char(c)),
        }
    }

    fn code_point(&mut self, digits: usize, radix: u32) -> Result<Escape, PatternError> {
        const ILLEGAL: PatternError = PatternError("illegal numeric escape sequence");
        let text = self.rest.get(..digits).filter(|text| !text.is_empty()).ok_or(ILLEGAL)?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ILLEGAL);
        }
        let code = u32::from_str_radix(text, radix).ok().filter(|code| *code <= 0x10_ffff).ok_or(ILLEGAL)?;
        self.rest = self.rest.get(digits..).unwrap_or_default();
        // A surrogate matches nothing that a text can hold; neither does this.
        Ok(Escape::Char(char::from_u32(code).unwrap_or('\u{10ffff}')))
    }

    /// The name of a property, from after its letter.
    fn property(&mut self) -> Result<&'p str, PatternError> {
        const UNCLOSED: PatternError = PatternError("unclosed character family");
        if !self.eat("{") {
            let length = self.rest.chars().next().map_or(0, char::len_utf8);
            let (name, rest) = self.rest.split_at_checked(length).ok_or(UNCLOSED)?;
            self.rest = rest;
            return Ok(name);
        }
        let (name, rest) = self.rest.split_once('}').ok_or(UNCLOSED)?;
        self.rest = rest;
        Ok(name)
    }
}

/// Appends a character that stands for itself, in a class or outside.
fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_punctuation() && c != '_' {
        out.push('\\');
    }
    match c {
        c if c.is_control() => {
            let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
        }
        c => out.push(c),
    }
}
