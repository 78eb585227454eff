//! What a store remembers.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use muster_schema::{
    CompatibilityLevel, Context, Guid, Metadata, RuleSet, SchemaId, SchemaReference, SchemaType, Subject,
    Version,
};
use serde::{Deserialize, Serialize};

/// One version of a subject, soft-deleted or live.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaVersion {
    /// The subject.
    pub subject: Subject,
    /// The version within the subject.
    pub version: Version,
    /// The id within the subject's context.
    pub id: SchemaId,
    /// What was registered.
    pub content: Arc<Content>,
    /// Whether it is soft-deleted.
    pub deleted: bool,
    /// When this row was last written, in milliseconds since the epoch.
    pub ts_ms: i64,
}

/// The content of a schema: everything its guid covers, and its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Hash of the rest, the type aside.
    pub guid: Guid,
    /// The schema language.
    pub schema_type: SchemaType,
    /// Canonical text.
    pub schema: String,
    /// References as sent, versions resolved.
    pub references: Vec<SchemaReference>,
    /// Metadata; present-but-empty differs from absent.
    pub metadata: Option<Metadata>,
    /// Rule set; present-but-empty differs from absent.
    pub rule_set: Option<RuleSet>,
}

/// Settings stored for a subject, a context, the default context or everything. All members are optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConfigRecord {
    /// Compatibility level.
    #[serde(with = "level_text", skip_serializing_if = "Option::is_none")]
    pub compatibility_level: Option<CompatibilityLevel>,
    /// `STRICT`, `LENIENT` or `LOGICAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_policy: Option<String>,
    /// Name of the metadata property that groups versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_group: Option<String>,
    /// The subject that this one stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The same for data encryption keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_for_deks: Option<String>,
    /// Whether schemas are normalized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    /// Whether fields are validated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_fields: Option<bool>,
    /// Whether new schemas are parsed strictly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_new_schemas: Option<bool>,
    /// Stored and returned only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_rules: Option<bool>,
    /// Merged below a schema's own metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_metadata: Option<Metadata>,
    /// Merged above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_metadata: Option<Metadata>,
    /// Merged below a schema's own rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_rule_set: Option<RuleSet>,
    /// Merged above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_rule_set: Option<RuleSet>,
}

/// What may be done to a subject (registry API spec §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reads and writes.
    ReadWrite,
    /// Reads.
    ReadOnly,
    /// The same as [`Mode::ReadOnly`]; kept because it is stored and printed.
    ReadOnlyOverride,
    /// Registrations bring their ids.
    Import,
    /// As import, for everything at once.
    Forward,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 5] =
        [Self::ReadWrite, Self::ReadOnly, Self::ReadOnlyOverride, Self::Import, Self::Forward];

    /// The upper-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadWrite => "READWRITE",
            Self::ReadOnly => "READONLY",
            Self::ReadOnlyOverride => "READONLY_OVERRIDE",
            Self::Import => "IMPORT",
            Self::Forward => "FORWARD",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown mode {0:?}")]
pub struct UnknownMode(pub String);

impl FromStr for Mode {
    type Err = UnknownMode;

    /// Reads the name in any letter case.
    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

/// The settings that may govern a subject, each as stored at its own level (registry API spec §6.1–6.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Of the subject itself; absent where the key is a context.
    pub subject: LevelSettings,
    /// Of the subject's context; for the default context this is the top level.
    pub context: LevelSettings,
    /// Of the default context, read by `GET /config` and `GET /mode` and merged for some members.
    pub top: LevelSettings,
    /// Of `.__GLOBAL`.
    pub global: LevelSettings,
}

/// Config and mode stored at one level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LevelSettings {
    /// The config record, if one was put.
    pub config: Option<ConfigRecord>,
    /// The mode, if one was put.
    pub mode: Option<Mode>,
}

/// Everything a decision about one subject is based on, read at one moment.
#[derive(Clone, Debug)]
pub struct SubjectState {
    /// All versions, soft-deleted ones included, ascending.
    pub versions: Arc<[SchemaVersion]>,
    /// The settings that may govern it.
    pub settings: Settings,
    /// What must still stand when the decision is committed.
    pub basis: Basis,
}

/// The revisions that a decision was made against. A write that carries a basis happens only if every key is still
/// at its revision; otherwise it is [`Refusal::Stale`](super::Refusal::Stale) and must be decided again.
///
/// A key is a subject, or a subject with an empty name for the settings of a context. Its revision grows with every
/// write that touches its versions, config or mode; a key never written is at 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis(pub Vec<(Subject, u64)>);

impl Basis {
    /// Adds what another decision was based on.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Which subjects a listing wants (registry API spec §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Subjects of one context whose name starts with this text.
    Context(Context, String),
    /// All subjects of all contexts whose name starts with this text (`.` selects every context).
    ContextsStartingWith(String),
    /// Subjects of any context whose name starts with this text.
    AnyContext(String),
}

/// A subject with the numbers of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectSummary {
    /// The subject.
    pub subject: Subject,
    /// How many versions are live.
    pub live: u32,
    /// How many are soft-deleted.
    pub deleted: u32,
}

/// A schema that references another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The referring version's subject.
    pub subject: Subject,
    /// The referring version.
    pub version: Version,
    /// The id of the referring schema in that subject's context.
    pub id: SchemaId,
    /// Whether the referring version is soft-deleted.
    pub deleted: bool,
}

mod level_text {
    use muster_schema::CompatibilityLevel;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        level: &Option<CompatibilityLevel>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        level.map(CompatibilityLevel::as_str).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<CompatibilityLevel>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|t| t.parse().map_err(serde::de::Error::custom)).transpose()
    }
}
