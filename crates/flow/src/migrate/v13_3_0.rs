//! 13.3.0: `@webhook` is the response; its JSON is `@webhook.json`.

use super::edit::Definition;
use crate::expression::rewrite;

pub(super) fn migrate(definition: &mut Definition<'_>) {
    definition.rewrite_templates(&mut |template| {
        rewrite(template, &mut |path| {
            let is_webhook = path.first().is_some_and(|root| root == "webhook");
            if is_webhook {
                path.insert(1, "json".to_owned());
            }
            is_webhook
        })
    });
}
