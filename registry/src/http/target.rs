//! Request targets: which are refused outright, and how they are taken apart and put together again
//! (registry API spec §1.2–1.3).

use std::borrow::Cow;
use std::fmt::Write as _;

/// The target is refused before anything looks at it; the text says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) &'static str);

/// Checks the path of a target as it came: no empty segment, no encoded control character, backslash or dot segment,
/// no malformed encoding, nothing above the root.
pub(crate) fn check(path: &str) -> Result<(), Refused> {
    if path == "/" {
        return Ok(());
    }
    if !path.bytes().any(|b| matches!(b, b'%' | b'\\' | b'.') || !b.is_ascii_graphic()) {
        // The common path: nothing that needs decoding.
        return if path.contains("//") { Err(EMPTY_SEGMENT) } else { Ok(()) };
    }
    let mut depth = 0i32;
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    for raw in inner.split('/') {
        if raw.is_empty() {
            return Err(EMPTY_SEGMENT);
        }
        let decoded = decode(raw).ok_or(Refused("Malformed encoding in the request target"))?;
        if decoded.chars().any(|c| c.is_ascii_control() || c == '\\') {
            return Err(Refused("Illegal character in the request target"));
        }
        match &*decoded {
            "." | ".." if raw.contains('%') => return Err(Refused("Ambiguous path segment")),
            ".." => depth -= 1,
            "." => {}
            _ => depth += 1,
        }
        if depth < 0 {
            return Err(Refused("Path above the root"));
        }
    }
    Ok(())
}

const EMPTY_SEGMENT: Refused = Refused("Ambiguous empty path segment");

/// Undoes percent-encoding; `None` if it is malformed or not UTF-8.
pub(crate) fn decode(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        bytes.push(if byte == b'%' { hex_digit(rest.next())? << 4 | hex_digit(rest.next())? } else { byte });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex_digit(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The decoded segments of a path that passed [`check`]; a trailing slash and parameters of segments (`a;b=c`) do not
/// count.
pub(crate) fn segments(path: &str) -> Vec<String> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    if inner.is_empty() {
        return Vec::new();
    }
    let named = inner.split('/').map(|raw| raw.split(';').next().unwrap_or_default());
    named.map(|raw| decode(raw).unwrap_or(Cow::Borrowed(raw)).into_owned()).collect()
}

/// The members of a query, decoded; what cannot be decoded stands as it came.
pub(crate) fn query(text: &str) -> Vec<(String, String)> {
    let part = |text: &str| {
        let spaced = text.replace('+', " ");
        decode(&spaced).map_or_else(|| spaced.clone(), Cow::into_owned)
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (part(key), part(value))
        })
        .collect()
}

/// Puts a target together from decoded parts.
pub(crate) fn compose(segments: &[String], query: &[(String, String)]) -> String {
    let mut target = String::new();
    for segment in segments {
        target.push('/');
        encode(segment, &mut target);
    }
    if target.is_empty() {
        target.push('/');
    }
    for (position, (key, value)) in query.iter().enumerate() {
        target.push(if position == 0 { '?' } else { '&' });
        encode(key, &mut target);
        target.push('=');
        encode(value, &mut target);
    }
    target
}

fn encode(text: &str, target: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            target.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(target, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_hide_something_are_refused() {
        let accepted = [
            "/",
            "/subjects",
            "/subjects/",
            "/subjects/a%2Fb/versions",
            "/subjects/%C3%BC",
            "/config/.",
            "/contexts/./subjects",
            "/subjects/..",
            "/subjects/.dot/versions",
            "/mode/a%2F%2Fb",
            "/subjects/a%20b",
            "/subjects/%C2%85",
        ];
        for path in accepted {
            assert_eq!(check(path), Ok(()), "{path}");
        }
        let refused = [
            "//",
            "//subjects",
            "/subjects//versions",
            "/subjects/a//",
            "/subjects/%00",
            "/subjects/ctl%09char",
            "/subjects/del%7F",
            "/subjects/back%5Cslash",
            "/subjects/%2e",
            "/subjects/%2E%2e/x",
            "/subjects/.%2e",
            "/subjects/%",
            "/subjects/%4",
            "/subjects/%zz",
            "/subjects/%FC",
            "/subjects/%C3",
            "/..",
            "/a/../../b",
            "/subjects/%//x",
        ];
        for path in refused {
            assert!(check(path).is_err(), "{path}");
        }
    }

    #[test]
    fn targets_survive_being_taken_apart() {
        let cases = ["/", "/subjects/:.ctx:a%2Fb/versions", "/subjects/%F0%9F%98%80?a=b&c=%26", "/x?a="];
        for target in cases {
            let (path, text) = target.split_once('?').unwrap_or((target, ""));
            assert_eq!(compose(&segments(path), &query(text)), target);
        }
        assert_eq!(segments("/subjects/a;v=1;w/versions;x/"), ["subjects", "a", "versions"]);
        assert_eq!(segments("/subjects/a%3Bv"), ["subjects", "a;v"]);
        assert_eq!(
            query("a=1&&b&c=x+y%2B"),
            [("a", "1"), ("b", ""), ("c", "x y+")].map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
    }
}
