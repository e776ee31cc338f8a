//! Words of a text.

use regex::Regex;
use std::sync::LazyLock;

/// What a character is to words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Letters, marks, digits, `_` and `'`, which make words in a row.
    Word,
    /// A symbol such as an emoji, which is a word of its own.
    Symbol,
    /// Anything else, which separates words.
    Other,
}

static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{M}").ok());
static SYMBOL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{S}").ok());

fn class(c: char) -> Class {
    let is = |pattern: &LazyLock<Option<Regex>>| {
        pattern.as_ref().is_some_and(|pattern| pattern.is_match(c.encode_utf8(&mut [0; 4])))
    };
    match c {
        '_' | '\'' => Class::Word,
        '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => Class::Symbol,
        _ if c.is_alphanumeric() => Class::Word,
        _ if c.is_ascii() => Class::Other,
        _ if is(&MARK) => Class::Word,
        _ if is(&SYMBOL) => Class::Symbol,
        _ => Class::Other,
    }
}

/// The words of a text with their byte offsets.
pub(crate) fn spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let (skipped, first) = rest.char_indices().find(|(_, c)| class(*c) != Class::Other)?;
        let start = at + skipped;
        at = if class(first) == Class::Symbol {
            start + first.len_utf8()
        } else {
            let word = &text[start..];
            start + word.find(|c| class(c) != Class::Word).unwrap_or(word.len())
        };
        Some((start, &text[start..at]))
    })
}

/// The words of a text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    spans(text).map(|(_, word)| word)
}

/// The parts between any of the characters of `delimiters`, without empty ones; the words when there are none.
pub(crate) fn split<'t>(text: &'t str, delimiters: Option<&str>) -> Vec<&'t str> {
    match delimiters {
        Some(delimiters) if !delimiters.is_empty() => {
            text.split(|c| delimiters.contains(c)).filter(|part| !part.is_empty()).collect()
        }
        _ => words(text).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_runs_of_letters_or_single_symbols() {
        let check = |text: &str, expected: &[&str]| assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text}");
        check("", &[]);
        check(" - . ", &[]);
        check("don't stop_me, 24h!", &["don't", "stop_me", "24h"]);
        check("a+b 😁😁", &["a", "+", "b", "😁", "😁"]);
        check("βήτα बिल्ली बिल्ली", &["βήτα", "बिल्ली", "बिल्ली"]);
        check("بلی،نه", &["بلی", "نه"]);
    }
}
