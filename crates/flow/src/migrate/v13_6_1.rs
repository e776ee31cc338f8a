//! 13.6.1: lookups of results have at most 64 characters, as the names have.

use super::edit::Definition;
use crate::expression::rewrite;

const MAX_KEY: usize = 64;

pub(super) fn migrate(definition: &mut Definition<'_>) {
    definition.rewrite_templates(&mut |template| {
        rewrite(template, &mut |path| {
            let [root, key, ..] = path.as_mut_slice() else { return false };
            if root != "results" || key.chars().count() <= MAX_KEY {
                return false;
            }
            *key = key.chars().take(MAX_KEY).collect();
            true
        })
    });
}
