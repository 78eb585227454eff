//! Between rows and the model.

use std::cmp::Ordering;
use std::sync::Arc;

use muster_schema::subject::utf16_order;
use muster_schema::{Guid, RuleSet, SchemaId, Subject, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteRow;
use sqlx::{Error, Row as _};

use crate::store::{ConfigRecord, Content, LevelSettings, SchemaVersion, Selection};

/// The columns that [`schema_version`] reads, of `versions v` joined with `contents t`.
macro_rules! version_columns {
    () => {
        "v.version, v.id, v.deleted, v.ts_ms, t.guid, t.schema_type, t.schema, t.refs, t.metadata, t.rule_set"
    };
}
pub(super) use version_columns;

/// How many columns those are.
pub(super) const VERSION_COLUMNS: usize = 10;

/// Reads [`version_columns`], the first of which is column `at`.
pub(super) fn schema_version(row: &SqliteRow, at: usize, subject: Subject) -> Result<SchemaVersion, Error> {
    version_of(row, at, subject, &Arc::new(content(row, at + 4)?))
}

/// Reads the first four of [`version_columns`], for content that is known already.
pub(super) fn version_of(
    row: &SqliteRow,
    at: usize,
    subject: Subject,
    content: &Arc<Content>,
) -> Result<SchemaVersion, Error> {
    Ok(SchemaVersion {
        subject,
        version: Version(row.try_get(at)?),
        id: SchemaId(row.try_get(at + 1)?),
        content: Arc::clone(content),
        deleted: row.try_get(at + 2)?,
        ts_ms: row.try_get(at + 3)?,
    })
}

/// Reads the last six of [`version_columns`], the first of which is column `at`.
pub(super) fn content(row: &SqliteRow, at: usize) -> Result<Content, Error> {
    let guid: &[u8] = row.try_get(at)?;
    let schema_type: &str = row.try_get(at + 1)?;
    Ok(Content {
        guid: guid.try_into().map(Guid).map_err(|_| damaged("a guid is not 16 bytes"))?,
        schema_type: schema_type.parse().map_err(damaged)?,
        schema: row.try_get(at + 2)?,
        references: from_json(row.try_get(at + 3)?)?.unwrap_or_default(),
        metadata: from_json(row.try_get(at + 4)?)?,
        rule_set: rule_set(row, at + 5)?,
    })
}

/// Reads the column `rule_set`, if there is one.
pub(super) fn rule_set(row: &SqliteRow, at: usize) -> Result<Option<RuleSet>, Error> {
    from_json(row.try_get(at)?)
}

/// Reads a config and a mode.
pub(super) fn level_settings(config: Option<&str>, mode: Option<&str>) -> Result<LevelSettings, Error> {
    Ok(LevelSettings {
        config: from_json::<ConfigRecord>(config)?,
        mode: mode.map(str::parse).transpose().map_err(damaged)?,
    })
}

/// A subject from the names of its context and itself.
pub(super) fn subject(context: &str, name: &str) -> Subject {
    // Qualified by its context, any name is read as it stands.
    Subject::parse(&format!(":{context}:{name}"))
}

/// Content as the columns `refs`, `metadata` and `rule_set` hold it. Equal content gives equal text.
pub(super) struct ContentJson {
    pub(super) references: Option<String>,
    pub(super) metadata: Option<String>,
    pub(super) rule_set: Option<String>,
}

impl ContentJson {
    pub(super) fn of(content: &Content) -> Result<Self, Error> {
        let references = Some(&content.references).filter(|references| !references.is_empty());
        Ok(Self {
            references: references.map(to_json).transpose()?,
            metadata: content.metadata.as_ref().map(to_json).transpose()?,
            rule_set: content.rule_set.as_ref().map(to_json).transpose()?,
        })
    }
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Encode(Box::new(error)))
}

fn from_json<T: DeserializeOwned>(text: Option<&str>) -> Result<Option<T>, Error> {
    text.map(serde_json::from_str).transpose().map_err(damaged)
}

/// A row that this program did not write so.
pub(super) fn damaged(error: impl Into<BoxDynError>) -> Error {
    Error::Decode(error.into())
}

/// A [`Selection`] as ranges of names in byte order, from the first text up to but not including the second.
/// No second text: no end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges {
    pub(super) context: (String, Option<String>),
    pub(super) name: (String, Option<String>),
}

impl Ranges {
    pub(super) fn of(selection: &Selection) -> Self {
        let everything = || (String::new(), None);
        match selection {
            Selection::Context(context, prefix) => {
                let name = context.as_str();
                Self { context: (name.to_owned(), Some(format!("{name}\0"))), name: starting_with(prefix) }
            }
            Selection::ContextsStartingWith(prefix) => {
                Self { context: starting_with(prefix), name: everything() }
            }
            Selection::AnyContext(prefix) => Self { context: everything(), name: starting_with(prefix) },
        }
    }
}

/// The range of texts that start with `prefix`: up to the prefix with its last character moved on by one.
fn starting_with(prefix: &str) -> (String, Option<String>) {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The range of `char` steps over the surrogates, as UTF-8 does.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return (prefix.to_owned(), Some(end));
        }
    }
    (prefix.to_owned(), None)
}

/// A qualified name that sorts as listings do.
#[derive(PartialEq, Eq)]
pub(super) struct ListingOrder(String);

impl ListingOrder {
    pub(super) fn of(subject: &Subject) -> Self {
        Self(subject.to_string())
    }
}

impl PartialOrd for ListingOrder {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ListingOrder {
    fn cmp(&self, other: &Self) -> Ordering {
        utf16_order(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use muster_schema::Context;

    use super::*;

    #[test]
    fn ranges_hold_what_a_selection_wants() {
        let context = |name: &str| Context::parse(name).unwrap();
        let within = |text: &str, (start, end): &(String, Option<String>)| {
            text >= start.as_str() && end.as_ref().is_none_or(|end| text < end.as_str())
        };
        let cases = [
            (Selection::Context(context("."), String::new()), "a", true),
            (Selection::Context(context("."), String::new()), ":.c:a", false),
            (Selection::Context(context(".c"), "ab".to_owned()), ":.c:ab", true),
            (Selection::Context(context(".c"), "ab".to_owned()), ":.c:abz", true),
            (Selection::Context(context(".c"), "ab".to_owned()), ":.c:ac", false),
            (Selection::Context(context(".c"), "ab".to_owned()), ":.c:a", false),
            (Selection::Context(context(".c"), "ab".to_owned()), ":.cc:ab", false),
            (Selection::ContextsStartingWith(".".to_owned()), "a", true),
            (Selection::ContextsStartingWith(".".to_owned()), ":.c:a", true),
            (Selection::ContextsStartingWith(".c".to_owned()), ":.cd:a", true),
            (Selection::ContextsStartingWith(".c".to_owned()), "a", false),
            (Selection::AnyContext("a\u{10ffff}".to_owned()), ":.c:a\u{10ffff}\u{10ffff}", true),
            (Selection::AnyContext("a\u{10ffff}".to_owned()), "b", false),
            (Selection::AnyContext("\u{10ffff}".to_owned()), "\u{10ffff}z", true),
            (Selection::AnyContext("\u{d7ff}".to_owned()), "\u{e000}", false),
            (Selection::AnyContext(String::new()), ":.c:a", true),
        ];
        for (selection, text, expected) in cases {
            let ranges = Ranges::of(&selection);
            let subject = Subject::parse(text);
            let found =
                within(subject.context().as_str(), &ranges.context) && within(subject.name(), &ranges.name);
            assert_eq!(found, expected, "{selection:?} {text}");
        }
    }

    #[test]
    fn subjects_are_put_together_from_their_parts() {
        for (context, name) in [(".", "a"), (".", ":.x:y"), (".c", "a:b"), (".c", ""), ("*", "a")] {
            let subject = subject(context, name);
            assert_eq!((subject.context().as_str(), subject.name()), (context, name));
        }
    }
}
