//! `set_contact_status`: whether the contact may be written to.

use super::{Kind, Result};
use crate::contact::ContactStatus;
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt};
use crate::inspect::Findings;
use crate::modifier::Modifier;

#[derive(Clone, Debug)]
pub(super) struct SetContactStatus {
    status: ContactStatus,
}

impl Kind for SetContactStatus {
    const TYPE: &'static str = "set_contact_status";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        match ContactStatus::parse(fields.required("status", 64)?) {
            Some(status) => Ok(Self { status }),
            None => fields.invalid("status", "is not a valid contact status"),
        }
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        ex.modify(&Modifier::Status { status: self.status })?;
        Ok(())
    }

    fn inspect(&self, _: &mut Findings<'_>) {}
}
