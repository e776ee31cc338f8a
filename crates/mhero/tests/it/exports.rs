//! Export files of RapidPro, in and out.

use crate::command::Place;
use serde_json::{Value, json};

const SUPERVISORS: &str = "0f6b2c7e-8f0c-4c55-9d0d-00000000000a";

/// An identifier of the file.
fn id(number: u32) -> String {
    format!("0f6b2c7e-8f0c-4c55-9d0d-{number:012}")
}

/// A flow of one node.
fn flow(number: u32, name: &str, actions: Value) -> Value {
    json!({
        "uuid": id(number), "name": name, "spec_version": "13.2.0", "language": "eng", "type": "messaging",
        "revision": 1, "expire_after_minutes": 720, "localization": {},
        "nodes": [{ "uuid": id(number + 1), "actions": actions, "exits": [{ "uuid": id(number + 2) }] }],
        "_ui": { "nodes": { id(number + 1): { "position": { "left": 100, "top": 0 }, "type": "execute_actions" } } },
    })
}

/// Two flows, one of which enters the other, and one that stands alone, with all that a file may have beside flows.
fn file() -> Value {
    let stock = flow(
        100,
        "Stock check",
        json!([
            { "uuid": id(110), "type": "add_contact_groups",
              "groups": [{ "uuid": SUPERVISORS, "name": "Supervisors" }] },
            { "uuid": id(111), "type": "set_contact_field", "field": { "key": "ward_name", "name": "Ward name" },
              "value": "Maternity" },
            { "uuid": id(112), "type": "enter_flow", "flow": { "uuid": id(200), "name": "Thanks" } },
        ]),
    );
    let thanks = flow(200, "Thanks", json!([{ "uuid": id(210), "type": "send_msg", "text": "Thank you" }]));
    let alone = flow(300, "Alone", json!([{ "uuid": id(310), "type": "send_msg", "text": "Hello" }]));
    let reference = json!({ "uuid": id(100), "name": "Stock check" });
    json!({
        "version": "13", "site": "https://rapidpro.example.org",
        "flows": [stock, thanks, alone],
        "campaigns": [{
            "uuid": id(400), "name": "Visits", "group": { "uuid": SUPERVISORS, "name": "Supervisors" },
            "events": [{ "uuid": id(401), "offset": 1, "unit": "W", "event_type": "F", "delivery_hour": -1,
                         "message": null, "relative_to": { "label": "Next visit", "key": "next_visit" },
                         "start_mode": "I", "flow": reference }],
        }],
        "triggers": [
            { "trigger_type": "K", "flow": reference, "groups": [], "channel": null, "match_type": "O",
              "exclude_groups": [{ "uuid": SUPERVISORS, "name": "Supervisors" }], "keywords": ["stock"] },
            { "trigger_type": "C", "flow": reference, "groups": [], "exclude_groups": [], "channel": null,
              "keywords": [] },
        ],
        "fields": [{ "key": "next_visit", "name": "Next visit", "type": "datetime" },
                   { "key": "unused", "name": "Unused", "type": "text" },
                   { "key": "ward_name", "name": "Ward name", "type": "text" }],
        "groups": [{ "uuid": SUPERVISORS, "name": "Supervisors", "query": null }],
    })
}

/// The names of one list of an export.
fn names<'e>(export: &'e Value, list: &str, key: &str) -> Vec<&'e str> {
    export[list].as_array().unwrap().iter().map(|one| one[key].as_str().unwrap_or_default()).collect()
}

fn import(place: &Place, document: &Value) -> String {
    let path = place.data.with_file_name("file.json");
    std::fs::write(&path, document.to_string()).unwrap();
    place.run(&["flow", "import", path.to_str().unwrap()]).ok().stdout
}

fn export(place: &Place, arguments: &[&str]) -> Value {
    place.run(&[&["flow", "export"], arguments].concat()).ok().json()
}

#[test]
fn a_file_comes_out_as_it_went_in() {
    let place = Place::new();
    let said = import(&place, &file());
    for line in ["campaign \"Visits\": its 1 events are not fired", "catch-all trigger of \"Stock check\""] {
        assert!(said.contains(line), "{said}");
    }
    let out = export(&place, &["Stock check"]);
    assert_eq!(out["version"], "13");
    assert_eq!(names(&out, "flows", "name"), ["Stock check", "Thanks"]);
    // Each as it came, to the last position on the canvas.
    assert_eq!([&out["flows"][0], &out["flows"][1]], [&file()["flows"][0], &file()["flows"][1]]);
    assert_eq!(out["campaigns"], file()["campaigns"]);
    assert_eq!(out["triggers"], file()["triggers"]);
    assert_eq!(names(&out, "fields", "key"), ["next_visit", "ward_name"]);
    assert_eq!(out["groups"], file()["groups"]);

    let there = Place::new();
    import(&there, &out);
    let again = export(&there, &["Stock check"]);
    assert_eq!(again, out);

    let bare = export(&place, &["--dependencies", "none", &id(100)]);
    assert_eq!(names(&bare, "flows", "name"), ["Stock check"]);
    assert_eq!((&bare["groups"], &bare["triggers"]), (&json!([]), &json!([])));

    let path = place.data.with_file_name("out.json");
    let said = place.run(&["flow", "export", "--out", path.to_str().unwrap()]).ok().stdout;
    assert!(said.contains("3 flows, 2 triggers, 1 campaigns, 2 fields, 1 groups"), "{said}");
    let all: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(names(&all, "flows", "name"), ["Alone", "Stock check", "Thanks"]);

    let missing = place.run(&["flow", "export", "Stok check"]);
    assert!(missing.code == 1 && missing.stderr.contains("there is no flow \"Stok check\""), "{missing:?}");
}

#[test]
fn a_group_keeps_the_id_that_it_has_here() {
    let place = Place::new();
    import(&place, &file());
    let elsewhere = "0f6b2c7e-8f0c-4c55-9d0d-00000000000b";
    let other: Value = serde_json::from_str(&file().to_string().replace(SUPERVISORS, elsewhere)).unwrap();
    import(&place, &other);
    let out = export(&place, &["Stock check"]);
    assert_eq!(out["flows"][0]["nodes"][0]["actions"][0]["groups"][0]["uuid"], SUPERVISORS);
    assert_eq!(names(&out, "groups", "uuid"), [SUPERVISORS]);
}

#[test]
fn a_legacy_flow_is_written_as_version_13() {
    let place = Place::new();
    let legacy = json!({
        "version": 10, "site": "https://rapidpro.example.org", "campaigns": [], "triggers": [],
        "flows": [{
            "version": "11.12", "flow_type": "M", "base_language": "eng", "entry": id(501), "rule_sets": [],
            "metadata": { "uuid": id(500), "name": "Old", "revision": 3, "expires": 720 },
            "action_sets": [{ "uuid": id(501), "x": 0, "y": 0, "destination": null, "exit_uuid": id(502),
                              "actions": [{ "type": "reply", "uuid": id(503), "msg": { "eng": "Hello" } }] }],
        }],
    });
    import(&place, &legacy);
    let out = export(&place, &[]);
    assert_eq!((&out["flows"][0]["spec_version"], &out["flows"][0]["name"]), (&json!("13.0.0"), &json!("Old")));
    assert_eq!(import(&Place::new(), &out), "Old: new\n");
}
