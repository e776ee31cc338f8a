//! What kind of question a wait is.

use super::definition::{Definition, Router};
use crate::floip::expression::literal_of;
use crate::floip::shape::{self, By, Choice, UNBOUNDED};

/// A question, recognised by its router.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::floip) enum Question {
    /// One of several choices.
    One {
        choices: Vec<Choice>,
        /// Whether choices are made by their names and numbers and nothing else.
        exact: bool,
    },
    /// Some of several choices.
    Many(Vec<Choice>),
    /// A number within bounds.
    Number { least: f64, most: f64 },
    /// A number that leads somewhere by its size.
    Ranges,
    /// Any text.
    Open,
    /// A place on earth.
    Location,
    /// A picture.
    Photo,
}

/// Tests of one phrase or of words.
const WORDS: [&str; 6] =
    ["has_only_phrase", "has_any_word", "has_phrase", "has_all_words", "has_only_text", "has_beginning"];

impl Question {
    /// The question of a router that waits for a message.
    ///
    /// # Errors
    /// The test that FLOIP has no words for.
    pub(in crate::floip) fn of(definition: &Definition, router: &Router) -> Result<Self, String> {
        let kinds: Vec<&str> = router.cases.iter().map(|case| case.kind.as_str()).collect();
        match (router.hint(), kinds.as_slice()) {
            (Some("location"), []) => return Ok(Self::Location),
            (Some("image"), []) => return Ok(Self::Photo),
            (_, [] | ["has_text"]) => return Ok(Self::Open),
            (_, ["has_pattern"]) => {
                if let Some(many) = many(definition, router) {
                    return Ok(many);
                }
            }
            (_, [kind]) if kind.starts_with("has_number") => return Ok(number(router)),
            (_, kinds) if kinds.iter().all(|kind| kind.starts_with("has_number")) => return Ok(Self::Ranges),
            _ => {}
        }
        match kinds.iter().find(|kind| !WORDS.contains(kind)) {
            Some(other) => Err(format!("answers are tested with {other}, which FLOIP has no kind of question for")),
            None => one(definition, router),
        }
    }
}

fn number(router: &Router) -> Question {
    let case = &router.cases[0];
    let bound = |at: usize| case.arguments.get(at).and_then(|text| text.trim().parse::<f64>().ok());
    let (least, most) = match case.kind.as_str() {
        "has_number_between" => (bound(0), bound(1)),
        "has_number_gte" => (bound(0), Some(UNBOUNDED)),
        "has_number_lte" => (Some(-UNBOUNDED), bound(0)),
        "has_number" => (Some(-UNBOUNDED), Some(UNBOUNDED)),
        _ => (None, None),
    };
    match (least, most) {
        (Some(least), Some(most)) => Question::Number { least, most },
        _ => Question::Ranges,
    }
}

fn one(definition: &Definition, router: &Router) -> Result<Question, String> {
    let mut choices = Vec::new();
    let mut places = Vec::new();
    for category in &router.categories {
        let is_default = Some(category.uuid) == router.default_category_uuid;
        let cases: Vec<_> = router.cases.iter().filter(|case| case.category_uuid == category.uuid).collect();
        if is_default {
            continue;
        }
        let at = choices.len();
        let tag = shape::short(&category.name);
        let phrase = |case: &&super::definition::Case| match (case.kind.as_str(), case.arguments.as_slice()) {
            ("has_only_phrase", [words]) => literal_of(words),
            _ => None,
        };
        let mut phrases: Vec<_> = cases.iter().filter_map(|case| Some((phrase(case)?, case.uuid))).collect();
        for known in [tag.clone(), shape::place(at)] {
            if let Some(found) = phrases.iter().position(|(words, _)| *words == known) {
                phrases.remove(found);
            }
        }
        let (label, translations) = match phrases.into_iter().next() {
            Some((label, case)) => {
                let others = definition.translated(case, "arguments").into_iter();
                (label, others.filter_map(|(language, text)| Some((language, literal_of(&text)?))).collect())
            }
            None => (tag.clone(), definition.translated(category.uuid, "name")),
        };
        choices.push(Choice { tag, label, translations });
        places.push(category.uuid);
    }
    let actual: Vec<_> = router
        .cases
        .iter()
        .filter_map(|case| {
            let at = places.iter().position(|place| *place == case.category_uuid)?;
            let words = match case.arguments.as_slice() {
                [words] => literal_of(words)?,
                _ => return None,
            };
            (case.kind == "has_only_phrase").then_some((at, words))
        })
        .collect();
    let expected = |by_number: bool| {
        let cases = shape::cases_of(&choices).into_iter().filter(move |(_, by, _)| by_number || *by == By::Tag);
        cases.map(|(at, _, words)| (at, words)).collect::<Vec<_>>()
    };
    let exact = actual.len() == router.cases.len() && (actual == expected(true) || actual == expected(false));
    if choices.is_empty() {
        return Err("no answer leads to a category of its own".to_owned());
    }
    Ok(Question::One { choices, exact })
}

fn many(definition: &Definition, router: &Router) -> Option<Question> {
    let case = router.cases.first()?;
    let found = shape::choices_of(&literal_of(case.arguments.first()?)?)?;
    let mut choices: Vec<Choice> = found
        .into_iter()
        .map(|(tag, label)| Choice { tag, label, translations: std::collections::BTreeMap::new() })
        .collect();
    for (language, pattern) in definition.translated(case.uuid, "arguments") {
        let others = literal_of(&pattern).and_then(|pattern| shape::choices_of(&pattern)).unwrap_or_default();
        for (choice, (_, label)) in choices.iter_mut().zip(others) {
            if label != choice.label {
                choice.translations.insert(language.clone(), label);
            }
        }
    }
    Some(Question::Many(choices))
}
