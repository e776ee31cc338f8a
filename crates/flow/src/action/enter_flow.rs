//! `enter_flow`: goes on in another flow.

use super::{Kind, Result};
use crate::definition::fields::{Fields, Item};
use crate::definition::{AllowedIn, FlowType};
use crate::engine::{Execution, Halt, Pushed};
use crate::inspect::Findings;
use crate::reference::FlowRef;

#[derive(Clone, Debug)]
pub(super) struct EnterFlow {
    flow: FlowRef,
    terminal: bool,
}

impl Kind for EnterFlow {
    const TYPE: &'static str = "enter_flow";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        Ok(Self { flow: fields.flow("flow")?, terminal: fields.flag("terminal")? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let Some(flow) = ex.state.assets.usable_flow(&self.flow.uuid) else {
            ex.fail(format!("Unable to find flow '{}'", self.flow.name));
            return Ok(());
        };
        let session = ex.session_type();
        if flow.kind() != session && flow.kind() != FlowType::MessagingBackground {
            let reference = crate::reference::FlowRef { revision: 0, ..flow.reference() }.reference();
            ex.fail(format!("Can't enter {reference} of type {} from type {}", flow.kind().as_str(), session.as_str()));
            return Ok(());
        }
        ex.pushed = Some(Pushed { flow, terminal: self.terminal });
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("flow").reference(&self.flow.reference());
    }
}
