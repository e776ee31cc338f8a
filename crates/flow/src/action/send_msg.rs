//! `send_msg`: sends the contact a message.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt, MessageSource};
use crate::event::EventKind;
use crate::inspect::Findings;

#[derive(Clone, Debug)]
pub(super) struct SendMsg {
    message: MessageSource,
}

impl Kind for SendMsg {
    const TYPE: &'static str = "send_msg";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, item: Item<'_>) -> Result<Self> {
        Ok(Self { message: MessageSource::read(fields, item)? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let msg = ex.message(&self.message);
        ex.event(EventKind::MsgCreated { msg });
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.message(&self.message);
    }
}
