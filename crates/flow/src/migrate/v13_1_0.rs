//! 13.1.0: the `templating` of messages has a UUID, so that it can be translated.

use super::edit::{Definition, text};
use serde_json::Value;

pub(super) fn migrate(definition: &mut Definition<'_>) {
    let wanted = |action: &&mut super::edit::Object| text(action, "type") == "send_msg" && action.get("templating").is_some_and(Value::is_object);
    let count = definition.actions().filter(wanted).count();
    let uuids: Vec<String> = (0..count).map(|_| definition.uuid()).collect();
    for (action, uuid) in definition.actions().filter(wanted).zip(uuids) {
        if let Some(templating) = action.get_mut("templating").and_then(Value::as_object_mut) {
            templating.insert("uuid".to_owned(), Value::String(uuid));
        }
    }
}
