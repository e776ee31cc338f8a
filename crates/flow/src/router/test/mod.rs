//! Router tests: the functions that the cases of a switch router call, one file per kind, named by its type in
//! definitions. Expressions may call them too.
//!
//! A test that holds gives an object which counts as true and has the property `match`, and sometimes `extra`; otherwise
//! the object counts as false.

mod dates;
mod has_all_words;
mod has_any_word;
mod has_beginning;
mod has_category;
mod has_date;
mod has_date_eq;
mod has_date_gt;
mod has_date_lt;
mod has_district;
mod has_email;
mod has_error;
mod has_group;
mod has_intent;
mod has_number;
mod has_number_between;
mod has_number_eq;
mod has_number_gt;
mod has_number_gte;
mod has_number_lt;
mod has_number_lte;
mod has_only_phrase;
mod has_only_text;
mod has_pattern;
mod has_phone;
mod has_phrase;
mod has_state;
mod has_text;
mod has_time;
mod has_top_intent;
mod has_value;
mod has_ward;
mod numbers;
mod outcome;
mod places;

use crate::environment::{Collation, Environment};
use crate::expression::function::Native;
use crate::expression::words::spans;

/// A router test. Call it with [`Native::call`].
pub type Test = &'static Native;

/// All router tests, by name.
static TESTS: [Test; 31] = [
    &has_all_words::TEST,
    &has_any_word::TEST,
    &has_beginning::TEST,
    &has_category::TEST,
    &has_date::TEST,
    &has_date_eq::TEST,
    &has_date_gt::TEST,
    &has_date_lt::TEST,
    &has_district::TEST,
    &has_email::TEST,
    &has_error::TEST,
    &has_group::TEST,
    &has_intent::TEST,
    &has_number::TEST,
    &has_number_between::TEST,
    &has_number_eq::TEST,
    &has_number_gt::TEST,
    &has_number_gte::TEST,
    &has_number_lt::TEST,
    &has_number_lte::TEST,
    &has_only_phrase::TEST,
    &has_only_text::TEST,
    &has_pattern::TEST,
    &has_phone::TEST,
    &has_phrase::TEST,
    &has_state::TEST,
    &has_text::TEST,
    &has_time::TEST,
    &has_top_intent::TEST,
    &has_value::TEST,
    &has_ward::TEST,
];

/// The test of a type, such as `has_any_word`.
pub fn find(name: &str) -> Option<Test> {
    TESTS.binary_search_by(|test| test.name.cmp(name)).ok().map(|place| TESTS[place])
}

/// All tests, by name.
pub fn all() -> impl Iterator<Item = Test> {
    TESTS.into_iter()
}

/// A word as the text has it, with what it is compared by.
struct Word<'t> {
    text: &'t str,
    /// The collated form; `None` where words are only compared without case.
    form: Option<String>,
}

impl Word<'_> {
    fn same(&self, other: &Self) -> bool {
        match (&self.form, &other.form) {
            (Some(form), Some(other)) => form == other,
            _ if self.text.is_ascii() && other.text.is_ascii() => self.text.eq_ignore_ascii_case(other.text),
            _ => self.text.to_lowercase() == other.text.to_lowercase(),
        }
    }

    fn is_in(&self, others: &[Self]) -> bool {
        others.iter().any(|other| self.same(other))
    }
}

/// The words of a text.
fn words<'t>(env: &Environment, text: &'t str) -> Vec<Word<'t>> {
    let form = |word: &str| (env.input_collation != Collation::Default).then(|| env.collate(word));
    spans(text).map(|(_, text)| Word { text, form: form(text) }).collect()
}

/// Words joined by single spaces.
fn joined<'w>(words: impl IntoIterator<Item = &'w Word<'w>>) -> String {
    let words: Vec<&str> = words.into_iter().map(|word| word.text).collect();
    words.join(" ")
}
