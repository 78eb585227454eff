//! The responses that name brokers (broker validation spec §18.2).
//!
//! Metadata, FindCoordinator, DescribeCluster, ShareFetch and ShareAcknowledge; Produce is in
//! [`produce`](super::produce). Everything behind the addresses is copied as it came.

use std::sync::Arc;

use super::{ErrorCode, Reader, WireError, Writer, api, response_body};

/// A broker as a broker names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// Its node id.
    pub node: i32,
    /// Its host.
    pub host: &'a str,
    /// Its port.
    pub port: i32,
}

/// What a client is told instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
}

/// Chooses what a client is told; `None` if the broker must not be named.
pub type Mapping<'m> = dyn FnMut(Endpoint<'_>) -> Option<Address> + 'm;

/// Answered for a coordinator that must not be named.
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
/// `endpoint_type` of brokers in DescribeCluster (KIP-919).
const BROKERS: i8 = 1;

/// Rewrites the addresses in a response.
///
/// `message`: what follows the frame's size. Answers a whole frame, or `None` if this API names no broker.
/// A broker that `map` does not name is left out; a coordinator it does not name is "not available".
pub fn rewrite(
    api_key: i16,
    version: i16,
    message: &[u8],
    map: &mut Mapping<'_>,
) -> Result<Option<Vec<u8>>, WireError> {
    let Some(api) = api::find(api_key) else { return Ok(None) };
    let flexible = api.is_flexible(version);
    let (correlation_id, mut reader) = response_body(message, api_key, version)?;
    let mut writer = Writer::response(correlation_id, flexible);
    match api_key {
        api::METADATA => metadata(version, &mut reader, &mut writer, map)?,
        api::FIND_COORDINATOR => coordinators(version, &mut reader, &mut writer, map)?,
        api::DESCRIBE_CLUSTER => cluster(version, &mut reader, &mut writer, map)?,
        api::SHARE_FETCH => {
            copy(&mut reader, &mut writer, |reader| share_topics(reader, true, version))?;
            endpoints(&mut reader, &mut writer, true, true, map)?;
        }
        api::SHARE_ACKNOWLEDGE => {
            copy(&mut reader, &mut writer, |reader| share_topics(reader, false, version))?;
            endpoints(&mut reader, &mut writer, true, true, map)?;
        }
        _ => return Ok(None),
    }
    writer.raw(reader.rest());
    Ok(Some(writer.into_frame()))
}

fn metadata(
    version: i16,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
    map: &mut Mapping<'_>,
) -> Result<(), WireError> {
    if version >= 3 {
        writer.i32(reader.i32()?);
    }
    endpoints(reader, writer, version >= 1, true, map)
}

/// An array of brokers: node id, host, port, rack if `racked`, then whatever `tagged` says.
pub(super) fn endpoints(
    reader: &mut Reader<'_>,
    writer: &mut Writer,
    racked: bool,
    tagged: bool,
    map: &mut Mapping<'_>,
) -> Result<(), WireError> {
    broker_array(reader, writer, map, |reader| {
        if racked {
            reader.nullable_string()?;
        }
        if tagged { reader.skip_tags() } else { Ok(()) }
    })
}

/// An array of brokers, each with what `skip_rest` reads over behind the port.
fn broker_array(
    reader: &mut Reader<'_>,
    writer: &mut Writer,
    map: &mut Mapping<'_>,
    skip_rest: impl Fn(&mut Reader<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut brokers = Vec::new();
    for _ in 0..reader.array(9)? {
        let endpoint = Endpoint { node: reader.i32()?, host: reader.string()?, port: reader.i32()? };
        let rest_at = reader.at();
        skip_rest(reader)?;
        if let Some(address) = map(endpoint) {
            brokers.push((endpoint.node, address, reader.since(rest_at)));
        }
    }
    writer.array(brokers.len());
    for (node, address, rest) in brokers {
        writer.i32(node);
        writer.string(&address.host);
        writer.i32(i32::from(address.port));
        writer.raw(rest);
    }
    Ok(())
}

fn coordinators(
    version: i16,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
    map: &mut Mapping<'_>,
) -> Result<(), WireError> {
    if version >= 1 {
        writer.i32(reader.i32()?);
    }
    if version < 4 {
        let error = reader.i16()?;
        let message = if version >= 1 { reader.nullable_string()? } else { None };
        let (node, host, port) = (reader.i32()?, reader.string()?, reader.i32()?);
        let answer = coordinator(Endpoint { node, host, port }, error, map);
        writer.i16(answer.error);
        if version >= 1 {
            writer.nullable_string(message);
        }
        answer.write_endpoint(writer);
        return Ok(());
    }
    let count = reader.array(1 + 4 + 1 + 4 + 2 + 1 + 1)?;
    writer.array(count);
    for _ in 0..count {
        let key_at = reader.at();
        reader.string()?;
        writer.raw(reader.since(key_at));
        let (node, host, port) = (reader.i32()?, reader.string()?, reader.i32()?);
        let error = reader.i16()?;
        let answer = coordinator(Endpoint { node, host, port }, error, map);
        answer.write_endpoint(writer);
        writer.i16(answer.error);
        let rest_at = reader.at();
        reader.nullable_string()?;
        reader.skip_tags()?;
        writer.raw(reader.since(rest_at));
    }
    Ok(())
}

struct Coordinator {
    node: i32,
    host: Arc<str>,
    port: i32,
    error: i16,
}

impl Coordinator {
    fn write_endpoint(&self, writer: &mut Writer) {
        writer.i32(self.node);
        writer.string(&self.host);
        writer.i32(self.port);
    }
}

/// A coordinator that is not there is written as node -1 with an empty host; it stays.
fn coordinator(endpoint: Endpoint<'_>, error: i16, map: &mut Mapping<'_>) -> Coordinator {
    if endpoint.node < 0 || endpoint.host.is_empty() {
        return Coordinator { node: endpoint.node, host: "".into(), port: endpoint.port, error };
    }
    match map(endpoint) {
        Some(address) => {
            Coordinator { node: endpoint.node, host: address.host, port: i32::from(address.port), error }
        }
        None => {
            let error = if ErrorCode(error).is_none() { COORDINATOR_NOT_AVAILABLE } else { error };
            Coordinator { node: -1, host: "".into(), port: -1, error }
        }
    }
}

fn cluster(
    version: i16,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
    map: &mut Mapping<'_>,
) -> Result<(), WireError> {
    let head_at = reader.at();
    reader.i32()?;
    reader.i16()?;
    reader.nullable_string()?;
    let endpoint_type = if version >= 1 { reader.i8()? } else { BROKERS };
    reader.string()?;
    reader.i32()?;
    writer.raw(reader.since(head_at));
    if endpoint_type != BROKERS {
        // Controllers: nobody connects to them through a gateway for brokers.
        return Ok(());
    }
    broker_array(reader, writer, map, |reader| {
        reader.nullable_string()?;
        if version >= 2 {
            reader.bool()?;
        }
        reader.skip_tags()
    })
}

/// What precedes the endpoints in ShareFetch (with records) and ShareAcknowledge responses.
fn share_topics(reader: &mut Reader<'_>, fetch: bool, version: i16) -> Result<(), WireError> {
    reader.i32()?;
    reader.i16()?;
    reader.nullable_string()?;
    if fetch || version >= 2 {
        reader.i32()?;
    }
    for _ in 0..reader.array(18)? {
        reader.uuid()?;
        for _ in 0..reader.array(17)? {
            reader.i32()?;
            reader.i16()?;
            reader.nullable_string()?;
            if fetch {
                reader.i16()?;
                reader.nullable_string()?;
            }
            // The leader is a structure of its own.
            reader.i32()?;
            reader.i32()?;
            reader.skip_tags()?;
            if fetch {
                reader.nullable_bytes()?;
                for _ in 0..reader.array(19)? {
                    reader.i64()?;
                    reader.i64()?;
                    reader.i16()?;
                    reader.skip_tags()?;
                }
            }
            reader.skip_tags()?;
        }
        reader.skip_tags()?;
    }
    Ok(())
}

/// Copies what `skip` reads over.
fn copy<'a>(
    reader: &mut Reader<'a>,
    writer: &mut Writer,
    skip: impl FnOnce(&mut Reader<'a>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let at = reader.at();
    skip(reader)?;
    writer.raw(reader.since(at));
    Ok(())
}
