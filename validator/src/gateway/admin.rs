//! Topic settings as a client of a gateway sees them: what `muster topics` does.
//!
//! Ordinary Kafka requests; `bootstrap` is the address of a gateway, `HOST:PORT`, or several, separated by commas.

use std::time::Duration;

use super::cluster::Cluster;
use super::error::UpstreamError;
use super::settings::OwnedKey;
use crate::wire::client::{self, Topics};
use crate::wire::{ErrorCode, topics};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Topics asked about at a time.
const PAGE: usize = 500;
/// Where a value comes from: the topic itself.
const FROM_TOPIC: i8 = 1;

/// Why settings could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The name is not that of a setting a gateway keeps.
    #[error("unknown setting {0:?}; known are {known}", known = OwnedKey::ALL.map(OwnedKey::name).join(", "))]
    UnknownSetting(String),
    /// The gateway refuses.
    #[error("topic {topic:?}: {code}{}{}", if message.is_empty() { "" } else { ": " }, message)]
    Refused {
        /// The topic.
        topic: String,
        /// The code.
        code: ErrorCode,
        /// Its words, possibly none.
        message: String,
    },
    /// There is no such topic.
    #[error("topic {0:?} does not exist")]
    NoTopic(String),
    /// What answers knows no such settings.
    #[error("{0} is not a Muster gateway: it does not know the settings")]
    NoGateway(String),
    /// No answer, or one that cannot be read.
    #[error("cannot ask {bootstrap}")]
    Upstream {
        /// The address.
        bootstrap: String,
        /// The cause.
        #[source]
        source: UpstreamError,
    },
}

/// One setting of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name, such as `confluent.value.schema.validation`.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether that is the default, not something set on the topic.
    pub is_default: bool,
}

/// Changes settings of a topic, all or none. A setting without value goes back to its default.
///
/// Errors: [`AdminError`]; a value that is not allowed is [`Refused`](AdminError::Refused) with INVALID_CONFIG (40).
pub async fn set(
    bootstrap: &str,
    topic: &str,
    changes: &[(String, Option<String>)],
) -> Result<(), AdminError> {
    for (name, _) in changes {
        if OwnedKey::parse(name).is_none() {
            return Err(AdminError::UnknownSetting(name.clone()));
        }
    }
    // A broker would take the request too, and refuse it in other words.
    get(bootstrap, topic).await?;
    let changes: Vec<_> = changes.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    let message = call(bootstrap, client::alter_configs(topic, &changes)).await?;
    let (code, message) = client::read_alter_configs(&message).map_err(|error| failed(bootstrap, error))?;
    refused(topic, code, &message)
}

/// The settings of a topic, defaults included.
pub async fn get(bootstrap: &str, topic: &str) -> Result<Vec<Setting>, AdminError> {
    let described = describe(bootstrap, &[topic]).await?;
    described
        .into_iter()
        .next()
        .map(|(_, settings)| settings)
        .ok_or_else(|| AdminError::NoGateway(bootstrap.to_owned()))
}

/// The topics that have settings of their own, sorted, each with what is set.
pub async fn list(bootstrap: &str) -> Result<Vec<(String, Vec<Setting>)>, AdminError> {
    let message = call(bootstrap, client::metadata(Topics::All)).await?;
    let mut names: Vec<String> = Vec::new();
    let found = topics::metadata(
        client::METADATA_VERSION,
        &message,
        |_| {},
        |topic| {
            if let Some(name) = topic.name
                && !topic.is_internal
                && topic.error.is_none()
            {
                names.push(name.to_owned());
            }
        },
    );
    found.map_err(|error| failed(bootstrap, error))?;
    names.sort();
    let mut listed = Vec::new();
    for page in names.chunks(PAGE) {
        let page: Vec<&str> = page.iter().map(String::as_str).collect();
        for (topic, mut settings) in describe(bootstrap, &page).await? {
            settings.retain(|setting| !setting.is_default);
            if !settings.is_empty() {
                listed.push((topic, settings));
            }
        }
    }
    listed.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(listed)
}

async fn describe(bootstrap: &str, topics: &[&str]) -> Result<Vec<(String, Vec<Setting>)>, AdminError> {
    let keys = OwnedKey::ALL.map(OwnedKey::name);
    let message = call(bootstrap, client::describe_configs(topics, &keys)).await?;
    let described = client::read_describe_configs(&message).map_err(|error| failed(bootstrap, error))?;
    let mut found = Vec::new();
    for topic in described {
        // Deleted since it was listed.
        if topic.error == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION && topics.len() > 1 {
            continue;
        }
        refused(topic.topic, topic.error, topic.message)?;
        let settings: Vec<Setting> = topic
            .configs
            .iter()
            .map(|(name, value, source)| Setting {
                name: (*name).to_owned(),
                value: value.unwrap_or_default().to_owned(),
                is_default: *source != FROM_TOPIC,
            })
            .collect();
        if settings.len() != keys.len() {
            return Err(AdminError::NoGateway(bootstrap.to_owned()));
        }
        found.push((topic.topic.to_owned(), settings));
    }
    Ok(found)
}

async fn call(bootstrap: &str, call: client::Call) -> Result<Vec<u8>, AdminError> {
    let addresses = bootstrap.split(',').map(str::trim).filter(|address| !address.is_empty());
    let cluster = Cluster::new(addresses.map(str::to_owned).collect(), CONNECT_TIMEOUT);
    match cluster.call(call).await {
        Ok((message, _)) => Ok(message),
        Err(source) => Err(AdminError::Upstream { bootstrap: bootstrap.to_owned(), source }),
    }
}

fn failed(bootstrap: &str, error: crate::wire::WireError) -> AdminError {
    AdminError::Upstream { bootstrap: bootstrap.to_owned(), source: error.into() }
}

fn refused(topic: &str, code: ErrorCode, message: &str) -> Result<(), AdminError> {
    match code {
        ErrorCode::NONE => Ok(()),
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => Err(AdminError::NoTopic(topic.to_owned())),
        code => Err(AdminError::Refused { topic: topic.to_owned(), code, message: message.to_owned() }),
    }
}
