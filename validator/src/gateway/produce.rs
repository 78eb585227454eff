//! Judging Produce requests (broker validation spec §10.2, §12).

use std::collections::HashMap;
use std::sync::Arc;

use super::Shared;
use super::config::{GatewayLimits, OutagePolicy};
use super::facts::View;
use super::metrics::Metrics;
use super::settings::Table;
use crate::engine::{Identifier, Outcome, Reason, Report, Scratch, TopicRules, validate_batch};
use crate::wire::client::Topics;
use crate::wire::produce::{
    Item, LocalAnswer, OwnedTopic, Partition, Plan, PlannedPartition, RecordMessage, Request, Topic,
};
use crate::wire::{ErrorCode, TopicId, WireError};

/// Text in one response, beyond which refusals come without words.
const TEXT_BYTES: usize = 1 << 20;
/// Compressed bytes from which a request is judged where it holds up nobody else.
const HEAVY_BYTES: usize = 256 << 10;
/// Where the codec stands in a record batch, and its bits.
const ATTRIBUTES_AT: usize = 22;
const CODEC_BITS: u8 = 0b111;

/// What a request is judged by.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) table: &'a Table,
    pub(super) names: &'a TopicNames,
    pub(super) limits: &'a GatewayLimits,
    pub(super) outage: OutagePolicy,
    pub(super) metrics: &'a Metrics,
}

/// Where judging got to.
pub(super) enum Judged {
    /// To its end.
    Done(Judgement),
    /// These must be asked about first; then judge again.
    NeedSchemas(Vec<Identifier>),
    /// The names of topics with these ids must be found first; then judge again.
    NeedNames(Vec<TopicId>),
    /// Nowhere: the request is not reasonable.
    TooManyPartitions,
}

/// What becomes of a request.
pub(super) enum Judgement {
    /// It goes on as it is.
    Pass { acks: i16 },
    /// Some partitions, perhaps all, are answered here.
    Mixed(Mixed),
}

/// A request of which some partitions are answered here.
pub(super) struct Mixed {
    pub(super) acks: i16,
    pub(super) plan: Plan,
}

impl Mixed {
    /// Tells for one partition after the other whether it goes to the broker.
    pub(super) fn keeper(&self) -> impl FnMut() -> bool {
        let mut partitions = self.plan.topics.iter().flat_map(|(_, partitions)| partitions);
        let kept: Vec<bool> = partitions.by_ref().map(|partition| partition.local.is_none()).collect();
        let mut kept = kept.into_iter();
        move || kept.next().unwrap_or(true)
    }
}

/// Topic names found for one request that names topics by id.
#[derive(Debug, Default)]
pub(super) struct TopicNames {
    /// `None`: no topic has the id.
    found: HashMap<TopicId, Option<Arc<str>>>,
}

impl TopicNames {
    /// Finds names, among those learned or by asking a broker once.
    pub(super) async fn resolve(&mut self, shared: &Shared, ids: &[TopicId]) {
        let mut unknown = Vec::new();
        for id in ids {
            match shared.names.get(id) {
                Some(name) => {
                    self.found.insert(*id, Some(name));
                }
                None => unknown.push(*id),
            }
        }
        if unknown.is_empty() {
            return;
        }
        match shared.cluster.metadata(Topics::Ids(&unknown)).await {
            Ok(metadata) => {
                for topic in metadata.topics.iter().filter(|topic| topic.error.is_none()) {
                    let name: Arc<str> = topic.name.as_str().into();
                    shared.names.insert(topic.id, Arc::clone(&name));
                    self.found.insert(topic.id, Some(name));
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot ask for topic names");
            }
        }
        for id in unknown {
            self.found.entry(id).or_insert(None);
        }
    }
}

/// What a topic in a request turns out to be.
enum Found<'a> {
    Rules(&'a TopicRules),
    Unvalidated,
    /// No topic has this id.
    NoSuchId,
    Unknown(TopicId),
}

fn find<'a>(context: &Context<'a>, topic: Topic<'_>) -> Found<'a> {
    let validated =
        |rules: Option<&'a Arc<TopicRules>>| rules.map_or(Found::Unvalidated, |rules| Found::Rules(rules));
    match topic {
        Topic::Name(name) => validated(context.table.by_name(name)),
        Topic::Id(id) => match (context.table.by_id(&id), context.names.found.get(&id)) {
            (Some(rules), _) => Found::Rules(rules),
            (None, Some(Some(name))) => validated(context.table.by_name(name)),
            (None, Some(None)) => Found::NoSuchId,
            // Settings go by id, so what is not in the table is not validated; but a topic that is just being created
            // is in it by name.
            (None, None) if context.table.needs_names() => Found::Unknown(id),
            (None, None) => Found::Unvalidated,
        },
    }
}

/// Whether a request holds a long compressed batch.
pub(super) fn is_heavy(message: &[u8]) -> bool {
    if message.len() < HEAVY_BYTES {
        return false;
    }
    let Ok(mut request) = Request::read(message) else { return false };
    let mut compressed = 0usize;
    while let Ok(Some(item)) = request.next() {
        if let Item::Partition(Partition { records, .. }) = item
            && records.get(ATTRIBUTES_AT).is_some_and(|attributes| attributes & CODEC_BITS != 0)
        {
            compressed = compressed.saturating_add(records.len());
        }
    }
    compressed >= HEAVY_BYTES
}

/// Judges a request. `message`: what follows the frame's size.
///
/// Errors if the request is not readable to its end.
pub(super) fn judge(
    message: &[u8],
    context: &Context<'_>,
    view: &View<'_>,
    scratch: &mut Scratch,
) -> Result<Judged, WireError> {
    let mut request = Request::read(message)?;
    let mut found = Found::Unvalidated;
    let mut partitions = 0usize;
    let mut answers: Vec<(usize, LocalAnswer)> = Vec::new();
    let mut tally = Tally::default();
    let (mut schemas, mut names) = (Vec::new(), Vec::new());
    let mut text_bytes = 0;
    while let Some(item) = request.next()? {
        let partition = match item {
            Item::Topic(topic) => {
                found = find(context, topic);
                if let Found::Unknown(id) = found {
                    names.push(id);
                }
                continue;
            }
            Item::Partition(partition) => partition,
        };
        let place = partitions;
        partitions += 1;
        if partitions > context.limits.produce_partitions {
            return Ok(Judged::TooManyPartitions);
        }
        let verdict = match found {
            Found::Rules(rules) => judge_batch(rules, partition.records, context, view, scratch, &mut tally),
            Found::Unvalidated | Found::Unknown(_) => Verdict::Forward,
            Found::NoSuchId => Verdict::Answer(LocalAnswer {
                error: ErrorCode::UNKNOWN_TOPIC_ID,
                records: Vec::new(),
                message: None,
            }),
        };
        match verdict {
            Verdict::Forward => {}
            Verdict::Need(identifiers) if schemas.len() < context.limits.batch.lookups => {
                schemas.extend(identifiers)
            }
            // Asked about after those.
            Verdict::Need(_) => {}
            Verdict::Answer(mut answer) => {
                text_bytes += answer.records.iter().map(|record| record.message.len() + 16).sum::<usize>();
                if text_bytes > TEXT_BYTES {
                    answer.records = Vec::new();
                }
                answers.push((place, answer));
            }
        }
    }
    if !names.is_empty() {
        return Ok(Judged::NeedNames(names));
    }
    if !schemas.is_empty() {
        schemas.sort_unstable_by_key(|identifier| match identifier {
            Identifier::Id(id) => (0, i128::from(id.0)),
            Identifier::Guid(guid) => (1, i128::from_be_bytes(guid.0)),
        });
        schemas.dedup();
        return Ok(Judged::NeedSchemas(schemas));
    }
    tally.count(context.metrics);
    let acks = request.acks;
    if answers.is_empty() {
        return Ok(Judged::Done(Judgement::Pass { acks }));
    }
    Ok(Judged::Done(Judgement::Mixed(Mixed { acks, plan: plan(message, answers)? })))
}

/// What becomes of one partition.
enum Verdict {
    Forward,
    Answer(LocalAnswer),
    Need(Vec<Identifier>),
}

fn judge_batch(
    rules: &TopicRules,
    records: &[u8],
    context: &Context<'_>,
    view: &View<'_>,
    scratch: &mut Scratch,
    tally: &mut Tally,
) -> Verdict {
    view.begin();
    match validate_batch(rules, view, records, &context.limits.batch, scratch) {
        Outcome::Pass(stats) => {
            tally.passed += 1;
            tally.records += stats.records;
            tally.decompressed_bytes += stats.decompressed_bytes;
            Verdict::Forward
        }
        Outcome::Forward(_) => {
            tally.left_to_broker += 1;
            Verdict::Forward
        }
        Outcome::NeedLookup(identifiers) => Verdict::Need(identifiers),
        Outcome::Unavailable(_) => match context.outage {
            OutagePolicy::ClosedRetry => {
                tally.deferred += 1;
                Verdict::Answer(LocalAnswer {
                    error: ErrorCode::NOT_ENOUGH_REPLICAS,
                    records: Vec::new(),
                    message: Some(
                        "the schema registry cannot be reached; the batch was not written".to_owned(),
                    ),
                })
            }
            OutagePolicy::ClosedReject => {
                tally.rejected += 1;
                Verdict::Answer(LocalAnswer {
                    error: ErrorCode::INVALID_RECORD,
                    records: Vec::new(),
                    message: Some("the schema registry cannot be reached; the batch is refused".to_owned()),
                })
            }
            OutagePolicy::Open => {
                tally.waved_through += 1;
                Verdict::Forward
            }
        },
        Outcome::Reject(report) => {
            // A subject may have been given the schema after the registry was asked.
            if report.reasons.count(Reason::WrongSubject) > 0 {
                let older = view.older();
                if !older.is_empty() {
                    return Verdict::Need(older);
                }
            }
            tally.reject(&report);
            Verdict::Answer(refusal(*report))
        }
    }
}

fn refusal(report: Report) -> LocalAnswer {
    let records = report.records.into_iter();
    LocalAnswer {
        error: ErrorCode::INVALID_RECORD,
        records: records
            .map(|record| RecordMessage { index: record.index, message: record.message })
            .collect(),
        message: Some(report.message),
    }
}

/// Puts the answers into their places among everything that was asked for.
fn plan(message: &[u8], answers: Vec<(usize, LocalAnswer)>) -> Result<Plan, WireError> {
    let mut answers = answers.into_iter().peekable();
    let mut request = Request::read(message)?;
    let mut topics: Vec<(OwnedTopic, Vec<PlannedPartition>)> = Vec::new();
    let mut place = 0;
    while let Some(item) = request.next()? {
        match item {
            Item::Topic(topic) => topics.push((topic.to_owned(), Vec::new())),
            Item::Partition(partition) => {
                let local =
                    answers.next_if(|(answered, _)| *answered == place).map(|(_, answer)| Box::new(answer));
                place += 1;
                if let Some((_, partitions)) = topics.last_mut() {
                    partitions.push(PlannedPartition { index: partition.index, local });
                }
            }
        }
    }
    Ok(Plan { topics })
}

/// What is counted once a request is judged to its end.
#[derive(Default)]
struct Tally {
    passed: u64,
    left_to_broker: u64,
    rejected: u64,
    deferred: u64,
    waved_through: u64,
    records: u64,
    decompressed_bytes: u64,
    reasons: Vec<(Reason, u64)>,
}

impl Tally {
    fn reject(&mut self, report: &Report) {
        self.rejected += 1;
        self.decompressed_bytes += report.stats.decompressed_bytes;
        self.reasons.extend(report.reasons.iter());
    }

    fn count(&self, metrics: &Metrics) {
        for (counter, count) in [
            (&metrics.passed, self.passed),
            (&metrics.left_to_broker, self.left_to_broker),
            (&metrics.rejected, self.rejected),
            (&metrics.deferred, self.deferred),
            (&metrics.waved_through, self.waved_through),
            (&metrics.records, self.records),
            (&metrics.decompressed_bytes, self.decompressed_bytes),
        ] {
            if count > 0 {
                counter.increment(count);
            }
        }
        for (reason, count) in &self.reasons {
            if let Some(counter) = metrics.reason(*reason) {
                counter.increment(*count);
            }
        }
    }
}
