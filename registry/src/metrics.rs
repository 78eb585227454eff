//! What the registry counts and times, in the text format that Prometheus reads.
//!
//! Labels are names from this code, never anything a client sent, so the number of series is bounded. Handles are made
//! once per series and kept: counting a request is two atomic additions.

use std::sync::OnceLock;
use std::time::Duration;

use ::metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder as _, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::service::Operation;

const REQUESTS: &str = "muster_http_requests_total";
const REQUEST_SECONDS: &str = "muster_http_request_seconds";
const KEPT_ANSWERS: &str = "muster_kept_answers_total";
const REGISTRATIONS: &str = "muster_registrations_total";
const STORE_WRITE_SECONDS: &str = "muster_store_write_seconds";

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 13] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// Statuses with a series of their own; the rest share the last, `other`.
const STATUSES: [u16; 16] = [200, 204, 207, 400, 404, 405, 406, 408, 409, 413, 415, 422, 500, 503, 504, 0];

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// How a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A version was written.
    New,
    /// The subject had it already.
    Known,
    /// It breaks the compatibility rules.
    Incompatible,
    /// It was refused for another reason.
    Refused,
    /// The store failed.
    Failed,
}

/// The counters and timers of one registry.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    routes: Box<[Route]>,
    kept_answers: Counter,
    registrations: [Counter; 5],
    writes: [OnceLock<Histogram>; Operation::ALL.len()],
}

struct Route {
    path: &'static str,
    method: &'static str,
    statuses: [OnceLock<Counter>; STATUSES.len()],
    seconds: OnceLock<Histogram>,
}

impl Metrics {
    /// Counters for these routes, as method and path template; the last one stands for requests that match no route.
    pub(crate) fn new(routes: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        let builder = PrometheusBuilder::new();
        let recorder = builder.set_buckets(&BUCKETS).unwrap_or_default().build_recorder();
        recorder.describe_counter(REQUESTS.into(), None, "Requests answered.".into());
        recorder.describe_histogram(
            REQUEST_SECONDS.into(),
            Some(Unit::Seconds),
            "Time from a request's head to its answer, sending aside.".into(),
        );
        recorder.describe_counter(
            KEPT_ANSWERS.into(),
            None,
            "Requests answered with an answer kept from before.".into(),
        );
        recorder.describe_counter(REGISTRATIONS.into(), None, "Registrations by outcome.".into());
        recorder.describe_histogram(
            STORE_WRITE_SECONDS.into(),
            Some(Unit::Seconds),
            "Time until a write is durable.".into(),
        );
        let outcomes = ["new", "known", "incompatible", "refused", "failed"];
        let registrations = outcomes.map(|outcome| {
            let key = Key::from_parts(REGISTRATIONS, vec![Label::from_static_parts("outcome", outcome)]);
            recorder.register_counter(&key, &METADATA)
        });
        let kept_answers = recorder.register_counter(&Key::from_static_name(KEPT_ANSWERS), &METADATA);
        let routes = routes
            .into_iter()
            .map(|(method, path)| Route {
                path,
                method,
                statuses: Default::default(),
                seconds: OnceLock::new(),
            })
            .collect();
        let handle = recorder.handle();
        Self { recorder, handle, routes, kept_answers, registrations, writes: Default::default() }
    }

    /// Counts an answer. `route` is an index into the routes given to [`Metrics::new`].
    pub(crate) fn answered(&self, route: usize, status: u16, elapsed: Duration) {
        let Some(route) = self.routes.get(route).or(self.routes.last()) else { return };
        let slot = STATUSES.iter().position(|s| *s == status).unwrap_or(STATUSES.len() - 1);
        if let Some(counter) = route.statuses.get(slot) {
            counter.get_or_init(|| self.request_counter(route, slot)).increment(1);
        }
        let seconds = route.seconds.get_or_init(|| {
            let key = Key::from_parts(REQUEST_SECONDS, route.labels());
            self.recorder.register_histogram(&key, &METADATA)
        });
        seconds.record(elapsed.as_secs_f64());
    }

    /// Counts an answer that was not made anew.
    pub(crate) fn kept_answer(&self) {
        self.kept_answers.increment(1);
    }

    /// Counts a registration.
    pub(crate) fn registered(&self, outcome: Outcome) {
        let slot = match outcome {
            Outcome::New => 0,
            Outcome::Known => 1,
            Outcome::Incompatible => 2,
            Outcome::Refused => 3,
            Outcome::Failed => 4,
        };
        if let Some(counter) = self.registrations.get(slot) {
            counter.increment(1);
        }
    }

    /// Times a write of the store.
    pub(crate) fn store_write(&self, operation: Operation, elapsed: Duration) {
        let slot = Operation::ALL.iter().position(|o| *o == operation);
        let Some(histogram) = slot.and_then(|slot| self.writes.get(slot)) else { return };
        let histogram = histogram.get_or_init(|| {
            let key =
                Key::from_parts(STORE_WRITE_SECONDS, vec![Label::new("operation", operation.to_string())]);
            self.recorder.register_histogram(&key, &METADATA)
        });
        histogram.record(elapsed.as_secs_f64());
    }

    /// Everything counted so far, in the text format of Prometheus.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Moves samples into their buckets. Samples take memory until this (or [`Metrics::render`]) runs, so it has to run
    /// every few seconds.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    fn request_counter(&self, route: &Route, slot: usize) -> Counter {
        let status = match STATUSES.get(slot) {
            Some(0) | None => "other".to_owned(),
            Some(status) => status.to_string(),
        };
        let mut labels = route.labels();
        labels.push(Label::new("status", status));
        self.recorder.register_counter(&Key::from_parts(REQUESTS, labels), &METADATA)
    }
}

impl Route {
    fn labels(&self) -> Vec<Label> {
        vec![Label::from_static_parts("method", self.method), Label::from_static_parts("route", self.path)]
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_printed() {
        let metrics = Metrics::new([("GET", "/subjects"), ("*", "unmatched")]);
        metrics.answered(0, 200, Duration::from_micros(70));
        metrics.answered(0, 200, Duration::from_micros(70));
        metrics.answered(7, 418, Duration::from_micros(70));
        metrics.registered(Outcome::New);
        metrics.store_write(Operation::Register, Duration::from_millis(2));
        metrics.upkeep();
        let text = metrics.render();
        for line in [
            "muster_http_requests_total{method=\"GET\",route=\"/subjects\",status=\"200\"} 2",
            "muster_http_requests_total{method=\"*\",route=\"unmatched\",status=\"other\"} 1",
            "muster_http_request_seconds_bucket{method=\"GET\",route=\"/subjects\",le=\"0.0001\"} 2",
            "muster_registrations_total{outcome=\"new\"} 1",
            "muster_store_write_seconds_count{operation=\"registering a schema\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
