//! Responses that carry topic settings.

use super::TOPIC;
use crate::wire::{ErrorCode, NO_TOPIC_ID, Reader, TopicId, WireError, Writer, api, response_body};

/// What the broker answers about one resource, or what is answered in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The error.
    pub error: ErrorCode,
    /// The type of the resource; [`TOPIC`] in CreateTopics.
    pub kind: i8,
    /// Its name.
    pub name: &'a str,
    /// The id of the created topic, in CreateTopics from version 7 on.
    pub topic_id: TopicId,
    /// Settings by name, where the API answers them.
    pub configs: Option<Vec<(&'a str, &'a [u8])>>,
    head: &'a [u8],
    tags: &'a [u8],
}

/// One setting that a gateway adds to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConfig<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
    /// Where the value comes from: 1 the topic, 5 the default.
    pub source: i8,
    /// Its type: 1 boolean, 8 class. Written from version 3 on.
    pub config_type: i8,
    /// What it is for. Written from version 3 on.
    pub documentation: Option<&'a str>,
    /// The values it has had a say in, the effective one first.
    pub synonyms: Vec<Synonym<'a>>,
}

/// One of the places a value may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym<'a> {
    /// The value there.
    pub value: &'a str,
    /// The place: 1 the topic, 5 the default.
    pub source: i8,
}

/// A response of one of the four APIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// What it answers to.
    pub correlation_id: i32,
    /// One answer per resource, in the broker's order.
    pub answers: Vec<Answer<'a>>,
    api_key: i16,
    version: i16,
    throttle_time_ms: i32,
    tail: &'a [u8],
}

impl<'a> Response<'a> {
    /// Reads a response. `message`: what follows the frame's size.
    pub fn read(api_key: i16, version: i16, message: &'a [u8]) -> Result<Self, WireError> {
        let (correlation_id, mut reader) = response_body(message, api_key, version)?;
        let throttle_time_ms = reader.i32()?;
        let mut answers = Vec::new();
        for _ in 0..reader.array(5)? {
            answers.push(match api_key {
                api::CREATE_TOPICS => created(&mut reader, version)?,
                api::DESCRIBE_CONFIGS => described(&mut reader, version)?,
                _ => altered(&mut reader)?,
            });
        }
        let tail_at = reader.at();
        reader.skip_tags()?;
        reader.finish()?;
        let tail = reader.since(tail_at);
        Ok(Self { correlation_id, answers, api_key, version, throttle_time_ms, tail })
    }

    /// A response without answers, to which [`encode`](Self::encode) adds refusals.
    pub fn empty(correlation_id: i32, api_key: i16, version: i16) -> Self {
        let flexible = api::find(api_key).is_some_and(|api| api.is_flexible(version));
        let tail: &[u8] = if flexible { &[0] } else { &[] };
        Self { correlation_id, answers: Vec::new(), api_key, version, throttle_time_ms: 0, tail }
    }

    /// The response, made of other answers. Answers a whole frame.
    pub fn encode(&self, answers: &[Written<'_>]) -> Vec<u8> {
        let flexible = api::find(self.api_key).is_some_and(|api| api.is_flexible(self.version));
        let mut writer = Writer::response(self.correlation_id, flexible);
        writer.i32(self.throttle_time_ms);
        writer.array(answers.len());
        for answer in answers {
            match answer {
                Written::Broker { answer, removed, added } => {
                    self.write_answer(answer, *removed, added, &mut writer)
                }
                Written::Refused { kind, name, error, message } => {
                    self.write_refusal(*kind, name, *error, message, &mut writer);
                }
            }
        }
        writer.raw(self.tail);
        writer.into_frame()
    }

    fn write_answer(
        &self,
        answer: &Answer<'_>,
        removed: Option<&str>,
        added: &[DescribedConfig<'_>],
        writer: &mut Writer,
    ) {
        writer.raw(answer.head);
        match (&answer.configs, self.has_configs()) {
            (_, false) => {}
            (None, true) => writer.null_array(),
            (Some(configs), true) => {
                let kept = configs.iter().filter(|(name, _)| removed != Some(*name));
                writer.array(kept.clone().count() + added.len());
                for (_, raw) in kept {
                    writer.raw(raw);
                }
                for config in added {
                    self.write_config(config, writer);
                }
            }
        }
        writer.raw(answer.tags);
    }

    fn has_configs(&self) -> bool {
        match self.api_key {
            api::CREATE_TOPICS => self.version >= 5,
            api::DESCRIBE_CONFIGS => true,
            _ => false,
        }
    }

    fn write_config(&self, config: &DescribedConfig<'_>, writer: &mut Writer) {
        writer.string(config.name);
        writer.string(config.value);
        // Not read-only.
        writer.bool(false);
        writer.i8(config.source);
        // Not sensitive.
        writer.bool(false);
        if self.api_key == api::DESCRIBE_CONFIGS {
            writer.array(config.synonyms.len());
            for synonym in &config.synonyms {
                writer.string(config.name);
                writer.string(synonym.value);
                writer.i8(synonym.source);
                writer.no_tags();
            }
            if self.version >= 3 {
                writer.i8(config.config_type);
                writer.nullable_string(config.documentation);
            }
        }
        writer.no_tags();
    }

    fn write_refusal(&self, kind: i8, name: &str, error: ErrorCode, message: &str, writer: &mut Writer) {
        if self.api_key == api::CREATE_TOPICS {
            writer.string(name);
            if self.version >= 7 {
                writer.uuid(NO_TOPIC_ID);
            }
            writer.i16(error.0);
            writer.string(message);
            if self.version >= 5 {
                // Partitions, replication factor and settings of a topic that is not there.
                writer.i32(-1);
                writer.i16(-1);
                writer.array(0);
            }
        } else {
            writer.i16(error.0);
            writer.string(message);
            writer.i8(kind);
            writer.string(name);
            if self.has_configs() {
                writer.array(0);
            }
        }
        writer.no_tags();
    }
}

/// One answer to write.
#[derive(Clone, Debug)]
pub enum Written<'w> {
    /// The broker's, perhaps with other settings.
    Broker {
        /// The broker's answer.
        answer: &'w Answer<'w>,
        /// The setting that only a gateway asked for.
        removed: Option<&'static str>,
        /// Settings the broker does not know.
        added: Vec<DescribedConfig<'w>>,
    },
    /// One made here.
    Refused {
        /// The type of the resource.
        kind: i8,
        /// Its name.
        name: &'w str,
        /// The code.
        error: ErrorCode,
        /// Words for people.
        message: String,
    },
}

fn created<'a>(reader: &mut Reader<'a>, version: i16) -> Result<Answer<'a>, WireError> {
    let head_at = reader.at();
    let name = reader.string()?;
    let topic_id = if version >= 7 { reader.uuid()? } else { NO_TOPIC_ID };
    let error = ErrorCode(reader.i16()?);
    reader.nullable_string()?;
    if version >= 5 {
        reader.take(6)?;
    }
    let head = reader.since(head_at);
    let configs = if version >= 5 {
        config_array(reader, |reader| {
            reader.nullable_string()?;
            reader.take(3)?;
            reader.skip_tags()
        })?
    } else {
        None
    };
    let tags_at = reader.at();
    reader.skip_tags()?;
    Ok(Answer { error, kind: TOPIC, name, topic_id, configs, head, tags: reader.since(tags_at) })
}

fn described<'a>(reader: &mut Reader<'a>, version: i16) -> Result<Answer<'a>, WireError> {
    let head_at = reader.at();
    let error = ErrorCode(reader.i16()?);
    reader.nullable_string()?;
    let kind = reader.i8()?;
    let name = reader.string()?;
    let head = reader.since(head_at);
    let configs = config_array(reader, |reader| {
        reader.nullable_string()?;
        reader.take(3)?;
        for _ in 0..reader.array(3)? {
            reader.string()?;
            reader.nullable_string()?;
            reader.i8()?;
            reader.skip_tags()?;
        }
        if version >= 3 {
            reader.i8()?;
            reader.nullable_string()?;
        }
        reader.skip_tags()
    })?;
    let tags_at = reader.at();
    reader.skip_tags()?;
    Ok(Answer { error, kind, name, topic_id: NO_TOPIC_ID, configs, head, tags: reader.since(tags_at) })
}

fn altered<'a>(reader: &mut Reader<'a>) -> Result<Answer<'a>, WireError> {
    let head_at = reader.at();
    let error = ErrorCode(reader.i16()?);
    reader.nullable_string()?;
    let kind = reader.i8()?;
    let name = reader.string()?;
    let head = reader.since(head_at);
    let tags_at = reader.at();
    reader.skip_tags()?;
    Ok(Answer { error, kind, name, topic_id: NO_TOPIC_ID, configs: None, head, tags: reader.since(tags_at) })
}

/// An array of settings, each a name and what `skip_rest` reads over.
#[expect(clippy::type_complexity, reason = "a nullable list of named slices, nothing more")]
fn config_array<'a>(
    reader: &mut Reader<'a>,
    skip_rest: impl Fn(&mut Reader<'a>) -> Result<(), WireError>,
) -> Result<Option<Vec<(&'a str, &'a [u8])>>, WireError> {
    let Some(count) = reader.nullable_array(4)? else { return Ok(None) };
    let mut configs = Vec::new();
    for _ in 0..count {
        let start = reader.at();
        let name = reader.string()?;
        skip_rest(reader)?;
        configs.push((name, reader.since(start)));
    }
    Ok(Some(configs))
}
