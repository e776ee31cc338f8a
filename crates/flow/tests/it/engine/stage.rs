//! A small workspace and a contact, on which one rule at a time is tried.

use flow::Assets;
use flow::simulate::{Case, Replayed};
use serde_json::{Value, json};

pub(super) const NODE: &str = "0192f3a0-0000-7000-8000-0000000000a1";
pub(super) const ACTION: &str = "0192f3a0-0000-7000-8000-0000000000b1";
pub(super) const EXIT: &str = "0192f3a0-0000-7000-8000-0000000000c1";
pub(super) const CHANNEL: &str = "0192f3a0-0000-7000-8000-0000000000d1";
pub(super) const CHAT: &str = "0192f3a0-0000-7000-8000-0000000000d2";

/// A flow, what it refers to, and what happens to it.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) assets: Value,
    pub(super) case: Value,
}

/// What a flow did.
pub(super) struct Played {
    pub(super) report: Value,
    replayed: Replayed,
    case: Case,
    assets: Assets,
}

impl Stage {
    pub(super) fn new() -> Self {
        let flow = json!({
            "uuid": "0192f3a0-0000-7000-8000-000000000001", "name": "Check", "spec_version": "14.4.2", "language": "eng",
            "type": "messaging", "localization": {},
            "nodes": [{"uuid": NODE, "actions": [], "exits": [{"uuid": EXIT}]}],
        });
        let other = |last: u8, name: &str, kind: &str| {
            json!({
                "uuid": format!("0192f3a0-0000-7000-8000-0000000000e{last}"), "name": name, "spec_version": "14.4.2",
                "language": "eng", "type": kind, "nodes": [],
            })
        };
        let assets = json!({
            "flows": [flow, other(1, "Other", "messaging"), other(2, "Calling", "voice"), other(3, "Quiet", "messaging_background")],
            "channels": [
                {"uuid": CHANNEL, "name": "Lonestar", "address": "8080", "schemes": ["tel"], "roles": ["send", "receive"], "country": "LR"},
                {"uuid": CHAT, "name": "Chat", "address": "bot", "schemes": ["telegram"], "roles": ["send", "receive"]},
                {"uuid": "0192f3a0-0000-7000-8000-0000000000d3", "name": "Deaf", "address": "1", "schemes": ["tel"], "roles": ["receive"]},
            ],
            "fields": [
                {"uuid": "0192f3a0-0000-7000-8000-0000000000f1", "key": "cadre", "name": "Cadre", "type": "text"},
                {"uuid": "0192f3a0-0000-7000-8000-0000000000f2", "key": "age", "name": "Age", "type": "number"},
            ],
            "groups": [
                {"uuid": "0192f3a0-0000-7000-8000-000000000011", "name": "Midwives"},
                {"uuid": "0192f3a0-0000-7000-8000-000000000012", "name": "Adults", "query": "age >= 18"},
                {"uuid": "0192f3a0-0000-7000-8000-000000000013", "name": "Nurses"},
            ],
            "labels": [{"uuid": "0192f3a0-0000-7000-8000-000000000021", "name": "Urgent"}],
            "topics": [{"uuid": "0192f3a0-0000-7000-8000-000000000031", "name": "General"}],
            "users": [{"uuid": "0192f3a0-0000-7000-8000-000000000041", "name": "Ben", "email": "ben@example.org"}],
            "llms": [
                {"uuid": "0192f3a0-0000-7000-8000-000000000051", "name": "Model", "type": "test", "roles": ["engine"]},
                {"uuid": "0192f3a0-0000-7000-8000-000000000052", "name": "Editor", "type": "test", "roles": ["editing"]},
            ],
            "resthooks": [{"slug": "new-answer", "subscribers": ["http://a.example.org/", "http://b.example.org/"]}],
            "globals": [{"key": "office", "name": "Office", "value": "Monrovia"}],
        });
        let case = json!({
            "now": "2026-11-23T09:00:00Z",
            "environment": {"default_country": "LR", "allowed_languages": ["eng", "fra"]},
            "contact": {
                "uuid": "0192f3a0-0000-7000-8000-000000000002", "id": 7, "name": "Ama Kollie", "language": "eng",
                "status": "active", "created_on": "2026-01-01T00:00:00Z",
                "urns": ["tel:+231990000001", "telegram:12345#ama"],
                "groups": [{"uuid": "0192f3a0-0000-7000-8000-000000000011", "name": "Midwives"}],
                "fields": {"cadre": {"text": "midwife"}},
            },
            "trigger": {
                "type": "manual", "triggered_on": "2026-11-23T09:00:00Z",
                "flow": {"uuid": "0192f3a0-0000-7000-8000-000000000001", "name": "Check"},
            },
            "resumes": [],
        });
        Self { assets, case }
    }

    /// With one action at its only node; the action's UUID is added.
    pub(super) fn action(kind: &str, members: &Value) -> Self {
        let mut action = json!({"uuid": ACTION, "type": kind});
        let all = action.as_object_mut().expect("an object");
        all.extend(members.as_object().expect("members").clone());
        Self::new().node("actions", json!([action]))
    }

    /// With a member of its first node.
    pub(super) fn node(self, key: &str, value: Value) -> Self {
        self.flow(&format!("/nodes/0/{key}"), value)
    }

    /// With a part of its first flow.
    pub(super) fn flow(mut self, pointer: &str, value: Value) -> Self {
        put(&mut self.assets["flows"][0], pointer, value);
        self
    }

    /// With a part of its case.
    pub(super) fn case(mut self, pointer: &str, value: Value) -> Self {
        put(&mut self.case, pointer, value);
        self
    }

    /// With a message of the contact as trigger.
    pub(super) fn message(self, text: &str) -> Self {
        let event = message(text);
        self.case("/trigger/type", json!("msg")).case("/trigger/event", event)
    }

    /// With replies of the contact.
    pub(super) fn replies(mut self, texts: &[&str]) -> Self {
        let resume = |text: &&str| json!({"type": "msg", "resumed_on": "2026-11-23T09:00:00Z", "event": message(text)});
        self.case["resumes"] = texts.iter().map(resume).collect();
        self
    }

    pub(super) fn try_play(&self) -> Result<Played, String> {
        let assets = Assets::read(&self.assets).map_err(|e| e.to_string())?;
        let case = Case::read(&self.case.to_string()).map_err(|e| e.to_string())?;
        let replayed = case.run(&assets).map_err(|e| e.to_string())?;
        let report = serde_json::to_value(&replayed.report).map_err(|e| e.to_string())?;
        Ok(Played { report, replayed, case, assets })
    }

    pub(super) fn play(&self) -> Played {
        self.try_play().expect("it can be run")
    }

    /// The events of the last sprint, without those of runs, and without ids and times.
    pub(super) fn events(&self) -> Vec<Value> {
        self.play().events()
    }
}

fn message(text: &str) -> Value {
    json!({
        "uuid": "0192f3a0-0000-7000-8000-000000000091", "type": "msg_received", "created_on": "2026-11-23T09:00:00Z",
        "msg": {"urn": "tel:+231990000001", "text": text, "channel": {"uuid": CHANNEL, "name": "Lonestar"}},
    })
}

fn put(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = document.pointer_mut(parent).expect("a parent");
    match parent {
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
        parent => parent[key] = value,
    }
}

impl Played {
    /// The events of the last sprint, without those of runs, and without ids and times.
    pub(super) fn events(&self) -> Vec<Value> {
        let last = self.report["outputs"].as_array().and_then(|outputs| outputs.last()).expect("an output");
        let events = last["events"].as_array().expect("events").iter().cloned().map(|mut event| {
            let members = event.as_object_mut().expect("an event");
            for key in ["uuid", "created_on", "elapsed_ms", "sizes", "expires_on"] {
                members.remove(key);
            }
            event
        });
        events.filter(|event| event["type"] != "run_started" && event["type"] != "run_ended").collect()
    }

    /// Types of all events of a sprint, those of runs with their status.
    pub(super) fn course(&self, sprint: usize) -> Vec<String> {
        let events = self.report["outputs"][sprint]["events"].as_array().expect("events");
        let told = |event: &Value| {
            let kind = event["type"].as_str().expect("a type");
            event["status"].as_str().filter(|_| kind == "run_ended").map_or(kind.to_owned(), |s| format!("{kind} {s}"))
        };
        events.iter().map(told).collect()
    }

    pub(super) fn contact(&self) -> &Value {
        &self.report["contact"]
    }

    /// The session after the last sprint.
    pub(super) fn session(&self) -> &Value {
        &self.report["outputs"].as_array().and_then(|outputs| outputs.last()).expect("an output")["session"]
    }

    /// What a template gives as JSON at the end; an error is its text.
    pub(super) fn value(&self, template: &str) -> Value {
        let found = self.case.evaluate(&self.assets, &self.replayed, None, &[template.to_owned()]).remove(0);
        match found.errors.first() {
            Some(error) => json!(error.text),
            None => found.value.to_json(),
        }
    }
}
