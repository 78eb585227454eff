//! Base64 with the standard alphabet (RFC 4648 §4).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes behind a text, if it is base64. Padding may be missing, but not be wrong.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let is_padded = digits.len() < text.len();
    if digits.len() % 4 == 1
        || (is_padded && (!text.len().is_multiple_of(4) || text.len() - digits.len() > 2))
    {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.as_bytes().chunks(4) {
        let mut bits = 0u32;
        for byte in group {
            bits = bits << 6 | value(*byte)?;
        }
        bits <<= 6 * (4 - group.len());
        let [_, decoded @ ..] = bits.to_be_bytes();
        bytes.extend(decoded.iter().take(group.len() - 1));
    }
    Some(bytes)
}

/// The text of some bytes, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let digit = ALPHABET.get((bits >> (18 - 6 * at)) as usize & 63);
            let digit = digit.filter(|_| at <= group.len()).map_or('=', |digit| char::from(*digit));
            text.push(digit);
        }
    }
    text
}

fn value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn texts_and_bytes() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("+/+/", "\u{fb}"),
        ] {
            if bytes != "\u{fb}" {
                assert_eq!(encode(bytes.as_bytes()), text);
                assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
            }
        }
        assert_eq!(decode("+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
        assert_eq!(decode("Zg"), Some(b"f".to_vec()));
        for wrong in ["Z", "Zg=", "Zm9v====", "Zm9=v", "Zm 9", "Zm9v\n", "Zg==="] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
