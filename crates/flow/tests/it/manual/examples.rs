//! Expressions, router tests, actions and triggers.

use super::page::{Block, arrows, blocks};
use super::sample::{Ran, Sample};
use serde_json::{Value, json};

/// Runs all blocks of a kind; fails with everything that is not so.
fn check(kind: &str, run: impl Fn(&Block) -> Vec<String>) {
    let mut failures = Vec::new();
    for block in blocks(kind) {
        failures.extend(run(&block).into_iter().map(|failure| format!("{}: {failure}", block.place)));
    }
    assert!(failures.is_empty(), "{} examples fail\n{}", failures.len(), failures.join("\n"));
}

fn evaluated(ran: &Ran, place: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (template, expected) in arrows(place, text) {
        let given = ran.evaluate(&template);
        if given != expected {
            found.push(format!("{template}\n    is   {given}\n    not  {expected}"));
        }
    }
    found
}

#[test]
fn expressions_give_what_the_manual_says() {
    check("expression", |block| match Sample::new(&block.given).run() {
        Ok(ran) => evaluated(&ran, &block.place, &block.text),
        Err(error) => vec![error],
    });
}

/// The type and the arguments of `has_number_between(1, 10)`; a text in quotes is as it stands.
fn call(place: &str, line: &str) -> (String, Vec<String>) {
    let (kind, rest) = line.split_once('(').unwrap_or_else(|| panic!("{place}: {line} is no test"));
    let mut rest = rest.trim_end().strip_suffix(')').unwrap_or_else(|| panic!("{place}: {line} is not closed"));
    let mut arguments = Vec::new();
    while !rest.is_empty() {
        let (argument, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or_else(|| panic!("{place}: a quote is open")),
            None => rest.find(',').map_or((rest, ""), |at| rest.split_at(at)),
        };
        arguments.push(argument.trim().to_owned());
        rest = after.trim_start_matches(',').trim_start();
    }
    (kind.to_owned(), arguments)
}

/// What a router with one case makes of an operand: its value, `no match`, or an error.
fn routed(given: &Value, kind: &str, arguments: &[String], operand: &str) -> String {
    let id = |n: u32| format!("0192f3a0-0000-7000-8000-{n:012}");
    let operand = if operand.starts_with('@') { operand.to_owned() } else { operand.replace('@', "@@") };
    let mut sample = Sample::new(given);
    let node = sample.last_node();
    node["exits"] = json!([{"uuid": id(1)}, {"uuid": id(2)}]);
    node["router"] = json!({
        "type": "switch", "operand": operand, "result_name": "Tested",
        "cases": [{"uuid": id(3), "type": kind, "arguments": arguments, "category_uuid": id(4)}],
        "categories": [
            {"uuid": id(4), "name": "Match", "exit_uuid": id(1)}, {"uuid": id(5), "name": "Other", "exit_uuid": id(2)},
        ],
        "default_category_uuid": id(5),
    });
    let ran = match sample.run() {
        Ok(ran) => ran,
        Err(error) => return error,
    };
    let events = ran.events();
    let result = events.iter().find(|e| e["name"] == "Tested").filter(|result| result["category"] == "Match");
    let error = events.iter().find(|e| e["type"] == "error");
    match (result, error) {
        (Some(result), _) if result["value"] == "" => "(empty)".to_owned(),
        (Some(result), _) => result["value"].as_str().unwrap_or_default().to_owned(),
        (None, Some(error)) => format!("error: {}", error["text"].as_str().unwrap_or_default()),
        (None, None) => "no match".to_owned(),
    }
}

#[test]
fn router_tests_give_what_the_manual_says() {
    check("test", |block| {
        let (head, rest) = block.text.split_once('\n').unwrap_or((&block.text, ""));
        let (kind, arguments) = call(&block.place, head);
        let mut found = Vec::new();
        for (operand, expected) in arrows(&block.place, rest) {
            let given = routed(&block.given, &kind, &arguments, &operand);
            if given != expected {
                found.push(format!("{head} of {operand}\n    is   {given}\n    not  {expected}"));
            }
        }
        found
    });
}

/// Puts an action where the sample waits.
fn with_action(block: &Block, action: Option<&Value>) -> Result<Ran, String> {
    let mut sample = match block.option.as_str() {
        "voice" => Sample::voice(&block.given),
        "" => Sample::new(&block.given),
        other => return Err(format!("'{other}' says nothing")),
    };
    if let Some(action) = action {
        let mut action = action.clone();
        action["uuid"] = json!("0192f3a0-0000-7000-8000-000000000009");
        sample.last_node()["actions"].as_array_mut().expect("actions").insert(0, action);
    }
    sample.run()
}

/// Whether an event is as the manual writes it: `…` is anything.
fn same(expected: &Value, given: &Value) -> bool {
    match (expected, given) {
        (Value::String(any), _) if any == "…" => true,
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a == b,
    }
}

/// What the events of one sprint have that those of another lack: everything but what both begin and end with.
fn added(plain: &[Value], with: &[Value]) -> Vec<Value> {
    let alike = |(a, b): &(&Value, &Value)| without_run(a) == without_run(b);
    let front = plain.iter().zip(with).take_while(alike).count();
    let back = plain[front..].iter().rev().zip(with[front..].iter().rev()).take_while(alike).count();
    with[front..with.len() - back].to_vec()
}

fn without_run(event: &Value) -> Value {
    let mut event = event.clone();
    if let Some(members) = event.as_object_mut() {
        members.remove("run_uuid");
    }
    event
}

#[test]
fn actions_do_what_the_manual_says() {
    check("action", |block| {
        let action: Value = serde_json::from_str(&block.text).unwrap_or_else(|e| panic!("{}: {e}", block.place));
        let (plain, ran) = match (with_action(block, None), with_action(block, Some(&action))) {
            (Ok(plain), Ok(ran)) => (plain, ran),
            (Err(error), _) | (_, Err(error)) => return vec![error],
        };
        let mut found = evaluated(&ran, &block.place, &block.after);
        let given = added(&plain.events(), &ran.events());
        let lines = block.events.as_deref().unwrap_or_default().lines().filter(|line| !line.is_empty());
        let expected: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{}: {line}: {e}", block.place)))
            .collect();
        if expected.len() != given.len() || !expected.iter().zip(&given).all(|(a, b)| same(a, b)) {
            let given: Vec<String> = given.iter().map(Value::to_string).collect();
            found.push(format!("the events are\n{}", given.join("\n")));
        }
        if block.events.is_none() && block.after.is_empty() {
            found.push("says nothing of what the action does".to_owned());
        }
        found
    });
}

#[test]
fn triggers_are_seen_as_the_manual_says() {
    check("trigger", |block| {
        let mut sample = Sample::new(&block.given);
        let trigger: Value = serde_json::from_str(&block.text).unwrap_or_else(|e| panic!("{}: {e}", block.place));
        assert_eq!(trigger["type"], block.section.as_str(), "{}", block.place);
        let flow = sample.case["trigger"]["flow"].clone();
        sample.case["trigger"] = trigger;
        sample.case["trigger"]["flow"] = flow;
        sample.case["trigger"]["triggered_on"] = sample.case["now"].clone();
        match sample.run() {
            Ok(_) if block.after.is_empty() => vec!["says nothing of what expressions see".to_owned()],
            Ok(ran) => evaluated(&ran, &block.place, &block.after),
            Err(error) => vec![error],
        }
    });
}
