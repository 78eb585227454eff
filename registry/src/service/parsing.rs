//! Parsing, kept: a schema text is parsed once for as long as it is used, and never on the thread that serves sockets
//! where it is long.

use muster_schema::identity::content_guid;
use muster_schema::{Guid, Limits, ParseError, ParsedSchema, ResolvedReferences, SchemaType, Strictness};

/// From here on work on a text moves to a thread that may be kept busy. Below, the move would cost more than it saves:
/// parsing takes about a microsecond per 100 bytes.
const OFFLOAD_BYTES: usize = 32 << 10;

/// Memory that a parsed schema takes per byte of its text, roughly (measured with records of ten fields).
const PARSED_BYTES_PER_TEXT_BYTE: usize = 20;

/// What a stored schema depends on when it is parsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    schema_type: SchemaType,
    strictness: Strictness,
    /// Of the text alone, so that versions that differ in metadata share an entry.
    text: Guid,
    closure: Option<Box<[(String, Guid)]>>,
}

/// Parses schemas and keeps them.
pub(super) struct Parser {
    limits: Limits,
    parsed: moka::sync::Cache<Key, ParsedSchema>,
}

impl Parser {
    /// A parser that keeps schemas of roughly `bytes` bytes of memory.
    pub(super) fn new(limits: Limits, bytes: u64) -> Self {
        let parsed = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|key: &Key, schema: &ParsedSchema| {
                let closure = key.closure.iter().flatten().map(|(name, _)| name.len() + 64).sum::<usize>();
                let text = schema.canonical().len().saturating_mul(PARSED_BYTES_PER_TEXT_BYTE);
                u32::try_from(text.saturating_add(closure).saturating_add(256)).unwrap_or(u32::MAX)
            })
            .build();
        Self { limits, parsed }
    }

    /// The bounds on texts and checks.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Parses `text`, or finds it parsed. Avro that is parsed as new is not kept: what comes of it is a stored schema, and
    /// what comes again is looked up as one first.
    pub(super) async fn parse(
        &self,
        schema_type: SchemaType,
        text: &str,
        references: &ResolvedReferences,
        strictness: Strictness,
    ) -> Result<ParsedSchema, ParseError> {
        if text.len() > self.limits.schema_bytes {
            return Err(ParseError::TooLarge { what: "bytes", limit: self.limits.schema_bytes });
        }
        let kept = schema_type != SchemaType::Avro || strictness == Strictness::Stored;
        let key = kept.then(|| Key::of(schema_type, text, references, strictness));
        if let Some(schema) = key.as_ref().and_then(|key| self.parsed.get(key)) {
            return Ok(schema);
        }
        let size = text.len() + references.texts.iter().map(|(_, text)| text.len()).sum::<usize>();
        let limits = self.limits;
        let schema = if size < OFFLOAD_BYTES {
            ParsedSchema::parse(schema_type, text, references, strictness, &limits)?
        } else {
            let (text, references) = (text.to_owned(), references.clone());
            offload(move || ParsedSchema::parse(schema_type, &text, &references, strictness, &limits)).await?
        };
        if let Some(key) = key {
            self.parsed.insert(key, schema.clone());
        }
        Ok(schema)
    }

    /// The normalized form of a schema.
    pub(super) async fn normalize(&self, schema: &ParsedSchema) -> Result<ParsedSchema, ParseError> {
        if schema.canonical().len() < OFFLOAD_BYTES {
            return schema.normalized();
        }
        let schema = schema.clone();
        offload(move || schema.normalized()).await
    }
}

impl Key {
    fn of(
        schema_type: SchemaType,
        text: &str,
        references: &ResolvedReferences,
        strictness: Strictness,
    ) -> Self {
        let names = references.texts.iter().map(|(name, _)| name.clone());
        let closure: Option<Box<[_]>> =
            (!references.guids.is_empty()).then(|| names.zip(references.guids.iter().copied()).collect());
        Self { schema_type, strictness, text: content_guid(text, &[], None, None), closure }
    }
}

/// Runs `work` where it blocks nobody. A panic in it goes on here.
pub(super) async fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down and nobody waits for the answer any more.
            Err(_) => std::future::pending().await,
        },
    }
}
