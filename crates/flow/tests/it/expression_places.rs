//! Locations named in messages.

use flow::environment::{Environment, Level, Locations};
use flow::expression::{Empty, Scope, Template};
use serde_json::json;

fn locations() -> Locations {
    Locations::read(&json!([{
        "name": "Liberia",
        "aliases": [],
        "children": [
            {"name": "Bong", "aliases": ["Gbong"], "children": [
                {"name": "Suakoko", "children": [{"name": "Phebe"}, {"name": "Old Town"}]},
                {"name": "Central", "children": [{"name": "Gbarnga"}]},
            ]},
            {"name": "Grand Bassa", "children": [
                {"name": "Central", "children": [{"name": "Buchanan"}, {"name": "Old Town"}]},
            ]},
        ],
    }]))
    .unwrap()
}

#[test]
fn places_are_found_by_name_alias_words_and_path() {
    let locations = locations();
    let env = Environment::default();
    let find = |level, text: &str| -> Vec<String> {
        locations.find(&env, level, text, None).into_iter().map(|l| l.path.clone()).collect()
    };
    assert_eq!(find(Level::State, "BONG"), ["Liberia > Bong"]);
    assert_eq!(find(Level::State, "¡Gbong!"), ["Liberia > Bong"]);
    assert_eq!(find(Level::State, "I live in grand bassa county"), ["Liberia > Grand Bassa"]);
    assert_eq!(find(Level::State, "liberia >  GRAND  Bassa."), ["Liberia > Grand Bassa"]);
    assert_eq!(find(Level::State, "Liberia"), Vec::<String>::new());
    assert_eq!(find(Level::District, "central").len(), 2);
    assert_eq!(find(Level::State, ""), Vec::<String>::new());
    let bassa = locations.lookup_path("Liberia > Grand Bassa");
    let within = locations.find(&env, Level::Ward, "old town", bassa);
    assert_eq!(within.len(), 1);
    assert_eq!(within[0].path, "Liberia > Grand Bassa > Central > Old Town");
}

#[test]
fn tests_of_places_want_one_place() {
    let locations = locations();
    let env = Environment::default();
    let evaluate = |source: &str, locations: Option<&Locations>| {
        let mut random = || 0.5;
        let mut scope = Scope::new(&env, &Empty, jiff::Timestamp::UNIX_EPOCH, &mut random);
        scope.locations = locations;
        let text = Template::parse(source).text(&mut scope);
        scope.errors.first().map_or(text, |problem| problem.text.clone())
    };
    for (source, expected) in [
        ("@(has_state(\"from bong\").match)", "Liberia > Bong"),
        ("@(has_district(\"Suakoko\").match)", "Liberia > Bong > Suakoko"),
        ("@(has_district(\"Central\"))", "false"),
        ("@(has_district(\"Central\", \"Bong\").match)", "Liberia > Bong > Central"),
        ("@(has_district(\"Central\", \"Nimba\"))", "false"),
        ("@(has_ward(\"Old Town\"))", "false"),
        ("@(has_ward(\"old town\", \"bong\", \"suakoko\").match)", "Liberia > Bong > Suakoko > Old Town"),
    ] {
        assert_eq!(evaluate(source, Some(&locations)), expected, "{source}");
    }
    assert_eq!(
        evaluate("@(has_ward(\"x\", \"y\"))", Some(&locations)),
        "Error evaluating expression: error calling has_ward(...): need 1 or 3 argument(s), got 2"
    );
    assert!(evaluate("@(has_state(\"Bong\"))", None).contains("not location enabled"));
    assert_eq!(evaluate("@(has_state(\"Bong\"))", Some(&Locations::default())), "false");
}
