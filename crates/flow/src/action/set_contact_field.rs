//! `set_contact_field`: another value of a field.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, MAX_TEMPLATE};
use crate::engine::{Execution, Halt};
use crate::expression::Template;
use crate::inspect::Findings;
use crate::modifier::Modifier;
use crate::reference::FieldRef;

#[derive(Clone, Debug)]
pub(super) struct SetContactField {
    field: FieldRef,
    value: Template,
}

impl Kind for SetContactField {
    const TYPE: &'static str = "set_contact_field";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        Ok(Self { field: fields.field("field")?, value: fields.template("value", MAX_TEMPLATE)? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let (value, fine) = ex.text(&self.value);
        if !fine {
            return Ok(());
        }
        if ex.state.assets.field(&self.field.key).is_none() {
            ex.missing(&self.field.reference());
            return Ok(());
        }
        ex.modify(&Modifier::Field { field: self.field.clone(), value: value.trim().to_owned() })?;
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("field").reference(&self.field.reference());
        found.at("value").template(&self.value);
    }
}
