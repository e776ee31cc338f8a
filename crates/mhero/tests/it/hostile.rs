//! Input that is broken or meant to break: each a clear message or a problem, nothing lost, the server goes on.

use crate::command::Place;
use crate::operator::Operator;
use crate::server::{Server, status, until};
use serde_json::{Value, json};

const PHONE: &str = "231990000001";

fn uuid(n: u32) -> String {
    format!("0d2c6f4a-0000-4000-8000-{n:012}")
}

/// A node that asks, saves the answer as `result` and goes on at node `next`, or ends.
fn asks(n: u32, text: &str, result: &str, next: Option<u32>) -> Value {
    json!({
        "uuid": uuid(n),
        "actions": [{ "type": "send_msg", "uuid": uuid(n + 1), "text": text }],
        "router": {
            "type": "switch", "operand": "@input.text", "result_name": result, "wait": { "type": "msg" }, "cases": [],
            "default_category_uuid": uuid(n + 2),
            "categories": [{ "uuid": uuid(n + 2), "name": "All Responses", "exit_uuid": uuid(n + 3) }],
        },
        "exits": [{ "uuid": uuid(n + 3), "destination_uuid": next.map(uuid) }],
    })
}

/// A server whose flow `Survey` asks for zone, beds and staff, in an order that is not the alphabet's, and says what it
/// heard.
fn surveying(operator: &Operator) -> Place {
    let place = Place::new();
    place.append(&operator.channel("tariff = { per_segment = \"0.01\", currency = \"USD\" }"));
    let thanks = json!({
        "uuid": uuid(40), "actions": [{ "type": "send_msg", "uuid": uuid(41), "text": "Heard @results.zone." }],
        "exits": [{ "uuid": uuid(42) }],
    });
    let flow = json!({
        "uuid": uuid(1), "name": "Survey", "spec_version": "13.1.0", "language": "eng", "type": "messaging",
        "localization": {}, "nodes": [
            asks(10, "Which zone?", "Zone", Some(30)), asks(20, "How many staff?", "Staff", Some(40)),
            asks(30, "How many beds?", "Beds", Some(20)), thanks,
        ],
    });
    let export = json!({
        "version": "13", "site": "https://mhero.example.org", "fields": [], "groups": [], "campaigns": [],
        "flows": [flow],
        "triggers": [{ "trigger_type": "K", "keyword": "survey", "flow": { "uuid": uuid(1), "name": "Survey" } }],
    });
    import(&place, "flow", "survey.json", export.to_string().as_bytes());
    import(&place, "registry", "workers.csv", b"name,phone,cadre\nAma Tarwo,0990000001,Nurse\n");
    place
}

fn import(place: &Place, command: &str, name: &str, content: &[u8]) {
    let path = place.data.with_file_name(name);
    std::fs::write(&path, content).unwrap();
    place.run(&[command, "import", path.to_str().unwrap()]).ok();
}

#[test]
fn an_operator_that_talks_nonsense_ends_nothing() {
    let operator = Operator::new();
    let place = surveying(&operator);
    let server = Server::start(&place);
    // A length that cannot be: the stream cannot be read any further, so the server comes anew.
    for garbage in [&b"\xff\xff\xff\xff\0\0\0\x05\0\0\0\0\0\0\0\x01"[..], b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let mut line = operator.accept();
        line.raw(garbage);
        while line.read().is_some() {}
    }
    let mut line = operator.accept();
    // PDUs that are whole and senseless are refused one by one, on the same connection.
    line.raw(&[0; 16]);
    let nack = line.read().unwrap();
    assert!(nack.command == 0x8000_0000 && nack.status != 0, "{nack:?}");
    line.write(0x0000_0777, 0, 900, b"what?");
    let nack = line.read().unwrap();
    assert!(nack.command == 0x8000_0000 && nack.status != 0 && nack.sequence == 900, "{nack:?}");
    assert_ne!(line.deliver(b""), 0);
    assert_ne!(line.deliver(b"\0\x01\x01231990000001\0\x03\x004321\0\0\0\0\0\0\0\0\0\0\xc8only these"), 0);
    // And it goes on.
    assert_eq!(line.says(PHONE, b"survey"), 0);
    // The word that starts a flow is also the answer to its first question.
    assert_eq!((line.taken().text, line.taken().text), ("Which zone?".into(), "How many beds?".into()));

    let large =
        server.http(b"POST /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\n");
    assert!(large.contains(" 413 ") && large.contains("http.body_limit_kb"), "{large}");
    let senseless = server.http(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n");
    assert!(senseless.is_empty() || senseless.contains(" 400 "), "{senseless}");
    assert!(server.http(b"GET /readyz HTTP/1.0\r\n\r\n").contains(" 200 "));
    server.stop();
}

#[test]
fn texts_with_nul_are_texts_without_it() {
    let operator = Operator::new();
    let place = surveying(&operator);
    let _server = Server::start(&place);
    let mut line = operator.accept();
    place.run(&["campaign", "start", "Survey", "--to", "cadre = nurse"]).ok();
    assert_eq!(line.taken().text, "Which zone?");
    for (answer, next) in [(&b"A\0 two"[..], "How many beds?"), (b"1\x002", "How many staff?"), (b"3", "Heard A two.")]
    {
        assert_eq!(line.says(PHONE, answer), 0);
        assert_eq!(line.taken().text, next);
    }
    // A sender whom nobody knows is kept, and somebody is told.
    assert_eq!(line.says("231990000077", b"\0who\0"), 0);
    until("it is on the work list", || {
        let problems = place.run(&["registry", "problems"]).ok().stdout;
        problems.contains("unknown_sender") && problems.contains("+231990000077")
    });
}

#[test]
fn a_campaign_is_reported_in_the_flows_order_and_ends() {
    let operator = Operator::new();
    let place = surveying(&operator);
    assert!(place.run(&["campaign", "list"]).ok().stdout.contains("no campaigns"));
    let none = place.run(&["campaign", "status"]);
    assert!(none.stderr.contains("no campaign has been started yet"), "{none:?}");
    let preview =
        place.run(&["--json", "campaign", "start", "Survey", "--to", "cadre = nurse", "--dry-run"]).ok().json();
    assert_eq!((&preview["segments"], &preview["conversation_segments"]), (&json!(1), &json!(4)), "{preview}");
    assert_eq!(preview["conversation_cost"], json!(["0.04", "USD"]), "{preview}");
    let shown = place.run(&["campaign", "start", "Survey", "--to", "cadre = nurse"]).ok().stdout;
    assert!(shown.contains("about 4 segments, 0.04 USD: an estimate"), "{shown}");
    assert!(shown.contains("No server is running"), "{shown}");
    let _server = Server::start(&place);
    let mut line = operator.accept();
    assert_eq!(line.taken().text, "Which zone?");
    for answer in ["A", "12", "3"] {
        assert_ne!(status(&place)["state"], "done");
        assert_eq!(line.says(PHONE, answer.as_bytes()), 0);
        line.taken();
    }
    until("everybody has finished", || status(&place)["state"] == "done");
    let report = status(&place);
    let names: Vec<&str> =
        report["questions"].as_array().unwrap().iter().filter_map(|question| question["name"].as_str()).collect();
    assert_eq!(names, ["Zone", "Beds", "Staff"], "{report}");
    let shown = place.run(&["campaign", "status"]).ok().stdout;
    assert!(shown.contains("Survey: done") && !shown.contains("UNKNOWN"), "{shown}");
    assert!(place.run(&["campaign", "list"]).ok().stdout.contains("done"));
    let over = place.run(&["campaign", "cancel"]);
    assert!(over.stderr.contains("is done and cannot become cancelled"), "{over:?}");
}
