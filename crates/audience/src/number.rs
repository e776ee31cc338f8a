//! Numbers in queries.

use rust_decimal::Decimal;

/// Most significant digits that a number may have.
const MAX_DIGITS: usize = 36;

/// Reads `-?(digits | digits.digits | .digits)`; `None` where the text is anything else or out of range.
///
/// A number that the decimal type cannot hold is brought to its nearest limit, which no value of a contact passes.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let (negative, magnitude) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = match magnitude.split_once('.') {
        Some((_, "")) => return None,
        Some((whole, fraction)) => (whole, fraction),
        None => (magnitude, ""),
    };
    if whole.is_empty() && fraction.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    if digits.trim_start_matches('0').len() > MAX_DIGITS || fraction.len() > 100 {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let exact =
        format!("{}.{}", if whole.is_empty() { "0" } else { whole }, if fraction.is_empty() { "0" } else { fraction });
    let value = exact.parse().unwrap_or(Decimal::MAX);
    Some(if negative { -value } else { value }.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_from_text() {
        for (text, want) in [
            ("18", Some("18")),
            (" 18.50 ", Some("18.5")),
            (".5", Some("0.5")),
            ("-007", Some("-7")),
            ("-0", Some("0")),
            ("123456789012345678901234567890123456", Some("79228162514264337593543950335")),
            ("0.123456789012345678901234567890123456", Some("0.1234567890123456789012345679")),
            ("1234567890123456789012345678901234567", None),
            ("1.", None),
            (".", None),
            ("", None),
            ("-", None),
            ("+1", None),
            ("1e3", None),
            ("1,000", None),
            ("٣", None),
        ] {
            assert_eq!(parse(text).map(|n| n.to_string()).as_deref(), want, "{text:?}");
        }
    }
}
