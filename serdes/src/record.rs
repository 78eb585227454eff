//! What a serializer makes: one side of a Kafka record, and the header that may go with it.

use bytes::Bytes;
use muster_schema::Side;
use muster_schema::framing::header_name;

/// One side of a record, ready to be produced.
///
/// ```
/// use muster_serdes::Encoded;
///
/// assert_eq!(Encoded::tombstone().payload(), None, "a null key or value");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    payload: Option<Vec<u8>>,
    header: Option<SchemaHeader>,
}

/// A record header that names the schema of one side (wire format spec §1.2): magic byte 1 and the guid; for Protobuf the
/// message indexes as well. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaHeader {
    side: Side,
    value: Bytes,
}

/// Where a serializer puts the identifier of the schema (wire format spec §1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Framing {
    /// In front of the body: magic byte 0 and the schema id.
    #[default]
    Prefix,
    /// In a record header, with the guid; the payload is the bare body. The registry must tell guids.
    Header,
}

/// Where a deserializer looks for the identifier of the schema (wire format spec §1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Identification {
    /// In the header of the own side; if there is none, in front of the body. Both layouts are read in both places.
    #[default]
    Dual,
    /// In front of the body; headers are ignored.
    Prefix,
}

impl Encoded {
    /// A null: deletes the key in a compacted topic. Carries no header.
    pub fn tombstone() -> Self {
        Self { payload: None, header: None }
    }

    /// A payload, with the header that names its schema if the payload does not.
    #[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
    pub(crate) fn new(payload: Vec<u8>, header: Option<SchemaHeader>) -> Self {
        Self { payload: Some(payload), header }
    }

    /// The key or value; `None` is null.
    pub fn payload(&self) -> Option<&[u8]> {
        self.payload.as_deref()
    }

    /// The key or value without a copy; `None` is null.
    pub fn into_payload(self) -> Option<Vec<u8>> {
        self.payload
    }

    /// The header to send along; `None` with [`Framing::Prefix`] and for nulls.
    ///
    /// A record that carries it already, as the last header of that name, needs no second one.
    pub fn header(&self) -> Option<SchemaHeader> {
        self.header.clone()
    }
}

impl SchemaHeader {
    /// The header that names `guid` as the schema of `side`, with message indexes behind the guid, if there are any.
    #[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
    pub(crate) fn new(side: Side, guid: muster_schema::Guid, indexes: &[u8]) -> Self {
        Self { side, value: [&muster_schema::framing::guid_identifier(guid), indexes].concat().into() }
    }

    /// `__key_schema_id` or `__value_schema_id`.
    pub fn name(&self) -> &'static str {
        header_name(self.side)
    }

    /// The identifier: 17 bytes, and message indexes behind them.
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}
