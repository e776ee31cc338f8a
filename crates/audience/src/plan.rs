//! A compiled query as a tree of predicates that a store can answer from its indexes.
//!
//! Every predicate is existential: it is true when the contact has *some* value of the property that passes the
//! test, and false when it has none, whatever the reason. `!=` is the negation of `=` (so a contact without the
//! property passes), and "not set" the negation of [`Test::Present`]. Nothing is ever unknown: a store with
//! three-valued logic writes each predicate so that a missing value makes it false (`EXISTS`, or `coalesce`).

use std::fmt;
use std::ops::{Bound, RangeBounds};

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::property::Property;
use crate::subject::{Subject, Value};
use crate::text;

/// A tree of predicates. Combinations have two members or more.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// All hold.
    And(Vec<Plan>),
    /// At least one holds.
    Or(Vec<Plan>),
    /// Does not hold. In plans made from a query, only ever around [`Plan::Is`].
    Not(Box<Plan>),
    /// One predicate.
    Is(Predicate),
}

/// Some value of the property passes the test.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    /// Whose values.
    pub property: Property,
    /// What one of them must pass.
    pub test: Test,
}

/// What a value can be tested for. Texts are prepared: by [`text::fold`] for worker attributes and by
/// [`text::normal`] for all others, so that a store compares its own prepared columns byte by byte.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// There is a value.
    Present,
    /// A text that is one of these (sorted, each once). For `group`, `flow` and `history`: UUIDs.
    In(Vec<String>),
    /// A text that contains this. On worker attributes, which come from small vocabularies, a store does best to
    /// find the terms that pass first, with [`Test::accepts_text`].
    Contains(String),
    /// A name with a word that begins with one of these (sorted, each once); see [`text::words`].
    Words(Vec<String>),
    /// A number between these bounds.
    Number(Bound<Decimal>, Bound<Decimal>),
    /// An instant from `from` on and before `until`. Both are whole seconds.
    Time {
        /// The first instant that passes.
        from: Option<Timestamp>,
        /// The first instant after those that pass.
        until: Option<Timestamp>,
    },
    /// A place whose number is in one of these ranges, bounds included; sorted, not overlapping.
    Within(Vec<(u32, u32)>),
}

impl Plan {
    /// Calls `visit` with each predicate, from left to right.
    pub fn each_predicate<'a>(&'a self, visit: &mut impl FnMut(&'a Predicate)) {
        match self {
            Self::And(members) | Self::Or(members) => members.iter().for_each(|plan| plan.each_predicate(visit)),
            Self::Not(plan) => plan.each_predicate(visit),
            Self::Is(predicate) => visit(predicate),
        }
    }

    /// Whether the contact passes.
    pub fn matches<S: Subject + ?Sized>(&self, subject: &S) -> bool {
        match self {
            Self::And(members) => members.iter().all(|plan| plan.matches(subject)),
            Self::Or(members) => members.iter().any(|plan| plan.matches(subject)),
            Self::Not(plan) => !plan.matches(subject),
            Self::Is(predicate) => predicate.matches(subject),
        }
    }
}

impl Predicate {
    /// Whether some value of the contact passes.
    pub fn matches<S: Subject + ?Sized>(&self, subject: &S) -> bool {
        let mut found = false;
        subject.each(&self.property, &mut |value| found = found || self.accepts(value));
        found
    }

    fn accepts(&self, value: Value<'_>) -> bool {
        match (&self.test, value) {
            (Test::Present, _) => true,
            (Test::Number(from, until), Value::Number(number)) => (*from, *until).contains(&number),
            (Test::Time { from, until }, Value::Time(at)) => {
                from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until)
            }
            (Test::Within(ranges), Value::Place(at)) => {
                ranges.iter().any(|(left, right)| (*left..=*right).contains(&at))
            }
            (test, Value::Text(text)) => test.accepts_text(&text::comparable(&self.property, text)),
            _ => false,
        }
    }
}

impl Test {
    /// Whether a prepared text passes: [`text::fold`] for worker attributes, [`text::normal`] for all others. Tests
    /// of other kinds of value accept no text.
    pub fn accepts_text(&self, prepared: &str) -> bool {
        match self {
            Self::Present => true,
            Self::In(texts) => texts.binary_search_by(|text| text.as_str().cmp(prepared)).is_ok(),
            Self::Contains(text) => prepared.contains(text.as_str()),
            Self::Words(prefixes) => {
                text::words(prepared).iter().any(|word| prefixes.iter().any(|prefix| word.starts_with(prefix.as_str())))
            }
            Self::Number(..) | Self::Time { .. } | Self::Within(_) => false,
        }
    }
}

impl fmt::Display for Plan {
    /// For people: tests, logs, `explain`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (members, word) = match self {
            Self::And(members) => (members, " and "),
            Self::Or(members) => (members, " or "),
            Self::Not(plan) => return write!(f, "not {plan}"),
            Self::Is(predicate) => return predicate.fmt(f),
        };
        f.write_str("(")?;
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                f.write_str(word)?;
            }
            member.fmt(f)?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let property = &self.property;
        match &self.test {
            Test::Present => write!(f, "{property} is set"),
            Test::In(texts) => write!(f, "{property} in {texts:?}"),
            Test::Contains(text) => write!(f, "{property} contains {text:?}"),
            Test::Words(prefixes) => write!(f, "{property} has a word beginning with {prefixes:?}"),
            Test::Number(from, until) => {
                write!(f, "{property} in ")?;
                write_bounds(f, *from, *until)
            }
            Test::Time { from, until } => {
                write!(f, "{property} in ")?;
                write_bounds(
                    f,
                    from.map_or(Bound::Unbounded, Bound::Included),
                    until.map_or(Bound::Unbounded, Bound::Excluded),
                )
            }
            Test::Within(ranges) => {
                write!(f, "{property} in")?;
                ranges.iter().try_for_each(|(left, right)| write!(f, " {left}..={right}"))
            }
        }
    }
}

fn write_bounds<T: fmt::Display>(f: &mut fmt::Formatter<'_>, from: Bound<T>, until: Bound<T>) -> fmt::Result {
    match from {
        Bound::Included(from) => write!(f, "[{from}, ")?,
        Bound::Excluded(from) => write!(f, "({from}, ")?,
        Bound::Unbounded => f.write_str("(..., ")?,
    }
    match until {
        Bound::Included(until) => write!(f, "{until}]"),
        Bound::Excluded(until) => write!(f, "{until})"),
        Bound::Unbounded => f.write_str("...)"),
    }
}
