//! Section 13 of the specification: what expressions see.

use super::stage::{CHANNEL, NODE, Stage};
use serde_json::{Value, json};

fn check(stage: &Stage, rows: &[(&str, Value)]) {
    let played = stage.play();
    for (template, expected) in rows {
        assert_eq!(played.value(template), *expected, "{template}");
    }
}

#[test]
fn contacts() {
    let stage = Stage::new().case("/contact/urns/0", json!(format!("tel:+231990000001?channel={CHANNEL}#Ama")));
    check(
        &stage,
        &[
            ("@(text(contact))", json!("Ama Kollie")),
            ("@contact.first_name", json!("Ama")),
            ("@contact.NAME", json!("Ama Kollie")),
            ("@contact.id", json!("7")),
            ("@contact.urn", json!("tel:+231990000001#Ama")),
            ("@contact.urns", json!(["tel:+231990000001#Ama", "telegram:12345#ama"])),
            ("@(text(contact.channel))", json!("Lonestar")),
            ("@contact.channel.address", json!("8080")),
            ("@(text(contact.fields))", json!("Cadre: midwife")),
            ("@fields", json!({"age": null, "cadre": "midwife"})),
            ("@fields.age", Value::Null),
            ("@fields.gone", json!("Error evaluating expression: object has no property 'gone'")),
            ("@(fields[\"gone\"])", Value::Null),
            ("@urns.telegram", json!("telegram:12345#ama")),
            ("@urns.viber", Value::Null),
            ("@urns.pigeon", json!("Error evaluating expression: object has no property 'pigeon'")),
            ("@contact.groups", json!([{"name": "Midwives", "uuid": "0192f3a0-0000-7000-8000-000000000011"}])),
            ("@contact.timezone", Value::Null),
            ("@contact.last_seen_on", Value::Null),
            ("@ticket", Value::Null),
            ("@contact.tickets", json!([])),
            ("@(text(globals))", json!("Office: Monrovia")),
            ("@globals.office", json!("Monrovia")),
        ],
    );
    let nameless = stage.case("/contact/name", Value::Null);
    check(
        &nameless,
        &[
            ("@(text(contact))", json!("Ama")),
            ("@contact.name", Value::Null),
            ("@contact.first_name", Value::Null),
            ("@(text(run))", json!("Ama@Check")),
        ],
    );
    let plain = nameless.clone().case("/contact/urns", json!(["tel:+231990000001"]));
    check(&plain, &[("@(text(contact))", json!("990000001")), ("@(format_urn(contact.urn))", json!("990000001"))]);
    check(&plain.case("/contact/urns", json!([])), &[("@(text(contact))", json!("")), ("@contact.urn", Value::Null)]);
    check(
        &nameless.case("/environment/redaction_policy", json!("urns")),
        &[
            ("@(text(contact))", json!("7")),
            ("@(text(run))", json!("7@Check")),
            ("@contact.urn", json!("tel:********")),
            ("@contact.urns", json!(["tel:********", "telegram:********"])),
            ("@urns.tel", json!("tel:********")),
            ("@(format_urn(contact.urn))", json!("********")),
        ],
    );
}

#[test]
fn inputs_triggers_and_resumes() {
    check(
        &Stage::new(),
        &[
            ("@input", Value::Null),
            ("@(input.text)", json!("Error evaluating expression: null doesn't support lookups")),
            ("@resume", Value::Null),
            ("@webhook", Value::Null),
            ("@child", Value::Null),
            ("@parent", Value::Null),
            ("@locals", json!({})),
            ("@(text(results))", json!("")),
            ("@trigger.keyword", json!("")),
            ("@trigger.user", Value::Null),
            ("@node.visit_count", json!(1)),
            ("@node.categories", json!([])),
            ("@node.uuid", json!(NODE)),
            ("@(count(run.path))", json!(1)),
            ("@run.path.0.node_uuid", json!(NODE)),
            ("@run.status", json!("completed")),
            ("@(text(run.flow))", json!("Check")),
            ("@run.flow.revision", json!(0)),
        ],
    );
    let said =
        Stage::new().message("I join").case("/trigger/keyword_match", json!({"type": "first_word", "keyword": "join"}));
    let said = said.case("/trigger/event/msg/attachments", json!(["image:http://x.org/a.jpg", "geo:1,2"]));
    let said = said.case("/trigger/event/msg/payload", json!({"form": {"a": 1}}));
    check(
        &said,
        &[
            ("@(text(input))", json!("I join\nhttp://x.org/a.jpg\n1,2")),
            ("@input.attachments", json!(["image:http://x.org/a.jpg", "geo:1,2"])),
            ("@input.type", json!("msg")),
            ("@(text(input.channel))", json!("Lonestar")),
            ("@input.urn", json!("tel:+231990000001")),
            ("@input.external_id", json!("")),
            ("@input.payload.form.a", json!(1)),
            ("@trigger.keyword", json!("join")),
            ("@trigger.type", json!("msg")),
        ],
    );
    let by_hand = Stage::new()
        .case("/trigger/user", json!({"uuid": "0192f3a0-0000-7000-8000-000000000041", "name": "Ben"}))
        .case("/trigger/origin", json!("api"));
    check(
        &by_hand,
        &[
            ("@(text(trigger.user))", json!("Ben")),
            ("@trigger.user.email", json!("ben@example.org")),
            ("@trigger.origin", json!("api")),
        ],
    );
}

#[test]
fn parents_and_children() {
    let summary = |contact: Value| {
        json!({
            "uuid": NODE, "flow": {"uuid": "0192f3a0-0000-7000-8000-0000000000ff", "name": "Before"}, "contact": contact, "status": "waiting",
            "results": {"stock": {"name": "Stock", "value": "3", "category": "Low", "node_uuid": NODE, "created_on": "2026-01-01T00:00:00Z"}},
        })
    };
    let ama = json!({
        "uuid": NODE, "name": "Ben K", "status": "active", "created_on": "2026-01-01T00:00:00Z",
        "urns": ["tel:+231990000008"], "fields": {"age": {"text": "40", "number": 40}},
    });
    let stage = Stage::new().case("/trigger/type", json!("flow_action"));
    check(
        &stage.clone().case("/trigger/run_summary", summary(ama)),
        &[
            ("@(text(parent))", json!("Ben K@Before")),
            (
                "@parent.results.stock",
                json!({"category": "Low", "category_localized": "Low", "created_on": "2026-01-01T00:00:00.000000Z", "extra": null, "input": "", "name": "Stock", "node_uuid": NODE, "value": "3"}),
            ),
            ("@(text(parent.results))", json!("Stock: 3")),
            ("@parent.fields.age", json!(40)),
            ("@parent.urns.tel", json!("tel:+231990000008")),
            ("@parent.status", json!("waiting")),
            ("@(parent.run.status)", json!("waiting")),
            ("@parent.contact.first_name", json!("Ben")),
        ],
    );
    check(
        &stage.case("/trigger/run_summary", summary(Value::Null)),
        &[
            ("@(text(parent))", json!("<nocontact>@Before")),
            ("@parent.contact", Value::Null),
            ("@parent.fields", Value::Null),
        ],
    );
    let other = json!({"uuid": "0192f3a0-0000-7000-8000-0000000000e1", "name": "Other"});
    let child = Stage::action("enter_flow", &json!({"flow": other}));
    check(
        &child,
        &[
            ("@(text(child))", json!("Ama Kollie@Other")),
            ("@child.status", json!("completed")),
            ("@child.flow.name", json!("Other")),
        ],
    );
}

#[test]
fn legacy_extras() {
    let set = |last: u8, name: &str, url: &str| json!({"uuid": format!("0192f3a0-0000-7000-8000-0000000000b{last}"), "type": "call_webhook", "method": "GET", "url": url, "result_name": name});
    let mocks = json!({
        "http://a.org/": [{"status": 200, "body": "{\"Next Visit\": \"Monday\", \"n\": 1}"}],
        "http://b.org/": [{"status": 200, "body": "[\"x\", {\"y\": 2}]"}],
        "http://c.org/": [{"status": 200, "body": "{\"n\": 3}"}],
    });
    let stage = Stage::new()
        .node(
            "actions",
            json!([set(1, "A", "http://a.org/"), set(2, "B", "http://b.org/"), set(3, "A", "http://c.org/")]),
        )
        .case("/http_mocks", mocks)
        .case("/trigger/params", json!({"Source": "site", "n": 0}));
    // Parameters first, then results in the order they were recorded last: A comes after B.
    check(
        &stage,
        &[(
            "@legacy_extra",
            json!({"source": "site", "n": 3, "0": "x", "1": {"y": 2}, "a": "{\"n\": 3}", "b": "[\"x\", {\"y\": 2}]"}),
        )],
    );
}

#[test]
fn sessions_have_their_contacts_surroundings() {
    let stage = Stage::new()
        .case("/contact/timezone", json!("Africa/Lagos"))
        .case("/environment/timezone", json!("Africa/Monrovia"))
        .case("/environment/date_format", json!("DD-MM-YYYY"));
    check(
        &stage,
        &[
            ("@(format(now()))", json!("23-11-2026 10:00")),
            ("@(tz(now()))", json!("Africa/Lagos")),
            ("@(format_date(\"2026-11-23\", \"EEEE D MMMM\"))", json!("Monday 23 November")),
        ],
    );
    check(
        &stage.case("/contact/language", json!("fra")),
        &[("@(format_date(\"2026-11-23\", \"EEEE D MMMM\"))", json!("lundi 23 novembre"))],
    );
}
