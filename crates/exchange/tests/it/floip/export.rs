//! Containers are strict: valid by the schemas, or refused.

use super::sample::survey;
use super::schema::{Schemas, there_and_back};
use super::shared;
use exchange::floip::{Options, Refused, export};
use serde_json::{Value, json};
use uuid::Uuid;

fn id(n: u128) -> String {
    Uuid::from_u128(0x5a0c_0000_0000_4000_8000_0000_0000_0000 + n).to_string()
}

#[test]
fn every_imported_flow_is_exported_and_comes_back_as_it_was() {
    let schemas = Schemas::read();
    for (name, document) in shared::flows() {
        println!("{name}");
        there_and_back(&document, schemas.as_ref());
    }
}

#[test]
fn a_survey_comes_back_as_it_was() {
    let exported = there_and_back(&survey(), Schemas::read().as_ref());
    assert_eq!(exported.left_out, []);
    assert_eq!(exported.container["specification_version"], "1.0.0-rc4");
    let blocks = exported.container["flows"][0]["blocks"].as_array().unwrap();
    let by_name = |name: &str| blocks.iter().find(|block| block["name"] == name).unwrap();
    let tests: Vec<&Value> =
        by_name("open_today")["exits"].as_array().unwrap().iter().map(|exit| &exit["test"]).collect();
    assert_eq!(
        tests,
        [
            &json!("@(OR(block.value = \"yes\", block.value = \"partly\"))"),
            &json!("@(block.value = \"no\")"),
            &json!("@(TRUE)"),
        ]
    );
    assert_eq!(by_name("beds")["config"]["validation_maximum"], 200);
    let case = blocks.iter().find(|block| block["type"] == "Core.Case").unwrap();
    assert_eq!(case["exits"][0]["test"], "@(AND(flow.beds < 5, LOWER(flow.open_today) = \"yes\"))");
}

fn flow(nodes: Value) -> Value {
    json!({
        "uuid": id(1), "name": "Clinic", "spec_version": "14.4.2", "language": "eng", "type": "messaging",
        "localization": {"fra": {id(20): {"text": ["Combien ?"]}}}, "nodes": nodes,
    })
}

fn write(flow: &Value) -> Result<exchange::floip::Exported, Refused> {
    export(
        std::slice::from_ref(flow),
        &Options { name: "Clinic".to_owned(), last_modified: "2026-11-23T09:00:00Z".parse().unwrap() },
    )
}

fn number(result: &str) -> Value {
    json!({
        "type": "switch", "operand": "@input.text", "result_name": result, "wait": {"type": "msg"},
        "cases": [
            {"uuid": id(40), "type": "has_number_lt", "arguments": ["5"], "category_uuid": id(50)},
            {"uuid": id(41), "type": "has_number_gte", "arguments": ["5"], "category_uuid": id(51)},
        ],
        "categories": [
            {"uuid": id(50), "name": "Few", "exit_uuid": id(60)},
            {"uuid": id(51), "name": "Many", "exit_uuid": id(61)},
            {"uuid": id(52), "name": "Other", "exit_uuid": id(62)},
        ],
        "default_category_uuid": id(52),
    })
}

#[test]
fn a_flow_of_rapidpro_is_written_as_blocks() {
    let source = flow(json!([
        {
            "uuid": id(10),
            "actions": [
                {"uuid": id(19), "type": "set_contact_language", "language": "fra"},
                {"uuid": id(20), "type": "send_msg", "text": "How many, @contact.first_name?", "quick_replies": ["1", "2"]},
            ],
            "exits": [{"uuid": id(30), "destination_uuid": id(11)}],
        },
        {
            "uuid": id(11), "actions": [], "router": number("Bed Count"),
            "exits": [{"uuid": id(60), "destination_uuid": id(12)}, {"uuid": id(61)}, {"uuid": id(62), "destination_uuid": id(10)}],
        },
        {
            "uuid": id(12), "actions": [], "exits": [{"uuid": id(63), "destination_uuid": id(13)}, {"uuid": id(64)}],
            "router": {
                "type": "switch", "operand": "@fields.ward", "default_category_uuid": id(54),
                "cases": [{"uuid": id(42), "type": "has_any_word", "arguments": ["maternity birth"], "category_uuid": id(53)}],
                "categories": [
                    {"uuid": id(53), "name": "Births", "exit_uuid": id(63)}, {"uuid": id(54), "name": "Other", "exit_uuid": id(64)},
                ],
            },
        },
        {
            "uuid": id(13), "exits": [{"uuid": id(65)}],
            "actions": [{"uuid": id(21), "type": "send_msg", "text": "Only @results.bed_count (@results.bed_count.category)"}],
        },
    ]));
    let exported = write(&source).unwrap();
    if let Some(schemas) = Schemas::read() {
        assert_eq!(schemas.faults(&exported.container), [""; 0], "{:#}", exported.container);
    }
    let flow = &exported.container["flows"][0];
    let kinds: Vec<&str> =
        flow["blocks"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
    let expected =
        ["Core.SetContactProperty", "MobilePrimitives.NumericResponse", "Core.Case", "MobilePrimitives.Message"];
    assert_eq!(kinds, expected);
    assert_eq!(flow["blocks"][1]["name"], "bed_count");
    assert_eq!(flow["blocks"][1]["exits"][0]["test"], "@(block.value < 5)");
    let test = "@(OR(CONTAINS(\"maternity\", LOWER(contact.ward)), CONTAINS(\"birth\", LOWER(contact.ward))))";
    assert_eq!(flow["blocks"][2]["exits"][0]["test"], test);
    let said = |text: &str| {
        let values =
            exported.container["resources"].as_array().unwrap().iter().flat_map(|r| r["values"].as_array().unwrap());
        values.filter(|value| value["value"] == text).count()
    };
    assert_eq!(said("Combien ?"), 1);
    assert_eq!(said("Only @flow.bed_count (@flow.bed_count.exit)"), 1, "{:#}", exported.container);
    let left_out: Vec<String> = exported.left_out.iter().map(ToString::to_string).collect();
    assert!(left_out.iter().any(|one| one.contains("quick replies") && one.contains(&id(20))), "{left_out:#?}");
    assert!(left_out.iter().any(|one| one.contains("words are found within others")), "{left_out:#?}");
}

#[test]
fn what_floip_cannot_say_is_refused_with_node_and_action() {
    let mut slow = number("beds");
    slow["wait"]["timeout"] = json!({"seconds": 60, "category_uuid": id(52)});
    let source = flow(json!([
        {
            "uuid": id(10), "exits": [{"uuid": id(30), "destination_uuid": id(11)}],
            "actions": [
                {"uuid": id(20), "type": "call_webhook", "method": "GET", "url": "https://example.org/"},
                {"uuid": id(21), "type": "send_msg", "text": "@(foreach(contact.groups, upper)) @trigger.params"},
            ],
        },
        {
            "uuid": id(11), "actions": [], "router": slow,
            "exits": [{"uuid": id(60)}, {"uuid": id(61), "destination_uuid": id(12)}, {"uuid": id(62)}],
        },
        {
            "uuid": id(12), "actions": [], "exits": [{"uuid": id(63)}],
            "router": {"type": "random", "categories": [{"uuid": id(53), "name": "A", "exit_uuid": id(63)}]},
        },
    ]));
    let Refused(found) = write(&source).unwrap_err();
    for (node, action, what) in
        [(10, Some(20), "no block does this"), (10, Some(21), "@("), (11, None, "time-out"), (12, None, "chance")]
    {
        let named = |one: &&exchange::floip::Unexpressible| {
            one.node.map(|node| node.to_string()) == Some(id(node))
                && one.action.as_ref().map(|(id, _)| id.clone()) == action.map(id)
                && one.what.contains(what)
        };
        assert!(found.iter().any(|one| named(&one)), "{node} {action:?} {what}: {found:#?}");
    }
    let text = Refused(found).to_string();
    assert!(text.contains("flow 'Clinic', node") && text.contains("action call_webhook"), "{text}");
}
