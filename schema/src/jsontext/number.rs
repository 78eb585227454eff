//! Numbers as Java prints and reads them, which is how they appear in stored schema text (schema formats spec §1.5).

use std::fmt::Write;

/// What a number's text means.
#[derive(Clone, Copy, Debug)]
pub enum Number<'a> {
    /// No fraction and no exponent: an integer of any size, as its digits with a `-` where it is below zero.
    Integer(&'a str),
    /// Anything else: an IEEE double, infinite where the text is too big.
    Double(f64),
}

impl<'a> Number<'a> {
    /// Reads the text of a [`Json::Number`](super::Json::Number).
    pub fn of(text: &'a str) -> Self {
        match text {
            "-0" => Self::Integer("0"),
            "NaN" => Self::Double(f64::NAN),
            "Infinity" => Self::Double(f64::INFINITY),
            "-Infinity" => Self::Double(f64::NEG_INFINITY),
            _ if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => Self::Integer(text),
            _ => Self::Double(text.parse().unwrap_or(f64::NAN)),
        }
    }

    /// The value, if it is an integer that fits.
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Integer(digits) => digits.parse().ok(),
            Self::Double(_) => None,
        }
    }

    /// The value, if it is an integer that fits.
    pub fn as_i32(self) -> Option<i32> {
        self.as_i64().and_then(|value| i32::try_from(value).ok())
    }
}

/// By kind and value: `1` is not `1.0`, `0.0` is not `-0.0`, and NaN equals itself.
impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            _ => false,
        }
    }
}

/// Prints a double as Java does: plain from 10⁻³ up to 10⁷, else scientific, always with a digit after the point.
///
/// Source: documentation of `Double.toString`, Java 19 and later (the shortest decimal that reads back).
pub fn java_double(value: f64) -> String {
    let two_digits = format!("{value:.1e}");
    let reads_back = two_digits.parse() == Ok(value);
    java_text(&format!("{value:e}"), reads_back.then_some(&two_digits))
}

/// Prints a float as Java does; see [`java_double`].
pub fn java_float(value: f32) -> String {
    let two_digits = format!("{value:.1e}");
    let reads_back = two_digits.parse() == Ok(value);
    java_text(&format!("{value:e}"), reads_back.then_some(&two_digits))
}

/// Lays out `shortest` (`d.ddde-n`) the Java way. Of the one-digit decimals Java prints the nearest one with two
/// digits (the smallest double is `4.9E-324`), so `two_digits`, if they read back as the same number, go first there.
fn java_text(shortest: &str, two_digits: Option<&String>) -> String {
    let (sign, unsigned) = shortest.strip_prefix('-').map_or(("", shortest), |unsigned| ("-", unsigned));
    match unsigned {
        "NaN" => return "NaN".to_owned(),
        "inf" => return format!("{sign}Infinity"),
        _ => {}
    }
    let is_one_digit = unsigned.split('e').next().is_some_and(|mantissa| mantissa.len() == 1);
    let two_digits = two_digits.filter(|_| is_one_digit).map(|text| text.trim_start_matches('-'));
    let text = two_digits.unwrap_or(unsigned);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let rest = rest.trim_end_matches('0');
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut out = sign.to_owned();
    if first == "0" {
        out.push_str("0.0");
    } else if (0..7).contains(&exponent) {
        let whole = usize::try_from(exponent).unwrap_or(0);
        let (integer, fraction) = rest.split_at_checked(whole).unwrap_or((rest, ""));
        let zeros = "0".repeat(whole - integer.len());
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        let _ = write!(out, "{first}{integer}{zeros}.{fraction}");
    } else if (-3..0).contains(&exponent) {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        let _ = write!(out, "0.{zeros}{first}{rest}");
    } else {
        let rest = if rest.is_empty() { "0" } else { rest };
        let _ = write!(out, "{first}.{rest}E{exponent}");
    }
    out
}

/// Reads what Java's `Double.parseDouble` reads: a decimal or hexadecimal literal or `NaN` or `Infinity`, with a
/// sign and a type suffix if need be, and white space around it.
pub fn parse_java_double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let value = match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        _ => {
            let digits = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
            match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
                Some(hexadecimal) => parse_hexadecimal(hexadecimal)?,
                // Rust's grammar of decimals is Java's, once words and signs are ruled out.
                None if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
                    digits.parse().ok()?
                }
                None => return None,
            }
        }
    };
    Some(if negative { -value } else { value })
}

/// Reads `h.hhhp±d` without its prefix `0x`.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_hexadecimal = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if (whole.is_empty() && fraction.is_empty()) || !is_hexadecimal(whole) || !is_hexadecimal(fraction) {
        return None;
    }
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Beyond every double either way, so a longer exponent changes nothing.
    let huge = 1_000_000_000_i64;
    let exponent = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -huge } else { huge });
    // The first 60 significant bits, and one more that says whether anything was cut off, so that one rounding is
    // enough.
    let (mut bits, mut scale, mut cut) = (0_u64, 0_i64, false);
    for (digit, is_fraction) in whole.bytes().map(|b| (b, false)).chain(fraction.bytes().map(|b| (b, true))) {
        let digit = u64::from(char::from(digit).to_digit(16)?);
        if bits >> 56 == 0 {
            bits = bits << 4 | digit;
            scale -= if is_fraction { 4 } else { 0 };
        } else {
            cut |= digit != 0;
            scale += if is_fraction { 0 } else { 4 };
        }
    }
    let (bits, scale) = (bits << 1 | u64::from(cut), (scale - 1).saturating_add(exponent));
    Some(scaled(bits, scale))
}

/// `bits` · 2^`scale`, rounded to nearest, ties to even.
fn scaled(bits: u64, scale: i64) -> f64 {
    if bits == 0 || scale < -1_200 {
        return 0.0;
    }
    if scale > 1_100 {
        return f64::INFINITY;
    }
    // Below the normal range only so many bits of the result exist: round them here, once, so that what follows
    // is exact.
    let missing = (-1_074 - scale).clamp(0, 63);
    let has_room = i64::from(64 - bits.leading_zeros()) - missing >= 53;
    let (bits, scale) = if missing == 0 || has_room {
        (bits, scale)
    } else {
        let (kept, lost) = (bits >> missing, bits & ((1 << missing) - 1));
        let half = 1_u64 << (missing - 1);
        let up = lost > half || (lost == half && kept & 1 == 1);
        (kept + u64::from(up), scale + missing)
    };
    #[expect(clippy::cast_precision_loss, reason = "the rounding that is asked for")]
    let mut value = bits as f64;
    let mut left = scale;
    while left != 0 && value != 0.0 && value.is_finite() {
        let step = left.clamp(-1_000, 1_000);
        value *= 2_f64.powi(i32::try_from(step).unwrap_or(0));
        left -= step;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_in_java() {
        let cases = [
            (1.10, "1.1"),
            (1e3, "1000.0"),
            (1e5, "100000.0"),
            (1e8, "1.0E8"),
            (1e-7, "1.0E-7"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (123_456.789, "123456.789"),
            (12_345_678.9, "1.23456789E7"),
            (0.001, "0.001"),
            (0.001_25, "0.00125"),
            (0.000_999_9, "9.999E-4"),
            (0.1, "0.1"),
            (-2.25, "-2.25"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (100.0, "100.0"),
            (120.0, "120.0"),
            (1e23, "1.0E23"),
            (2e-323, "2.0E-323"),
            (f64::from_bits(1), "4.9E-324"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (9_007_199_254_740_993.0, "9.007199254740992E15"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in cases {
            assert_eq!(java_double(value), expected);
        }
    }

    #[test]
    fn floats_print_as_in_java() {
        let cases = [
            (0.1, "0.1"),
            (16_777_217.0, "1.6777216E7"),
            (f32::from_bits(1), "1.4E-45"),
            (3.4e38, "3.4E38"),
            (f32::INFINITY, "Infinity"),
        ];
        for (value, expected) in cases {
            assert_eq!(java_float(value), expected);
        }
    }

    #[test]
    fn strings_read_as_java_doubles() {
        let cases = [
            (" 1.5 ", Some(1.5)),
            ("1.5f", Some(1.5)),
            ("1D", Some(1.0)),
            ("+1", Some(1.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-0", Some(-0.0)),
            ("1e400", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("0x1p3", Some(8.0)),
            ("0X.8P1", Some(1.0)),
            ("0x1.8p-1074", Some(1e-323)),
            ("0x1p-1075", Some(0.0)),
            ("0x1.00000000000008p0", Some(1.0)),
            ("0x1.000000000000080000000000001p0", Some(1.000_000_000_000_000_2)),
            ("0x1p99999999999999999999", Some(f64::INFINITY)),
            ("0x1p-99999999999999999999", Some(0.0)),
            ("", None),
            (" ", None),
            (".", None),
            ("-", None),
            ("1e", None),
            ("1_0", None),
            ("0x1", None),
            ("0xp1", None),
            ("inf", None),
            ("INF", None),
            ("infinity", None),
            ("nan", None),
            ("--1", None),
            ("+-1", None),
            ("\u{a0}1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_java_double(text), expected, "{text:?}");
        }
        assert!(parse_java_double("+NaN").is_some_and(f64::is_nan));
    }
}
