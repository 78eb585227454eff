//! Descriptors of the language, `FileDescriptorProto`: read as a second form of input, and written.
//!
//! Both ways are our own, because options carry extensions that generated code drops, and because nothing here may
//! recurse.

mod base64;
mod options;
mod read;
mod wire;
mod write;

use std::collections::{HashMap, HashSet};

use prost_types::FileDescriptorProto;

use super::ProtobufSchema;
use super::model::ProtoFile;
use super::names::Names;
use super::parse::Budget;
use crate::format::ParseError;
use read::{Failure, read_file};
pub(super) use write::entry_name;
use write::{Source, link_file, write_file};

/// Most levels of messages within each other in a descriptor: as many as the libraries of the language read.
const MAX_DEPTH: usize = 100;

/// The descriptor whose base64 a text is, as clients register it; none if it is none. What is not in the descriptor of
/// descriptors, such as custom options, is lost.
pub fn from_base64(text: &str) -> Option<FileDescriptorProto> {
    <FileDescriptorProto as prost::Message>::decode(base64::decode(text)?.as_slice()).ok()
}

/// The base64 of an encoded `FileDescriptorProto`: a schema text.
pub fn to_base64(descriptor: &[u8]) -> String {
    base64::encode(descriptor)
}

/// Reads the base64 of a `FileDescriptorProto`; none if `text` is not that.
///
/// Errors: a bound of the budget. Source: schema formats spec §2.6.
pub(super) fn read_base64(text: &str, budget: &mut Budget<'_>) -> Result<Option<ProtoFile>, ParseError> {
    let Some(bytes) = base64::decode(text) else { return Ok(None) };
    match read_file(&bytes, budget) {
        Ok(file) => Ok(Some(file)),
        Err(Failure::Malformed) => Ok(None),
        Err(Failure::TooLarge(error)) => Err(error),
    }
}

/// The base64 of the descriptor as the reference shows it.
///
/// Errors: a type that cannot be found; a bound of the limits. Source: schema formats spec §7.
pub(super) fn serialized(schema: &ProtobufSchema) -> Result<String, ParseError> {
    let mut budget = Budget::new(&schema.limits);
    let names = Names::new(&schema.file, &schema.imports);
    let source = source(schema, &schema.file, 0, "default");
    let bytes = write_file(&source, &names, &mut budget)?;
    Ok(base64::encode(&bytes))
}

/// The descriptors of the schema and of all files whose types it needs, each after those it imports, the schema's own
/// last. Type names are full, and groups are messages.
///
/// Errors: a type that cannot be found; messages nested too deep; a bound of the limits.
pub(super) fn linked(schema: &ProtobufSchema) -> Result<Vec<FileDescriptorProto>, ParseError> {
    let mut budget = Budget::new(&schema.limits);
    let names = Names::new(&schema.file, &schema.imports);
    let files: Vec<&ProtoFile> = names.files().collect();
    // Depth first, without recursion: a file is done when all it needs is done.
    let mut state = vec![State::New; files.len()];
    let mut open = vec![(0, names.needed_by(0, &mut budget)?)];
    let mut done = Vec::new();
    while let Some((index, needs)) = open.last_mut() {
        let index = *index;
        if let Some(next) = needs.pop() {
            if state.get(next) == Some(&State::New) {
                set(&mut state, next, State::Open);
                open.push((next, names.needed_by(next, &mut budget)?));
            }
            continue;
        }
        open.pop();
        set(&mut state, index, State::Done);
        done.push(index);
    }
    let paths: Vec<String> = (0..files.len()).map(|index| names.path_of(index).to_owned()).collect();
    let path = |index: usize| paths.get(index).map_or("", String::as_str);
    let mut descriptors = Vec::with_capacity(done.len());
    let mut written = HashSet::new();
    for index in done {
        let Some(file) = files.get(index) else { continue };
        if depth(file) > MAX_DEPTH {
            return Err(ParseError::TooLarge { what: "levels of nested messages", limit: MAX_DEPTH });
        }
        let needs = names.needed_by(index, &mut budget)?;
        let imports = needs.iter().filter(|need| written.contains(*need)).map(|need| path(*need)).collect();
        let source = Source { file, index, name: path(index), imports, public_imports: Vec::new() };
        descriptors.push(link_file(&source, &names, &mut budget)?);
        written.insert(index);
    }
    Ok(descriptors)
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

fn set(states: &mut [State], index: usize, state: State) {
    if let Some(place) = states.get_mut(index) {
        *place = state;
    }
}

/// The imports of a file that are there.
fn source<'s, 'f>(
    schema: &'s ProtobufSchema,
    file: &'f ProtoFile,
    index: usize,
    name: &'s str,
) -> Source<'s, 'f>
where
    'f: 's,
{
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut imports = Vec::new();
    let mut place = |path: &'f str| {
        schema.import(path)?;
        Some(*places.entry(path).or_insert_with(|| {
            imports.push(path);
            imports.len() - 1
        }))
    };
    for path in &file.imports {
        place(path);
    }
    let public_imports = file.public_imports.iter().filter_map(|path| place(path)).collect();
    Source { file, index, name, imports, public_imports }
}

/// How deep the messages of a file nest.
fn depth(file: &ProtoFile) -> usize {
    let mut depths: Vec<usize> = Vec::with_capacity(file.messages.len());
    for message in &file.messages {
        depths.push(1 + message.parent.and_then(|id| depths.get(id.0)).copied().unwrap_or_default());
    }
    depths.into_iter().max().unwrap_or_default()
}

/// A number of 32 bits, as the language reads one: the upper half of the varint does not count.
fn int32(value: u64) -> i32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// Text, with a replacement character for what is not UTF-8.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
