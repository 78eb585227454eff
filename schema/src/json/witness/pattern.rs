//! Short texts that a pattern may match: a guess, as every instance is validated anyway.

/// Most texts made of one pattern.
const MOST_TEXTS: usize = 12;
/// Longest text.
const LONGEST: usize = 200;
/// Deepest nesting of groups that is followed.
const DEEPEST: usize = 20;

/// Some texts in which the pattern is found, the simplest first. Lookaround and references to groups are passed over.
pub(super) fn texts(pattern: &str) -> Vec<String> {
    let chars: Vec<char> = pattern.chars().take(2_000).collect();
    let mut texts = Parser { chars: &chars, at: 0 }.alternatives(0);
    texts.dedup();
    texts
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let is_there = self.peek() == Some(c);
        self.at += usize::from(is_there);
        is_there
    }

    fn alternatives(&mut self, depth: usize) -> Vec<String> {
        let mut all = self.sequence(depth);
        while self.eat('|') {
            all.extend(self.sequence(depth));
        }
        all.truncate(MOST_TEXTS);
        all
    }

    fn sequence(&mut self, depth: usize) -> Vec<String> {
        let mut texts = vec![String::new()];
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            let atom = self.atom(depth);
            let (least, most) = self.times();
            let mut parts: Vec<String> = Vec::new();
            for times in [least.max(1).min(most), least, most.min(least + 2)] {
                for part in atom.iter().take(4) {
                    let part = part.repeat(times.min(LONGEST));
                    if !parts.contains(&part) {
                        parts.push(part);
                    }
                }
            }
            let mut longer = Vec::new();
            // First the simplest part with every text, then the others with the simplest text.
            for (n, part) in parts.iter().enumerate() {
                for text in texts.iter().take(if n == 0 { MOST_TEXTS } else { 2 }) {
                    if text.len() + part.len() <= LONGEST && longer.len() < MOST_TEXTS {
                        longer.push(format!("{text}{part}"));
                    }
                }
            }
            if !longer.is_empty() {
                texts = longer;
            }
        }
        texts
    }

    /// What one atom matches; nothing for what takes no room.
    fn atom(&mut self, depth: usize) -> Vec<String> {
        let nothing = || vec![String::new()];
        let Some(c) = self.next() else { return nothing() };
        match c {
            '^' | '$' => nothing(),
            '.' => vec!["a".to_owned(), "1".to_owned()],
            '(' => {
                let is_lookaround = self.skip_group_kind();
                let inner = if depth < DEEPEST { self.alternatives(depth + 1) } else { nothing() };
                self.eat(')');
                if is_lookaround { nothing() } else { inner }
            }
            '[' => self.class(),
            '\\' => self.escape(),
            c => vec![c.to_string()],
        }
    }

    /// Steps over `?:`, `?=`, `?<name>` and the like; whether it is lookaround.
    fn skip_group_kind(&mut self) -> bool {
        if !self.eat('?') {
            return false;
        }
        match self.next() {
            Some('=' | '!') => true,
            Some('<') => {
                if matches!(self.peek(), Some('=' | '!')) {
                    self.at += 1;
                    return true;
                }
                while self.next().is_some_and(|c| c != '>') {}
                false
            }
            _ => false,
        }
    }

    fn escape(&mut self) -> Vec<String> {
        let many = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        match self.next() {
            Some('d') => many(&["1", "0"]),
            Some('w') => many(&["a", "1"]),
            Some('s') => many(&[" "]),
            Some('D' | 'S') => many(&["a"]),
            Some('W') => many(&["-", " "]),
            Some('b' | 'B' | 'A' | 'z' | 'Z' | '1'..='9') | None => many(&[""]),
            Some('n') => many(&["\n"]),
            Some('t') => many(&["\t"]),
            Some('p' | 'P') => {
                if self.eat('{') {
                    while self.next().is_some_and(|c| c != '}') {}
                } else {
                    self.at += 1;
                }
                many(&["a", "A", "1", " "])
            }
            Some(c) => vec![c.to_string()],
        }
    }

    /// A character class, from behind its bracket: its first characters, or one that is not in it.
    fn class(&mut self) -> Vec<String> {
        let is_negated = self.eat('^');
        let (mut chars, mut is_first): (Vec<(char, char)>, bool) = (Vec::new(), true);
        while let Some(c) = self.next() {
            if c == ']' && !is_first {
                break;
            }
            is_first = false;
            let low = if c == '\\' {
                let escaped = self.escape();
                let known = escaped.iter().filter_map(|text| text.chars().next());
                chars.extend(known.map(|c| (c, c)));
                continue;
            } else {
                c
            };
            if self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']') {
                self.at += 1;
                let high = self.next().unwrap_or(low);
                chars.push((low, high));
            } else {
                chars.push((low, low));
            }
        }
        if is_negated {
            let outside = ['a', '1', 'Z', '_', ' ', '~', 'é'].into_iter();
            let outside = outside.filter(|c| !chars.iter().any(|(low, high)| low <= c && c <= high));
            return outside.take(2).map(String::from).collect();
        }
        chars.iter().take(4).map(|(low, _)| low.to_string()).collect()
    }

    /// A quantifier, if there is one.
    fn times(&mut self) -> (usize, usize) {
        let times = match self.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            Some('{') => {
                let inside: String = self.chars.iter().skip(self.at + 1).take_while(|c| **c != '}').collect();
                let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
                let Ok(least) = least.parse::<usize>() else { return (1, 1) };
                self.at += inside.chars().count() + 1;
                (least, most.parse().unwrap_or(usize::MAX))
            }
            _ => return (1, 1),
        };
        self.at += 1;
        if matches!(self.peek(), Some('?' | '+')) {
            self.at += 1;
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_their_pattern() {
        let patterns = [
            "^[a-z]+$",
            "^\\d{4}-\\d{2}-\\d{2}$",
            "^(foo|bar)_[0-9]{2,}$",
            "a*b?c",
            "^[^x]$",
            "^(?:a|(b))+$",
            "x.y",
            "^\\p{L}+$",
            "^[\\w.-]+@[\\w-]+\\.[a-z]{2,}$",
            "",
            "^$",
            "[A-Z]{3}",
            "(?i)abc",
            "\\$\\{x\\}",
        ];
        for pattern in patterns {
            let regex = crate::json::pattern::Pattern::new(pattern);
            let texts = texts(pattern);
            assert!(texts.iter().any(|text| regex.is_found_in(text)), "{pattern}: {texts:?}");
        }
    }

    #[test]
    fn any_text_is_taken_for_a_pattern() {
        for pattern in
            ["(", ")", "[", "{", "a{", "\\", "(?", "(?<", "a{9999999999}", "[^", "((((((((", "|||", "*+?"]
        {
            assert!(texts(pattern).len() <= 4 * MOST_TEXTS, "{pattern}");
        }
        assert!(texts(&"(a|b)*".repeat(10_000)).len() <= MOST_TEXTS);
        assert!(texts(&"(".repeat(100_000)).len() <= MOST_TEXTS);
    }
}
