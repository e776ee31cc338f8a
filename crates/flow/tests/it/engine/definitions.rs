//! Definitions that are refused, and why; exports.

use flow::Definition;
use proptest::prelude::*;
use serde_json::{Value, json};

fn valid() -> Value {
    json!({
        "uuid": "0192f3a0-0000-7000-8000-000000000001", "name": "Check", "spec_version": "14.4.2", "language": "eng",
        "type": "messaging",
        "nodes": [{
            "uuid": "0192f3a0-0000-7000-8000-000000000002",
            "actions": [{"uuid": "0192f3a0-0000-7000-8000-000000000003", "type": "send_msg", "text": "Hello"}],
            "exits": [{"uuid": "0192f3a0-0000-7000-8000-000000000004"}],
        }],
    })
}

/// Sets what `pointer` points at and expects the definition to be refused with `problem` in the message.
fn check(pointer: &str, value: Value, problem: &str) {
    let mut source = valid();
    if let Some(at) = source.pointer_mut(pointer) {
        *at = value;
    } else {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        source.pointer_mut(parent).expect("a parent")[key] = value;
    }
    match Definition::read(&source) {
        Ok(_) => panic!("{pointer} should be refused: {problem}"),
        Err(error) => assert!(error.to_string().contains(problem), "{pointer}: {error}"),
    }
}

#[test]
fn a_definition_is_refused_with_its_place() {
    Definition::read(&valid()).expect("valid");
    check("/name", json!(null), "field 'name' is required");
    check("/name", json!("x".repeat(65)), "field 'name' must be less than or equal to 64");
    check("/spec_version", json!("99.1.0"), "spec version 99.1.0 is newer than this library");
    check("/type", json!("chat"), "field 'type'");
    check("/language", json!("english"), "field 'language'");
    check("/nodes/0/exits", json!([]), "field 'exits' must have a minimum of 1 items");
    check("/nodes/0/exits/0/destination_uuid", json!("0192f3a0-0000-7000-8000-000000000009"), "isn't a known node");
    check("/nodes/0/actions/0/type", json!("fly"), "unknown type: 'fly'");
    check("/nodes/0/actions/0/type", json!(null), "field 'type' is required");
    check("/nodes/0/actions/0/text", json!(""), "field 'text' is required");
    check("/nodes/0/actions/0/uuid", json!("0192f3a0-0000-7000-8000-000000000004"), "isn't unique");
    check(
        "/nodes/0/actions/0",
        json!({"uuid": "0192f3a0-0000-7000-8000-000000000003", "type": "say_msg", "text": "x"}),
        "is not allowed in a flow of type 'messaging'",
    );
    check("/localization", json!({"spa": {"x": {}}}), "is not a valid item UUID");
    check("/_ui", json!({"x": "y".repeat(300_000)}), "field '_ui'");
    let test = |kind: &str| {
        json!({"type": "switch", "operand": "@input", "categories": [
            {"uuid": "0192f3a0-0000-7000-8000-000000000005", "name": "All", "exit_uuid": "0192f3a0-0000-7000-8000-000000000004"}],
            "cases": [{"uuid": "0192f3a0-0000-7000-8000-000000000006", "type": kind, "category_uuid": "0192f3a0-0000-7000-8000-000000000005"}]})
    };
    check("/nodes/0/router", test("has_wings"), "has_wings is not a registered test function");
}

#[test]
fn an_export_is_read_whole() {
    let file = json!({
        "version": "13", "site": "https://example.org", "flows": [valid()], "campaigns": [],
        "triggers": [
            {"trigger_type": "K", "keywords": ["Join"], "match_type": "F", "flow": {"uuid": valid()["uuid"], "name": "Check"}, "groups": [], "exclude_groups": []},
            {"trigger_type": "K", "keyword": "start", "flow": {"uuid": valid()["uuid"], "name": "Check"}, "channel": null},
            {"trigger_type": "C", "keywords": [], "flow": {"uuid": valid()["uuid"], "name": "Check"}},
        ],
        "fields": [{"key": "cadre", "name": "Cadre", "type": "text"}],
        "groups": [{"uuid": "0192f3a0-0000-7000-8000-00000000000a", "name": "Pilot", "query": null}],
    });
    let export = flow::export::read(file.to_string().as_bytes()).expect("an export");
    let keywords: Vec<(String, bool)> =
        export.keyword_triggers().into_iter().map(|t| (t.keyword, t.only_word)).collect();
    assert_eq!(keywords, [("join".to_owned(), false), ("start".to_owned(), false)]);
    assert_eq!((export.flows.len(), export.fields.len(), export.groups.len()), (1, 1, 1));
    export.assets().expect("assets");
    assert!(flow::export::read(br#"{"version": "99"}"#).is_err());
    assert!(flow::export::read(b"{").is_err());
}

/// JSON of any shape, with member names that definitions have.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z@(). \"]{0,12}".prop_map(Value::from),
        Just(json!("0192f3a0-0000-7000-8000-000000000002")),
        Just(json!("send_msg")),
        Just(json!("switch")),
        Just(json!("13.0.0")),
    ];
    let names = proptest::sample::select(vec![
        "uuid",
        "type",
        "nodes",
        "actions",
        "exits",
        "router",
        "text",
        "cases",
        "arguments",
        "categories",
        "wait",
        "localization",
        "spec_version",
        "action_sets",
        "rule_sets",
        "rules",
        "test",
        "config",
        "metadata",
        "operand",
        "templating",
        "quick_replies",
        "headers",
        "groups",
    ]);
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn reading_never_panics(noise in any_json(), place in 0_usize..6) {
        let mut source = valid();
        let pointer = ["", "/nodes", "/nodes/0", "/nodes/0/actions", "/nodes/0/actions/0", "/localization"][place];
        match source.pointer_mut(pointer) {
            Some(at) => *at = noise,
            None => source["localization"] = noise,
        }
        let _ = Definition::read(&source);
        let _ = flow::migrate::migrate(&source, None, flow::migrate::MEDIA_URL);
    }
}

#[test]
fn issues_tell_their_place() {
    let mut source = valid();
    source["nodes"][0]["actions"][0]["quick_replies"] = json!(["@fields.gone"]);
    source["localization"] =
        json!({"fra": {"0192f3a0-0000-7000-8000-000000000003": {"text": ["Bonjour @globals.gone"]}}});
    source["nodes"][0]["router"] = json!({
        "type": "switch", "operand": "@input",
        "categories": [{"uuid": "0192f3a0-0000-7000-8000-000000000005", "name": "All", "exit_uuid": "0192f3a0-0000-7000-8000-000000000004"}],
        "cases": [{"uuid": "0192f3a0-0000-7000-8000-000000000006", "type": "has_pattern", "arguments": ["["], "category_uuid": "0192f3a0-0000-7000-8000-000000000005"}],
    });
    let assets = flow::Assets::read(&json!({})).expect("assets");
    let issues = Definition::read(&source).expect("valid").inspect(Some(&assets)).issues;
    let told: Vec<String> = issues
        .iter()
        .map(|i| format!("{} {}: {}", i.place, i.language.as_deref().unwrap_or("-"), i.description))
        .collect();
    assert_eq!(
        told,
        [
            "node 1, send_msg, text fra: missing global dependency 'gone'",
            "node 1, send_msg, quick_replies -: missing field dependency 'gone'",
            "node 1, router, cases.arguments -: invalid regex: [",
        ]
    );
}
