//! Section 17 of the specification: what a definition depends on, records and gets wrong.

use super::stage::{ACTION, NODE, Stage};
use flow::{Assets, Definition};
use serde_json::{Value, json};

const GONE: &str = "0192f3a0-0000-7000-8000-0000000000ff";

fn inspect(stage: &Stage, with_assets: bool) -> Value {
    let assets = Assets::read(&stage.assets).expect("assets");
    let definition = Definition::read(&stage.assets["flows"][0]).expect("valid");
    serde_json::to_value(definition.inspect(with_assets.then_some(&assets))).expect("JSON")
}

/// `type identity`, with `!` for what is missing, in order of appearance.
fn dependencies(inspection: &Value) -> Vec<String> {
    let told = |d: &Value| {
        let identity = d["uuid"].as_str().or(d["key"].as_str()).expect("an identity");
        let missing = if d["missing"] == json!(true) { "!" } else { "" };
        format!("{} {identity}{missing}", d["type"].as_str().expect("a type"))
    };
    inspection["dependencies"].as_array().expect("a list").iter().map(told).collect()
}

#[test]
fn templates_depend_on_fields_and_globals() {
    for (template, expected) in [
        ("@fields.age @FIELDS.Age", vec!["field age"]),
        ("@contact.fields.age @(parent.fields.a + child.fields.b)", vec!["field age", "field a", "field b"]),
        ("@(parent.contact.fields.c & child.contact.fields.d)", vec!["field c", "field d"]),
        ("@globals.office @(fields[\"x\"])", vec!["global office", "field x"]),
        ("@(if(true, fields.age, (fields) => fields.no))", vec!["field age"]),
        ("@@fields.age @(fields.age", vec![]),
        ("@(fields.age +)", vec![]),
        ("@run.contact.fields.age @results.fields.age", vec![]),
    ] {
        let stage = Stage::action("send_msg", &json!({"text": template}));
        assert_eq!(dependencies(&inspect(&stage, false)), expected, "{template}");
    }
    let stage = Stage::action("send_msg", &json!({"text": "x", "quick_replies": ["@fields.age"]}))
        .flow("/localization", json!({"fra": {ACTION: {"text": ["@fields.gone @globals.gone"]}}}));
    let found = inspect(&stage, true);
    let mut all = dependencies(&found);
    all.sort();
    assert_eq!(all, ["field age", "field gone!", "global gone!"]);
    assert_eq!(found["counts"], json!({"nodes": 1, "languages": 1}));
    let issues: Vec<Value> = found["issues"].as_array().expect("a list").clone();
    assert_eq!(
        issues[0],
        json!({
            "type": "missing_dependency", "node_uuid": NODE, "action_uuid": ACTION, "language": "fra",
            "description": "missing field dependency 'gone'", "dependency": {"key": "gone", "name": "", "type": "field"},
        })
    );
    let parents =
        Stage::action("send_msg", &json!({"text": "@parent.results.b.value @(parent.results.a) @parent.results.b"}));
    assert_eq!(inspect(&parents, false)["parent_refs"], json!(["a", "b"]));
}

#[test]
fn actions_depend_on_what_they_name() {
    let named = json!({"uuid": GONE, "name": "Gone"});
    for (kind, members, expected) in [
        ("add_contact_groups", json!({"groups": [named, {"name_match": "@fields.age"}]}), vec!["group !", "field age"]),
        ("add_input_labels", json!({"labels": [named]}), vec!["label !"]),
        (
            "call_llm",
            json!({"llm": named, "instructions": "@globals.office", "input": "@fields.age", "output_local": "x"}),
            vec!["llm !", "global office", "field age"],
        ),
        ("enter_flow", json!({"flow": named}), vec!["flow !"]),
        ("open_ticket", json!({"topic": named, "assignee": named}), vec!["topic !", "user !"]),
        ("send_broadcast", json!({"text": "x", "contacts": [named], "groups": [named]}), vec!["contact ", "group !"]),
        (
            "send_msg",
            json!({"text": "x", "template": named, "template_variables": ["@fields.age"]}),
            vec!["field age", "template !"],
        ),
        ("set_contact_channel", json!({"channel": named}), vec!["channel !"]),
        (
            "set_contact_field",
            json!({"field": {"key": "gone", "name": "Gone"}, "value": "@fields.age"}),
            vec!["field age", "field gone!"],
        ),
        ("start_session", json!({"flow": named, "contact_query": "age = @fields.age"}), vec!["field age", "flow !"]),
        (
            "call_webhook",
            json!({"method": "GET", "url": "@fields.age", "headers": {"A": "@globals.office"}}),
            vec!["field age", "global office"],
        ),
    ] {
        let mut found = dependencies(&inspect(&Stage::action(kind, &members), true));
        let mut expected: Vec<String> = expected.iter().map(|e| e.replace(" !", &format!(" {GONE}!"))).collect();
        for one in &mut expected {
            if one.ends_with(' ') {
                one.push_str(GONE);
            }
        }
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{kind}");
    }
    let vars = Stage::action("start_session", &json!({"flow": named, "legacy_vars": ["@fields.age", "x"]}));
    let issue = &inspect(&vars, false)["issues"][0];
    assert_eq!((&issue["type"], &issue["vars"]), (&json!("legacy_vars"), &json!(["@fields.age", "x"])));
    assert_eq!(issue["description"], "use of expressions instead of contact query");
}

#[test]
fn results_are_merged_by_their_key() {
    let set = |last: u8, name: &str, category: &str| json!({"uuid": format!("0192f3a0-0000-7000-8000-0000000000b{last}"), "type": "set_run_result", "name": name, "value": "x", "category": category});
    let second = "0192f3a0-0000-7000-8000-0000000000a2";
    let mut stage = Stage::new().node(
        "actions",
        json!([set(1, "Stock Level", "Low"), set(2, "stock-level", "LOW"), set(3, "stock level", "")]),
    );
    let exit = "0192f3a0-0000-7000-8000-0000000000c2";
    let category = |last: u8, name: &str| json!({"uuid": format!("0192f3a0-0000-7000-8000-0000000000f{last}"), "name": name, "exit_uuid": exit});
    stage.assets["flows"][0]["nodes"].as_array_mut().expect("nodes").push(json!({
        "uuid": second, "exits": [{"uuid": exit}],
        "actions": [
            {"uuid": "0192f3a0-0000-7000-8000-0000000000b4", "type": "call_webhook", "method": "GET", "url": "http://x.org", "result_name": "Call"},
            {"uuid": "0192f3a0-0000-7000-8000-0000000000b5", "type": "set_run_local", "local": "b", "operation": "set", "value": "1"},
            {"uuid": "0192f3a0-0000-7000-8000-0000000000b6", "type": "add_contact_urn", "scheme": "tel", "path": "1"},
        ],
        "router": {
            "type": "switch", "operand": "@contact.groups", "result_name": "Stock Level",
            "categories": [category(1, "low"), category(2, "High")],
            "cases": [
                {"uuid": "0192f3a0-0000-7000-8000-000000000201", "type": "has_group", "arguments": [GONE, "Gone"], "category_uuid": "0192f3a0-0000-7000-8000-0000000000f1"},
                {"uuid": "0192f3a0-0000-7000-8000-000000000202", "type": "has_group", "arguments": ["@fields.age"], "category_uuid": "0192f3a0-0000-7000-8000-0000000000f1"},
                {"uuid": "0192f3a0-0000-7000-8000-000000000203", "type": "has_pattern", "arguments": ["(@fields.age"], "category_uuid": "0192f3a0-0000-7000-8000-0000000000f1"},
                {"uuid": "0192f3a0-0000-7000-8000-000000000204", "type": "has_pattern", "arguments": ["ok"], "category_uuid": "0192f3a0-0000-7000-8000-0000000000f1"},
            ],
        },
    }));
    stage.assets["flows"][0]["localization"] =
        json!({"fra": {"0192f3a0-0000-7000-8000-000000000204": {"arguments": ["("]}}});
    let found = inspect(&stage, true);
    assert_eq!(
        found["results"],
        json!([
            {"key": "stock_level", "name": "Stock Level", "categories": ["Low", "High"], "node_uuids": [NODE, second]},
            {"key": "call", "name": "Call", "categories": ["Success", "Failure"], "node_uuids": [second]},
        ])
    );
    assert_eq!(found["locals"], json!(["_has_urn", "b"]));
    let group =
        found["dependencies"].as_array().expect("a list").iter().find(|d| d["type"] == "group").expect("a group");
    assert_eq!((&group["uuid"], &group["name"], &group["missing"]), (&json!(GONE), &json!("Gone"), &json!(true)));
    let regexes: Vec<&Value> =
        found["issues"].as_array().expect("a list").iter().filter(|i| i["type"] == "invalid_regex").collect();
    assert_eq!(regexes.len(), 1, "{regexes:?}");
    assert_eq!(
        *regexes[0],
        json!({"type": "invalid_regex", "node_uuid": second, "language": "fra", "description": "invalid regex: (", "regex": "("})
    );
}
