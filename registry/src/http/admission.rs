//! How many requests are under way at a time. Beyond a bound they are refused at once, before they cost anything;
//! reads of schemas by id, which consumers cannot do without, are refused last.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::Method;

/// How badly a request is missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Whether the registry is well: always answered.
    Operations,
    /// A schema by id or guid: refused only when everything is in use.
    ById,
    /// Everything else: refused when three quarters are in use.
    Other,
}

impl Class {
    /// The class of a request, by its path before anything was rewritten.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        if path.starts_with("/health/") || path == "/metrics" {
            return Self::Operations;
        }
        let read = matches!(*method, Method::GET | Method::HEAD);
        let inner = match path.strip_prefix("/contexts/").and_then(|rest| rest.split_once('/')) {
            Some((_, inner)) => inner,
            None => path.strip_prefix('/').unwrap_or(path),
        };
        if read && (inner.starts_with("schemas/ids/") || inner.starts_with("schemas/guids/")) {
            Self::ById
        } else {
            Self::Other
        }
    }
}

/// The places there are.
pub(crate) struct Admission {
    under_way: AtomicUsize,
    most: usize,
}

/// A place, given back when dropped.
pub(crate) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// At most this many places.
    pub(crate) fn new(most: usize) -> Self {
        Self { under_way: AtomicUsize::new(0), most }
    }

    /// A place for a request, if there is one for its class.
    pub(crate) fn admit(&self, class: Class) -> Option<Place<'_>> {
        let most = match class {
            Class::Operations => usize::MAX,
            Class::ById => self.most,
            Class::Other => self.most - self.most / 4,
        };
        let before = self.under_way.fetch_add(1, Ordering::Relaxed);
        let place = Place(&self.under_way);
        (before < most).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_by_id_are_refused_last_and_health_never() {
        let admission = Admission::new(4);
        let others: Vec<_> = (0..3).filter_map(|_| admission.admit(Class::Other)).collect();
        assert_eq!(others.len(), 3);
        assert!(admission.admit(Class::Other).is_none());
        let by_id = admission.admit(Class::ById);
        assert!(by_id.is_some());
        assert!(admission.admit(Class::ById).is_none());
        assert!(admission.admit(Class::Operations).is_some());
        drop((others, by_id));
        assert!(admission.admit(Class::Other).is_some());
    }

    #[test]
    fn classes_follow_from_method_and_path() {
        let cases = [
            (Method::GET, "/schemas/ids/1", Class::ById),
            (Method::HEAD, "/contexts/.c/schemas/ids/1/schema", Class::ById),
            (Method::GET, "/schemas/guids/x", Class::ById),
            (Method::GET, "/schemas", Class::Other),
            (Method::POST, "/schemas/ids/1", Class::Other),
            (Method::GET, "/health/ready", Class::Operations),
            (Method::GET, "/metrics", Class::Operations),
        ];
        for (method, path, expected) in cases {
            assert_eq!(Class::of(&method, path), expected, "{method} {path}");
        }
    }
}
