//! Plans over the rows of a store.
//!
//! A small store of prepared columns answers plans the way SQL does, comparing byte by byte and asking whether a row
//! exists, and must say what the contact in memory says.

use std::collections::BTreeMap;
use std::ops::Bound;

use audience::{Attribute, Plan, Predicate, Property, Test, parse, text};
use proptest::prelude::*;

use crate::model::{Contact, Datum, environment, names};
use crate::properties::{contact, query};

/// What a store keeps of a value.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    /// A term of the vocabulary of worker texts, by number.
    Term(usize),
    /// A prepared text.
    Text(String),
    /// A number as a text that sorts.
    Key(String),
    /// Milliseconds.
    Millis(i64),
    Place(u32),
}

#[derive(Debug, Default)]
struct Store {
    terms: Vec<String>,
    row: BTreeMap<Property, Vec<Cell>>,
    words: Vec<String>,
}

impl Store {
    fn of(contact: &Contact, properties: &[Property]) -> Self {
        let mut store = Self::default();
        for property in properties {
            for datum in contact.values(property) {
                let cell = match datum {
                    Datum::Text(value) => {
                        let prepared = text::comparable(property, value).into_owned();
                        if *property == Property::Attribute(Attribute::Name) {
                            store.words.extend(text::words(value));
                        }
                        if matches!(property, Property::Worker(_)) {
                            store.term(prepared)
                        } else {
                            Cell::Text(prepared)
                        }
                    }
                    Datum::Number(number) => Cell::Key(text::number_key(*number)),
                    Datum::Time(time) => Cell::Millis(base::Millis::from(*time).0),
                    Datum::Place(place) => Cell::Place(*place),
                };
                store.row.entry(property.clone()).or_default().push(cell);
            }
        }
        store
    }

    fn term(&mut self, prepared: String) -> Cell {
        let known = self.terms.iter().position(|term| *term == prepared);
        Cell::Term(known.unwrap_or_else(|| {
            self.terms.push(prepared);
            self.terms.len() - 1
        }))
    }

    fn answer(&self, plan: &Plan) -> bool {
        match plan {
            Plan::And(members) => members.iter().all(|plan| self.answer(plan)),
            Plan::Or(members) => members.iter().any(|plan| self.answer(plan)),
            Plan::Not(plan) => !self.answer(plan),
            Plan::Is(predicate) => self.exists(predicate),
        }
    }

    /// What SQL's EXISTS does, which is never unknown.
    fn exists(&self, Predicate { property, test }: &Predicate) -> bool {
        let cells = self.row.get(property).map_or(&[][..], Vec::as_slice);
        if let Test::Words(prefixes) = test {
            return prefixes.iter().any(|prefix| {
                let end = text::after_prefix(prefix);
                self.words.iter().any(|word| *word >= *prefix && end.as_ref().is_none_or(|end| word < end))
            });
        }
        // The vocabulary is searched first, the row then has numbers to look up.
        let accepted: Vec<usize> = (0..self.terms.len()).filter(|at| test.accepts_text(&self.terms[*at])).collect();
        cells.iter().any(|cell| match (test, cell) {
            (Test::Present, _) => true,
            (_, Cell::Term(term)) => accepted.contains(term),
            (Test::In(texts), Cell::Text(text)) => texts.contains(text),
            (Test::Contains(part), Cell::Text(text)) => text.contains(part),
            (Test::Number(from, until), Cell::Key(key)) => {
                let from = match from {
                    Bound::Included(from) => *key >= text::number_key(*from),
                    Bound::Excluded(from) => *key > text::number_key(*from),
                    Bound::Unbounded => true,
                };
                let until = match until {
                    Bound::Included(until) => *key <= text::number_key(*until),
                    Bound::Excluded(until) => *key < text::number_key(*until),
                    Bound::Unbounded => true,
                };
                from && until
            }
            (Test::Time { from, until }, Cell::Millis(at)) => {
                from.is_none_or(|from| *at >= base::Millis::from(from).0)
                    && until.is_none_or(|until| *at < base::Millis::from(until).0)
            }
            (Test::Within(ranges), Cell::Place(place)) => {
                ranges.iter().any(|(left, right)| left <= place && place <= right)
            }
            other => panic!("a test of another kind than the value: {other:?}"),
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_store_answers_as_the_contact_does(query in query(), contacts in prop::collection::vec(contact(), 8)) {
        let env = environment();
        let compiled = parse(&query, &env, &names()).unwrap().compile(&env).unwrap();
        let mut properties = Vec::new();
        compiled.plan().each_predicate(&mut |predicate| properties.push(predicate.property.clone()));
        properties.sort();
        properties.dedup();
        for contact in contacts {
            let store = Store::of(&contact, &properties);
            prop_assert_eq!(store.answer(compiled.plan()), compiled.matches(&contact), "{} on {:?}", query, contact);
        }
    }

    /// Negation stands around single predicates only, lists are sorted, and no combination is of one member.
    #[test]
    fn plans_have_the_promised_shape(query in query()) {
        fn check(plan: &Plan) {
            match plan {
                Plan::And(members) | Plan::Or(members) => {
                    assert!(members.len() > 1);
                    members.iter().for_each(check);
                }
                Plan::Not(plan) => assert!(matches!(**plan, Plan::Is(_))),
                Plan::Is(predicate) => match &predicate.test {
                    Test::In(texts) | Test::Words(texts) => {
                        assert!(!texts.is_empty() && texts.is_sorted_by(|a, b| a < b), "{texts:?}");
                    }
                    Test::Within(ranges) => assert!(ranges.is_sorted_by(|a, b| a.1 < b.0), "{ranges:?}"),
                    Test::Time { from, until } => {
                        assert!([from, until].into_iter().flatten().all(|at| at.subsec_nanosecond() == 0));
                    }
                    _ => {}
                },
            }
        }
        let env = environment();
        check(parse(&query, &env, &names()).unwrap().compile(&env).unwrap().plan());
    }
}
