//! Actions of action sets.

use super::{Conversion, Object, Result, items, migrated, text};
use crate::definition::DefinitionError;
use base::Scheme;
use serde_json::{Value, json};

/// `{"uuid", "name"}` without the rest.
fn reference(of: &Value) -> Value {
    json!({"uuid": text(of, "uuid"), "name": text(of, "name")})
}

/// References to groups or labels; what has no UUID is matched by name.
fn named(list: &[Value]) -> Vec<Value> {
    let one = |item: &Value| match item {
        Value::String(name) if name.starts_with('@') => json!({"name_match": migrated(name)}),
        Value::String(name) => json!({"name_match": name}),
        object if text(object, "uuid").is_empty() => json!({"name_match": text(object, "name")}),
        object => reference(object),
    };
    list.iter().map(one).collect()
}

fn action(kind: &str, uuid: &str, members: Value) -> Object {
    let mut action = Object::new();
    action.insert("uuid".to_owned(), json!(uuid));
    action.insert("type".to_owned(), json!(kind));
    if let Value::Object(members) = members {
        action.extend(members);
    }
    action
}

/// Whether a variable stands for a contact to be made.
const NEW_CONTACT: &str = "@new_contact";

impl Conversion<'_> {
    fn message(&mut self, source: &Value, uuid: &str, into: &mut Object) {
        into.insert("text".to_owned(), json!(self.localize_template(source.get("msg"), uuid, "text")));
        let media = self.texts(source.get("media"));
        for (language, path) in media.translations.iter().filter(|(_, path)| !path.is_empty()) {
            let attachment = self.attachment(path);
            self.translate(language, uuid, "attachments", vec![attachment]);
        }
        if !media.base.is_empty() {
            into.insert("attachments".to_owned(), json!([self.attachment(&media.base)]));
        }
        let replies = self.localize_list(items(source, "quick_replies"), uuid, "quick_replies");
        if !replies.is_empty() {
            into.insert("quick_replies".to_owned(), json!(replies));
        }
    }

    fn recipients(source: &Value, into: &mut Object) {
        let contacts: Vec<Value> =
            items(source, "contacts").iter().filter(|c| !text(c, "uuid").is_empty()).map(reference).collect();
        let groups = named(items(source, "groups"));
        let variables: Vec<&str> = items(source, "variables").iter().map(|v| text(v, "id")).collect();
        if variables.contains(&NEW_CONTACT) {
            into.insert("create_contact".to_owned(), json!(true));
        }
        let variables: Vec<String> =
            variables.into_iter().filter(|v| *v != NEW_CONTACT && !v.is_empty()).map(migrated).collect();
        for (key, list) in [("contacts", json!(contacts)), ("groups", json!(groups)), ("legacy_vars", json!(variables))]
        {
            if list.as_array().is_some_and(|l| !l.is_empty()) {
                into.insert(key.to_owned(), list);
            }
        }
    }

    pub(super) fn action(&mut self, source: &Value) -> Result<Value> {
        let uuid = match text(source, "uuid") {
            "" => self.uuid(),
            uuid => uuid.to_owned(),
        };
        let of = |kind: &str, members: Value| Ok(Value::Object(action(kind, &uuid, members)));
        match text(source, "type") {
            "reply" => {
                let mut message = action("send_msg", &uuid, json!({}));
                self.message(source, &uuid, &mut message);
                if source.get("send_all").and_then(Value::as_bool).unwrap_or(false) {
                    message.insert("all_urns".to_owned(), json!(true));
                }
                Ok(Value::Object(message))
            }
            "send" => {
                let mut broadcast = action("send_broadcast", &uuid, json!({}));
                self.message(source, &uuid, &mut broadcast);
                Self::recipients(source, &mut broadcast);
                Ok(Value::Object(broadcast))
            }
            "add_group" => of("add_contact_groups", json!({"groups": named(items(source, "groups"))})),
            "del_group" => match named(items(source, "groups")) {
                none if none.is_empty() => of("remove_contact_groups", json!({"all_groups": true})),
                groups => of("remove_contact_groups", json!({"groups": groups})),
            },
            "add_label" => of("add_input_labels", json!({"labels": named(items(source, "labels"))})),
            "email" => {
                let addresses: Vec<String> =
                    items(source, "emails").iter().filter_map(Value::as_str).map(migrated).collect();
                let subject = self.localize_template(source.get("subject"), &uuid, "subject");
                let body = self.localize_template(source.get("msg"), &uuid, "body");
                of("send_email", json!({"addresses": addresses, "subject": subject, "body": body}))
            }
            "lang" => of("set_contact_language", json!({"language": text(source, "lang")})),
            "channel" => {
                let channel = json!({"uuid": text(source, "channel"), "name": text(source, "name")});
                of("set_contact_channel", json!({"channel": channel}))
            }
            "flow" => of("enter_flow", json!({"flow": reference(&source["flow"]), "terminal": true})),
            "trigger-flow" => {
                let mut start = action("start_session", &uuid, json!({"flow": reference(&source["flow"])}));
                Self::recipients(source, &mut start);
                Ok(Value::Object(start))
            }
            "save" => {
                let (field, value) = (text(source, "field"), migrated(text(source, "value")));
                match field {
                    "name" => of("set_contact_name", json!({"name": value})),
                    "first_name" => {
                        of("set_contact_name", json!({"name": format!("{value} @(word_slice(contact.name, 1, -1))")}))
                    }
                    "tel_e164" => of("add_contact_urn", json!({"scheme": "tel", "path": value})),
                    scheme if Scheme::NAMES.contains(&scheme) => {
                        of("add_contact_urn", json!({"scheme": scheme, "path": value}))
                    }
                    key => {
                        let field = json!({"key": key, "name": text(source, "label")});
                        of("set_contact_field", json!({"field": field, "value": value}))
                    }
                }
            }
            "say" => {
                let said = self.localize_template(source.get("msg"), &uuid, "text");
                let mut say = action("say_msg", &uuid, json!({"text": said}));
                let recording = self.texts(source.get("recording"));
                let url = recording.base.clone();
                for (language, path) in recording.translations.iter().filter(|(_, path)| !path.is_empty()) {
                    let url = self.media(path);
                    self.translate(language, &uuid, "audio_url", vec![url]);
                }
                if !url.is_empty() {
                    say.insert("audio_url".to_owned(), json!(self.media(&url)));
                }
                Ok(Value::Object(say))
            }
            "api" => {
                let config = json!({
                    "webhook": text(source, "webhook"),
                    "webhook_action": text(source, "action"),
                    "webhook_headers": items(source, "webhook_headers"),
                });
                let mut call = self.webhook(&Value::Null, &config, "");
                call["uuid"] = json!(uuid);
                Ok(call)
            }
            "play" => of("play_audio", json!({"audio_url": migrated(text(source, "url"))})),
            other => Err(DefinitionError::new(format!("unable to migrate legacy action type: '{other}'"))),
        }
    }
}
