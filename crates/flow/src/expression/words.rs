//! Words of a text.

use regex::Regex;
use std::sync::LazyLock;

/// Letters, marks, digits, `_` and `'` in a row, or one symbol such as an emoji.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{M}\p{L}\p{N}_']+|\p{S}").ok());

/// The words of a text with their byte offsets.
pub(crate) fn spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    WORD.iter().flat_map(move |word| word.find_iter(text)).map(|found| (found.start(), found.as_str()))
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
