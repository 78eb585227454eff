//! The identifier in front of a payload or in a record header (wire format spec §1).
//!
//! Two layouts: magic byte 0 and a 4-byte big-endian schema id; magic byte 1 and a 16-byte guid. Protobuf message
//! indexes, which follow the identifier, belong to the Protobuf format.

use crate::ids::{Guid, SchemaId};
use crate::strategy::Side;

/// Length of the prefix with an integer id: magic byte and id.
pub const ID_PREFIX_BYTES: usize = 5;
/// Length of the identifier with a guid: magic byte and guid.
pub const GUID_PREFIX_BYTES: usize = 17;

/// What names a schema inside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// Magic byte 0: the schema id.
    Id(SchemaId),
    /// Magic byte 1: the guid.
    Guid(Guid),
}

/// Why bytes are not framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// Fewer bytes than the layout of the first byte needs.
    #[error("{length} bytes are too few for a framed payload")]
    Short {
        /// How many there are.
        length: usize,
    },
    /// The first byte is neither 0 nor 1.
    #[error("unknown magic byte {0}")]
    Magic(u8),
}

/// Splits framed bytes into identifier and body.
///
/// `bytes`: magic byte `0` and the id as 4 big-endian bytes, or magic byte `1` and 16 bytes of guid; then the body
/// (0 or more bytes, borrowed, not copied).
/// Errors: [`FramingError::Short`] if the layout is cut (also for no bytes at all), [`FramingError::Magic`] for any
/// other first byte.
/// Source: wire format spec §1.3.
///
/// ```
/// use muster_schema::framing::{split, Identifier};
/// use muster_schema::SchemaId;
///
/// let (identifier, body) = split(&[0, 0, 0, 0, 42, 0x0a, 0x61]).unwrap();
/// assert_eq!(identifier, Identifier::Id(SchemaId(42)));
/// assert_eq!(body, [0x0a, 0x61]);
/// ```
pub fn split(bytes: &[u8]) -> Result<(Identifier, &[u8]), FramingError> {
    let short = FramingError::Short { length: bytes.len() };
    let (&magic, rest) = bytes.split_first().ok_or(short)?;
    match magic {
        0 => {
            let (id, body) = rest.split_first_chunk::<4>().ok_or(short)?;
            Ok((Identifier::Id(SchemaId(i32::from_be_bytes(*id))), body))
        }
        1 => {
            let (guid, body) = rest.split_first_chunk::<16>().ok_or(short)?;
            Ok((Identifier::Guid(Guid(*guid)), body))
        }
        other => Err(FramingError::Magic(other)),
    }
}

/// The five bytes that precede a body: magic byte 0 and the id.
pub fn id_prefix(id: SchemaId) -> [u8; ID_PREFIX_BYTES] {
    let [a, b, c, d] = id.0.to_be_bytes();
    [0, a, b, c, d]
}

/// The identifier with magic byte 1, as it stands in a record header.
pub fn guid_identifier(guid: Guid) -> [u8; GUID_PREFIX_BYTES] {
    let mut out = [0; GUID_PREFIX_BYTES];
    out[0] = 1;
    out[1..].copy_from_slice(&guid.0);
    out
}

/// Name of the record header that may hold the identifier of one side.
pub fn header_name(side: Side) -> &'static str {
    match side {
        Side::Key => "__key_schema_id",
        Side::Value => "__value_schema_id",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_split_off() {
        let guid = Guid([7; 16]);
        let mut framed_guid = guid_identifier(guid).to_vec();
        framed_guid.push(9);
        let id = |n| Identifier::Id(SchemaId(n));
        type Case<'a> = (&'a [u8], Result<(Identifier, &'a [u8]), FramingError>);
        let cases: &[Case<'_>] = &[
            (&[], Err(FramingError::Short { length: 0 })),
            (&[0], Err(FramingError::Short { length: 1 })),
            (&[0, 0, 0, 0], Err(FramingError::Short { length: 4 })),
            (&[0, 0, 0, 0, 1], Ok((id(1), &[]))),
            (&[0, 0xff, 0xff, 0xff, 0xff, 5], Ok((id(-1), &[5]))),
            (&[0, 0x7f, 0xff, 0xff, 0xff], Ok((id(i32::MAX), &[]))),
            (&framed_guid[..16], Err(FramingError::Short { length: 16 })),
            (&framed_guid, Ok((Identifier::Guid(guid), &[9]))),
            (&[2], Err(FramingError::Magic(2))),
            (b"{}", Err(FramingError::Magic(b'{'))),
        ];
        for (bytes, expected) in cases {
            assert_eq!(&split(bytes), expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn prefix_reads_back() {
        for id in [0, 1, 42, i32::MAX, -1] {
            assert_eq!(split(&id_prefix(SchemaId(id))), Ok((Identifier::Id(SchemaId(id)), &[][..])));
        }
    }
}
