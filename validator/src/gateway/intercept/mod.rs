//! Topic settings in the admin APIs (broker validation spec §17.4).
//!
//! What the gateway owns is taken out of a request; the rest goes on with the same resources, even if a resource has
//! nothing left, so that the broker decides about existence and authorization. Only where the broker agrees do the
//! owned settings take effect. A value that is not allowed is refused before anything is forwarded.

mod complete;
mod intent;

use std::collections::HashSet;

use super::Shared;
use super::settings::{OwnedKey, TopicSettings};
use crate::wire::client::Topics;
use crate::wire::configs::{
    APPEND, DELETE, Entry, Kept, Request, Resource, Response, SET, SUBTRACT, TOPIC, Written,
};
use crate::wire::{ErrorCode, WireError, api};
use intent::Intents;

/// Asked for in place of owned settings: an empty list would mean all of them.
const HARMLESS: &str = "retention.ms";

/// What to do with a request.
pub(super) enum Decision {
    /// Answer with this frame; the broker is not asked.
    Answer(Vec<u8>),
    /// Forward this frame, then [complete](AdminPlan::complete) the answer.
    Forward {
        /// What is left to do.
        plan: AdminPlan,
        /// The frame.
        frame: Vec<u8>,
    },
}

/// What is to be done when the broker has answered.
#[derive(Debug)]
pub(super) struct AdminPlan {
    api_key: i16,
    version: i16,
    correlation_id: i32,
    validate_only: bool,
    synonyms: bool,
    documentation: bool,
    resources: Vec<Planned>,
    intents: Option<Intents>,
}

#[derive(Debug)]
struct Planned {
    kind: i8,
    name: String,
    then: Step,
}

/// What is to be done about one resource.
#[derive(Debug)]
enum Step {
    /// It was not forwarded.
    Refuse { error: ErrorCode, message: String },
    /// Nothing of ours.
    Nothing,
    /// Store settings of a new topic; tell of them.
    Create(TopicSettings),
    /// Change settings. `replace`: those not named go back to their defaults.
    Alter { changes: Vec<(OwnedKey, Option<String>)>, replace: bool },
    /// Tell of these. `extra`: take out what was asked for in their place.
    Describe { keys: Vec<OwnedKey>, extra: bool },
}

/// Decides about a request. `message`: what follows the frame's size.
pub(super) fn read(message: &[u8]) -> Result<Decision, WireError> {
    let request = Request::read(message)?;
    let api_key = request.header.api_key;
    let mut repeated = HashSet::new();
    let mut seen = HashSet::new();
    for resource in &request.resources {
        if !seen.insert((resource.kind, resource.name)) {
            repeated.insert((resource.kind, resource.name));
        }
    }
    let mut resources = Vec::with_capacity(request.resources.len());
    for resource in &request.resources {
        // A broker refuses a resource that is named twice, so nothing of ours takes effect either.
        let step = if resource.kind != TOPIC || repeated.contains(&(resource.kind, resource.name)) {
            if api_key == api::DESCRIBE_CONFIGS && resource.kind == TOPIC {
                describe(resource)
            } else {
                Step::Nothing
            }
        } else {
            match api_key {
                api::CREATE_TOPICS => create(resource),
                api::DESCRIBE_CONFIGS => describe(resource),
                api::ALTER_CONFIGS => replace(resource),
                _ => alter(resource),
            }
        };
        resources.push(Planned { kind: resource.kind, name: resource.name.to_owned(), then: step });
    }
    let plan = AdminPlan {
        api_key,
        version: request.header.version,
        correlation_id: request.header.correlation_id,
        validate_only: request.validate_only,
        synonyms: request.synonyms,
        documentation: request.documentation,
        resources,
        intents: None,
    };
    let kept: Vec<Kept<'_>> = request.resources.iter().zip(&plan.resources).filter_map(kept).collect();
    if kept.is_empty() && !plan.resources.is_empty() {
        let nothing = Response::empty(plan.correlation_id, api_key, plan.version);
        let refusals: Vec<Written<'_>> = plan.resources.iter().filter_map(Planned::refusal).collect();
        return Ok(Decision::Answer(nothing.encode(&refusals)));
    }
    let frame = request.encode(kept.into_iter());
    Ok(Decision::Forward { plan, frame })
}

impl AdminPlan {
    /// What the response must repeat.
    pub(super) fn correlation_id(&self) -> i32 {
        self.correlation_id
    }

    /// Does what must be done before the request is forwarded: settings of topics that are about to be created hold
    /// from their first moment on.
    ///
    /// A topic that exists already is left out: the broker will refuse to create it, and its records must not be
    /// judged by what somebody else wished for it.
    pub(super) async fn prepare(&mut self, shared: &std::sync::Arc<Shared>) {
        if self.validate_only {
            return;
        }
        let mut wished: Vec<(&str, &TopicSettings)> = Vec::new();
        for planned in &self.resources {
            if let Step::Create(settings) = &planned.then
                && !settings.is_empty()
            {
                wished.push((&planned.name, settings));
            }
        }
        if wished.is_empty() {
            return;
        }
        let names: Vec<&str> = wished.iter().map(|(name, _)| *name).collect();
        let existing: HashSet<String> = match shared.cluster.metadata(Topics::Names(&names)).await {
            Ok(metadata) => metadata
                .topics
                .into_iter()
                .filter(|topic| topic.error.is_none())
                .map(|topic| topic.name)
                .collect(),
            Err(_) => HashSet::new(),
        };
        let new = wished.into_iter().filter(|(name, _)| !existing.contains(*name));
        let new = new.map(|(name, settings)| (name.to_owned(), settings.clone())).collect();
        self.intents = Some(Intents::declare(shared, new));
    }
}

impl Planned {
    fn refusal(&self) -> Option<Written<'_>> {
        match &self.then {
            Step::Refuse { error, message } => Some(Written::Refused {
                kind: self.kind,
                name: &self.name,
                error: *error,
                message: message.clone(),
            }),
            _ => None,
        }
    }
}

/// A resource as it goes on, unless it is refused: without what we own.
fn kept<'k>((resource, planned): (&'k Resource<'k>, &Planned)) -> Option<Kept<'k>> {
    let strip = || {
        let entries = resource.entries.as_ref()?;
        Some(entries.iter().filter(|entry| OwnedKey::parse(entry.name).is_none()).copied().collect())
    };
    match &planned.then {
        Step::Refuse { .. } => None,
        Step::Nothing if resource.kind != TOPIC => {
            Some(Kept { resource, entries: resource.entries.clone(), extra: None })
        }
        Step::Describe { extra: true, .. } => {
            Some(Kept { resource, entries: strip(), extra: Some(HARMLESS) })
        }
        _ => Some(Kept { resource, entries: strip(), extra: None }),
    }
}

fn owned<'r>(resource: &'r Resource<'_>) -> impl Iterator<Item = (OwnedKey, Entry<'r>)> {
    let entries = resource.entries.iter().flatten();
    entries.filter_map(|entry| Some((OwnedKey::parse(entry.name)?, *entry)))
}

fn refuse(error: ErrorCode, message: impl Into<String>) -> Step {
    Step::Refuse { error, message: message.into() }
}

/// CreateTopics: of a setting that occurs twice the last one counts, as with a broker.
fn create(resource: &Resource<'_>) -> Step {
    let mut settings = TopicSettings::default();
    for (key, entry) in owned(resource) {
        let Some(value) = entry.value else {
            let message = format!("Null value not supported for topic configs: {}", key.name());
            return refuse(ErrorCode::INVALID_CONFIG, message);
        };
        if let Err(message) = key.check(value) {
            return refuse(ErrorCode::INVALID_CONFIG, message);
        }
        settings.set(key, Some(value));
    }
    Step::Create(settings)
}

/// AlterConfigs: the whole set is replaced.
fn replace(resource: &Resource<'_>) -> Step {
    let mut changes: Vec<(OwnedKey, Option<String>)> = Vec::new();
    for (key, entry) in owned(resource) {
        if changes.iter().any(|(other, _)| *other == key) {
            return refuse(ErrorCode::INVALID_REQUEST, "Error due to duplicate config keys");
        }
        let Some(value) = entry.value else {
            return refuse(
                ErrorCode::INVALID_REQUEST,
                format!("Null value not supported for : {}", key.name()),
            );
        };
        if let Err(message) = key.check(value) {
            return refuse(ErrorCode::INVALID_CONFIG, message);
        }
        changes.push((key, Some(value.to_owned())));
    }
    Step::Alter { changes, replace: true }
}

/// IncrementalAlterConfigs.
fn alter(resource: &Resource<'_>) -> Step {
    let mut changes: Vec<(OwnedKey, Option<String>)> = Vec::new();
    for (key, entry) in owned(resource) {
        if changes.iter().any(|(other, _)| *other == key) {
            return refuse(ErrorCode::INVALID_REQUEST, "Error due to duplicate config keys");
        }
        let name = key.name();
        let change = match (entry.operation, entry.value) {
            (DELETE, _) => None,
            (SET, Some(value)) => {
                if let Err(message) = key.check(value) {
                    return refuse(ErrorCode::INVALID_CONFIG, message);
                }
                Some(value.to_owned())
            }
            (SET | APPEND | SUBTRACT, None) => {
                return refuse(ErrorCode::INVALID_REQUEST, format!("Null value not supported for : {name}"));
            }
            (APPEND | SUBTRACT, Some(_)) => {
                let message =
                    format!("Config value append and subtract are not allowed for config {name}: not a list");
                return refuse(ErrorCode::INVALID_CONFIG, message);
            }
            (operation, _) => {
                let message = format!("Unknown operation type {operation} for config {name}");
                return refuse(ErrorCode::INVALID_REQUEST, message);
            }
        };
        changes.push((key, change));
    }
    Step::Alter { changes, replace: false }
}

/// DescribeConfigs: no list, and an empty one, ask for everything.
fn describe(resource: &Resource<'_>) -> Step {
    let asked = resource.entries.as_deref().unwrap_or_default();
    if asked.is_empty() {
        return Step::Describe { keys: OwnedKey::ALL.to_vec(), extra: false };
    }
    let keys: Vec<OwnedKey> =
        OwnedKey::ALL.into_iter().filter(|key| asked.iter().any(|entry| entry.name == key.name())).collect();
    let extra = asked.iter().all(|entry| OwnedKey::parse(entry.name).is_some());
    Step::Describe { keys, extra }
}
