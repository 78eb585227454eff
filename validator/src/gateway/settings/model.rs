//! The topic settings that brokers do not know and a gateway keeps (broker validation spec §2.1, §17.2).

use std::fmt::Write as _;
use std::sync::Arc;

use muster_schema::SubjectNameStrategy;

use crate::engine::{FramingPolicy, Level, SideRules, TopicRules};

/// A setting the gateway owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum OwnedKey {
    /// `confluent.key.schema.validation`
    KeyValidation,
    /// `confluent.value.schema.validation`
    ValueValidation,
    /// `confluent.key.subject.name.strategy`
    KeyStrategy,
    /// `confluent.value.subject.name.strategy`
    ValueStrategy,
    /// `muster.validation.level`
    Level,
    /// `muster.validation.framing`
    Framing,
}

const TRUE: &str = "true";
const FALSE: &str = "false";
const ID: &str = "id";
const PAYLOAD: &str = "payload";
const PREFIX: &str = "prefix";
const HEADER: &str = "header";
const EITHER: &str = "either";
/// Config types of DescribeConfigs (KIP-569).
const BOOLEAN: i8 = 1;
const STRING: i8 = 2;
const CLASS: i8 = 8;

impl OwnedKey {
    /// Every setting, in the order of the enum.
    pub(crate) const ALL: [Self; 6] = [
        Self::KeyValidation,
        Self::ValueValidation,
        Self::KeyStrategy,
        Self::ValueStrategy,
        Self::Level,
        Self::Framing,
    ];

    /// The setting of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KeyValidation => "confluent.key.schema.validation",
            Self::ValueValidation => "confluent.value.schema.validation",
            Self::KeyStrategy => "confluent.key.subject.name.strategy",
            Self::ValueStrategy => "confluent.value.subject.name.strategy",
            Self::Level => "muster.validation.level",
            Self::Framing => "muster.validation.framing",
        }
    }

    /// The value where none is set.
    pub(crate) fn default_value(self) -> &'static str {
        match self {
            Self::KeyValidation | Self::ValueValidation => FALSE,
            Self::KeyStrategy | Self::ValueStrategy => SubjectNameStrategy::TopicName.class_name(),
            Self::Level => ID,
            Self::Framing => PREFIX,
        }
    }

    /// Its type in DescribeConfigs.
    pub(crate) fn config_type(self) -> i8 {
        match self {
            Self::KeyValidation | Self::ValueValidation => BOOLEAN,
            Self::KeyStrategy | Self::ValueStrategy => CLASS,
            Self::Level | Self::Framing => STRING,
        }
    }

    /// What it is for.
    pub(crate) fn documentation(self) -> &'static str {
        match self {
            Self::KeyValidation => {
                "Refuse batches with a record key whose schema id is not registered for this topic."
            }
            Self::ValueValidation => {
                "Refuse batches with a record value whose schema id is not registered for this topic."
            }
            Self::KeyStrategy => "How the subject of record keys follows from topic and schema.",
            Self::ValueStrategy => "How the subject of record values follows from topic and schema.",
            Self::Level => {
                "How much of a record is looked at where validation is on: its schema id, or its payload as well."
            }
            Self::Framing => {
                "Where the schema id of a record is looked for: in front of its bytes, in a record header, or either."
            }
        }
    }

    /// Why `value` is not one of those allowed, if it is not.
    pub(crate) fn check(self, value: &str) -> Result<(), String> {
        let name = self.name();
        match self {
            Self::KeyValidation | Self::ValueValidation => match boolean(value) {
                Some(_) => Ok(()),
                None => {
                    Err(format!("Invalid value {value:.100} for configuration {name}: use true or false"))
                }
            },
            Self::KeyStrategy | Self::ValueStrategy => match value.parse::<SubjectNameStrategy>() {
                Ok(_) => Ok(()),
                Err(_) => Err(format!(
                    "Invalid value {value:.100} for configuration {name}: use TopicNameStrategy, RecordNameStrategy \
                     or TopicRecordNameStrategy, or its class name"
                )),
            },
            Self::Level => match level(value) {
                Some(_) => Ok(()),
                None => {
                    Err(format!("Invalid value {value:.100} for configuration {name}: use {ID} or {PAYLOAD}"))
                }
            },
            Self::Framing => match framing(value) {
                Some(_) => Ok(()),
                None => Err(format!(
                    "Invalid value {value:.100} for configuration {name}: use {PREFIX}, {HEADER} or {EITHER}"
                )),
            },
        }
    }

    fn index(self) -> usize {
        match self {
            Self::KeyValidation => 0,
            Self::ValueValidation => 1,
            Self::KeyStrategy => 2,
            Self::ValueStrategy => 3,
            Self::Level => 4,
            Self::Framing => 5,
        }
    }
}

/// Booleans as Kafka reads them: any case, spaces around allowed.
fn boolean(value: &str) -> Option<bool> {
    one_of(value, [(TRUE, true), (FALSE, false)])
}

/// Levels in any case, spaces around allowed.
fn level(value: &str) -> Option<Level> {
    one_of(value, [(ID, Level::Id), (PAYLOAD, Level::Payload)])
}

/// Places of the schema id in any case, spaces around allowed.
fn framing(value: &str) -> Option<FramingPolicy> {
    let known =
        [(PREFIX, FramingPolicy::Prefix), (HEADER, FramingPolicy::Header), (EITHER, FramingPolicy::Either)];
    one_of(value, known)
}

fn one_of<T, const N: usize>(value: &str, known: [(&str, T); N]) -> Option<T> {
    let value = value.trim();
    known.into_iter().find(|(word, _)| value.eq_ignore_ascii_case(word)).map(|(_, meaning)| meaning)
}

/// What is set for one topic. Values are kept as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TopicSettings {
    values: [Option<Arc<str>>; OwnedKey::ALL.len()],
}

impl TopicSettings {
    /// The value set, if one is.
    pub(crate) fn get(&self, key: OwnedKey) -> Option<&str> {
        self.values.get(key.index())?.as_deref()
    }

    /// Sets a value, or goes back to the default.
    pub(crate) fn set(&mut self, key: OwnedKey, value: Option<&str>) {
        if let Some(slot) = self.values.get_mut(key.index()) {
            *slot = value.map(Into::into);
        }
    }

    /// Whether nothing is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// What follows for the records of `topic`.
    pub(crate) fn rules(&self, topic: &str) -> TopicRules {
        let level = self.get(OwnedKey::Level).and_then(level).unwrap_or_default();
        let framing = self.get(OwnedKey::Framing).and_then(framing).unwrap_or_default();
        let side = |validation, strategy| {
            let validates = self.get(validation).and_then(boolean).unwrap_or(false);
            let strategy = self.get(strategy).and_then(|value| value.parse().ok()).unwrap_or_default();
            validates.then(|| SideRules { strategy, level, framing, ..SideRules::default() })
        };
        let mut rules = TopicRules::new(topic);
        if let Some(key) = side(OwnedKey::KeyValidation, OwnedKey::KeyStrategy) {
            rules = rules.with_key(key);
        }
        if let Some(value) = side(OwnedKey::ValueValidation, OwnedKey::ValueStrategy) {
            rules = rules.with_value(value);
        }
        rules
    }

    /// The form in the settings topic: a line `name=value` each.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        for key in OwnedKey::ALL {
            if let Some(value) = self.get(key) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{}={}", key.name(), value.trim());
            }
        }
        text
    }

    /// Reads that form. Lines that mean nothing here, or hold a value that is not allowed, are passed over: a later
    /// release may have written them.
    pub(crate) fn decode(text: &str) -> Self {
        let mut settings = Self::default();
        for line in text.lines() {
            if let Some((name, value)) = line.split_once('=')
                && let Some(key) = OwnedKey::parse(name)
                && key.check(value).is_ok()
            {
                settings.set(key, Some(value));
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use muster_schema::Side;

    use super::*;

    #[test]
    fn values_are_checked() {
        let cases = [
            (OwnedKey::ValueValidation, "true", true),
            (OwnedKey::ValueValidation, "FALSE", true),
            (OwnedKey::KeyValidation, " True ", true),
            (OwnedKey::KeyValidation, "maybe", false),
            (OwnedKey::KeyValidation, "", false),
            (OwnedKey::KeyValidation, "1", false),
            (OwnedKey::KeyStrategy, "RecordNameStrategy", true),
            (OwnedKey::KeyStrategy, "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy", true),
            (OwnedKey::KeyStrategy, "recordnamestrategy", false),
            (OwnedKey::ValueStrategy, "com.example.Own", false),
            (OwnedKey::ValueStrategy, "", false),
            (OwnedKey::Level, "payload", true),
            (OwnedKey::Level, " ID ", true),
            (OwnedKey::Level, "all", false),
            (OwnedKey::Framing, "prefix", true),
            (OwnedKey::Framing, " Either", true),
            (OwnedKey::Framing, "HEADER", true),
            (OwnedKey::Framing, "require-one-of", false),
        ];
        for (key, value, allowed) in cases {
            assert_eq!(key.check(value).is_ok(), allowed, "{key:?} {value:?}");
        }
    }

    #[test]
    fn rules_follow_from_the_settings() {
        let mut settings = TopicSettings::default();
        assert!(!settings.rules("t").validates());
        settings.set(OwnedKey::ValueStrategy, Some("RecordNameStrategy"));
        assert!(!settings.rules("t").validates(), "a strategy alone switches nothing on");
        settings.set(OwnedKey::ValueValidation, Some("TRUE"));
        let rules = settings.rules("t");
        assert_eq!(rules.side(Side::Value).unwrap().strategy, SubjectNameStrategy::RecordName);
        assert_eq!(rules.side(Side::Value).unwrap().level, Level::Id);
        settings.set(OwnedKey::Level, Some("Payload"));
        settings.set(OwnedKey::Framing, Some("either"));
        let side = *settings.rules("t").side(Side::Value).unwrap();
        assert_eq!((side.level, side.framing), (Level::Payload, FramingPolicy::Either));
        assert_eq!(rules.side(Side::Value).unwrap().framing, FramingPolicy::Prefix);
        assert!(rules.side(Side::Key).is_none());
        settings.set(OwnedKey::ValueValidation, Some("false"));
        settings.set(OwnedKey::KeyValidation, Some("true"));
        let rules = settings.rules("t");
        assert!(rules.side(Side::Value).is_none());
        assert_eq!(rules.side(Side::Key).unwrap().strategy, SubjectNameStrategy::TopicName);
    }

    #[test]
    fn settings_read_back_and_tolerate_what_is_new() {
        let mut settings = TopicSettings::default();
        settings.set(OwnedKey::KeyValidation, Some("true"));
        settings.set(OwnedKey::ValueStrategy, Some("TopicRecordNameStrategy"));
        assert_eq!(TopicSettings::decode(&settings.encode()), settings);
        let newer = format!(
            "muster.validation.limit=7\n{}confluent.value.schema.validation=maybe\nnonsense\n",
            settings.encode()
        );
        assert_eq!(TopicSettings::decode(&newer), settings);
        settings.set(OwnedKey::KeyValidation, None);
        settings.set(OwnedKey::ValueStrategy, None);
        assert!(settings.is_empty());
        assert_eq!(settings.encode(), "");
    }
}
