//! Section 5 of the specification: what each action does, one rule a row.

use super::stage::{CHANNEL, CHAT, Stage};
use serde_json::{Value, json};

fn error(text: &str) -> Value {
    json!({"type": "error", "text": text})
}

fn coded(text: &str, code: &str, extra: &Value) -> Value {
    json!({"type": "error", "text": text, "code": code, "extra": extra})
}

fn division() -> Value {
    coded("Error evaluating expression: division by zero", "expression", &json!({"expression": "@(1 / 0)"}))
}

fn check(kind: &str, members: &Value, expected: &[Value]) {
    assert_eq!(Stage::action(kind, members).events(), expected, "{kind} {members}");
}

const MIDWIVES: &str = "0192f3a0-0000-7000-8000-000000000011";
const NURSES: &str = "0192f3a0-0000-7000-8000-000000000013";
const GONE: &str = "0192f3a0-0000-7000-8000-0000000000ff";

fn missing(kind: &str, name: &str) -> Value {
    let text = format!("Missing dependency: {kind}[uuid={GONE},name={name}]");
    coded(&text, "dependency:missing", &json!({"type": kind, "identity": GONE}))
}

#[test]
fn groups_are_resolved_one_by_one() {
    let nurses = json!({"type": "contact_groups_changed", "groups_added": [{"uuid": NURSES, "name": "Nurses"}]});
    let by_name = |name: &str| json!({"groups": [{"name_match": name}, {"uuid": NURSES, "name": "Nurses"}]});
    check("add_contact_groups", &json!({"groups": [{"name_match": "@(\"NURSES\")"}]}), std::slice::from_ref(&nurses));
    check(
        "add_contact_groups",
        &by_name("Doctors"),
        &[coded("No such group with name 'Doctors'", "group:missing", &json!({"name": "Doctors"})), nurses.clone()],
    );
    check("add_contact_groups", &by_name("Nurses@(1 / 0)"), &[division(), nurses.clone()]);
    check(
        "add_contact_groups",
        &json!({"groups": [{"uuid": GONE, "name": "Gone"}, {"uuid": NURSES, "name": "Nurses"}]}),
        &[missing("group", "Gone"), nurses],
    );
    let refused = |text: &str| error(&format!("{text} the query based group 'Adults'"));
    let adults = json!({"groups": [{"uuid": "0192f3a0-0000-7000-8000-000000000012", "name": "Adults"}]});
    check("add_contact_groups", &adults, &[refused("Can't add contacts to")]);
    check("remove_contact_groups", &adults, &[refused("Can't remove contacts from")]);
    // What is so already isn't changed.
    check("add_contact_groups", &json!({"groups": [{"uuid": MIDWIVES, "name": "Midwives"}]}), &[]);
    check("remove_contact_groups", &json!({"groups": [{"uuid": NURSES, "name": "Nurses"}]}), &[]);
    let left = json!({"type": "contact_groups_changed", "groups_removed": [{"uuid": MIDWIVES, "name": "Midwives"}]});
    check("remove_contact_groups", &json!({"all_groups": true}), &[left]);
    for status in ["blocked", "stopped"] {
        let stage = Stage::action("add_contact_groups", &json!({"groups": [{"uuid": NURSES, "name": "Nurses"}]}));
        let events = stage.case("/contact/status", json!(status)).events();
        assert_eq!(events, [error("Can't add blocked or stopped contacts to groups")]);
    }
}

#[test]
fn addresses_are_added() {
    let urns =
        |last: &str| json!({"type": "contact_urns_changed", "urns": ["tel:+231990000001", "telegram:12345#ama", last]});
    for (scheme, path, expected, local) in [
        ("tel", "@(\" \")", vec![error("Can't add URN with empty path")], Value::Null),
        ("tel", " 0990 000 002 ", vec![urns("tel:+231990000002")], json!("tel:+231990000002")),
        ("mailto", "Ama@Example.ORG", vec![urns("mailto:ama@example.org")], json!("mailto:ama@example.org")),
        ("tel", "+231990000001", vec![], json!("tel:+231990000001")),
        (
            "telegram",
            "ama",
            vec![json!({"type": "error", "text": "'telegram:ama' is not valid URN", "code": "urn:invalid"})],
            json!(""),
        ),
        (
            "tel",
            "+231990000666",
            vec![coded("URN is taken by another contact", "urn:taken", &json!({"urn": "tel:+231990000666"}))],
            json!(""),
        ),
    ] {
        let stage = Stage::action("add_contact_urn", &json!({"scheme": scheme, "path": path}));
        let played = stage.case("/options", json!({"taken_urns": ["666"]})).play();
        assert_eq!(played.events(), expected, "{scheme}:{path}");
        assert_eq!(played.value("@locals")["_has_urn"], local, "{scheme}:{path}");
    }
    let full: Vec<String> = (0..50).map(|i| format!("tel:+2319900001{i:02}")).collect();
    let stage = Stage::action("add_contact_urn", &json!({"scheme": "tel", "path": "+231990000002"}));
    let events = stage.case("/contact/urns", json!(full)).events();
    assert_eq!(events, [error("Contact has too many URNs, limit is 50")]);
}

#[test]
fn inputs_are_labelled() {
    let labels = json!({"labels": [{"uuid": "0192f3a0-0000-7000-8000-000000000021", "name": "Urgent"}]});
    check("add_input_labels", &labels, &[error("No input to add labels to")]);
    let stage = Stage::action("add_input_labels", &labels).message("help");
    let labelled = json!({
        "type": "input_labels_added", "input_uuid": "0192f3a0-0000-7000-8000-000000000091", "labels": labels["labels"],
    });
    assert_eq!(stage.events(), [labelled]);
    let stage = Stage::action("add_input_labels", &json!({"labels": [{"name_match": "Late"}]})).message("help");
    let none = coded("No such label with name 'Late'", "label:missing", &json!({"name": "Late"}));
    assert_eq!(stage.events(), [none]);
}

#[test]
fn language_models_are_asked() {
    let ask = |llm: &str, input: &str| {
        let name = if llm == GONE { "Gone" } else { "Model" };
        json!({"llm": {"uuid": llm, "name": name}, "instructions": "Summarise", "input": input, "output_local": "_summary"})
    };
    let model = "0192f3a0-0000-7000-8000-000000000051";
    for (members, event, local) in [
        (ask(GONE, "x"), missing("llm", "Gone"), "<ERROR>"),
        (
            ask("0192f3a0-0000-7000-8000-000000000052", "x"),
            error("LLM 0192f3a0-0000-7000-8000-000000000052 does not have the engine role"),
            "<ERROR>",
        ),
        (ask(model, "\\error out of tokens"), error("out of tokens"), "<ERROR>"),
        (
            ask(model, "\\return short"),
            json!({
                "type": "llm_called", "llm": {"uuid": model, "name": "Model"}, "instructions": "Summarise",
                "input": "\\return short", "output": "short", "tokens": {"input": 45, "output": 78},
            }),
            "short",
        ),
    ] {
        let played = Stage::action("call_llm", &members).play();
        assert_eq!(played.events(), [event]);
        assert_eq!(played.value("@locals._summary"), json!(local));
    }
}

#[test]
fn webhooks_that_are_not_called() {
    let call = |url: &str| json!({"method": "GET", "url": url});
    check("call_webhook", &call("@(\"  \")"), &[error("Webhook URL evaluated to empty string")]);
    let invalid = |shown: &str| {
        coded(&format!("Webhook URL evaluated to an invalid URL: '{shown}'"), "url:invalid", &json!({"url": shown}))
    };
    check("call_webhook", &call("http://exa mple.org"), &[invalid("http://exa mple.org")]);
    let long = format!("http://example.org/@(repeat(\"x\", {}))", 8192);
    let shown = format!("http://example.org/{}...", "x".repeat(255 - 19 - 3));
    check("call_webhook", &call(&long), &[invalid(&shown)]);
    for host in ["graph.facebook.com", "video.GRAPH.facebook.com", "graph.facebook.com."] {
        let lower = host.to_lowercase();
        let text = format!("Webhook calls to {lower} are not allowed");
        check(
            "call_webhook",
            &call(&format!("http://{host}/x")),
            &[coded(&text, "url:blocked", &json!({"hostname": lower}))],
        );
    }
    let body = "@(repeat(\"x\", 10000))".repeat(27);
    let size = 4 + 19 + 12 + ("X-Key".len() + 3 + 4) + 2 + 270_000;
    let big = json!({"method": "POST", "url": "http://example.org/", "headers": {"X-Key": "abc"}, "body": body});
    let text = format!("Webhook request evaluated to {size} bytes, exceeding the limit of 262144");
    let extra = json!({"size": size.to_string(), "limit": "262144"});
    check("call_webhook", &big, &[coded(&text, "webhook:request_size", &extra)]);
}

#[test]
fn webhooks_that_are_called() {
    let stage = |mock: Value| {
        let call = json!({"method": "GET", "url": " http://example.org/a ", "result_name": "Answer"});
        Stage::action("call_webhook", &call).case("/http_mocks", json!({"http://example.org/a": [mock]}))
    };
    for (mock, status, category, value, webhook) in [
        (json!({"status": 201, "body": "{\"a\":1}"}), "success", "Success", "201", json!({"a": 1})),
        (json!({"status": 301, "body": "moved"}), "response_error", "Failure", "301", Value::Null),
        (json!({"status": 500, "body": "[1]"}), "response_error", "Failure", "500", json!([1])),
        (json!({"status": 0, "body": ""}), "connection_error", "Failure", "0", Value::Null),
    ] {
        let played = stage(mock.clone()).play();
        let events = played.events();
        assert_eq!(events[0]["type"], "webhook_called");
        assert_eq!(events[0]["status"], status, "{mock}");
        assert_eq!((&events[1]["value"], &events[1]["category"]), (&json!(value), &json!(category)), "{mock}");
        assert_eq!(events[1]["extra"], webhook, "{mock}");
        assert_eq!(played.value("@webhook.json"), webhook, "{mock}");
        assert_eq!(played.value("@results.answer.input"), json!("GET http://example.org/a"));
    }
    // An answer that is too long is dropped, but not its status.
    let played = stage(json!({"status": 200, "body": "x", "body_repeat": 100_001})).play();
    let events = played.events();
    let text = "Webhook response exceeded the limit of 100000 bytes";
    assert_eq!(
        events[0],
        json!({"type": "warning", "text": text, "code": "webhook:response_size", "extra": {"limit": "100000"}})
    );
    assert_eq!((&events[1]["status"], &events[1]["status_code"]), (&json!("connection_error"), &json!(200)));
    // NUL characters can't be kept, escaped or not.
    let played = stage(json!({"status": 200, "body": "{\"a\": \"x\\u0000y\u{0}z\"}"})).play();
    assert_eq!(played.value("@webhook.json.a"), json!("xyz"));
    // A call that isn't made leaves no webhook.
    let mut two = stage(json!({"status": 200, "body": "{}"}));
    let mut second = two.assets["flows"][0]["nodes"][0]["actions"][0].clone();
    second["uuid"] = json!("0192f3a0-0000-7000-8000-0000000000b2");
    second["url"] = json!("@(\"\")");
    two.assets["flows"][0]["nodes"][0]["actions"].as_array_mut().expect("actions").push(second);
    assert_eq!(two.play().value("@(json(webhook))"), json!("null"));
}

#[test]
fn resthooks_tell_their_subscribers() {
    let stage = |a: u16, b: u16| {
        Stage::action("call_resthook", &json!({"resthook": "new-answer", "result_name": "Hook"})).case(
            "/http_mocks",
            json!({"http://a.example.org/": [{"status": a, "body": "a"}], "http://b.example.org/": [{"status": b, "body": "b"}]}),
        )
    };
    // The last that failed is kept, else the last that went well, else the last that is gone.
    for (a, b, kept, category) in [
        (200, 200, "200", "Success"),
        (500, 200, "500", "Failure"),
        (400, 500, "500", "Failure"),
        (200, 410, "200", "Success"),
        (410, 410, "410", "Failure"),
    ] {
        let played = stage(a, b).play();
        let events = played.events();
        assert_eq!(events[0]["type"], "resthook_called");
        assert_eq!((&events[1]["resthook"], &events[2]["resthook"]), (&json!("new-answer"), &json!("new-answer")));
        assert_eq!(events[2]["status"] == json!("subscriber_gone"), b == 410);
        assert_eq!(played.value("@results.hook"), played.value("@(results.hook)"));
        assert_eq!(played.value("@results.hook.value"), json!(kept), "{a} {b}");
        assert_eq!(played.value("@results.hook.category"), json!(category), "{a} {b}");
        assert_eq!(played.value("@webhook.status").to_string(), kept, "{a} {b}");
    }
    check("call_resthook", &json!({"resthook": "unknown", "result_name": "Hook"}), &[]);
}

#[test]
fn flows_are_entered() {
    let enter = |uuid: &str, name: &str| Stage::action("enter_flow", &json!({"flow": {"uuid": uuid, "name": name}}));
    let played = enter(GONE, "Gone").play();
    assert_eq!(played.course(0), ["run_started", "failure", "run_ended failed"]);
    assert_eq!(played.events()[0]["text"], "Unable to find flow 'Gone'");
    let voice = "0192f3a0-0000-7000-8000-0000000000e2";
    let text = format!("Can't enter flow[uuid={voice},name=Calling] of type voice from type messaging");
    assert_eq!(enter(voice, "Calling").play().events()[0]["text"], json!(text));
    let played = enter("0192f3a0-0000-7000-8000-0000000000e3", "Quiet").play();
    assert_eq!(played.course(0), ["run_started", "run_started", "run_ended completed", "run_ended completed"]);
    let terminal =
        enter("0192f3a0-0000-7000-8000-0000000000e1", "Other").node("actions/0/terminal", json!(true)).play();
    assert_eq!(terminal.course(0), ["run_started", "run_ended completed", "run_started", "run_ended completed"]);
}

#[test]
fn tickets_are_opened() {
    let general = json!({"uuid": "0192f3a0-0000-7000-8000-000000000031", "name": "General"});
    let stage = Stage::action("open_ticket", &json!({"note": " @(\"\") "}));
    let played = stage.play();
    let events = played.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0]["type"], &events[0]["ticket"]["topic"]), (&json!("ticket_opened"), &general));
    assert_eq!(played.value("@locals._new_ticket"), events[0]["ticket"]["uuid"]);
    let batch = stage.clone().case("/trigger/batch", json!(true)).play();
    assert_eq!(batch.events(), [error("Can't open tickets during batch starts")]);
    assert_eq!(batch.value("@locals._new_ticket"), json!(""));
    let ticket = json!([{"uuid": "0192f3a0-0000-7000-8000-000000000061", "status": "open", "topic": general}]);
    let second = stage.clone().case("/contact/tickets", ticket).play();
    assert!(second.events().is_empty());
    assert_eq!(second.value("@locals._new_ticket"), json!(""));
    let gone = json!({"topic": {"uuid": GONE, "name": "Gone"}, "note": "x"});
    check("open_ticket", &gone, &[missing("topic", "Gone")]);
    let eve =
        Stage::action("open_ticket", &json!({"assignee": {"email": "eve@example.org"}, "note": " look "})).events();
    let nobody = "No such user with email 'eve@example.org'";
    assert_eq!(eve[0], coded(nobody, "user:missing", &json!({"email": "eve@example.org"})));
    assert_eq!(eve[1]["ticket"]["assignee"], Value::Null);
    assert_eq!((&eve[2]["type"], &eve[2]["note"]), (&json!("ticket_note_added"), &json!("look")));
    let ben = Stage::action("open_ticket", &json!({"assignee": {"email": "@(\"BEN@example.org\")"}})).events();
    assert_eq!(ben[0]["ticket"]["assignee"]["name"], "Ben");
}

#[test]
fn contacts_are_changed() {
    let value = |action: &str, key: &str, value: &str, events: &[Value]| check(action, &json!({key: value}), events);
    value(
        "set_contact_language",
        "language",
        " fra ",
        &[json!({"type": "contact_language_changed", "language": "fra"})],
    );
    value(
        "set_contact_language",
        "language",
        "@(\"\")",
        &[json!({"type": "contact_language_changed", "language": ""})],
    );
    value("set_contact_language", "language", "fra@(1 / 0)", &[division()]);
    value("set_contact_name", "name", "@(1 / 0)Ama", &[division()]);
    value("set_contact_name", "name", " Ama K ", &[json!({"type": "contact_name_changed", "name": "Ama K"})]);
    value("set_contact_name", "name", "Ama Kollie", &[]);
    let zone = json!({"type": "contact_timezone_changed", "timezone": "Africa/Monrovia"});
    value("set_contact_timezone", "timezone", " Africa/Monrovia ", &[zone]);
    let unknown = coded("Unrecognized timezone: 'Mars'", "timezone:invalid", &json!({"timezone": "Mars"}));
    value("set_contact_timezone", "timezone", "Mars", &[unknown]);
    let field = |key: &str, value: &str| json!({"field": {"key": key, "name": "Age"}, "value": value});
    check(
        "set_contact_field",
        &field("age", " 21 "),
        &[
            json!({"type": "contact_field_changed", "field": {"key": "age", "name": "Age"}, "value": {"text": "21", "number": 21}}),
            json!({"type": "contact_groups_changed", "groups_added": [{"uuid": "0192f3a0-0000-7000-8000-000000000012", "name": "Adults"}]}),
        ],
    );
    let cleared = json!({"type": "contact_field_changed", "field": {"key": "cadre", "name": "Cadre"}, "value": null});
    check("set_contact_field", &field("cadre", "@(\"\")"), &[cleared]);
    let text = "Missing dependency: field[key=gone,name=Age]";
    let gone = coded(text, "dependency:missing", &json!({"type": "field", "identity": "gone"}));
    check("set_contact_field", &field("gone", "x"), &[gone]);
    // Whoever isn't active belongs to no group any more.
    check(
        "set_contact_status",
        &json!({"status": "archived"}),
        &[
            json!({"type": "contact_status_changed", "status": "archived"}),
            json!({"type": "contact_groups_changed", "groups_removed": [{"uuid": MIDWIVES, "name": "Midwives"}]}),
        ],
    );
    let channel = |uuid: &str| json!({"channel": {"uuid": uuid, "name": "Gone"}});
    check("set_contact_channel", &channel(GONE), &[missing("channel", "Gone")]);
    let deaf = error("Can't set channel that can't send as the preferred channel");
    check("set_contact_channel", &channel("0192f3a0-0000-7000-8000-0000000000d3"), &[deaf]);
    let urns = json!([format!("telegram:12345?channel={CHAT}#ama"), "tel:+231990000001"]);
    check("set_contact_channel", &channel(CHAT), &[json!({"type": "contact_urns_changed", "urns": urns})]);
}

#[test]
fn locals_and_results_are_set() {
    for (operations, expected) in [
        (vec![("set", "3"), ("increment", "2")], json!("5")),
        (vec![("increment", "-4")], json!("-4")),
        (vec![("set", "abc"), ("increment", "1")], json!("1")),
        (vec![("set", "1"), ("increment", "@(\"x\")")], json!("1")),
        (vec![("set", "1"), ("set", "@(1 / 0)")], json!("1")),
        (vec![("set", "1"), ("clear", "")], Value::Null),
    ] {
        let action = |(i, (operation, value)): (usize, &(&str, &str))| {
            let uuid = format!("0192f3a0-0000-7000-8000-0000000000b{i}");
            json!({"uuid": uuid, "type": "set_run_local", "local": "n", "operation": operation, "value": value})
        };
        let actions: Vec<Value> = operations.iter().enumerate().map(action).collect();
        let played = Stage::new().node("actions", json!(actions)).play();
        assert_eq!(played.value("@(default(locals.n, null))"), expected, "{operations:?}");
    }
    let stage = Stage::action("set_run_local", &json!({"local": "n", "operation": "increment", "value": "@(\"1.5\")"}));
    assert_eq!(stage.events(), [error("Increment value is not an integer")]);
    for name in ["", "1a", "A", "a-b", &"x".repeat(65)] {
        let stage = Stage::action("set_run_local", &json!({"local": name, "operation": "set", "value": "1"}));
        assert!(stage.try_play().is_err(), "{name}");
    }
    let result = json!({"name": "Stock Level", "value": "@(\"low\")", "category": "Low"});
    let stage = Stage::action("set_run_result", &result)
        .flow("/localization", json!({"fra": {super::stage::ACTION: {"category": ["Bas"]}}}))
        .case("/contact/language", json!("fra"));
    let played = stage.play();
    let changed = json!({"type": "run_result_changed", "name": "Stock Level", "value": "low", "category": "Low"});
    assert_eq!(played.events(), [changed]);
    let stored = &played.session()["runs"][0]["results"]["stock_level"];
    assert_eq!((&stored["category_localized"], &stored["node_uuid"]), (&json!("Bas"), &json!(super::stage::NODE)));
    assert_eq!(stored["input"], Value::Null);
    check("set_run_result", &json!({"name": "X", "value": "a@(1 / 0)"}), &[division()]);
}

#[test]
fn others_are_written_to_and_started() {
    let send = |members: Value| {
        let mut all = json!({"text": "Hello"});
        all.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
        Stage::action("send_broadcast", &all)
    };
    assert!(send(json!({})).events().is_empty(), "nobody to write to");
    let vars = [
        "@(\" \")0192f3a0-0000-7000-8000-000000000092 ",
        "midwives",
        "telegram:99",
        "0990 000 003",
        "@(\"nobody at all\")",
    ];
    let events = send(json!({"legacy_vars": vars})).events();
    assert_eq!(events[0], error("'nobody at all' couldn't be resolved to a contact, group or URN"));
    assert_eq!(events[1]["contacts"], json!([{"uuid": "0192f3a0-0000-7000-8000-000000000092", "name": ""}]));
    assert_eq!(events[1]["groups"], json!([{"uuid": MIDWIVES, "name": "Midwives"}]));
    assert_eq!(events[1]["urns"], json!(["telegram:99", "tel:+231990000003"]));
    let query = send(json!({"contact_query": " cadre = @contact.fields.cadre "})).events();
    assert_eq!(query[0]["contact_query"], "cadre = \"midwife\"");
    let batch = send(json!({"groups": [{"uuid": MIDWIVES, "name": "Midwives"}]})).case("/trigger/batch", json!(true));
    assert_eq!(batch.events(), [error("Can't send broadcasts to groups during batch starts")]);
    let translated = send(json!({"urns": ["tel:+231990000003"], "quick_replies": ["Yes"]}))
        .flow("/localization", json!({"fra": {super::stage::ACTION: {"text": ["Bonjour"]}}}))
        .events();
    assert_eq!(translated[0]["base_language"], "eng");
    assert_eq!(translated[0]["translations"]["eng"]["text"], "Hello");
    assert_eq!(translated[0]["translations"]["fra"]["text"], "Bonjour");
    assert_eq!(translated[0]["translations"]["fra"]["quick_replies"], json!([{"type": "text", "text": "Yes"}]));

    let other = "0192f3a0-0000-7000-8000-0000000000e1";
    let start = |flow: &str, members: Value| {
        let mut all = json!({"flow": {"uuid": flow, "name": "Gone"}});
        all.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
        Stage::action("start_session", &all)
    };
    let urns = json!({"urns": ["tel:+231990000003"]});
    assert!(start(other, json!({})).events().is_empty(), "nobody to start");
    assert_eq!(start(GONE, urns.clone()).events(), [missing("flow", "Gone")]);
    let batch = start(other, json!({"contact_query": "age > 1"})).case("/trigger/batch", json!(true)).events();
    assert_eq!(batch, [error("Can't start new sessions for groups or queries during batch starts")]);
    let history = |since: u32| json!({"parent_uuid": GONE, "ancestors": 6, "ancestors_since_input": since});
    let many = start(other, urns.clone()).case("/trigger/history", history(5)).events();
    assert_eq!(many, [error("Too many sessions have been spawned since the last time input was received")]);
    let next = start(other, urns.clone()).case("/trigger/history", history(4)).events();
    assert_eq!(
        (&next[0]["history"]["ancestors"], &next[0]["history"]["ancestors_since_input"]),
        (&json!(7), &json!(5))
    );
    let heard = start(other, urns).case("/trigger/history", history(4)).message("hi").events();
    assert_eq!(heard[0]["history"]["ancestors_since_input"], 0);
    assert_eq!(heard[0]["run_summary"]["contact"]["tickets"], Value::Null);
    assert_eq!(start(other, json!({"create_contact": true})).events()[0]["create_contact"], true);
}

#[test]
fn mail_is_sent() {
    let mail = |to: Value, subject: &str, body: &str| json!({"addresses": to, "subject": subject, "body": body});
    let one = json!(["ama@example.org"]);
    let skipped = |what: &str| error(&format!("Email {what} evaluated to empty string, skipping"));
    check("send_email", &mail(one.clone(), "@(\" \")", "x"), &[skipped("subject")]);
    check("send_email", &mail(one.clone(), "x", "@(\"\")"), &[skipped("body")]);
    check(
        "send_email",
        &mail(json!(["@(\"\")", "mailto:ama@example.org"]), " a \n\t b ", "x"),
        &[skipped("address"), json!({"type": "email_sent", "to": ["ama@example.org"], "subject": "a b", "body": "x"})],
    );
    let down = Stage::action("send_email", &mail(one, "a", "x")).case("/options", json!({"email_error": "no server"}));
    assert_eq!(down.events(), [error("Unable to send email: no server")]);
}

#[test]
fn airtime_is_paid() {
    let pay = |amounts: Value| Stage::action("transfer_airtime", &json!({"amounts": amounts}));
    let stage = pay(json!({"RWF": 500, "USD": 1}));
    let played = stage.clone().case("/contact/urns/0", json!(format!("tel:+231990000001?channel={CHANNEL}"))).play();
    let events = played.events();
    assert_eq!(events[0]["type"], "airtime_created");
    assert_eq!((&events[0]["currency"], &events[0]["amount"]), (&json!("RWF"), &json!(500)));
    assert_eq!((&events[0]["sender"], &events[0]["recipient"]), (&json!("tel:8080"), &json!("tel:+231990000001")));
    assert_ne!(played.value("@locals._new_transfer"), json!(""));
    let none = stage.clone().case("/contact/urns", json!(["telegram:12345"])).play();
    assert_eq!(none.events(), [error("can't transfer airtime to contact without a phone number")]);
    assert_eq!(none.value("@locals._new_transfer"), json!(""));
    for amounts in [json!({"USD": -1}), json!({"USD": 2e15}), json!({"USD": "5"})] {
        assert!(pay(amounts.clone()).try_play().is_err(), "{amounts}");
    }
}

#[test]
fn what_is_no_longer_supported_says_so() {
    let members = json!({"optin": {"uuid": GONE, "name": "News"}});
    let text = "opt-in requests are no longer supported";
    check("request_optin", &members, &[json!({"type": "error", "text": text, "code": "action:unsupported"})]);
    let classify =
        json!({"classifier": {"uuid": GONE, "name": "C"}, "input": "@(\"a\" & \"b\")", "result_name": "Intent"});
    let played = Stage::action("call_classifier", &classify).play();
    let events = played.events();
    assert_eq!(events[0], json!({"type": "warning", "text": "NLU classifiers are no longer supported"}));
    assert_eq!((&events[1]["value"], &events[1]["category"]), (&json!("0"), &json!("Failure")));
    assert_eq!(played.value("@results.intent.input"), json!("ab"));
}
