//! Names of character classes in `\p{…}`.

/// POSIX-like classes, US-ASCII only as in Java, as the inside of a bracket expression.
const ASCII: [(&str, &str); 14] = [
    ("Lower", "a-z"),
    ("Upper", "A-Z"),
    ("ASCII", "\\x00-\\x7F"),
    ("Alpha", "a-zA-Z"),
    ("Digit", "0-9"),
    ("Alnum", "a-zA-Z0-9"),
    ("Punct", "!-/:-@\\[-`{-~"),
    ("Graph", "!-~"),
    ("Print", "\\x20-~"),
    ("Blank", " \\t"),
    ("Cntrl", "\\x00-\\x1F\\x7F"),
    ("XDigit", "0-9A-Fa-f"),
    ("Space", " \\t\\n\\x0B\\f\\r"),
    ("L1", "\\x{0}-\\x{FF}"),
];

/// Classes of `java.lang.Character`, by the Unicode property that is nearest.
const JAVA: [(&str, &str); 16] = [
    ("javaLowerCase", "\\p{Lowercase}"),
    ("javaUpperCase", "\\p{Uppercase}"),
    ("javaAlphabetic", "\\p{Alphabetic}"),
    ("javaIdeographic", "\\p{Ideographic}"),
    ("javaTitleCase", "\\p{Lt}"),
    ("javaDigit", "\\p{Nd}"),
    ("javaDefined", "\\P{Cn}"),
    ("javaLetter", "\\p{L}"),
    ("javaLetterOrDigit", "\\p{L}\\p{Nd}"),
    ("javaSpaceChar", "\\p{Z}"),
    ("javaWhitespace", "\\s"),
    ("javaISOControl", "\\x00-\\x1F\\x7F-\\x{9F}"),
    ("javaMirrored", "\\p{Bidi_Mirrored}"),
    ("javaJavaIdentifierStart", "\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}"),
    ("javaJavaIdentifierPart", "\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}\\p{Nd}\\p{Mc}\\p{Mn}"),
    ("javaIdentifierIgnorable", "\\p{Cf}"),
];

/// General categories.
const CATEGORIES: [&str; 37] = [
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Me", "Mc", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf",
    "Co", "Cs", "Pd", "Ps", "Pe", "Pc", "Po", "Sm", "Sc", "Sk", "So", "Pi", "Pf", "L", "M", "N", "Z", "C",
    "P", "S",
];

/// Binary properties that `Is` may precede, in any case.
const BINARY: [(&str, &str); 15] = [
    ("ALPHABETIC", "\\p{Alphabetic}"),
    ("LETTER", "\\p{L}"),
    ("IDEOGRAPHIC", "\\p{Ideographic}"),
    ("LOWERCASE", "\\p{Lowercase}"),
    ("UPPERCASE", "\\p{Uppercase}"),
    ("TITLECASE", "\\p{Lt}"),
    ("WHITE_SPACE", "\\p{White_Space}"),
    ("CONTROL", "\\p{Cc}"),
    ("PUNCTUATION", "\\p{P}"),
    ("HEX_DIGIT", "\\p{Hex_Digit}"),
    ("ASSIGNED", "\\P{Cn}"),
    ("NONCHARACTER_CODE_POINT", "\\p{Noncharacter_Code_Point}"),
    ("DIGIT", "\\p{Nd}"),
    ("ALNUM", "\\p{Alphabetic}\\p{Nd}"),
    ("EMOJI", "\\p{Emoji}"),
];

/// What `\p{name}` stands for, as the inside of a bracket expression; `None` if Java does not know the name.
pub(super) fn inside(name: &str) -> Option<String> {
    let plain = |table: &[(&str, &str)], name: &str| {
        table.iter().find(|(known, _)| *known == name).map(|(_, inside)| (*inside).to_owned())
    };
    if let Some((key, value)) = name.split_once('=') {
        return match key.to_ascii_lowercase().as_str() {
            "sc" | "script" => script(value),
            "blk" | "block" => block(value),
            "gc" | "general_category" => category(value),
            _ => None,
        };
    }
    if let Some(name) = name.strip_prefix("In") {
        return block(name);
    }
    if let Some(name) = name.strip_prefix("Is") {
        let binary = plain(&BINARY, &name.to_ascii_uppercase());
        return binary.or_else(|| category(name)).or_else(|| script(name));
    }
    plain(&ASCII, name).or_else(|| plain(&JAVA, name)).or_else(|| category(name))
}

/// Whether the name is that of a block of characters, none of which the engine knows.
pub(super) fn is_block(name: &str) -> bool {
    name.split_once('=').map_or(name.starts_with("In"), |(key, _)| key.to_ascii_lowercase().starts_with("bl"))
}

fn category(name: &str) -> Option<String> {
    match name {
        "LC" => Some("\\p{Lu}\\p{Ll}\\p{Lt}".to_owned()),
        "LD" => Some("\\p{L}\\p{Nd}".to_owned()),
        "all" => Some("\\x{0}-\\x{10FFFF}".to_owned()),
        // No text holds a surrogate.
        "Cs" => Some("[^\\x{0}-\\x{10FFFF}]".to_owned()),
        _ => CATEGORIES.contains(&name).then(|| format!("\\p{{{name}}}")),
    }
}

/// Scripts are known to the engine.
fn script(name: &str) -> Option<String> {
    let is_word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    let inside = format!("\\p{{Script={name}}}");
    (is_word && fancy_regex::Regex::new(&inside).is_ok()).then_some(inside)
}

/// Blocks are not: what looks like one is taken for one, and matches nothing.
fn block(name: &str) -> Option<String> {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b" _-".contains(&b));
    is_name.then(|| "[^\\x{0}-\\x{10FFFF}]".to_owned())
}
