//! The numbers and names by which a registry knows a schema.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number of a schema within one context, as it stands in the framing of a record.
///
/// A signed 32-bit integer on the wire. Registries hand out ids from 1; 0 can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaId(pub i32);

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a version within one subject, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub i32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The content hash of a schema, equal wherever the content is equal: 16 bytes, written as UUID text.
///
/// The MD5 digest taken as it is; no version or variant bits are set. See [`crate::identity`] for what is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

/// The text is neither UUID text nor 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a guid is 32 hexadecimal digits, plain or grouped 8-4-4-4-12")]
pub struct InvalidGuid;

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Guid {
    type Err = InvalidGuid;

    /// Reads UUID text (`8-4-4-4-12`) or 32 plain hexadecimal digits, in either letter case.
    fn from_str(text: &str) -> Result<Self, InvalidGuid> {
        let bytes = text.as_bytes();
        let grouped = bytes.len() == 36;
        if !grouped && bytes.len() != 32 {
            return Err(InvalidGuid);
        }
        let mut out = [0u8; 16];
        let mut digits = 0usize;
        for (i, &byte) in bytes.iter().enumerate() {
            if grouped && matches!(i, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(InvalidGuid);
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or(InvalidGuid)?;
            let slot = out.get_mut(digits / 2).ok_or(InvalidGuid)?;
            // A hexadecimal digit is below 16.
            *slot = (*slot << 4) | u8::try_from(digit).map_err(|_| InvalidGuid)?;
            digits += 1;
        }
        if digits == 32 { Ok(Self(out)) } else { Err(InvalidGuid) }
    }
}

impl Serialize for Guid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guid_reads_what_it_prints() {
        let guid = Guid([
            0x09, 0x5d, 0x71, 0xcf, 0x12, 0x55, 0x6b, 0x9d, 0x5e, 0x33, 0x0a, 0xd5, 0x75, 0xb3, 0xdf, 0x5d,
        ]);
        assert_eq!(guid.to_string(), "095d71cf-1255-6b9d-5e33-0ad575b3df5d");
        assert_eq!(guid.to_string().parse(), Ok(guid));
        assert_eq!("095D71CF12556B9D5E330AD575B3DF5D".parse(), Ok(guid));
    }

    #[test]
    fn guid_refuses_other_text() {
        for text in [
            "",
            "095d71cf",
            "095d71cf-1255-6b9d-5e33-0ad575b3df5",
            "095d71cf+1255-6b9d-5e33-0ad575b3df5d",
            "é95d71cf12556b9d5e330ad575b3df5",
            "zz5d71cf12556b9d5e330ad575b3df5d",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(InvalidGuid), "{text}");
        }
    }
}
