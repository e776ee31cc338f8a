//! Whole conversations with the flows of the sample.

use super::page::blocks;
use super::sample::Sample;
use flow::simulate::{Conversation, Reply, ServiceOptions, Services};
use flow::{Assets, Contact, Engine, Environment, Event, EventKind};
use serde_json::Value;

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("the sample can be read")
}

/// What a person at the phone notices, and what is recorded.
fn heard(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match &event.kind {
        EventKind::MsgCreated { msg } => {
            let replies: Vec<String> = msg.quick_replies.iter().map(|r| format!(" [{}]", r.text)).collect();
            Some(format!("mhero: {}{}", msg.text, replies.concat()))
        }
        EventKind::IvrCreated { msg } => Some(format!("mhero says: {}", msg.text)),
        EventKind::DialWait { urn, .. } => Some(format!("mhero calls {urn}")),
        EventKind::RunResultChanged { name, value, category, .. } => {
            let value = if value.is_empty() { "(empty)" } else { value };
            Some(format!("recorded: {name} = {value}, category {category}"))
        }
        EventKind::Error { text, .. } | EventKind::Failure { text } => Some(format!("problem: {text}")),
        _ => None,
    };
    events.iter().filter_map(line).collect()
}

#[test]
fn conversations_go_as_the_manual_says() {
    for block in blocks("conversation") {
        let mut sample = Sample::new(&block.given);
        let assets = Assets::read(&sample.assets).expect("assets");
        let (head, rest) = block.text.split_once('\n').unwrap_or((&block.text, ""));
        let name = head.strip_prefix("flow: ").unwrap_or_else(|| panic!("{}: name the flow first", block.place));
        let flow = assets.usable_flow(&read(&sample.flow(name)["uuid"])).expect("a flow that can be read");
        let (environment, contact): (Environment, Contact) =
            (read(&sample.case["environment"]), read(&sample.case["contact"]));
        let now = read(&sample.case["now"]);
        let mut services = Services::new(&ServiceOptions::default(), read(&sample.case["http_mocks"]));
        let mut answer = |request| services.answer(request);
        let mut talk = Conversation::new(Engine::default(), assets.clone(), environment, contact, 1);
        let mut lines = heard(&talk.start(&flow, now, &mut answer).expect("starts"));
        for line in rest.lines() {
            let reply = match line {
                "(no answer in time)" => Reply::Timeout,
                "(the flow expires)" => Reply::Expire,
                _ => match (line.strip_prefix("Ama: "), line.strip_prefix("(the call: ")) {
                    (Some(text), _) => Reply::Text(text.to_owned()),
                    (_, Some(status)) => Reply::Dial(status.trim_end_matches(')').to_owned()),
                    _ => continue,
                },
            };
            lines.push(line.to_owned());
            let events = talk.reply(reply, now, &mut answer).unwrap_or_else(|e| panic!("{}: {line}: {e}", block.place));
            lines.extend(heard(&events));
        }
        if !talk.is_waiting() {
            lines.push("(the end)".to_owned());
        }
        assert_eq!(rest, lines.join("\n"), "{}", block.place);
    }
}
