//! Numbers in text, as the `has_number` tests find them.

use super::outcome::{matched, unmatched};
use crate::environment::NumberFormat;
use crate::expression::{Decimal, Result, Scope, Value};

/// The first number of a text that passes.
pub(super) fn find(scope: &Scope, value: &Value, passes: impl Fn(Decimal) -> bool) -> Result<Value> {
    let text = value.to_text()?;
    Ok(numbers(&text, &scope.env.number_format).find(|number| passes(*number)).map_or_else(unmatched, matched))
}

/// The value of a decimal digit of the scripts that people write numbers in.
fn digit(c: char) -> Option<u32> {
    c.to_digit(10).or_else(|| {
        // Arabic, Persian and Bengali.
        [0x0660, 0x06F0, 0x09E6].into_iter().find_map(|zero| u32::from(c).checked_sub(zero).filter(|d| *d < 10))
    })
}

/// The numbers of a text: an optional sign; digits with grouping symbols, then decimals if there are any, or decimals
/// alone, which don't follow a letter or digit.
fn numbers<'t>(text: &'t str, format: &'t NumberFormat) -> impl Iterator<Item = Decimal> + 't {
    let (point, group) = (format.decimal_symbol.as_str(), format.digit_grouping_symbol.as_str());
    let starts_digit = |rest: &str| rest.chars().next().is_some_and(|c| digit(c).is_some());
    let mut rest = text;
    let mut before = None;
    std::iter::from_fn(move || {
        while let Some(first) = rest.chars().next() {
            let unsigned = rest.strip_prefix(['-', '+']).unwrap_or(rest);
            let after_sign = if unsigned.len() < rest.len() { Some(first) } else { before };
            let in_word = after_sign.is_some_and(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let decimals = !point.is_empty() && !in_word && unsigned.strip_prefix(point).is_some_and(starts_digit);
            if !decimals && !starts_digit(unsigned) {
                before = Some(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
            let mut number = String::from(if first == '-' { "-" } else { "" });
            let mut tail = unsigned;
            let take = |tail: &mut &'t str, number: &mut String, group: &str| {
                while let Some(c) = tail.chars().next() {
                    if let Some(value) = digit(c) {
                        number.extend(char::from_digit(value, 10));
                        *tail = &tail[c.len_utf8()..];
                    } else if !group.is_empty() && tail.starts_with(group) {
                        *tail = &tail[group.len()..];
                    } else {
                        break;
                    }
                }
            };
            take(&mut tail, &mut number, group);
            if let Some(fraction) = tail.strip_prefix(point).filter(|f| !point.is_empty() && starts_digit(f)) {
                number.push('.');
                tail = fraction;
                take(&mut tail, &mut number, "");
            }
            before = rest[..rest.len() - tail.len()].chars().next_back();
            rest = tail;
            if let Ok(number) = number.parse() {
                return Some(number);
            }
        }
        None
    })
}
