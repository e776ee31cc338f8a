//! 14.2.0: the body of a ticket is a note; translations are into languages of three letters.

use super::edit::{Definition, text};
use serde_json::Value;

pub(super) fn migrate(definition: &mut Definition<'_>) {
    for action in definition.actions().filter(|a| text(a, "type") == "open_ticket") {
        if let Some(body) = action.remove("body") {
            action.insert("note".to_owned(), body);
        }
    }
    if let Some(localization) = definition.root.get_mut("localization").and_then(Value::as_object_mut) {
        localization.retain(|language, _| language.len() == 3);
    }
}
