//! Runs the cases in `tests/cases/`, one folder each; `tests/cases/README.md` tells how to add one.
#![expect(clippy::panic, reason = "a helper that fails fails its test")]

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use muster_schema::compatibility::{CompatibilityPolicy, Terms};
use muster_schema::{Limits, ParseError, ParsedSchema, ResolvedReferences, SchemaType, Strictness};

/// Runs all cases of a language; `extension` is that of its schema files.
fn run(language: SchemaType, folder: &str, extension: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(folder);
    let mut failures = Vec::new();
    let cases = entries(&folder);
    for path in &cases {
        let case = Case { path, language, extension };
        let files = entries(path);
        let known = if case.file("reader").is_some() { case.comparison() } else { case.text() };
        for (what, actual, expected) in known {
            if actual.trim_end() != expected.trim_end() {
                failures
                    .push(format!("{}: {what}\nexpected:\n{expected}\nactual:\n{actual}", path.display()));
            }
        }
        for file in files {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let stem = name.split('.').next().unwrap_or_default();
            assert!(MEANT.contains(&stem), "{}: no file of a case is called {name}", path.display());
        }
    }
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    assert!(failures.is_empty(), "{} failed\n\n{}", failures.len(), failures.join("\n\n"));
}

/// All files that a case may have, without extension.
const MEANT: [&str; 12] = [
    "schema",
    "canonical",
    "normalized",
    "name",
    "error",
    "reader",
    "writer",
    "backward",
    "lenient",
    "changes",
    "references",
    "about",
];

/// What is compared, what it is, and what it should be.
type Outcome = (&'static str, String, String);

struct Case<'a> {
    path: &'a Path,
    language: SchemaType,
    extension: &'a str,
}

impl Case<'_> {
    /// A schema text: `canonical`, `normalized` and `name`, or `error`.
    fn text(&self) -> Vec<Outcome> {
        let text = self.file("schema").unwrap_or_else(|| panic!("{}: no schema", self.path.display()));
        let schema = match (self.parse(&text, Strictness::New), self.note("error")) {
            (Err(error), Some(part)) => {
                let error = error.to_string();
                let shown = if error.contains(part.trim_end()) { part.clone() } else { error };
                return vec![("error", shown, part)];
            }
            (Ok(_), Some(part)) => return vec![("error", "none".to_owned(), part)],
            (Err(error), None) => panic!("{}: {error}", self.path.display()),
            (Ok(schema), None) => schema,
        };
        let mut outcomes = Vec::new();
        if let Some(expected) = self.file("canonical") {
            outcomes.push(("canonical text", schema.canonical().to_owned(), expected));
        }
        if let Some(expected) = self.file("normalized") {
            let normalized = schema.normalized().map(|schema| schema.canonical().to_owned());
            outcomes.push((
                "normalized text",
                normalized.unwrap_or_else(|error| error.to_string()),
                expected,
            ));
        }
        if let Some(expected) = self.note("name") {
            outcomes.push(("record name", schema.record_name().unwrap_or_default(), expected));
        }
        assert!(!outcomes.is_empty(), "{}: nothing is expected", self.path.display());
        outcomes
    }

    /// Two schemas: the messages of `backward` and `lenient`, the lines of `changes`.
    fn comparison(&self) -> Vec<Outcome> {
        let limits = Limits::default();
        let [reader, writer] = ["reader", "writer"].map(|side| {
            let text = self.file(side).unwrap_or_else(|| panic!("{}: no {side}", self.path.display()));
            self.parse(&text, Strictness::New)
                .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
        });
        let listed = |policy| {
            let terms = Terms { labels: ("new", "old"), policy, limits: &limits };
            reader.incompatibilities(&writer, terms).join("\n")
        };
        let mut outcomes = Vec::new();
        for (note, policy) in
            [("backward", CompatibilityPolicy::Strict), ("lenient", CompatibilityPolicy::Lenient)]
        {
            if let Some(expected) = self.note(note) {
                outcomes.push((note, listed(policy), expected));
            }
        }
        if let Some(expected) = self.note("changes") {
            let changes = reader.changes(&writer, &limits).unwrap_or_default();
            let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
            outcomes.push(("changes", lines.join("\n"), expected));
        }
        assert!(!outcomes.is_empty(), "{}: nothing is expected", self.path.display());
        outcomes
    }

    fn parse(&self, text: &str, strictness: Strictness) -> Result<ParsedSchema, ParseError> {
        let folder = self.path.join("references");
        let mut references = ResolvedReferences::default();
        let mut open = vec![folder.clone()];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(entries(&path).into_iter().rev());
            } else if let Ok(text) = read_to_string(&path) {
                let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
                references.texts.push((name, text));
            }
        }
        ParsedSchema::parse(self.language, text, &references, strictness, &Limits::default())
    }

    /// A file with a schema.
    fn file(&self, stem: &str) -> Option<String> {
        read_to_string(self.path.join(format!("{stem}.{}", self.extension))).ok()
    }

    /// A file with plain text.
    fn note(&self, stem: &str) -> Option<String> {
        read_to_string(self.path.join(format!("{stem}.txt"))).ok()
    }
}

/// What lies in a folder, by name; nothing if there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

#[cfg(feature = "avro")]
#[test]
fn avro() {
    run(SchemaType::Avro, "avro", "avsc");
}

#[cfg(feature = "json")]
#[test]
fn json() {
    run(SchemaType::Json, "json", "json");
}

#[cfg(feature = "protobuf")]
#[test]
fn protobuf() {
    run(SchemaType::Protobuf, "protobuf", "proto");
}
