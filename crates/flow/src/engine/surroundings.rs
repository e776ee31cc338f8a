//! The environment that one contact's session sees.

use super::destination::{self, Regions};
use crate::assets::Assets;
use crate::contact::Contact;
use crate::environment::{Environment, timezone};
use std::sync::Arc;

/// The environment with a contact's time zone, language and country, and the languages that translations are looked for
/// in before a flow's own.
pub(crate) fn session_environment(
    assets: &Assets,
    base: &Environment,
    contact: &Contact,
    regions: &Regions,
) -> (Environment, Arc<[Box<str>]>) {
    let mut env = base.clone();
    if !contact.timezone.is_empty()
        && let Some(zone) = timezone(&contact.timezone)
    {
        env.timezone = zone;
    }
    if let Some(country) = destination::country(assets, contact, regions) {
        env.default_country = Some(country);
    }
    let own = base.allowed_languages.iter().position(|l| *l == contact.language);
    if let Some(own) = own {
        env.allowed_languages[..=own].rotate_right(1);
    }
    let mut languages: Vec<Box<str>> = Vec::with_capacity(2);
    for language in [env.allowed_languages.first(), base.allowed_languages.first()].into_iter().flatten() {
        if languages.iter().all(|l| **l != **language) {
            languages.push(language.as_str().into());
        }
    }
    (env, languages.into())
}
