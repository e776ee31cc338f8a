//! `request_optin`: no longer supported.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt};
use crate::inspect::Findings;

#[derive(Clone, Debug)]
pub(super) struct RequestOptin;

impl Kind for RequestOptin {
    const TYPE: &'static str = "request_optin";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        fields.required_object("optin")?.reference(64)?;
        Ok(Self)
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        ex.error_with("opt-in requests are no longer supported", "action:unsupported", &[]);
        Ok(())
    }

    fn inspect(&self, _: &mut Findings<'_>) {}
}
