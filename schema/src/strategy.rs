//! Subject name strategies: which subject a record's schema is registered under (wire format spec §4.1).

use std::fmt;
use std::str::FromStr;

/// Which part of a record a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The record key.
    Key,
    /// The record value.
    Value,
}

impl Side {
    /// `key` or `value`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the subject follows from the topic and the schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SubjectNameStrategy {
    /// `<topic>-key` or `<topic>-value`.
    #[default]
    TopicName,
    /// The record name alone.
    RecordName,
    /// `<topic>-<record name>`.
    TopicRecordName,
}

/// The text names no strategy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown subject name strategy {0:?}: use TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy"
)]
pub struct UnknownStrategy(pub String);

const CLASS_PREFIX: &str = "io.confluent.kafka.serializers.subject.";

impl SubjectNameStrategy {
    /// Every strategy.
    pub const ALL: [Self; 3] = [Self::TopicName, Self::RecordName, Self::TopicRecordName];

    /// The Java class name that topic settings use.
    pub fn class_name(self) -> &'static str {
        match self {
            Self::TopicName => "io.confluent.kafka.serializers.subject.TopicNameStrategy",
            Self::RecordName => "io.confluent.kafka.serializers.subject.RecordNameStrategy",
            Self::TopicRecordName => "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
        }
    }

    /// Whether the subject depends on the schema.
    pub fn uses_schema(self) -> bool {
        self != Self::TopicName
    }

    /// The subject for `topic`, or `None` if the strategy needs a record name and there is none.
    pub fn subject(self, topic: &str, side: Side, record_name: Option<&str>) -> Option<String> {
        match self {
            Self::TopicName => Some(format!("{topic}-{side}")),
            Self::RecordName => record_name.map(str::to_owned),
            Self::TopicRecordName => record_name.map(|name| format!("{topic}-{name}")),
        }
    }
}

impl FromStr for SubjectNameStrategy {
    type Err = UnknownStrategy;

    /// Reads the short name or the Java class name, case-sensitive.
    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        let short = text.strip_prefix(CLASS_PREFIX).unwrap_or(text);
        match short {
            "TopicNameStrategy" => Ok(Self::TopicName),
            "RecordNameStrategy" => Ok(Self::RecordName),
            "TopicRecordNameStrategy" => Ok(Self::TopicRecordName),
            _ => Err(UnknownStrategy(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_follows_the_strategy() {
        use SubjectNameStrategy as S;
        let cases = [
            (S::TopicName, Side::Key, None, Some("orders-key")),
            (S::TopicName, Side::Value, Some("a.B"), Some("orders-value")),
            (S::RecordName, Side::Value, Some("a.B"), Some("a.B")),
            (S::RecordName, Side::Value, None, None),
            (S::TopicRecordName, Side::Key, Some("a.B"), Some("orders-a.B")),
            (S::TopicRecordName, Side::Key, None, None),
        ];
        for (strategy, side, name, expected) in cases {
            assert_eq!(
                strategy.subject("orders", side, name).as_deref(),
                expected,
                "{strategy:?} {side} {name:?}"
            );
        }
    }

    #[test]
    fn names_are_read_short_and_as_classes() {
        for strategy in SubjectNameStrategy::ALL {
            assert_eq!(strategy.class_name().parse(), Ok(strategy));
            assert_eq!(strategy.class_name().strip_prefix(CLASS_PREFIX).unwrap().parse(), Ok(strategy));
        }
        for text in ["", "topicnamestrategy", "TopicNameStrategy ", "com.example.TopicNameStrategy"] {
            assert!(text.parse::<SubjectNameStrategy>().is_err(), "{text}");
        }
    }
}
