//! Copying a running registry over REST.
//!
//! Asks only what every registry that speaks Confluent's API answers, and does without what older ones lack: contexts,
//! associations, `deleted` and `ts` in listings. What REST does not tell is not copied: the level of a config where the
//! server fills in its default, config and mode of subjects that never had a version and are no alias, and versions
//! that were replaced by an import.

use std::collections::{BTreeMap, BTreeSet};

use muster_schema::{Context, SchemaId, Subject};
use serde_json::{Value, json};

use super::record::{Record, Undecodable};
use super::replay::{Override, Replay};

/// Schemas or associations asked for at a time: what registries give at most unless they are told otherwise.
const PAGE: usize = 1000;

/// An answer of a registry.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A JSON body with status 200.
    Ok(Value),
    /// Status 404 or 405: there is no such thing, or the registry does not know the path.
    Absent,
}

/// Whoever can ask a registry.
pub trait Source {
    /// Why it could not be asked.
    type Error;

    /// Sends `GET path`, where `path` begins with `/` and is percent-encoded.
    fn get(&mut self, path: &str) -> impl Future<Output = Result<Answer, Self::Error>>;
}

/// Why a registry could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError<E> {
    /// It could not be asked, or refused to answer.
    #[error("GET {path} failed")]
    Source {
        /// What was asked.
        path: String,
        /// Why.
        #[source]
        source: E,
    },
    /// It answered something that cannot be understood.
    #[error("GET {path} was answered with something unexpected: {reason}")]
    Unexpected {
        /// What was asked.
        path: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// It was written to while it was copied.
    #[error("the registry was written to while it was copied: {0}")]
    Changed(String),
}

/// Copies the registry behind `source` into `replay`. `progress` is told how many versions were copied, of how many; before
/// that is known, of 0, how many subjects were asked for.
///
/// Everything is listed again at the end: a registry that was written to meanwhile is [`CopyError::Changed`], for what
/// was copied may never have stood together.
pub async fn copy<S: Source>(
    source: &mut S,
    replay: &mut Replay,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), CopyError<S::Error>> {
    let mut asker = Asker { source };
    let contexts = asker.contexts().await?;
    let mut targets: BTreeSet<String> = asker.subjects().await?.into_iter().collect();
    targets.extend(asker.aliases().await?);
    targets.extend([String::new(), ":.__GLOBAL:".to_owned()]);
    targets.extend(contexts.iter().map(|context| format!(":{context}:")));
    let settings = asker.settings(&targets, &mut |done| progress(done, 0)).await?;
    let aliases: BTreeSet<String> =
        settings.iter().filter(|setting| setting.is_alias()).map(|setting| setting.target.clone()).collect();
    let before = asker.listing(&aliases, &mut |done| progress(done, 0)).await?;
    let mut place = 0;
    let mut apply = |replay: &mut Replay, key: Value, value: Value, timestamp_ms: Option<i64>| {
        place += 1;
        match Record::decode(&key, Some(&value), timestamp_ms) {
            Ok(record) => replay.apply(record, place, timestamp_ms),
            Err(error) => replay.skip(place, describe(&key, &error)),
        }
    };
    for context in &contexts {
        let key = json!({"keytype": "CONTEXT", "tenant": "default", "context": context, "magic": 0});
        apply(replay, key, json!({"tenant": "default", "context": context}), None);
    }

    let total = before.values().map(BTreeMap::len).sum::<usize>() as u64;
    let mut copied = 0;
    let path = "/schemas?subjectPrefix=:*:&deleted=true";
    let mut bodies = asker.bodies(path, &mut |done| progress(done.min(total), total)).await?;
    let mut highest: BTreeMap<Context, SchemaId> = BTreeMap::new();
    let mut versions: Vec<(Option<i64>, Value, Value)> = Vec::new();
    for (subject, numbers) in &before {
        for (version, deleted) in numbers {
            let mut body = match bodies.remove(&(subject.clone(), *version)) {
                Some(body) => body,
                None if aliases.contains(subject) => return Err(lost(subject, *version)),
                None => asker.version(subject, *version).await?,
            };
            if let Some(id) = id_of(&body) {
                let known = highest.entry(Subject::parse(subject).context().clone()).or_insert(id);
                *known = (*known).max(id);
                body["deleted"] = json!(deleted);
            }
            let key = json!({"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1});
            versions.push((body.get("ts").and_then(Value::as_i64), key, body));
            copied += 1;
            progress(copied, total);
        }
    }
    if let Some((subject, version)) = bodies.keys().next() {
        let what = format!("{subject:?} has version {version}, which the list of its versions lacks");
        return Err(CopyError::Changed(what));
    }
    // Of several ids that content was imported with, the one written last stands for it.
    versions.sort_by_key(|(timestamp_ms, ..)| *timestamp_ms);
    for (timestamp_ms, key, body) in versions {
        apply(replay, key, body, timestamp_ms);
    }

    for Setting { keytype, target, mut value } in settings {
        let mut key = json!({"keytype": keytype, "magic": 0});
        if !target.is_empty() {
            key = json!({"keytype": keytype, "subject": target, "magic": 0});
            value["subject"] = json!(target);
        }
        apply(replay, key, value, None);
    }
    for association in asker.associations().await? {
        let mut key = json!({"keytype": "ASSOC", "magic": 0});
        let mut value = association;
        for member in ["resourceName", "resourceNamespace", "resourceType", "associationType", "subject"] {
            key[member] = value.get(member).cloned().unwrap_or_default();
        }
        if value.get("frozen").is_none() {
            value["frozen"] = json!(value.get("lifecycle").and_then(Value::as_str) == Some("STRONG"));
        }
        let updated = value.get("updateTs").and_then(Value::as_i64);
        apply(replay, key, value, updated);
    }
    for (context, id) in highest {
        if let Some(last) = asker.max_id(&context, id).await? {
            replay.set(Override::LastId(context, last));
        }
    }
    let after = asker.listing(&aliases, &mut |_| {}).await?;
    match changed(&before, &after) {
        Some(what) => Err(CopyError::Changed(what)),
        None => Ok(()),
    }
}

/// Subjects with their versions, and whether each is soft-deleted.
type Listing = BTreeMap<String, BTreeMap<i32, bool>>;

/// What is set at one level.
struct Setting {
    keytype: &'static str,
    target: String,
    value: Value,
}

impl Setting {
    /// Whether the target stands for another subject.
    fn is_alias(&self) -> bool {
        let alias = self.value.get("alias").and_then(Value::as_str);
        self.keytype == "CONFIG" && alias.is_some_and(|alias| !alias.is_empty())
    }
}

fn changed(before: &Listing, after: &Listing) -> Option<String> {
    let differs = |subject: &&String| before.get(*subject) != after.get(*subject);
    let subject = before.keys().chain(after.keys()).find(differs)?;
    Some(format!("subject {subject:?} has other versions than at first"))
}

/// The id in a body.
fn id_of(body: &Value) -> Option<SchemaId> {
    let id = body.get("id")?.as_i64()?;
    i32::try_from(id).ok().map(SchemaId)
}

fn describe(key: &Value, error: &Undecodable) -> String {
    let part = |name: &str| key.get(name).map(Value::to_string).unwrap_or_default();
    format!("{} of {} {}: {error}", part("keytype"), part("subject"), part("version"))
}

struct Asker<'s, S> {
    source: &'s mut S,
}

impl<S: Source> Asker<'_, S> {
    async fn get(&mut self, path: &str) -> Result<Option<Value>, CopyError<S::Error>> {
        match self.source.get(path).await {
            Ok(Answer::Ok(value)) => Ok(Some(value)),
            Ok(Answer::Absent) => Ok(None),
            Err(source) => Err(CopyError::Source { path: path.to_owned(), source }),
        }
    }

    async fn list(&mut self, path: &str) -> Result<Option<Vec<Value>>, CopyError<S::Error>> {
        match self.get(path).await? {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(unexpected(path, format!("no list: {}", short(&other)))),
        }
    }

    /// All entries of a listing by their keys, without those that have none. How many of them an answer holds is up to
    /// the registry, and one that knows no pages gives them all each time: it is asked until nothing new comes.
    /// `progress` is told how many came.
    async fn entries<K: Ord>(
        &mut self,
        path: &str,
        key: impl Fn(&Value) -> Option<K>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Option<BTreeMap<K, Value>>, CopyError<S::Error>> {
        let Some(mut page) = self.list(path).await? else { return Ok(None) };
        let separator = if path.contains('?') { '&' } else { '?' };
        let (mut found, mut offset) = (BTreeMap::new(), 0);
        loop {
            offset += page.len();
            let known = found.len();
            found.extend(page.into_iter().filter_map(|entry| Some((key(&entry)?, entry))));
            progress(found.len() as u64);
            if found.len() == known {
                return Ok(Some(found));
            }
            let next = self.list(&format!("{path}{separator}offset={offset}")).await?;
            page = next.unwrap_or_default();
        }
    }

    async fn texts(&mut self, path: &str) -> Result<Option<Vec<String>>, CopyError<S::Error>> {
        let Some(items) = self.entries(path, |item| Some(item.to_string()), &mut |_| {}).await? else {
            return Ok(None);
        };
        let text =
            |item: Value| item.as_str().map(str::to_owned).ok_or_else(|| unexpected(path, short(&item)));
        items.into_values().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// Names of contexts other than the default one.
    async fn contexts(&mut self) -> Result<Vec<String>, CopyError<S::Error>> {
        let found = self.texts("/contexts").await?.unwrap_or_default();
        Ok(found.into_iter().filter(|context| context != ".").collect())
    }

    /// Names of subjects that have versions.
    async fn subjects(&mut self) -> Result<Vec<String>, CopyError<S::Error>> {
        let path = "/subjects?subjectPrefix=:*:&deleted=true";
        self.texts(path).await?.ok_or_else(|| unexpected(path, "there are no subjects"))
    }

    /// A path that names one of `aliases` leads to what it stands for, so versions of its own are told by listings only.
    async fn listing(
        &mut self,
        aliases: &BTreeSet<String>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Listing, CopyError<S::Error>> {
        let mut listing = Listing::new();
        for (done, subject) in (1..).zip(self.subjects().await?) {
            progress(done);
            let versions = if aliases.contains(&subject) {
                let path = format!("/schemas?subjectPrefix={}&deleted=true", encode(&subject));
                let own = self.bodies(&path, &mut |_| {}).await?.into_iter();
                let own = own.filter(|((name, _), _)| *name == subject);
                own.map(|((_, version), body)| (version, body.get("deleted") == Some(&json!(true)))).collect()
            } else {
                let path = format!("/subjects/{}/versions", encode(&subject));
                let all = self.numbers(&format!("{path}?deleted=true")).await?;
                let live = self.numbers(&path).await?;
                all.into_iter().map(|version| (version, !live.contains(&version))).collect()
            };
            listing.insert(subject, versions);
        }
        Ok(listing)
    }

    async fn numbers(&mut self, path: &str) -> Result<BTreeSet<i32>, CopyError<S::Error>> {
        let items = self.list(path).await?.unwrap_or_default();
        let number = |item: &Value| {
            let number = item.as_i64().and_then(|number| i32::try_from(number).ok());
            number.ok_or_else(|| unexpected(path, short(item)))
        };
        items.iter().map(number).collect()
    }

    /// Bodies of versions. What a registry leaves out here is asked for one by one.
    async fn bodies(
        &mut self,
        path: &str,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<BTreeMap<(String, i32), Value>, CopyError<S::Error>> {
        let place = |body: &Value| {
            let version = body.get("version")?.as_i64()?;
            Some((body.get("subject")?.as_str()?.to_owned(), i32::try_from(version).ok()?))
        };
        let found = self.entries(&format!("{path}&limit={PAGE}"), place, progress).await?;
        Ok(found.unwrap_or_default())
    }

    async fn version(&mut self, subject: &str, version: i32) -> Result<Value, CopyError<S::Error>> {
        let path = format!("/subjects/{}/versions/{version}?deleted=true", encode(subject));
        self.get(&path).await?.ok_or_else(|| lost(subject, version))
    }

    /// Subjects that stand for others.
    async fn aliases(&mut self) -> Result<BTreeSet<String>, CopyError<S::Error>> {
        let path = "/schemas?subjectPrefix=:*:&aliases=true&latestOnly=true";
        let bodies = self.bodies(path, &mut |_| {}).await?;
        let aliases = bodies.values().filter_map(|body| body.get("aliases")?.as_array()).flatten();
        Ok(aliases.filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Configs and modes of `targets`.
    async fn settings(
        &mut self,
        targets: &BTreeSet<String>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<Setting>, CopyError<S::Error>> {
        let mut found = Vec::new();
        for (done, target) in (1..).zip(targets) {
            progress(done);
            for (keytype, path) in [("CONFIG", "/config"), ("MODE", "/mode")] {
                if let Some(value) = self.setting(path, target).await? {
                    found.push(Setting { keytype, target: target.clone(), value });
                }
            }
        }
        Ok(found)
    }

    async fn setting(&mut self, path: &str, target: &str) -> Result<Option<Value>, CopyError<S::Error>> {
        let path = if target.is_empty() { path.to_owned() } else { format!("{path}/{}", encode(target)) };
        let Some(value) = self.get(&path).await? else { return Ok(None) };
        let Value::Object(members) = &value else { return Err(unexpected(&path, short(&value))) };
        // The top level and `.__GLOBAL` answer with the server's default where nothing is set.
        let default = [("mode", "READWRITE"), ("compatibilityLevel", "BACKWARD")];
        let is_default =
            members.len() == 1 && default.iter().any(|(name, text)| value.get(*name) == Some(&json!(text)));
        let above = target.is_empty() || target == ":.__GLOBAL:";
        Ok(Some(value).filter(|_| !(above && is_default)))
    }

    async fn associations(&mut self) -> Result<Vec<Value>, CopyError<S::Error>> {
        let path = format!("/associations/resources/-/-?limit={PAGE}");
        let found = self.entries(&path, |association| Some(association.to_string()), &mut |_| {}).await?;
        Ok(found.unwrap_or_default().into_values().collect())
    }

    async fn max_id(
        &mut self,
        context: &Context,
        known: SchemaId,
    ) -> Result<Option<SchemaId>, CopyError<S::Error>> {
        let subject = encode(&format!(":{context}:"));
        let path = format!("/schemas/ids/{known}?subject={subject}&fetchMaxId=true");
        let max = self.get(&path).await?.as_ref().and_then(|body| body.get("maxId")).and_then(Value::as_i64);
        Ok(max.and_then(|id| i32::try_from(id).ok()).map(SchemaId))
    }
}

fn lost<E>(subject: &str, version: i32) -> CopyError<E> {
    CopyError::Changed(format!("{subject:?} has lost version {version}"))
}

fn unexpected<E>(path: &str, reason: impl Into<String>) -> CopyError<E> {
    CopyError::Unexpected { path: path.to_owned(), reason: reason.into() }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(120).collect()
}

/// Percent-encodes everything but what every server takes as it is.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use muster_schema::Guid;

    use super::*;
    use crate::portable::Summary;
    use crate::store::Snapshot;

    /// A registry with subjects of two versions each, and as many associations.
    struct Fake {
        subjects: usize,
        /// The most entries that listings give at a time; `None` knows no pages.
        page: Option<usize>,
        /// The most versions that are told of a subject.
        told: usize,
        asked: usize,
    }

    impl Fake {
        fn new(subjects: usize, page: Option<usize>) -> Self {
            Self { subjects, page, told: usize::MAX, asked: 0 }
        }

        fn answer(&self, path: &str) -> Answer {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            let number = |name: &str| -> Option<usize> {
                query.split('&').find_map(|member| member.strip_prefix(name)?.parse().ok())
            };
            let name = |place: &usize| format!("s{place:04}");
            let all = 0..self.subjects;
            let entries: Vec<Value> = match path {
                "/contexts" => Vec::new(),
                "/subjects" => all.map(|place| json!(name(&place))).collect(),
                "/schemas" => all
                    .flat_map(|place| [(place, 1), (place, 2)])
                    .map(|(place, version)| {
                        let schema = format!("\"{place} {version}\"");
                        let id = 2 * place + version;
                        json!({"subject": name(&place), "version": version, "id": id, "schema": schema})
                    })
                    .collect(),
                "/associations/resources/-/-" => all
                    .map(|place| {
                        json!({
                            "resourceName": name(&place), "resourceNamespace": "-", "resourceType": "topic",
                            "resourceId": name(&place), "associationType": "value", "subject": name(&place),
                            "lifecycle": "WEAK", "frozen": false, "guid": Guid([0; 16]).to_string(),
                        })
                    })
                    .collect(),
                path if path.ends_with("/versions") => return Answer::Ok(json!([1, 2][..self.told.min(2)])),
                path if path.contains("/versions/") => {
                    return Answer::Ok(json!({"id": 1, "schema": "\"int\""}));
                }
                _ => return Answer::Absent,
            };
            let Some(page) = self.page else { return Answer::Ok(entries.into()) };
            let page = number("limit=").unwrap_or(page).min(page);
            Answer::Ok(entries.into_iter().skip(number("offset=").unwrap_or(0)).take(page).collect())
        }
    }

    impl Source for Fake {
        type Error = Infallible;

        async fn get(&mut self, path: &str) -> Result<Answer, Infallible> {
            self.asked += 1;
            assert!(self.asked < 20_000, "{path} is asked for again and again");
            Ok(self.answer(path))
        }
    }

    async fn copied(mut source: Fake) -> Result<(Snapshot, Summary), CopyError<Infallible>> {
        let mut replay = Replay::new(0);
        copy(&mut source, &mut replay, &mut |_, _| {}).await?;
        Ok(replay.finish())
    }

    #[tokio::test]
    async fn nothing_is_lost_however_little_a_registry_gives_at_a_time() {
        for (subjects, page) in [(0, Some(1)), (5, Some(1)), (5, Some(2)), (1200, Some(500)), (1200, None)] {
            let (snapshot, summary) = copied(Fake::new(subjects, page)).await.unwrap();
            let counts = snapshot.counts();
            let found = (counts.subjects, counts.versions, counts.associations, summary.skipped);
            assert_eq!(found, (subjects, 2 * subjects, subjects, 0), "{page:?}");
        }
    }

    #[tokio::test]
    async fn versions_that_only_one_of_two_listings_tells_are_not_left_out() {
        let failed = copied(Fake { told: 1, ..Fake::new(1, None) }).await;
        assert!(
            matches!(failed, Err(CopyError::Changed(ref what)) if what.contains("version 2")),
            "{failed:?}"
        );
    }
}
