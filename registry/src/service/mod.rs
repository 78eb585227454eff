//! The rules of a schema registry, without HTTP and without SQL.
//!
//! Each operation family is a file. A read asks the store and answers. A write is decided from one consistent
//! [`SubjectState`](crate::store::SubjectState) and committed with the basis of that decision; if anything it was
//! based on has changed in between, it is decided again. Source of the rules: registry API spec §5–§12.

mod associations;
mod canonical;
mod compatibility;
mod config;
mod contexts;
mod delete;
pub mod error;
mod ids;
mod lookup;
mod matching;
mod merge;
mod mode;
mod page;
mod parsing;
mod references;
mod register;
mod rules;
mod schemas;
mod scope;
mod subjects;
mod tags;
mod turns;
mod versions;

use std::sync::Arc;

use muster_schema::{
    Context, Limits, ParseError, ParsedSchema, ResolvedReferences, SchemaType, Strictness, Subject, Version,
};

use crate::metrics::Metrics;
use crate::options::Options;
use crate::store::{SchemaVersion, Selection, Store};

pub use associations::{
    AssociationFilter, AssociationOperation, AssociationRequest, BatchGet, BatchMutation, Described,
    Dissociation, Manner, NamedResource, WantedAssociation, Written,
};
pub use canonical::Draft;
pub use compatibility::{Against, Detail, Verdict};
pub use config::{ConfigPatch, Patch};
pub use error::{Operation, PartialReference, ServiceError};
pub use mode::NewMode;
pub use page::Page;
pub use register::{Registering, TagRequest};
pub use schemas::{Associated, Listed, SchemaQuery};
pub use versions::{VersionQuery, WhichVersion};

use error::During as _;

/// Stands for the latest live version wherever a version is asked for.
pub const LATEST: Version = Version(-1);

/// The decisions of a registry.
pub struct Service {
    store: Arc<dyn Store>,
    options: Options,
    parser: parsing::Parser,
    turns: turns::Turns,
    hash_hits: matching::HashHits,
    metrics: Arc<Metrics>,
}

/// A version as an operation found or made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The version. Content and type may be those of the request, which differ from the stored ones at most in type.
    pub schema: SchemaVersion,
    /// Whether this is a stored version as it stands. If not, the answer tells neither its time nor whether it is
    /// soft-deleted (registry API spec §3.3).
    pub stored: bool,
}

impl Service {
    /// The decisions over `store`.
    pub fn new(store: Arc<dyn Store>, options: Options, metrics: Arc<Metrics>) -> Self {
        let parser = parsing::Parser::new(options.limits, options.parsed_cache_bytes);
        let hash_hits = matching::HashHits::new();
        Self { store, options, parser, turns: turns::Turns::default(), hash_hits, metrics }
    }

    /// The store below.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The settings of this registry.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The subject that `subject` is an alias for, if its own config names one (registry API spec §5.5).
    pub async fn alias_target(&self, subject: &Subject) -> Result<Option<Subject>, ServiceError> {
        if subject.name().is_empty() {
            return Ok(None);
        }
        let (settings, _) = self.store.settings(subject).await.during(Operation::Read)?;
        let alias = settings.subject.config.and_then(|config| config.alias).filter(|alias| !alias.is_empty());
        Ok(alias.map(|alias| Subject::parse_in(&alias, subject.context())))
    }

    /// Waits for a write of the store and times it.
    async fn write<T>(&self, operation: Operation, write: impl Future<Output = T>) -> T {
        let started = std::time::Instant::now();
        let done = write.await;
        self.metrics.store_write(operation, started.elapsed());
        done
    }

    /// Whether `subject` has a version, live or (with `deleted`) soft-deleted. An empty name stands for any subject of
    /// the context, `.__GLOBAL` for any subject anywhere.
    async fn exists(&self, subject: &Subject, deleted: bool) -> Result<bool, ServiceError> {
        if !subject.name().is_empty() {
            let state = self.store.state(subject).await.during(Operation::Read)?;
            return Ok(state.versions.iter().any(|v| deleted || !v.deleted));
        }
        let selection = if subject.context().is_global() {
            Selection::AnyContext(String::new())
        } else {
            Selection::Context(subject.context().clone(), String::new())
        };
        let subjects = self.store.subjects(&selection).await.during(Operation::Read)?;
        Ok(subjects.iter().any(|s| s.live > 0 || deleted && s.deleted > 0))
    }

    /// What the subject would be called in each other context, in order; empty for a qualified subject, which means itself
    /// only (registry API spec §8.4).
    async fn namesakes(&self, subject: &Subject) -> Result<Vec<Subject>, ServiceError> {
        if !subject.context().is_default() {
            return Ok(Vec::new());
        }
        let contexts = self.store.contexts().await.during(Operation::Read)?;
        Ok(contexts.into_iter().map(|context| Subject::new(context, subject.name())).collect())
    }

    /// The 404 for a subject without the version asked for: which one depends on whether the subject exists.
    async fn no_version(&self, subject: &Subject, version: Version, deleted: bool) -> ServiceError {
        match self.exists(subject, deleted).await {
            Ok(true) => ServiceError::VersionNotFound(version),
            Ok(false) => ServiceError::SubjectNotFound(subject.clone()),
            Err(error) => error,
        }
    }

    /// The prefix parameter of a listing as a selection (registry API spec §5.3).
    fn selection(prefix: &str) -> Selection {
        if let Some(name) = prefix.strip_prefix(":*:") {
            return Selection::AnyContext(name.to_owned());
        }
        match prefix.strip_prefix(':') {
            Some(rest) if rest.starts_with('.') && !rest.contains(':') => {
                Selection::ContextsStartingWith(rest.to_owned())
            }
            _ => {
                let subject = Subject::parse(prefix);
                Selection::Context(subject.context().clone(), subject.name().to_owned())
            }
        }
    }
}

/// Whether registrations of a schema language are taken: not in every build and release.
pub fn supports(schema_type: SchemaType) -> bool {
    let parsed = ParsedSchema::parse(
        schema_type,
        "",
        &ResolvedReferences::default(),
        Strictness::Stored,
        &Limits::default(),
    );
    !matches!(parsed, Err(ParseError::Unsupported(_)))
}

/// The highest live version.
fn latest(versions: &[SchemaVersion]) -> Option<&SchemaVersion> {
    versions.iter().rev().find(|v| !v.deleted)
}

/// The context that a parameter's subject text is in.
fn context_of(subject: &str) -> Context {
    Subject::parse(subject).context().clone()
}
