//! 13.2.0: a language that isn't three letters is `und`.

use super::edit::{Definition, text};
use serde_json::Value;

pub(super) fn migrate(definition: &mut Definition<'_>) {
    if text(definition.root, "language").len() == 3 {
        return;
    }
    definition.root.insert("language".to_owned(), Value::String("und".to_owned()));
    if let Some(localization) = definition.root.get_mut("localization").and_then(Value::as_object_mut) {
        localization.remove("und");
    }
}
