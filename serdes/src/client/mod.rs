//! The registry client (wire format spec §10).
//!
//! One [`RegistryClient`] per process is enough: it is cheap to clone, pools its connections, retries what may heal,
//! fails over between URLs, and remembers what cannot change. Answers that may change (subject lists, versions of an
//! id) are asked for each time. Failures are never remembered, so a schema registered elsewhere a moment ago is found
//! by the next call.
//!
//! ```no_run
//! # async fn f() -> Result<(), muster_serdes::ClientError> {
//! use muster_serdes::{ClientConfig, NewSchema, RegistryClient};
//!
//! let registry = RegistryClient::new(ClientConfig::new("http://127.0.0.1:8081"))?;
//! let registered = registry.register("orders-value", &NewSchema::avro(r#""string""#), false).await?;
//! let schema = registry.schema_by_id(registered.id, None).await?;
//! assert_eq!(schema.schema, r#""string""#);
//! # Ok(()) }
//! ```

mod config;
mod error;
mod model;
mod path;
mod references;
mod transport;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use muster_schema::{Context, Guid, SchemaId, Side, Version};

pub use config::{Authentication, ClientConfig};
pub use error::{ClientError, FailureKind, UNPARSABLE_ERROR_CODE};
pub use model::{
    Compatibility, InvalidVersionRef, NewSchema, Registered, RegisteredSchema, SubjectVersion, VersionRef,
    Witness,
};

use model::{AssociationAnswer, ContextIdAnswer, MaxIdAnswer, RegisterRequest, SchemaAnswer};
use path::Target;
use transport::Transport;

/// An async client of one schema registry (a cluster of URLs that serve the same schemas).
///
/// Cheap to clone; clones share connections, caches and the URL that worked last. Dropping a call's future cancels
/// the call; another caller waiting for the same answer then takes the request over.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    transport: Transport,
    /// By id; the second part is the `subject` parameter as sent.
    by_id: Cache<(SchemaId, String), Arc<RegisteredSchema>>,
    by_guid: Cache<Guid, Arc<RegisteredSchema>>,
    /// Numbered versions asked for with deleted ones included: these answers never change.
    by_version: Cache<(String, Version), Arc<RegisteredSchema>>,
    /// Latest versions by subject and wanted metadata; expires.
    latest: Cache<(String, BTreeMap<String, String>), Arc<RegisteredSchema>>,
    /// Associated subjects by request.
    associated: Cache<String, Arc<[String]>>,
    /// Registrations and look-ups, by the request that was sent.
    registered: Cache<RequestKey, Registered>,
}

/// A registration or look-up, as far as the answer depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RequestKey {
    subject: String,
    path_and_query: String,
    body: String,
}

impl RegistryClient {
    /// A client for `config`. Opens no connection.
    ///
    /// Errors: [`ClientError::Config`] for no URL, a URL that is not `http` or `https`, an unusable certificate or
    /// header, or `https` on a system without certificates and none configured.
    pub fn new(config: ClientConfig) -> Result<Self, ClientError> {
        let capacity = config.cache_capacity;
        let [latest_ttl, association_ttl] = [config.latest_cache_ttl_ms, config.association_cache_ttl_ms]
            .map(|ttl| ttl.map(Duration::from_millis));
        let transport = Transport::new(config)?;
        let mut latest = Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::lru())
            .support_invalidation_closures()
            .weigher(|(subject, metadata): &(String, BTreeMap<String, String>), schema| {
                let metadata: usize = metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
                weight(subject.len() + metadata + RegisteredSchema::size_bytes(schema))
            });
        if let Some(ttl) = latest_ttl {
            latest = latest.time_to_live(ttl);
        }
        let mut associated = Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|request: &String, subjects: &Arc<[String]>| {
                weight(request.len() + subjects.iter().map(String::len).sum::<usize>())
            });
        if let Some(ttl) = association_ttl {
            associated = associated.time_to_live(ttl);
        }
        let shared = Shared {
            transport,
            by_id: Cache::builder()
                .max_capacity(capacity)
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|(_, subject): &(SchemaId, String), schema| {
                    weight(subject.len().saturating_add(RegisteredSchema::size_bytes(schema)))
                })
                .build(),
            by_guid: Cache::builder()
                .max_capacity(capacity)
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|_, schema| weight(RegisteredSchema::size_bytes(schema)))
                .build(),
            by_version: Cache::builder()
                .max_capacity(capacity)
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|(subject, _): &(String, Version), schema| {
                    weight(subject.len().saturating_add(RegisteredSchema::size_bytes(schema)))
                })
                .build(),
            latest: latest.build(),
            associated: associated.build(),
            registered: Cache::builder()
                .max_capacity(capacity)
                .eviction_policy(EvictionPolicy::lru())
                .support_invalidation_closures()
                .weigher(|key: &RequestKey, _| {
                    weight(
                        key.subject
                            .len()
                            .saturating_add(key.path_and_query.len())
                            .saturating_add(key.body.len()),
                    )
                })
                .build(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The schema with this id, soft-deleted or not. Cached; concurrent misses for one id cause one request.
    ///
    /// `subject`: resolves ids outside the default context: a subject that uses the id, or a context alone
    /// (`:.ctx:`). `None` asks in the default context (registry API spec §8.3).
    ///
    /// Errors: [`ClientError::Api`] 40403 if there is none ([`ClientError::is_not_found`]); it is asked for again by
    /// the next call.
    pub async fn schema_by_id(
        &self,
        id: SchemaId,
        subject: Option<&str>,
    ) -> Result<Arc<RegisteredSchema>, ClientError> {
        let subject = subject.unwrap_or_default();
        let key = (id, subject.to_owned());
        let target = Target::new(&["schemas", "ids", &id.to_string()])
            .query("fetchMaxId", "false")
            .query("subject", subject);
        let load = async {
            let answer: SchemaAnswer = self.shared.transport.get(&target).await?;
            Ok(Arc::new(RegisteredSchema { id: Some(id), ..answer.into_schema()? }))
        };
        self.shared.by_id.try_get_with(key, load).await.map_err(unshare)
    }

    /// The schema with this id if it is cached already; never a request.
    pub async fn cached_schema_by_id(
        &self,
        id: SchemaId,
        subject: Option<&str>,
    ) -> Option<Arc<RegisteredSchema>> {
        self.shared.by_id.get(&(id, subject.unwrap_or_default().to_owned())).await
    }

    /// The schema with this guid, in whichever context. Cached, like [`schema_by_id`](Self::schema_by_id).
    ///
    /// Errors: [`ClientError::Api`] 40403 if there is none.
    pub async fn schema_by_guid(&self, guid: Guid) -> Result<Arc<RegisteredSchema>, ClientError> {
        let target = Target::new(&["schemas", "guids", &guid.to_string()]);
        let load = async {
            let answer: SchemaAnswer = self.shared.transport.get(&target).await?;
            Ok(Arc::new(RegisteredSchema { guid: Some(guid), ..answer.into_schema()? }))
        };
        self.shared.by_guid.try_get_with(guid, load).await.map_err(unshare)
    }

    /// The ids that carry the schema with this guid, one per context, sorted by context. Never cached.
    ///
    /// An unknown guid gives an empty list, not an error.
    pub async fn ids_by_guid(&self, guid: Guid) -> Result<Vec<(Context, SchemaId)>, ClientError> {
        let target = Target::new(&["schemas", "guids", &guid.to_string(), "ids"]);
        let answer: Vec<ContextIdAnswer> = self.shared.transport.get(&target).await?;
        answer.into_iter().map(ContextIdAnswer::into_pair).collect()
    }

    /// The subjects and versions under which an id stands, in no particular order; at most one version per subject.
    /// Never cached: deletion and registration change it.
    ///
    /// `subject`: as for [`schema_by_id`](Self::schema_by_id). `include_deleted`: soft-deleted versions count too;
    /// without it an id whose every use is soft-deleted gives an empty list.
    ///
    /// Errors: [`ClientError::Api`] 40403 for an unknown id.
    pub async fn versions_of_id(
        &self,
        id: SchemaId,
        subject: Option<&str>,
        include_deleted: bool,
    ) -> Result<Vec<SubjectVersion>, ClientError> {
        let mut target =
            Target::new(&["schemas", "ids", &id.to_string(), "versions"]).flag("deleted", include_deleted);
        if let Some(subject) = subject {
            target = target.query("subject", subject);
        }
        self.shared.transport.get(&target).await
    }

    /// The highest id in use in the context of a known id, where the registry tells. Never cached.
    ///
    /// Errors: [`ClientError::Api`] 40403 if `known` does not exist; a registry tells its highest id only along with
    /// a schema (registry API spec §4.4).
    pub async fn max_id(
        &self,
        known: SchemaId,
        subject: Option<&str>,
    ) -> Result<Option<SchemaId>, ClientError> {
        let target = Target::new(&["schemas", "ids", &known.to_string()])
            .query("fetchMaxId", "true")
            .query("subject", subject.unwrap_or_default());
        let answer: MaxIdAnswer = self.shared.transport.get(&target).await?;
        Ok(answer.max_id.map(SchemaId))
    }

    /// Registers a schema under a subject; finds it there if it exists already. Cached per subject and schema.
    ///
    /// `normalize`: ask the registry to normalise first.
    ///
    /// Errors: [`ClientError::Api`] with 40901 (incompatible), 42201 (invalid schema), 42205 (mode), 42208 (subject).
    pub async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
    ) -> Result<Registered, ClientError> {
        let target = Target::new(&["subjects", subject, "versions"]).flag("normalize", normalize);
        self.registered(subject, target, schema, true).await
    }

    /// Finds a schema under a subject without registering it. Cached per subject and schema.
    ///
    /// `include_deleted`: soft-deleted versions match too.
    ///
    /// Errors: [`ClientError::Api`] 40401 (no such subject), 40403 (no such schema there), 42201 (invalid schema).
    pub async fn lookup(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
        include_deleted: bool,
    ) -> Result<Registered, ClientError> {
        let target =
            Target::new(&["subjects", subject]).flag("normalize", normalize).flag("deleted", include_deleted);
        self.registered(subject, target, schema, false).await
    }

    /// One version of a subject. `include_deleted`: a soft-deleted version is an answer too.
    ///
    /// Cached only where the answer cannot change: a numbered version, deleted ones included. For the latest version
    /// at the price of an occasional stale answer see [`latest_version`](Self::latest_version).
    ///
    /// Errors: [`ClientError::Api`] 40401 (no such subject), 40402 (no such version), 42202 (not a version number).
    pub async fn subject_version(
        &self,
        subject: &str,
        version: VersionRef,
        include_deleted: bool,
    ) -> Result<Arc<RegisteredSchema>, ClientError> {
        let target = Target::new(&["subjects", subject, "versions", &version.to_string()])
            .flag("deleted", include_deleted);
        let load = async {
            let answer: SchemaAnswer = self.shared.transport.get(&target).await?;
            answer.into_schema().map(Arc::new)
        };
        match version {
            VersionRef::Number(number) if include_deleted => {
                let key = (subject.to_owned(), number);
                self.shared.by_version.try_get_with(key, load).await.map_err(unshare)
            }
            _ => load.await,
        }
    }

    /// The latest version of a subject, remembered for [`ClientConfig::latest_cache_ttl_ms`] and forgotten when this
    /// client registers under or deletes from the subject.
    ///
    /// Errors: as [`subject_version`](Self::subject_version).
    pub async fn latest_version(&self, subject: &str) -> Result<Arc<RegisteredSchema>, ClientError> {
        self.latest_version_with(subject, &BTreeMap::new()).await
    }

    /// The latest version of a subject whose metadata have all these properties; remembered and forgotten like
    /// [`latest_version`](Self::latest_version), which it is without properties.
    ///
    /// Errors: [`ClientError::Api`] 40401 (no such subject), 40403 (no such version).
    pub async fn latest_version_with(
        &self,
        subject: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<Arc<RegisteredSchema>, ClientError> {
        let load = async {
            if properties.is_empty() {
                return self.subject_version(subject, VersionRef::Latest, false).await;
            }
            let mut target = Target::new(&["subjects", subject, "metadata"]);
            for (key, value) in properties {
                target = target.query("key", key).query("value", value);
            }
            let answer: SchemaAnswer = self.shared.transport.get(&target).await?;
            answer.into_schema().map(Arc::new)
        };
        let key = (subject.to_owned(), properties.clone());
        self.shared.latest.try_get_with(key, load).await.map_err(unshare)
    }

    /// The subjects that are associated with one side of a topic, in the registry's order; none where the registry knows
    /// no associations. Remembered for [`ClientConfig::association_cache_ttl_ms`].
    ///
    /// `namespace`: of the topic; `None` for any. Source: wire format spec §4.2.
    pub async fn associated_subjects(
        &self,
        namespace: Option<&str>,
        topic: &str,
        side: Side,
    ) -> Result<Arc<[String]>, ClientError> {
        let target = Target::new(&["associations", "resources", namespace.unwrap_or("-"), topic])
            .query("resourceType", "topic")
            .query("associationType", side.as_str())
            .query("offset", "0")
            .query("limit", "-1");
        let load = async {
            match self.shared.transport.get::<Vec<AssociationAnswer>>(&target).await {
                Ok(answer) => Ok(answer.into_iter().map(|association| association.subject).collect()),
                Err(error) if error.is_not_found() => Ok(Arc::default()),
                Err(error) => Err(error),
            }
        };
        let key = target.path_and_query().to_owned();
        self.shared.associated.try_get_with(key, load).await.map_err(unshare)
    }

    /// The version numbers of a subject, ascending. Never cached.
    ///
    /// Errors: [`ClientError::Api`] 40401 if the subject has none.
    pub async fn versions(&self, subject: &str, include_deleted: bool) -> Result<Vec<Version>, ClientError> {
        let target = Target::new(&["subjects", subject, "versions"]).flag("deleted", include_deleted);
        self.shared.transport.get(&target).await
    }

    /// The subjects whose qualified name starts with `prefix`, sorted. Never cached.
    ///
    /// `prefix`: `None` lists the default context; `:*:` lists every context. `include_deleted`: subjects of which
    /// every version is soft-deleted are listed too.
    pub async fn subjects(
        &self,
        prefix: Option<&str>,
        include_deleted: bool,
    ) -> Result<Vec<String>, ClientError> {
        let mut target = Target::new(&["subjects"]).flag("deleted", include_deleted);
        if let Some(prefix) = prefix {
            target = target.query("subjectPrefix", prefix);
        }
        self.shared.transport.get(&target).await
    }

    /// Tests a schema against a version of a subject, or, with `None`, against all that the subject's level names.
    ///
    /// `verbose`: ask for messages that say what is incompatible; an invalid schema then is "incompatible" rather
    /// than an error.
    ///
    /// Errors: [`ClientError::Api`] 40402 (no such numbered version, or no such subject), 42201 (invalid schema).
    pub async fn check_compatibility(
        &self,
        subject: &str,
        version: Option<VersionRef>,
        schema: &NewSchema,
        verbose: bool,
    ) -> Result<Compatibility, ClientError> {
        let version = version.map(|version| version.to_string());
        let mut segments = vec!["compatibility", "subjects", subject, "versions"];
        segments.extend(version.as_deref());
        let target = Target::new(&segments).flag("verbose", verbose);
        self.shared.transport.post(&target, RegisterRequest::of(schema).to_json()?).await
    }

    /// Like [`check_compatibility`](Self::check_compatibility) with messages, and with data that show what is
    /// incompatible. Only a Muster registry knows any; others leave [`Compatibility::witnesses`] empty.
    pub async fn explain_compatibility(
        &self,
        subject: &str,
        version: Option<VersionRef>,
        schema: &NewSchema,
    ) -> Result<Compatibility, ClientError> {
        let version = version.map(|version| version.to_string());
        let mut segments = vec!["compatibility", "subjects", subject, "versions"];
        segments.extend(version.as_deref());
        let target = Target::new(&segments).flag("verbose", true).flag("explain", true);
        self.shared.transport.post(&target, RegisterRequest::of(schema).to_json()?).await
    }

    /// Deletes every version of a subject and answers which. `permanent`: forget soft-deleted versions for good.
    ///
    /// Errors: [`ClientError::Api`] 40401, 40404 (soft-deleted already), 40405 (not soft-deleted yet), 42206
    /// (referenced).
    pub async fn delete_subject(&self, subject: &str, permanent: bool) -> Result<Vec<Version>, ClientError> {
        let target = Target::new(&["subjects", subject]).flag("permanent", permanent);
        let answer = self.shared.transport.delete(&target).await;
        self.forget(subject);
        answer
    }

    /// Deletes one version of a subject and answers its number. `permanent`: forget a soft-deleted version for good.
    ///
    /// Errors: [`ClientError::Api`] 40401, 40402, 40406 (soft-deleted already), 40407 (not soft-deleted yet), 42206
    /// (referenced).
    pub async fn delete_version(
        &self,
        subject: &str,
        version: VersionRef,
        permanent: bool,
    ) -> Result<Version, ClientError> {
        let target = Target::new(&["subjects", subject, "versions", &version.to_string()])
            .flag("permanent", permanent);
        let answer = self.shared.transport.delete(&target).await;
        self.forget(subject);
        answer
    }

    async fn registered(
        &self,
        subject: &str,
        target: Target,
        schema: &NewSchema,
        changes_subject: bool,
    ) -> Result<Registered, ClientError> {
        let body = RegisterRequest::of(schema).to_json()?;
        let key = RequestKey {
            subject: subject.to_owned(),
            path_and_query: target.path_and_query().to_owned(),
            body,
        };
        let body = key.body.clone();
        let load = async {
            let registered = self.shared.transport.post(&target, body).await?;
            if changes_subject {
                self.forget_latest(subject);
            }
            Ok(registered)
        };
        self.shared.registered.try_get_with(key, load).await.map_err(unshare)
    }

    /// Drops what a deletion makes wrong, also after a failed one: whether it took effect is unknown then.
    fn forget(&self, subject: &str) {
        self.forget_latest(subject);
        let subject = subject.to_owned();
        // Refused only without `support_invalidation_closures`, which the builder sets.
        let _ = self.shared.registered.invalidate_entries_if(move |key, _| key.subject == subject);
    }

    fn forget_latest(&self, subject: &str) {
        let subject = subject.to_owned();
        // Refused only without `support_invalidation_closures`, which the builder sets.
        let _ = self.shared.latest.invalidate_entries_if(move |(name, _), _| *name == subject);
    }
}

/// Cache weight of an entry: 1 per started 64 KiB, so that a capacity counted in entries also bounds memory.
fn weight(size_bytes: usize) -> u32 {
    u32::try_from(size_bytes / (64 << 10)).unwrap_or(u32::MAX - 1) + 1
}

fn unshare(error: Arc<ClientError>) -> ClientError {
    (*error).clone()
}
