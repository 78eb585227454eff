//! Exact decimals as Java's `BigDecimal` has them, which is how numbers appear in stored text (schema formats spec
//! §3.2).

use std::borrow::Cow;
use std::cmp::Ordering;

/// An exact decimal: `digits` · 10^-`scale`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::json) struct Decimal<'a> {
    is_negative: bool,
    /// Without leading zeros; `0` for zero.
    digits: Cow<'a, str>,
    scale: i64,
}

/// The largest exponent that Java's decimals know.
const MAX_EXPONENT: i64 = i32::MAX as i64;

impl<'a> Decimal<'a> {
    /// Reads the text of a JSON number; `None` past Java's range of exponents.
    pub(in crate::json) fn of(text: &'a str) -> Option<Self> {
        let (is_negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, ""));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent = match exponent.strip_prefix('+').unwrap_or(exponent) {
            "" => 0,
            digits => digits.parse::<i64>().ok().filter(|exponent| exponent.abs() <= MAX_EXPONENT)?,
        };
        let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if scale.abs() > MAX_EXPONENT {
            return None;
        }
        let digits =
            if fraction.is_empty() { Cow::Borrowed(whole) } else { Cow::Owned(format!("{whole}{fraction}")) };
        let zeros = digits.len() - digits.trim_start_matches('0').len();
        let zeros = zeros.min(digits.len().saturating_sub(1));
        let digits = match digits {
            Cow::Borrowed(digits) => Cow::Borrowed(digits.get(zeros..).unwrap_or(digits)),
            Cow::Owned(digits) => Cow::Owned(digits.get(zeros..).unwrap_or(&digits).to_owned()),
        };
        let is_negative = is_negative && digits != "0";
        Some(Self { is_negative, digits, scale })
    }

    /// Whether it is zero.
    pub(in crate::json) fn is_zero(&self) -> bool {
        self.digits == "0"
    }

    /// Plain down to six zeros after the point, else scientific.
    ///
    /// Source: documentation of `BigDecimal.toString`.
    pub(in crate::json) fn print(&self) -> String {
        let sign = if self.is_negative { "-" } else { "" };
        let count = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let adjusted = count - 1 - self.scale;
        let digits = &self.digits;
        if self.scale == 0 {
            return format!("{sign}{digits}");
        }
        if self.scale > 0 && adjusted >= -6 {
            let point = count - self.scale;
            return match usize::try_from(point).ok().filter(|point| *point > 0) {
                Some(point) => {
                    let (whole, fraction) = digits.split_at_checked(point).unwrap_or((digits, ""));
                    format!("{sign}{whole}.{fraction}")
                }
                None => {
                    let zeros = "0".repeat(usize::try_from(-point).unwrap_or(0));
                    format!("{sign}0.{zeros}{digits}")
                }
            };
        }
        let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
        let point = if rest.is_empty() { "" } else { "." };
        let exponent = if adjusted < 0 { adjusted.to_string() } else { format!("+{adjusted}") };
        let exponent = if adjusted == 0 { String::new() } else { format!("E{exponent}") };
        format!("{sign}{first}{point}{rest}{exponent}")
    }

    /// The integer part's lowest 32 bits.
    ///
    /// Source: documentation of `BigDecimal.intValue`.
    pub(in crate::json) fn int_value(&self) -> i32 {
        let count = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let whole = usize::try_from((count - self.scale).clamp(0, count)).unwrap_or(0);
        let mut bits = self.digits.bytes().take(whole).fold(0_u32, |bits, digit| {
            bits.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0')))
        });
        // From 32 tens on all bits are zero.
        for _ in 0..(-self.scale).clamp(0, 32) {
            bits = bits.wrapping_mul(10);
        }
        let value = bits.cast_signed();
        if self.is_negative { value.wrapping_neg() } else { value }
    }

    /// Whether the two are the same number, however they are written.
    pub(in crate::json) fn is_equal(&self, other: &Self) -> bool {
        let shortest = |decimal: &Self| {
            let digits = decimal.digits.trim_end_matches('0').len();
            (digits, decimal.scale - i64::try_from(decimal.digits.len() - digits).unwrap_or(i64::MAX))
        };
        let ((ours, our_scale), (theirs, their_scale)) = (shortest(self), shortest(other));
        let is_same_size = self.digits.get(..ours) == other.digits.get(..theirs) && our_scale == their_scale;
        self.is_negative == other.is_negative && (is_same_size || (self.is_zero() && other.is_zero()))
    }

    /// Whether this is an integral multiple of `other`, which is not zero; `None` if the two are so far apart that
    /// nobody wants to know.
    pub(in crate::json) fn is_multiple_of(&self, other: &Self) -> Option<bool> {
        if self.is_zero() {
            return Some(true);
        }
        let (self_zeros, other_zeros) = (other.scale - self.scale, self.scale - other.scale);
        const MOST: i64 = 700;
        if self_zeros.abs() > MOST {
            return None;
        }
        // Both as integers of the same scale.
        let padded = |digits: &str, zeros: i64| {
            format!("{digits}{}", "0".repeat(usize::try_from(zeros.max(0)).unwrap_or(0)))
        };
        let (dividend, divisor) = (padded(&self.digits, self_zeros), padded(&other.digits, other_zeros));
        Some(remainder_is_zero(&dividend, &divisor))
    }
}

/// Schoolbook division of decimal digits, for the remainder only.
fn remainder_is_zero(dividend: &str, divisor: &str) -> bool {
    // Digits from the highest, without leading zeros.
    let divisor: Vec<u8> = divisor.bytes().map(|digit| digit.wrapping_sub(b'0')).collect();
    let mut rest: Vec<u8> = Vec::with_capacity(divisor.len() + 1);
    for digit in dividend.bytes().map(|digit| digit.wrapping_sub(b'0')) {
        if !(rest.is_empty() && digit == 0) {
            rest.push(digit);
        }
        while compare(&rest, &divisor) != Ordering::Less {
            subtract(&mut rest, &divisor);
        }
    }
    rest.is_empty()
}

fn compare(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// `from` -= `what`, which is not larger.
fn subtract(from: &mut Vec<u8>, what: &[u8]) {
    let mut borrow = 0;
    let digits = what.iter().rev().chain(std::iter::repeat(&0));
    for (digit, taken) in from.iter_mut().rev().zip(digits) {
        let taken = *taken + borrow;
        borrow = u8::from(*digit < taken);
        *digit = *digit + 10 * borrow - taken;
    }
    let zeros = from.iter().take_while(|digit| **digit == 0).count();
    from.drain(..zeros);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_print_as_in_java() {
        let cases = [
            ("0", "0"),
            ("-0", "0"),
            ("12345678901234567890", "12345678901234567890"),
            ("1.0", "1.0"),
            ("1.10", "1.10"),
            ("100000000.0", "100000000.0"),
            ("1e3", "1E+3"),
            ("1E-7", "1E-7"),
            ("0.1e1", "1"),
            ("-0.0", "0.0"),
            ("1e400", "1E+400"),
            ("1.5e3", "1.5E+3"),
            ("-1.25E+2", "-125"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1E-7"),
            ("0.00000010", "1.0E-7"),
            ("12e-1", "1.2"),
            ("0e5", "0E+5"),
            ("0.000e1", "0.00"),
        ];
        for (text, expected) in cases {
            assert_eq!(Decimal::of(text).unwrap().print(), expected, "{text}");
            assert_eq!(Decimal::of(expected).unwrap().print(), expected, "{expected} again");
        }
        assert_eq!(Decimal::of("1e99999999999"), None);
        assert_eq!(Decimal::of("1e-2147483648"), None);
    }

    #[test]
    fn integer_parts_wrap() {
        let cases = [("1.5", 1), ("4294967297", 1), ("-1.9", -1), ("1e2", 100), ("1e40", 0), ("0.9", 0)];
        for (text, expected) in cases {
            assert_eq!(Decimal::of(text).unwrap().int_value(), expected, "{text}");
        }
    }

    #[test]
    fn multiples_are_exact() {
        let cases = [
            ("6", "3", true),
            ("7", "3", false),
            ("0.5", "0.50", true),
            ("1", "0.1", true),
            ("0.3", "0.1", true),
            ("1e3", "8", true),
            ("0.1", "1", false),
            ("-6", "3", true),
            ("123456789012345678901234567890", "10", true),
            ("123456789012345678901234567891", "10", false),
        ];
        for (a, b, expected) in cases {
            let (a, b) = (Decimal::of(a).unwrap(), Decimal::of(b).unwrap());
            assert_eq!(a.is_multiple_of(&b), Some(expected), "{a:?} and {b:?}");
        }
        let (huge, one) = (Decimal::of("1e100000").unwrap(), Decimal::of("1").unwrap());
        assert_eq!(huge.is_multiple_of(&one), None);
    }
}
