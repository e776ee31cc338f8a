//! `open_ticket`: hands the conversation to a person.

use super::variable::{Variable, user_reference};
use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, MAX_TEMPLATE};
use crate::engine::{Execution, Halt};
use crate::expression::Template;
use crate::inspect::Findings;
use crate::modifier::Modifier;
use crate::reference::TopicRef;

/// The new ticket, for the flow to see.
const LOCAL: &str = "_new_ticket";
/// The topic of tickets that have none.
const DEFAULT_TOPIC: &str = "General";

#[derive(Clone, Debug)]
pub(super) struct OpenTicket {
    topic: Option<TopicRef>,
    assignee: Option<Variable>,
    note: Template,
}

impl Kind for OpenTicket {
    const TYPE: &'static str = "open_ticket";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        let topic = match fields.object("topic")? {
            None => None,
            Some(topic) => {
                let (uuid, name) = topic.reference(64)?;
                Some(TopicRef { uuid, name })
            }
        };
        let assignee = fields.object("assignee")?.map(|user| Variable::read(&user, "email", 320)).transpose()?;
        Ok(Self { topic, assignee, note: fields.template("note", MAX_TEMPLATE)? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let ticket = self.open(ex)?;
        ex.set_local(LOCAL, ticket.unwrap_or_default());
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        if let Some(topic) = &self.topic {
            found.at("topic").reference(&topic.reference());
        }
        if let Some(assignee) = &self.assignee {
            assignee.inspect(found.at("assignee"), user_reference);
        }
        found.at("note").template(&self.note);
        found.local(LOCAL);
    }
}

impl OpenTicket {
    fn open(&self, ex: &mut Execution<'_>) -> std::result::Result<Option<String>, Halt> {
        if ex.in_batch() {
            ex.error("Can't open tickets during batch starts");
            return Ok(None);
        }
        let assets = ex.state.assets;
        let found = match &self.topic {
            Some(reference) => assets.topic(&reference.uuid),
            None => assets.topic_named(DEFAULT_TOPIC),
        };
        let Some(topic) = found.map(crate::assets::Topic::reference) else {
            if let Some(reference) = &self.topic {
                ex.missing(&reference.reference());
            }
            return Ok(None);
        };
        let assignee = self.assignee.as_ref().and_then(|user| ex.user(user));
        let (note, _) = ex.text(&self.note);
        let note = note.trim().to_owned();
        let opened = ex.modify(&Modifier::TicketOpen { topic, assignee, note })?;
        Ok(ex.state.contact.open_ticket().filter(|_| opened).map(|t| t.uuid.to_string()))
    }
}
