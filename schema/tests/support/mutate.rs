//! Mutations of fuzz inputs: bytes, words of JSON, whole values.

use super::values::varint;

/// Words of Avro schemas.
pub const WORDS: [&str; 40] = [
    "\"null\"",
    "\"int\"",
    "\"long\"",
    "\"string\"",
    "\"bytes\"",
    "\"double\"",
    "\"record\"",
    "\"enum\"",
    "\"fixed\"",
    "\"array\"",
    "\"map\"",
    "\"error\"",
    "\"type\"",
    "\"name\"",
    "\"namespace\"",
    "\"fields\"",
    "\"symbols\"",
    "\"default\"",
    "\"aliases\"",
    "\"items\"",
    "\"values\"",
    "\"size\"",
    "\"logicalType\"",
    "\"decimal\"",
    "\"precision\"",
    "\"doc\"",
    "\"order\"",
    "\"n.T0\"",
    "\"n.T1\"",
    "\"T2\"",
    "[]",
    "{}",
    "null",
    "-1",
    "1e9",
    "99999999999999999999",
    "\"\\ud800\"",
    "\"confluent:tags\"",
    "/*",
    "\u{e9}",
];

/// Changes an input in one place. `corpus`: inputs to take values from; `words`: words of its language.
pub fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(10) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = b"\0\x01\x02\x7f\x80\xff{}[]\",:0-\n"[random.below(16)],
        2 => input.insert(at, random.byte()),
        3 => {
            let end = (at + 1 + random.below(20)).min(input.len());
            input.drain(at..end.max(at));
        }
        4 => {
            let end = (at + 1 + random.below(60)).min(input.len());
            let copy = input[at..end.max(at)].to_vec();
            let place = random.below(input.len() + 1);
            input.splice(place..place, copy);
        }
        5..7 => {
            // One word of JSON for another.
            let word = words[random.below(words.len())].bytes();
            let (start, end) = token(input, at);
            input.splice(start..end, word);
        }
        7 => {
            // A whole value from another input for one of this.
            let other = &corpus[random.below(corpus.len())];
            let (from, to) = value(other, random.below(other.len() + 1));
            let (start, end) = value(input, at);
            input.splice(start..end, other[from..to].iter().copied());
        }
        8 => {
            // One value of this input for another.
            let (from, to) = value(input, random.below(input.len() + 1));
            let copy = input[from..to].to_vec();
            let (start, end) = value(input, at);
            input.splice(start..end, copy);
        }
        _ => {
            let number = [-1_i64, 0, 1, 64, 1 << 31, i64::MAX, i64::MIN][random.below(7)];
            let mut bytes = Vec::new();
            varint(number, &mut bytes);
            input.splice(at..at, bytes);
        }
    }
}

/// The string, number or word around or after a place.
fn token(text: &[u8], at: usize) -> (usize, usize) {
    let is_edge = |byte: &u8| b"{}[],:\n".contains(byte);
    let start = text[..at].iter().rposition(is_edge).map_or(0, |edge| edge + 1);
    let end = text[start..].iter().position(is_edge).map_or(text.len(), |length| start + length);
    (start, end)
}

/// The JSON value that begins at or after a place; nothing if it does not end.
fn value(text: &[u8], at: usize) -> (usize, usize) {
    let is_start = |byte: &u8| b"{[\"".contains(byte);
    let Some(start) = text[at..].iter().position(is_start).map(|ahead| at + ahead) else { return (at, at) };
    if text[start] == b'"' {
        return token(text, start);
    }
    let mut open = 0_usize;
    for (ahead, byte) in text[start..].iter().enumerate() {
        match byte {
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            return (start, start + ahead + 1);
        }
    }
    (start, start)
}

/// SplitMix64: small, fast and the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    pub fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }
}
