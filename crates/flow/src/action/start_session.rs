//! `start_session`: starts others in a flow.

use super::recipients::{RecipientsSource, nobody};
use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt};
use crate::event::{EventKind, Exclusions};
use crate::inspect::Findings;
use crate::reference::FlowRef;
use crate::trigger::{History, RunSummary};

/// How many sessions may start each other without anybody writing.
const MAX_WITHOUT_INPUT: u32 = 5;

#[derive(Clone, Debug)]
pub(super) struct StartSession {
    flow: FlowRef,
    recipients: RecipientsSource,
    exclusions: Exclusions,
    create_contact: bool,
}

impl Kind for StartSession {
    const TYPE: &'static str = "start_session";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        let in_a_flow = fields.object("exclusions")?.map_or(Ok(false), |e| e.flag("in_a_flow"))?;
        Ok(Self {
            flow: fields.flow("flow")?,
            recipients: RecipientsSource::read(fields)?,
            exclusions: Exclusions { in_a_flow },
            create_contact: fields.flag("create_contact")?,
        })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let recipients = self.recipients.resolve(ex);
        if ex.in_batch() && !(recipients.groups.is_empty() && recipients.contact_query.is_empty()) {
            ex.error("Can't start new sessions for groups or queries during batch starts");
            return Ok(());
        }
        let Some(flow) = ex.state.assets.usable_flow(&self.flow.uuid) else {
            ex.missing(&self.flow.reference());
            return Ok(());
        };
        if nobody(&recipients) && !self.create_contact {
            return Ok(());
        }
        let before = ex.state.session.trigger.history.unwrap_or_default();
        if before.ancestors_since_input >= MAX_WITHOUT_INPUT {
            ex.error("Too many sessions have been spawned since the last time input was received");
            return Ok(());
        }
        let had_input = ex.state.session.runs.iter().any(|r| r.had_input);
        let history = History {
            parent_uuid: ex.state.session.uuid,
            ancestors: before.ancestors + 1,
            ancestors_since_input: if had_input { 0 } else { before.ancestors_since_input + 1 },
        };
        let run = ex.run();
        let mut contact = ex.state.contact.clone();
        contact.tickets.clear();
        let run_summary = Box::new(RunSummary {
            uuid: run.uuid,
            flow: run.flow.clone(),
            contact: Some(contact),
            status: run.status,
            results: Some(run.results.clone()),
        });
        ex.event(EventKind::SessionTriggered {
            flow: FlowRef { revision: 0, ..flow.reference() },
            recipients,
            exclusions: self.exclusions,
            create_contact: self.create_contact,
            run_summary,
            history,
        });
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        self.recipients.inspect(found);
        found.at("flow").reference(&self.flow.reference());
        if !self.recipients.legacy_vars.is_empty() {
            let sources = self.recipients.legacy_vars.iter().map(|t| t.source().to_owned());
            found.at("legacy_vars").legacy_vars(sources.collect());
        }
    }
}
