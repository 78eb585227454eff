//! Digests as text: base64 for one hash in a record, and a running checksum over a file.

use muster_schema::Guid;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// 16 bytes in base64 (RFC 4648 §4): 22 digits and 2 signs of padding.
pub(super) fn to_base64(guid: Guid) -> String {
    let bits = u128::from_be_bytes(guid.0);
    // 128 bits are 21 digits of 6 bits and one of the last 2.
    let digit = |index: u32| {
        let six = if index < 21 { bits >> (122 - 6 * index) } else { bits << 4 };
        ALPHABET.get(usize::try_from(six & 63).unwrap_or(0)).copied().map_or('A', char::from)
    };
    (0..22).map(digit).chain("==".chars()).collect()
}

/// Reads what [`to_base64`] writes.
pub(super) fn from_base64(text: &str) -> Option<Guid> {
    let digits = text.strip_suffix("==")?;
    if digits.len() != 22 {
        return None;
    }
    let mut bits: u128 = 0;
    for (index, digit) in digits.bytes().enumerate() {
        let six = u128::try_from(ALPHABET.iter().position(|known| *known == digit)?).ok()?;
        bits = if index < 21 { bits << 6 | six } else { bits << 2 | six >> 4 };
    }
    Some(Guid(bits.to_be_bytes()))
}

/// A checksum over lines (64-bit FNV-1a): finds damage and cuts, not malice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checksum(u64);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(super) fn hex(self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        // The digest of the text "string" with quotes, as `base64` prints it.
        let guid: Guid = "095d71cf-1255-6b9d-5e33-0ad575b3df5d".parse().unwrap();
        assert_eq!(to_base64(guid), "CV1xzxJVa51eMwrVdbPfXQ==");
        assert_eq!(from_base64("CV1xzxJVa51eMwrVdbPfXQ=="), Some(guid));
        for guid in [Guid([0; 16]), Guid([255; 16])] {
            assert_eq!(from_base64(&to_base64(guid)), Some(guid));
        }
        for text in
            ["", "==", "CV1xzxJVa51eMwrVdbPfXQ", "CV1xzxJVa51eMwrVdbPf-Q==", "éV1xzxJVa51eMwrVdbPfX=="]
        {
            assert_eq!(from_base64(text), None, "{text}");
        }
    }
}
