//! Deciding tests of exits beforehand: most say no more than which choice was made.

use super::{Expr, Operator};

/// What `block.value` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::floip) enum Answer<'a> {
    /// There is no usable answer.
    Nothing,
    /// There is one, whatever it is.
    Something,
    /// This.
    Text(&'a str),
}

#[derive(Clone, Debug)]
enum Known {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Not null, nothing else is known.
    Something,
}

/// Whether a test is true for an answer; `None` when it depends on more.
pub(in crate::floip) fn decide(test: &Expr, answer: Answer<'_>) -> Option<bool> {
    if let Expr::Call(name, arguments) = test {
        let each = || arguments.iter().map(|argument| decide(argument, answer));
        match name.as_str() {
            "and" if each().any(|known| known == Some(false)) => return Some(false),
            "or" if each().any(|known| known == Some(true)) => return Some(true),
            "and" | "or" => return each().all(|known| known.is_some()).then_some(name == "and"),
            "not" if arguments.len() == 1 => return decide(&arguments[0], answer).map(|known| !known),
            _ => {}
        }
    }
    Some(match value(test, answer)? {
        Known::Null => false,
        Known::Bool(value) => value,
        Known::Number(number) => number != 0.0,
        Known::Text(text) => !text.is_empty() && !text.eq_ignore_ascii_case("false"),
        Known::Something => return None,
    })
}

fn value(expr: &Expr, answer: Answer<'_>) -> Option<Known> {
    Some(match expr {
        Expr::Text(text) => Known::Text(text.clone()),
        Expr::Number(number) => Known::Number(number.parse().ok()?),
        Expr::Bool(value) => Known::Bool(*value),
        Expr::Null => Known::Null,
        Expr::Path(path) => {
            let path: Vec<String> = path.iter().map(|part| part.to_lowercase()).collect();
            match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["block"] | ["block", "value" | "response"] => match answer {
                    Answer::Nothing => Known::Null,
                    Answer::Something => Known::Something,
                    Answer::Text(text) => Known::Text(text.to_owned()),
                },
                ["channel", "mode"] => Known::Text("sms".to_owned()),
                _ => return None,
            }
        }
        Expr::Call(name, arguments) => match (name.as_str(), arguments.as_slice()) {
            ("lower", [text]) => changed(value(text, answer)?, &str::to_lowercase),
            ("upper", [text]) => changed(value(text, answer)?, &str::to_uppercase),
            ("and" | "or" | "not", _) => Known::Bool(decide(expr, answer)?),
            _ => return None,
        },
        Expr::Negate(inner) => match value(inner, answer)? {
            Known::Number(number) => Known::Number(-number),
            _ => return None,
        },
        Expr::Binary(operator, left, right) => {
            Known::Bool(compare(*operator, &value(left, answer)?, &value(right, answer)?)?)
        }
    })
}

fn changed(known: Known, change: &dyn Fn(&str) -> String) -> Known {
    match known {
        Known::Text(text) => Known::Text(change(&text)),
        other => other,
    }
}

fn compare(operator: Operator, left: &Known, right: &Known) -> Option<bool> {
    match operator {
        Operator::Equal => equal(left, right),
        Operator::NotEqual => equal(left, right).map(|known| !known),
        _ if !operator.is_comparison() => None,
        _ => {
            let (Some(left), Some(right)) = (number(left), number(right)) else {
                return if matches!(left, Known::Null) || matches!(right, Known::Null) { Some(false) } else { None };
            };
            Some(match operator {
                Operator::Less => left < right,
                Operator::LessOrEqual => left <= right,
                Operator::Greater => left > right,
                _ => left >= right,
            })
        }
    }
}

fn equal(left: &Known, right: &Known) -> Option<bool> {
    Some(match (left, right) {
        (Known::Null, Known::Null) => true,
        (Known::Null, _) | (_, Known::Null) => false,
        (Known::Something, _) | (_, Known::Something) => return None,
        (Known::Bool(left), Known::Bool(right)) => left == right,
        (Known::Text(left), Known::Text(right)) => left.to_lowercase() == right.to_lowercase(),
        (Known::Bool(value), Known::Text(text)) | (Known::Text(text), Known::Bool(value)) => {
            text.eq_ignore_ascii_case(if *value { "true" } else { "false" })
        }
        (left, right) => match (number(left), number(right)) {
            (Some(left), Some(right)) => (left - right).abs() < f64::EPSILON,
            _ => false,
        },
    })
}

fn number(known: &Known) -> Option<f64> {
    match known {
        Known::Number(number) => Some(*number),
        Known::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn tests_of_exits_are_decided() {
        let yes = Answer::Text("Yes");
        let viamo = "OR(AND(channel.mode = 'ivr', block.value = '1'), AND(channel.mode != 'ivr', \
                     OR(block.value = '1', LOWER(block.value) = 'yes')))";
        for (test, answer, expected) in [
            (viamo, yes, Some(true)),
            (viamo, Answer::Text("1"), Some(true)),
            (viamo, Answer::Text("no"), Some(false)),
            (viamo, Answer::Nothing, Some(false)),
            ("TRUE", Answer::Nothing, Some(true)),
            ("block.value != NULL", Answer::Something, Some(true)),
            ("block.value <> NULL", Answer::Nothing, Some(false)),
            ("block.value = 1", Answer::Text("1"), Some(true)),
            ("block.value < 5", Answer::Something, None),
            ("block.value < 5", Answer::Nothing, Some(false)),
            ("flow.other = 1", yes, None),
            ("AND(flow.other = 1, FALSE)", yes, Some(false)),
        ] {
            assert_eq!(decide(&parse(test).unwrap(), answer), expected, "{test} {answer:?}");
        }
    }
}
