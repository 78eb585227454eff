//! Fetching the schemas that a schema refers to.

use std::collections::HashSet;
use std::sync::Arc;

use muster_schema::{Context, Limits, ResolvedReferences, SchemaReference, Subject};

use super::model::{RegisteredSchema, VersionRef};
use super::{ClientError, RegistryClient};

impl RegistryClient {
    /// Fetches everything that `references` refer to, in the order in which it must be parsed: depth first, each
    /// schema after those it references itself.
    ///
    /// Deleted versions are included, for a stored schema keeps its meaning. A name that occurs again is not fetched
    /// again: its first occurrence counts. `context`: of the referring schema; unqualified subjects are in it. The
    /// versions fetched are cached.
    ///
    /// Errors: those of [`subject_version`](Self::subject_version); [`ClientError::References`] beyond
    /// [`Limits::references`] schemas, [`Limits::depth`] levels or 64 × [`Limits::schema_bytes`] of text.
    /// Source: wire format spec §1.6, registry API spec §11.
    pub async fn resolve_references(
        &self,
        references: &[SchemaReference],
        context: &Context,
        limits: &Limits,
    ) -> Result<ResolvedReferences, ClientError> {
        let mut walk = Walk { limits, seen: HashSet::new(), text_bytes: 0, texts: Vec::new() };
        // The path from the root to the schema whose references are being visited.
        let mut path = vec![Level { schema: None, references: Vec::from(references).into_iter() }];
        while let Some(level) = path.last_mut() {
            match level.references.next() {
                Some(reference) => {
                    if !walk.admit(&reference)? {
                        continue;
                    }
                    let subject =
                        Subject::parse_in(&reference.subject, context_of(level, context)).to_string();
                    let schema =
                        self.subject_version(&subject, VersionRef::Number(reference.version), true).await?;
                    walk.count_text(schema.schema.len())?;
                    if path.len() >= limits.depth {
                        return Err(ClientError::References { what: "levels", limit: limits.depth });
                    }
                    let references = schema.references.clone().into_iter();
                    let own_context = Subject::parse(&subject).context().clone();
                    path.push(Level {
                        schema: Some(Visited { name: reference.name, context: own_context, schema }),
                        references,
                    });
                }
                None => {
                    if let Some(Level { schema: Some(done), .. }) = path.pop() {
                        walk.texts.push((done.name, done.schema.schema.clone()));
                    }
                }
            }
        }
        Ok(ResolvedReferences { texts: walk.texts, ..ResolvedReferences::default() })
    }
}

struct Level {
    /// `None` for the root.
    schema: Option<Visited>,
    references: std::vec::IntoIter<SchemaReference>,
}

struct Visited {
    name: String,
    context: Context,
    schema: Arc<RegisteredSchema>,
}

struct Walk<'a> {
    limits: &'a Limits,
    seen: HashSet<String>,
    text_bytes: usize,
    texts: Vec<(String, String)>,
}

impl Walk<'_> {
    /// Whether this name has not been met before. A circle ends here as well: its names repeat.
    fn admit(&mut self, reference: &SchemaReference) -> Result<bool, ClientError> {
        if self.seen.contains(&reference.name) {
            return Ok(false);
        }
        if self.seen.len() >= self.limits.references {
            return Err(ClientError::References { what: "schemas", limit: self.limits.references });
        }
        Ok(self.seen.insert(reference.name.clone()))
    }

    fn count_text(&mut self, length: usize) -> Result<(), ClientError> {
        let limit = self.limits.schema_bytes.saturating_mul(64);
        self.text_bytes = self.text_bytes.saturating_add(length);
        if self.text_bytes > limit { Err(ClientError::References { what: "bytes", limit }) } else { Ok(()) }
    }
}

fn context_of<'a>(level: &'a Level, root: &'a Context) -> &'a Context {
    level.schema.as_ref().map_or(root, |visited| &visited.context)
}
