//! The Kafka error codes that a gateway sends or acts on, and why bytes cannot be read.

use std::fmt;

/// Why bytes are not what they should be. The sender does not speak the protocol: the connection is closed, as a
/// broker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A value needs more bytes than there are.
    #[error("message ends inside a value")]
    Truncated,
    /// A variable-length integer goes on for too long.
    #[error("variable-length integer is too long")]
    VarintTooLong,
    /// A length or count below what "null" is written as.
    #[error("negative length")]
    NegativeLength,
    /// More elements than the bytes that are left can hold.
    #[error("count exceeds the message")]
    CountTooLarge,
    /// A value that must be there is null.
    #[error("value is null")]
    UnexpectedNull,
    /// Text is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// Bytes are left over.
    #[error("message has bytes left over")]
    TrailingBytes,
    /// The version is not one that can be read here.
    #[error("unsupported version")]
    UnsupportedVersion,
}

/// A Kafka error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub i16);

impl ErrorCode {
    /// No error.
    pub const NONE: Self = Self(0);
    /// Anything else. Clients do not repeat.
    pub const UNKNOWN_SERVER_ERROR: Self = Self(-1);
    /// From brokers: the offset asked for is gone.
    pub const OFFSET_OUT_OF_RANGE: Self = Self(1);
    /// From brokers: no such topic.
    pub const UNKNOWN_TOPIC_OR_PARTITION: Self = Self(3);
    /// A request could not be carried out in time. Clients repeat.
    pub const REQUEST_TIMED_OUT: Self = Self(7);
    /// Not written, for now. Sent when the registry is out of reach: clients repeat.
    pub const NOT_ENOUGH_REPLICAS: Self = Self(19);
    /// The client may not do this with the topic.
    pub const TOPIC_AUTHORIZATION_FAILED: Self = Self(29);
    /// The version of the request is not supported.
    pub const UNSUPPORTED_VERSION: Self = Self(35);
    /// From brokers: the topic exists.
    pub const TOPIC_ALREADY_EXISTS: Self = Self(36);
    /// The value of a topic setting is not one of those allowed.
    pub const INVALID_CONFIG: Self = Self(40);
    /// The request contradicts itself.
    pub const INVALID_REQUEST: Self = Self(42);
    /// The batch is refused by validation. Clients do not repeat.
    pub const INVALID_RECORD: Self = Self(87);
    /// No topic has this id. Clients refresh their metadata and repeat.
    pub const UNKNOWN_TOPIC_ID: Self = Self(100);

    /// Whether this is no error.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// The name in Kafka's documentation, for codes that occur here.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NONE => "NONE",
            Self::UNKNOWN_SERVER_ERROR => "UNKNOWN_SERVER_ERROR",
            Self::OFFSET_OUT_OF_RANGE => "OFFSET_OUT_OF_RANGE",
            Self::UNKNOWN_TOPIC_OR_PARTITION => "UNKNOWN_TOPIC_OR_PARTITION",
            Self(5) => "LEADER_NOT_AVAILABLE",
            Self(6) => "NOT_LEADER_OR_FOLLOWER",
            Self::REQUEST_TIMED_OUT => "REQUEST_TIMED_OUT",
            Self(17) => "INVALID_TOPIC_EXCEPTION",
            Self::NOT_ENOUGH_REPLICAS => "NOT_ENOUGH_REPLICAS",
            Self(20) => "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
            Self::TOPIC_AUTHORIZATION_FAILED => "TOPIC_AUTHORIZATION_FAILED",
            Self(31) => "CLUSTER_AUTHORIZATION_FAILED",
            Self::UNSUPPORTED_VERSION => "UNSUPPORTED_VERSION",
            Self::TOPIC_ALREADY_EXISTS => "TOPIC_ALREADY_EXISTS",
            Self(37) => "INVALID_PARTITIONS",
            Self(38) => "INVALID_REPLICATION_FACTOR",
            Self::INVALID_CONFIG => "INVALID_CONFIG",
            Self(41) => "NOT_CONTROLLER",
            Self::INVALID_REQUEST => "INVALID_REQUEST",
            Self(44) => "POLICY_VIOLATION",
            Self::INVALID_RECORD => "INVALID_RECORD",
            Self::UNKNOWN_TOPIC_ID => "UNKNOWN_TOPIC_ID",
            _ => return None,
        })
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "error code {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of Kafka, for the codes that a client may see made here.
    #[test]
    fn codes_are_those_of_kafka() {
        let table = [
            (ErrorCode::NONE, 0, "NONE"),
            (ErrorCode::UNKNOWN_SERVER_ERROR, -1, "UNKNOWN_SERVER_ERROR"),
            (ErrorCode::REQUEST_TIMED_OUT, 7, "REQUEST_TIMED_OUT"),
            (ErrorCode::NOT_ENOUGH_REPLICAS, 19, "NOT_ENOUGH_REPLICAS"),
            (ErrorCode::TOPIC_AUTHORIZATION_FAILED, 29, "TOPIC_AUTHORIZATION_FAILED"),
            (ErrorCode::UNSUPPORTED_VERSION, 35, "UNSUPPORTED_VERSION"),
            (ErrorCode::INVALID_CONFIG, 40, "INVALID_CONFIG"),
            (ErrorCode::INVALID_REQUEST, 42, "INVALID_REQUEST"),
            (ErrorCode::INVALID_RECORD, 87, "INVALID_RECORD"),
            (ErrorCode::UNKNOWN_TOPIC_ID, 100, "UNKNOWN_TOPIC_ID"),
        ];
        for (code, number, name) in table {
            assert_eq!((code.0, code.name()), (number, Some(name)));
        }
        assert_eq!(ErrorCode(87).to_string(), "INVALID_RECORD (87)");
        assert_eq!(ErrorCode(12_345).to_string(), "error code 12345");
    }
}
