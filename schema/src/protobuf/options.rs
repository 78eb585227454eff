//! Option lists and values: `[a = 1, (b).c = {d: 2}]`.
//!
//! Aggregates nest on a stack of our own, no deeper than [`MAX_VALUE_DEPTH`].

use super::lexer::{LeadingDigit, Lexer};
use super::model::{MAX_VALUE_DEPTH, OptionValue, ProtoOption};
use super::parse::Budget;
use crate::format::ParseError;

/// Most parts of an option's name that stand apart, since each of them nests the value deeper.
const MAX_PARTS: usize = 8;

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// Of an option.
    Equals,
    /// Of a member of an aggregate; may be missing before `{`.
    Colon,
}

/// The name of an option or of a member, and the rest of it after dots: names with dots in them, and names in
/// parentheses or brackets.
struct Name {
    name: String,
    is_extension: bool,
    parts: Vec<String>,
}

/// An aggregate or a list being read.
enum Open {
    Aggregate { members: Vec<(String, OptionValue)>, next: Option<Name> },
    List(Vec<OptionValue>),
}

/// Options in brackets, if there are any.
pub(super) fn read_bracketed(
    lexer: &mut Lexer<'_>,
    budget: &mut Budget<'_>,
) -> Result<Vec<ProtoOption>, ParseError> {
    let mut options = Vec::new();
    if !lexer.eat(b'[')? {
        return Ok(options);
    }
    loop {
        options.push(read_option(lexer, budget, Separator::Equals)?);
        if lexer.eat(b']')? {
            return Ok(options);
        }
        if !lexer.eat(b',')? {
            return Err(lexer.error("Expected ',' or ']"));
        }
    }
}

/// An option: name, separator and value.
pub(super) fn read_option(
    lexer: &mut Lexer<'_>,
    budget: &mut Budget<'_>,
    separator: Separator,
) -> Result<ProtoOption, ParseError> {
    let Name { name, is_extension, parts } = read_name(lexer, separator)?;
    let value = read_value(lexer, budget)?;
    let value = parts.into_iter().rev().fold(value, |value, part| OptionValue::Part(part, Box::new(value)));
    Ok(ProtoOption { name, is_extension, value })
}

/// Removes the options called `name` and returns the text of the last one's value.
pub(super) fn take_text(options: &mut Vec<ProtoOption>, name: &str) -> Option<String> {
    options.extract_if(.., |option| option.name == name).last().map(|option| plain_text(&option.value))
}

/// A value as one text; an aggregate or a list as the reference's platform shows it.
fn plain_text(value: &OptionValue) -> String {
    match value {
        OptionValue::Text(text) | OptionValue::Number(text) | OptionValue::Word(text) => text.clone(),
        OptionValue::List(items) => {
            let items: Vec<String> = items.iter().map(plain_text).collect();
            format!("[{}]", items.join(", "))
        }
        OptionValue::Aggregate(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{key}={}", plain_text(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        OptionValue::Part(part, value) => format!("{part}={}", plain_text(value)),
    }
}

fn read_name(lexer: &mut Lexer<'_>, separator: Separator) -> Result<Name, ParseError> {
    let first = lexer.peek()?;
    let word = lexer.name(LeadingDigit::Allowed)?;
    let name = if first == b'[' { format!("[{word}]") } else { word.to_owned() };
    let parts = match separator {
        Separator::Equals => read_parts(lexer, is_wrapper(first))?,
        Separator::Colon if lexer.eat(b'.')? => {
            let part = lexer.name(LeadingDigit::Allowed)?;
            // The reference prints a longer path within an aggregate as no text that it reads.
            if part.contains('.') {
                return Err(lexer.error("expected a word"));
            }
            vec![part.to_owned()]
        }
        Separator::Colon => Vec::new(),
    };
    match separator {
        Separator::Equals => lexer.require(b'=')?,
        Separator::Colon if lexer.peek()? == b'{' => {}
        Separator::Colon => lexer.require(b':')?,
    }
    Ok(Name { name, is_extension: first == b'(', parts })
}

/// What follows the first part of an option's name, which was `is_wrapped` or was not. A part that is an extension keeps
/// its parentheses.
fn read_parts(lexer: &mut Lexer<'_>, mut is_wrapped: bool) -> Result<Vec<String>, ParseError> {
    let mut parts = Vec::new();
    while lexer.eat(b'.')? {
        if parts.len() >= MAX_PARTS {
            return Err(ParseError::TooLarge { what: "parts of an option name", limit: MAX_PARTS });
        }
        let first = lexer.peek()?;
        let part = lexer.name(LeadingDigit::Allowed)?;
        // The reference takes `(a)..b` for a part without a name, and `(a).b .(c)` though it cannot read `(a).b.(c)`:
        // it prints what it does not read again.
        let was_wrapped = std::mem::replace(&mut is_wrapped, is_wrapper(first));
        let is_readable = if is_wrapped { was_wrapped } else { part.split('.').all(|name| !name.is_empty()) };
        if !is_readable {
            return Err(lexer.error("expected a word"));
        }
        parts.push(match first {
            b'(' => format!("({part})"),
            b'[' => format!("[{part}]"),
            _ => part.to_owned(),
        });
    }
    Ok(parts)
}

fn is_wrapper(byte: u8) -> bool {
    matches!(byte, b'(' | b'[')
}

fn read_value(lexer: &mut Lexer<'_>, budget: &mut Budget<'_>) -> Result<OptionValue, ParseError> {
    let mut open: Vec<Open> = Vec::new();
    loop {
        budget.node()?;
        let mut done = begin(lexer, &mut open)?;
        loop {
            if let Some(value) = done.take() {
                match open.last_mut() {
                    None => return Ok(value),
                    Some(Open::List(items)) => {
                        items.push(value);
                        if !lexer.eat(b',')? && lexer.peek()? != b']' {
                            return Err(lexer.error("expected ',' or ']'"));
                        }
                    }
                    Some(Open::Aggregate { members, next }) => {
                        if let Some(name) = next.take() {
                            add_member(members, name, value, budget)?;
                        }
                        if !lexer.eat(b',')? {
                            lexer.eat(b';')?;
                        }
                    }
                }
            }
            let is_closed = match open.last_mut() {
                None => false,
                Some(Open::List(_)) => lexer.eat(b']')?,
                Some(Open::Aggregate { next, .. }) => {
                    let is_closed = lexer.eat(b'}')?;
                    if !is_closed {
                        *next = Some(read_name(lexer, Separator::Colon)?);
                    }
                    is_closed
                }
            };
            if !is_closed {
                break;
            }
            done = open.pop().map(|closed| match closed {
                Open::List(items) => OptionValue::List(items),
                Open::Aggregate { members, .. } => OptionValue::Aggregate(members),
            });
        }
    }
}

/// Reads a value that is one word or string, or opens an aggregate or list.
fn begin(lexer: &mut Lexer<'_>, open: &mut Vec<Open>) -> Result<Option<OptionValue>, ParseError> {
    let first = lexer.peek()?;
    let opened = match first {
        b'{' => Open::Aggregate { members: Vec::new(), next: None },
        b'[' => Open::List(Vec::new()),
        b'"' | b'\'' => return lexer.string().map(|text| Some(OptionValue::Text(text))),
        _ => {
            let word = lexer.word(LeadingDigit::Allowed)?.to_owned();
            let is_number = first.is_ascii_digit() || first == b'-';
            return Ok(Some(if is_number { OptionValue::Number(word) } else { OptionValue::Word(word) }));
        }
    };
    if open.len() >= MAX_VALUE_DEPTH {
        return Err(ParseError::TooLarge { what: "levels of an option value", limit: MAX_VALUE_DEPTH });
    }
    lexer.require(first)?;
    open.push(opened);
    Ok(None)
}

/// Adds a member to an aggregate. Values of one key come together in a list; parts of one key in an aggregate.
fn add_member(
    members: &mut Vec<(String, OptionValue)>,
    name: Name,
    value: OptionValue,
    budget: &mut Budget<'_>,
) -> Result<(), ParseError> {
    budget.steps(members.len())?;
    let previous = members.iter_mut().find(|(key, _)| *key == name.name).map(|(_, value)| value);
    let Some(part) = name.parts.into_iter().next() else {
        match previous {
            None => members.push((name.name, value)),
            Some(OptionValue::List(items)) => append(items, value),
            Some(previous) => {
                let mut items = vec![std::mem::replace(previous, OptionValue::List(Vec::new()))];
                append(&mut items, value);
                *previous = OptionValue::List(items);
            }
        }
        return Ok(());
    };
    match previous {
        Some(OptionValue::Aggregate(parts)) => {
            budget.steps(parts.len())?;
            match parts.iter_mut().find(|(key, _)| *key == part) {
                Some((_, previous)) => *previous = value,
                None => parts.push((part, value)),
            }
        }
        Some(previous) => *previous = OptionValue::Aggregate(vec![(part, value)]),
        None => members.push((name.name, OptionValue::Aggregate(vec![(part, value)]))),
    }
    Ok(())
}

fn append(items: &mut Vec<OptionValue>, value: OptionValue) {
    match value {
        OptionValue::List(more) => items.extend(more),
        value => items.push(value),
    }
}
