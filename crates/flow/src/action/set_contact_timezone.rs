//! `set_contact_timezone`: where the contact's days begin.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, MAX_TEMPLATE};
use crate::engine::{Execution, Halt};
use crate::environment::timezone;
use crate::expression::Template;
use crate::inspect::Findings;
use crate::modifier::Modifier;

#[derive(Clone, Debug)]
pub(super) struct SetContactTimezone {
    timezone: Template,
}

impl Kind for SetContactTimezone {
    const TYPE: &'static str = "set_contact_timezone";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        Ok(Self { timezone: fields.template("timezone", MAX_TEMPLATE)? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let (name, fine) = ex.text(&self.timezone);
        if !fine {
            return Ok(());
        }
        let name = name.trim();
        if !name.is_empty() && timezone(name).is_none() {
            ex.error_with(format!("Unrecognized timezone: '{name}'"), "timezone:invalid", &[("timezone", name)]);
            return Ok(());
        }
        ex.modify(&Modifier::Timezone { timezone: name.to_owned() })?;
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("timezone").template(&self.timezone);
    }
}
