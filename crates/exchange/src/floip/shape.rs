//! The shapes that questions have in our flows: made by the import, recognised by the export.

use std::collections::BTreeMap;

/// A number without a bound has these: the largest whole numbers that every reader of JSON keeps exact.
pub(super) const UNBOUNDED: f64 = 9_007_199_254_740_991.0;

/// The local that a log block writes to.
pub(super) const LOG: &str = "log";

/// What the category of an unusable answer is called when nothing else names it.
pub(super) const OTHER: &str = "Other";

/// What the category of a usable answer is called when nothing else names it.
pub(super) const ANSWERED: &str = "Answered";

/// Most cases that a router may have.
pub(super) const MAX_CASES: usize = 100;

/// Longest name of a result, a category, a group or a flow, in characters.
pub(super) const MAX_NAME: usize = 64;

/// One of the choices of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// What is recorded, and what expressions compare with.
    pub(super) tag: String,
    /// What contacts read, in the flow's own language.
    pub(super) label: String,
    /// What contacts read in other languages.
    pub(super) translations: BTreeMap<String, String>,
}

/// What a contact may write to make a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Tag,
    Label,
    /// Its number, as questions by SMS ask for.
    Place,
}

/// The cases of a question with one answer: which choice, by what, and the words; in the order of their tests.
pub(super) fn cases_of(choices: &[Choice]) -> Vec<(usize, By, String)> {
    let mut cases = Vec::new();
    for (at, choice) in choices.iter().enumerate() {
        if has_words(&choice.tag) {
            cases.push((at, By::Tag, choice.tag.clone()));
        }
        let named = !choice.translations.is_empty() || choice.label != choice.tag;
        if named && has_words(&choice.label) && choice.label != place(at) {
            cases.push((at, By::Label, choice.label.clone()));
        }
    }
    for at in 0..choices.len() {
        let taken = choices.iter().any(|choice| choice.tag == place(at) || choice.label == place(at));
        if !taken {
            cases.push((at, By::Place, place(at)));
        }
    }
    cases
}

/// The number by which a choice is made.
pub(super) fn place(at: usize) -> String {
    (at + 1).to_string()
}

/// Without a word, a phrase matches an empty text.
fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// The pattern of a question with several answers: finds any of the choices, by tag, label or number. `language` is
/// that of the labels.
pub(super) fn pattern_of(choices: &[Choice], language: Option<&str>) -> String {
    let each = choices.iter().enumerate().map(|(at, choice)| {
        let label = language.and_then(|language| choice.translations.get(language)).unwrap_or(&choice.label);
        format!("(?:{}|{}|{})", escape(&choice.tag), escape(label), place(at))
    });
    format!("(?i)(?:^|\\W)(?:{})(?:\\W|$)", each.collect::<Vec<_>>().join("|"))
}

/// The tags and labels in such a pattern.
pub(super) fn choices_of(pattern: &str) -> Option<Vec<(String, String)>> {
    let mut rest = pattern.strip_prefix("(?i)(?:^|\\W)(?:")?.strip_suffix(")(?:\\W|$)")?;
    let mut found = Vec::new();
    loop {
        let (tag, after) = unescape(rest.strip_prefix("(?:")?)?;
        let (label, after) = unescape(after.strip_prefix('|')?)?;
        let after = after.strip_prefix('|')?.strip_prefix(&place(found.len()))?.strip_prefix(')')?;
        found.push((tag, label));
        match after.strip_prefix('|') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(found),
            None => return None,
        }
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && c != '_' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn unescape(source: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = source.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.push(chars.next()?.1),
            '|' | ')' => return Some((out, &source[at..])),
            c => out.push(c),
        }
    }
    None
}

/// The choices that an answer names, in their order.
pub(super) fn chosen(choices: &[(String, String)], answer: &str) -> Vec<String> {
    let words = |text: &str| {
        let words: Vec<String> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        words
    };
    let said = words(answer);
    let names = |text: &str| {
        let named = words(text);
        !named.is_empty() && said.windows(named.len()).any(|some| some == named)
    };
    let named =
        choices.iter().enumerate().filter(|(at, (tag, label))| names(tag) || names(label) || names(&place(*at)));
    named.map(|(_, (tag, _))| tag.clone()).collect()
}

/// Whether a name can be a variable: word characters, not beginning with a digit.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A variable from a text: lower-case words joined by `_`; empty when there are none.
pub(super) fn variable(text: &str, most: usize) -> String {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    let mut name: String = words.collect::<Vec<_>>().join("_").to_lowercase().chars().take(most).collect();
    name.truncate(name.trim_end_matches('_').len());
    name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_').to_owned()
}

/// A text cut to the length that names may have.
pub(super) fn short(text: &str) -> String {
    let text = text.trim();
    text.chars().take(MAX_NAME).collect::<String>().trim_end().to_owned()
}

/// A number without a fraction that isn't there.
pub(super) fn plain(number: f64) -> serde_json::Number {
    if number.fract() == 0.0 && number.abs() <= UNBOUNDED {
        serde_json::Number::from(number as i64)
    } else {
        serde_json::Number::from_f64(number).unwrap_or_else(|| serde_json::Number::from(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(tag: &str, label: &str) -> Choice {
        Choice { tag: tag.to_owned(), label: label.to_owned(), translations: BTreeMap::new() }
    }

    #[test]
    fn choices_are_found_again_in_their_pattern() {
        let choices = [choice("a|b", "A (or) B"), choice("x_y", "x.y"), choice("Health care", "Health care")];
        let pattern = pattern_of(&choices, None);
        let expected: Vec<_> = choices.iter().map(|c| (c.tag.clone(), c.label.clone())).collect();
        assert_eq!(choices_of(&pattern), Some(expected.clone()), "{pattern}");
        assert_eq!(choices_of("(?i)yes|no"), None);
        assert_eq!(chosen(&expected, "3 and x.y!"), ["x_y", "Health care"]);
        assert_eq!(chosen(&expected, "13"), [""; 0]);
    }

    #[test]
    fn choices_are_made_by_name_before_number() {
        let cases = cases_of(&[choice("2", "Two"), choice("no", "No"), choice("?", "?")]);
        let cases: Vec<_> = cases.iter().map(|(at, by, words)| (*at, *by, words.as_str())).collect();
        assert_eq!(
            cases,
            [
                (0, By::Tag, "2"),
                (0, By::Label, "Two"),
                (1, By::Tag, "no"),
                (1, By::Label, "No"),
                (0, By::Place, "1"),
                (2, By::Place, "3"),
            ]
        );
    }
}
