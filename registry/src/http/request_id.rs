//! `X-Request-ID` (registry API spec §1.5).

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: its own if it has exactly one that is not blank, else a new random UUID (version 4).
pub(crate) fn of(headers: &HeaderMap) -> HeaderValue {
    let mut own = headers.get_all(&X_REQUEST_ID).iter();
    match (own.next(), own.next()) {
        (Some(id), None) if !id.as_bytes().trim_ascii().is_empty() => id.clone(),
        _ => random(),
    }
}

fn random() -> HeaderValue {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bits = crate::uuid::random();
    let mut text = [b'-'; 36];
    let mut shift = 128;
    for (position, slot) in text.iter_mut().enumerate() {
        if !matches!(position, 8 | 13 | 18 | 23) {
            shift -= 4;
            let digit = usize::try_from((bits >> shift) & 0xf).unwrap_or_default();
            *slot = HEX.get(digit).copied().unwrap_or(b'0');
        }
    }
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn own_ids_are_kept_and_missing_blank_or_repeated_ones_replaced() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers).len(), 36);
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("abc"));
        assert_eq!(of(&headers), "abc");
        headers.append(X_REQUEST_ID, HeaderValue::from_static("def"));
        assert_eq!(of(&headers).len(), 36);
        headers.insert(X_REQUEST_ID, HeaderValue::from_static(" "));
        assert_eq!(of(&headers).len(), 36);
    }

    #[test]
    fn new_ids_are_distinct_version_4_uuids() {
        let ids: HashSet<String> = (0..1000).map(|_| random().to_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            let groups: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
            assert!(id[14..].starts_with('4') && ["8", "9", "a", "b"].contains(&&id[19..20]), "{id}");
        }
    }
}
