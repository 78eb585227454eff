//! Request bodies: bounded in size, time and depth, then read leniently (registry API spec §1.2).

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use muster_schema::Limits;
use muster_schema::jsontext::{self, Comments};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{Failure, HttpFailure};
use super::front::App;
use super::lenient::Object;

/// Deepest nesting of arrays and objects in a body, as in the reference's parser.
const MOST_DEPTH: usize = 1000;

/// Up to here a body is not counted as large.
const SMALL_BODY_BYTES: usize = 64 << 10;

/// What large bodies may take together.
const LARGE_BODIES_BYTES: usize = 256 << 20;

/// Longest body in which members of one name are looked for: twice as long as any schema.
const MOST_REPEATED_BYTES: usize = 2 << 20;

/// Held while they are looked for in a large body: its values take some 40 times its length.
static LOOKING_FOR_REPEATED: Mutex<()> = Mutex::new(());

/// How much of a body that is too long is read and thrown away at most.
const MOST_DISCARDED_BYTES: usize = 64 << 20;

/// How long a client that sends too long a body may pause before it gets its answer.
const MOST_SILENCE: Duration = Duration::from_millis(250);

/// A JSON object as request body; none if the body is empty or `null`.
pub(crate) struct Json<T>(pub(crate) Option<T>);

impl<T> Json<T> {
    /// The object, or the answer that it is missing. `operation` is what the reference calls the handler.
    pub(crate) fn required(self, operation: &'static str) -> Result<T, Failure> {
        self.0.ok_or_else(|| HttpFailure::NoBody(operation).into())
    }
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<App> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let body = read(request, app).await?;
        Ok(Self(parse_body::<Object<T>>(&body).await?.and_then(|object| object.0)))
    }
}

/// Reads a whole body.
///
/// One that is too long is read on for a while and thrown away: a client that is still sending would otherwise find its
/// connection reset and never see the answer.
pub(crate) async fn read(request: Request, app: &App) -> Result<Whole, HttpFailure> {
    let options = app.service.options();
    let (parts, body) = request.into_parts();
    let announced = content_length(&parts.headers);
    let reading = collect(body, announced, options.max_body_bytes, &app.large_bodies);
    match tokio::time::timeout(options.body_timeout, reading).await {
        Ok(done) => done,
        Err(_) => Err(HttpFailure::BodyTooSlow),
    }
}

/// A body, with its share of the memory for large ones.
pub(crate) struct Whole {
    /// The bytes.
    pub(crate) bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

/// The memory that large bodies may take together. Those that find none left wait, and give up with the body's timeout.
pub(crate) struct LargeBodies(Arc<Semaphore>);

impl LargeBodies {
    /// Memory for at least one body of `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let kibibytes = LARGE_BODIES_BYTES.max(limit) / 1024 + 1;
        Self(Arc::new(Semaphore::new(kibibytes.min(Semaphore::MAX_PERMITS))))
    }

    async fn share(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kibibytes = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        Arc::clone(&self.0).acquire_many_owned(kibibytes).await.ok()
    }
}

async fn collect(
    mut body: Body,
    announced: Option<u64>,
    limit: usize,
    large_bodies: &LargeBodies,
) -> Result<Whole, HttpFailure> {
    let announced_bytes = announced.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    let mut too_large = announced_bytes.is_some_and(|size| size > limit);
    let mut share = None;
    // Most bodies come in one piece, which is taken as it is.
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    let mut size = 0usize;
    loop {
        let next = if too_large {
            // Nothing more to wait for: what is on its way is thrown away, a silent client gets its answer.
            tokio::time::timeout(MOST_SILENCE, body.frame()).await.unwrap_or_default()
        } else {
            body.frame().await
        };
        let Some(frame) = next else { break };
        let frame =
            frame.map_err(|_| HttpFailure::Malformed("Unexpected end of the request body".to_owned()))?;
        let Ok(piece) = frame.into_data() else { continue };
        size = size.saturating_add(piece.len());
        too_large |= size > limit;
        if too_large {
            (whole, pieces, share) = (Bytes::new(), BytesMut::new(), None);
            if size > limit.saturating_add(MOST_DISCARDED_BYTES) {
                break;
            }
            continue;
        }
        if size > SMALL_BODY_BYTES && share.is_none() {
            share = large_bodies.share(announced_bytes.unwrap_or(limit)).await;
        }
        if whole.is_empty() && pieces.is_empty() {
            whole = piece;
        } else {
            if pieces.is_empty() {
                pieces.extend_from_slice(&std::mem::take(&mut whole));
            }
            pieces.extend_from_slice(&piece);
        }
    }
    if too_large {
        return Err(match announced {
            Some(size) => HttpFailure::BodyTooLarge { size, limit },
            None => HttpFailure::ChunkedBodyTooLarge { limit },
        });
    }
    let bytes = if pieces.is_empty() { whole } else { pieces.freeze() };
    Ok(Whole { bytes, _share: share })
}

/// Reads the JSON of a body; none for nothing but white space. A large one is read where it blocks nobody.
pub(crate) async fn parse_body<T: DeserializeOwned + Send + 'static>(
    body: &Whole,
) -> Result<Option<T>, HttpFailure> {
    if body.bytes.len() <= SMALL_BODY_BYTES {
        return parse(&body.bytes);
    }
    let bytes = body.bytes.clone();
    tokio::task::spawn_blocking(move || parse(&bytes)).await.unwrap_or(Err(HttpFailure::Internal))
}

/// Reads JSON; none for nothing but white space.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Option<T>, HttpFailure> {
    let text = decoded(bytes).ok_or_else(|| HttpFailure::Malformed("Malformed encoding".to_owned()))?;
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    if depth(text.as_bytes()) > MOST_DEPTH {
        return Err(HttpFailure::Malformed(format!(
            "Document nesting depth exceeds the maximum of {MOST_DEPTH}"
        )));
    }
    let text = without_odd_numbers(&text).map_or(text, Cow::Owned);
    let read = serde_json::from_str(&text).or_else(|error| match without_repeated_members(&error, &text) {
        Some(plain) => serde_json::from_str(&plain),
        None => Err(error),
    });
    read.map(Some).map_err(|error| {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        HttpFailure::Malformed(text.to_owned())
    })
}

/// The text of a body: UTF-8, or UTF-16 if a byte order mark or a zero byte beside the first character says so. JSON
/// begins with an ASCII character, so nothing else looks like that. `None` if it is malformed.
fn decoded(bytes: &[u8]) -> Option<Cow<'_, str>> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => str::from_utf8(rest).ok().map(Cow::Borrowed),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0, 1..=255, ..] => utf16(bytes, u16::from_be_bytes),
        [1..=255, 0, ..] => utf16(bytes, u16::from_le_bytes),
        _ => str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

fn utf16<'a>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Cow<'a, str>> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .ok()
        .map(Cow::Owned)
}

/// The same text with the last one of each object's members of one name, if `error` is that there are several: the
/// reference lets the last one count. Texts that are longer than any schema may be keep their error.
fn without_repeated_members(error: &serde_json::Error, text: &str) -> Option<String> {
    if !error.is_data() || !error.to_string().starts_with("duplicate field ") {
        return None;
    }
    let large = text.len() > SMALL_BODY_BYTES;
    let _turn = large.then(|| LOOKING_FOR_REPEATED.lock().unwrap_or_else(PoisonError::into_inner));
    let mut plain = String::with_capacity(text.len());
    let limits = Limits { schema_bytes: MOST_REPEATED_BYTES, ..Limits::default() };
    jsontext::write_verbatim(&mut plain, &jsontext::read(text, Comments::Refused, &limits).ok()?);
    Some(plain)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The text with `null` in place of the tokens `NaN` and `Infinity`, which the reference's parser knows; none if there
/// are none.
fn without_odd_numbers(text: &str) -> Option<String> {
    const TOKENS: [&[u8]; 6] = [b"NaN", b"-Infinity", b"Infinity", b"+Infinity", b"-INF", b"+INF"];
    let bytes = text.as_bytes();
    if !bytes.windows(3).any(|window| matches!(window, b"NaN" | b"Inf" | b"INF")) {
        return None;
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let (mut rest, mut quoted) = (bytes, false);
    while let Some((first, after)) = rest.split_first() {
        let token = TOKENS.iter().find_map(|token| rest.strip_prefix(*token));
        match (first, token) {
            (_, Some(after)) if !quoted => {
                plain.extend_from_slice(b"null");
                rest = after;
                continue;
            }
            (b'\\', _) if quoted => {
                plain.push(*first);
                rest = after;
                if let Some((escaped, after)) = rest.split_first() {
                    plain.push(*escaped);
                    rest = after;
                }
                continue;
            }
            (b'"', _) => quoted = !quoted,
            _ => {}
        }
        plain.push(*first);
        rest = after;
    }
    // Only ASCII was replaced.
    String::from_utf8(plain).ok()
}

/// How deeply brackets nest outside strings. Skipping an unknown member does not count, so this comes first.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => loop {
                match bytes.next() {
                    Some(b'\\') => {
                        bytes.next();
                    }
                    Some(b'"') | None => break,
                    Some(_) => {}
                }
            },
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        for (json, expected) in
            [("{}", 1), (r#"{"a":[1,{"b":2}]}"#, 3), (r#"{"[[\"[[":"[["}"#, 1), ("5", 0), ("]]]{", 1)]
        {
            assert_eq!(depth(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn deep_nesting_is_malformed_even_in_an_unknown_member() {
        let of = |depth: usize| format!("{{\"unknown\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        #[derive(Debug, Default, serde::Deserialize)]
        struct Nothing {}
        assert!(parse::<Object<Nothing>>(of(999).as_bytes()).is_ok());
        for depth in [1000, 100_000] {
            assert!(parse::<Object<Nothing>>(of(depth).as_bytes()).is_err(), "{depth}");
        }
    }

    #[test]
    fn numbers_that_are_none_count_as_null() {
        let cases = [
            (r#"{"a":1}"#, None),
            (r#"{"a":NaN,"b":[-Infinity,Infinity]}"#, Some(r#"{"a":null,"b":[null,null]}"#)),
            (r#"[+INF,-INF,+Infinity]"#, Some("[null,null,null]")),
            (r#"{"a":"NaN \" Infinity"}"#, Some(r#"{"a":"NaN \" Infinity"}"#)),
            ("\"NaN\\", Some("\"NaN\\")),
        ];
        for (json, expected) in cases {
            assert_eq!(without_odd_numbers(json).as_deref(), expected, "{json}");
        }
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Outer {
        a: Option<i32>,
        inner: Object<Inner>,
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Inner {
        b: Option<String>,
    }

    #[test]
    fn of_members_of_one_name_the_last_counts() {
        let json = r#"{"a":1,"inner":{"b":"x"},"a":2,"inner":{"b":"x","c":[1],"b":"\"","c":1e400}}"#;
        let outer = parse::<Object<Outer>>(json.as_bytes()).unwrap().unwrap().0.unwrap();
        assert_eq!(outer, Outer { a: Some(2), inner: Object(Some(Inner { b: Some("\"".to_owned()) })) });
        let long = format!(r#"{{"a":1,"a":2,"x":"{}"}}"#, "x".repeat(MOST_REPEATED_BYTES));
        let wrong = r#"{"a":1,"a":"x"}"#;
        for refused in [long.as_str(), wrong] {
            assert!(parse::<Object<Outer>>(refused.as_bytes()).is_err());
        }
    }

    #[test]
    fn bodies_may_come_in_utf16_and_with_a_byte_order_mark() {
        let json = r#"{"b":"ü😀"}"#;
        let units: Vec<u16> = json.encode_utf16().collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
        let expected = parse::<Object<Inner>>(json.as_bytes()).unwrap();
        assert!(expected.is_some());
        for bytes in [
            marked(b"\xef\xbb\xbf", json.as_bytes()),
            marked(b"\xfe\xff", &big),
            marked(b"\xff\xfe", &little),
            big.clone(),
            little,
        ] {
            assert_eq!(parse::<Object<Inner>>(&bytes).unwrap(), expected, "{bytes:?}");
        }
        let malformed: [&[u8]; 4] = [b"{\"x\":\"\xff\"}", big.get(1..).unwrap(), b"\0{\0", b"\xfe\xff\xd8\0"];
        for bytes in malformed {
            assert!(parse::<Object<Inner>>(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(parse::<Object<Inner>>(b"\xef\xbb\xbf").unwrap(), None);
    }

    #[test]
    fn only_white_space_may_follow_the_value() {
        for (json, expected) in
            [("{} \n", true), ("{}{}", false), ("{} x", false), ("{", false), ("{'a':1}", false)]
        {
            assert_eq!(
                parse::<Object<super::super::lenient::Map<serde::de::IgnoredAny>>>(json.as_bytes()).is_ok(),
                expected,
                "{json}"
            );
        }
    }
}
