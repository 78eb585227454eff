//! The little of URIs that references between schemas need (RFC 3986 §5, with the narrower grammar of Java's parser).

use std::borrow::Cow;

/// Cuts a URI at its fragment; the second part is `None` if there is none.
pub(in crate::json) fn split_fragment(uri: &str) -> (&str, Option<&str>) {
    uri.split_once('#').map_or((uri, None), |(url, fragment)| (url, Some(fragment)))
}

/// Whether Java's parser takes the text for a URI or a relative reference.
pub(in crate::json) fn is_valid(text: &str) -> bool {
    let (url, fragment) = split_fragment(text);
    if fragment.is_some_and(|fragment| fragment.contains('#')) {
        return false;
    }
    let scheme_end = url.find(['/', '?']).unwrap_or(url.len());
    if let Some((scheme, _)) = url.get(..scheme_end).and_then(|start| start.split_once(':')) {
        let rest = url.get(scheme.len() + 1..).unwrap_or_default();
        if !is_scheme(scheme) || rest.is_empty() {
            return false;
        }
    }
    let (path, _) = url.split_once('?').unwrap_or((url, ""));
    let (authority, path) = split_authority(split_scheme(path).1);
    if path.contains(['[', ']']) || !brackets_fit(authority) {
        return false;
    }
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        let is_allowed = match c {
            '%' => {
                let digits =
                    rest.get(..2).is_some_and(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
                rest = rest.get(2..).unwrap_or_default();
                digits
            }
            c if c.is_ascii() => c.is_ascii_alphanumeric() || "-_.!~*'();:@&=+$,/?#[]".contains(c),
            c => !c.is_control() && !c.is_whitespace(),
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

/// What `reference` means where `base` is in force. An empty `base`, or one without a hierarchy (`urn:…`), leaves it as
/// it is, except that a mere fragment belongs to any base.
pub(in crate::json) fn resolve(base: &str, reference: &str) -> String {
    let (base, _) = split_fragment(base);
    if let Some(fragment) = reference.strip_prefix('#') {
        return format!("{base}#{fragment}");
    }
    let (base_scheme, base_rest) = split_scheme(base);
    if base.is_empty() || split_scheme(reference).0.is_some() {
        return reference.to_owned();
    }
    if base_scheme.is_some() && !base_rest.starts_with('/') {
        return reference.to_owned();
    }
    let scheme = base_scheme.map(|scheme| format!("{scheme}:")).unwrap_or_default();
    if reference.starts_with("//") {
        return format!("{scheme}{reference}");
    }
    let (authority, base_path) = split_authority(base_rest);
    let base_path = base_path.split('?').next().unwrap_or_default();
    let path_end = reference.find(['?', '#']).unwrap_or(reference.len());
    let (path, tail) = reference.split_at_checked(path_end).unwrap_or((reference, ""));
    let merged = if path.starts_with('/') {
        path.to_owned()
    } else if path.is_empty() {
        base_path.to_owned()
    } else {
        let folder = base_path.rfind('/').and_then(|slash| base_path.get(..=slash));
        let folder = folder.unwrap_or(if authority.is_empty() { "" } else { "/" });
        format!("{folder}{path}")
    };
    format!("{scheme}{authority}{}{tail}", without_dots(&merged))
}

/// Decodes a token of a pointer inside a URI as the reference does, which is how forms are encoded: `+` is a space, and
/// `%XX` the byte it stands for. `None` if the bytes are no text.
pub(in crate::json) fn token_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| first == b'%').map(|digits| u8::from_str_radix(digits, 16)) {
            Some(byte) => {
                bytes.push(byte.ok()?);
                rest = tail.get(2..)?;
            }
            None if first == b'%' => return None,
            None => {
                bytes.push(if first == b'+' { b' ' } else { first });
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Whether an authority has brackets only around an address of IP version 6.
fn brackets_fit(authority: &str) -> bool {
    let Some((before, rest)) = authority.split_once('[') else { return !authority.contains(']') };
    let Some((address, after)) = rest.split_once(']') else { return false };
    let is_address =
        address.contains(':') && address.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b));
    is_address && (before == "//" || before.ends_with('@')) && (after.is_empty() || after.starts_with(':'))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn split_scheme(uri: &str) -> (Option<&str>, &str) {
    match uri.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, uri),
    }
}

/// `//authority` (possibly nothing) and what follows it.
fn split_authority(rest: &str) -> (&str, &str) {
    match rest.strip_prefix("//") {
        Some(after) => {
            let end = 2 + after.find('/').unwrap_or(after.len());
            rest.split_at_checked(end).unwrap_or((rest, ""))
        }
        None => ("", rest),
    }
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." if is_last => kept.push(""),
            "." => {}
            ".." => {
                // What leads out of the hierarchy stays, as in Java.
                if kept.last().is_some_and(|last| !matches!(*last, "" | "..")) {
                    kept.pop();
                    if is_last {
                        kept.push("");
                    }
                } else {
                    kept.push("..");
                }
            }
            segment => kept.push(segment),
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_against_their_base() {
        let cases = [
            ("", "b.json", "b.json"),
            ("", "./b.json", "./b.json"),
            ("", "#/a", "#/a"),
            ("b.json", "#/a", "b.json#/a"),
            ("b.json", "c.json#x", "c.json#x"),
            ("x/b.json", "../c.json", "c.json"),
            ("http://e.com/r.json", "b.json", "http://e.com/b.json"),
            ("http://e.com/a/r.json?q#f", "./b.json", "http://e.com/a/b.json"),
            ("http://e.com/a/r.json", "/b.json", "http://e.com/b.json"),
            ("http://e.com", "b.json", "http://e.com/b.json"),
            ("http://e.com/a/", "../b.json", "http://e.com/b.json"),
            ("http://e.com/r.json", "https://f.com/x", "https://f.com/x"),
            ("http://e.com/r.json", "urn:a:b", "urn:a:b"),
            ("urn:a:b", "c.json", "c.json"),
            ("urn:a:b", "#c", "urn:a:b#c"),
            ("mem://input", "b.json", "mem://input/b.json"),
        ];
        for (base, reference, expected) in cases {
            assert_eq!(resolve(base, reference), expected, "{reference} against {base}");
        }
    }

    #[test]
    fn bad_uris_are_told() {
        let cases = [
            ("http://e.com/a%20b", true),
            ("urn:x:y", true),
            ("", true),
            ("größe", true),
            ("http://[::1]:80/a?x[0]#[1]", true),
            ("http://[x", false),
            ("a[0]", false),
            ("a b", false),
            ("http://e.com/{x}", false),
            (":x", false),
            ("1:x", false),
            ("x:", false),
            ("##", false),
            ("a%zz", false),
            ("^", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_valid(text), expected, "{text:?}");
        }
    }

    #[test]
    fn tokens_are_decoded() {
        assert_eq!(token_decoded("a%25b%C3%9F").as_deref(), Some("a%bß"));
        assert_eq!(token_decoded("a+b%2Bc").as_deref(), Some("a b+c"));
        assert_eq!(token_decoded("%ff"), None);
        assert_eq!(token_decoded("%2"), None);
    }
}
