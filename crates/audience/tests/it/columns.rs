//! The columns answer what the plan answers on each contact.

use std::collections::BTreeMap;

use audience::columns::{Columns, Cursor, Others, Row, no_others};
use audience::{Compiled, Property, Subject, Value, parse, text};
use proptest::prelude::*;

use crate::model::{Contact, environment, names};
use crate::properties::{contact, query};

fn compile(text: &str) -> Compiled {
    let env = environment();
    parse(text, &env, &names()).unwrap_or_else(|e| panic!("{}", e.render(text))).compile(&env).unwrap()
}

/// All pages, one row at a time more than the page before.
fn pages(columns: &Columns, query: &Compiled, others: Others<'_>) -> Vec<u32> {
    let mut rows = Vec::new();
    let mut after: Option<Cursor> = None;
    for limit in 1.. {
        let page = columns.page(query, after.as_ref(), limit, others);
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    rows
}

/// Compares every answer with the contacts themselves.
fn check(columns: &Columns, contacts: &BTreeMap<u32, Contact>, text: &str) {
    let query = compile(text);
    let others = |row: u32, property: &Property, visit: &mut dyn FnMut(Value<'_>)| {
        // The columns must not ask for what they hold.
        assert!(!property.to_string().starts_with("worker."));
        contacts[&row].each(property, visit);
    };
    let mut want: Vec<u32> =
        contacts.iter().filter(|(_, contact)| query.matches(*contact)).map(|(row, _)| *row).collect();
    assert_eq!(columns.rows(&query, &others).iter().collect::<Vec<_>>(), want, "{text}");
    assert_eq!(columns.count(&query, &others), want.len() as u64, "{text}");
    want.sort_by_key(|row| {
        let mut name = String::new();
        contacts[row].each(&Property::Attribute(audience::Attribute::Name), &mut |value| {
            if let Value::Text(value) = value {
                name = text::fold(value).into_owned();
            }
        });
        (name, *row)
    });
    assert_eq!(pages(columns, &query, &others), want, "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn columns_equal_contacts(
        queries in prop::collection::vec(query(), 6),
        first in prop::collection::vec(contact(), 0..40),
        changes in prop::collection::vec((0..60_u32, prop::option::weighted(0.8, contact())), 0..40),
    ) {
        let mut contacts: BTreeMap<u32, Contact> = (0..).zip(first).collect();
        let mut columns = Columns::load(contacts.iter().map(|(row, contact)| (*row, contact.clone())));
        for (row, contact) in changes {
            if let Some(contact) = contact {
                columns.set(row, &contact);
                contacts.insert(row, contact);
            } else {
                columns.remove(row);
                contacts.remove(&row);
            }
        }
        prop_assert_eq!(columns.len(), contacts.len() as u64);
        for query in queries {
            check(&columns, &contacts, &query);
        }
    }
}

#[test]
fn many_blocks() {
    let cadres = ["Nurse", "Midwife", "CHW"];
    let contacts: BTreeMap<u32, Contact> = (0..10_000_u32)
        .filter(|row| row % 7 != 0)
        .map(|row| {
            let contact = Contact::default()
                .with("name", format!("Worker {}", row * 7919 % 10_000).as_str())
                .with("worker.cadre", cadres[row as usize % 3])
                .with("worker.facility", format!("Facility {}", row % 701).as_str())
                .with("worker.within", crate::model::Datum::Place(row % 7))
                .with("group", if row % 5 == 0 { "9a1c" } else { "9a1d" })
                .number("fields.age", &(row % 90).to_string());
            (row, contact)
        })
        .collect();
    let mut columns = Columns::load(contacts.iter().map(|(row, contact)| (*row, contact.clone())));
    for text in [
        "cadre = nurse AND within = Bong",
        "cadre ~ wife OR facility = \"facility 7\"",
        "(cadre = chw AND group = testers) OR age = 7",
        "age > 80 AND cadre != nurse",
        "worker 1234",
    ] {
        check(&columns, &contacts, text);
    }
    let heard = compile("last_seen_on = today");
    assert_eq!(columns.count(&heard, &no_others), 0);
    columns.heard(8_192, "2026-11-23T08:00:00Z".parse().unwrap());
    columns.heard(7, "2026-11-23T08:00:00Z".parse().unwrap());
    assert_eq!(columns.rows(&heard, &no_others).iter().collect::<Vec<_>>(), [8_192]);
}

#[test]
fn names_are_packed_again_when_many_change() {
    let mut columns = Columns::default();
    for round in 0..50 {
        for row in 0..100_u32 {
            let name = format!("Name {:03} of round {round} {}", 99 - row, "x".repeat(40));
            columns.set(row, &Row { name: &name, ..Row::default() });
        }
    }
    assert!(columns.memory() < 100 * 1_000, "{}", columns.memory());
    let rows = pages(&columns, &compile("round 49"), &no_others);
    assert!(rows.iter().copied().eq((0..100).rev()));
    columns.remove(50);
    columns.remove(50);
    columns.set(50, &Row { name: "Aba", ..Row::default() });
    assert_eq!(pages(&columns, &compile("name != \"\""), &no_others)[0], 50);
    assert_eq!(columns.len(), 100);
}

/// Names in which words are parted in many ways.
#[test]
fn words_of_names() {
    let people = [
        "Ama Kollie",
        "ama-kollie",
        "O'Neil",
        "O' Neil",
        "J.B. Toe",
        "jb",
        "Éma",
        "E\u{301}ma",
        "Amara\u{301}",
        "a1 b2",
        "a 1",
        "abcdefg'hij",
        "abcdefg' hij",
        "日本 語",
        "kollie,ama",
        "_ama",
        "ama_k",
        "",
    ];
    let contacts: BTreeMap<u32, Contact> = (0..)
        .zip(
            people.map(|name| if name.is_empty() { Contact::default() } else { Contact::default().with("name", name) }),
        )
        .collect();
    let columns = Columns::load(contacts.iter().map(|(row, contact)| (*row, contact.clone())));
    for value in [
        "ama",
        "kol",
        "neil",
        "o'n",
        "j.b",
        "jb",
        "éma",
        "e\u{301}m",
        "ma",
        "a1",
        "b2",
        "abcdefg'h",
        "日本",
        "toe ama",
        "k",
    ] {
        if value.len() > 1 {
            check(&columns, &contacts, &format!("name ~ \"{value}\""));
        }
        check(&columns, &contacts, &format!("name != \"{value}\" AND name != \"\""));
    }
}

#[test]
fn a_cursor_stays_good_when_its_row_goes() {
    let people = ["Ama", "Ben", "Comfort", "Dao"];
    let mut columns = Columns::load((0..).zip(people.map(|name| Row { name, status: "active", ..Row::default() })));
    let query = compile("status = active");
    let page = columns.page(&query, None, 2, &no_others);
    assert_eq!(page.rows, [0, 1]);
    let cursor = page.next.unwrap();
    columns.remove(1);
    columns.set(1, &Row { name: "Bea", status: "active", ..Row::default() });
    columns.set(9, &Row { name: "Béné", status: "active", ..Row::default() });
    assert_eq!(columns.page(&query, Some(&cursor), 9, &no_others).rows, [9, 2, 3]);
    let nothing = columns.page(&query, Some(&Cursor::new(cursor.name(), cursor.row())), 0, &no_others);
    assert!(nothing.rows.is_empty());
}
