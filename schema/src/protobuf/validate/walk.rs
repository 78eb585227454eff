//! The interpreter of a [`Program`].

use super::wire::{self, key, skip_varint, varint};
use super::{
    FieldCode, Invalid, InvalidKind, Kind, MOST_DEPTH, MessageCode, MessageId, Program, Scratch, Seen,
    UNKNOWN,
};
use crate::limits::Limits;

/// A message or group that is open while one inside it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    message: MessageId,
    /// Number of the group; 0 for a message with a length.
    group: u32,
    /// How many bytes of the input remain when it is complete; for a group, when the message around it is.
    rest_after: usize,
}

/// Walks all of `bytes`. Besides what was seen it says whether an occurrence of a message lacks a required field, which
/// another occurrence of the same field may have.
pub(super) fn walk(
    program: &Program,
    message: MessageId,
    bytes: &[u8],
    limits: &Limits,
    scratch: &mut Scratch,
) -> Result<(Seen, bool), Invalid> {
    if i32::try_from(bytes.len()).is_err() {
        return Err(Invalid { kind: InvalidKind::TooLarge, offset: 0 });
    }
    scratch.frames.clear();
    scratch.seen.clear();
    let mut walk = Walk {
        program,
        rest: bytes,
        items_left: limits.items,
        max_depth: limits.depth.min(MOST_DEPTH),
        scratch,
        seen: Seen::default(),
        lacks_required: false,
    };
    match walk.run(message) {
        Ok(()) => Ok((walk.seen, walk.lacks_required)),
        Err(kind) => Err(Invalid { kind, offset: bytes.len() - walk.rest.len() }),
    }
}

/// The state of a walk. A method that fails leaves `rest` before the element it could not read.
struct Walk<'a> {
    program: &'a Program,
    rest: &'a [u8],
    items_left: usize,
    max_depth: usize,
    scratch: &'a mut Scratch,
    seen: Seen,
    lacks_required: bool,
}

impl<'a> Walk<'a> {
    fn run(&mut self, message: MessageId) -> Result<(), InvalidKind> {
        let program = self.program;
        let mut open = Frame { message, group: 0, rest_after: 0 };
        let mut code = self.enter(message);
        loop {
            if self.rest.len() == open.rest_after {
                if open.group != 0 {
                    return Err(InvalidKind::Truncated);
                }
                self.leave(code);
                let Some(outer) = self.scratch.frames.pop() else { return Ok(()) };
                open = outer;
                code = program.code(open.message);
                continue;
            }
            let (number, wire_type, after_key) = key(self.rest)?;
            if wire_type == wire::END_GROUP {
                if open.group != number {
                    return Err(InvalidKind::EndGroup);
                }
                if after_key.len() < open.rest_after {
                    return Err(InvalidKind::LengthPastEnd);
                }
                self.rest = after_key;
                self.leave(code);
                let Some(outer) = self.scratch.frames.pop() else { return Err(InvalidKind::EndGroup) };
                open = outer;
                code = program.code(open.message);
                continue;
            }
            self.items_left = self.items_left.checked_sub(1).ok_or(InvalidKind::TooManyItems)?;
            let field = program.field(code, number);
            if let Some(field) = field {
                if let Some(place) = field.required {
                    self.note_required(code, place);
                }
            } else if open.message != UNKNOWN {
                self.seen.unknown_fields += 1;
            }
            let mut inner = None;
            let rest = match (field, wire_type) {
                (None | Some(FieldCode { kind: Kind::Varint | Kind::Unresolved, .. }), wire::VARINT) => {
                    skip_varint(after_key)?
                }
                (None | Some(FieldCode { kind: Kind::Fixed64, .. }), wire::FIXED64) => {
                    after_key.get(8..).ok_or(InvalidKind::Truncated)?
                }
                (None | Some(FieldCode { kind: Kind::Fixed32, .. }), wire::FIXED32) => {
                    after_key.get(4..).ok_or(InvalidKind::Truncated)?
                }
                (None, wire::GROUP) => {
                    inner = Some(Frame { message: UNKNOWN, group: number, rest_after: open.rest_after });
                    after_key
                }
                (
                    Some(
                        FieldCode { kind: Kind::Group, message, .. }
                        | FieldCode { takes_group: true, message, .. },
                    ),
                    wire::GROUP,
                ) => {
                    inner = Some(Frame { message: *message, group: number, rest_after: open.rest_after });
                    after_key
                }
                (field, wire::LENGTH) => {
                    let (length, content) = varint(after_key)?;
                    let length = usize::try_from(length).map_err(|_| InvalidKind::LengthPastEnd)?;
                    let (value, rest) = content.split_at_checked(length).ok_or(InvalidKind::LengthPastEnd)?;
                    match field {
                        Some(FieldCode { kind: Kind::Message, message, .. }) => {
                            // What would end behind the message around is seen below.
                            if rest.len() < open.rest_after {
                                return Err(InvalidKind::LengthPastEnd);
                            }
                            inner = Some(Frame { message: *message, group: 0, rest_after: rest.len() });
                            content
                        }
                        Some(field) => {
                            let items = delimited(field, value)?;
                            let left = self.items_left.checked_sub(items);
                            self.items_left = left.ok_or(InvalidKind::TooManyItems)?;
                            rest
                        }
                        None => rest,
                    }
                }
                _ => return Err(InvalidKind::WireType(number)),
            };
            if rest.len() < open.rest_after {
                return Err(InvalidKind::LengthPastEnd);
            }
            if let Some(inner) = inner {
                if self.scratch.frames.len() >= self.max_depth {
                    return Err(InvalidKind::TooDeep);
                }
                self.scratch.frames.push(open);
                open = inner;
                code = self.enter(open.message);
            }
            self.rest = rest;
        }
    }

    fn enter(&mut self, message: MessageId) -> MessageCode {
        let code = self.program.code(message);
        if code.required_count > 0 {
            self.scratch.seen.resize(self.scratch.seen.len() + words(code), 0);
        }
        code
    }

    fn leave(&mut self, code: MessageCode) {
        if code.required_count > 0 {
            let first = self.scratch.seen.len().saturating_sub(words(code));
            let seen: u32 = self.scratch.seen.iter().skip(first).map(|word| word.count_ones()).sum();
            self.lacks_required |= seen < code.required_count;
            self.scratch.seen.truncate(first);
        }
    }

    fn note_required(&mut self, code: MessageCode, place: u16) {
        let first = self.scratch.seen.len().saturating_sub(words(code));
        if let Some(word) = self.scratch.seen.get_mut(first + usize::from(place) / 64) {
            *word |= 1 << (place % 64);
        }
    }
}

/// How many words hold a bit for each required field.
fn words(code: MessageCode) -> usize {
    (code.required_count as usize).div_ceil(64)
}

/// Checks the content of a length-delimited field that is no message. Returns how many packed values it holds.
fn delimited(field: &FieldCode, value: &[u8]) -> Result<usize, InvalidKind> {
    match field.kind {
        // Most texts are short and ASCII, which is quicker to see than to decode.
        Kind::String if value.is_ascii() || std::str::from_utf8(value).is_ok() => Ok(0),
        Kind::String => Err(InvalidKind::NotUtf8),
        Kind::Bytes | Kind::Unresolved => Ok(0),
        _ if !field.packable => Err(InvalidKind::WireType(field.number)),
        Kind::Fixed32 if value.len().is_multiple_of(4) => Ok(value.len() / 4),
        Kind::Fixed64 if value.len().is_multiple_of(8) => Ok(value.len() / 8),
        Kind::Varint => packed_varints(value),
        _ => Err(InvalidKind::Packed),
    }
}

/// Counts packed varints by their last bytes.
fn packed_varints(value: &[u8]) -> Result<usize, InvalidKind> {
    const MORE: u32 = 0x8080_8080;
    if value.last().is_some_and(|byte| *byte >= 0x80) {
        return Err(InvalidKind::Packed);
    }
    // A varint of ten bytes has nine in a row that say "more follows", so that some four of them fill a word.
    let (words, _) = value.as_chunks::<4>();
    if words.iter().any(|word| u32::from_ne_bytes(*word) & MORE == MORE) {
        let (mut rest, mut count) = (value, 0);
        while !rest.is_empty() {
            rest = skip_varint(rest)?;
            count += 1;
        }
        return Ok(count);
    }
    Ok(value.iter().filter(|byte| **byte < 0x80).count())
}
