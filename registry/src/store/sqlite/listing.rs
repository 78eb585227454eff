//! Pages of versions: first the numbers of all that are wanted, then the texts of a page.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use muster_schema::{Guid, Subject, Version};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, Error, Row as _, SqliteConnection};

use super::database;
use super::readers::Readers;
use super::rows::{self, ListingOrder, Ranges, damaged, version_columns};
use crate::store::listing::has_rule_type;
use crate::store::{Content, Listing, SchemaVersion, Selection, StoreError};

/// How many subjects are read at a time.
const SUBJECTS_AT_A_TIME: u32 = 1024;
/// How many texts or rule sets are read at a time.
const CONTENTS_AT_A_TIME: usize = 64;

/// Subjects with the numbers of their versions (with `?7` only the highest), soft-deleted ones only with `?6`, in byte
/// order of context and name. In context `?1` they begin with name `?5`, in later ones with `?3`: that is how the next
/// few are asked for. A missing end, `?2` or `?4`, is a blob, which no text reaches.
const SUBJECTS: &str = "SELECT s.subject_id, c.name, s.name, CASE
        WHEN ?7 THEN (SELECT CAST(max(v.version) AS TEXT) FROM versions v
                      WHERE v.subject_id = s.subject_id AND v.deleted <= ?6)
        ELSE (SELECT group_concat(v.version) FROM versions v
              WHERE v.subject_id = s.subject_id AND v.deleted <= ?6) END
    FROM contexts c CROSS JOIN subjects s ON s.context_id = c.context_id
        AND s.name >= CASE c.name WHEN ?1 THEN ?5 ELSE ?3 END AND s.name < coalesce(?4, x'')
    WHERE c.name >= ?1 AND c.name < coalesce(?2, x'')
    ORDER BY c.name, s.name LIMIT ?8";

/// The rule sets of the versions that [`keys`] name, where they have one.
const RULE_SETS: &str = "SELECT j.key, t.rule_set
    FROM json_each(?1) j CROSS JOIN versions v
            ON v.subject_id = json_extract(j.value, '$[0]') AND v.version = json_extract(j.value, '$[1]')
        CROSS JOIN contents t ON t.content_id = v.content_id AND t.rule_set IS NOT NULL";

/// The versions that [`keys`] name.
const VERSIONS: &str = concat!(
    "SELECT j.key, ",
    version_columns!(),
    " FROM json_each(?1) j CROSS JOIN versions v
            ON v.subject_id = json_extract(j.value, '$[0]') AND v.version = json_extract(j.value, '$[1]')
        CROSS JOIN contents t ON t.content_id = v.content_id"
);

/// The versions wanted, read at one moment. Memory: some 200 bytes for each subject and 4 for each version that is
/// selected, and each distinct content of the page once.
pub(super) async fn schemas(readers: &Readers, wanted: &Listing) -> Result<Vec<SchemaVersion>, StoreError> {
    let mut reader = readers.acquire().await?;
    let read = async {
        let mut moment = reader.begin().await?;
        let listed = list(&mut moment, wanted).await?;
        moment.commit().await?;
        Ok(listed)
    };
    match read.await {
        Ok(listed) => Ok(listed),
        Err(error) => {
            reader.discard();
            Err(database(error))
        }
    }
}

/// A subject with the versions that may be listed, ascending.
struct Candidate {
    row: i64,
    subject: Subject,
    versions: Vec<i32>,
}

/// A version by the row of its subject and its number.
type Place<'a> = (&'a Candidate, i32);

/// The places of candidates, one after the other.
struct Places<'a> {
    candidates: &'a [Candidate],
    /// How many versions of the first of them were given.
    passed: usize,
}

impl<'a> Iterator for Places<'a> {
    type Item = Place<'a>;

    fn next(&mut self) -> Option<Place<'a>> {
        loop {
            let (first, rest) = self.candidates.split_first()?;
            if let Some(version) = first.versions.get(self.passed) {
                self.passed += 1;
                return Some((first, *version));
            }
            (self.candidates, self.passed) = (rest, 0);
        }
    }
}

async fn list(connection: &mut SqliteConnection, wanted: &Listing) -> Result<Vec<SchemaVersion>, Error> {
    let mut candidates = Vec::new();
    let selected = Ranges::of(&wanted.selection);
    read_candidates(connection, wanted, selected, &mut candidates).await?;
    if !wanted.also.is_empty() {
        let mut known: HashSet<Subject> = candidates.iter().map(|of| of.subject.clone()).collect();
        for subject in &wanted.also {
            if known.insert(subject.clone()) {
                let name = subject.name();
                let mut one = Ranges::of(&Selection::Context(subject.context().clone(), String::new()));
                one.name = (name.to_owned(), Some(format!("{name}\0")));
                read_candidates(connection, wanted, one, &mut candidates).await?;
            }
        }
    }
    candidates.sort_by_cached_key(|of| ListingOrder::of(&of.subject));
    let places = Places { candidates: &candidates, passed: 0 };
    let page: Vec<Place<'_>> = match &wanted.rule_type {
        None => places.skip(wanted.offset).take(wanted.limit).collect(),
        Some(rule_type) => with_rule_type(connection, places, rule_type, wanted).await?,
    };
    read_versions(connection, &page).await
}

async fn read_candidates(
    connection: &mut SqliteConnection,
    wanted: &Listing,
    mut ranges: Ranges,
    candidates: &mut Vec<Candidate>,
) -> Result<(), Error> {
    let mut first = ranges.name.0.clone();
    loop {
        let query = sqlx::query(SUBJECTS)
            .bind(&ranges.context.0)
            .bind(&ranges.context.1)
            .bind(&ranges.name.0)
            .bind(&ranges.name.1)
            .bind(&first)
            .bind(wanted.deleted)
            .bind(wanted.latest_only)
            .bind(SUBJECTS_AT_A_TIME);
        let rows = query.fetch_all(&mut *connection).await?;
        for row in &rows {
            let subject = rows::subject(row.try_get(1)?, row.try_get(2)?);
            if let Some(numbers) = row.try_get::<Option<&str>, _>(3)?
                && wanted.among.admits(&subject)
            {
                let numbers = numbers.split(',').map(str::parse);
                let mut versions = numbers.collect::<Result<Vec<i32>, _>>().map_err(damaged)?;
                versions.sort_unstable();
                versions.shrink_to_fit();
                candidates.push(Candidate { row: row.try_get(0)?, subject, versions });
            }
        }
        let Some(last) = rows.last().filter(|_| rows.len() >= SUBJECTS_AT_A_TIME as usize) else {
            return Ok(());
        };
        ranges.context.0 = last.try_get(1)?;
        // The least text above the last name.
        first = format!("{}\0", last.try_get::<&str, _>(2)?);
    }
}

/// The page of those versions that have a rule of this type. Reads no further than the page goes.
async fn with_rule_type<'a>(
    connection: &mut SqliteConnection,
    mut places: Places<'a>,
    rule_type: &str,
    wanted: &Listing,
) -> Result<Vec<Place<'a>>, Error> {
    let (mut left_out, mut page) = (0, Vec::new());
    loop {
        let some: Vec<Place<'_>> = places.by_ref().take(CONTENTS_AT_A_TIME).collect();
        if some.is_empty() {
            return Ok(page);
        }
        let rows = sqlx::query(RULE_SETS).bind(keys(&some)).fetch_all(&mut *connection).await?;
        let mut matching = Vec::new();
        for row in &rows {
            if rows::rule_set(row, 1)?.is_some_and(|rules| has_rule_type(&rules, rule_type)) {
                matching.push(index(row)?);
            }
        }
        matching.sort_unstable();
        for place in matching.into_iter().filter_map(|index| some.get(index)) {
            if page.len() >= wanted.limit {
                return Ok(page);
            }
            if left_out < wanted.offset {
                left_out += 1;
            } else {
                page.push(*place);
            }
        }
    }
}

/// The versions in these places. Equal contents are kept once.
async fn read_versions(
    connection: &mut SqliteConnection,
    page: &[Place<'_>],
) -> Result<Vec<SchemaVersion>, Error> {
    let mut versions = Vec::with_capacity(page.len());
    let mut contents: HashMap<Guid, Arc<Content>> = HashMap::new();
    for some in page.chunks(CONTENTS_AT_A_TIME) {
        let mut rows = sqlx::query(VERSIONS).bind(keys(some)).fetch_all(&mut *connection).await?;
        rows.sort_by_key(|row| index(row).ok());
        for row in &rows {
            let Some((of, version)) = some.get(index(row)?) else { continue };
            let content = rows::content(row, 5)?;
            // A guid does not cover the type, and whoever can make two contents with one guid gains nothing here.
            let shared = contents.entry(content.guid).or_insert_with(|| Arc::new(content.clone()));
            let content = if **shared == content { Arc::clone(shared) } else { Arc::new(content) };
            let found = rows::version_of(row, 1, of.subject.clone(), &content)?;
            debug_assert_eq!(found.version, Version(*version));
            versions.push(found);
        }
    }
    Ok(versions)
}

/// A JSON array with a subject's row and a version's number for each place.
fn keys(places: &[Place<'_>]) -> String {
    let pairs: Vec<String> = places.iter().map(|(of, version)| format!("[{},{version}]", of.row)).collect();
    format!("[{}]", pairs.join(","))
}

/// Which of the [`keys`] a row is about.
fn index(row: &SqliteRow) -> Result<usize, Error> {
    usize::try_from(row.try_get::<i64, _>(0)?).map_err(damaged)
}
