//! Regular expressions of schemas: the grammar of Java's, which decides what loads (schema formats spec §3.1), and
//! matching with bounded effort, which decides which property a pattern covers (§3.6).

mod classes;
mod scan;

use fancy_regex::{Regex, RegexBuilder};

pub(in crate::json) use scan::PatternError;
use scan::Scanned;

/// Whether Java compiles the pattern.
pub(in crate::json) fn check(pattern: &str) -> Result<(), PatternError> {
    scan::scan(pattern).map(|_| ())
}

/// A pattern that is ready to match.
#[derive(Debug)]
pub(in crate::json) struct Pattern(Option<Regex>);

/// Most steps of matching one name where the pattern needs backtracking.
const MAX_STEPS: usize = 20_000;
/// Most bytes of a compiled pattern.
const MAX_BYTES: usize = 1 << 18;
/// Deepest nesting of groups and classes in patterns that are matched: the engine recurses over it.
const MAX_DEPTH: usize = 32;
/// The stack on which patterns are compiled, in bytes: what the engine needs even for small ones is not known.
const STACK_BYTES: usize = 4 << 20;

impl Pattern {
    /// Compiles a pattern. One that is too large, or says what this engine cannot, matches nothing.
    pub(in crate::json) fn new(pattern: &str) -> Self {
        let Some(Scanned { text, .. }) = shallow(pattern) else { return Self(None) };
        Self(std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, || compile(&text, MAX_STEPS, MAX_BYTES)).ok()?.join().ok()?
        }))
    }

    /// Whether the pattern is found anywhere in the text.
    pub(in crate::json) fn is_found_in(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text).unwrap_or(false))
    }
}

/// The pattern as the engine writes it; `None` if Java does not compile it, it nests too deeply, or the engine cannot do
/// the same.
pub(in crate::json) fn to_engine(pattern: &str) -> Option<String> {
    shallow(pattern).filter(|scanned| scanned.is_exact).map(|scanned| scanned.text)
}

fn shallow(pattern: &str) -> Option<Scanned> {
    scan::scan(pattern).ok().filter(|scanned| scanned.depth <= MAX_DEPTH)
}

/// Compiles what [`to_engine`] wrote, with a limit to steps back and to its size. Recurses over the pattern.
pub(in crate::json) fn compile(text: &str, steps: usize, bytes: usize) -> Option<Regex> {
    let mut builder = RegexBuilder::new(text);
    builder.backtrack_limit(steps).delegate_size_limit(bytes).delegate_dfa_size_limit(bytes);
    builder.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_decides_what_compiles() {
        let good = [
            "",
            "^x_",
            "[0-9]{2,}",
            "^(a|b)*$",
            "(?=a)",
            "(?<name>a)\\k<name>",
            "a{2}{3}",
            "{2}",
            "]",
            "}",
            "[]a]",
            "[^]a]",
            "[a[b]&&[^c]]",
            "\\p{L}+",
            "\\pL",
            "\\p{IsLatin}",
            "\\p{InGreek}",
            "\\p{Alpha}",
            "\\x{1F600}",
            "\\u00e9",
            "\\Q[(\\E",
            "\\Q(",
            "a*+b?+c{1,2}+",
            "(?i)a(?-i:b)",
            "(?<=ab{1,3})c",
            "\\/",
            "\\-",
            "^*",
            "a|",
            "|",
            "()",
            "\\b\\B\\A\\z\\Z\\G",
            "\\R\\h\\v\\X",
            "\\cA",
            "\\0177",
            "[\\w-.]",
            "[a-]",
            "\\1",
            "[&&a]",
        ];
        let bad = [
            "[",
            "(",
            ")",
            "*",
            "a**",
            "+a",
            "(?<n>a",
            "(?<n>a)(?<n>b)",
            "(?<1>a)",
            "\\k<n>",
            "{",
            "a{",
            "a{2",
            "a{2,1}",
            "a{,3}",
            "[z-a]",
            "[a",
            "\\",
            "\\y",
            "\\i",
            "[\\b]",
            "\\p{Nope}",
            "\\p{",
            "\\x",
            "\\u12",
            "(?y)",
            "(?<=a*)b",
            "(?<!a+)b",
            "\\x{110000}",
            "\\0",
            "(*)",
            "a|*",
            "[]",
            "(?",
            "(?P<n>a)",
            "a???*",
        ];
        for pattern in good {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
        for pattern in bad {
            assert!(check(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn patterns_match_as_in_java() {
        let cases = [
            ("^x_", "x_trace", true),
            ("^x_", "ax_", false),
            ("e$", "note", true),
            ("[0-9]{2,}", "a12", true),
            ("\\d", "٣", false),
            ("\\w", "é", false),
            ("\\p{L}", "é", true),
            ("^\\p{Alpha}+$", "abc", true),
            ("\\Qa.b\\E", "a.b", true),
            ("\\Qa.b\\E", "axb", false),
            ("^[a-c&&[^b]]+$", "ac", true),
            ("^[a-c&&[^b]]+$", "b", false),
            ("(?i)ABC", "xabc", true),
            ("(?=a)", "ba", true),
            ("a}", "a}", true),
            ("[]x]", "]", true),
            ("^\\u00e9$", "é", true),
            ("^.{2,}$", "ab", true),
            ("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false),
            ("(?=(a+)+$)", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Pattern::new(pattern).is_found_in(text), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn monstrous_patterns_are_cheap_on_a_small_stack() {
        let work = || {
            let nested = |open: &str, close: &str, depth| open.repeat(depth) + "a" + &close.repeat(depth);
            for pattern in [
                nested("(", ")", 2),
                nested("(", ")", 32),
                nested("(", ")*", 2),
                nested("(", ")*", 32),
                nested("(", ")", 100_000),
                nested("[", "]", 100_000),
                nested("(?=", ")", 2),
                nested("(?=", ")", 32),
                "a{1000}{1000}{1000}".to_owned(),
                "a|".repeat(100_000),
                "[a-z]".repeat(10_000),
                "\\p{L}{500}".repeat(100),
            ] {
                let _ = Pattern::new(&pattern).is_found_in(&"a".repeat(10_000));
            }
        };
        std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap().join().unwrap();
    }
}
