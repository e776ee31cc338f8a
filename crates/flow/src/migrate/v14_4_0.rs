//! 14.4.0: messages go to one address.

use super::edit::{Definition, text};

pub(super) fn migrate(definition: &mut Definition<'_>) {
    for action in definition.actions().filter(|a| text(a, "type") == "send_msg") {
        action.remove("all_urns");
    }
}
