//! The fuzz targets of the walker and of message indexes.
//!
//! An input of either begins with a byte that says how many bytes of choices follow, of which a file is made; then for
//! the walker a byte that picks the message, and the message; for the indexes the bytes behind an identifier.

use std::hash::{DefaultHasher, Hash, Hasher};

use muster_schema::Limits;
use muster_schema::protobuf::indexes::{IndexError, MessageTable, select, write};
use muster_schema::protobuf::validate::{Program, Scratch};

use super::super::Choices;
use super::generate::{MESSAGES, encoded, file};
use super::oracle::Both;

/// The decoder beside the walker recurses with large frames; the targets have a small stack.
const ORACLE_STACK: usize = 8 << 20;

fn split(input: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = input.split_first() else { return (&[], &[]) };
    rest.split_at(usize::from(*length).min(rest.len()))
}

/// Choices, and what is made of them.
fn seed(bytes: &[u8], rest: impl FnOnce(&mut Choices<'_>, &mut Choices<'_>) -> Vec<u8>) -> Vec<u8> {
    let mut choices = Choices(bytes);
    let mut first = choices.split_off(80);
    let mut input = vec![u8::try_from(first.0.len()).expect("few")];
    input.extend(first.0);
    input.extend(rest(&mut first, &mut choices));
    input
}

pub fn walker_seed(bytes: &[u8]) -> Vec<u8> {
    seed(bytes, |first, choices| {
        let file = file(first);
        let pick = choices.below(MESSAGES.len());
        let mut rest = vec![u8::try_from(pick).expect("few")];
        rest.extend(encoded(&file, &format!(".p.{}", MESSAGES[pick]), choices, 4));
        rest
    })
}

/// The walker's verdict is that of a decoder that builds values.
pub fn walker(input: &[u8]) -> u64 {
    let (choices, rest) = split(input);
    let (pick, message) = rest.split_first().map_or((0, rest), |(pick, rest)| (usize::from(*pick), rest));
    let file = file(&mut Choices(choices));
    let name = format!("p.{}", MESSAGES[pick % MESSAGES.len()]);
    let program = Program::compile([&file]).expect("names are short");
    let id = program.message(&name).expect("it is declared");
    let mut scratch = Scratch::default();
    let limits = Limits::default();
    let verdict = program.check(id, message, &limits, &mut scratch);
    let again = program.check(id, message, &limits, &mut scratch);
    assert_eq!(verdict, again, "the scratch remembers");
    let mut said = DefaultHasher::new();
    std::thread::scope(|scope| {
        let oracle = || Both::new(file.clone()).check(&name, message);
        let oracle = std::thread::Builder::new().stack_size(ORACLE_STACK).spawn_scoped(scope, oracle);
        let _ = oracle.unwrap().join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let kinds = file.message_type.iter().flat_map(|message| &message.field).map(|field| field.r#type);
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort();
    kinds.dedup();
    kinds.hash(&mut said);
    match verdict {
        Ok(seen) => (seen.unknown_fields.min(3), message.len().min(8)).hash(&mut said),
        Err(invalid) => std::mem::discriminant(&invalid.kind).hash(&mut said),
    }
    said.finish()
}

pub fn indexes_seed(bytes: &[u8]) -> Vec<u8> {
    seed(bytes, |first, choices| {
        let table = MessageTable::of(&file(first)).expect("names are short");
        let mut level = &table.messages;
        let mut path = Vec::new();
        while !level.is_empty() && !choices.once_in(3) {
            let next = choices.below(level.len());
            path.push(next);
            level = &level[next].nested;
        }
        if choices.once_in(4) {
            path.push(choices.below(300));
        }
        let mut rest = Vec::new();
        write(&path, &mut rest);
        rest.extend((0..choices.below(4)).map(|_| choices.byte()));
        rest
    })
}

/// What is selected is found again by its name, and by the indexes that a serializer writes.
pub fn indexes(input: &[u8]) -> u64 {
    let (choices, bytes) = split(input);
    let table = MessageTable::of(&file(&mut Choices(choices))).expect("names are short");
    let found = select(Some(&table), bytes);
    let syntax = select(None, bytes);
    let mut said = DefaultHasher::new();
    match found {
        Ok((message, rest)) => {
            let message = message.expect("there is a table");
            assert_eq!(syntax, Ok((None, rest)), "a table changes what indexes are");
            let path = table.path_of(&message.name).expect("it is in the table");
            assert_eq!(table.message(&path), Some(message));
            let mut written = Vec::new();
            write(&path, &mut written);
            assert_eq!(select(Some(&table), &written), Ok((Some(message), &[][..])));
            (path, &*message.name, bytes.len() - rest.len(), rest.len().min(3)).hash(&mut said);
        }
        Err(IndexError::NoSuchMessage) => {
            let (_, rest) = syntax.expect("the syntax is right");
            (1, table.messages.iter().map(|message| message.nested.len()).max(), bytes.len() - rest.len())
                .hash(&mut said);
        }
        Err(IndexError::Malformed) => {
            assert_eq!(syntax, Err(IndexError::Malformed));
            (2, bytes.len().min(8)).hash(&mut said);
        }
    }
    said.finish()
}
