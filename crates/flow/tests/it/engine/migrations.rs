//! Sections 15 and 16 of the specification: each step of migration, and what legacy definitions become.

use flow::migrate::{MEDIA_URL, migrate};
use serde_json::{Value, json};

const ACTION: &str = "0192f3a0-0000-7000-8000-0000000000b1";
const CASE: &str = "0192f3a0-0000-7000-8000-0000000000b2";

/// A flow of the version before `to`, with some of its members, migrated to it.
fn step(from: &str, to: &str, members: Value) -> Value {
    let mut flow =
        json!({"uuid": ACTION, "name": "X", "spec_version": from, "language": "eng", "type": "messaging", "nodes": []});
    flow.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
    let migrated = migrate(&flow, Some(to), MEDIA_URL).expect("migrated");
    assert_eq!(migrated["spec_version"], to);
    migrated
}

fn with_action(from: &str, to: &str, action: Value, localization: Value) -> (Value, Value) {
    let mut migrated =
        step(from, to, json!({"nodes": [{"uuid": ACTION, "actions": [action]}], "localization": localization}));
    (migrated["nodes"][0]["actions"][0].take(), migrated["localization"].take())
}

fn with_router(from: &str, to: &str, actions: Value, router: Value, localization: Value) -> (Value, Value, Value) {
    let node = json!({"uuid": ACTION, "actions": actions, "router": router});
    let mut migrated = step(from, to, json!({"nodes": [node], "localization": localization}));
    (migrated["nodes"][0]["actions"].take(), migrated["nodes"][0]["router"].take(), migrated["localization"].take())
}

#[test]
fn languages() {
    let und = step("13.1.0", "13.2.0", json!({"language": "base", "localization": {"und": {}, "fra": {}}}));
    assert_eq!((&und["language"], &und["localization"]), (&json!("und"), &json!({"fra": {}})));
    let kept = step("13.1.0", "13.2.0", json!({"language": "fra", "localization": {"und": {}}}));
    assert_eq!((&kept["language"], &kept["localization"]), (&json!("fra"), &json!({"und": {}})));
    let short = step("14.1.0", "14.2.0", json!({"localization": {"base": {}, "en": {}, "fra": {}}}));
    assert_eq!(short["localization"], json!({"fra": {}}));
}

#[test]
fn webhooks_have_their_json() {
    for (before, after) in [
        ("@webhook", "@webhook.json"),
        ("Hi @webhook.a.b @@webhook", "Hi @webhook.json.a.b @@webhook"),
        ("@(WEBHOOK.items[0]+1)", "@(webhook.json.items[0] + 1)"),
        ("@(upper( results.webhook ))", "@(upper( results.webhook ))"),
        ("@(webhook", "@(webhook"),
        ("@(webhook +)", "@(webhook +)"),
        ("@(foreach(webhook, (webhook) => webhook.x))", "@(foreach(webhook.json, (webhook) => webhook.x))"),
    ] {
        let translated = json!({"fra": {ACTION: {"text": [before], "name": ["@webhook"]}}});
        let action = json!({"uuid": ACTION, "type": "send_msg", "text": before, "attachments": [before]});
        let (action, localization) = with_action("13.2.0", "13.3.0", action, translated);
        assert_eq!((&action["text"], &action["attachments"][0]), (&json!(after), &json!(after)));
        assert_eq!(localization["fra"][ACTION], json!({"text": [after], "name": ["@webhook"]}));
    }
    let call = json!({"uuid": ACTION, "type": "call_webhook", "url": "@webhook", "headers": {"A": "@webhook"}, "body": "@webhook"});
    let (call, _) = with_action("13.2.0", "13.3.0", call, json!({}));
    let new = "@webhook.json";
    assert_eq!((&call["url"], &call["headers"]["A"], &call["body"]), (&json!(new), &json!(new), &json!(new)));
    let router = json!({"type": "switch", "operand": "@webhook", "wait": {"type": "dial", "phone": "@webhook"}, "cases": [{"uuid": CASE, "arguments": ["@webhook"]}]});
    let (_, router, _) = with_router("13.2.0", "13.3.0", json!([]), router, json!({}));
    assert_eq!(
        (&router["operand"], &router["cases"][0]["arguments"][0], &router["wait"]["phone"]),
        (&json!(new), &json!(new), &json!(new))
    );
}

#[test]
fn templates_of_channels() {
    let template = json!({"uuid": CASE, "name": "visit"});
    let old = json!({"uuid": ACTION, "type": "send_msg", "text": "x", "templating": {"template": template, "variables": ["@contact", "b"]}});
    let (named, _) = with_action("13.0.0", "13.1.0", old, json!({}));
    let uuid = named["templating"]["uuid"].as_str().expect("a UUID").to_owned();
    let translated = json!({"fra": {uuid.as_str(): {"variables": ["le contact", "c"]}}});
    let (parts, localization) = with_action("13.3.0", "13.4.0", named, translated);
    let component = &parts["templating"]["components"][0];
    assert_eq!((&component["name"], &component["params"]), (&json!("body"), &json!(["@contact", "b"])));
    assert_eq!((&parts["templating"]["uuid"], &parts["templating"]["variables"]), (&Value::Null, &Value::Null));
    let body = component["uuid"].as_str().expect("a UUID").to_owned();
    assert_eq!(localization, json!({"fra": {body.as_str(): {"params": ["le contact", "c"]}}}));
    let mut two = parts.clone();
    two["templating"]["components"]
        .as_array_mut()
        .expect("a list")
        .insert(0, json!({"uuid": CASE, "name": "header", "params": ["h"]}));
    let (flat, localization) = with_action("13.4.0", "13.5.0", two, localization);
    assert_eq!((&flat["template"], &flat["template_variables"]), (&template, &json!(["h", "@contact", "b"])));
    assert_eq!(flat["templating"], Value::Null);
    assert_eq!(localization, json!({"fra": {ACTION: {"template_variables": ["h", "le contact", "c"]}}}));
}

#[test]
fn names_are_cut() {
    let long = format!("{} é", "x".repeat(62));
    let result =
        json!({"uuid": ACTION, "type": "set_run_result", "name": long, "category": "y".repeat(40), "value": "z"});
    let router = json!({"type": "switch", "operand": "@input", "result_name": format!("{}  end", "r".repeat(62)), "categories": [{"name": format!("{} c", "c".repeat(35))}]});
    let (actions, router, _) = with_router("13.5.0", "13.6.0", json!([result]), router, json!({}));
    // Bytes count, characters stay whole, and spaces at the end go.
    assert_eq!((&actions[0]["name"], &actions[0]["category"]), (&json!("x".repeat(62)), &json!("y".repeat(36))));
    assert_eq!(
        (&router["result_name"], &router["categories"][0]["name"]),
        (&json!("r".repeat(62)), &json!("c".repeat(35)))
    );
    let key = "k".repeat(70);
    let message = json!({"uuid": ACTION, "type": "send_msg", "text": format!("@results.{key}.value @(results.{key}) @parent.results.{key}")});
    let (message, _) = with_action("13.6.0", "13.6.1", message, json!({}));
    let cut = "k".repeat(64);
    assert_eq!(message["text"], format!("@results.{cut}.value @(results.{cut}) @parent.results.{key}"));
}

#[test]
fn expirations_and_categories() {
    for (kind, minutes, expected) in [
        ("messaging", 43_200, 20_160),
        ("messaging", 60, 60),
        ("voice", 60, 15),
        ("messaging_background", 5, 0),
        ("messaging_offline", 1, 0),
    ] {
        let migrated = step("13.6.1", "14.0.0", json!({"type": kind, "expire_after_minutes": minutes}));
        assert_eq!(migrated["expire_after_minutes"], expected, "{kind} {minutes}");
    }
    let router = json!({"type": "random", "categories": [{"uuid": CASE, "name": ""}, {"uuid": CASE}, {"uuid": CASE, "name": "A"}]});
    let (_, router, _) = with_router("13.6.1", "14.0.0", json!([]), router, json!({}));
    let names: Vec<&Value> = router["categories"].as_array().expect("a list").iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["Match", "Match", "A"]);
}

#[test]
fn splits_on_calls() {
    let call = |kind: &str| json!({"uuid": ACTION, "type": kind, "result_name": "Call"});
    let switch = |operand: &str| {
        json!({"type": "switch", "operand": operand, "cases": [
            {"uuid": CASE, "type": "has_category", "arguments": ["Success"], "category_uuid": CASE},
            {"uuid": ACTION, "type": "has_category", "arguments": ["Failure"], "category_uuid": ACTION},
        ]})
    };
    let status =
        json!([{"uuid": CASE, "type": "has_number_between", "arguments": ["200", "299"], "category_uuid": CASE}]);
    for kind in ["call_webhook", "call_resthook"] {
        let (_, router, _) =
            with_router("14.0.0", "14.1.0", json!([call(kind)]), switch("@results.call.category"), json!({}));
        assert_eq!((&router["operand"], &router["cases"]), (&json!("@webhook.status"), &status), "{kind}");
    }
    // Not with another operand, another action besides, or without a case.
    for (actions, router) in [
        (json!([call("call_webhook")]), switch("@input.text")),
        (json!([call("call_webhook"), call("send_msg")]), switch("@results.call")),
        (json!([call("send_msg")]), switch("@results.call")),
        (json!([call("call_webhook")]), json!({"type": "switch", "operand": "@results.call", "cases": []})),
    ] {
        let (_, after, _) = with_router("14.0.0", "14.1.0", actions, router.clone(), json!({}));
        assert_eq!(after, router);
    }
    let translated = json!({"fra": {CASE: {"arguments": ["Succès"]}, ACTION: {"arguments": ["Échec"], "text": ["x"]}}});
    let (_, router, localization) =
        with_router("14.4.0", "14.4.1", json!([call("call_webhook")]), switch("@input.text"), translated);
    assert_eq!((&router["operand"], &router["cases"]), (&json!("@webhook.status"), &status));
    assert_eq!(localization, json!({"fra": {ACTION: {"text": ["x"]}}}));
    let (_, router, _) =
        with_router("14.4.1", "14.4.2", json!([call("call_webhook")]), switch("@webhook.status"), json!({}));
    assert_eq!(router["operand"], "@(default(webhook.status, 0))");
    for (kind, local) in [("open_ticket", "@locals._new_ticket"), ("transfer_airtime", "@locals._new_transfer")] {
        let (actions, router, _) =
            with_router("14.2.0", "14.3.0", json!([call(kind)]), switch("@results.call"), json!({}));
        assert_eq!((&router["operand"], &router["result_name"]), (&json!(local), &json!("Call")));
        assert_eq!(
            router["cases"],
            json!([{"uuid": CASE, "type": "has_text", "arguments": [], "category_uuid": CASE}])
        );
        assert_eq!(actions[0]["result_name"], Value::Null);
    }
}

#[test]
fn members_that_changed() {
    let replies: Vec<String> = (0..12).map(|n| n.to_string()).collect();
    let (message, _) = with_action(
        "14.0.0",
        "14.1.0",
        json!({"uuid": ACTION, "type": "send_broadcast", "quick_replies": replies}),
        json!({}),
    );
    assert_eq!(message["quick_replies"].as_array().map(Vec::len), Some(10));
    let (ticket, _) =
        with_action("14.1.0", "14.2.0", json!({"uuid": ACTION, "type": "open_ticket", "body": "Help"}), json!({}));
    assert_eq!((&ticket["note"], &ticket["body"]), (&json!("Help"), &Value::Null));
    let (message, _) =
        with_action("14.3.1", "14.4.0", json!({"uuid": ACTION, "type": "send_msg", "all_urns": true}), json!({}));
    assert_eq!(message, json!({"uuid": ACTION, "type": "send_msg"}));
    for kind in [
        "has_only_text",
        "has_phrase",
        "has_only_phrase",
        "has_any_word",
        "has_all_words",
        "has_beginning",
        "has_pattern",
    ] {
        let router = json!({"type": "switch", "cases": [{"uuid": CASE, "type": kind, "arguments": ["a", "b"]}]});
        let translated = json!({"fra": {CASE: {"arguments": ["c", "d"]}}});
        let (_, router, localization) = with_router("14.3.0", "14.3.1", json!([]), router, translated);
        assert_eq!(router["cases"][0]["arguments"], json!(["a b"]), "{kind}");
        assert_eq!(localization["fra"][CASE]["arguments"], json!(["c d"]), "{kind}");
    }
    let router = json!({"type": "switch", "cases": [{"uuid": CASE, "type": "has_group", "arguments": ["a", "b"]}]});
    let (_, router, _) = with_router("14.3.0", "14.3.1", json!([]), router, json!({}));
    assert_eq!(router["cases"][0]["arguments"], json!(["a", "b"]));
}

#[test]
fn versions_that_cannot_be_read() {
    let flow = |version: &str| json!({"uuid": ACTION, "name": "X", "spec_version": version, "language": "eng", "type": "messaging", "nodes": []});
    for version in ["10.4", "14.5.0", "99.0.0", "abc", ""] {
        assert!(flow::Definition::read(&flow(version)).is_err(), "{version}");
    }
    for version in ["13.0.0", "13.6.1", "14.0.0", "14.4.2", "14.4.9"] {
        flow::Definition::read(&flow(version)).unwrap_or_else(|e| panic!("{version}: {e}"));
    }
}

/// What one legacy rule becomes: type and arguments of its case, none for the default, the timeout of the wait.
fn rule(test: Value) -> (Value, Value) {
    let set = json!({
        "uuid": ACTION, "x": 1, "y": 2, "label": "Answer", "operand": "@step.value", "ruleset_type": "wait_message", "config": {},
        "rules": [{"uuid": CASE, "category": {"eng": "A"}, "destination": "gone", "test": test}],
    });
    let mut flow = legacy(json!({"rule_sets": [set]}));
    let router = flow["nodes"][0]["router"].take();
    (json!([router["cases"][0]["type"], router["cases"][0]["arguments"]]), router["wait"].clone())
}

fn legacy(members: Value) -> Value {
    let mut flow = json!({"base_language": "eng", "flow_type": "F", "entry": ACTION, "metadata": {"uuid": CASE, "name": "Old", "revision": 3, "expires": 60}});
    flow.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
    migrate(&flow, Some("13.0.0"), "http://media.example.org").expect("migrated")
}

#[test]
fn legacy_rules() {
    for (test, expected) in [
        (
            json!({"type": "between", "min": "1", "max": "@contact.age"}),
            json!(["has_number_between", ["1", "@fields.age"]]),
        ),
        (json!({"type": "eq", "test": "5"}), json!(["has_number_eq", ["5"]])),
        (json!({"type": "gt", "test": "5"}), json!(["has_number_gt", ["5"]])),
        (json!({"type": "gte", "test": "5"}), json!(["has_number_gte", ["5"]])),
        (json!({"type": "lt", "test": "5"}), json!(["has_number_lt", ["5"]])),
        (json!({"type": "lte", "test": "5"}), json!(["has_number_lte", ["5"]])),
        (json!({"type": "contains", "test": {"eng": "a b"}}), json!(["has_all_words", ["a b"]])),
        (json!({"type": "contains_any", "test": {"eng": "a b"}}), json!(["has_any_word", ["a b"]])),
        (json!({"type": "contains_phrase", "test": {"eng": "a b"}}), json!(["has_phrase", ["a b"]])),
        (json!({"type": "contains_only_phrase", "test": {"eng": "a b"}}), json!(["has_only_phrase", ["a b"]])),
        (json!({"type": "starts", "test": {"eng": "@contact.age"}}), json!(["has_beginning", ["@fields.age"]])),
        (json!({"type": "regex", "test": {"eng": "@contact.age\\w+"}}), json!(["has_pattern", ["@contact.age\\w+"]])),
        (json!({"type": "not_empty"}), json!(["has_text", null])),
        (json!({"type": "number"}), json!(["has_number", null])),
        (json!({"type": "date"}), json!(["has_date", null])),
        (
            json!({"type": "date_equal", "test": "@date.tomorrow"}),
            json!(["has_date_eq", ["@(datetime_add(now(), 1, \"D\"))"]]),
        ),
        (
            json!({"type": "date_after", "test": "@(date.today - 5)"}),
            json!(["has_date_gt", ["@(datetime_add(today(), -5, \"D\"))"]]),
        ),
        (json!({"type": "date_before", "test": "1-1-2020"}), json!(["has_date_lt", ["1-1-2020"]])),
        (json!({"type": "phone"}), json!(["has_phone", null])),
        (json!({"type": "has_email"}), json!(["has_email", null])),
        (json!({"type": "in_group", "test": {"uuid": CASE, "name": "G"}}), json!(["has_group", [CASE, "G"]])),
        (json!({"type": "state"}), json!(["has_state", null])),
        (json!({"type": "district", "test": "@flow.state"}), json!(["has_district", ["@results.state"]])),
        (
            json!({"type": "ward", "state": "@flow.s", "district": "@flow.d"}),
            json!(["has_ward", ["@results.d", "@results.s"]]),
        ),
        (json!({"type": "subflow", "exit_type": "expired"}), json!(["has_only_text", ["expired"]])),
        (json!({"type": "webhook_status", "status": "success"}), json!(["has_only_text", ["Success"]])),
        (json!({"type": "airtime_status", "exit_status": "success"}), json!(["has_category", ["Success"]])),
        (json!({"type": "airtime_status", "exit_status": "failed"}), json!([null, null])),
        (json!({"type": "true"}), json!([null, null])),
    ] {
        assert_eq!(rule(test.clone()).0, expected, "{test}");
    }
    let timeout = rule(json!({"type": "timeout", "minutes": 5})).1;
    assert_eq!(timeout["timeout"]["seconds"], 300);
    let unknown = json!({"rule_sets": [{"uuid": ACTION, "rules": [{"uuid": CASE, "category": {"eng": "A"}, "test": {"type": "magic"}}]}], "base_language": "eng"});
    assert!(migrate(&unknown, None, MEDIA_URL).is_err());
}

#[test]
fn legacy_rule_sets() {
    let set = |kind: &str, members: Value| {
        let mut set = json!({"uuid": ACTION, "x": 1, "y": 2, "label": "My Answer", "operand": "@flow.stock", "ruleset_type": kind, "config": {},
            "rules": [{"uuid": CASE, "category": {"eng": "All"}, "test": {"type": "true"}}]});
        set.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
        let mut flow = legacy(json!({"rule_sets": [set]}));
        flow["nodes"][0].take()
    };
    for (kind, hint, operand) in [
        ("wait_message", Value::Null, "@input"),
        ("wait_audio", json!({"type": "audio"}), "@input"),
        ("wait_recording", json!({"type": "audio"}), "@input"),
        ("wait_video", json!({"type": "video"}), "@input"),
        ("wait_photo", json!({"type": "image"}), "@input"),
        ("wait_gps", json!({"type": "location"}), "@input"),
        ("wait_digit", json!({"type": "digits", "count": 1}), "@input.text"),
        ("wait_digits", json!({"type": "digits", "terminated_by": "#"}), "@input.text"),
    ] {
        let node = set(kind, json!({"finished_key": "#"}));
        let router = &node["router"];
        assert_eq!((&router["wait"]["type"], &router["wait"]["hint"]), (&json!("msg"), &hint), "{kind}");
        assert_eq!((&router["operand"], &router["result_name"]), (&json!(operand), &json!("My Answer")), "{kind}");
    }
    let sub = set("subflow", json!({"config": {"flow": {"uuid": CASE, "name": "Sub"}}}));
    assert_eq!(
        (&sub["actions"][0]["type"], &sub["router"]["operand"]),
        (&json!("enter_flow"), &json!("@child.status"))
    );
    let get = set(
        "webhook",
        json!({"config": {"webhook": "http://x.org/?a=@contact.age", "webhook_action": "GET", "webhook_headers": [{"name": "", "value": "x"}, {"name": "K", "value": "@contact.age"}]}}),
    );
    let call = &get["actions"][0];
    assert_eq!((&call["method"], &call["url"]), (&json!("GET"), &json!("http://x.org/?a=@(url_encode(fields.age))")));
    assert_eq!(
        (&call["headers"], &call["body"], &call["result_name"]),
        (&json!({"K": "@fields.age"}), &Value::Null, &json!("My Answer"))
    );
    assert_eq!(
        (&get["router"]["operand"], &get["router"]["result_name"]),
        (&json!("@results.my_answer.category"), &Value::Null)
    );
    let post = set("webhook", json!({"config": {"webhook": "http://x.org/"}}));
    assert_eq!(
        (&post["actions"][0]["method"], &post["actions"][0]["headers"]),
        (&json!("POST"), &json!({"Content-Type": "application/json"}))
    );
    let hook = set("resthook", json!({"config": {"resthook": "new"}}));
    assert_eq!(
        (&hook["actions"][0]["resthook"], &hook["router"]["operand"]),
        (&json!("new"), &json!("@results.my_answer.category"))
    );
    let airtime = set(
        "airtime",
        json!({"config": {"LR": {"currency_code": "LRD", "amount": 5}, "GN": {"currency_code": "GNF", "amount": "7.5"}, "X": {"currency_code": "LRD", "amount": "5"}}}),
    );
    assert_eq!(
        (&airtime["actions"][0]["amounts"], &airtime["router"]["operand"]),
        (&json!({"LRD": 5, "GNF": 7.5}), &json!("@results.my_answer"))
    );
    let form = set("form_field", json!({"config": {"field_index": 2, "field_delimiter": "."}}));
    assert_eq!(form["router"]["operand"], "@(field(results.stock, 2, \".\"))");
    assert_eq!(set("group", json!({}))["router"]["operand"], "@contact.groups");
    assert_eq!(set("flow_field", json!({}))["router"]["operand"], "@results.stock");
    assert_eq!(set("contact_field", json!({"operand": "@contact.cadre"}))["router"]["operand"], "@fields.cadre");
    assert_eq!(set("expression", json!({"operand": ""}))["router"]["operand"], "@input");
    let wrapped = set("expression", json!({"operand": "@(1 / contact.age)"}));
    assert_eq!(wrapped["router"]["operand"], "@(if(is_error(1 / fields.age), \"@(1 / contact.age)\", 1 / fields.age))");
    assert_eq!(set("random", json!({}))["router"]["type"], "random");
    let broken = |kind: &str, config: Value| {
        let set = json!({"uuid": ACTION, "ruleset_type": kind, "config": config, "rules": []});
        migrate(&json!({"base_language": "eng", "rule_sets": [set]}), Some("13.0.0"), MEDIA_URL)
    };
    assert!(broken("subflow", json!({})).is_err());
    let two = json!({"A": {"currency_code": "LRD", "amount": 5}, "B": {"currency_code": "LRD", "amount": 6}});
    assert!(broken("airtime", two).is_err());
}

#[test]
fn legacy_actions() {
    let act = |action: Value| {
        let mut action = action;
        action["uuid"] = json!(CASE);
        let set = json!({"uuid": ACTION, "x": 0, "y": 0, "exit_uuid": CASE, "destination": null, "actions": [action]});
        let mut done = legacy(json!({"action_sets": [set]}))["nodes"][0]["actions"][0].take();
        done.as_object_mut().expect("an object").remove("uuid");
        done
    };
    let group = json!({"uuid": ACTION, "name": "G"});
    let flow = json!({"uuid": ACTION, "name": "F"});
    for (old, new) in [
        (
            json!({"type": "reply", "msg": {"eng": "Hi @contact.age"}, "media": {"eng": "video/mp4:a.mp4"}, "send_all": true}),
            json!({"type": "send_msg", "text": "Hi @fields.age", "attachments": ["video/mp4:http://media.example.org/a.mp4"], "all_urns": true}),
        ),
        (
            json!({"type": "reply", "msg": "Hi", "media": {"eng": "a.jpg"}, "quick_replies": [{"eng": "Yes"}]}),
            json!({"type": "send_msg", "text": "Hi", "attachments": ["image:http://media.example.org/a.jpg"], "quick_replies": ["Yes"]}),
        ),
        (
            json!({"type": "reply", "msg": "Hi", "media": {"eng": "image:@flow.photo"}}),
            json!({"type": "send_msg", "text": "Hi", "attachments": ["image:@results.photo"]}),
        ),
        (
            json!({"type": "send", "msg": "Hi", "contacts": [{"uuid": ACTION, "name": "A"}], "groups": [group], "variables": [{"id": "@contact.boss"}]}),
            json!({"type": "send_broadcast", "text": "Hi", "contacts": [{"uuid": ACTION, "name": "A"}], "groups": [group], "legacy_vars": ["@fields.boss"]}),
        ),
        (
            json!({"type": "add_group", "groups": [group, "Plain", "@contact.group"]}),
            json!({"type": "add_contact_groups", "groups": [group, {"name_match": "Plain"}, {"name_match": "@fields.group"}]}),
        ),
        (json!({"type": "del_group", "groups": []}), json!({"type": "remove_contact_groups", "all_groups": true})),
        (
            json!({"type": "add_label", "labels": [group, "L"]}),
            json!({"type": "add_input_labels", "labels": [group, {"name_match": "L"}]}),
        ),
        (
            json!({"type": "email", "emails": ["@contact.boss"], "subject": "S @flow", "msg": "B"}),
            json!({"type": "send_email", "addresses": ["@fields.boss"], "subject": "S @results", "body": "B"}),
        ),
        (
            json!({"type": "lang", "lang": "fra", "name": "French"}),
            json!({"type": "set_contact_language", "language": "fra"}),
        ),
        (
            json!({"type": "channel", "channel": ACTION, "name": "C"}),
            json!({"type": "set_contact_channel", "channel": {"uuid": ACTION, "name": "C"}}),
        ),
        (json!({"type": "flow", "flow": flow}), json!({"type": "enter_flow", "flow": flow, "terminal": true})),
        (
            json!({"type": "trigger-flow", "flow": flow, "variables": [{"id": "@new_contact"}]}),
            json!({"type": "start_session", "flow": flow, "create_contact": true}),
        ),
        (
            json!({"type": "save", "field": "name", "label": "N", "value": "@step"}),
            json!({"type": "set_contact_name", "name": "@input"}),
        ),
        (
            json!({"type": "save", "field": "first_name", "label": "N", "value": "@step"}),
            json!({"type": "set_contact_name", "name": "@input @(word_slice(contact.name, 1, -1))"}),
        ),
        (
            json!({"type": "save", "field": "tel_e164", "label": "P", "value": "@step"}),
            json!({"type": "add_contact_urn", "scheme": "tel", "path": "@input"}),
        ),
        (
            json!({"type": "save", "field": "mailto", "label": "P", "value": "@step"}),
            json!({"type": "add_contact_urn", "scheme": "mailto", "path": "@input"}),
        ),
        (
            json!({"type": "save", "field": "cadre", "label": "Cadre", "value": "@step"}),
            json!({"type": "set_contact_field", "field": {"key": "cadre", "name": "Cadre"}, "value": "@input"}),
        ),
        (
            json!({"type": "say", "msg": {"eng": "Hi"}, "recording": {"eng": "a.mp3"}}),
            json!({"type": "say_msg", "text": "Hi", "audio_url": "http://media.example.org/a.mp3"}),
        ),
        (json!({"type": "play", "url": "@flow.song"}), json!({"type": "play_audio", "audio_url": "@results.song"})),
    ] {
        assert_eq!(act(old.clone()), new, "{old}");
    }
    let flow = legacy(json!({"flow_type": "S"}));
    assert_eq!(
        (&flow["type"], &flow["uuid"], &flow["revision"], &flow["expire_after_minutes"]),
        (&json!("messaging_offline"), &json!(CASE), &json!(3), &json!(60))
    );
}
