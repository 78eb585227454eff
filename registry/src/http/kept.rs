//! Answers kept for as long as nothing is written.
//!
//! Schemas are read far more often than written, and an answer to a read depends on the request's target and the
//! store's content only. So an answer is kept with the store's revision from before it was made, under its target
//! byte for byte as it came, and holds while that revision stands. This comes before everything else a request goes
//! through.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use bytes::Bytes;

/// Bodies from this size on are compressed for clients that accept it: smaller ones fit one packet anyway.
pub(crate) const COMPRESSED_FROM_BYTES: usize = 1400;

/// Larger answers are not kept.
const MOST_BODY_BYTES: usize = 1 << 20;

/// An answer with status 200.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The store's revision before it was made.
    pub(crate) revision: u64,
    /// Position of the route that made it.
    pub(crate) route: usize,
    /// The body.
    pub(crate) body: Bytes,
    /// The body in gzip, if it was ever asked for that way.
    pub(crate) gzipped: Option<Bytes>,
}

/// Kept answers by target.
pub(crate) struct Kept(moka::sync::Cache<Arc<str>, Answer>);

impl Kept {
    /// Keeps up to `bytes` bytes of answers.
    pub(crate) fn new(bytes: u64) -> Self {
        let weigh = |target: &Arc<str>, answer: &Answer| {
            let gzipped = answer.gzipped.as_ref().map_or(0, Bytes::len);
            u32::try_from(target.len() + answer.body.len() + gzipped + 128).unwrap_or(u32::MAX)
        };
        Self(moka::sync::Cache::builder().max_capacity(bytes).weigher(weigh).build())
    }

    /// The answer to `target` that was made at `revision`.
    pub(crate) fn get(&self, target: &str, revision: u64) -> Option<Answer> {
        self.0.get(target).filter(|answer| answer.revision == revision)
    }

    /// Keeps an answer, unless it is too large to.
    pub(crate) fn put(&self, target: &str, answer: Answer) {
        if answer.body.len() <= MOST_BODY_BYTES {
            self.0.insert(target.into(), answer);
        }
    }
}

/// Whether the client takes gzip.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = parameters
                .split_once('=')
                .is_some_and(|(_, quality)| quality.trim().parse::<f32>().is_ok_and(|q| q <= 0.0));
            let known = ["gzip", "x-gzip", "*"].iter().any(|known| known.eq_ignore_ascii_case(name.trim()));
            known && !refused
        })
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_offered_and_not_refused() {
        let cases = [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("GZip", true),
            ("*", true),
            ("br", false),
            ("gzip;q=0", false),
            ("", false),
        ];
        for (value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(accepts_gzip(&headers), expected, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn an_answer_holds_for_its_revision_only() {
        let kept = Kept::new(1 << 20);
        kept.put(
            "/subjects",
            Answer { revision: 3, route: 0, body: Bytes::from_static(b"[]"), gzipped: None },
        );
        assert!(kept.get("/subjects", 3).is_some());
        assert!(kept.get("/subjects", 4).is_none());
        assert!(kept.get("/subjects?", 3).is_none());
    }
}
