//! Why a gateway does not start, and why its own requests fail.

use std::io;

use crate::wire::{ErrorCode, WireError};

/// Why a gateway could not start or stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// A setting is unusable.
    #[error("gateway setting {setting}: {detail}")]
    Config {
        /// Which field of [`GatewayConfig`](super::GatewayConfig).
        setting: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The listen address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// No broker answered.
    #[error("cannot reach a broker at {bootstrap}")]
    Unreachable {
        /// The addresses tried.
        bootstrap: String,
        /// The cause, of the address tried last.
        #[source]
        source: UpstreamError,
    },
    /// The topic settings cannot be read or kept.
    #[error("cannot use the settings topic {topic}")]
    Settings {
        /// The topic.
        topic: String,
        /// The cause.
        #[source]
        source: UpstreamError,
    },
    /// Requests were still under way when the time to finish them was over.
    #[error("{connections} connections were cut off while requests were under way")]
    Drain {
        /// How many.
        connections: usize,
    },
}

/// Why a request of our own to a broker failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// The socket failed.
    #[error("connection failed")]
    Io(#[from] io::Error),
    /// No answer in time.
    #[error("no answer within {seconds} s")]
    TimedOut {
        /// How long was waited.
        seconds: u64,
    },
    /// The answer cannot be read.
    #[error("unreadable answer")]
    Wire(#[from] WireError),
    /// The broker answered with an error.
    #[error("{code}{}{}", if message.is_empty() { "" } else { ": " }, message)]
    Refused {
        /// Its code.
        code: ErrorCode,
        /// Its words, possibly none.
        message: String,
    },
    /// The broker lacks an API or a version that is needed.
    #[error("broker does not offer {api} version {version}; Kafka 3.1 or later is needed")]
    TooOld {
        /// The API.
        api: &'static str,
        /// The version needed.
        version: i16,
    },
    /// The answer does not fit the question.
    #[error("{0}")]
    Unexpected(&'static str),
}
