//! What a registry can be told at start.

use std::time::Duration;

use muster_schema::compatibility::CompatibilityPolicy;
use muster_schema::{CompatibilityLevel, Limits};

/// What happens to rule sets in requests (registry API spec §7.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleSets {
    /// They are validated, stored, hashed and returned.
    #[default]
    Store,
    /// They are dropped without a word, as the community edition of the reference does.
    Drop,
}

/// How many entries of a listing are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchLimit {
    /// Where the request does not say, or asks for none or for more than allowed.
    pub default: i32,
    /// The most that a request may ask for.
    pub max: i32,
}

/// The limits of each kind of listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchLimits {
    /// Of schemas, ids of referring schemas and associations. Default 1000 for both.
    pub schemas: SearchLimit,
    /// Of subjects. Default 2^31-1 for both.
    pub subjects: SearchLimit,
    /// Of versions. Default 2^31-1 for both.
    pub versions: SearchLimit,
    /// Of contexts. Default 2^31-1 for both.
    pub contexts: SearchLimit,
}

/// Which pages on other sites may call. No origin: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins such as `https://ui.example`; `*` is any.
    pub origins: Vec<String>,
    /// Methods they may use. Default GET, POST and HEAD.
    pub methods: Vec<String>,
    /// Headers they may send. Default those that browsers send anyway.
    pub headers: Vec<String>,
    /// Headers of answers that they may read.
    pub exposed_headers: Vec<String>,
}

impl Default for SearchLimits {
    fn default() -> Self {
        let both = |limit| SearchLimit { default: limit, max: limit };
        let all = both(i32::MAX);
        Self { schemas: both(1000), subjects: all, versions: all, contexts: all }
    }
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
    /// The policy where no config sets one. Default `STRICT`.
    pub default_compatibility_policy: CompatibilityPolicy,
    /// Whether new schemas are parsed strictly where no config says. Default true.
    pub validate_new_schemas: bool,
    /// Whether fields are validated where no config says. Default false.
    pub validate_fields: bool,
    /// Whether modes may be changed. Default true.
    pub mode_mutability: bool,
    /// Whether the empty subject and the subject `*` are refused by registrations. Default false.
    pub reject_empty_subject: bool,
    /// Whether one name must stand for one version everywhere below a schema's references. Default false.
    pub strict_reference_versions: bool,
    /// Whether associations are offered. Default true.
    pub associations: bool,
    /// How many entries listings give.
    pub search: SearchLimits,
    /// Pages on other sites that may call. Default none.
    pub cors: Cors,
    /// Headers added to every answer, by name and value. Default none.
    pub response_headers: Vec<(String, String)>,
    /// Whether answers are compressed for clients that accept it. Default true.
    pub compression: bool,
    /// What `GET /v1/metadata/deployment` tells. Default nothing.
    pub deployment_attributes: Vec<String>,
    /// Most requests answered at a time; more are refused with 503, reads by id last. Default 1024.
    pub max_requests: usize,
    /// How long a request may take; longer ones are answered with 504. Default 10 minutes.
    pub request_timeout: Duration,
    /// Longest request head accepted, in bytes. Default 64 KiB.
    pub max_head_bytes: usize,
    /// Longest request body accepted, in bytes. Default 16 MiB.
    pub max_body_bytes: usize,
    /// How much memory parsed schemas may take, estimated in bytes. Default 16 MiB.
    pub parsed_cache_bytes: u64,
    /// How much memory kept answers may take, in bytes. Default 16 MiB.
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
            default_compatibility_policy: CompatibilityPolicy::Strict,
            validate_new_schemas: true,
            validate_fields: false,
            mode_mutability: true,
            reject_empty_subject: false,
            strict_reference_versions: false,
            associations: true,
            search: SearchLimits::default(),
            cors: Cors::default(),
            response_headers: Vec::new(),
            compression: true,
            deployment_attributes: Vec::new(),
            max_requests: 1024,
            request_timeout: Duration::from_secs(600),
            max_head_bytes: 64 << 10,
            max_body_bytes: 16 << 20,
            parsed_cache_bytes: 16 << 20,
            answer_cache_bytes: 16 << 20,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            cluster_name: "schema-registry".to_owned(),
        }
    }
}
