//! Values as people read them: dates, times and numbers in the environment's formats, lists and objects laid out.

use super::datetime::{Kind, format};
use super::decimal::Decimal;
use super::error::Result;
use super::value::Value;
use crate::environment::{Environment, NumberFormat};

/// A number with the symbols of `symbols`, rounded and padded to `places` decimals if given, its thousands grouped if
/// `group`.
pub(crate) fn number(number: Decimal, symbols: &NumberFormat, places: Option<usize>, group: bool) -> String {
    let rounded = match places {
        Some(places) => number.round(places as i32, super::decimal::Rounding::HalfUp),
        None => number,
    };
    let (negative, whole, mut fraction) = rounded.parts();
    if let Some(places) = places {
        fraction.extend(std::iter::repeat_n('0', places.saturating_sub(fraction.len())));
    }
    let mut out = String::with_capacity(whole.len() + whole.len() / 3 + fraction.len() + 2);
    if negative {
        out.push('-');
    }
    for (i, digit) in whole.chars().enumerate() {
        if group && i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push_str(&symbols.digit_grouping_symbol);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push_str(&symbols.decimal_symbol);
        out.push_str(&fraction);
    }
    out
}

/// Lines after the first indented by two spaces.
fn hang(text: &str) -> String {
    text.replace('\n', "\n  ")
}

/// A value as people read it.
pub(crate) fn value(env: &Environment, value: &Value) -> Result<String> {
    let language = env.default_language();
    Ok(match value {
        Value::Number(n) => number(*n, &env.number_format, None, true),
        Value::DateTime(at) => {
            let local = at.with_time_zone(env.timezone.clone());
            let layout = format!("{} {}", env.date_format.layout(), env.time_format.layout());
            format(&local, &layout, Kind::DateTime, language)?
        }
        Value::Date(date) => {
            let at = super::datetime::civil(date.at(0, 0, 0, 0));
            format(&at, env.date_format.layout(), Kind::Date, language)?
        }
        Value::Time(time) => {
            let at = super::datetime::civil(super::datetime::ZERO.to_datetime(*time));
            format(&at, env.time_format.layout(), Kind::Time, language)?
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| self::value(env, item)).collect::<Result<Vec<_>>>()?;
            if items.iter().any(|item| item.contains('\n')) {
                let items: Vec<_> = items.iter().map(|item| format!("- {}", hang(item))).collect();
                items.join("\n")
            } else {
                items.join(", ")
            }
        }
        Value::Object(object) => {
            if let Some(default) = object.default_value() {
                self::value(env, &default)?
            } else {
                let lines = object.members().into_iter().map(|(name, member)| {
                    let text = self::value(env, &member)?;
                    Ok(if text.contains('\n') {
                        format!("{name}:\n  {}", hang(&text))
                    } else {
                        format!("{name}: {text}")
                    })
                });
                lines.collect::<Result<Vec<_>>>()?.join("\n")
            }
        }
        other => other.to_text()?.as_ref().to_owned(),
    })
}
