//! What a registry can be told at start.

use std::time::Duration;

use muster_schema::{CompatibilityLevel, Limits};

/// What happens to rule sets in requests (registry API spec §7.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleSets {
    /// They are dropped without a word, as the community edition of the reference does.
    #[default]
    Drop,
    /// They are validated, stored, hashed and returned.
    Keep,
}

/// Settings of a registry. The defaults are those of the reference where it has one.
#[derive(Clone, Debug)]
pub struct Options {
    /// What happens to rule sets in requests.
    pub rule_sets: RuleSets,
    /// Bounds on schema texts and checks.
    pub limits: Limits,
    /// The level where no config sets one. Default `BACKWARD`.
    pub default_compatibility_level: CompatibilityLevel,
    /// Whether new schemas are parsed strictly where no config says. Default true.
    pub validate_new_schemas: bool,
    /// Whether fields are validated where no config says. Default false.
    pub validate_fields: bool,
    /// Whether modes may be changed. Default true.
    pub mode_mutability: bool,
    /// Longest request body accepted, in bytes. Default 16 MiB.
    pub max_body_bytes: usize,
    /// How much memory parsed schemas may take, estimated in bytes. Default 32 MiB.
    pub parsed_cache_bytes: u64,
    /// How much memory kept answers may take, in bytes. Default 32 MiB.
    pub answer_cache_bytes: u64,
    /// How long a client may take to send a request's head, or to stay silent between two requests. Default 30 s.
    pub header_timeout: Duration,
    /// How long a client may take to send a request's body. Default 60 s.
    pub body_timeout: Duration,
    /// How long requests under way may go on after the signal to stop. Default 30 s.
    pub drain_timeout: Duration,
    /// Most connections served at a time; more wait to be accepted. Default 10,000.
    pub max_connections: usize,
    /// Name of the group of registries that this one belongs to, shown by `GET /v1/metadata/id`.
    pub cluster_name: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rule_sets: RuleSets::default(),
            limits: Limits::default(),
            default_compatibility_level: CompatibilityLevel::Backward,
            validate_new_schemas: true,
            validate_fields: false,
            mode_mutability: true,
            max_body_bytes: 16 << 20,
            parsed_cache_bytes: 32 << 20,
            answer_cache_bytes: 32 << 20,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            cluster_name: "schema-registry".to_owned(),
        }
    }
}
