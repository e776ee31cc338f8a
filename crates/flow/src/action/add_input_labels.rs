//! `add_input_labels`: labels what came in.

use super::variable::{Variable, label_reference};
use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt};
use crate::event::EventKind;
use crate::inspect::Findings;

#[derive(Clone, Debug)]
pub(super) struct AddInputLabels {
    labels: Vec<Variable>,
}

impl Kind for AddInputLabels {
    const TYPE: &'static str = "add_input_labels";
    const ALLOWED: AllowedIn = AllowedIn::Interactive;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        fields.filled_list("labels", 100)?;
        Ok(Self { labels: Variable::read_list(fields, "labels")? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let Some(input_uuid) = ex.state.session.input.as_ref().map(|i| i.uuid) else {
            ex.error("No input to add labels to");
            return Ok(());
        };
        let labels = ex.labels(&self.labels);
        if !labels.is_empty() {
            ex.event(EventKind::InputLabelsAdded { input_uuid, labels });
        }
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        self.labels.iter().for_each(|l| l.inspect(found.at("labels"), label_reference));
    }
}
