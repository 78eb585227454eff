//! How the reference writes a number of an option once more when it normalizes.
//!
//! It takes a word for the smallest of its platform's numbers that shows the same digits, and prints that number's value
//! with three digits after the point. So `1e11`, which a number of 32 bits shows without being it, becomes
//! `99999997952`, and `1.0005` becomes `1`.

/// Most digits before the decimal point; a number beyond is left as it is.
const MAX_DIGITS: usize = 400;
/// Most digits after the decimal point.
const FRACTION_DIGITS: u8 = 3;
/// From here on a number of 64 bits has no fraction worth three digits, and its shortest digits are printed.
const WHOLE: f64 = 1e15;

/// A decimal number, taken apart.
struct Decimal<'t> {
    is_negative: bool,
    /// The number itself, as the parsers of the platform take it.
    text: &'t str,
    whole: &'t str,
    /// What follows the point, if there is one.
    fraction: Option<&'t str>,
    /// What follows `e`, if there is one.
    exponent: Option<i16>,
}

/// The number as plain decimal digits: no exponent, at most three digits after the point, rounded half to even. A
/// leading zero makes an integer octal. None if `text` is no number, as `inf` is none.
///
/// Source: schema formats spec §2.3; the reference reads with `NumberUtils.createNumber` and prints with
/// `DecimalFormat`.
pub(super) fn plain(text: &str) -> Option<String> {
    let (is_negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return integer(is_negative, hex, 16);
    }
    let (body, suffix) = match unsigned.char_indices().next_back() {
        Some((at, letter)) if letter.is_ascii_alphabetic() => (unsigned.get(..at)?, Some(letter)),
        _ => (unsigned, None),
    };
    let number = Decimal::read(is_negative, body)?;
    match (suffix, number.is_integer()) {
        (None | Some('l' | 'L'), true) => match body.strip_prefix('0').filter(|rest| !rest.is_empty()) {
            Some(octal) => integer(is_negative, octal, 8),
            None => Some(signed(is_negative && !number.is_zero(), &number.round())),
        },
        (None, false) => number.smallest(),
        (Some('f' | 'F'), _) => number
            .single()
            .map(f64::from)
            .or_else(|| number.double())
            .map_or_else(|| number.exact(), |value| Some(of_float(is_negative, value))),
        (Some('d' | 'D'), _) => {
            number.double().map_or_else(|| number.exact(), |value| Some(of_float(is_negative, value)))
        }
        _ => None,
    }
}

impl<'t> Decimal<'t> {
    /// Digits, perhaps with a point among or beside them, perhaps an exponent.
    fn read(is_negative: bool, text: &'t str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent.parse::<i16>().ok()?)),
            None => (text, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let number = Self { is_negative, text, whole, fraction, exponent };
        let has_digits = number.digits().next().is_some();
        (has_digits && number.digits().all(|b| b.is_ascii_digit())).then_some(number)
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.unwrap_or_default().bytes())
    }

    fn is_integer(&self) -> bool {
        self.fraction.is_none() && self.exponent.is_none()
    }

    fn is_zero(&self) -> bool {
        self.digits().all(|b| b == b'0')
    }

    /// The value in 32 bits, unless it is too large or too small.
    fn single(&self) -> Option<f32> {
        let value: f32 = self.text.parse().ok()?;
        (value.is_finite() && (value != 0.0 || self.is_zero())).then_some(value)
    }

    /// The value in 64 bits, unless it is too large or too small.
    fn double(&self) -> Option<f64> {
        let value: f64 = self.text.parse().ok()?;
        (value.is_finite() && (value != 0.0 || self.is_zero())).then_some(value)
    }

    /// The number of 32 bits if it looks as that of 64; that of 64 if it looks as the text; else all the digits.
    fn smallest(&self) -> Option<String> {
        let double = self.double();
        if let (Some(single), Some(double)) = (self.single(), double)
            && format!("{single:e}") == format!("{double:e}")
        {
            return Some(of_float(self.is_negative, single.into()));
        }
        let shown = double.filter(|double| {
            let shown = format!("{double:e}");
            Decimal::read(false, &shown).is_some_and(|shown| shown.significant() == self.significant())
        });
        shown.map_or_else(|| self.exact(), |value| Some(of_float(self.is_negative, value)))
    }

    /// The digits from the first that is not zero to the last, and where the point stands among them.
    fn significant(&self) -> (Vec<u8>, i64) {
        let mut digits: Vec<u8> = self.digits().collect();
        let zeros = digits.iter().take_while(|b| **b == b'0').count();
        digits.drain(..zeros);
        digits.truncate(digits.iter().rposition(|b| *b != b'0').map_or(0, |last| last + 1));
        let point =
            if digits.is_empty() { 0 } else { self.point() - i64::try_from(zeros).unwrap_or(i64::MAX) };
        (digits, point)
    }

    /// Where the point stands among the digits; it may be outside of them on either side.
    fn point(&self) -> i64 {
        i64::try_from(self.whole.len()).unwrap_or(i64::MAX) + i64::from(self.exponent.unwrap_or_default())
    }

    /// All the digits, rounded.
    fn exact(&self) -> Option<String> {
        if self.point() > i64::try_from(MAX_DIGITS).ok()? && !self.is_zero() {
            return None;
        }
        Some(signed(self.is_negative && !self.is_zero(), &self.round()))
    }

    fn round(&self) -> String {
        if self.is_zero() {
            return "0".to_owned();
        }
        let digits: Vec<u8> = self.digits().map(|b| b - b'0').collect();
        with_point(&round(&digits, self.point().saturating_add(FRACTION_DIGITS.into())))
    }
}

fn integer(is_negative: bool, digits: &str, radix: u32) -> Option<String> {
    let is_number = digits.chars().all(|c| c.is_digit(radix));
    let value = u128::from_str_radix(digits, radix).ok().filter(|_| is_number)?;
    Some(signed(is_negative && value != 0, &value.to_string()))
}

/// A value without its sign. A zero keeps its sign, even one that came of rounding.
fn of_float(is_negative: bool, value: f64) -> String {
    let digits = usize::from(FRACTION_DIGITS);
    let text = if value < WHOLE { format!("{value:.digits$}") } else { format!("{value}") };
    let text = match text.split_once('.') {
        Some((whole, fraction)) => match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        },
        None => text,
    };
    signed(is_negative, &text)
}

/// The first `kept` digits, rounded half to even by the rest, with zeros added if there are fewer.
fn round(digits: &[u8], kept: i64) -> Vec<u8> {
    let Ok(kept) = usize::try_from(kept) else { return Vec::new() };
    let mut rounded: Vec<u8> = digits.iter().copied().take(kept).collect();
    rounded.resize(kept, 0);
    let mut rest = digits.iter().copied().skip(kept);
    let is_up = match rest.next() {
        None | Some(0..=4) => false,
        Some(5) if rest.all(|digit| digit == 0) => rounded.last().is_some_and(|digit| digit % 2 == 1),
        Some(_) => true,
    };
    if is_up {
        for digit in rounded.iter_mut().rev() {
            if *digit < 9 {
                *digit += 1;
                return rounded;
            }
            *digit = 0;
        }
        rounded.insert(0, 1);
    }
    rounded
}

/// Thousandths as text.
fn with_point(thousandths: &[u8]) -> String {
    let digits = usize::from(FRACTION_DIGITS);
    let text: String = thousandths.iter().map(|digit| char::from(b'0' + digit)).collect();
    let text = format!("{text:0>width$}", width = digits + 1);
    let (whole, fraction) = text.split_at(text.len().saturating_sub(digits));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

fn signed(is_negative: bool, text: &str) -> String {
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn numbers_become_plain_and_short() {
        for (text, expected) in [
            ("1.23456789", Some("1.235")),
            ("1.0005", Some("1")),
            ("1.0015", Some("1.002")),
            ("1.00150001", Some("1.002")),
            ("1.00250", Some("1.003")),
            ("1.0625", Some("1.062")),
            ("1.1875", Some("1.188")),
            ("1.0025000000000000001", Some("1.003")),
            ("1.0024999999999999999", Some("1.003")),
            ("0.0624999999999999999999", Some("0.062")),
            ("123456789.0625", Some("123456789.062")),
            ("123456789.0625000000000000000001", Some("123456789.063")),
            ("9.9996", Some("10")),
            ("0.9999", Some("1")),
            ("1e10", Some("10000000000")),
            ("1.5e-2", Some("0.015")),
            ("1e11", Some("99999997952")),
            ("1e12", Some("999999995904")),
            ("123456789.5", Some("123456789.5")),
            ("1e23", Some("99999997781963080000000")),
            ("1e39", Some("1000000000000000000000000000000000000000")),
            ("1e-9", Some("0")),
            ("-1e-9", Some("-0")),
            ("1e-400", Some("0")),
            ("-0.0005", Some("-0.001")),
            ("-0.0", Some("-0")),
            ("-0", Some("0")),
            ("-0x0", Some("0")),
            ("-2.50", Some("-2.5")),
            ("007", Some("7")),
            ("017", Some("15")),
            ("-017", Some("-15")),
            ("08", None),
            ("00", Some("0")),
            ("08.5", Some("8.5")),
            ("10L", Some("10")),
            ("1.5L", None),
            ("1.5f", Some("1.5")),
            ("2d", Some("2")),
            ("5f", Some("5")),
            ("5x", None),
            ("-.5", Some("-0.5")),
            ("0x10", Some("16")),
            ("-0xff", Some("-255")),
            ("18446744073709551615", Some("18446744073709551615")),
            (".5", Some("0.5")),
            ("5.", Some("5")),
            ("0e9999", Some("0")),
            ("inf", None),
            ("-inf", None),
            ("0x", None),
            ("0x-1", None),
            ("1e99999999999", None),
            ("1e", None),
            ("1e5.", None),
            ("1e999", None),
            ("", None),
            ("-", None),
            (".", None),
            ("1.2.3", None),
        ] {
            assert_eq!(plain(text).as_deref(), expected, "{text}");
        }
    }
}
