//! Fuzz targets as plain functions, and the mutator that feeds them. No instrumentation: an input that makes a target
//! say something new (another error, other kinds of types, another mix of differences) joins the corpus of the run.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;

use muster_schema::avro::changes::{ChangeKind, changes};
use muster_schema::avro::diff::{DifferenceKind, diff};
use muster_schema::avro::model::{Kind, NodeId};
use muster_schema::avro::validate::{InvalidKind, Program, Projection, Scratch};
use muster_schema::avro::witness::explain;
use muster_schema::avro::{self, AvroSchema};
use muster_schema::format::EntityTags;
use muster_schema::{Limits, ResolvedReferences, Strictness};

use super::Choices;
use super::evolve::evolve;
use super::generate::model;
#[cfg(feature = "json")]
use super::json::targets as json;
use super::mutate::{Random, WORDS, mutate};
#[cfg(feature = "protobuf")]
use super::protobuf;
use super::resolve::{Unions, failures};
use super::values::{Patience, Refused, branch_name, decode_all, encode, random};

/// What is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Lines of text: the texts of references, then a schema.
    Parser,
    /// Two lines of text: reader and writer.
    Compatibility,
    /// A line of schema text, then a datum.
    Walker,
    /// Lines of text: the texts of references, then a JSON schema.
    #[cfg(feature = "json")]
    JsonParser,
    /// Two lines of text: two JSON schemas.
    #[cfg(feature = "json")]
    JsonComparison,
    /// A line of schema text, then a payload.
    #[cfg(feature = "json")]
    JsonValidator,
    /// A `.proto` text.
    #[cfg(feature = "protobuf")]
    ProtoParser,
    /// The bytes of a `FileDescriptorProto`.
    #[cfg(feature = "protobuf")]
    ProtoDescriptor,
    /// Choices that make a Protobuf file, then a message.
    #[cfg(feature = "protobuf")]
    ProtoWalker,
    /// Choices that make a Protobuf file, then message indexes.
    #[cfg(feature = "protobuf")]
    ProtoIndexes,
}

/// How deep the oracles go: they recurse, on the stack that the targets have.
const PATIENCE: Patience = Patience { items: 2_000, depth: 40 };

/// Longest input that a mutation makes, in bytes.
const MAX_INPUT: usize = 4_096;

impl Target {
    pub const ALL: &'static [Self] = &[
        Self::Parser,
        Self::Compatibility,
        Self::Walker,
        #[cfg(feature = "json")]
        Self::JsonParser,
        #[cfg(feature = "json")]
        Self::JsonComparison,
        #[cfg(feature = "json")]
        Self::JsonValidator,
        #[cfg(feature = "protobuf")]
        Self::ProtoParser,
        #[cfg(feature = "protobuf")]
        Self::ProtoDescriptor,
        #[cfg(feature = "protobuf")]
        Self::ProtoWalker,
        #[cfg(feature = "protobuf")]
        Self::ProtoIndexes,
    ];

    /// Its name, and that of its folder in the corpus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parser => "parser",
            Self::Compatibility => "compatibility",
            Self::Walker => "walker",
            #[cfg(feature = "json")]
            Self::JsonParser => "json-parser",
            #[cfg(feature = "json")]
            Self::JsonComparison => "json-comparison",
            #[cfg(feature = "json")]
            Self::JsonValidator => "json-validator",
            #[cfg(feature = "protobuf")]
            Self::ProtoParser => "proto-parser",
            #[cfg(feature = "protobuf")]
            Self::ProtoDescriptor => "proto-descriptor",
            #[cfg(feature = "protobuf")]
            Self::ProtoWalker => "proto-walker",
            #[cfg(feature = "protobuf")]
            Self::ProtoIndexes => "proto-indexes",
        }
    }

    /// Feeds it one input; returns what it said, as a number. Panics if a law is broken.
    pub fn run(self, input: &[u8]) -> u64 {
        match self {
            Self::Parser => parser(input),
            Self::Compatibility => compatibility(input),
            Self::Walker => walker(input),
            #[cfg(feature = "json")]
            Self::JsonParser => json::parser(input),
            #[cfg(feature = "json")]
            Self::JsonComparison => json::comparison(input),
            #[cfg(feature = "json")]
            Self::JsonValidator => json::validator(input),
            #[cfg(feature = "protobuf")]
            Self::ProtoParser => protobuf::targets::parser(input),
            #[cfg(feature = "protobuf")]
            Self::ProtoDescriptor => protobuf::targets::descriptor(input),
            #[cfg(feature = "protobuf")]
            Self::ProtoWalker => protobuf::fuzz::walker(input),
            #[cfg(feature = "protobuf")]
            Self::ProtoIndexes => protobuf::fuzz::indexes(input),
        }
    }

    /// Changes an input in one place. `corpus`: inputs to take parts from.
    fn mutate(self, input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
        match self {
            Self::Parser | Self::Compatibility | Self::Walker => mutate(input, corpus, &WORDS, random),
            #[cfg(feature = "json")]
            Self::JsonValidator if random.below(6) == 0 => mutate(input, corpus, &json::VALUES, random),
            #[cfg(feature = "json")]
            Self::JsonParser | Self::JsonComparison | Self::JsonValidator => {
                mutate(input, corpus, &json::WORDS, random);
            }
            #[cfg(feature = "protobuf")]
            Self::ProtoParser => mutate(input, corpus, &protobuf::targets::WORDS, random),
            #[cfg(feature = "protobuf")]
            Self::ProtoDescriptor | Self::ProtoWalker | Self::ProtoIndexes => protobuf::mutate(input, random),
        }
    }

    /// A valid input, made of choices.
    pub fn seed(self, bytes: &[u8]) -> Vec<u8> {
        #[cfg(feature = "protobuf")]
        match self {
            Self::ProtoParser => return protobuf::targets::parser_seed(bytes),
            Self::ProtoDescriptor => return protobuf::targets::descriptor_seed(bytes),
            Self::ProtoWalker => return protobuf::fuzz::walker_seed(bytes),
            Self::ProtoIndexes => return protobuf::fuzz::indexes_seed(bytes),
            _ => {}
        }
        #[cfg(feature = "json")]
        match self {
            Self::JsonParser => return json::parser_seed(bytes),
            Self::JsonComparison => return json::comparison_seed(bytes),
            Self::JsonValidator => return json::validator_seed(bytes),
            _ => {}
        }
        let mut choices = Choices(bytes);
        let first = model(&mut choices, 3);
        match self {
            #[cfg(feature = "json")]
            Self::JsonParser | Self::JsonComparison | Self::JsonValidator => Vec::new(),
            Self::Parser => {
                let texts = first.texts();
                let mut lines: Vec<String> =
                    texts.references.texts.into_iter().map(|(_, text)| text).collect();
                lines.push(texts.text);
                lines.join("\n").into_bytes()
            }
            Self::Compatibility => {
                let mut second = evolve(&first, &mut choices);
                second.external.clear();
                let mut first = first;
                first.external.clear();
                format!("{}\n{}", second.texts().text, first.texts().text).into_bytes()
            }
            Self::Walker => {
                let mut first = first;
                first.external.clear();
                let texts = first.texts();
                let mut input = format!("{}\n", texts.text).into_bytes();
                if let Ok(schema) = texts.parse(Strictness::Stored) {
                    let value = random(&schema, schema.root(), &mut choices, 4);
                    encode(&value, &mut choices, &mut input);
                }
                input
            }
            #[cfg(feature = "protobuf")]
            Self::ProtoParser | Self::ProtoDescriptor | Self::ProtoWalker | Self::ProtoIndexes => Vec::new(),
        }
    }
}

fn lines(input: &[u8]) -> Vec<String> {
    input.split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// Reads any text, strictly and not, and does with it whatever can be done.
fn parser(input: &[u8]) -> u64 {
    let mut texts = lines(input);
    let text = texts.pop().unwrap_or_default();
    let texts = texts.into_iter().enumerate().map(|(at, text)| (format!("r{at}"), text)).collect();
    let (references, limits) =
        (ResolvedReferences { texts, ..ResolvedReferences::default() }, Limits::default());
    let mut said = Said::default();
    for strictness in [Strictness::New, Strictness::Stored] {
        let schema = match avro::parse(&text, &references, strictness, &limits) {
            Ok(schema) => schema,
            Err(error) => {
                said.words(&error.to_string());
                continue;
            }
        };
        said.types(&schema);
        if strictness == Strictness::New {
            let again = avro::parse(schema.canonical(), &references, Strictness::Stored, &limits);
            let again = again.unwrap_or_else(|error| panic!("canonical text is refused: {error}"));
            assert_eq!(again.canonical(), schema.canonical(), "canonical text changes");
        }
        assert!(schema.equivalent(&schema));
        match schema.normalized() {
            Ok(normalized) => said.number(usize::from(normalized.canonical() == schema.canonical())),
            Err(error) => said.words(&error.to_string()),
        }
        let tags = schema.inline_tags();
        said.number(tags.len().min(3));
        let tag =
            |path: &str| EntityTags { path: path.to_owned(), is_field: true, tags: vec!["T".to_owned()] };
        let _ = schema.with_tags(&[tag("R.f"), tag("")], &tags);
        let _ = (schema.formatted("resolved"), schema.record_name(), schema.top_level_fields());
        let _ = Program::compile(&schema);
    }
    said.0.finish()
}

/// Compares two schemas in every way there is, in both directions.
fn compatibility(input: &[u8]) -> u64 {
    let texts = lines(input);
    let limits = Limits::default();
    let parse = |text: Option<&String>| {
        let text = text.map(String::as_str).unwrap_or_default();
        avro::parse(text, &ResolvedReferences::default(), Strictness::Stored, &limits)
    };
    let mut said = Said::default();
    let (Ok(first), Ok(second)) = (parse(texts.first()), parse(texts.get(1))) else { return 0 };
    // A field whose name is also its alias stands for itself twice, as in the reference.
    let with_itself = diff(&first, &first, &limits);
    assert!(with_itself.iter().all(|found| found.kind == DifferenceKind::AmbiguousField), "{with_itself:?}");
    let with_itself = changes(&first, &first, &limits);
    assert!(
        with_itself.iter().all(|change| change.kind == ChangeKind::NotComparable.as_str()),
        "{with_itself:?}"
    );
    for (reader, writer) in [(&first, &second), (&second, &first)] {
        let explained = explain(reader, writer, &limits);
        let listed = changes(writer, reader, &limits);
        let breaks = listed.iter().any(|change| change.verdict.breaks_backward);
        assert_eq!(
            breaks,
            !explained.is_empty(),
            "changes and differences disagree: {listed:?} {explained:?}"
        );
        said.number(explained.len().min(5));
        listed.iter().for_each(|change| said.kind(&change.kind));
        for found in &explained {
            said.kind(&found.difference.kind);
            said.number(found.difference.location.matches('/').count());
            match &found.witness {
                Err(reason) => said.kind(reason),
                Ok(witness) if witness.datum.len() < 300 => {
                    match decode_all(writer, &witness.bytes, PATIENCE) {
                        Err(Refused::TooMuch) => {}
                        Err(Refused::Invalid) => panic!("no datum of the writer: {witness:?}"),
                        Ok(value) => {
                            let failed = failures(reader, writer, &value, Unions::FirstMatch);
                            let kind = found.difference.kind;
                            let shown = failed.iter().any(|f| f.path == witness.path && f.is_about(kind));
                            assert!(shown, "{kind} is not what fails: {witness:?}, {failed:?}");
                        }
                    }
                }
                Ok(_) => {}
            }
        }
    }
    said.0.finish()
}

/// Walks and projects any bytes; a decoder that recurses must agree.
fn walker(input: &[u8]) -> u64 {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (text, data) = input.split_at(end);
    let data = data.get(1..).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let parsed = avro::parse(&text, &ResolvedReferences::default(), Strictness::Stored, &Limits::default());
    let Ok(schema) = parsed else { return 0 };
    let limits = Limits { items: 2_000, ..Limits::default() };
    let program = Program::compile(&schema);
    let mut scratch = Scratch::default();
    let verdict = program.check(data, &limits, &mut scratch);
    let too_much = |kind: InvalidKind| matches!(kind, InvalidKind::TooDeep | InvalidKind::TooManyItems);
    let decoded = decode_all(&schema, data, PATIENCE);
    match (&verdict, &decoded) {
        (_, Err(Refused::TooMuch)) => {}
        (Err(invalid), _) if too_much(invalid.kind) => {}
        (verdict, decoded) => {
            assert_eq!(verdict.is_ok(), decoded.is_ok(), "{verdict:?}, but the decoder says {decoded:?}");
        }
    }
    let mut said = Said::default();
    said.types(&schema);
    match verdict {
        Ok(()) => said.number(data.len().min(8)),
        Err(invalid) => said.kind(&invalid.kind),
    }
    for field in schema.top_level_fields().iter().take(4) {
        let projection = Projection::compile(&schema, &[field.as_str()]).expect("the field is there");
        let found = projection.find(data, &limits, &mut scratch);
        if verdict.is_ok() {
            let range = found.expect("a valid datum has every field").expect("no union is on the way");
            assert!(data.get(range).is_some());
        }
    }
    let measured = program.measure(data, &limits, &mut scratch);
    assert!(measured.is_ok_and(|length| length <= data.len()) || verdict.is_err());
    let _ = program.check_body(data, &limits, &mut scratch);
    said.0.finish()
}

/// What a target said, in short.
#[derive(Default)]
struct Said(DefaultHasher);

impl Said {
    fn number(&mut self, number: usize) {
        number.hash(&mut self.0);
    }

    fn kind(&mut self, kind: &impl Hash) {
        kind.hash(&mut self.0);
    }

    /// A message without its particulars: what is quoted, and everything that is not a lower-case word.
    fn words(&mut self, message: &str) {
        let words = message.split(' ').filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
        words.take(6).for_each(|word| word.hash(&mut self.0));
    }

    /// Which kinds of types there are, and about how many.
    fn types(&mut self, schema: &AvroSchema) {
        let mut seen = HashSet::new();
        let mut todo: Vec<NodeId> = vec![schema.root()];
        let mut kinds: Vec<String> = Vec::new();
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            match &schema.node(id).kind {
                Kind::Array(part) | Kind::Map(part) => todo.push(*part),
                Kind::Union(branches) => todo.extend(branches),
                Kind::Record(record) => todo.extend(record.fields.iter().map(|field| field.schema)),
                _ => {}
            }
            kinds.push(match &schema.node(id).kind {
                Kind::Record(_) => "record".to_owned(),
                Kind::Enum(_) => "enum".to_owned(),
                Kind::Fixed(_) => "fixed".to_owned(),
                kind => branch_name(kind),
            });
        }
        self.number(seen.len().ilog2() as usize);
        kinds.sort();
        kinds.dedup();
        kinds.hash(&mut self.0);
    }
}

/// Feeds a target with mutations of its corpus.
pub struct Fuzzer {
    pub target: Target,
    pub corpus: Vec<Vec<u8>>,
    /// Everything that was said so far.
    said: HashSet<u64>,
    random: Random,
}

/// Most inputs that a run keeps.
const MAX_CORPUS: usize = 4_000;

impl Fuzzer {
    /// Starts from a folder of inputs, if it is there, and from valid inputs.
    pub fn new(target: Target, folder: &Path, seed: u64) -> Self {
        let mut fuzzer = Self { target, corpus: Vec::new(), said: HashSet::new(), random: Random(seed) };
        let mut files: Vec<_> = std::fs::read_dir(folder.join(target.name()))
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        files.sort();
        fuzzer.corpus.extend(files.iter().filter_map(|file| std::fs::read(file).ok()));
        for _ in 0..64 {
            let bytes: Vec<u8> = (0..160).map(|_| fuzzer.random.byte()).collect();
            fuzzer.corpus.push(target.seed(&bytes));
        }
        fuzzer
    }

    /// How many different things the target said.
    pub fn answers(&self) -> usize {
        self.said.len()
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        if self.random.below(50) == 0 {
            let bytes: Vec<u8> = (0..self.random.below(200)).map(|_| self.random.byte()).collect();
            return self.target.seed(&bytes);
        }
        let pick = self.random.below(self.corpus.len());
        let mut input = self.corpus[pick].clone();
        for _ in 0..=self.random.below(4) {
            self.target.mutate(&mut input, &self.corpus, &mut self.random);
        }
        input.truncate(MAX_INPUT);
        input
    }

    /// Runs one input and keeps it if the target said something new.
    pub fn feed(&mut self, input: Vec<u8>) {
        let said = self.target.run(&input);
        if self.said.insert(said) && self.corpus.len() < MAX_CORPUS {
            self.corpus.push(input);
        }
    }
}
