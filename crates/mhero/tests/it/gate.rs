//! What protects people, from the configuration to the operator's side of the connection.

use crate::command::Place;
use crate::operator::{Line, Operator, Submit};
use crate::server::{Server, status, until, until_count};
use serde_json::{Value, json};

/// Ama and Cerue read English, Bendu French; Cerue has two numbers.
const WORKERS: &str = "name,phone,cadre,county,language\n\
    Ama Tarwo,0990000001,Nurse,Bong,eng\n\
    Bendu Zayzay,0990000002,Midwife,Bong,fra\n\
    Cerue Fallah,0990000003 / 0990000004,Nurse,Nimba,eng\n";
const AMA: &str = "231990000001";
const BENDU: &str = "231990000002";
const CERUE: &str = "231990000003";
const CERUE_TOO: &str = "231990000004";

fn uuid(n: u32) -> String {
    format!("7b1f0c2e-0000-4000-8000-{n:012}")
}

/// A flow of one node.
fn flow(n: u32, name: &str, action: Value) -> Value {
    let mut action = action;
    action["uuid"] = json!(uuid(n * 10 + 1));
    json!({
        "uuid": uuid(n * 10), "name": name, "spec_version": "13.1.0", "language": "eng", "type": "messaging",
        "localization": {},
        "nodes": [{ "uuid": uuid(n * 10 + 2), "actions": [action], "exits": [{ "uuid": uuid(n * 10 + 3) }] }],
    })
}

fn keyword(word: &str, n: u32, name: &str, more: Value) -> Value {
    let mut trigger = json!({
        "trigger_type": "K", "keyword": word, "flow": { "uuid": uuid(n * 10), "name": name },
        "groups": [], "exclude_groups": [], "channel": null,
    });
    trigger.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    trigger
}

/// A flow for campaigns, one that a word starts, and one that blocks who asks for it.
fn flows() -> String {
    json!({
        "version": "13", "site": "https://mhero.example.org", "campaigns": [], "fields": [],
        "groups": [{ "uuid": uuid(900), "name": "Trainers", "query": null }],
        "triggers": [
            keyword("greet", 2, "Greeted", json!({})),
            keyword("leave", 3, "Leave", json!({})),
            keyword("train", 4, "Training", json!({ "groups": [{ "uuid": uuid(900), "name": "Trainers" }] })),
            keyword("visit", 4, "Training", json!({ "exclude_groups": [{ "uuid": uuid(900), "name": "Trainers" }] })),
        ],
        "flows": [
            flow(1, "News", json!({ "type": "send_msg", "text": "News for you" })),
            flow(2, "Greeted", json!({ "type": "send_msg", "text": "Hello" })),
            flow(3, "Leave", json!({ "type": "set_contact_status", "status": "blocked" })),
            flow(4, "Training", json!({ "type": "send_msg", "text": "Training is on Monday" })),
        ],
    })
    .to_string()
}

/// An installation with workers, flows, an operator, and these settings.
fn installed(operator: &Operator, settings: &str, channel: &str) -> Place {
    let place = Place::new();
    configure(&place, operator, settings, channel);
    for (name, content, command) in [("workers.csv", WORKERS.to_owned(), "registry"), ("flows.json", flows(), "flow")] {
        let path = place.data.with_file_name(name);
        std::fs::write(&path, content).unwrap();
        place.run(&[command, "import", path.to_str().unwrap()]).ok();
    }
    place
}

fn configure(place: &Place, operator: &Operator, settings: &str, channel: &str) {
    let text = format!(
        "region = \"LR\"\n[ministry]\nname = \"MOH Liberia\"\nlanguages = [\"eng\", \"fra\"]\n[gate]\n{settings}\n{}",
        operator.channel(channel)
    );
    std::fs::write(place.data.join("mhero.toml"), text).unwrap();
}

fn start(place: &Place) {
    place.run(&["campaign", "start", "News", "--to", "worker.status = active"]).ok();
}

/// The next `n` messages, by number.
fn messages(line: &mut Line, n: usize) -> Vec<(String, String)> {
    let mut found: Vec<_> = (0..n).map(|_| line.taken()).map(|Submit { to, text, .. }| (to, text)).collect();
    found.sort();
    found
}

fn message(to: &str, text: &str) -> (String, String) {
    (to.to_owned(), text.to_owned())
}

#[test]
fn a_stop_is_heard_by_what_already_waits() {
    let operator = Operator::new();
    let place = installed(&operator, "countries = [\"231\"]", "window = 1");
    let _server = Server::start(&place);
    let mut line = operator.accept();
    start(&place);
    // The first fills the window; the others have passed the gate once and wait.
    let first = line.submit();
    until_count(&place, "queued", 3);
    let stops = if first.to == BENDU { (CERUE_TOO, "STOP", CERUE) } else { (BENDU, "Arret!", BENDU) };
    assert_eq!(line.says(stops.0, stops.1.as_bytes()), 0);
    line.take(&first);
    let after = messages(&mut line, 2);
    let (confirmed, news): (Vec<_>, Vec<_>) = after.into_iter().partition(|(_, text)| text.starts_with("MOH Liberia"));
    assert_eq!(confirmed.len(), 1, "{confirmed:?} {news:?}");
    assert_eq!(confirmed[0].0, stops.0);
    let words = if stops.0 == BENDU { "vous ne recevrez plus de messages" } else { "no more messages" };
    assert!(confirmed[0].1.contains(words), "{confirmed:?}");
    assert!(news.iter().all(|(to, text)| text == "News for you" && *to != stops.2), "{news:?}");
    let report = until_count(&place, "sent", 2);
    assert_eq!(report["reasons"], json!({ "opted_out": 1 }), "{report}");

    // Who has stopped is left out, whatever the number; START brings them back.
    let left_out = |place: &Place| {
        let arguments = ["--json", "campaign", "start", "News", "--to", "worker.status = active", "--dry-run"];
        place.run(&arguments).ok().json()["left_out"].clone()
    };
    assert_eq!(left_out(&place), json!({ "opted_out": 1 }));
    assert_eq!(line.says(stops.0, b"greet"), 0);
    assert_eq!(line.says(stops.0, b"START"), 0);
    let back = line.taken();
    assert!(back.to == stops.0 && back.text.starts_with("MOH Liberia"), "no answer to greet, one to START: {back:?}");
    until("nobody is left out", || left_out(&place) == json!({}));
    // Written otherwise than before, for the same words again within minutes may be the operator's repetition.
    assert_eq!(line.says(stops.0, b"Greet me"), 0);
    let hello = line.taken();
    assert!(hello.text == "Hello" && [stops.0, stops.2].contains(&hello.to.as_str()), "{hello:?}");
}

#[test]
fn who_is_blocked_meanwhile_gets_nothing_that_waits() {
    let operator = Operator::new();
    let place = installed(&operator, "", "window = 1");
    let _server = Server::start(&place);
    let mut line = operator.accept();
    start(&place);
    let first = line.submit();
    until_count(&place, "queued", 3);
    let leaves = if first.to == AMA { BENDU } else { AMA };
    assert_eq!(line.says(leaves, b"leave"), 0);
    until("it is known", || {
        let query = format!("tel = +{leaves} AND status = blocked");
        place.run(&["--json", "audience", "count", &query]).ok().json()["count"] == 1
    });
    line.take(&first);
    let last = line.taken();
    assert!(last.to != leaves && last.to != first.to, "{last:?}");
    let report = until_count(&place, "sent", 2);
    assert_eq!(report["reasons"], json!({ "blocked": 1 }), "{report}");
}

#[test]
fn quiet_hours_hold_what_nobody_asked_for_and_no_reply() {
    let operator = Operator::new();
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let clock = |hours: i64| now.saturating_add(jiff::Span::new().hours(hours)).strftime("%H:%M").to_string();
    let quiet = format!("quiet_hours = {{ from = \"{}\", to = \"{}\" }}", clock(-2), clock(2));
    // They begin while the messages wait: the gate's second pass holds them.
    let place = installed(&operator, "", "window = 1");
    let server = Server::start(&place);
    let mut line = operator.accept();
    start(&place);
    let first = line.submit();
    until_count(&place, "queued", 3);
    line.take(&first);
    let second = line.submit();
    until_count(&place, "sent", 1);
    line.take(&second);
    let third = line.submit();
    until_count(&place, "sent", 2);
    line.take(&third);
    until_count(&place, "sent", 3);
    server.stop();
    configure(&place, &operator, &quiet, "");
    let server = Server::start(&place);
    let mut line = operator.accept();
    start(&place);
    until_count(&place, "queued", 3);
    assert_eq!(line.says(AMA, b"greet"), 0);
    assert_eq!(messages(&mut line, 1), [message(AMA, "Hello")]);
    assert_eq!(status(&place)["all"]["queued"], 3);
    server.stop();
    configure(&place, &operator, "", "");
    let _server = Server::start(&place);
    let mut line = operator.accept();
    let news = [AMA, BENDU, CERUE].map(|to| message(to, "News for you"));
    assert_eq!(messages(&mut line, 3), news);
}

#[test]
fn a_cap_limits_what_nobody_asked_for() {
    let operator = Operator::new();
    let place = installed(&operator, "per_contact_cap = { messages = 1, per = \"24h\" }", "");
    let _server = Server::start(&place);
    let mut line = operator.accept();
    start(&place);
    messages(&mut line, 3);
    until_count(&place, "sent", 3);
    start(&place);
    let report = until_count(&place, "refused", 3);
    assert_eq!(report["reasons"], json!({ "cap": 3 }), "{report}");
    assert!(place.run(&["campaign", "status"]).ok().stdout.contains("3: had as many messages as the cap allows"));
    assert_eq!(line.says(AMA, b"greet"), 0);
    assert_eq!(messages(&mut line, 1), [message(AMA, "Hello")]);
}

#[test]
fn only_countries_of_the_list_are_written_to() {
    let operator = Operator::new();
    let place = installed(&operator, "countries = [\"250\"]", "");
    let refused = place.run(&["campaign", "start", "News", "--to", "worker.status = active"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("3 left out (a country that is not allowed)"), "{refused:?}");
    let server = Server::start(&place);
    let mut line = operator.accept();
    assert_eq!(line.says(AMA, b"greet"), 0, "it is kept; its reply is not sent");
    until("it has been handled", || place.run(&["--json", "audit"]).ok().json()["inbox"] == 0);
    server.stop();
    configure(&place, &operator, "countries = [\"231\"]", "");
    let _server = Server::start(&place);
    let mut line = operator.accept();
    assert_eq!(line.says(BENDU, b"greet"), 0);
    assert_eq!(messages(&mut line, 1), [message(BENDU, "Hello")]);
}

#[test]
fn a_paused_campaign_holds_what_waits_and_a_cancelled_one_drops_it() {
    let operator = Operator::new();
    let place = installed(&operator, "", "window = 2");
    let _server = Server::start(&place);
    let mut line = operator.accept();
    start(&place);
    let (first, second) = (line.submit(), line.submit());
    until_count(&place, "queued", 3);
    assert_eq!(place.run(&["--json", "campaign", "pause"]).ok().json()["state"], "paused");
    line.take(&first);
    line.take(&second);
    until_count(&place, "sent", 2);
    assert_eq!(line.says(first.to.as_str(), b"greet"), 0);
    assert_eq!(messages(&mut line, 1), [message(&first.to, "Hello")]);
    place.run(&["campaign", "resume"]).ok();
    let last = line.taken();
    assert!(last.text == "News for you" && last.to != first.to && last.to != second.to, "{last:?}");
    until("everybody has finished", || status(&place)["state"] == "done");

    start(&place);
    let (first, second) = (line.submit(), line.submit());
    until_count(&place, "queued", 3);
    place.run(&["campaign", "cancel"]).ok();
    line.take(&first);
    line.take(&second);
    let report = until_count(&place, "refused", 1);
    assert_eq!((&report["state"], &report["reasons"]), (&json!("cancelled"), &json!({ "cancelled": 1 })), "{report}");
    let again = place.run(&["campaign", "resume"]);
    assert!(again.code == 1 && again.stderr.contains("is cancelled and cannot become running"), "{again:?}");
}

#[test]
fn a_keyword_for_a_group_is_not_for_everybody() {
    let operator = Operator::new();
    let place = installed(&operator, "", "");
    let path = place.data.with_file_name("flows.json");
    let shown = place.run(&["flow", "import", path.to_str().unwrap()]).ok().stdout;
    assert!(shown.contains("keyword train: only for members of Trainers"), "{shown}");
    assert!(shown.contains("keyword visit: not for members of Trainers"), "{shown}");
    let _server = Server::start(&place);
    let mut line = operator.accept();
    // Nobody is in the group: what comes back is the answer to the second word alone.
    assert_eq!(line.says(AMA, b"train"), 0);
    assert_eq!(line.says(AMA, b"visit"), 0);
    assert_eq!(messages(&mut line, 1), [message(AMA, "Training is on Monday")]);
    assert_eq!(line.says(AMA, b"greet"), 0);
    assert_eq!(messages(&mut line, 1), [message(AMA, "Hello")]);
}

#[test]
fn an_answer_goes_to_the_number_that_wrote() {
    let operator = Operator::new();
    let place = installed(&operator, "", "");
    let _server = Server::start(&place);
    let mut line = operator.accept();
    assert_eq!(line.says(CERUE_TOO, b"greet"), 0);
    assert_eq!(messages(&mut line, 1), [message(CERUE_TOO, "Hello")]);
    assert_eq!(line.says(CERUE, b"greet"), 0);
    assert_eq!(messages(&mut line, 1), [message(CERUE, "Hello")]);
}
