//! Requests that carry topic settings.

use super::{SET, TOPIC};
use crate::wire::{Reader, RequestHeader, WireError, Writer, api};

/// One setting of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What to do with it: [`SET`] unless the API is IncrementalAlterConfigs.
    pub operation: i8,
    /// Its value; none in DescribeConfigs.
    pub value: Option<&'a str>,
    raw: &'a [u8],
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// Its type; [`TOPIC`] in CreateTopics.
    pub kind: i8,
    /// Its name.
    pub name: &'a str,
    /// Its settings; `None` (DescribeConfigs only) asks for all of them.
    pub entries: Option<Vec<Entry<'a>>>,
    head: &'a [u8],
    tags: &'a [u8],
}

/// A request of one of the four APIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The header.
    pub header: RequestHeader<'a>,
    /// The resources, in order.
    pub resources: Vec<Resource<'a>>,
    /// Nothing is to be changed. Not in DescribeConfigs.
    pub validate_only: bool,
    /// Synonyms are asked for. DescribeConfigs only.
    pub synonyms: bool,
    /// Documentation is asked for. DescribeConfigs only.
    pub documentation: bool,
    head: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads a request. `message`: what follows the frame's size.
    pub fn read(message: &'a [u8]) -> Result<Self, WireError> {
        let (header, mut reader) = RequestHeader::read(message)?;
        let (key, version) = (header.api_key, header.version);
        if !api::find(key).is_some_and(|api| api.admits(version)) {
            return Err(WireError::UnsupportedVersion);
        }
        let head = reader.since(0);
        let mut resources = Vec::new();
        for _ in 0..reader.array(3)? {
            resources.push(resource(&mut reader, key)?);
        }
        let tail_at = reader.at();
        let (mut validate_only, mut synonyms, mut documentation) = (false, false, false);
        match key {
            api::CREATE_TOPICS => {
                reader.i32()?;
                validate_only = reader.bool()?;
            }
            api::DESCRIBE_CONFIGS => {
                synonyms = reader.bool()?;
                documentation = version >= 3 && reader.bool()?;
            }
            _ => validate_only = reader.bool()?,
        }
        reader.skip_tags()?;
        reader.finish()?;
        Ok(Self {
            header,
            resources,
            validate_only,
            synonyms,
            documentation,
            head,
            tail: reader.since(tail_at),
        })
    }

    /// The request with other resources and settings. Answers a whole frame.
    ///
    /// `kept`: for each resource to keep, in order: which it is, its settings, and the name of one to ask for besides
    /// (DescribeConfigs only).
    pub fn encode<'k>(&self, kept: impl ExactSizeIterator<Item = Kept<'k>>) -> Vec<u8>
    where
        'a: 'k,
    {
        let flexible = api::find(self.header.api_key).is_some_and(|api| api.is_flexible(self.header.version));
        let mut writer = Writer::new(flexible);
        writer.i32(0);
        writer.raw(self.head);
        writer.array(kept.len());
        for Kept { resource, entries, extra } in kept {
            writer.raw(resource.head);
            match entries {
                None => writer.null_array(),
                Some(entries) => {
                    writer.array(entries.len() + usize::from(extra.is_some()));
                    for entry in entries {
                        writer.raw(entry.raw);
                    }
                    if let Some(name) = extra {
                        writer.string(name);
                    }
                }
            }
            writer.raw(resource.tags);
        }
        writer.raw(self.tail);
        writer.into_frame()
    }
}

/// A resource as it goes on to the broker.
#[derive(Clone, Debug)]
pub struct Kept<'k> {
    /// The resource.
    pub resource: &'k Resource<'k>,
    /// Its settings; `None` is null.
    pub entries: Option<Vec<Entry<'k>>>,
    /// The name of one setting more (DescribeConfigs only).
    pub extra: Option<&'static str>,
}

fn resource<'a>(reader: &mut Reader<'a>, key: i16) -> Result<Resource<'a>, WireError> {
    let head_at = reader.at();
    let (kind, name) = if key == api::CREATE_TOPICS {
        let name = reader.string()?;
        // Partitions and replication factor, then the assignments.
        reader.take(6)?;
        for _ in 0..reader.array(5)? {
            reader.i32()?;
            for _ in 0..reader.array(4)? {
                reader.i32()?;
            }
            reader.skip_tags()?;
        }
        (TOPIC, name)
    } else {
        (reader.i8()?, reader.string()?)
    };
    let head = reader.since(head_at);
    let count = if key == api::DESCRIBE_CONFIGS { reader.nullable_array(1)? } else { Some(reader.array(2)?) };
    let entries = count
        .map(|count| {
            let mut entries = Vec::new();
            for _ in 0..count {
                entries.push(entry(reader, key)?);
            }
            Ok::<_, WireError>(entries)
        })
        .transpose()?;
    let tags_at = reader.at();
    reader.skip_tags()?;
    Ok(Resource { kind, name, entries, head, tags: reader.since(tags_at) })
}

fn entry<'a>(reader: &mut Reader<'a>, key: i16) -> Result<Entry<'a>, WireError> {
    let start = reader.at();
    let name = reader.string()?;
    let (mut operation, mut value) = (SET, None);
    if key != api::DESCRIBE_CONFIGS {
        if key == api::INCREMENTAL_ALTER_CONFIGS {
            operation = reader.i8()?;
        }
        value = reader.nullable_string()?;
        reader.skip_tags()?;
    }
    Ok(Entry { name, operation, value, raw: reader.since(start) })
}
