//! What a client is owed.

use tokio::sync::OwnedSemaphorePermit;

use super::super::intercept::AdminPlan;
use crate::wire::produce::Plan;

/// One response that a client is owed.
#[derive(Debug)]
pub(super) enum Entry {
    /// The broker sends it.
    Broker {
        /// What the response must repeat.
        correlation_id: i32,
        /// What to do with it.
        then: Then,
    },
    /// It is made already: a whole frame.
    Local {
        /// The frame.
        frame: Vec<u8>,
        /// Its share of what a connection may have waiting.
        room: Option<OwnedSemaphorePermit>,
    },
    /// None: when everything before has been answered, the connection closes.
    Close,
}

/// What to do with a broker's response.
#[derive(Debug)]
pub(super) enum Then {
    /// Pass it on unread.
    Pass,
    /// Rewrite addresses, or learn from it.
    Rewrite {
        /// The API.
        api_key: i16,
        /// Its version.
        version: i16,
    },
    /// ApiVersions.
    ApiVersions {
        /// Its version.
        version: i16,
    },
    /// Produce.
    Produce {
        /// Its version.
        version: i16,
        /// What was asked for and what of it is answered here, if any is.
        merge: Option<(Box<Plan>, Option<OwnedSemaphorePermit>)>,
    },
    /// One of the APIs that carry topic settings.
    Admin(Box<AdminPlan>),
}
