//! What a conversation did, as lines that people read: to be looked at, and to be compared with what it did before.

use serde_json::Value;

/// Members of events that differ from one run to the next, or that say nothing to people.
const LEFT_OUT: [&str; 14] = [
    "uuid",
    "type",
    "created_on",
    "modified_on",
    "last_seen_on",
    "run_uuid",
    "parent_uuid",
    "ticket_uuid",
    "input_uuid",
    "expires_on",
    "elapsed_ms",
    "sizes",
    "request",
    "run_summary",
];

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// There before and now.
    Same(String),
    /// There before, not now.
    Gone(String),
    /// There now, not before.
    New(String),
}

/// The lines of a report: one for each event, under the sprint that made it, and how the contact is left. Ids and times
/// are left out.
pub fn transcript(report: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, output) in list(&report["outputs"]).iter().enumerate() {
        lines.push(if i == 0 { "start".to_owned() } else { format!("resume {i}") });
        lines.extend(list(&output["events"]).iter().map(|event| {
            let members = members(event);
            let space = if members.is_empty() { "" } else { "  " };
            format!("  {}{space}{members}", text(&event["type"]))
        }));
        lines.push(format!("  = session {}", text(&output["session"]["status"])));
    }
    lines.push(format!("contact  {}", members(&report["contact"])));
    lines
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn members(of: &Value) -> String {
    let all = of.as_object().into_iter().flatten();
    let mut shown: Vec<_> =
        all.filter(|(name, value)| !LEFT_OUT.contains(&name.as_str()) && !value.is_null()).collect();
    shown.sort_by_key(|(name, _)| *name);
    shown.into_iter().map(|(name, value)| format!("{name}={}", short(value))).collect::<Vec<_>>().join(" ")
}

/// A value in a few characters: what has a name is called by it.
fn short(value: &Value) -> String {
    match value {
        Value::Object(object) => match object.get("name").or_else(|| object.get("key")) {
            Some(Value::String(name)) if object.contains_key("uuid") || object.contains_key("key") => name.clone(),
            _ => format!("{{{}}}", members(value)),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(short).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// What became of the lines of an earlier transcript: the longest common run of lines stays, the others went or came.
pub fn compare(before: &[String], now: &[String]) -> Vec<Line> {
    // Lengths of the common runs of what is left from each pair of lines on.
    let mut common = vec![vec![0_u32; now.len() + 1]; before.len() + 1];
    for (i, old) in before.iter().enumerate().rev() {
        for (j, new) in now.iter().enumerate().rev() {
            common[i][j] = if old == new { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::with_capacity(before.len().max(now.len()));
    while i < before.len() || j < now.len() {
        if i < before.len() && j < now.len() && before[i] == now[j] {
            lines.push(Line::Same(before[i].clone()));
            (i, j) = (i + 1, j + 1);
        } else if j == now.len() || i < before.len() && common[i + 1][j] >= common[i][j + 1] {
            lines.push(Line::Gone(before[i].clone()));
            i += 1;
        } else {
            lines.push(Line::New(now[j].clone()));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_conversation_is_told_without_ids_and_times() {
        let report = json!({
            "outputs": [{
                "events": [
                    {"uuid": "x", "type": "run_started", "created_on": "t", "flow": {"uuid": "y", "name": "Colors"}},
                    {"type": "msg_created", "msg": {"urn": "tel:+231990000001", "text": "Color?", "quick_replies": [{"type": "text", "text": "Red"}]}},
                ],
                "session": {"status": "waiting"},
            }],
            "contact": {"uuid": "z", "name": "Ama", "language": null},
        });
        assert_eq!(
            transcript(&report),
            [
                "start",
                "  run_started  flow=Colors",
                "  msg_created  msg={quick_replies=[{text=\"Red\"}] text=\"Color?\" urn=\"tel:+231990000001\"}",
                "  = session waiting",
                "contact  name=\"Ama\"",
            ]
        );
    }

    #[test]
    fn what_differs_stands_between_what_stayed() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let told = |before: &str, now: &str| {
            let sign = |line: &Line| match line {
                Line::Same(text) => text.clone(),
                Line::Gone(text) => format!("-{text}"),
                Line::New(text) => format!("+{text}"),
            };
            compare(&lines(before), &lines(now)).iter().map(sign).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told("a b c", "a b c"), "a b c");
        assert_eq!(told("a b c", "a x c"), "a -b +x c");
        assert_eq!(told("a b", "a b c d"), "a b +c +d");
        assert_eq!(told("a b c d", "b d"), "-a b -c d");
    }
}
