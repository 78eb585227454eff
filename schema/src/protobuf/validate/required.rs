//! Which required field is missing, if any, once the occurrences of each field are merged.
//!
//! A message field that occurs twice is one message whose fields come from both (Protocol Buffers documentation, "Last One
//! Wins"), and of a oneof only the last member stays. The walk looks at occurrences one by one; where one of them lacks a
//! required field, this takes a second, slower look. Entries of a map are taken one by one, whether or not a later
//! entry has the same key.

use std::collections::BTreeMap;

use super::wire::{key, value};
use super::{FieldCode, Invalid, InvalidKind, Kind, MessageId, Program};

/// Occurrences of one message: for each where it begins in the input, and its bytes, without the end key of a group.
type Pieces<'b> = Vec<(usize, &'b [u8])>;

/// The first missing required field. `bytes` are a message that has been walked.
pub(super) fn missing(program: &Program, message: MessageId, bytes: &[u8]) -> Option<Invalid> {
    missing_in(program, message, &vec![(0, bytes)])
}

/// Recurses as deep as the message, which the walk has bounded.
fn missing_in(program: &Program, message: MessageId, pieces: &Pieces<'_>) -> Option<Invalid> {
    let code = program.code(message);
    let mut seen = vec![false; code.required_count as usize];
    let mut inner = BTreeMap::<u32, (&FieldCode, Pieces<'_>)>::new();
    for &(start, piece) in pieces {
        let mut rest = piece;
        while let Ok((number, wire_type, after_key)) = key(rest) {
            let value = value(number, wire_type, after_key)?;
            rest = value.rest;
            let Some(field) = program.field(code, number) else { continue };
            if let Some(seen) = field.required.and_then(|place| seen.get_mut(usize::from(place))) {
                *seen = true;
            }
            if field.oneof != 0 {
                inner.retain(|other, (before, _)| *other == number || before.oneof != field.oneof);
            }
            if !matches!(field.kind, Kind::Message | Kind::Group) {
                continue;
            }
            let at = start + (piece.len() - value.content_left);
            if field.is_repeated {
                let found = missing_in(program, field.message, &vec![(at, value.content)]);
                if found.is_some() {
                    return found;
                }
            } else {
                inner.entry(number).or_insert_with(|| (field, Vec::new())).1.push((at, value.content));
            }
        }
    }
    if let Some(place) = seen.iter().position(|seen| !seen) {
        let fields = program.fields_of(code);
        let number = fields.iter().find(|field| field.required.map(usize::from) == Some(place))?.number;
        let offset = pieces.last().map_or(0, |(start, piece)| start + piece.len());
        return Some(Invalid { kind: InvalidKind::MissingRequired(number), offset });
    }
    inner.values().find_map(|(field, pieces)| missing_in(program, field.message, pieces))
}
