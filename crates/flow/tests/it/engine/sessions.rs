//! Sections 2 to 4 and 7 of the specification: how a session goes on, waits and ends.

use super::stage::{CHANNEL, EXIT, NODE, Stage};
use serde_json::{Value, json};

const YES: &str = "0192f3a0-0000-7000-8000-000000000101";
const OTHER: &str = "0192f3a0-0000-7000-8000-000000000102";
const LATE: &str = "0192f3a0-0000-7000-8000-000000000103";

/// A question that is asked again until somebody says yes.
fn question(wait: &Value) -> Stage {
    let case = |last: u8, kind: &str, arguments: Value| json!({"uuid": format!("0192f3a0-0000-7000-8000-00000000011{last}"), "type": kind, "arguments": arguments, "category_uuid": YES});
    let exit = |last: u8| format!("0192f3a0-0000-7000-8000-00000000012{last}");
    Stage::new()
        .node(
            "router",
            json!({
                "type": "switch", "operand": "@input.text", "wait": wait, "result_name": "Agreed",
                "cases": [case(1, "has_number_lt", json!(["@(1 / 0)"])), case(2, "has_any_word", json!(["yes"]))],
                "categories": [
                    {"uuid": YES, "name": "Yes", "exit_uuid": exit(1)},
                    {"uuid": OTHER, "name": "Other", "exit_uuid": exit(2)},
                    {"uuid": LATE, "name": "No Response", "exit_uuid": exit(1)},
                ],
                "default_category_uuid": OTHER,
            }),
        )
        .node("exits", json!([{"uuid": exit(1)}, {"uuid": exit(2), "destination_uuid": NODE}]))
}

fn message_wait() -> Value {
    json!({"type": "msg", "timeout": {"seconds": 600, "category_uuid": LATE}, "hint": {"type": "digits", "count": 1}})
}

fn resume(kind: &str, event: &str, members: &Value) -> Value {
    let mut all =
        json!({"uuid": "0192f3a0-0000-7000-8000-000000000093", "type": event, "created_on": "2026-11-23T09:00:00Z"});
    all.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
    json!({"type": kind, "resumed_on": "2026-11-23T09:00:00Z", "event": all})
}

#[test]
fn a_wait_takes_its_resumes_and_no_others() {
    let stage = question(&message_wait());
    let played = stage.play();
    let wait = &played.events()[0];
    assert_eq!((&wait["timeout_seconds"], &wait["hint"]), (&json!(600), &json!({"type": "digits", "count": 1})));
    // Three days, as the flow says nothing else.
    assert_eq!(played.report["outputs"][0]["events"][1]["expires_on"], "2026-11-26T09:00:00Z");

    let again = stage.clone().replies(&["maybe"]).play();
    let events = again.events();
    assert_eq!(events[0]["code"], "expression");
    assert!(
        events[1]["text"].as_str().is_some_and(|t| t.starts_with("Error calling test has_number_lt(...): ")),
        "{events:?}"
    );
    assert_eq!((&events[2]["category"], &events[2]["value"]), (&json!("Other"), &json!("maybe")));
    assert_eq!(again.session()["status"], "waiting");

    let yes = stage.clone().replies(&["maybe", "Oh YES"]).play();
    let changed = &yes.events()[2];
    assert_eq!(
        (&changed["value"], &changed["previous"]),
        (&json!("YES"), &json!({"value": "maybe", "category": "Other"}))
    );
    assert_eq!(yes.course(2).last().map(String::as_str), Some("run_ended completed"));
    let run = &yes.session()["runs"][0];
    assert_eq!((&run["path"], &run["had_input"]), (&Value::Null, &json!(true)), "compacted");
    assert_eq!((yes.session()["sprints"].as_u64(), &yes.session()["input"]["text"]), (Some(3), &json!("Oh YES")));

    let late = stage.clone().case("/resumes", json!([resume("wait_timeout", "wait_timed_out", &json!({}))])).play();
    let result = &late.events()[0];
    assert_eq!((&result["category"], &result["value"]), (&json!("No Response"), &json!("")));
    assert_eq!(late.session()["input"], Value::Null);
    let gone = stage.clone().case("/resumes", json!([resume("wait_expiration", "wait_expired", &json!({}))])).play();
    assert_eq!(gone.course(1), ["run_ended expired"]);
    assert_eq!(gone.session()["status"], "completed");

    let dialled = resume("dial", "dial_ended", &json!({"dial": {"status": "answered", "duration": 1}}));
    assert!(stage.clone().case("/resumes", json!([dialled])).try_play().is_err(), "a message wait takes no call");
    let bare = question(&json!({"type": "msg"}));
    let timeout = json!([resume("wait_timeout", "wait_timed_out", &json!({}))]);
    assert!(bare.case("/resumes", timeout).try_play().is_err(), "without a timeout");
    assert!(stage.clone().replies(&["yes", "more"]).try_play().is_err(), "it has ended");
    for (kind, event) in [("msg", "wait_timed_out"), ("wait_timeout", "msg_received"), ("dial", "wait_expired")] {
        let wrong = json!([resume(kind, event, &json!({}))]);
        assert!(stage.clone().case("/resumes", wrong).try_play().is_err(), "{kind} with {event}");
    }
}

#[test]
fn a_message_that_starts_a_flow_is_its_first_answer() {
    let played = question(&message_wait()).message("yes please").play();
    assert_eq!(played.course(0).last().map(String::as_str), Some("run_ended completed"));
    assert_eq!(played.value("@results.agreed.input"), json!("yes please"));
    assert_eq!(played.contact()["last_seen_on"], "2026-11-23T09:00:00Z");
    // At a second visit it waits.
    let again = question(&message_wait()).message("maybe").play();
    assert_eq!(again.session()["status"], "waiting");
}

#[test]
fn calls_are_dialled() {
    let stage = |phone: &str| {
        question(&json!({"type": "dial", "phone": phone, "dial_limit_seconds": 20}))
            .flow("/type", json!("voice"))
            .flow("/nodes/0/router/operand", json!("@(default(resume.dial.status, \"\"))"))
            .case(
                "/call",
                json!({"uuid": NODE, "channel": {"uuid": CHANNEL, "name": "Lonestar"}, "urn": "tel:+231990000001"}),
            )
    };
    let played = stage("0990 000 009").play();
    let wait = &played.events()[0];
    assert_eq!((&wait["type"], &wait["urn"]), (&json!("dial_wait"), &json!("tel:+231990000009")));
    assert_eq!((&wait["dial_limit_seconds"], &wait["call_limit_seconds"]), (&json!(20), &json!(7200)));
    let expires = &played.report["outputs"][0]["events"][1]["expires_on"];
    assert_eq!(expires, "2026-11-23T11:00:50Z", "20 s, two hours and 30 s");
    let busy = resume("dial", "dial_ended", &json!({"dial": {"status": "busy", "duration": 0}}));
    let done = stage("0990 000 009").case("/resumes", json!([busy])).play();
    assert_eq!(done.value("@results.agreed.input"), json!("busy"));
    assert_eq!(
        done.value("@(json(resume))"),
        json!("{\"dial\":{\"duration\":0,\"status\":\"busy\"},\"type\":\"dial\"}")
    );
    // A number that can't be dialled skips the wait; here that goes round until there have been too many steps.
    let wrong = stage("12").play();
    assert_eq!(wrong.events()[0], json!({"type": "error", "text": "not a possible number"}));
    assert_eq!(wrong.session()["status"], "failed");
    assert!(stage("0990").case("/call", Value::Null).try_play().is_err(), "a voice flow needs a call");
}

#[test]
fn a_flow_that_goes_round_is_stopped() {
    let stage = Stage::new().node("exits", json!([{"uuid": EXIT, "destination_uuid": NODE}]));
    let played = stage.play();
    assert_eq!(played.course(0), ["run_started", "failure", "run_ended failed"]);
    assert_eq!(played.events()[0]["text"], "Reached maximum number of steps per sprint (100)");
    assert_eq!(played.report["outputs"][0]["segments"].as_array().map(Vec::len), Some(100));
    assert_eq!(played.session()["status"], "failed");
    // Nothing to pick from.
    let nowhere = question(&Value::Null).flow("/nodes/0/router/default_category_uuid", json!("")).play();
    let failure = nowhere.events().into_iter().find(|event| event["type"] == "failure").expect("a failure");
    assert_eq!(failure["text"], "Router failed to pick a category");
}

#[test]
fn a_child_that_fails_takes_its_parent_along() {
    let enter = json!([{"uuid": super::stage::ACTION, "type": "enter_flow", "flow": {"uuid": "0192f3a0-0000-7000-8000-0000000000e1", "name": "Other"}}]);
    let mut stage = Stage::new().node("actions", enter);
    stage.assets["flows"][1]["nodes"] = json!([{"uuid": OTHER, "exits": [{"uuid": LATE, "destination_uuid": OTHER}]}]);
    let played = stage.play();
    let ends = ["run_started", "run_started", "failure", "run_ended failed", "run_ended failed"];
    assert_eq!(played.course(0), ends);
    assert_eq!(played.session()["status"], "failed");

    // One that expires does not.
    stage.assets["flows"][1]["nodes"] = question(&json!({"type": "msg"})).assets["flows"][0]["nodes"].clone();
    stage.assets["flows"][1]["nodes"][0]["uuid"] = json!("0192f3a0-0000-7000-8000-0000000000a9");
    stage.assets["flows"][1]["nodes"][0]["exits"][1]["destination_uuid"] = Value::Null;
    let gone = json!([resume("wait_expiration", "wait_expired", &json!({}))]);
    let played = stage.case("/resumes", gone).play();
    assert_eq!(played.course(1), ["run_ended expired", "run_ended completed"]);
    assert_eq!(played.value("@child.status"), json!("expired"));
}

#[test]
fn what_cannot_be_resumed_fails_the_session() {
    let mut stage = question(&message_wait()).replies(&["yes"]);
    let stored = question(&message_wait()).play().session().clone();
    // The flow that waits is gone: the next reply fails the session, with every run that hasn't ended.
    let assets = flow::Assets::read(&json!({})).expect("assets");
    let session = flow::Session::read(&stored.to_string()).expect("a session");
    let contact: flow::Contact = serde_json::from_value(stage.case["contact"].take()).expect("a contact");
    let resume = flow::Resume::read(&stage.case["resumes"][0].to_string()).expect("a resume");
    let sources = flow::Sources::new("2026-11-23T09:00:00Z".parse().expect("a time"), base::IdMaker::from_u64(1));
    let engine = flow::Engine::default();
    let outcome = engine.resume(&assets, &flow::Environment::default(), session, contact, None, resume, sources, &[]);
    let Ok(flow::Outcome::Done(sprint)) = outcome else { panic!("it is over") };
    let events = serde_json::to_value(&sprint.events).expect("events");
    assert_eq!(events[0]["text"], "Can't resume run with missing flow asset");
    assert_eq!((&events[1]["type"], &events[1]["status"]), (&json!("run_ended"), &json!("failed")));
    assert_eq!(sprint.session.status, flow::session::SessionStatus::Failed);
}

#[test]
fn triggers_need_what_their_type_says() {
    let event = |kind: &str, members: Value| {
        let mut all = json!({"uuid": NODE, "type": kind, "created_on": "2026-11-23T09:00:00Z"});
        all.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
        all
    };
    let channel = json!({"channel": {"uuid": CHANNEL, "name": "Lonestar"}});
    let call = json!({"call": {"uuid": NODE, "urn": "tel:+231990000001", "channel": channel["channel"]}});
    let campaign = json!({"campaign": {"uuid": NODE, "name": "Reminders"}, "point_uuid": NODE});
    let ticket = json!({"uuid": OTHER, "status": "open"});
    let summary = json!({"uuid": OTHER, "flow": {"uuid": LATE, "name": "Before"}, "contact": null, "status": "active"});
    for (kind, good, bad) in [
        ("manual", json!({}), None),
        (
            "campaign",
            json!({"event": event("campaign_fired", campaign)}),
            Some(json!({"event": event("chat_started", channel.clone())})),
        ),
        ("call", json!({"event": event("call_received", call)}), Some(json!({}))),
        (
            "call",
            json!({"event": event("call_missed", channel.clone())}),
            Some(json!({"event": event("call_missed", json!({}))})),
        ),
        (
            "chat",
            json!({"event": event("chat_started", channel.clone())}),
            Some(json!({"event": event("call_missed", channel.clone())})),
        ),
        (
            "ticket",
            json!({"event": event("ticket_closed", json!({"ticket_uuid": OTHER})), "ticket": ticket}),
            Some(json!({"event": event("ticket_closed", json!({"ticket_uuid": OTHER}))})),
        ),
        ("channel", json!({"event": {"type": "new_conversation", "channel": channel["channel"]}}), Some(json!({}))),
        ("flow_action", json!({"run_summary": summary}), Some(json!({}))),
    ] {
        let play = |members: Value| {
            let mut stage = Stage::new().case("/trigger/type", json!(kind));
            stage.case["trigger"]
                .as_object_mut()
                .expect("an object")
                .extend(members.as_object().expect("members").clone());
            stage.try_play()
        };
        let played = play(good.clone()).unwrap_or_else(|e| panic!("{kind} {good}: {e}"));
        assert_eq!(played.value("@trigger.type"), json!(kind));
        assert_eq!(played.value("@trigger.params"), json!({}));
        if let Some(bad) = bad {
            assert!(play(bad.clone()).is_err(), "{kind} {bad}");
        }
    }
    // The parameters of a chat are its own.
    let chat = event("chat_started", json!({"channel": channel["channel"], "params": {"referrer": "poster"}}));
    let stage = Stage::new()
        .case("/trigger/type", json!("chat"))
        .case("/trigger/params", json!({"a": 1}))
        .case("/trigger/event", chat);
    assert_eq!(stage.play().value("@trigger.params"), json!({"referrer": "poster"}));
}

#[test]
fn smart_groups_follow_the_contact() {
    let stage = Stage::new().case("/contact/fields", json!({"age": {"text": "21", "number": 21}}));
    let added = json!({"type": "contact_groups_changed", "groups_added": [{"uuid": "0192f3a0-0000-7000-8000-000000000012", "name": "Adults"}]});
    let played = stage.play();
    assert_eq!(played.events(), [added]);
    assert_eq!(played.course(0)[0], "contact_groups_changed", "before the run");
    assert!(stage.case("/contact/status", json!("blocked")).events().is_empty(), "only who is active");
}

#[test]
fn null_counts_as_absent() {
    let nothing = |mut document: Value, keys: &[&str]| {
        for key in keys {
            document[*key] = Value::Null;
        }
        document
    };
    let mut stage = question(&message_wait()).replies(&["yes"]);
    let optional = ["id", "name", "language", "timezone", "last_seen_on", "urns", "groups", "fields", "tickets"];
    stage.case["contact"] = nothing(stage.case["contact"].take(), &optional);
    stage.case["trigger"] = nothing(
        stage.case["trigger"].take(),
        &["event", "batch", "params", "history", "user", "origin", "keyword_match"],
    );
    let message = &mut stage.case["resumes"][0]["event"]["msg"];
    *message = nothing(message.take(), &["urn", "channel", "attachments", "external_id", "payload"]);
    stage.case = nothing(stage.case, &["environment", "call", "http_mocks", "options"]);
    let played = stage.play();
    assert!(played.events().iter().any(|event| event["category"] == "Yes"));
    let mut stored = question(&message_wait()).play().session().clone();
    stored = nothing(stored, &["call_uuid", "input"]);
    stored["runs"][0] =
        nothing(stored["runs"][0].take(), &["results", "locals", "parent_uuid", "webhook", "had_input"]);
    flow::Session::read(&stored.to_string()).expect("a session");
}
