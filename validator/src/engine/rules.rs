//! What a topic asks of its records (broker validation spec §7.1–7.3).

use std::sync::Arc;

use muster_schema::{Side, SubjectNameStrategy};

/// Where the schema identifier of a record is looked for (broker validation spec §7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FramingPolicy {
    /// Magic byte 0 and a schema id in front of the bytes. Headers and guid prefixes do not count: what Confluent
    /// Server does.
    #[default]
    Prefix,
    /// The last record header named `__key_schema_id` or `__value_schema_id`: magic byte 0 and an id, or magic byte 1
    /// and a guid. Without it a record fails.
    Header,
    /// The header if there is one with a value, else the prefix, either kind. A header that is present but wrong
    /// fails the record.
    Either,
}

/// How far a record is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Level {
    /// The identifier and, for Protobuf, the message indexes: what Confluent Server does, and a step further.
    #[default]
    Id,
    /// The bytes behind it as well: they must decode as the schema says. An extension of ours.
    Payload,
}

/// Whether a soft-deleted version of the expected subject still counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeletedPolicy {
    /// It counts, so that deleting a version does not stop a producer.
    #[default]
    Accept,
    /// It does not.
    Reject,
}

/// What an absent key or value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NullPolicy {
    /// Fine: tombstones and keyless records pass.
    #[default]
    Pass,
    /// Without a schema id, like zero bytes.
    Reject,
}

/// What one side of a record must satisfy. The default is what Confluent Server checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SideRules {
    /// How the expected subject follows from topic and schema.
    pub strategy: SubjectNameStrategy,
    /// Where the identifier is looked for.
    pub framing: FramingPolicy,
    /// How far a record is read.
    pub level: Level,
    /// Whether soft-deleted versions count.
    pub deleted: DeletedPolicy,
    /// What an absent key or value is.
    pub null: NullPolicy,
}

/// What one topic asks of its records. Cheap to clone; built once per change of the topic's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRules {
    topic: Arc<str>,
    key: Option<SideRules>,
    value: Option<SideRules>,
    /// Subjects under the topic name strategy, so that no batch builds them again.
    key_subject: Arc<str>,
    value_subject: Arc<str>,
}

impl TopicRules {
    /// Rules for `topic` that validate neither side.
    pub fn new(topic: impl Into<Arc<str>>) -> Self {
        let topic = topic.into();
        let key_subject = format!("{topic}-{}", Side::Key).into();
        let value_subject = format!("{topic}-{}", Side::Value).into();
        Self { topic, key: None, value: None, key_subject, value_subject }
    }

    /// Validates keys.
    pub fn with_key(mut self, rules: SideRules) -> Self {
        self.key = Some(rules);
        self
    }

    /// Validates values.
    pub fn with_value(mut self, rules: SideRules) -> Self {
        self.value = Some(rules);
        self
    }

    /// The topic.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// The rules of one side; `None` means that side is not validated.
    pub fn side(&self, side: Side) -> Option<&SideRules> {
        match side {
            Side::Key => self.key.as_ref(),
            Side::Value => self.value.as_ref(),
        }
    }

    /// Whether any side is validated. If not, batches need not be looked at.
    pub fn validates(&self) -> bool {
        self.key.is_some() || self.value.is_some()
    }

    /// The subject of one side under the topic name strategy: `<topic>-key` or `<topic>-value`.
    pub fn topic_name_subject(&self, side: Side) -> &Arc<str> {
        match side {
            Side::Key => &self.key_subject,
            Side::Value => &self.value_subject,
        }
    }
}
