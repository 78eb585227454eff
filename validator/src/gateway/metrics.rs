//! Counters that are touched for every request, looked up once.
//!
//! Labels hold only words from here, never from the wire.

use metrics::{Counter, Gauge, counter, gauge};

use crate::engine::Reason;

#[derive(Debug)]
pub(super) struct Metrics {
    /// Client connections now.
    pub(super) connections: Gauge,
    /// Produce requests without a validated topic.
    pub(super) unvalidated: Counter,
    /// Connections closed because the client broke the protocol.
    pub(super) violations: Counter,
    /// Batches judged good.
    pub(super) passed: Counter,
    /// Batches left to the broker to refuse.
    pub(super) left_to_broker: Counter,
    /// Batches refused.
    pub(super) rejected: Counter,
    /// Batches told to come again.
    pub(super) deferred: Counter,
    /// Batches let through while the registry was out of reach.
    pub(super) waved_through: Counter,
    /// Records of batches judged good.
    pub(super) records: Counter,
    /// Bytes that compressed batches expanded to.
    pub(super) decompressed_bytes: Counter,
    reasons: [Counter; Reason::ALL.len()],
}

impl Metrics {
    pub(super) fn new() -> Self {
        let batches = |verdict: &'static str| counter!("muster_gateway_batches_total", "verdict" => verdict);
        Self {
            connections: gauge!("muster_gateway_connections"),
            unvalidated: counter!("muster_gateway_unvalidated_requests_total"),
            violations: counter!("muster_gateway_protocol_violations_total"),
            passed: batches("passed"),
            left_to_broker: batches("left_to_broker"),
            rejected: batches("rejected"),
            deferred: batches("deferred"),
            waved_through: batches("waved_through"),
            records: counter!("muster_gateway_records_total"),
            decompressed_bytes: counter!("muster_gateway_decompressed_bytes_total"),
            reasons: Reason::ALL
                .map(|reason| counter!("muster_gateway_rejections_total", "reason" => reason.as_str())),
        }
    }

    /// The counter of failures for one reason. Counts sides of records.
    pub(super) fn reason(&self, reason: Reason) -> Option<&Counter> {
        let place = Reason::ALL.iter().position(|other| *other == reason)?;
        self.reasons.get(place)
    }
}
