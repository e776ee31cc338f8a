//! Documents in the form in which they are compared: nulls are absent, ids made here are numbered by appearance, and
//! what depends on the clock is masked.

use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt::Write as _;

const MASKED: [&str; 9] = [
    "created_on",
    "modified_on",
    "exited_on",
    "arrived_on",
    "expires_on",
    "elapsed_ms",
    "time",
    "sizes",
    "external_id",
];
const HEADERS: [&str; 7] =
    ["user-agent", "accept-encoding", "accept", "content-length", "connection", "date", "transfer-encoding"];

/// Brings documents into the form in which they are compared.
pub(super) struct Canon {
    known: HashSet<String>,
    numbered: HashMap<String, usize>,
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes
            .iter()
            .enumerate()
            .all(|(i, b)| if [8, 13, 18, 23].contains(&i) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

/// The places of UUIDs in a text.
fn uuids(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at + 36 <= bytes.len() {
        if is_uuid(&bytes[at..at + 36]) {
            found.push(at);
            at += 36;
        } else {
            at += 1;
        }
    }
    found
}

/// Replaces timestamps within an hour after the clock of the cases.
fn without_now(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("2025-05-0") {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || "-:.+".contains(c))).unwrap_or(tail.len());
        let stamp = &tail[..end];
        let start: jiff::Timestamp = "2025-05-04T12:30:45.123456Z".parse().expect("a timestamp");
        let now =
            stamp.parse::<jiff::Timestamp>().is_ok_and(|t| (0..3600).contains(&t.duration_since(start).as_secs()));
        out.push_str(if now { "<now>" } else { stamp });
        rest = &tail[end..];
    }
    out + rest
}

impl Canon {
    /// Ids that occur in `inputs` are compared as they are.
    pub(super) fn new(inputs: &[&Value]) -> Self {
        let known = inputs.iter().flat_map(|v| {
            let text = v.to_string().to_lowercase();
            uuids(&text).into_iter().map(|at| text[at..at + 36].to_owned()).collect::<Vec<_>>()
        });
        Self { known: known.collect(), numbered: HashMap::new() }
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        if text.contains("{\n") {
            text = text.split('\n').map(str::trim).collect::<String>().replace("\": ", "\":");
        }
        let mut out = String::new();
        let mut from = 0;
        for at in uuids(&text) {
            let uuid = text[at..at + 36].to_lowercase();
            out.push_str(&text[from..at]);
            if self.known.contains(&uuid) {
                out.push_str(&uuid);
            } else {
                let next = self.numbered.len() + 1;
                _ = write!(out, "<uuid:{}>", self.numbered.entry(uuid).or_insert(next));
            }
            from = at + 36;
        }
        out.push_str(&text[from..]);
        without_now(&out)
    }

    fn http(&mut self, text: &str, request: bool) -> Value {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        let start = if request {
            first.iter().take(2).copied().collect::<Vec<_>>().join(" ")
        } else {
            first.get(1).unwrap_or(&"").to_string()
        };
        let mut headers: Vec<String> = lines
            .filter_map(|l| l.split_once(':'))
            .map(|(k, v)| (k.trim().to_lowercase(), v.trim()))
            .filter(|(k, _)| !HEADERS.contains(&k.as_str()))
            .map(|(k, v)| format!("{k}: {v}"))
            .collect();
        headers.sort();
        let body: String = body.chars().take(9000).collect();
        let body = match serde_json::from_str::<Value>(&body) {
            Ok(json) if json.is_object() || json.is_array() => self.value(&json, "", false),
            _ => json!(self.text(&body)),
        };
        json!({"start": start, "headers": headers, "body": body})
    }

    pub(super) fn value(&mut self, value: &Value, key: &str, in_call: bool) -> Value {
        match value {
            Value::Object(members) => {
                let mut names: Vec<&String> = members.keys().collect();
                names.sort();
                let mut out = Map::new();
                for name in names {
                    let member = &members[name];
                    let header = key == "headers" && HEADERS.contains(&name.to_lowercase().as_str());
                    if member.is_null() || header {
                        continue;
                    }
                    let shown = if key == "headers" { name.to_lowercase() } else { self.text(name) };
                    let value = if MASKED.contains(&name.as_str()) {
                        json!("<masked>")
                    } else {
                        self.value(member, name, members.contains_key("url"))
                    };
                    out.insert(shown, value);
                }
                Value::Object(out)
            }
            Value::Array(items) => Value::Array(items.iter().map(|v| self.value(v, "", false)).collect()),
            Value::Number(number) => match number.as_f64() {
                Some(n) if n.fract() == 0.0 && n.abs() < 1e15 => json!(n as i64),
                _ => value.clone(),
            },
            Value::String(text) if in_call && matches!(key, "request" | "response") && !text.is_empty() => {
                self.http(text, key == "request")
            }
            Value::String(text) if matches!(key, "triggered_on" | "resumed_on" | "last_seen_on" | "seen_on") => {
                text.parse::<jiff::Timestamp>().map_or_else(|_| value.clone(), |t| json!(t.to_string()))
            }
            Value::String(text) => json!(self.text(text)),
            other => other.clone(),
        }
    }
}

/// The first few differences between two documents.
pub(super) fn differences(want: &Value, got: &Value, path: &str, found: &mut Vec<String>) {
    if found.len() >= 5 {
        return;
    }
    match (want, got) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let null = Value::Null;
                differences(
                    a.get(name).unwrap_or(&null),
                    b.get(name).unwrap_or(&null),
                    &format!("{path}.{name}"),
                    found,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| differences(a, b, &format!("{path}[{i}]"), found));
        }
        _ if want == got => {}
        _ => found.push(format!("{path}: expected {want}, got {got}")),
    }
}
