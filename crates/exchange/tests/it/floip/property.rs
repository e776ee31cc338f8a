//! Containers made at random: what is imported runs, is exported strictly, and comes back as it was.

use super::sample::{container, exit, id};
use super::schema::{Schemas, there_and_back};
use super::talk::talk;
use exchange::floip::import;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts with everything that may go wrong in them.
const TEXTS: [&str; 16] = [
    "Hello @contact.name.",
    "Write to ward@example.org or x@@contact.name",
    "@flow.q1! @flow.q2. @flow.q3x",
    "@(flow.q1 & \" of \" & flow.q2)",
    "@(IF(flow.q1 = \"Yes\", 'it''s', \"b\"\"c\"))",
    "@(UPPER(flow.q2) = LOWER(contact.ward)) @contact.phone",
    "@",
    "two signs @@@@",
    "not closed @(flow.q1",
    "@LEN(flow.q1)@(contact.properties.name)",
    "@(1 - (2 - 3) * -flow.q2 ^ 2 & \"x\" & (1 < 2))",
    "@(CONTAINS(\"a\", flow.q1)) @(IN(1, ARRAY(1, 2))) @(NOT(flow.q1 = NULL))",
    "@(WEEKDAY(date.today) + 1) @(WORD(flow.q3, 2)) @(YEAR(date.now))",
    "   ",
    "Ségou ∂ \u{1f600}\n\"quoted\" \\ back",
    "@results.q4.exit @child.results.q1 @parent.results.x.value @input.text",
];

const TESTS: [&str; 12] = [
    "",
    "default",
    "block.value = 1",
    "@(block.value = \"yes\")",
    "@(block.value <> NULL)",
    "TRUE",
    "@(flow.q1 > 3)",
    "@(AND(block.value = 'no', contact.age >= 18))",
    "@(OR(AND(channel.mode = 'ivr', block.value = '1'), AND(channel.mode != 'ivr', LOWER(block.value) = 'yes')))",
    "flow.q2",
    "@(contact.name = Frank)",
    "nonsense ((",
];

const CHOICES: [(&str, &str); 8] = [
    ("yes", "Yes"),
    ("no", "Nee (no)"),
    ("2", "Two"),
    ("x|y", "x"),
    ("?", "!"),
    ("1", "1"),
    ("Yes", "again"),
    ("", ""),
];

const TAGS: [&str; 5] = ["Default", "Error", "1", "", "Yes & no"];

#[derive(Clone, Debug)]
struct Made {
    kind: usize,
    text: usize,
    french: bool,
    exits: Vec<(usize, usize, usize)>,
    choices: Vec<usize>,
    bounds: (Option<i32>, Option<i32>),
    property: Option<usize>,
}

fn made() -> impl Strategy<Value = Made> {
    (
        0..16_usize,
        0..TEXTS.len(),
        any::<bool>(),
        prop::collection::vec((0..TESTS.len(), 0..TAGS.len(), 0..8_usize), 0..4),
        prop::collection::vec(0..CHOICES.len(), 0..4),
        (prop::option::of(-5..5), prop::option::of(5..500)),
        prop::option::of(0..TEXTS.len()),
    )
        .prop_map(|(kind, text, french, exits, choices, bounds, property)| Made {
            kind,
            text,
            french,
            exits,
            choices,
            bounds,
            property,
        })
}

/// The block of a description, with its resources.
fn block(at: usize, made: &Made, resources: &mut Vec<Value>) -> Value {
    let n = 1000 * (at as u128 + 1);
    let value = |language: &str, text: &str| json!({"language_id": language, "content_type": "TEXT", "modes": ["SMS"], "value": text});
    let mut said = |n: u128, text: &str| {
        let mut values = vec![value("eng", text)];
        if made.french {
            values.push(value("fra", &format!("{text} en français")));
        }
        resources.push(json!({"uuid": id(n), "values": values}));
        json!(id(n))
    };
    let prompt = said(n + 500, TEXTS[made.text]);
    let mut choices = serde_json::Map::new();
    for (i, choice) in made.choices.iter().enumerate() {
        let (tag, label) = CHOICES[*choice];
        choices.insert(tag.to_owned(), said(n + 600 + i as u128, label));
    }
    let set = made.property.map(|text| json!({"property_key": TAGS[text % TAGS.len()], "property_value": TEXTS[text]}));
    let mut config = json!({"prompt": prompt, "set_contact_property": set});
    let kind = match made.kind {
        0 | 1 => "MobilePrimitives.Message",
        2..=4 => {
            config["choices"] = Value::Object(choices);
            "MobilePrimitives.SelectOneResponse"
        }
        5 => {
            config["choices"] = Value::Object(choices);
            "MobilePrimitives.SelectManyResponses"
        }
        6 | 7 => {
            config["validation_minimum"] = json!(made.bounds.0);
            config["validation_maximum"] = json!(made.bounds.1);
            "MobilePrimitives.NumericResponse"
        }
        8 => "MobilePrimitives.OpenResponse",
        9 => "Core.Case",
        10 => {
            config = json!({"flow_id": id(2)});
            "Core.RunFlow"
        }
        11 => {
            config = json!({"value": TEXTS[made.text]});
            "Core.Output"
        }
        12 => {
            config = json!({"set_contact_property": [set.clone(), set]});
            "Core.SetContactProperty"
        }
        13 => {
            config = json!({"group_key": TAGS[made.text % TAGS.len()], "is_member": made.french});
            "Core.SetGroupMembership"
        }
        14 => {
            config = json!({"message": TEXTS[made.text]});
            "Core.Log"
        }
        _ => "SmartDevices.PhotoResponse",
    };
    let exits: Vec<Value> = made
        .exits
        .iter()
        .enumerate()
        .map(|(i, (test, tag, to))| exit(n + 1 + i as u128, TAGS[*tag], TESTS[*test], 1000 * *to as u128))
        .collect();
    json!({"uuid": id(n), "type": kind, "name": format!("q{at}"), "label": "A label", "config": config, "exits": exits})
}

fn document(made: &[Made]) -> Value {
    let mut resources = Vec::new();
    let blocks: Vec<Value> = made.iter().enumerate().map(|(at, made)| block(at, made, &mut resources)).collect();
    container(&[super::sample::flow(3, "Made", &blocks)], &resources)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_made_at_random_comes_back_as_it_was(made in prop::collection::vec(made(), 1..8)) {
        thread_local! {
            static SCHEMAS: Option<Schemas> = Schemas::read();
        }
        let document = document(&made);
        SCHEMAS.with(|schemas| there_and_back(&document, schemas.as_ref()));
        let imported = import(&document).unwrap();
        talk(&imported, 0, "fra", &["yes", "1", "500"]);
    }
}
