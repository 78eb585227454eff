//! ApiVersions: what a gateway and the broker behind it both speak (broker validation spec §15).

use super::api::{self, Action};
use super::{ErrorCode, Reader, RequestHeader, WireError, Writer};

/// Newest version of ApiVersions that can be read here.
pub const MAX_VERSION: i16 = 4;

/// The feature that decides how transactions work (KIP-890).
const TRANSACTION_VERSION: &str = "transaction.version";

/// The versions of one API that both sides speak, or `None` if it is hidden or they have none in common.
///
/// `min`, `max`: what the broker offers.
pub fn intersect(key: i16, min: i16, max: i16) -> Option<(i16, i16)> {
    let ours = api::find(key).filter(|api| api.action != Action::Hide)?;
    // Some clients take an oldest version above 0 for a broker that knows no compression but zstd, and silently send
    // uncompressed (KAFKA-18659).
    let our_min = if key == api::PRODUCE { 0 } else { ours.min };
    let common = (min.max(our_min), max.min(ours.max));
    (common.0 <= common.1).then_some(common)
}

/// Rewrites a broker's response to what can be offered through a gateway.
///
/// `version`: of the request. A broker that does not speak it answers UNSUPPORTED_VERSION in the layout of version 0
/// (KIP-511), which is then kept. `message`: what follows the frame's size. Answers a whole frame.
///
/// Features stay as they are, unless versions that transactions of the second kind need are hidden: then
/// `transaction.version` is lowered to 1, or a client would rely on what it cannot send.
pub fn rewrite(version: i16, message: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut peek = Reader::new(message, false);
    let correlation_id = peek.i32()?;
    let error = ErrorCode(peek.i16()?);
    let version = if error == ErrorCode::UNSUPPORTED_VERSION { 0 } else { version };
    if !(0..=MAX_VERSION).contains(&version) {
        return Err(WireError::UnsupportedVersion);
    }
    let flexible = version >= 3;
    let mut reader = Reader::new(message, flexible);
    reader.take(peek.at())?;

    let mut kept = Vec::new();
    let mut lacking_transactions = false;
    for _ in 0..reader.array(6)? {
        let (key, min, max) = (reader.i16()?, reader.i16()?, reader.i16()?);
        reader.skip_tags()?;
        let common = intersect(key, min, max);
        lacking_transactions |= hides_transactions(key, max, common.map_or(-1, |(_, max)| max));
        if let Some((min, max)) = common {
            kept.push((key, min, max));
        }
    }

    let mut writer = Writer::response(correlation_id, false);
    writer.set_flexible(flexible);
    writer.i16(error.0);
    writer.array(kept.len());
    for (key, min, max) in kept {
        writer.i16(key);
        writer.i16(min);
        writer.i16(max);
        writer.no_tags();
    }
    if version >= 1 {
        writer.i32(reader.i32()?);
    }
    if flexible && lacking_transactions {
        lower_features(&mut reader, &mut writer)?;
    } else {
        writer.raw(reader.rest());
    }
    Ok(writer.into_frame())
}

/// The answer to a version newer than [`MAX_VERSION`]: version 0 with an error and the range of this API alone.
pub fn unsupported(header: &RequestHeader<'_>) -> Vec<u8> {
    let mut writer = Writer::response(header.correlation_id, false);
    writer.i16(ErrorCode::UNSUPPORTED_VERSION.0);
    writer.array(1);
    writer.i16(api::API_VERSIONS);
    writer.i16(0);
    writer.i16(MAX_VERSION);
    writer.into_frame()
}

/// Whether a version that transactions of the second kind rely on is offered by the broker and hidden here.
fn hides_transactions(key: i16, offered: i16, kept: i16) -> bool {
    let needed = match key {
        api::PRODUCE => 12,
        api::END_TXN | api::TXN_OFFSET_COMMIT => 5,
        _ => return false,
    };
    offered >= needed && kept < needed
}

/// Copies the tagged fields, with `transaction.version` at most 1 among supported (tag 0) and finalized (tag 2)
/// features.
fn lower_features(reader: &mut Reader<'_>, writer: &mut Writer) -> Result<(), WireError> {
    let mut fields: Vec<(u32, Vec<u8>)> = Vec::new();
    reader.tags(|tag, bytes| {
        let bytes = match tag {
            0 => lower_feature_list(bytes, |min, max| (min.min(1), max.min(1)))?,
            // The newest level comes first here.
            2 => lower_feature_list(bytes, |max, min| (max.min(1), min.min(1)))?,
            _ => bytes.to_vec(),
        };
        fields.push((tag, bytes));
        Ok(())
    })?;
    writer.unsigned_varint(u32::try_from(fields.len()).unwrap_or(u32::MAX));
    for (tag, bytes) in fields {
        writer.tag(tag, &bytes);
    }
    Ok(())
}

fn lower_feature_list(bytes: &[u8], lower: impl Fn(i16, i16) -> (i16, i16)) -> Result<Vec<u8>, WireError> {
    let mut reader = Reader::new(bytes, true);
    let mut writer = Writer::new(true);
    let count = reader.array(6)?;
    writer.array(count);
    for _ in 0..count {
        let name = reader.string()?;
        let levels = (reader.i16()?, reader.i16()?);
        let tags_at = reader.at();
        reader.skip_tags()?;
        let (first, second) = if name == TRANSACTION_VERSION { lower(levels.0, levels.1) } else { levels };
        writer.string(name);
        writer.i16(first);
        writer.i16(second);
        writer.raw(reader.since(tags_at));
    }
    Ok(writer.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_intersected_and_capped() {
        let cases = [
            (api::PRODUCE, (0, 13), Some((0, 13))),
            (api::PRODUCE, (3, 11), Some((3, 11))),
            (api::PRODUCE, (0, 20), Some((0, 13))),
            (api::FETCH, (4, 18), Some((4, 15))),
            (api::FETCH, (16, 18), None),
            (api::METADATA, (0, 99), Some((0, 13))),
            (27, (1, 2), None),
            (52, (0, 2), None),
            (93, (0, 0), None),
            (-5, (0, 0), None),
        ];
        for (key, offered, expected) in cases {
            assert_eq!(intersect(key, offered.0, offered.1), expected, "{key}");
        }
    }

    /// A response as a broker of the given Produce range sends it, with both feature lists.
    fn broker_response(produce_max: i16, end_txn_max: i16) -> Vec<u8> {
        let mut writer = Writer::new(true);
        writer.i32(7);
        writer.i16(0);
        writer.array(3);
        for (key, max) in [(api::PRODUCE, produce_max), (api::END_TXN, end_txn_max), (93, 4)] {
            writer.i16(key);
            writer.i16(0);
            writer.i16(max);
            writer.no_tags();
        }
        writer.i32(5);
        let feature = |name: &str, first: i16, second: i16| {
            let mut list = Writer::new(true);
            list.array(2);
            for (name, first, second) in [("metadata.version", 1, 29), (name, first, second)] {
                list.string(name);
                list.i16(first);
                list.i16(second);
                list.no_tags();
            }
            list.into_bytes()
        };
        writer.unsigned_varint(3);
        writer.tag(0, &feature(TRANSACTION_VERSION, 0, 2));
        writer.tag(1, &[0; 8]);
        writer.tag(2, &feature(TRANSACTION_VERSION, 2, 2));
        writer.into_bytes()
    }

    #[test]
    fn features_stay_when_nothing_they_need_is_hidden() {
        let response = broker_response(13, 5);
        let frame = rewrite(3, &response).unwrap();
        // The tagged fields come through as they were.
        assert!(frame.ends_with(&response[response.len() - 80..]));
        let mut reader = Reader::new(&frame, true);
        reader.take(4 + 4 + 2).unwrap();
        assert_eq!(reader.array(6), Ok(2), "the unknown API is gone");
    }

    #[test]
    fn transactions_are_lowered_when_their_versions_are_hidden() {
        let mut reader = Reader::new(&[], true);
        assert!(lower_features(&mut reader, &mut Writer::new(true)).is_err());

        let response = broker_response(13, 5);
        let tags_at = response.len() - (1 + 2 * (2 + 1 + 17 + 5 + 20 + 5) + 10);
        let mut reader = Reader::new(&response[tags_at..], true);
        let mut writer = Writer::new(true);
        lower_features(&mut reader, &mut writer).unwrap();
        let lowered = writer.into_bytes();
        let mut seen = Vec::new();
        Reader::new(&lowered, true)
            .tags(|tag, bytes| {
                if tag != 1 {
                    let mut list = Reader::new(bytes, true);
                    for _ in 0..list.array(6)? {
                        seen.push((tag, list.string()?.to_owned(), list.i16()?, list.i16()?));
                        list.skip_tags()?;
                    }
                }
                Ok(())
            })
            .unwrap();
        let expected = [
            (0, "metadata.version", 1, 29),
            (0, TRANSACTION_VERSION, 0, 1),
            (2, "metadata.version", 1, 29),
            (2, TRANSACTION_VERSION, 1, 1),
        ];
        assert_eq!(seen, expected.map(|(tag, name, a, b)| (tag, name.to_owned(), a, b)));
        for (key, offered, kept, hides) in [
            (api::PRODUCE, 13, 11, true),
            (api::PRODUCE, 13, 13, false),
            (api::PRODUCE, 11, 11, false),
            (api::END_TXN, 5, 4, true),
            (api::METADATA, 13, 1, false),
        ] {
            assert_eq!(hides_transactions(key, offered, kept), hides, "{key} {offered} {kept}");
        }
    }

    #[test]
    fn an_unsupported_version_is_answered_as_version_0() {
        let header = RequestHeader { api_key: 18, version: 9, correlation_id: 3, client_id: None };
        let frame = unsupported(&header);
        assert_eq!(frame[4..], [0, 0, 0, 3, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4]);
        // A broker's own refusal of version 4 is in that layout too.
        assert_eq!(rewrite(4, &frame[4..]).unwrap(), frame);
    }

    #[test]
    fn old_layouts_have_no_tags() {
        let mut writer = Writer::new(false);
        writer.i32(1);
        writer.i16(0);
        writer.array(1);
        writer.i16(3);
        writer.i16(0);
        writer.i16(99);
        let v0 = writer.clone().into_bytes();
        writer.i32(0);
        let v1 = writer.into_bytes();
        for (version, message) in [(0, &v0), (1, &v1), (2, &v1)] {
            let frame = rewrite(version, message).unwrap();
            assert_eq!(frame.len(), 4 + message.len());
            assert_eq!(frame[18..20], [0, 13]);
        }
        assert_eq!(rewrite(1, &v0), Err(WireError::Truncated));
        assert_eq!(rewrite(5, &v1), Err(WireError::UnsupportedVersion));
    }
}
