//! Functions of the old language.

use super::{Kind, NEGATION, SUMS, Translated};

/// Functions that have only another name now.
const RENAMED: [(&str, &str); 19] = [
    ("average", "mean"),
    ("date", "date_from_parts"),
    ("datevalue", "date"),
    ("format_date", "format_datetime"),
    ("int", "round_down"),
    ("len", "text_length"),
    ("proper", "title"),
    ("randbetween", "rand_between"),
    ("read_digits", "read_chars"),
    ("regex_group", "regex_match"),
    ("rept", "repeat"),
    ("rounddown", "round_down"),
    ("roundup", "round_up"),
    ("substitute", "replace"),
    ("time", "time_from_parts"),
    ("timevalue", "time"),
    ("trunc", "round_down"),
    ("unichar", "char"),
    ("unicode", "code"),
];

/// What today's functions give, as far as sums need to know.
fn kind(name: &str) -> Kind {
    match name {
        "abs" | "code" | "datetime_diff" | "epoch" | "max" | "mean" | "min" | "mod" | "rand" | "rand_between"
        | "round" | "round_down" | "round_up" | "text_length" | "weekday" | "word_count" => Kind::Number,
        "datetime" | "datetime_add" | "datetime_from_epoch" | "now" | "parse_datetime" | "replace_time" => {
            Kind::DateTime
        }
        "date" | "date_from_parts" | "format_date" | "today" => Kind::Date,
        "parse_time" | "time" | "time_from_parts" => Kind::Time,
        _ => Kind::Unknown,
    }
}

/// The call of a function of today.
fn new_call(name: &str, arguments: &[String]) -> Translated {
    Translated::atom(format!("{name}({})", arguments.join(", ")), kind(name))
}

/// Arguments joined by an operator.
fn joined(arguments: &[Translated], operator: &str, level: usize) -> Option<Translated> {
    match arguments {
        [] => None,
        [only] => Some(only.clone()),
        several => {
            let operands: Vec<String> =
                several.iter().enumerate().map(|(i, a)| a.operand(level + usize::from(i > 0))).collect();
            let kind = if several.iter().all(|a| a.kind == Kind::Number) { Kind::Number } else { Kind::Unknown };
            Some(Translated { text: operands.join(&format!(" {operator} ")), kind, level })
        }
    }
}

/// A position counted from 1 as one counted from 0. Negative ones count from the end, as they did.
fn position(argument: &Translated) -> String {
    match argument.literal() {
        Some(number) if number > 0 => (number - 1).to_string(),
        Some(number) => number.to_string(),
        None => format!("{} - 1", argument.operand(SUMS)),
    }
}

/// Whether words are split by space alone, as the delimiters to split by.
fn by_spaces(argument: &Translated) -> String {
    match argument.text.as_str() {
        "true" => r#"" \t""#.to_owned(),
        "false" => "NULL".to_owned(),
        other => format!(r#"if({other}, " \t", NULL)"#),
    }
}

/// The opposite of a truth.
fn negated(argument: &Translated) -> String {
    match argument.text.as_str() {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        other => format!("if({other}, false, true)"),
    }
}

/// The call of an old function, its name in lower case, in today's language.
pub(super) fn call(name: &str, arguments: &[Translated]) -> Option<Translated> {
    let text = |place: usize| arguments.get(place).map(|argument| argument.text.clone());
    let formatted = |function: &str, layout: &str| Some(new_call(function, &[text(0)?, format!("\"{layout}\"")]));
    let all = || arguments.iter().map(|argument| argument.text.clone()).collect::<Vec<_>>();
    match (name, arguments) {
        ("true" | "false", []) => Some(Translated::atom(name, Kind::Unknown)),
        ("concatenate", arguments) => joined(arguments, "&", 0),
        ("sum", arguments) => joined(arguments, "+", SUMS),
        ("power", [_, _]) => joined(arguments, "^", NEGATION - 1),
        ("exp", [power]) => {
            let text = format!("2.718281828459045 ^ {}", power.operand(NEGATION));
            Some(Translated { text, kind: Kind::Unknown, level: NEGATION - 1 })
        }
        ("day", [_]) => formatted("format_date", "D").map(untyped),
        ("month", [_]) => formatted("format_date", "M").map(untyped),
        ("year", [_]) => formatted("format_date", "YYYY").map(untyped),
        ("hour", [_]) => formatted("format_datetime", "tt"),
        ("minute", [_]) => formatted("format_datetime", "m"),
        ("second", [_]) => formatted("format_datetime", "s"),
        ("days", [_, _]) => Some(new_call("datetime_diff", &[text(1)?, text(0)?, "\"D\"".to_owned()])),
        ("datedif", [_, _, unit]) => {
            // The unit was read without case, where an "m" is now a minute.
            let unit = match unit.text.as_str() {
                "\"d\"" | "\"m\"" | "\"y\"" => unit.text.to_uppercase(),
                other => other.to_owned(),
            };
            Some(new_call("datetime_diff", &[text(0)?, text(1)?, unit]))
        }
        ("edate", [_, _]) => Some(new_call("datetime_add", &[text(0)?, text(1)?, "\"M\"".to_owned()])),
        ("first_word", [_]) => Some(new_call("word", &[text(0)?, "0".to_owned()])),
        ("left", [_, _]) => Some(new_call("text_slice", &[text(0)?, "0".to_owned(), text(1)?])),
        ("right", [_, count]) => Some(new_call("text_slice", &[text(0)?, format!("-{}", count.operand(NEGATION))])),
        ("fixed", [_, rest @ ..]) if rest.len() < 3 => {
            let mut new = vec![text(0)?, text(1).unwrap_or_else(|| "2".to_owned())];
            new.extend(rest.get(1).map(negated));
            Some(new_call("format_number", &new))
        }
        ("weekday", [_]) => {
            let text = format!("weekday({}) + 1", text(0)?);
            Some(Translated { text, kind: Kind::Unknown, level: SUMS })
        }
        ("word", [_, index, rest @ ..]) => {
            let mut new = vec![text(0)?, position(index)];
            new.extend(rest.first().map(by_spaces));
            Some(new_call("word", &new))
        }
        ("word_count", [_, spaces]) => Some(new_call("word_count", &[text(0)?, by_spaces(spaces)])),
        ("word_slice", [_, start, rest @ ..]) => {
            let mut new = vec![text(0)?, position(start)];
            new.extend(rest.first().map(position));
            new.extend(rest.get(1).map(by_spaces));
            Some(new_call("word_slice", &new))
        }
        ("field", [_, index, rest @ ..]) => {
            let delimiter = rest.first().map_or_else(|| "\" \"".to_owned(), |delimiter| delimiter.text.clone());
            Some(new_call("field", &[text(0)?, position(index), delimiter]))
        }
        _ => {
            let new = RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
            Some(new_call(new, &all()))
        }
    }
}

/// A part of a date is text, not a date to add to.
fn untyped(call: Translated) -> Translated {
    Translated { kind: Kind::Unknown, ..call }
}
