//! Ways through a definition's JSON that the steps share.

use base::{IdMaker, Millis};
use serde_json::{Map, Value};

pub(super) type Object = Map<String, Value>;

/// A definition that is being migrated.
pub(super) struct Definition<'a> {
    pub(super) root: &'a mut Object,
    ids: IdMaker,
}

/// FNV-1a: new ids of a definition depend on its content alone.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The objects of a list member.
pub(super) fn objects<'a>(of: &'a mut Object, key: &str) -> impl Iterator<Item = &'a mut Object> + use<'a> {
    of.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// A text member; empty when there is none.
pub(super) fn text<'a>(of: &'a Object, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl<'a> Definition<'a> {
    pub(super) fn new(root: &'a mut Object) -> Self {
        let ids = IdMaker::from_u64(hash(&Value::Object(root.clone()).to_string()));
        Self { root, ids }
    }

    pub(super) fn uuid(&mut self) -> String {
        self.ids.uuid(Millis(0)).to_string()
    }

    pub(super) fn nodes(&mut self) -> impl Iterator<Item = &mut Object> {
        objects(self.root, "nodes")
    }

    pub(super) fn actions(&mut self) -> impl Iterator<Item = &mut Object> {
        self.nodes().flat_map(|node| objects(node, "actions"))
    }

    /// Languages and their items.
    pub(super) fn languages(&mut self) -> impl Iterator<Item = (&String, &mut Object)> {
        let localization = self.root.get_mut("localization").and_then(Value::as_object_mut);
        localization.into_iter().flatten().filter_map(|(language, items)| Some((language, items.as_object_mut()?)))
    }

    /// Rewrites every template of actions and routers, and their translations.
    pub(super) fn rewrite_templates(&mut self, rewrite: &mut dyn FnMut(&str) -> String) {
        let mut translated: Vec<(String, &'static [&'static str])> = Vec::new();
        for node in self.nodes() {
            for action in objects(node, "actions") {
                let kind = text(action, "type").to_owned();
                for path in paths(&kind) {
                    rewrite_at(action, path, rewrite);
                }
                translated.push((text(action, "uuid").to_owned(), translatable(&kind)));
                if let Some(templating) = action.get_mut("templating").and_then(Value::as_object_mut) {
                    translated.push((text(templating, "uuid").to_owned(), &["variables"]));
                    for component in objects(templating, "components") {
                        translated.push((text(component, "uuid").to_owned(), &["params"]));
                    }
                }
            }
            if let Some(router) = node.get_mut("router").and_then(Value::as_object_mut) {
                rewrite_at(router, "operand", rewrite);
                rewrite_at(router, "wait.phone", rewrite);
                for case in objects(router, "cases") {
                    rewrite_at(case, "arguments", rewrite);
                    translated.push((text(case, "uuid").to_owned(), &["arguments"]));
                }
            }
        }
        for (_, items) in self.languages() {
            for (uuid, properties) in &translated {
                let Some(item) = items.get_mut(uuid.as_str()).and_then(Value::as_object_mut) else { continue };
                for property in *properties {
                    rewrite_at(item, property, rewrite);
                }
            }
        }
    }
}

/// Where the templates of an action are: members by `.`, every item of a list, every member of `headers`.
fn paths(kind: &str) -> &'static [&'static str] {
    match kind {
        "add_contact_groups" | "remove_contact_groups" => &["groups.name_match"],
        "add_contact_urn" => &["path"],
        "add_input_labels" => &["labels.name_match"],
        "call_classifier" => &["input"],
        "call_llm" => &["instructions", "input"],
        "call_webhook" => &["url", "headers", "body"],
        "open_ticket" => &["assignee.email_match", "assignee.email", "subject", "body", "note"],
        "play_audio" => &["audio_url"],
        "say_msg" => &["text"],
        "send_broadcast" => &[
            "text",
            "attachments",
            "quick_replies",
            "groups.name_match",
            "contact_query",
            "legacy_vars",
            "template_variables",
        ],
        "send_email" => &["addresses", "subject", "body"],
        "send_msg" => &[
            "text",
            "attachments",
            "quick_replies",
            "templating.variables",
            "templating.components.params",
            "template_variables",
        ],
        "set_contact_field" | "set_run_local" | "set_run_result" => &["value"],
        "set_contact_language" => &["language"],
        "set_contact_name" => &["name"],
        "set_contact_timezone" => &["timezone"],
        "start_session" => &["groups.name_match", "contact_query", "legacy_vars"],
        _ => &[],
    }
}

fn translatable(kind: &str) -> &'static [&'static str] {
    match kind {
        "send_msg" | "send_broadcast" => &["text", "attachments", "quick_replies", "template_variables"],
        "say_msg" => &["text"],
        "play_audio" => &["audio_url"],
        "send_email" => &["subject", "body"],
        _ => &[],
    }
}

fn rewrite_at(of: &mut Object, path: &str, rewrite: &mut dyn FnMut(&str) -> String) {
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(value) = of.get_mut(key) else { return };
    rewrite_value(value, rest, rewrite);
}

fn rewrite_value(value: &mut Value, rest: &str, rewrite: &mut dyn FnMut(&str) -> String) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite_value(item, rest, rewrite)),
        Value::Object(object) if !rest.is_empty() => rewrite_at(object, rest, rewrite),
        Value::Object(object) => object.values_mut().for_each(|v| rewrite_value(v, "", rewrite)),
        Value::String(text) if rest.is_empty() && text.contains('@') => *text = rewrite(text),
        _ => {}
    }
}
