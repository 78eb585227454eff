//! Registering (registry API spec §7.3, steps 8 and 11–15; ids: §10.1–10.2).

use std::collections::{HashMap, HashSet};

use muster_schema::{Context, Guid, SchemaId, Subject, Version};
use sqlx::{Error, Row as _};

use super::super::rows::{self, ContentJson, version_columns};
use super::Written;
use super::facts::{ContextRow, Facts, Revisions};
use super::insert::NewVersion;
use super::sized::arguments;
use super::transaction::{Stop, Transaction};
use crate::store::{Refusal, Registered, Registration, StoreError};

/// How content with a fixed id fares. `?1` context, `?2` subject, `?3` the id, `?4` the guid, then the content.
///
/// First the live version of the subject that has the content under that id, the one that answers for the id before
/// others; then whether the id leads to other content somewhere in the context. Uses that an import has not replaced
/// all lead to the same content, so one of them stands for all.
const FIXED: &str = "SELECT
    (SELECT v.version FROM versions v CROSS JOIN contents t ON t.content_id = v.content_id
     WHERE v.subject_id = ?2 AND v.id = ?3 AND v.deleted = 0 AND t.guid = ?4
     ORDER BY v.version = (SELECT u.version FROM uses u
                           WHERE u.context_id = ?1 AND u.id = ?3 AND u.subject_id = ?2) DESC, v.version DESC
     LIMIT 1),
    EXISTS (
        SELECT 1 FROM (
            SELECT * FROM (SELECT subject_id, version FROM uses
                           WHERE context_id = ?1 AND id = ?3 AND replaced = 0 LIMIT 1)
            UNION ALL
            SELECT subject_id, version FROM uses WHERE context_id = ?1 AND id = ?3 AND replaced = 1
        ) u
        CROSS JOIN versions v ON v.subject_id = u.subject_id AND v.version = u.version
        CROSS JOIN contents t ON t.content_id = v.content_id
        WHERE t.schema_type <> ?5 OR t.schema <> ?6 OR t.refs IS NOT ?7 OR t.metadata IS NOT ?8
            OR t.rule_set IS NOT ?9
    )";

const VERSION: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM versions v CROSS JOIN contents t ON t.content_id = v.content_id
      WHERE v.subject_id = ?1 AND v.version = ?2"
);

/// Soft-deleted versions below `?3` that have the id `?2`, except those that are referenced; `?4` is the subject's name.
const SUPERSEDED: &str = "SELECT v.version FROM versions v
    WHERE v.subject_id = ?1 AND v.id = ?2 AND v.version < ?3 AND v.deleted = 1
        AND NOT EXISTS (SELECT 1 FROM refs r WHERE r.target = ?4 AND r.target_version = v.version)";

/// All numbers of a kind are given out.
#[derive(Debug, thiserror::Error)]
#[error("there are no more {0}")]
struct Exhausted(&'static str);

/// Registrations that can be decided together: each is about a subject and a content of its own.
#[derive(Default)]
struct Together<'r> {
    registrations: Vec<&'r Registration>,
    /// Where their outcomes belong.
    places: Vec<usize>,
    subjects: HashSet<&'r Subject>,
    contents: HashSet<(&'r Context, Guid)>,
}

impl<'r> Together<'r> {
    fn add(&mut self, place: usize, registration: &'r Registration) {
        self.registrations.push(registration);
        self.places.push(place);
        self.subjects.insert(&registration.subject);
        self.contents.insert((registration.subject.context(), registration.content.guid));
    }

    /// Whether what these do may matter to another.
    fn concern(&self, other: &Registration) -> bool {
        self.subjects.contains(&other.subject)
            || self.contents.contains(&(other.subject.context(), other.content.guid))
            || other.basis.0.iter().any(|(key, _)| self.subjects.contains(key))
            || other.content.references.iter().any(|reference| {
                self.subjects.contains(&Subject::parse_in(&reference.subject, other.subject.context()))
            })
    }
}

type Outcome = Result<Written, StoreError>;

impl Transaction<'_> {
    /// Registers in order; one outcome for each.
    ///
    /// New content in different subjects, which is what most registrations are, takes three trips to the database
    /// for all of them together. A registration that brings its id, reuses one, or meets another one is decided
    /// alone, after those before it were written.
    pub(super) async fn register_all(
        &mut self,
        registrations: &[&Registration],
    ) -> Result<Vec<Outcome>, Error> {
        let mut revisions =
            self.revisions(registrations.iter().map(|registration| &registration.basis)).await?;
        // Whatever is not decided below is stale.
        let mut outcomes: Vec<Outcome> = registrations.iter().map(|_| Err(Refusal::Stale.into())).collect();
        let mut together = Together::default();
        for (place, registration) in registrations.iter().enumerate() {
            let alone = registration.importing || registration.id.is_some();
            if alone || together.concern(registration) {
                self.settle(std::mem::take(&mut together), &mut revisions, &mut outcomes).await?;
            }
            if !revisions.hold(&registration.basis) {
                continue;
            }
            if alone {
                outcomes[place] = self.register_alone(registration, &mut revisions).await?;
            } else {
                together.add(place, registration);
            }
        }
        self.settle(together, &mut revisions, &mut outcomes).await?;
        Ok(outcomes)
    }

    async fn settle(
        &mut self,
        together: Together<'_>,
        revisions: &mut Revisions,
        outcomes: &mut [Outcome],
    ) -> Result<(), Error> {
        let facts = self.facts(&together.registrations).await?;
        let mut contexts: HashMap<&Context, ContextRow> = HashMap::new();
        let mut decided = Vec::new();
        let mut known = Vec::new();
        for ((&registration, &place), facts) in
            together.registrations.iter().zip(&together.places).zip(&facts)
        {
            if facts.known_id.is_some() {
                known.push((registration, place));
                continue;
            }
            let name = registration.subject.context();
            let mut context = match (contexts.get(name), facts.context) {
                (Some(context), _) => *context,
                (None, Some(context)) => context,
                (None, None) => self.ensure_context(name).await?,
            };
            match self.decide(registration, facts, &mut context) {
                Ok(version) => decided.push((place, version)),
                Err(refusal) => outcomes[place] = Err(refusal),
            }
            contexts.insert(name, context);
        }
        let versions: Vec<NewVersion<'_>> = decided
            .into_iter()
            .map(|(place, version)| {
                outcomes[place] =
                    Ok(Written { registered: version.registered(), appended: Some(version.revision) });
                revisions.advance(&version.registration.subject, version.revision);
                version
            })
            .collect();
        let written: HashSet<i64> = versions.iter().map(|version| version.context_id).collect();
        for context in contexts.values().filter(|context| written.contains(&context.context_id)) {
            self.save_context(context.context_id, context.last_id).await?;
        }
        self.insert(&versions).await?;
        for (registration, place) in known {
            outcomes[place] = self.register_alone(registration, revisions).await?;
        }
        Ok(())
    }

    /// Decides about content that the context does not know, without asking the database.
    fn decide<'r>(
        &mut self,
        registration: &'r Registration,
        facts: &Facts,
        context: &mut ContextRow,
    ) -> Result<NewVersion<'r>, StoreError> {
        let version = version(registration, facts)?;
        let id = next_id(context.last_id)?;
        context.last_id = Some(id);
        Ok(self.new_version(registration, facts, context.context_id, version, id))
    }

    fn new_version<'r>(
        &mut self,
        registration: &'r Registration,
        facts: &Facts,
        context_id: i64,
        version: i32,
        id: i32,
    ) -> NewVersion<'r> {
        let subject_id = facts.subject_id.unwrap_or_else(|| self.next_subject());
        let (revision, ts_ms) = (self.next_revision(), self.now_ms());
        NewVersion { registration, context_id, subject_id, version, id, revision, ts_ms }
    }

    async fn register_alone(
        &mut self,
        registration: &Registration,
        revisions: &mut Revisions,
    ) -> Result<Outcome, Error> {
        match self.try_register(registration, revisions).await {
            Ok(written) => Ok(Ok(written)),
            Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Decides with everything the database knows. Nothing is written before the decision stands.
    pub(super) async fn try_register(
        &mut self,
        registration: &Registration,
        revisions: &mut Revisions,
    ) -> Result<Written, Stop> {
        let facts = self.facts(&[registration]).await?.pop().unwrap_or_default();
        let fixed = registration.id.map(|id| id.0).or(facts.known_id);
        let (live, taken) = match (facts.context, fixed) {
            (Some(context), Some(id)) => {
                self.fixed(registration, context.context_id, facts.subject_id, id).await?
            }
            _ => (None, false),
        };
        if let (Some(live), Some(subject_id), None) = (live, facts.subject_id, registration.version)
            && facts.known_id == fixed
        {
            let registered = self.existing(&registration.subject, subject_id, live).await?;
            return Ok(Written { registered, appended: None });
        }
        let version = version(registration, &facts)?;
        if let Some(id) = fixed.filter(|_| taken) {
            return Err(Refusal::IdTaken(SchemaId(id)).into());
        }
        let last_id = facts.context.and_then(|context| context.last_id);
        let id = fixed.map_or_else(|| next_id(last_id), Ok)?;

        let context = match facts.context {
            Some(context) => context,
            None => self.ensure_context(registration.subject.context()).await?,
        };
        // An imported id 0 counts as 1.
        let highest = last_id.unwrap_or(1).max(id).max(1);
        if !context.listed || last_id != Some(highest) {
            self.save_context(context.context_id, Some(highest)).await?;
        }
        let unhindered = match facts.subject_id {
            Some(subject_id) => {
                self.make_way(registration, subject_id, context.context_id, version, id).await?
            }
            None => true,
        };
        let new = self.new_version(registration, &facts, context.context_id, version, id);
        revisions.advance(&registration.subject, new.revision);
        let written = Written { registered: new.registered(), appended: unhindered.then_some(new.revision) };
        self.insert(&[new]).await?;
        Ok(written)
    }

    /// The live version of the subject with that content under that id, and whether the id is other content's.
    async fn fixed(
        &mut self,
        registration: &Registration,
        context_id: i64,
        subject_id: Option<i64>,
        id: i32,
    ) -> Result<(Option<i32>, bool), Error> {
        let content = &*registration.content;
        let json = ContentJson::of(content)?;
        let arguments = arguments![
            context_id,
            subject_id,
            id,
            content.guid.0.as_slice(),
            content.schema_type.as_str(),
            content.schema.as_str(),
            json.references,
            json.metadata,
            json.rule_set,
        ];
        let rows = self.fetch(FIXED, arguments).await?;
        let row = rows.first().ok_or(Error::RowNotFound)?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    async fn existing(
        &mut self,
        subject: &Subject,
        subject_id: i64,
        version: i32,
    ) -> Result<Registered, Error> {
        let rows = self.fetch(VERSION, arguments![subject_id, version]).await?;
        let row = rows.first().ok_or(Error::RowNotFound)?;
        let schema = rows::schema_version(row, 0, subject.clone())?;
        Ok(Registered { schema, existed: true })
    }

    /// Removes what the new version stands in for: an imported one what has its number, any one the soft-deleted
    /// versions below it that have its id and that nobody references. Returns whether there can have been none.
    async fn make_way(
        &mut self,
        registration: &Registration,
        subject_id: i64,
        context_id: i64,
        version: i32,
        id: i32,
    ) -> Result<bool, Error> {
        if registration.importing {
            // The id that the replaced content had goes on leading to this version.
            self.execute(
                "UPDATE uses SET replaced = 1
                 WHERE context_id = ?1 AND subject_id = ?2 AND version = ?3 AND id <> ?4
                     AND id = (SELECT id FROM versions WHERE subject_id = ?2 AND version = ?3);
                 DELETE FROM contents
                 WHERE content_id = (SELECT content_id FROM versions WHERE subject_id = ?2 AND version = ?3);
                 DELETE FROM versions WHERE subject_id = ?2 AND version = ?3",
                arguments![context_id, subject_id, version, id],
            )
            .await?;
        }
        let target = registration.subject.to_string();
        let rows = self.fetch(SUPERSEDED, arguments![subject_id, id, version, target]).await?;
        let superseded = rows.iter().map(|row| row.try_get(0).map(Version)).collect::<Result<Vec<_>, _>>()?;
        if !superseded.is_empty() {
            self.forget(subject_id, context_id, &superseded).await?;
        }
        Ok(!registration.importing && superseded.is_empty())
    }
}

/// The number of the new version: the next one, or on import the one asked for.
fn version(registration: &Registration, facts: &Facts) -> Result<i32, StoreError> {
    let next = facts.highest.unwrap_or(0).checked_add(1);
    match registration.version {
        Some(Version(asked)) if asked >= 1 && (registration.importing || Some(asked) == next) => Ok(asked),
        Some(_) => Err(Refusal::VersionNotNext.into()),
        None => next.ok_or_else(|| StoreError::Database(Box::new(Exhausted("versions in this subject")))),
    }
}

fn next_id(last_id: Option<i32>) -> Result<i32, StoreError> {
    let next = last_id.unwrap_or(0).checked_add(1);
    next.ok_or_else(|| StoreError::Database(Box::new(Exhausted("schema ids in this context"))))
}

impl From<StoreError> for Stop {
    fn from(refusal: StoreError) -> Self {
        Self::Refused(refusal)
    }
}
