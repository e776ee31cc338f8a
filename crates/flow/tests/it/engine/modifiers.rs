//! Modifiers outside sessions.

use super::stage::{CHAT, Stage};
use flow::contact::ContactStatus;
use flow::engine::Request;
use flow::modifier::{Modified, Modifier, Route, UrnsChange};
use flow::simulate::{ModifyCase, sample_contact};
use flow::{Answer, Assets, Engine, Environment, Sources, Stamp};
use serde_json::{Value, json};

fn modify(modifier: &Modifier, answers: &[Answer]) -> Modified {
    let now = "2026-11-23T09:00:00Z".parse().expect("a timestamp");
    let assets = Assets::read(&json!({
        "groups": [{"uuid": "0192f3a0-0000-7000-8000-000000000001", "name": "Named", "query": "name != \"\""}],
    }))
    .expect("assets");
    let sources = Sources::new(now, base::IdMaker::from_u64(1));
    let contact = sample_contact(Stamp::utc(now));
    Engine::default().modify(&assets, &Environment::default(), contact, modifier, sources, answers).expect("applies")
}

#[test]
fn an_address_is_claimed_before_it_is_given() {
    let route = Route { urn: "tel:+231990000002".to_owned(), channel: None };
    let modifier = Modifier::Routes { routes: vec![route], modification: UrnsChange::Append };
    let Modified::Need(Request::ClaimUrn { urn, .. }) = modify(&modifier, &[]) else { panic!("a claim is needed") };
    assert_eq!(urn, "tel:+231990000002");
    for (free, count) in [(true, 2), (false, 1)] {
        let Modified::Done { contact, changed, .. } = modify(&modifier, &[Answer::ClaimUrn(free)]) else {
            panic!("done")
        };
        assert_eq!((contact.urns.len(), changed), (count, free));
    }
}

#[test]
fn a_changed_contact_is_brought_in_line_with_smart_groups() {
    let renamed = Modifier::Name { name: "Moses Kollie".to_owned() };
    let Modified::Done { contact, events, changed } = modify(&renamed, &[]) else { panic!("done") };
    assert!(changed);
    assert_eq!((contact.groups.len(), events.len()), (1, 2));
    let same = Modifier::Status { status: ContactStatus::Active };
    let Modified::Done { events, changed, .. } = modify(&same, &[]) else { panic!("done") };
    assert!(!changed && events.is_empty());
}

/// The events of a modifier on the stage's contact, without ids and times, and the contact after it.
fn applied(stage: &Stage, modifier: Value) -> (Vec<Value>, Value) {
    let assets = flow::Assets::read(&stage.assets).expect("assets");
    let case = json!({"contact": stage.case["contact"], "modifier": modifier, "options": {"taken_urns": ["666"]}, "now": "2026-11-23T09:00:00Z"});
    let report = ModifyCase::read(&case.to_string()).and_then(|case| case.run(&assets)).expect("it is applied");
    let mut report = serde_json::to_value(&report).expect("a report");
    for event in report["events"].as_array_mut().expect("events") {
        let event = event.as_object_mut().expect("an event");
        event.remove("uuid");
        event.remove("created_on");
    }
    (report["events"].as_array().expect("events").clone(), report["contact"].take())
}

#[test]
fn each_modifier_tells_what_it_changed() {
    let topic = json!({"uuid": "0192f3a0-0000-7000-8000-000000000031", "name": "General"});
    let ben = json!({"uuid": "0192f3a0-0000-7000-8000-000000000041", "name": "Ben"});
    let (open, closed) = ("0192f3a0-0000-7000-8000-000000000061", "0192f3a0-0000-7000-8000-000000000062");
    let stage = Stage::new().case(
        "/contact/tickets",
        json!([{"uuid": closed, "status": "closed", "topic": topic}, {"uuid": open, "status": "open", "topic": topic}]),
    );
    let own = ["tel:+231990000001", "telegram:12345#ama"];
    let by_chat = format!("telegram:12345?channel={CHAT}#ama");
    let urns = |urns: &[&str]| json!({"type": "contact_urns_changed", "urns": urns});
    for (modifier, expected) in [
        (json!({"type": "name", "name": "Ama Kollie"}), vec![]),
        (
            json!({"type": "name", "name": "x".repeat(130)}),
            vec![json!({"type": "contact_name_changed", "name": "x".repeat(128)})],
        ),
        (json!({"type": "language", "language": "eng"}), vec![]),
        (
            json!({"type": "language", "language": ""}),
            vec![json!({"type": "contact_language_changed", "language": ""})],
        ),
        (json!({"type": "timezone", "timezone": ""}), vec![]),
        (json!({"type": "status", "status": "active"}), vec![]),
        (
            json!({"type": "seen", "seen_on": "2026-01-01T00:00:00Z"}),
            vec![json!({"type": "contact_last_seen_changed", "last_seen_on": "2026-01-01T00:00:00Z"})],
        ),
        (json!({"type": "field", "field": {"key": "cadre", "name": "Cadre"}, "value": "midwife"}), vec![]),
        (
            json!({"type": "field", "field": {"key": "cadre", "name": "Cadre"}, "value": "12 > x"}),
            vec![
                json!({"type": "contact_field_changed", "field": {"key": "cadre", "name": "Cadre"}, "value": {"text": "12 > x"}}),
            ],
        ),
        (
            json!({"type": "urns", "urns": ["telegram:99"], "modification": "append"}),
            vec![urns(&[own[0], own[1], "telegram:99"])],
        ),
        (json!({"type": "urns", "urns": [own[0]], "modification": "append"}), vec![]),
        (
            json!({"type": "urns", "urns": ["tel:0990 000 001"], "modification": "remove"}),
            vec![json!({"type": "error", "text": "'tel:0990 000 001' is not valid URN", "code": "urn:invalid"})],
        ),
        (json!({"type": "urns", "urns": ["tel:+231 990 000 001"], "modification": "remove"}), vec![urns(&[own[1]])]),
        (
            json!({"type": "urns", "urns": ["telegram:12345", "mailto:A@x.org"], "modification": "set"}),
            vec![urns(&[own[1], "mailto:a@x.org"])],
        ),
        (
            json!({"type": "urns", "urns": ["pigeon:1"], "modification": "append"}),
            vec![json!({"type": "error", "text": "'pigeon:1' is not valid URN", "code": "urn:invalid"})],
        ),
        (
            json!({"type": "urns", "urns": ["tel:+231990000666"], "modification": "append"}),
            vec![
                json!({"type": "error", "text": "URN is taken by another contact", "code": "urn:taken", "extra": {"urn": "tel:+231990000666"}}),
            ],
        ),
        (
            json!({"type": "routes", "routes": [{"urn": "telegram:12345", "channel": {"uuid": CHAT, "name": "Chat"}}], "modification": "append"}),
            vec![urns(&[own[0], &by_chat])],
        ),
        (
            json!({"type": "affinity", "urn": "telegram:12345", "channel": {"uuid": CHAT, "name": "Chat"}}),
            vec![urns(&[&by_chat, own[0]])],
        ),
        (json!({"type": "channel", "channel": null}), vec![]),
        (json!({"type": "ticket_open", "topic": topic}), vec![]),
        (
            json!({"type": "ticket_note", "ticket_uuid": open, "note": "Hm"}),
            vec![json!({"type": "ticket_note_added", "ticket_uuid": open, "note": "Hm"})],
        ),
        (json!({"type": "ticket_topic", "ticket_uuid": open, "topic": topic}), vec![]),
        (
            json!({"type": "ticket_assignee", "ticket_uuid": open, "assignee": ben}),
            vec![json!({"type": "ticket_assignee_changed", "ticket_uuid": open, "assignee": ben})],
        ),
        (
            json!({"type": "ticket_close", "ticket_uuid": open}),
            vec![json!({"type": "ticket_closed", "ticket_uuid": open})],
        ),
        (json!({"type": "ticket_close", "ticket_uuid": closed}), vec![]),
        (json!({"type": "ticket_reopen", "ticket_uuid": closed}), vec![]),
    ] {
        let (events, contact) = applied(&stage, modifier.clone());
        let told: Vec<Value> = events.into_iter().map(without_null).collect();
        assert_eq!(told, expected, "{modifier}");
        assert_eq!(contact["uuid"], stage.case["contact"]["uuid"]);
    }
    let none = Stage::new().case("/contact/tickets", json!([{"uuid": closed, "status": "closed", "topic": topic}]));
    let (events, contact) = applied(&none, json!({"type": "ticket_reopen", "ticket_uuid": closed}));
    assert_eq!((&events[0]["type"], &contact["tickets"][0]["status"]), (&json!("ticket_reopened"), &json!("open")));
    let (events, _) = applied(&none, json!({"type": "ticket", "topic": topic, "assignee": ben, "note": "Look"}));
    assert_eq!((&events[0]["ticket"]["assignee"], &events[1]["note"]), (&ben, &json!("Look")));
    let seen = Stage::new().case("/contact/last_seen_on", json!("2026-06-01T00:00:00Z"));
    assert!(applied(&seen, json!({"type": "seen", "seen_on": "2026-01-01T00:00:00Z"})).0.is_empty(), "only forward");
}

fn without_null(mut event: Value) -> Value {
    event.as_object_mut().expect("an event").retain(|_, value| !value.is_null());
    event
}
