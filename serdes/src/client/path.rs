//! Request targets: path segments and query, percent-encoded.

use std::fmt::Write;

/// Path and query of a request, to be put behind a base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    text: String,
    has_query: bool,
}

impl Target {
    /// A path of these segments, each of which may be any text, a subject for instance.
    ///
    /// A segment that a URL cannot carry (empty, `.`, `..`) is taken for a subject and written with the qualifier of
    /// the default context, `:.:`, which names the same subject (registry API spec §1.3, §5.1).
    pub(super) fn new(segments: &[&str]) -> Self {
        let mut text = String::new();
        for segment in segments {
            text.push('/');
            if matches!(*segment, "" | "." | "..") {
                encode(":.:", &mut text);
            }
            encode(segment, &mut text);
        }
        Self { text, has_query: false }
    }

    /// Adds a query parameter.
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        encode(name, &mut self.text);
        self.text.push('=');
        encode(value, &mut self.text);
        self
    }

    /// Adds `name=true` if set; false is every parameter's default.
    pub(super) fn flag(self, name: &str, set: bool) -> Self {
        if set { self.query(name, "true") } else { self }
    }

    /// The encoded text, from the first slash on.
    pub(super) fn path_and_query(&self) -> &str {
        &self.text
    }
}

/// Appends `text`, with every byte of its UTF-8 that is not an unreserved character (RFC 3986 §2.3) as `%XX`.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_subject_is_one_segment() {
        let cases = [
            ("orders-value", "/subjects/orders-value"),
            ("a/b", "/subjects/a%2Fb"),
            ("100%", "/subjects/100%25"),
            (":.ctx:a b", "/subjects/%3A.ctx%3Aa%20b"),
            ("é😀", "/subjects/%C3%A9%F0%9F%98%80"),
            ("?a=b&c#d", "/subjects/%3Fa%3Db%26c%23d"),
            ("", "/subjects/%3A.%3A"),
            (".", "/subjects/%3A.%3A."),
            ("..", "/subjects/%3A.%3A.."),
            ("...", "/subjects/..."),
        ];
        for (subject, expected) in cases {
            let target = Target::new(&["subjects", subject]);
            assert_eq!(target.path_and_query(), expected, "{subject}");
            let url = reqwest::Url::parse(&format!("http://h{expected}")).unwrap();
            assert_eq!(url.path(), expected, "a URL parser leaves {subject} as it is");
        }
    }

    #[test]
    fn query_parameters_follow_each_other() {
        let target =
            Target::new(&["subjects"]).flag("deleted", false).flag("normalize", true).query("s", ":*:&");
        assert_eq!(target.path_and_query(), "/subjects?normalize=true&s=%3A%2A%3A%26");
    }
}
