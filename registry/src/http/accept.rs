//! Media types of requests and answers (registry API spec §1.1).

use axum::http::{HeaderMap, HeaderValue, header};

/// The media types that answers come in, each with the server's own preference in thousandths.
pub(crate) const PRODUCED: [(&str, u16); 3] = [
    ("application/vnd.schemaregistry.v1+json", 1000),
    ("application/vnd.schemaregistry+json", 900),
    (JSON, 500),
];

/// Ordinary JSON.
pub(crate) const JSON: &str = "application/json";

/// What a body without `Content-Type` counts as; read as JSON.
pub(crate) const OCTETS: &str = "application/octet-stream";

/// The media type of an answer, or `None` where the client accepts none of ours (406).
///
/// Of all pairs of an accepted range and a type of ours, the client's quality decides, then our own preference.
/// Parameters of the range are repeated in the answer.
pub(crate) fn negotiate(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut accept = headers.get_all(header::ACCEPT).iter();
    let Some(first) = accept.next() else { return Some(produced(0)) };
    let mut best: Option<Choice> = None;
    let mut blank = true;
    for value in std::iter::once(first).chain(accept) {
        let Ok(text) = value.to_str() else { continue };
        if let Some(exact) = PRODUCED.iter().position(|(name, _)| *name == text)
            && headers.get_all(header::ACCEPT).iter().count() == 1
        {
            return Some(produced(exact));
        }
        for range in text.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            blank = false;
            best = better(best, range);
        }
    }
    if blank {
        return Some(produced(0));
    }
    best.and_then(|choice| choice.header())
}

/// Whether the body may be read: its type is one of ours or none is given (else 415).
pub(crate) fn consumable(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(text) = value.to_str() else { return false };
    let name = text.split(';').next().unwrap_or_default().trim();
    let known = PRODUCED.iter().map(|(known, _)| *known).chain([OCTETS]);
    name == "*/*"
        || name == "application/*"
        || known.into_iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The media type of the answer to a body that cannot be read: an exact match of `Accept`, else the default.
pub(crate) fn exact_or_default(headers: &HeaderMap) -> HeaderValue {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    produced(PRODUCED.iter().position(|(name, _)| Some(*name) == accept).unwrap_or(0))
}

/// The quality of a range in thousandths, and the range without its parameters.
pub(crate) fn ranked(range: &str) -> (u16, &str) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
    });
    (quality.unwrap_or(1000), name)
}

/// Whether the client takes plain text.
pub(crate) fn takes_text(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(header::ACCEPT) else { return true };
    let ranges = accept.to_str().unwrap_or_default().split(',').map(ranked);
    ranges
        .into_iter()
        .any(|(quality, range)| quality > 0 && matches!(range, "text/plain" | "text/*" | "*/*" | "*"))
}

/// A range with the type of ours that it selects.
struct Choice {
    quality: u16,
    preference: u16,
    index: usize,
    parameters: String,
}

impl Choice {
    fn header(&self) -> Option<HeaderValue> {
        if self.parameters.is_empty() {
            return Some(produced(self.index));
        }
        let name = PRODUCED.get(self.index)?.0;
        HeaderValue::from_str(&format!("{name}{}", self.parameters)).ok()
    }
}

fn better(best: Option<Choice>, range: &str) -> Option<Choice> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let mut quality = 1000;
    let mut parameters = String::new();
    for part in parts.filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some((key, value)) if key.trim().eq_ignore_ascii_case("q") => quality = thousandths(value.trim()),
            _ => {
                parameters.push(';');
                parameters.push_str(part);
            }
        }
    }
    let Some(index) = selected(name) else { return best };
    let preference = PRODUCED.get(index).map_or(0, |(_, preference)| *preference);
    let wildcard = name.ends_with('*');
    let parameters = if wildcard { String::new() } else { parameters };
    let found = Choice { quality, preference, index, parameters };
    match best {
        _ if quality == 0 => best,
        Some(best) if (best.quality, best.preference) >= (found.quality, found.preference) => Some(best),
        _ => Some(found),
    }
}

/// The type of ours that a range selects, by our own preference.
fn selected(range: &str) -> Option<usize> {
    if range == "*" || range == "*/*" || range.eq_ignore_ascii_case("application/*") {
        return Some(0);
    }
    PRODUCED.iter().position(|(name, _)| name.eq_ignore_ascii_case(range))
}

/// A quality between 0 and 1; what is none counts as 1.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.parse().unwrap_or(0u32) > 0 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return 1000;
    }
    let digits = fraction.bytes().map(|b| u16::from(b - b'0')).chain(std::iter::repeat(0));
    digits.take(3).fold(0, |sum, digit| sum * 10 + digit)
}

fn produced(index: usize) -> HeaderValue {
    let [v1, v0, json] = PRODUCED;
    HeaderValue::from_static(match index {
        0 => v1.0,
        1 => v0.0,
        _ => json.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "application/vnd.schemaregistry.v1+json";
    const V0: &str = "application/vnd.schemaregistry+json";

    fn answer(accept: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        }
        negotiate(&headers).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_clients_quality_decides_then_our_preference() {
        let cases = [
            (None, Some(V1)),
            (Some(""), Some(V1)),
            (Some("*/*"), Some(V1)),
            (Some("application/*"), Some(V1)),
            (Some(JSON), Some(JSON)),
            (Some(V0), Some(V0)),
            (Some("application/json, */*"), Some(V1)),
            (Some("application/json, */*;q=0.9"), Some(JSON)),
            (Some("application/json;q=0.3, application/vnd.schemaregistry+json"), Some(V0)),
            (Some("application/json, application/vnd.schemaregistry+json"), Some(V0)),
            (
                Some(
                    "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json",
                ),
                Some(V1),
            ),
            (Some("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"), Some(V1)),
            (Some("application/json;charset=utf-8"), Some("application/json;charset=utf-8")),
            (Some("application/json; charset=utf-8; q=0.4"), Some("application/json;charset=utf-8")),
            (Some("*/*;charset=utf-8"), Some(V1)),
            (Some("application/json;q=0"), None),
            (Some("text/html"), None),
            (Some("text/plain, */json"), None),
            (Some("application/vnd.schemaregistry.v2+json"), None),
        ];
        for (accept, expected) in cases {
            assert_eq!(answer(accept).as_deref(), expected, "{accept:?}");
        }
    }

    #[test]
    fn bodies_of_our_types_and_of_none_are_read() {
        let cases = [
            (None, true),
            (Some(V1), true),
            (Some(V0), true),
            (Some("application/json; charset=utf-8"), true),
            (Some("Application/JSON"), true),
            (Some("application/octet-stream"), true),
            (Some("text/plain"), false),
            (Some("application/xml"), false),
            (Some(""), false),
        ];
        for (content_type, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(content_type) = content_type {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
            }
            assert_eq!(consumable(&headers), expected, "{content_type:?}");
        }
    }
}
