//! The text format of Java properties.

/// The pairs of a text, in order. Comments start with `#` or `!`; a pair ends with its line unless a backslash
/// precedes the line's end; key and value are parted by `=`, `:` or white space.
pub(super) fn parse(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while continues(&whole) {
            whole.pop();
            match lines.next() {
                Some(next) => whole.push_str(next.trim_start()),
                None => break,
            }
        }
        pairs.push(pair(&whole));
    }
    pairs
}

/// Whether a line goes on: it ends with an odd number of backslashes.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn pair(line: &str) -> (String, String) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && (c == '=' || c == ':' || c.is_ascii_whitespace());
        escaped = !escaped && c == '\\';
        ends
    });
    let (key, rest) = end.map_or((line, ""), |end| line.split_at_checked(end).unwrap_or((line, "")));
    let rest = rest.trim_start();
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start();
    (unescape(key), unescape(value))
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let digits: String = chars.clone().take(4).collect();
                match u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32) {
                    Some(character) if digits.len() == 4 => {
                        plain.push(character);
                        chars = chars.as_str().get(4..).unwrap_or_default().chars();
                    }
                    _ => plain.push('u'),
                }
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_as_java_reads_them() {
        let text = "# comment\n! another\n\n a = 1\nb:2\nc 3\nd=x=y\ne\nf = long \\\n   value\ng\\ h=i\\u0041\\tj\nk=\\\\\n";
        let expected = [
            ("a", "1"),
            ("b", "2"),
            ("c", "3"),
            ("d", "x=y"),
            ("e", ""),
            ("f", "long value"),
            ("g h", "iA\tj"),
            ("k", "\\"),
        ];
        let pairs = parse(text);
        let got: Vec<(&str, &str)> =
            pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn any_text_is_read() {
        for text in ["\\", "a=\\", "\\u12", "a=\\u12", "=", "\\\n\\\n\\", "ü=\\uüüüü", "\u{0}"] {
            parse(text);
        }
    }
}
