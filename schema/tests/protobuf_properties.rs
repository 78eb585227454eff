//! Laws of Protobuf texts and descriptors, on generated files, and what an independent compiler makes of them.
#![expect(clippy::panic, reason = "a helper that fails fails its test")]

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use muster_schema::protobuf::{self, ProtobufSchema};
use muster_schema::{Limits, ResolvedReferences, Strictness};
use proptest::prelude::*;
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use support::Choices;

fn parse(text: &str) -> ProtobufSchema {
    protobuf::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default())
        .unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

fn normalized(schema: &ProtobufSchema) -> ProtobufSchema {
    schema.normalized().unwrap_or_else(|error| panic!("{error}"))
}

/// Where the built-in files lie.
const BUILTIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/protobuf/builtin");

/// The text at hand, and what is built in here but unknown to the compiler.
struct Texts(String);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let source = match name {
            "default" => Some(self.0.clone()),
            _ if name.starts_with("google/protobuf/") => None,
            _ => std::fs::read_to_string(format!("{BUILTIN}/{name}")).ok(),
        };
        let source = source.ok_or_else(|| protox::Error::file_not_found(name))?;
        File::from_source(name, &source)
    }
}

/// What an independent compiler makes of a text.
fn compiled(text: &str) -> FileDescriptorProto {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(text.to_owned()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.open_file("default").unwrap_or_else(|error| panic!("{error:?}:\n{text}"));
    let mut files = compiler.file_descriptor_set().file;
    files.retain(|file| file.name() == "default");
    files.pop().expect("it was opened")
}

/// What matters of a field to data: name, number, label, type and type name, and the oneof it is in.
type FieldFacts = (String, i32, i32, i32, String, Option<String>, bool);

/// Messages by full name, each with its fields in order; and the constants of enums.
type Facts = (BTreeMap<String, Vec<FieldFacts>>, BTreeMap<String, Vec<(i32, String)>>);

fn facts(file: &FileDescriptorProto) -> Facts {
    let (mut messages, mut enums) = (BTreeMap::new(), BTreeMap::new());
    let mut open: Vec<(String, &DescriptorProto)> =
        file.message_type.iter().map(|message| (format!(".{}", file.package()), message)).collect();
    for found in &file.enum_type {
        let constants = constants(found);
        enums.insert(format!(".{}.{}", file.package(), found.name()), constants);
    }
    while let Some((scope, message)) = open.pop() {
        let name = format!("{scope}.{}", message.name());
        let entry = message.options.as_ref().is_some_and(|options| options.map_entry());
        let mut fields: Vec<FieldFacts> =
            message.field.iter().map(|field| field_facts(field, message)).collect();
        fields.sort();
        // Names of the messages for the entries of maps differ.
        messages.insert(if entry { name.to_lowercase() } else { name.clone() }, fields);
        open.extend(message.nested_type.iter().map(|nested| (name.clone(), nested)));
        for found in &message.enum_type {
            let constants = constants(found);
            enums.insert(format!("{name}.{}", found.name()), constants);
        }
    }
    (messages, enums)
}

/// By number and name: normalizing sorts them.
fn constants(found: &EnumDescriptorProto) -> Vec<(i32, String)> {
    let mut constants: Vec<_> =
        found.value.iter().map(|value| (value.number(), value.name().to_owned())).collect();
    constants.sort();
    constants
}

fn field_facts(field: &FieldDescriptorProto, message: &DescriptorProto) -> FieldFacts {
    let oneof = field.oneof_index.and_then(|at| message.oneof_decl.get(usize::try_from(at).ok()?));
    let mut type_name = field.type_name().to_owned();
    if type_name.ends_with("Entry") {
        type_name = type_name.to_lowercase();
    }
    (
        field.name().to_owned(),
        field.number(),
        field.label() as i32,
        field.r#type() as i32,
        type_name,
        oneof.map(|oneof| oneof.name().to_owned()),
        field.proto3_optional(),
    )
}

fn own(schema: &ProtobufSchema) -> FileDescriptorProto {
    schema.descriptors().expect("it links").pop().expect("the file itself")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn canonical_and_normalized_texts_stay_as_they_are(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = support::protobuf::text::file(&mut Choices(&bytes));
        let schema = parse(&text);
        let again = parse(schema.canonical());
        prop_assert_eq!(again.canonical(), schema.canonical());
        prop_assert!(again.equivalent(&schema));
        let first = normalized(&schema);
        let second = normalized(&parse(first.canonical()));
        prop_assert_eq!(second.canonical(), first.canonical());
        prop_assert_eq!(facts(&own(&first)), facts(&own(&schema)));
    }

    #[test]
    fn an_independent_compiler_sees_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = support::protobuf::text::file(&mut Choices(&bytes));
        let schema = parse(&text);
        prop_assert_eq!(schema.validate(true), Ok(()), "{}", text);
        let ours = facts(&own(&schema));
        prop_assert_eq!(&ours, &facts(&compiled(&text)));
        prop_assert_eq!(&ours, &facts(&compiled(schema.canonical())));
        prop_assert!(schema.pool().is_ok());
    }

    #[test]
    fn a_descriptor_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let file = support::protobuf::generate::file(&mut Choices(&bytes));
        let encoded = prost::Message::encode_to_vec(&file);
        let schema = parse(&protobuf::to_base64(&encoded));
        let expected = facts(&own(&schema));
        prop_assert_eq!(&facts(&own(&parse(schema.canonical()))), &expected);
        let shown = parse(&schema.formatted("serialized").expect("it is linked"));
        // A file without syntax is one without syntax again; groups are fields of messages on either way.
        prop_assert_eq!(shown.canonical(), schema.canonical());
    }
}
