//! How the reference writes a number of an option once more when it normalizes.

/// Most digits before the decimal point; a number beyond is left as it is.
const MAX_DIGITS: usize = 400;
/// Most digits after the decimal point.
const FRACTION_DIGITS: usize = 3;

/// The number as plain decimal digits: no exponent, at most three digits after the point, rounded half to even. None
/// if `text` is no number, as `inf` is none.
///
/// Source: schema formats spec §2.3.
pub(super) fn plain(text: &str) -> Option<String> {
    let (is_negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let is_hex = hex.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u128::from_str_radix(hex, 16).ok().filter(|_| is_hex)?;
        return Some(signed(is_negative && value != 0, &value.to_string()));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits: Vec<u8> = digits.into_iter().map(|b| b - b'0').collect();
    // Where the point stands among the digits; it may be outside of them on either side.
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
    if point > i64::try_from(MAX_DIGITS).ok()? {
        return digits.iter().all(|digit| *digit == 0).then(|| "0".to_owned());
    }
    let kept = point + i64::try_from(FRACTION_DIGITS).ok()?;
    let scaled = round(&digits, kept);
    let is_zero = scaled.iter().all(|digit| *digit == 0);
    Some(signed(is_negative && !is_zero, &with_point(&scaled)))
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
    let text: String = thousandths.iter().map(|digit| char::from(b'0' + digit)).collect();
    let text = format!("{text:0>width$}", width = FRACTION_DIGITS + 1);
    let (whole, fraction) = text.split_at(text.len().saturating_sub(FRACTION_DIGITS));
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
            ("1.00250", Some("1.002")),
            ("1.0025001", Some("1.003")),
            ("9.9996", Some("10")),
            ("0.9999", Some("1")),
            ("1e10", Some("10000000000")),
            ("1.5e-2", Some("0.015")),
            ("1e-9", Some("0")),
            ("-1e-9", Some("0")),
            ("-0.0005", Some("0")),
            ("-0", Some("0")),
            ("-2.50", Some("-2.5")),
            ("007", Some("7")),
            ("0x10", Some("16")),
            ("-0xff", Some("-255")),
            ("18446744073709551615", Some("18446744073709551615")),
            (".5", Some("0.5")),
            ("5.", Some("5")),
            ("0e9999", Some("0")),
            ("inf", None),
            ("-inf", None),
            ("1.5f", None),
            ("0x", None),
            ("0x-1", None),
            ("1e99999999999", None),
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
