//! Asking the registry about one schema (broker validation spec §8.1).

use muster_schema::{Context, Limits, ParsedSchema, SchemaId, Strictness};
use muster_serdes::client::{ClientError, RegisteredSchema, RegistryClient};

use super::entry::Entry;
use crate::engine::{Identifier, RecordName, SchemaFacts};

/// What the registry says; `None` if it has no such schema in the default context.
///
/// Soft-deleted versions count (broker validation spec §7.3). `known`: what was learned before; of that, what cannot
/// change is not asked for again.
pub(super) async fn ask(
    registry: &RegistryClient,
    identifier: Identifier,
    known: Option<&Entry>,
) -> Result<Option<SchemaFacts>, ClientError> {
    let id = match identifier {
        Identifier::Id(id) => id,
        Identifier::Guid(guid) => {
            let ids = found(registry.ids_by_guid(guid).await)?.unwrap_or_default();
            match ids.into_iter().find(|(context, _)| context.is_default()) {
                Some((_, id)) => id,
                None => return Ok(None),
            }
        }
    };
    // What could not be read is read again.
    let known = known.filter(|known| known.facts().record_name != RecordName::Unread);
    let answer = match known {
        Some(known) => uses(registry, id).await?.map(|uses| {
            let mut facts = SchemaFacts::clone(&known.facts());
            facts.subjects.clear();
            (facts, uses)
        }),
        None => {
            let (uses, schema) = tokio::join!(uses(registry, id), registry.schema_by_id(id, None));
            match (uses?, found(schema)?) {
                (Some(uses), Some(schema)) => Some((read(registry, &schema).await?, uses)),
                _ => None,
            }
        }
    };
    Ok(answer
        .map(|(facts, uses)| uses.into_iter().fold(facts, |facts, subject| facts.registered(subject, false))))
}

/// The subjects that have the schema as a version; `None` for an unknown id.
async fn uses(registry: &RegistryClient, id: SchemaId) -> Result<Option<Vec<String>>, ClientError> {
    let uses = found(registry.versions_of_id(id, None, true).await)?;
    Ok(uses.map(|uses| uses.into_iter().map(|used| used.subject).collect()))
}

/// What the text of a schema tells. Without it (another language than this build reads, a text that does not parse,
/// a reference that leads nowhere or too far) there is still the language: under a topic name strategy nothing else is
/// needed, so an id that is in order does not wait for what will not come.
async fn read(registry: &RegistryClient, schema: &RegisteredSchema) -> Result<SchemaFacts, ClientError> {
    let limits = Limits::default();
    let unread = || SchemaFacts::new(schema.schema_type, RecordName::Unread);
    let references =
        registry.resolve_references(&schema.references, &Context::default_context(), &limits).await;
    let references = match references {
        Ok(references) => references,
        Err(error) if error.is_not_found() || matches!(error, ClientError::References { .. }) => {
            return Ok(unread());
        }
        Err(error) => return Err(error),
    };
    let parsed =
        ParsedSchema::parse(schema.schema_type, &schema.schema, &references, Strictness::Stored, &limits);
    Ok(match parsed {
        Ok(parsed) => SchemaFacts::of(&parsed),
        Err(_) => unread(),
    })
}

fn found<T>(answer: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
