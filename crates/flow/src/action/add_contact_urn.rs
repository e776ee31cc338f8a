//! `add_contact_urn`: gives the contact another address.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt};
use crate::expression::Template;
use crate::inspect::Findings;
use crate::modifier::{Modifier, Route, UrnsChange};
use base::{Scheme, Urn};

/// Whether the contact has the address, for the flow to see.
const LOCAL: &str = "_has_urn";

#[derive(Clone, Debug)]
pub(super) struct AddContactUrn {
    scheme: Scheme,
    path: Template,
}

impl Kind for AddContactUrn {
    const TYPE: &'static str = "add_contact_urn";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        let scheme = fields.required("scheme", 64)?;
        let Some(scheme) = Scheme::ALL.iter().copied().find(|known| known.name() == scheme) else {
            return fields.invalid("scheme", "is not a valid URN scheme");
        };
        fields.required("path", 1000)?;
        Ok(Self { scheme, path: fields.template("path", 1000)? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let (path, _) = ex.text(&self.path);
        let path = path.trim();
        if path.is_empty() {
            ex.error("Can't add URN with empty path");
            return Ok(());
        }
        let urn = Urn::from_parts(self.scheme, path).normalized(ex.env.default_country.as_deref());
        let routes = vec![Route { urn: urn.to_string(), channel: None }];
        ex.modify(&Modifier::Routes { routes, modification: UrnsChange::Append })?;
        let has = ex.state.contact.urns.iter().any(|own| own.identity() == urn.identity());
        ex.set_local(LOCAL, if has { urn.as_str() } else { "" });
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("path").template(&self.path);
        found.local(LOCAL);
    }
}
