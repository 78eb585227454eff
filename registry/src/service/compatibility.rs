//! Compatibility of a schema with what a subject has (registry API spec §4.5 and §12).

use muster_schema::compatibility::{self, Candidate, Explanation, Previous};
use muster_schema::{CompatibilityLevel, Limits, ParsedSchema, Strictness, Subject, Version};

use super::canonical::{Canonical, Draft};
use super::error::{During as _, Operation, ServiceError};
use super::parsing::offload;
use super::scope::Scope;
use super::versions::WhichVersion;
use super::{Service, latest};
use crate::store::SchemaVersion;

/// From here on a check moves off the thread that serves sockets: bytes of all texts compared.
const OFFLOAD_BYTES: usize = 64 << 10;

/// What to check against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// One version; an unknown number is an error, a missing latest version is none.
    Version(WhichVersion),
    /// Everything that the level in force asks for.
    All,
}

/// How much a check tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What is wrong.
    Messages,
    /// And data that show it.
    Witnesses,
}

/// The outcome of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Everything that is wrong, in the reference's words and order; empty if compatible.
    pub messages: Vec<String>,
    /// Data that one side writes and the other cannot read, for each of the messages that is about data; empty unless
    /// asked for.
    pub explanations: Vec<Explanation>,
}

impl Service {
    /// Whether `draft` could become a version of `subject`.
    pub async fn check_compatibility(
        &self,
        subject: &Subject,
        against: Against,
        draft: &Draft,
        normalize: bool,
        detail: Detail,
    ) -> Result<Verdict, ServiceError> {
        let state = self.store.state(subject).await.during(Operation::Compatibility)?;
        let scope = Scope::of(&state.settings, subject, &self.options);
        let history: Vec<SchemaVersion> = match against {
            Against::All => state.versions.iter().filter(|v| !v.deleted).cloned().collect(),
            Against::Version(WhichVersion::Latest) => latest(&state.versions).cloned().into_iter().collect(),
            Against::Version(WhichVersion::Number(number)) => {
                let version = state.versions.iter().find(|v| v.version == number && !v.deleted);
                vec![version.cloned().ok_or(ServiceError::VersionNotFound(number))?]
            }
        };
        let strictness = if scope.validate_new_schemas { Strictness::New } else { Strictness::Stored };
        let normalize = normalize || scope.normalize;
        let canonical = self.canonicalize(draft, subject, &scope, strictness, normalize, false).await?;
        let check = move |candidate: Candidate<'_>,
                          history: &[Previous<'_>],
                          settings: compatibility::Settings<'_>,
                          limits: &Limits| {
            let messages = compatibility::check(candidate, history, settings, limits);
            let explanations = match detail {
                Detail::Messages => Vec::new(),
                Detail::Witnesses => compatibility::explain(candidate, history, settings, limits),
            };
            Verdict { messages, explanations }
        };
        self.compare(&canonical, &history, &scope, check).await
    }

    /// Refuses a registration that breaks the rules of its subject.
    pub(super) async fn check_registration(
        &self,
        canonical: &Canonical,
        subject: &Subject,
        versions: &[SchemaVersion],
        scope: &Scope,
    ) -> Result<(), ServiceError> {
        let live: Vec<SchemaVersion> = versions.iter().filter(|v| !v.deleted).cloned().collect();
        let messages = self.compare(canonical, &live, scope, compatibility::check).await?;
        if messages.is_empty() {
            Ok(())
        } else {
            Err(ServiceError::Incompatible { subject: subject.to_string(), messages })
        }
    }

    /// Runs a check over `history`, live versions in ascending order. What is compatible has the default outcome.
    async fn compare<T: Default + Send + 'static>(
        &self,
        canonical: &Canonical,
        history: &[SchemaVersion],
        scope: &Scope,
        check: impl FnOnce(Candidate<'_>, &[Previous<'_>], compatibility::Settings<'_>, &Limits) -> T
        + Send
        + 'static,
    ) -> Result<T, ServiceError> {
        if scope.level == CompatibilityLevel::None && !scope.validate_fields {
            return Ok(T::default());
        }
        // Only the latest version matters to levels that are not transitive, unless versions are grouped.
        let history = match history.split_last() {
            Some((last, _)) if scope.group.is_none() && !is_transitive(scope.level) => {
                std::slice::from_ref(last)
            }
            _ => history,
        };
        let mut previous: Vec<(Version, ParsedSchema, SchemaVersion)> = Vec::with_capacity(history.len());
        for version in history {
            previous.push((version.version, self.parse_stored(version).await?, version.clone()));
        }
        let size = canonical.content.schema.len()
            + previous.iter().map(|(_, _, version)| version.content.schema.len()).sum::<usize>();
        let (canonical, scope, limits) = (canonical.clone(), scope.clone(), *self.parser.limits());
        let work = move || {
            let candidate =
                Candidate { schema: &canonical.parsed, metadata: canonical.content.metadata.as_ref() };
            let history: Vec<Previous<'_>> = previous
                .iter()
                .map(|(version, schema, stored)| Previous {
                    version: Some(*version),
                    schema,
                    metadata: stored.content.metadata.as_ref(),
                })
                .collect();
            let settings = compatibility::Settings {
                level: scope.level,
                policy: scope.policy,
                validate_fields: scope.validate_fields,
                group: scope.group.as_deref(),
            };
            check(candidate, &history, settings, &limits)
        };
        Ok(if size < OFFLOAD_BYTES { work() } else { offload(work).await })
    }
}

fn is_transitive(level: CompatibilityLevel) -> bool {
    use CompatibilityLevel::{BackwardTransitive, ForwardTransitive, FullTransitive};
    matches!(level, BackwardTransitive | ForwardTransitive | FullTransitive)
}
