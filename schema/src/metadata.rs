//! Data contracts: metadata and rule sets that travel with a schema.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Tags, properties and names of sensitive properties of one schema version.
///
/// Present-but-empty differs from absent: it changes the content hash (registry API spec §3.1, §10.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Path pattern to tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, BTreeSet<String>>>,
    /// Free properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, String>>,
    /// Names of properties whose values are secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<BTreeSet<String>>,
}

/// Rules that clients and gateways run on data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RuleSet {
    /// Run between versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration_rules: Option<Vec<Rule>>,
    /// Run on values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_rules: Option<Vec<Rule>>,
    /// Run on encoded bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding_rules: Option<Vec<Rule>>,
    /// `ALL`, `CLIENT`, `GATEWAY`, `SERVER` or `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_at: Option<String>,
}

/// One rule of a [`RuleSet`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// Unique within the rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// `TRANSFORM` (default) or `CONDITION`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `UPGRADE`, `DOWNGRADE`, `UPDOWN`, `WRITE`, `READ` or `WRITEREAD` (default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Which executor runs it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub rule_type: Option<String>,
    /// Tags of the fields it applies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeSet<String>>,
    /// Parameters of the executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<BTreeMap<String, String>>,
    /// The expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// Action after success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_success: Option<String>,
    /// Action after failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<String>,
    /// Present but not run.
    pub disabled: bool,
}
