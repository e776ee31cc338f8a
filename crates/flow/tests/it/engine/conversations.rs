//! Conversations from start to end: waits, results, two languages, services, limits.

use flow::engine::{AirtimeAnswer, Answer, Outcome, Request, WebhookAnswer};
use flow::session::{RunStatus, SessionStatus};
use flow::simulate::{Conversation, Reply, sample_contact};
use flow::{
    Assets, Contact, Definition, Engine, Environment, EventKind, Session, Sources, Stamp, Trigger, TriggerType,
};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

fn now() -> jiff::Timestamp {
    "2026-11-23T09:00:00Z".parse().expect("a timestamp")
}

fn id(n: u32) -> String {
    format!("0192f3a0-0000-7000-8000-{n:012}")
}

/// A flow with one node after the other: each action list with its router, going on to the next by every exit.
fn definition(kind: &str, localization: Value, nodes: &[(Value, Value)]) -> Definition {
    let nodes: Vec<Value> = nodes
        .iter()
        .enumerate()
        .map(|(i, (actions, router))| {
            let next = (i + 1 < nodes.len()).then(|| id(100 * (i as u32 + 2)));
            let exits = router["categories"].as_array().map_or(1, Vec::len);
            let exits: Vec<Value> = (0..exits)
                .map(|e| json!({"uuid": id(100 * (i as u32 + 1) + 50 + e as u32), "destination_uuid": next}))
                .collect();
            json!({"uuid": id(100 * (i as u32 + 1)), "actions": actions, "router": router, "exits": exits})
        })
        .collect();
    Definition::read(&json!({
        "uuid": id(1), "name": "Check", "spec_version": "14.4.2", "language": "eng", "type": kind,
        "localization": localization, "nodes": nodes,
    }))
    .expect("a valid definition")
}

fn question(name: &str, wait: Value) -> Value {
    json!({
        "type": "switch", "operand": "@input.text", "result_name": name, "wait": wait,
        "cases": [{"uuid": id(11), "type": "has_any_word", "arguments": ["yes"], "category_uuid": id(21)}],
        "categories": [
            {"uuid": id(21), "name": "Yes", "exit_uuid": id(150)},
            {"uuid": id(22), "name": "Other", "exit_uuid": id(151)},
            {"uuid": id(23), "name": "No Response", "exit_uuid": id(152)},
        ],
        "default_category_uuid": id(22),
    })
}

fn assets() -> Assets {
    Assets::read(&json!({
        "channels": [{"uuid": id(900), "name": "Operator", "address": "8800", "schemes": ["tel"], "roles": ["send", "receive"], "country": "LR"}],
        "fields": [{"uuid": id(901), "key": "cadre", "name": "Cadre", "type": "text"}],
        "groups": [{"uuid": id(902), "name": "Nurses", "query": "cadre = nurse"}, {"uuid": id(903), "name": "Pilot"}],
    }))
    .expect("assets")
}

fn conversation(flow: &Arc<Definition>, language: &str) -> Conversation {
    let environment = Environment { allowed_languages: vec!["eng".into(), "fra".into()], ..Environment::default() };
    let mut contact = sample_contact(Stamp::utc(now()));
    language.clone_into(&mut contact.language);
    Conversation::new(Engine::default(), assets().with_flows([flow.clone()]), environment, contact, 7)
}

fn texts(events: &[flow::Event]) -> Vec<String> {
    let text = |e: &flow::Event| match &e.kind {
        EventKind::MsgCreated { msg } => Some(format!("{} ({})", msg.text, msg.locale)),
        EventKind::RunResultChanged { name, category, .. } => Some(format!("{name}={category}")),
        EventKind::RunEnded { status, .. } => Some(status.as_str().to_owned()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

#[test]
fn a_question_is_answered_in_either_language() {
    let french = json!({"fra": {id(12): {"text": ["Pret, @contact.first_name ?"]}, id(11): {"arguments": ["oui"]}}});
    let ask = json!([{"uuid": id(12), "type": "send_msg", "text": "Ready, @contact.first_name?"}]);
    let flow = Arc::new(definition("messaging", french, &[(ask, question("Ready", json!({"type": "msg"})))]));
    for (language, asked, reply) in [("eng", "Ready, Ama? (eng-LR)", "Yes!"), ("fra", "Pret, Ama ? (fra-LR)", "oui")] {
        let mut talk = conversation(&flow, language);
        let none = &mut |request| panic!("nothing is needed, got {request:?}");
        assert_eq!(texts(&talk.start(&flow, now(), none).expect("starts")), [asked]);
        assert!(talk.is_waiting());
        let events = talk.reply(Reply::Text(reply.to_owned()), now(), none).expect("goes on");
        assert_eq!(texts(&events), ["Ready=Yes", "completed"]);
        assert!(!talk.is_waiting());
        assert_eq!(
            talk.results().map(|(name, r)| (name, r.value.as_str())).collect::<Vec<_>>(),
            [("Ready", reply.trim_end_matches('!'))]
        );
    }
}

#[test]
fn silence_times_out_or_expires() {
    let ask = json!([{"uuid": id(12), "type": "send_msg", "text": "Ready?"}]);
    let wait = json!({"type": "msg", "timeout": {"seconds": 600, "category_uuid": id(23)}});
    let flow = Arc::new(definition("messaging", json!({}), &[(ask, question("Ready", wait))]));
    let none = &mut |request| panic!("nothing is needed, got {request:?}");
    for (reply, expected) in
        [(Reply::Timeout, vec!["Ready=No Response", "completed"]), (Reply::Expire, vec!["expired"])]
    {
        let mut talk = conversation(&flow, "eng");
        talk.start(&flow, now(), none).expect("starts");
        assert_eq!(texts(&talk.reply(reply, now(), none).expect("goes on")), expected);
    }
}

fn start(flow: &Arc<Definition>, answers: &[Answer]) -> Outcome {
    let contact = sample_contact(Stamp::utc(now()));
    let trigger = Trigger::new(TriggerType::Manual, flow.reference(), Stamp::utc(now()));
    let sources = Sources::new(now(), base::IdMaker::from_u64(3));
    let assets = assets().with_flows([flow.clone()]);
    Engine::default().start(&assets, &Environment::default(), contact, None, trigger, sources, answers).expect("starts")
}

#[test]
fn what_is_needed_from_outside_is_asked_for_and_the_replay_is_the_same() {
    let actions = json!([
        {"uuid": id(12), "type": "send_msg", "text": "One moment"},
        {"uuid": id(13), "type": "call_webhook", "method": "POST", "url": "https://example.org/check", "body": "{}", "result_name": "Check"},
        {"uuid": id(14), "type": "send_msg", "text": "It says @webhook.json.word"},
    ]);
    let flow = Arc::new(definition("messaging", json!({}), &[(actions, Value::Null)]));
    let Outcome::Need(Request::Webhook(request)) = start(&flow, &[]) else { panic!("a webhook is needed") };
    assert_eq!(
        (request.method.as_str(), request.url.as_str(), request.body.as_str()),
        ("POST", "https://example.org/check", "{}")
    );
    let answer = Answer::Webhook(WebhookAnswer {
        status: 200,
        body: r#"{"word": "yes"}"#.to_owned(),
        response_head: "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        ..WebhookAnswer::default()
    });
    let run = || match start(&flow, std::slice::from_ref(&answer)) {
        Outcome::Done(sprint) => *sprint,
        Outcome::Need(request) => panic!("nothing more is needed, got {request:?}"),
    };
    let (a, b) = (run(), run());
    assert_eq!(texts(&a.events), ["One moment (eng-LR)", "Check=Success", "It says yes (eng-LR)", "completed"]);
    let json = |s: &flow::Sprint| (serde_json::to_string(&s.events).expect("events"), s.session.to_json());
    assert_eq!(json(&a), json(&b));
    let other = Answer::Airtime(AirtimeAnswer {
        external_id: String::new(),
        currency: String::new(),
        amount: serde_json::value::RawValue::NULL.to_owned(),
        http_logs: Vec::new(),
        error: "no".into(),
    });
    let trigger = Trigger::new(TriggerType::Manual, flow.reference(), Stamp::utc(now()));
    let sources = Sources::new(now(), base::IdMaker::from_u64(3));
    let contact = sample_contact(Stamp::utc(now()));
    let assets = assets().with_flows([flow.clone()]);
    let refused = Engine::default().start(&assets, &Environment::default(), contact, None, trigger, sources, &[other]);
    assert!(refused.is_err(), "an answer of another kind is refused");
}

#[test]
fn a_field_moves_the_contact_between_smart_groups() {
    let actions = json!([{"uuid": id(12), "type": "set_contact_field", "field": {"key": "cadre", "name": "Cadre"}, "value": "Nurse"}]);
    let flow = Arc::new(definition("messaging", json!({}), &[(actions, Value::Null)]));
    let Outcome::Done(sprint) = start(&flow, &[]) else { panic!("nothing is needed") };
    assert_eq!(sprint.contact.groups.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["Nurses"]);
}

#[test]
fn a_loop_without_a_wait_ends_in_a_failure() {
    let mut source = json!({
        "uuid": id(1), "name": "Loop", "spec_version": "14.4.2", "language": "eng", "type": "messaging",
        "nodes": [{"uuid": id(2), "exits": [{"uuid": id(3), "destination_uuid": id(2)}]}],
    });
    let flow = Arc::new(Definition::read(&source).expect("valid"));
    let Outcome::Done(sprint) = start(&flow, &[]) else { panic!("nothing is needed") };
    assert_eq!(sprint.session.status, SessionStatus::Failed);
    assert_eq!(sprint.session.runs[0].status, RunStatus::Failed);
    assert_eq!(sprint.session.runs[0].path.len(), 100);
    source["nodes"] = json!([]);
    let empty = Arc::new(Definition::read(&source).expect("valid"));
    let Outcome::Done(sprint) = start(&empty, &[]) else { panic!("nothing is needed") };
    assert_eq!(sprint.session.status, SessionStatus::Completed);
}

#[test]
fn a_session_keeps_its_json() {
    let ask = json!([{"uuid": id(12), "type": "send_msg", "text": "Ready?"}]);
    let flow = Arc::new(definition("messaging", json!({}), &[(ask, question("Ready", json!({"type": "msg"})))]));
    let Outcome::Done(sprint) = start(&flow, &[]) else { panic!("nothing is needed") };
    let json = sprint.session.to_json();
    assert_eq!(Session::read(&json).expect("a session").to_json(), json);
    assert_eq!(sprint.waiting().and_then(|w| w.timeout_seconds), None);
    assert_eq!(sprint.runs_started().count(), 1);
    let contact = serde_json::to_string(&sprint.contact).expect("a contact");
    let again: Contact = serde_json::from_str(&contact).expect("a contact");
    assert_eq!(serde_json::to_string(&again).expect("a contact"), contact);
}

#[test]
fn real_flows_of_a_ministry_run_to_their_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/flows");
    for name in ["facility_reporting_test.json", "registration_test.json"] {
        let Ok(bytes) = std::fs::read(folder.join(name)) else {
            assert!(std::env::var_os("CI").is_none(), "no flow at {}", folder.display());
            println!("skipped: no flow at {}", folder.display());
            return;
        };
        let export = flow::export::read(&bytes).expect("an export");
        let flow = &export.flows[0].definition;
        let environment = Environment { allowed_languages: vec![flow.language().to_owned()], ..Environment::default() };
        let contact = sample_contact(Stamp::utc(now()));
        let mut talk = Conversation::new(Engine::default(), export.assets().expect("assets"), environment, contact, 1);
        let none = &mut |request| match request {
            Request::ClaimUrn { .. } => Ok(Answer::ClaimUrn(true)),
            other => panic!("nothing is needed, got {other:?}"),
        };
        let mut messages = texts(&talk.start(flow, now(), none).expect("starts")).len();
        for _ in 0..40 {
            if !talk.is_waiting() {
                break;
            }
            messages += texts(&talk.reply(Reply::Text("1".to_owned()), now(), none).expect("goes on")).len();
        }
        assert!(messages > 4, "{name}: {messages}");
        assert!(!talk.is_waiting(), "{name} doesn't end");
        assert!(talk.results().count() > 1, "{name}");
    }
}
