//! Qualified subject names and contexts (registry API spec §5.1–5.2).

use std::cmp::Ordering;
use std::fmt;

/// A namespace for ids and subjects. The default context is `.`; others start with a dot (`.ctx`).
///
/// Sorted by UTF-16 code unit, as listings are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Context(String);

/// The name that stands for settings above all contexts.
const GLOBAL_CONTEXT: &str = ".__GLOBAL";

/// A subject in its context. Built by parsing `[:.context:]subject`; printed in the canonical form, which leaves
/// the default context out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    context: Context,
    name: String,
}

/// Why a context name in a path or parameter is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("context name {0:?} cannot contain a colon")]
pub struct InvalidContext(pub String);

/// What a subject is named for; decides which reserved names are admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Holding schema versions.
    Schemas,
    /// Holding a config or a mode.
    Settings,
}

/// The name breaks the rules of [`Subject::check`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the specified subject {0:?} is not valid")]
pub struct InvalidSubject(pub String);

impl Context {
    /// The context of unqualified subjects.
    pub fn default_context() -> Self {
        Self(".".to_owned())
    }

    /// The context `.__GLOBAL`, whose config and mode stand above all contexts.
    pub fn global() -> Self {
        Self(GLOBAL_CONTEXT.to_owned())
    }

    /// Reads a context name as it stands in a path or parameter: one leading and one trailing colon are dropped and a
    /// missing leading dot is added; empty text is the default context.
    ///
    /// Errors: [`InvalidContext`] if another colon is left.
    pub fn parse(text: &str) -> Result<Self, InvalidContext> {
        let inner = text.strip_prefix(':').unwrap_or(text);
        let inner = inner.strip_suffix(':').unwrap_or(inner);
        if inner.contains(':') {
            return Err(InvalidContext(inner.to_owned()));
        }
        Ok(if inner.starts_with('.') { Self(inner.to_owned()) } else { Self(format!(".{inner}")) })
    }

    /// The name with its leading dot; `.` for the default context; `*` for the wildcard of listings.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the context of unqualified subjects.
    pub fn is_default(&self) -> bool {
        self.0 == "."
    }

    /// Whether this is `.__GLOBAL`.
    pub fn is_global(&self) -> bool {
        self.0 == GLOBAL_CONTEXT
    }

    /// The qualifier `:.ctx:` that puts a subject into this context; empty for the default context.
    pub fn prefix(&self) -> String {
        if self.is_default() { String::new() } else { format!(":{}:", self.0) }
    }
}

impl Subject {
    /// Takes a subject apart. Any text is a subject: what does not start with `:.` or `:*:` is in the default context.
    pub fn parse(text: &str) -> Self {
        if let Some(name) = text.strip_prefix(":*:") {
            return Self { context: Context("*".to_owned()), name: name.to_owned() };
        }
        match text.strip_prefix(':') {
            Some(rest) if rest.starts_with('.') => match rest.split_once(':') {
                Some((context, name)) => Self { context: Context(context.to_owned()), name: name.to_owned() },
                None => Self { context: Context(rest.to_owned()), name: String::new() },
            },
            _ => Self { context: Context::default_context(), name: text.to_owned() },
        }
    }

    /// A subject by its parts; `name` is taken as it is.
    pub fn new(context: Context, name: impl Into<String>) -> Self {
        Self { context, name: name.into() }
    }

    /// Reads `text`, taking it in `context` unless it is qualified itself: how references and aliases are read.
    pub fn parse_in(text: &str, context: &Context) -> Self {
        if text.starts_with(":.") || text.starts_with(":*:") {
            Self::parse(text)
        } else {
            Self { context: context.clone(), name: text.to_owned() }
        }
    }

    /// The context.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The name within the context; empty where the context itself is meant.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks the rules for a subject that is to be written (registry API spec §5.2): no control characters, no
    /// reserved name, and `.__GLOBAL` only for settings.
    pub fn check(&self, purpose: Purpose) -> Result<(), InvalidSubject> {
        let reserved = self.name == "__GLOBAL" || self.name == "__EMPTY";
        let misplaced = self.context.is_global() && purpose == Purpose::Schemas;
        let control = self.name.chars().chain(self.context.0.chars()).any(char::is_control);
        if reserved || misplaced || control { Err(InvalidSubject(self.to_string())) } else { Ok(()) }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.context.is_default() {
            write!(f, ":{}:", self.context)?;
        }
        f.write_str(&self.name)
    }
}

impl PartialOrd for Context {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Context {
    fn cmp(&self, other: &Self) -> Ordering {
        utf16_order(&self.0, &other.0)
    }
}

/// Compares by UTF-16 code unit: Java's string order, which the reference sorts by.
pub fn utf16_order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_taken_apart() {
        let cases = [
            ("foo", ".", "foo", "foo"),
            ("", ".", "", ""),
            (":.ctx:foo", ".ctx", "foo", ":.ctx:foo"),
            (":.ctx:a:b", ".ctx", "a:b", ":.ctx:a:b"),
            (":.ctx:", ".ctx", "", ":.ctx:"),
            (":.ctx", ".ctx", "", ":.ctx:"),
            (":.:foo", ".", "foo", "foo"),
            (":.:", ".", "", ""),
            (":*:foo", "*", "foo", ":*:foo"),
            (":foo:bar", ".", ":foo:bar", ":foo:bar"),
            ("a:.b:c", ".", "a:.b:c", "a:.b:c"),
        ];
        for (text, context, name, printed) in cases {
            let subject = Subject::parse(text);
            assert_eq!((subject.context().as_str(), subject.name()), (context, name), "{text}");
            assert_eq!(subject.to_string(), printed, "{text}");
        }
    }

    #[test]
    fn context_names_are_normalized() {
        let cases =
            [("ctx", ".ctx"), (".ctx", ".ctx"), (":.ctx:", ".ctx"), (".", "."), (":.:", "."), ("", ".")];
        for (text, expected) in cases {
            assert_eq!(Context::parse(text).unwrap().as_str(), expected, "{text}");
        }
        assert!(Context::parse("a:b").is_err());
    }

    #[test]
    fn reserved_names_are_refused() {
        let cases = [
            ("ok", true, true),
            ("*", true, true),
            ("", true, true),
            ("__GLOBAL", false, false),
            (":.ctx:__EMPTY", false, false),
            (":.__GLOBAL:", false, true),
            ("a\u{85}b", false, false),
        ];
        for (text, schemas, settings) in cases {
            let subject = Subject::parse(text);
            assert_eq!(subject.check(Purpose::Schemas).is_ok(), schemas, "{text}");
            assert_eq!(subject.check(Purpose::Settings).is_ok(), settings, "{text}");
        }
    }

    #[test]
    fn order_is_by_utf16_code_unit() {
        assert_eq!(utf16_order("\u{ff5e}", "\u{1f600}"), Ordering::Greater);
        assert_eq!(utf16_order(":.c:a", "a"), Ordering::Less);
    }
}
