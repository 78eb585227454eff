//! What is done when the broker has answered an admin request.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{AdminPlan, HARMLESS, Planned, Step};
use crate::gateway::Shared;
use crate::gateway::settings::{OwnedKey, TopicSettings};
use crate::wire::client::Topics;
use crate::wire::configs::{Answer, DescribedConfig, Response, Synonym, Written};
use crate::wire::{ErrorCode, NO_TOPIC_ID, TopicId, WireError};

/// How long a broker may take to hear of a topic that another one has just told about.
const PROPAGATION: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// Places a value comes from, in DescribeConfigs.
const FROM_TOPIC: i8 = 1;
const FROM_DEFAULT: i8 = 5;

impl AdminPlan {
    /// Puts into effect what the broker agreed to, and tells the client of both sides. `message`: the broker's
    /// response, behind the frame's size. Answers a whole frame.
    pub(in crate::gateway) async fn complete(
        mut self: Box<Self>,
        shared: &Arc<Shared>,
        message: &[u8],
    ) -> Result<Vec<u8>, WireError> {
        let response = Response::read(self.api_key, self.version, message)?;
        let mut unused: Vec<Option<&Answer<'_>>> = response.answers.iter().map(Some).collect();
        let mut failures: Vec<Option<String>> = Vec::with_capacity(self.resources.len());
        let mut answers: Vec<Option<&Answer<'_>>> = Vec::with_capacity(self.resources.len());
        for planned in &self.resources {
            let fits = |answer: &&Answer<'_>| answer.kind == planned.kind && answer.name == planned.name;
            let answer =
                unused.iter_mut().find(|slot| slot.as_ref().is_some_and(fits)).and_then(Option::take);
            answers.push(answer);
            failures.push(match answer {
                Some(answer) if answer.error.is_none() && !self.validate_only => {
                    put_into_effect(shared, planned, answer).await
                }
                _ => None,
            });
        }
        if let Some(intents) = &mut self.intents {
            intents.settle();
        }

        let defaults = TopicSettings::default();
        let mut described: Vec<Option<TopicSettings>> = Vec::new();
        for planned in &self.resources {
            described.push(match &planned.then {
                Step::Create(settings) => Some(settings.clone()),
                Step::Describe { .. } => Some(shared.settings.get_by_name(&planned.name)),
                _ => None,
            });
        }
        let mut written = Vec::with_capacity(response.answers.len());
        for (((planned, answer), failure), settings) in
            self.resources.iter().zip(answers).zip(failures).zip(&described)
        {
            if let Some(refusal) = planned.refusal() {
                written.push(refusal);
                continue;
            }
            let Some(answer) = answer else { continue };
            written.push(match failure {
                Some(message) => Written::Refused {
                    kind: planned.kind,
                    name: &planned.name,
                    error: ErrorCode::REQUEST_TIMED_OUT,
                    message,
                },
                None => {
                    let settings = settings.as_ref().unwrap_or(&defaults);
                    self.written(planned, answer, settings)
                }
            });
        }
        // What the broker answers about resources that nobody named.
        let rest = unused.into_iter().flatten();
        written.extend(rest.map(|answer| Written::Broker { answer, removed: None, added: Vec::new() }));
        Ok(response.encode(&written))
    }

    fn written<'w>(
        &self,
        planned: &Planned,
        answer: &'w Answer<'w>,
        settings: &'w TopicSettings,
    ) -> Written<'w> {
        let tell = answer.error.is_none() && answer.configs.is_some();
        let (keys, removed): (&[OwnedKey], _) = match &planned.then {
            Step::Create(_) if tell => (&OwnedKey::ALL, None),
            Step::Describe { keys, extra } if tell => (keys, extra.then_some(HARMLESS)),
            _ => (&[], None),
        };
        let added = keys.iter().map(|key| self.described(*key, settings)).collect();
        Written::Broker { answer, removed, added }
    }

    fn described<'w>(&self, key: OwnedKey, settings: &'w TopicSettings) -> DescribedConfig<'w> {
        let set = settings.get(key);
        let from_default = Synonym { value: key.default_value(), source: FROM_DEFAULT };
        let (value, source) = match set {
            Some(value) => (value, FROM_TOPIC),
            None => (key.default_value(), FROM_DEFAULT),
        };
        let synonyms = match set {
            _ if !self.synonyms => Vec::new(),
            Some(value) => vec![Synonym { value, source: FROM_TOPIC }, from_default],
            None => vec![from_default],
        };
        DescribedConfig {
            name: key.name(),
            value,
            source,
            config_type: key.config_type(),
            documentation: self.documentation.then(|| key.documentation()),
            synonyms,
        }
    }
}

/// Does what the broker agreed to. Answers what went wrong, if the client must hear of it.
async fn put_into_effect(shared: &Arc<Shared>, planned: &Planned, answer: &Answer<'_>) -> Option<String> {
    match &planned.then {
        // A topic named twice is created once at most; what of ours it was to have is not known.
        Step::Nothing if answer.topic_id != NO_TOPIC_ID => {
            shared.settings.created(&planned.name, &answer.topic_id).await;
            None
        }
        Step::Create(settings) => {
            created(shared, &planned.name, answer.topic_id, settings).await;
            None
        }
        Step::Alter { changes, replace } => alter(shared, &planned.name, changes, *replace).await.err(),
        _ => None,
    }
}

/// Stores the settings of a new topic. If they cannot be stored, they are enforced all the same.
pub(super) async fn created(shared: &Arc<Shared>, name: &str, id: TopicId, settings: &TopicSettings) {
    let id = if id == NO_TOPIC_ID {
        if settings.is_empty() && shared.settings.id_of(name).is_none() {
            return;
        }
        find_id(shared, name).await
    } else {
        Some(id)
    };
    let Some(id) = id else {
        tracing::error!("a topic with settings was created and cannot be found; set them again");
        metrics::counter!("muster_gateway_settings_failures_total").increment(1);
        return;
    };
    shared.names.insert(id, name.into());
    shared.settings.created(name, &id).await;
    if settings.is_empty() {
        return;
    }
    let stored = shared.settings.change(id, name, |stored| stored.clone_from(settings)).await;
    if let Err(error) = stored {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "cannot store the settings of a new topic; they hold as long as this gateway runs, and are tried again"
        );
        metrics::counter!("muster_gateway_settings_failures_total").increment(1);
        shared.settings.hold(id, name, settings.clone());
        let (shared, name, settings) = (Arc::clone(shared), name.to_owned(), settings.clone());
        let background = Arc::clone(&shared.background);
        background.spawn(async move { store_later(&shared, id, &name, &settings).await });
    }
}

async fn store_later(shared: &Shared, id: TopicId, name: &str, settings: &TopicSettings) {
    const PAUSE: Duration = Duration::from_secs(5);
    loop {
        sleep(PAUSE).await;
        match shared.settings.store(id, name, settings).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "still cannot store settings");
            }
        }
    }
}

async fn alter(
    shared: &Shared,
    name: &str,
    changes: &[(OwnedKey, Option<String>)],
    replace: bool,
) -> Result<(), String> {
    if changes.is_empty() && (!replace || shared.settings.get_by_name(name).is_empty()) {
        return Ok(());
    }
    let Some(id) = find_id(shared, name).await else {
        return Err("the topic cannot be found; its schema validation settings are as before".to_owned());
    };
    let changed = shared.settings.change(id, name, |settings| {
        if replace {
            *settings = TopicSettings::default();
        }
        for (key, value) in changes {
            settings.set(*key, value.as_deref());
        }
    });
    changed.await.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "cannot store settings");
        metrics::counter!("muster_gateway_settings_failures_total").increment(1);
        format!("the schema validation settings could not be stored and are as before: {error}")
    })
}

/// The id of a topic that exists. The broker asked may hear of it a moment later than the one that answered.
pub(super) async fn find_id(shared: &Shared, name: &str) -> Option<TopicId> {
    let deadline = Instant::now() + PROPAGATION;
    loop {
        if let Ok(metadata) = shared.cluster.metadata(Topics::Names(&[name])).await
            && let Some(topic) = metadata.topics.first()
            && topic.id != NO_TOPIC_ID
            && !shared.settings.is_gone(&topic.id)
        {
            return Some(topic.id);
        }
        if Instant::now() >= deadline {
            return None;
        }
        sleep(POLL).await;
    }
}
