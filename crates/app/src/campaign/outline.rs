//! What a flow says and asks on its way, without running it: the order of its questions, and how long the longest
//! conversation is.

use crate::assets::newest;
use base::FlowId;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// How many characters an expression is taken to give.
const EXPRESSION: &str = "xxxxxxxx";

/// A question of a flow: a result that it saves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// What counts are kept under.
    pub(super) key: String,
    /// What people call it.
    pub(super) name: String,
}

/// A flow as a picture of its ways. Flows that it enters are part of it, where they are entered.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    nodes: Vec<Node>,
    /// Reachable nodes, each after all that lead to it unless they lead back.
    order: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Each message in the flow's own language, and its translations.
    messages: Vec<(String, HashMap<String, String>)>,
    asked: Vec<Asked>,
    entered: Vec<Outline>,
    /// The nodes that may be next, those that lead back left out.
    next: Vec<usize>,
}

impl Outline {
    /// The outline of a flow among `flows`, the sources of all flows by id; empty for one that is not there or cannot
    /// be read.
    pub(super) fn of(flow: FlowId, flows: &HashMap<FlowId, Value>) -> Self {
        Self::read(flow, flows, &mut Vec::new())
    }

    fn read(flow: FlowId, flows: &HashMap<FlowId, Value>, within: &mut Vec<FlowId>) -> Self {
        // A flow that enters itself is a loop like any other: it is gone through once.
        let Some(source) = flows.get(&flow).filter(|_| !within.contains(&flow)) else { return Self::default() };
        let Ok(source) = newest(source) else { return Self::default() };
        within.push(flow);
        let sources = list(&source, "nodes");
        let places: HashMap<&str, usize> =
            sources.iter().enumerate().filter_map(|(at, node)| Some((node.get("uuid")?.as_str()?, at))).collect();
        let localization = source.get("localization").and_then(Value::as_object);
        let translations = |action: &Value| -> HashMap<String, String> {
            let uuid = text(action, "uuid");
            let translated = |(language, items): (&String, &Value)| {
                let said = items.get(uuid)?.get("text")?.get(0)?.as_str().filter(|said| !said.is_empty())?;
                Some((language.clone(), said.to_owned()))
            };
            localization.into_iter().flatten().filter_map(translated).collect()
        };
        let mut nodes = Vec::with_capacity(sources.len());
        for source in sources {
            let mut node = Node::default();
            for action in list(source, "actions") {
                match text(action, "type") {
                    "send_msg" => node.messages.push((text(action, "text").to_owned(), translations(action))),
                    "set_run_result" => node.asked.extend(asked(text(action, "name"))),
                    "enter_flow" => {
                        let entered = action.pointer("/flow/uuid").and_then(Value::as_str);
                        if let Some(entered) = entered.and_then(|uuid| Uuid::try_parse(uuid).ok()) {
                            node.entered.push(Self::read(FlowId(entered), flows, within));
                        }
                    }
                    _ => {}
                }
            }
            node.asked.extend(source.get("router").and_then(|router| asked(text(router, "result_name"))));
            let exits = list(source, "exits").iter();
            node.next = exits.filter_map(|exit| places.get(text(exit, "destination_uuid")).copied()).collect();
            nodes.push(node);
        }
        within.pop();
        let order = arrange(&mut nodes);
        Self { nodes, order }
    }

    /// The questions in the order in which they are met; those that no way leads to come last.
    pub(super) fn questions(&self) -> Vec<Asked> {
        let mut found: Vec<Asked> = Vec::new();
        let left = (0..self.nodes.len()).filter(|at| !self.order.contains(at));
        for node in self.order.iter().copied().chain(left).map(|at| &self.nodes[at]) {
            let entered = node.entered.iter().flat_map(Self::questions);
            for asked in entered.chain(node.asked.iter().cloned()) {
                if !found.iter().any(|known| known.key == asked.key) {
                    found.push(asked);
                }
            }
        }
        found
    }

    /// The segments of the longest way through the flow in a language, every question asked once. An expression is
    /// taken to give eight characters.
    pub(super) fn longest(&self, language: &str) -> usize {
        let mut longest = vec![0; self.nodes.len()];
        for at in self.order.iter().rev().copied() {
            let node = &self.nodes[at];
            let said = node.messages.iter().map(|(own, translations)| {
                base::sms::segments(&without_expressions(translations.get(language).unwrap_or(own))).count
            });
            let here: usize =
                said.sum::<usize>() + node.entered.iter().map(|entered| entered.longest(language)).sum::<usize>();
            longest[at] = here + node.next.iter().map(|next| longest[*next]).max().unwrap_or(0);
        }
        longest.first().copied().unwrap_or(0)
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn asked(name: &str) -> Option<Asked> {
    (!name.is_empty()).then(|| Asked { key: flow::engine::result_key(name), name: name.to_owned() })
}

/// Takes the ways that lead back out of `nodes`, and gives those that the first one leads to, each after all that lead
/// to it.
fn arrange(nodes: &mut [Node]) -> Vec<usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        /// On the way that is being walked.
        Here,
        Done,
    }
    let mut seen = vec![Seen::No; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    let mut way: Vec<(usize, Vec<usize>)> = Vec::new();
    if let Some(first) = nodes.first_mut() {
        seen[0] = Seen::Here;
        way.push((0, std::mem::take(&mut first.next)));
    }
    // The last exit is walked first, for the order is that of leaving, turned round.
    while let Some((at, exits)) = way.last_mut() {
        let at = *at;
        match exits.pop() {
            Some(next) if seen[next] == Seen::Here => {}
            Some(next) => {
                nodes[at].next.push(next);
                if seen[next] == Seen::No {
                    seen[next] = Seen::Here;
                    let exits = std::mem::take(&mut nodes[next].next);
                    way.push((next, exits));
                }
            }
            None => {
                seen[at] = Seen::Done;
                order.push(at);
                way.pop();
            }
        }
    }
    order.reverse();
    order
}

/// A template with each of its expressions replaced by a text of the usual length.
fn without_expressions(template: &str) -> String {
    let mut plain = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('@') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let length = match rest.bytes().next() {
            Some(b'@') => {
                plain.push('@');
                rest = &rest[1..];
                continue;
            }
            Some(b'(') => bracketed(rest),
            Some(byte) if byte.is_ascii_alphabetic() => {
                let path =
                    rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
                rest[..path].trim_end_matches('.').len()
            }
            _ => {
                plain.push('@');
                continue;
            }
        };
        plain.push_str(EXPRESSION);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    plain
}

/// How long the expression in brackets is that `text` begins with.
fn bracketed(text: &str) -> usize {
    let (mut depth, mut quoted) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(0x4000_8000_0000_0000_0000 + n)
    }

    fn say(n: u128, text: &str) -> Value {
        json!({ "type": "send_msg", "uuid": id(1000 + n), "text": text })
    }

    /// A node that says `text`, saves `result` and leads to `next`.
    fn node(n: u128, text: &str, result: &str, next: &[u128]) -> Value {
        let exits: Vec<Value> = next
            .iter()
            .enumerate()
            .map(|(at, to)| json!({ "uuid": id(n * 100 + at as u128), "destination_uuid": id(*to) }))
            .collect();
        let mut node = json!({ "uuid": id(n), "actions": [say(n, text)], "exits": exits });
        if !result.is_empty() {
            node["router"] = json!({ "type": "switch", "result_name": result });
        }
        node
    }

    fn flows(nodes: &[Value]) -> HashMap<FlowId, Value> {
        let flow = json!({
            "uuid": id(1), "name": "Test", "spec_version": "14.4.2", "language": "eng", "type": "messaging",
            "localization": { "fra": { id(1001).to_string(): { "text": ["é".repeat(161)] } } }, "nodes": nodes,
        });
        HashMap::from([(FlowId(id(1)), flow)])
    }

    fn outline(nodes: &[Value]) -> Outline {
        Outline::of(FlowId(id(1)), &flows(nodes))
    }

    fn keys(outline: &Outline) -> Vec<String> {
        outline.questions().into_iter().map(|asked| asked.key).collect()
    }

    #[test]
    fn questions_come_in_the_order_in_which_they_are_met() {
        // 1 leads to 3 or 2, both lead to 4, and 4 back to 1; nothing leads to 5.
        let found = outline(&[
            node(1, "a", "Zone", &[3, 2]),
            node(2, "b", "Beds", &[4]),
            node(3, "c", "Staff", &[4]),
            node(4, "d", "Any more", &[1]),
            node(5, "e", "Apart", &[]),
        ]);
        assert_eq!(keys(&found), ["zone", "staff", "beds", "any_more", "apart"]);
    }

    #[test]
    fn the_longest_way_is_counted_once_in_each_language() {
        let long = "x".repeat(200);
        let found = outline(&[
            node(1, "a", "Zone", &[3, 2]),
            node(2, &long, "Beds", &[4]),
            node(3, "c", "Staff", &[4]),
            node(4, "d", "", &[1]),
        ]);
        assert_eq!(found.longest("eng"), 1 + 2 + 1);
        assert_eq!(found.longest("fra"), 2 + 2 + 1);
        assert_eq!(Outline::default().longest("eng"), 0);
    }

    #[test]
    fn flows_that_are_entered_count_where_they_are_entered() {
        let mut first = node(1, "a", "Zone", &[2]);
        let enter = json!({ "type": "enter_flow", "uuid": id(9), "flow": { "uuid": id(77), "name": "Other" } });
        first["actions"].as_array_mut().unwrap().push(enter.clone());
        let mut all = flows(&[first, node(2, "b", "Last", &[])]);
        let mut other = all[&FlowId(id(1))].clone();
        other["uuid"] = json!(id(77));
        // It enters itself as well, which must not go on for ever.
        let mut inner = node(1, "c", "Inner", &[]);
        inner["actions"].as_array_mut().unwrap().push(enter);
        other["nodes"] = json!([inner]);
        all.insert(FlowId(id(77)), other);
        let found = Outline::of(FlowId(id(1)), &all);
        assert_eq!(keys(&found), ["inner", "zone", "last"]);
        assert_eq!(found.longest("eng"), 3);
    }

    #[test]
    fn expressions_have_the_usual_length() {
        for (template, plain) in [
            ("Hello @contact.first_name.", "Hello xxxxxxxx."),
            ("a@@b.org", "a@b.org"),
            ("@(if(1, \")\", upper(results.a))) beds", "xxxxxxxx beds"),
            ("5 @ 3, @", "5 @ 3, @"),
            ("@(open", "xxxxxxxx"),
        ] {
            assert_eq!(without_expressions(template), plain, "{template}");
        }
    }
}
