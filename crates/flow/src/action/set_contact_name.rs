//! `set_contact_name`: what the contact is called.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, MAX_TEMPLATE};
use crate::engine::{Execution, Halt};
use crate::expression::Template;
use crate::inspect::Findings;
use crate::modifier::Modifier;

#[derive(Clone, Debug)]
pub(super) struct SetContactName {
    name: Template,
}

impl Kind for SetContactName {
    const TYPE: &'static str = "set_contact_name";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        Ok(Self { name: fields.template("name", MAX_TEMPLATE)? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let (name, fine) = ex.text(&self.name);
        if fine {
            ex.modify(&Modifier::Name { name: name.trim().to_owned() })?;
        }
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("name").template(&self.name);
    }
}
