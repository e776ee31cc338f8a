//! Words, and other parts of text.

use std::sync::Arc;

use super::Native;
use crate::expression::convert::to_integer;
use crate::expression::error::{Result, fail};
use crate::expression::words::{spans, split as parts};
use crate::expression::{Scope, Value};

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("split", "text [, delimiters]", (1, 2), split),
    Native::new("title", "text", (1, 1), title),
    Native::new("word", "text, index [, delimiters]", (2, 3), word),
    Native::new("remove_first_word", "text", (1, 1), remove_first_word),
    Native::new("word_count", "text [, delimiters]", (1, 2), word_count),
    Native::new("word_slice", "text, start [, end [, delimiters]]", (2, 4), word_slice),
    Native::new("field", "text, index, delimiter", (3, 3), field),
];

fn delimiters(args: &[Value], place: usize) -> Result<Option<Arc<str>>> {
    args.get(place).filter(|arg| !arg.is_null()).map(Value::to_text).transpose()
}

fn split(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, delimiters) = (args[0].to_text()?, delimiters(args, 1)?);
    Ok(Value::array(parts(&text, delimiters.as_deref()).into_iter().map(Value::from).collect()))
}

fn title(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?.to_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (start, word) in spans(&text) {
        out.push_str(&text[copied..start]);
        copied = start + word.len();
        let letter = word.find(char::is_alphanumeric).unwrap_or(0);
        out.push_str(&word[..letter]);
        let mut characters = word[letter..].chars();
        out.extend(characters.next().into_iter().flat_map(char::to_uppercase));
        out.push_str(characters.as_str());
    }
    out.push_str(&text[copied..]);
    Ok(out.into())
}

fn word(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, index, delimiters) = (args[0].to_text()?, to_integer(&args[1])?, delimiters(args, 2)?);
    let words = parts(&text, delimiters.as_deref());
    let place = if index < 0 { i64::from(index) + words.len() as i64 } else { i64::from(index) };
    match usize::try_from(place).ok().and_then(|place| words.get(place)) {
        Some(word) => Ok((*word).into()),
        None => fail!("index {index} is out of range for the number of words {}", words.len()),
    }
}

fn remove_first_word(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let second = spans(&text).nth(1).map_or(text.len(), |(start, _)| start);
    Ok(text[second..].into())
}

fn word_count(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, delimiters) = (args[0].to_text()?, delimiters(args, 1)?);
    Ok(parts(&text, delimiters.as_deref()).len().into())
}

fn word_slice(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, start) = (args[0].to_text()?, to_integer(&args[1])?);
    let end = args.get(2).filter(|arg| !arg.is_null()).map_or(Ok(-1), to_integer)?;
    let delimiters = delimiters(args, 3)?;
    let Ok(start) = usize::try_from(start) else { fail!("start must not be negative") };
    let words = parts(&text, delimiters.as_deref());
    let end = match usize::try_from(end) {
        Ok(end) if end <= start => fail!("end must be greater than the start"),
        Ok(end) => end.min(words.len()),
        Err(_) => words.len(),
    };
    Ok(words.get(start..end).map_or_else(|| "".into(), |words| words.join(" ").into()))
}

fn field(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, number, delimiter) = (args[0].to_text()?, to_integer(&args[1])?, args[2].to_text()?);
    let Ok(index) = usize::try_from(number) else { fail!("index must not be negative, got {number}") };
    let part = if &*delimiter == " " {
        text.split(' ').filter(|part| !part.is_empty()).nth(index)
    } else if delimiter.is_empty() {
        text.split("").skip(1).take(text.chars().count()).nth(index)
    } else {
        text.split(&*delimiter).nth(index)
    };
    Ok(part.unwrap_or_default().trim().into())
}
