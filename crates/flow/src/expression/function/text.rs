//! Text.

use std::sync::LazyLock;

use super::Native;
use crate::expression::convert::{to_integer, to_number};
use crate::expression::decimal::{Decimal, Rounding};
use crate::expression::error::{Error, Result, fail};
use crate::expression::{Scope, Value, entities, regex};

/// Most characters of a text that `repeat` builds.
const MAX_REPEATED: usize = 10_000;
/// Most bytes of a text that a function builds.
const MAX_BUILT: usize = 10_000_000;

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("code", "text", (1, 1), code),
    Native::new("char", "number", (1, 1), char),
    Native::new("trim", "text [, characters]", (1, 2), trim),
    Native::new("trim_left", "text [, characters]", (1, 2), trim_left),
    Native::new("trim_right", "text [, characters]", (1, 2), trim_right),
    Native::new("lower", "text", (1, 1), lower),
    Native::new("upper", "text", (1, 1), upper),
    Native::new("clean", "text", (1, 1), clean),
    Native::new("text_slice", "text, start [, end]", (2, 3), text_slice),
    Native::new("text_length", "value", (1, 1), text_length),
    Native::new("text_compare", "a, b", (2, 2), text_compare),
    Native::new("regex_match", "text, pattern [, group]", (2, 3), regex_match),
    Native::new("repeat", "text, count", (2, 2), repeat),
    Native::new("replace", "text, needle, replacement [, count]", (3, 4), replace),
    Native::new("percent", "number", (1, 1), percent),
    Native::new("url_encode", "text", (1, 1), url_encode),
    Native::new("html_decode", "text", (1, 1), html_decode),
    Native::new("read_chars", "text", (1, 1), read_chars),
];

fn code(_: &mut Scope, args: &[Value]) -> Result<Value> {
    match args[0].to_text()?.chars().next() {
        Some(first) => Ok(i64::from(u32::from(first)).into()),
        None => fail!("requires a string of at least one character"),
    }
}

fn char(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let number = to_integer(&args[0])?;
    let found = u32::try_from(number).ok().and_then(char::from_u32);
    Ok(found.unwrap_or(char::REPLACEMENT_CHARACTER).to_string().into())
}

fn trimmed<'t>(args: &[Value], text: &'t str, left: bool, right: bool) -> Result<&'t str> {
    let characters = args.get(1).filter(|arg| !arg.is_null()).map(Value::to_text).transpose()?;
    let strip = |c: char| match &characters {
        Some(characters) if !characters.is_empty() => characters.contains(c),
        _ => c.is_whitespace(),
    };
    let text = if left { text.trim_start_matches(strip) } else { text };
    Ok(if right { text.trim_end_matches(strip) } else { text })
}

fn trim(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(trimmed(args, &args[0].to_text()?, true, true)?.into())
}

fn trim_left(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(trimmed(args, &args[0].to_text()?, true, false)?.into())
}

fn trim_right(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(trimmed(args, &args[0].to_text()?, false, true)?.into())
}

fn lower(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(args[0].to_text()?.to_lowercase().into())
}

fn upper(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(args[0].to_text()?.to_uppercase().into())
}

fn clean(_: &mut Scope, args: &[Value]) -> Result<Value> {
    static UNPRINTABLE: LazyLock<Option<::regex::Regex>> =
        LazyLock::new(|| ::regex::Regex::new(r"[\p{Cc}\p{Cf}\p{Co}]").ok());
    let text = args[0].to_text()?;
    Ok(UNPRINTABLE.as_ref().map_or_else(|| text.as_ref().into(), |p| Value::from(p.replace_all(&text, "").as_ref())))
}

/// Brings a start and an end, negative ones counted from the end, into `0..=length`.
pub(super) fn bounds(args: &[Value], length: usize) -> Result<std::ops::Range<usize>> {
    let place = |value: &Value| -> Result<usize> {
        let at = i64::from(to_integer(value)?);
        let at = if at < 0 { at + length as i64 } else { at };
        Ok(usize::try_from(at).unwrap_or(0).min(length))
    };
    let start = place(&args[1])?;
    let end = args.get(2).map_or(Ok(length), place)?;
    Ok(start..end.max(start))
}

fn text_slice(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let range = bounds(args, text.chars().count())?;
    Ok(text.chars().skip(range.start).take(range.len()).collect::<String>().into())
}

fn text_length(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(args[0].to_text()?.chars().count().into())
}

fn text_compare(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(Value::from(args[0].to_text()?.cmp(&args[1].to_text()?) as i64))
}

fn regex_match(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let pattern = args[1].to_text()?;
    let group = args.get(2).map_or(Ok(0), to_integer)?;
    let Some(regex) = regex::compile(&pattern) else { fail!("invalid regular expression") };
    let groups = regex.captures(&text);
    let group = usize::try_from(group).ok().filter(|group| *group < regex.captures_len());
    match (groups, group) {
        (Some(groups), Some(group)) => Ok(groups.get(group).map_or("", |found| found.as_str()).into()),
        _ => fail!("invalid regular expression group"),
    }
}

fn repeat(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let count = to_integer(&args[1])?;
    let Ok(times) = usize::try_from(count) else { fail!("must be called with a positive integer, got {count}") };
    if text.chars().count().saturating_mul(times) > MAX_REPEATED {
        fail!("cannot build a string longer than {MAX_REPEATED} characters");
    }
    Ok(if text.is_empty() { Value::from("") } else { text.repeat(times).into() })
}

fn replace(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, needle, replacement) = (args[0].to_text()?, args[1].to_text()?, args[2].to_text()?);
    let count = args.get(3).map_or(Ok(-1), to_integer)?;
    let found = text.matches(&*needle).count();
    let count = usize::try_from(count).unwrap_or(found).min(found);
    if count.saturating_mul(replacement.len()) > MAX_BUILT {
        return Err(Error::too_complex());
    }
    Ok(text.replacen(&*needle, &replacement, count).into())
}

fn percent(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let number = to_number(&args[0])?.try_mul(Decimal::from(100))?.round(0, Rounding::HalfUp);
    match number.to_i64() {
        Some(percent) => Ok(format!("{percent}%").into()),
        None => fail!("number value out of range"),
    }
}

/// Bytes that stand for themselves in a URL: letters, digits and `-_.~`.
fn url_encode(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    Ok(out.into())
}

fn html_decode(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(entities::decode(&args[0].to_text()?).into())
}

fn read_chars(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let characters: Vec<String> = text.trim_start_matches('+').chars().map(String::from).collect();
    let length = characters.len();
    let size = match length {
        0 => return Ok("".into()),
        n if n.is_multiple_of(3) => 3,
        n if n.is_multiple_of(4) => 4,
        _ => return Ok(characters.join(" , ").into()),
    };
    let groups: Vec<String> = characters.chunks(size).map(|group| group.join(" ")).collect();
    Ok(groups.join(" , ").into())
}
