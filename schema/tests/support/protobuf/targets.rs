//! The fuzz targets of texts and descriptors.

use std::hash::{DefaultHasher, Hash, Hasher};

use muster_schema::format::EntityTags;
use muster_schema::protobuf::model::{Extend, FieldType, ProtoFile, Scalar};
use muster_schema::protobuf::{self, ProtobufSchema, to_base64};
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness};
use prost_reflect::prost::Message as _;

use super::super::Choices;
use super::{generate, text};

/// Words of `.proto` files.
pub const WORDS: [&str; 49] = [
    "syntax = \"proto3\";",
    "syntax = \"proto2\";",
    "package p;",
    "import \"r.proto\";",
    "import public ",
    "import weak ",
    "message M {",
    "enum E {",
    "oneof o {",
    "service S {",
    "extend M {",
    "group G = 1 {",
    "rpc C (M) returns (stream M)",
    "optional ",
    "required ",
    "repeated ",
    "map<string, ",
    "reserved ",
    "extensions ",
    " to max",
    " to 9",
    "option (confluent.message_meta)",
    "(confluent.field_meta).tags = \"T\"",
    "option map_entry = true;",
    "deprecated = true",
    "json_name = \"j\"",
    "default = 1.50",
    "packed = true",
    "int32 ",
    "string ",
    "bytes ",
    "M ",
    ".p.M ",
    "r.R ",
    "google.protobuf.Timestamp ",
    " = 1;",
    " = 0x7fffffff;",
    " = -1",
    "{",
    "}",
    "[",
    "]",
    ";",
    "\"a\\x41\"",
    "'",
    "// c\n",
    "/* c */",
    "(o).a.b = {c: [1, {d: 2}]}",
    "(r.o).(o).a = {[o]: [[1]]; (b).c: 1e11}",
];

pub fn parser_seed(bytes: &[u8]) -> Vec<u8> {
    text::file(&mut Choices(bytes)).into_bytes()
}

pub fn descriptor_seed(bytes: &[u8]) -> Vec<u8> {
    let mut choices = Choices(bytes);
    if choices.once_in(2) {
        return generate::file(&mut choices).encode_to_vec();
    }
    let schema = parse(&text::file(&mut choices), Strictness::Stored).expect("what is generated is a schema");
    schema.descriptors().expect("and links").pop().expect("the file itself").encode_to_vec()
}

fn parse(text: &str, strictness: Strictness) -> Result<ProtobufSchema, ParseError> {
    let reference = "syntax = \"proto3\"; package r; message R { string a = 1; } extend google.protobuf.FieldOptions { R o = 5; }";
    let texts = vec![("r.proto".to_owned(), reference.to_owned())];
    let references = ResolvedReferences { texts, ..ResolvedReferences::default() };
    protobuf::parse(text, &references, strictness, &Limits::default())
}

/// Reads any text and does with it whatever can be done.
pub fn parser(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let mut said = DefaultHasher::new();
    let schema = parse(&text, Strictness::Stored);
    let is_new = parse(&text, Strictness::New).is_ok();
    let schema = match schema {
        Ok(schema) => schema,
        Err(error) => {
            assert!(!is_new, "a new schema is also a stored one");
            return words(&error, said);
        }
    };
    is_new.hash(&mut said);
    if prints_plainly(schema.file()) {
        let again = parse(schema.canonical(), Strictness::Stored);
        let again = again.unwrap_or_else(|error| panic!("canonical text is refused: {error}"));
        assert_eq!(again.canonical(), schema.canonical(), "canonical text changes");
        if let Ok(normalized) = schema.normalized()
            && !leaves_gaps(schema.file())
            // What was rounded to a zero keeps its sign the first time.
            && !normalized.canonical().contains("-0")
        {
            let again = parse(normalized.canonical(), Strictness::New);
            let again = again.unwrap_or_else(|error| panic!("normalized text is refused: {error}"));
            let again = again.normalized().unwrap_or_else(|error| panic!("not normalized again: {error}"));
            assert_eq!(again.canonical(), normalized.canonical(), "normalized text changes");
        }
    }
    exercise(&schema, &mut said);
    said.finish()
}

/// Reads any bytes as a descriptor.
pub fn descriptor(input: &[u8]) -> u64 {
    let mut said = DefaultHasher::new();
    let schema = match parse(&to_base64(input), Strictness::Stored) {
        Ok(schema) => schema,
        Err(error) => return words(&error, said),
    };
    exercise(&schema, &mut said);
    said.finish()
}

/// Does what can be done with a schema, and tells its shape.
fn exercise(schema: &ProtobufSchema, said: &mut DefaultHasher) {
    shape(schema.file(), said);
    schema.validate(true).is_ok().hash(said);
    schema.descriptors().is_ok().hash(said);
    if let Ok(serialized) = schema.formatted("serialized") {
        assert!(parse(&serialized, Strictness::Stored).is_ok(), "what is shown is no descriptor");
    }
    let _ = schema.formatted("ignore_extensions").is_ok();
    let _ = (schema.record_name(), schema.top_level_fields());
    for entity in schema.inline_tags().into_iter().take(3) {
        entity.is_field.hash(said);
        let tags = EntityTags { tags: vec!["T".to_owned()], ..entity.clone() };
        let _ = schema.with_tags(&[tags], &[entity]).is_ok();
    }
}

/// Whether all that is printed as it is can be read again: defaults other than strings lose their quotes, paths of
/// imports have never had escapes.
fn prints_plainly(file: &ProtoFile) -> bool {
    let messages = file.messages.iter().flat_map(|message| {
        let groups = message.groups.iter().chain(message.oneofs.iter().flat_map(|oneof| &oneof.groups));
        let extended = message.extends.iter().flat_map(|extend| &extend.fields);
        message.all_fields().chain(groups.flat_map(|group| &group.fields)).chain(extended)
    });
    let mut fields = messages.chain(file.extends.iter().flat_map(|extend| &extend.fields));
    let mut paths = file.imports.iter().chain(&file.public_imports);
    let is_word = |text: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        !text.is_empty() && text.chars().all(is_part)
    };
    fields.all(|field| {
        let is_text = field.field_type == FieldType::Scalar(Scalar::String);
        field.default.as_ref().is_none_or(|default| is_text || is_word(default))
    }) && paths.all(|path| !path.contains(['"', '\'', '\\', '\n']))
}

/// Whether normalizing leaves something behind that normalizing again does not: the blank line of empty oneofs and
/// `extend` blocks, or a field whose type was taken for the entry of a map.
fn leaves_gaps(file: &ProtoFile) -> bool {
    let is_empty = |extend: &Extend| extend.fields.is_empty();
    let mut messages = file.messages.iter();
    file.extends.iter().any(is_empty)
        || messages.any(|message| {
            message.oneofs.iter().any(|oneof| oneof.fields.is_empty())
                || message.extends.iter().any(is_empty)
                || message.is_map_entry()
        })
}

fn shape(file: &ProtoFile, said: &mut DefaultHasher) {
    let about = |count: usize| usize::BITS - count.leading_zeros();
    file.syntax.hash(said);
    let counts = [
        file.messages.len(),
        file.enums.len(),
        file.extends.len(),
        file.services.len(),
        file.options.len(),
        file.imports.len() + file.public_imports.len(),
        file.messages.iter().map(|message| message.fields.len()).sum(),
        file.messages.iter().map(|message| message.oneofs.len() + message.groups.len()).sum(),
        file.messages.iter().map(|message| message.reserved.len() + message.extensions.len()).sum(),
    ];
    counts.map(about).hash(said);
}

/// A message without its particulars.
fn words(error: &ParseError, mut said: DefaultHasher) -> u64 {
    let message = error.to_string();
    let words = message.split(' ').filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
    words.for_each(|word| word.hash(&mut said));
    said.finish()
}
