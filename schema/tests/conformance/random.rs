//! The recorded random table: a small registry without HTTP, just enough to play the cases.

use std::collections::{BTreeMap, HashSet};

use muster_schema::compatibility::{
    Candidate, CompatibilityLevel, CompatibilityPolicy, Previous, Settings, check,
};
use muster_schema::format::{ParseError, ParsedSchema, SchemaType, Strictness};
use muster_schema::ids::Version;
use muster_schema::{Guid, Limits, ResolvedReferences, SchemaReference, identity};
use serde_json::Value;

use crate::Report;
use crate::tables::{cases, text};

/// The versions of each subject, the first one being version 1.
#[derive(Default)]
struct Registry(BTreeMap<String, Vec<Stored>>);

struct Stored {
    schema: ParsedSchema,
    references: Vec<SchemaReference>,
    guid: Guid,
}

impl Registry {
    /// Parses a version of a case, and normalizes it if asked to.
    fn prepare(
        &self,
        schema_type: SchemaType,
        version: &Value,
        normalize: bool,
    ) -> Result<Stored, ParseError> {
        let mut references = self.references(version);
        let mut closure = ResolvedReferences::default();
        self.closure(&references, &mut HashSet::new(), &mut closure)?;
        let limits = Limits::default();
        let mut schema =
            ParsedSchema::parse(schema_type, text(version, "schema"), &closure, Strictness::New, &limits)?;
        if normalize {
            schema = schema.normalized()?;
            references.sort_by(|a, b| (&a.subject, a.version).cmp(&(&b.subject, b.version)));
            references.dedup();
        }
        let guid = identity::content_guid(schema.canonical(), &references, None, None);
        Ok(Stored { schema, references, guid })
    }

    fn references(&self, version: &Value) -> Vec<SchemaReference> {
        let references = version["references"].as_array().into_iter().flatten();
        references
            .map(|reference| {
                let subject = text(reference, "subject").to_owned();
                let number = reference["version"].as_i64().expect("a version");
                let latest = self.0.get(&subject).map_or(0, Vec::len);
                let number = if number == -1 { latest } else { usize::try_from(number).expect("a version") };
                let version = Version(i32::try_from(number).expect("a version"));
                SchemaReference { name: text(reference, "name").to_owned(), subject, version }
            })
            .collect()
    }

    fn closure(
        &self,
        references: &[SchemaReference],
        seen: &mut HashSet<String>,
        closure: &mut ResolvedReferences,
    ) -> Result<(), ParseError> {
        for SchemaReference { name, subject, version } in references {
            if !seen.insert(name.clone()) {
                continue;
            }
            let at = usize::try_from(version.0 - 1).ok();
            let stored = self.0.get(subject).and_then(|versions| versions.get(at?));
            let stored =
                stored.ok_or_else(|| ParseError::Invalid(format!("no version {version} of {subject}")))?;
            self.closure(&stored.references, seen, closure)?;
            closure.texts.push((name.clone(), stored.schema.canonical().to_owned()));
            closure.guids.push(stored.guid);
        }
        Ok(())
    }

    /// Stores a version unless the subject has it, and returns its number.
    fn register(&mut self, subject: &str, new: Stored) -> i32 {
        let versions = self.0.entry(subject.to_owned()).or_default();
        let same = versions.iter().position(|old| old.guid == new.guid).or_else(|| {
            versions.iter().rposition(|old| {
                let references_match = new.references.is_empty() || new.references == old.references;
                references_match && new.schema.equivalent(&old.schema)
            })
        });
        let at = same.unwrap_or(versions.len());
        if same.is_none() {
            versions.push(new);
        }
        i32::try_from(at + 1).expect("few versions")
    }
}

pub fn run(table: &Value, report: &mut Report) {
    let schema_type: SchemaType = text(table, "schema_type").parse().expect("a language");
    let is_ordered = text(table, "messages_order") == "exact";
    for (name, case) in cases(table, report) {
        let mut registry = Registry::default();
        for subject in case["subjects"].as_array().into_iter().flatten() {
            for version in subject["versions"].as_array().expect("versions") {
                let stored = registry.prepare(schema_type, version, false);
                let stored = stored.unwrap_or_else(|error| panic!("{name}: referenced {version}: {error}"));
                registry.register(text(subject, "subject"), stored);
            }
        }
        let history = case["history"].as_array().expect("a history");
        for (at, version) in history.iter().enumerate() {
            let name = format!("{name}: history[{at}]");
            let stored = registry.prepare(schema_type, version, false);
            compare_version(&name, version, stored.as_ref(), report);
            if at + 1 == history.len() {
                compare_normalized(&name, (schema_type, version), &registry, report);
            }
            if let Ok(stored) = stored {
                let number = registry.register(text(case, "name"), stored);
                if let Some(expected) = version["version"].as_i64() {
                    report.compare(&format!("{name}: version"), &i64::from(number), &expected);
                }
            }
        }
        let version = &case["candidate"];
        let name = format!("{name}: candidate");
        let candidate = registry.prepare(schema_type, version, false);
        compare_version(&name, version, candidate.as_ref(), report);
        compare_normalized(&name, (schema_type, version), &registry, report);
        let versions = registry.0.get(text(case, "name")).map(Vec::as_slice).unwrap_or_default();
        for reading in case["formats"].as_array().into_iter().flatten() {
            let is_base = reading["of"] == "base";
            let stored = if is_base { versions.last() } else { candidate.as_ref().ok() };
            let version = if is_base { history.last().expect("a base") } else { version };
            // The reference fails to show what it cannot link, and a stored text that is empty.
            let expected = (reading["status"] == 200)
                .then(|| reading["schema"].as_str().unwrap_or_else(|| canonical(version)));
            let format = text(reading, "format");
            let actual = stored
                .filter(|stored| !stored.schema.canonical().is_empty())
                .and_then(|stored| stored.schema.formatted(format).ok());
            report.compare(
                &format!("{name}: format {format} of {}", reading["of"]),
                &actual.as_deref(),
                &expected,
            );
        }
        for recorded in case["compatibility"].as_array().into_iter().flatten() {
            compare_check(&name, recorded, candidate.as_ref().ok(), versions, is_ordered, report);
        }
    }
}

fn canonical(version: &Value) -> &str {
    version["canonical"].as_str().unwrap_or_else(|| text(version, "schema"))
}

fn compare_version(name: &str, version: &Value, stored: Result<&Stored, &ParseError>, report: &mut Report) {
    let is_accepted = version["status"] == 200;
    report.compare(&format!("{name}: accepted"), &stored.is_ok(), &is_accepted);
    if let (Ok(stored), true) = (stored, is_accepted) {
        report.compare(&format!("{name}: canonical"), stored.schema.canonical(), canonical(version));
        report.compare(&format!("{name}: guid"), stored.guid.to_string().as_str(), text(version, "guid"));
    }
}

fn compare_normalized(
    name: &str,
    (schema_type, version): (SchemaType, &Value),
    registry: &Registry,
    report: &mut Report,
) {
    if version["status"] != 200 || !version["normalized_skipped"].is_null() {
        return;
    }
    let normalized = registry.prepare(schema_type, version, true);
    let is_accepted = version["normalized_status"].is_null();
    report.compare(&format!("{name}: accepted with normalize=true"), &normalized.is_ok(), &is_accepted);
    if let (Ok(stored), true) = (normalized, is_accepted) {
        let expected = version["normalized"].as_str().unwrap_or_else(|| canonical(version));
        report.compare(&format!("{name}: normalized"), stored.schema.canonical(), expected);
        let expected = version["normalized_guid"].as_str().unwrap_or_else(|| text(version, "guid"));
        report.compare(&format!("{name}: normalized guid"), stored.guid.to_string().as_str(), expected);
    }
}

fn compare_check(
    name: &str,
    recorded: &Value,
    candidate: Option<&Stored>,
    versions: &[Stored],
    is_ordered: bool,
    report: &mut Report,
) {
    if !recorded["reference_fails"].is_null() || recorded["unstable"] == "verdict" {
        return;
    }
    let level: CompatibilityLevel = text(recorded, "level").parse().expect("a level");
    let name = format!("{name}: {level}");
    let is_compatible = recorded["is_compatible"] == true;
    let Some(candidate) = candidate else {
        report.compare(&format!("{name} of an invalid schema"), &false, &is_compatible);
        return;
    };
    let mut previous: Vec<Previous<'_>> = versions
        .iter()
        .zip(1..)
        .map(|(stored, number)| Previous {
            version: Some(Version(number)),
            schema: &stored.schema,
            metadata: None,
        })
        .collect();
    if recorded["against"] != "all" {
        previous.drain(..previous.len().saturating_sub(1));
    }
    let policy = match recorded["policy"].as_str() {
        Some("LENIENT") => CompatibilityPolicy::Lenient,
        _ => CompatibilityPolicy::Strict,
    };
    let settings = Settings { policy, ..Settings::of(level) };
    let mut messages = check(
        Candidate { schema: &candidate.schema, metadata: None },
        &previous,
        settings,
        &Limits::default(),
    );
    report.compare(&format!("{name} verdict"), &messages.is_empty(), &is_compatible);
    let Some(expected) = recorded["messages"].as_array().filter(|_| recorded["unstable"].is_null()) else {
        return;
    };
    let mut shown = "";
    let mut expected: Vec<String> = expected
        .iter()
        .map(|message| {
            let message = message.as_str().expect("a message");
            let number = message.strip_prefix("{oldSchemaVersion: ").and_then(|rest| rest.strip_suffix('}'));
            if let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) {
                shown = versions.get(number - 1).map_or("", |stored| stored.schema.canonical());
            }
            message.replace("{oldSchema: '$CANONICAL'}", &format!("{{oldSchema: '{shown}'}}"))
        })
        .collect();
    if !is_ordered {
        messages.sort();
        expected.sort();
    }
    report.compare(&format!("{name} messages"), &messages, &expected);
}
