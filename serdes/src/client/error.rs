//! What can go wrong between a client and a registry.

use std::sync::Arc;

/// The error code reported for an error answer that is not a registry's (wire format spec §10.1).
pub const UNPARSABLE_ERROR_CODE: i32 = 50005;

/// Why a call failed. Cheap to clone: callers that waited for one request share its failure.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The registry refused. Retried already where that may help (see [`is_retriable`](Self::is_retriable)).
    #[error("registry answered {status}, error code {code}: {message}")]
    Api {
        /// The HTTP status.
        status: u16,
        /// The registry's error code, 5 digits for its own refusals; 50005 if the body was not a registry's.
        code: i32,
        /// The registry's message; the beginning of the body if it was not a registry's.
        message: String,
    },
    /// No answer: connecting, DNS, TLS, a reset, a time-out. All attempts at all URLs are used up.
    #[error("cannot reach registry {url}")]
    Transport {
        /// The URL tried last, without credentials.
        url: String,
        /// The cause, with its own chain of sources.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The answer is not what the API promises.
    #[error("registry answer to {request} is malformed: {detail}")]
    Decode {
        /// Method and path.
        request: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The answer is longer than [`ClientConfig::response_bytes`](super::ClientConfig::response_bytes).
    #[error("registry answer to {request} exceeds {limit_bytes} bytes")]
    TooLarge {
        /// Method and path.
        request: String,
        /// The bound.
        limit_bytes: usize,
    },
    /// The references of a schema exceed a bound of [`muster_schema::Limits`], or form a circle.
    #[error("references of the schema exceed the limit of {limit} {what}")]
    References {
        /// What was counted.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The client's settings are unusable.
    #[error("registry client setting {setting}: {detail}")]
    Config {
        /// Which field of [`ClientConfig`](super::ClientConfig).
        setting: &'static str,
        /// What is wrong with it.
        detail: String,
    },
}

/// The sort of a [`ClientError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The credentials are missing or wrong.
    Authentication,
    /// The credentials do not suffice.
    Authorization,
    /// Too many requests.
    Throttled,
    /// The registry was too slow, or is in trouble.
    Timeout,
    /// There is no way to the registry.
    Disconnected,
    /// The registry refuses the request, or the request could not be made.
    Other,
}

impl ClientError {
    /// Whether the registry says that the thing does not exist: status 404, whatever the code.
    ///
    /// A schema registered a moment ago may be unknown to the node that answered; see
    /// [`is_retriable`](Self::is_retriable) for failures of the registry itself.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api { status: 404, .. })
    }

    /// Whether trying again later may help: no answer at all, or status 408, 429, 500, 502, 503, 504 (wire format
    /// spec §10.2). Tells an outage from a refusal.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Api { status, .. } => is_retriable_status(*status),
            Self::Transport { .. } => true,
            _ => false,
        }
    }

    /// The sort of failure, in the terms that clients of any language share (wire format spec §6).
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Api { status: 401, .. } => FailureKind::Authentication,
            Self::Api { status: 403, .. } => FailureKind::Authorization,
            Self::Api { status: 429, .. } => FailureKind::Throttled,
            Self::Api { status: 408 | 500 | 503 | 504, .. } => FailureKind::Timeout,
            Self::Api { status: 502, .. } | Self::Transport { .. } => FailureKind::Disconnected,
            _ => FailureKind::Other,
        }
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The registry's error code, if it refused.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Api { code, .. } => Some(*code),
            _ => None,
        }
    }
}

/// The statuses after which another attempt may succeed (wire format spec §10.2).
pub(super) fn is_retriable_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}
