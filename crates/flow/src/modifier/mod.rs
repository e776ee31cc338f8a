//! Modifiers: changes to a contact, from flows and from outside.

mod field;
mod groups;
mod routes;
mod ticket;

use crate::assets::Assets;
use crate::contact::{Contact, ContactStatus};
use crate::engine::{Asker, Engine, Halt, Sources};
use crate::environment::Environment;
use crate::event::{Event, EventKind, Place};
use crate::message::cut;
use crate::pairs::Pairs;
use crate::reference::{ChannelRef, FieldRef, GroupRef, TopicRef, UserRef};
use crate::stamp::Stamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest name of a contact, in characters.
const MAX_NAME: usize = 128;

/// Whether groups are joined or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupsChange {
    /// Joined.
    Add,
    /// Left.
    Remove,
}

/// What happens to the addresses there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UrnsChange {
    /// They stay; these are added.
    Append,
    /// These are taken away.
    Remove,
    /// They become these.
    Set,
}

/// An address and the channel it is to go by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The address.
    pub urn: String,
    /// The channel, if it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelRef>,
}

/// A change to a contact.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "members are those of the modifier JSON")]
pub enum Modifier {
    /// Another name.
    Name { name: String },
    /// Another language; empty for none.
    Language { language: String },
    /// Another time zone; empty for none.
    Timezone { timezone: String },
    /// Another status.
    Status { status: ContactStatus },
    /// Another value of a field; empty for none.
    Field {
        field: FieldRef,
        #[serde(default, deserialize_with = "crate::contact::or_default")]
        value: String,
    },
    /// Groups joined or left.
    Groups { groups: Vec<GroupRef>, modification: GroupsChange },
    /// Other addresses.
    Urns {
        #[serde(default, deserialize_with = "crate::contact::or_default")]
        urns: Vec<String>,
        modification: UrnsChange,
    },
    /// Other addresses, with their channels.
    Routes {
        #[serde(default, deserialize_with = "crate::contact::or_default")]
        routes: Vec<Route>,
        modification: UrnsChange,
    },
    /// Another preferred channel; none takes all preferences away.
    Channel {
        #[serde(default)]
        channel: Option<ChannelRef>,
    },
    /// The address and channel that were used last.
    Affinity {
        urn: String,
        #[serde(default)]
        channel: Option<ChannelRef>,
    },
    /// Seen later than before.
    Seen { seen_on: Stamp },
    /// A ticket, unless one is open.
    #[serde(alias = "ticket")]
    TicketOpen {
        topic: TopicRef,
        #[serde(default)]
        assignee: Option<UserRef>,
        #[serde(default, deserialize_with = "crate::contact::or_default")]
        note: String,
    },
    /// A note on a ticket.
    TicketNote { ticket_uuid: Uuid, note: String },
    /// Somebody else for a ticket.
    TicketAssignee {
        ticket_uuid: Uuid,
        #[serde(default)]
        assignee: Option<UserRef>,
    },
    /// Another topic of a ticket.
    TicketTopic { ticket_uuid: Uuid, topic: TopicRef },
    /// The end of a ticket.
    TicketClose { ticket_uuid: Uuid },
    /// A closed ticket opened again, unless another is open.
    TicketReopen { ticket_uuid: Uuid },
}

impl Modifier {
    /// Whether it may change what a session's environment takes from the contact: time zone, language and country.
    pub(crate) fn moves_environment(&self) -> bool {
        matches!(
            self,
            Self::Language { .. }
                | Self::Timezone { .. }
                | Self::Urns { .. }
                | Self::Routes { .. }
                | Self::Channel { .. }
                | Self::Affinity { .. }
        )
    }
}

/// Why a modifier can't be applied.
#[derive(Debug, thiserror::Error)]
pub enum ModifyError {
    /// A service gave an answer that doesn't fit the request.
    #[error("{0}")]
    Service(String),
}

/// What became of a modifier.
#[derive(Debug)]
pub enum Modified {
    /// It was applied.
    Done {
        /// The contact after it.
        contact: Box<Contact>,
        /// What happened.
        events: Vec<Event>,
        /// Whether anything changed.
        changed: bool,
    },
    /// An answer from outside is needed: call again with the same arguments and all answers so far.
    Need(crate::engine::Request),
}

impl Engine {
    /// Applies a modifier outside a session and brings the smart groups in line.
    pub fn modify(
        &self,
        assets: &Assets,
        env: &Environment,
        contact: Contact,
        modifier: &Modifier,
        sources: Sources,
        answers: &[crate::engine::Answer],
    ) -> Result<Modified, ModifyError> {
        let (mut contact, mut sources, mut events) = (contact, sources, Vec::new());
        let mut asker = Asker::new(answers);
        let mut target = Target {
            engine: self,
            assets,
            env,
            contact: &mut contact,
            sources: &mut sources,
            asker: &mut asker,
            events: &mut events,
            place: None,
        };
        match target.apply(modifier) {
            Ok(changed) => Ok(Modified::Done { contact: Box::new(contact), events, changed }),
            Err(Halt::Need(request)) => Ok(Modified::Need(request)),
            Err(Halt::Service(problem)) => Err(ModifyError::Service(problem)),
        }
    }
}

/// The contact that modifiers work on, and what they need.
pub(crate) struct Target<'t, 'a> {
    pub(crate) engine: &'t Engine,
    pub(crate) assets: &'t Assets,
    pub(crate) env: &'t Environment,
    pub(crate) contact: &'t mut Contact,
    pub(crate) sources: &'t mut Sources,
    pub(crate) asker: &'t mut Asker<'a>,
    pub(crate) events: &'t mut Vec<Event>,
    pub(crate) place: Option<Place>,
}

impl Target<'_, '_> {
    fn event(&mut self, kind: EventKind) {
        let (uuid, created_on) = (self.sources.uuid(), Stamp::utc(self.sources.now));
        self.events.push(Event { uuid, created_on, place: self.place, kind });
    }

    fn error(&mut self, text: impl Into<String>, code: Option<&str>, extra: &[(&str, &str)]) {
        let extra: Pairs<String> = extra.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.event(EventKind::Error { text: text.into(), code: code.map(str::to_owned), extra });
    }

    /// Applies a modifier; when it changed anything, smart groups are brought in line.
    pub(crate) fn apply(&mut self, modifier: &Modifier) -> Result<bool, Halt> {
        let changed = self.change(modifier)?;
        if changed {
            self.reevaluate_groups(true);
        }
        Ok(changed)
    }

    fn change(&mut self, modifier: &Modifier) -> Result<bool, Halt> {
        match modifier {
            Modifier::Name { name } => {
                if self.contact.name == *name {
                    return Ok(false);
                }
                let name = cut(name, MAX_NAME).to_owned();
                self.contact.name.clone_from(&name);
                self.event(EventKind::ContactNameChanged { name });
            }
            Modifier::Language { language } => {
                if self.contact.language == *language {
                    return Ok(false);
                }
                self.contact.language.clone_from(language);
                self.event(EventKind::ContactLanguageChanged { language: language.clone() });
            }
            Modifier::Timezone { timezone } => {
                if self.contact.timezone == *timezone {
                    return Ok(false);
                }
                self.contact.timezone.clone_from(timezone);
                self.event(EventKind::ContactTimezoneChanged { timezone: timezone.clone() });
            }
            Modifier::Status { status } => {
                if self.contact.status == *status {
                    return Ok(false);
                }
                self.contact.status = *status;
                self.event(EventKind::ContactStatusChanged { status: *status });
            }
            Modifier::Seen { seen_on } => {
                if self.contact.last_seen_on.is_some_and(|seen| seen.at >= seen_on.at) {
                    return Ok(false);
                }
                self.contact.last_seen_on = Some(*seen_on);
                self.event(EventKind::ContactLastSeenChanged { last_seen_on: *seen_on });
            }
            Modifier::Field { field, value } => return Ok(self.set_field(field, value)),
            Modifier::Groups { groups, modification } => return Ok(self.change_groups(groups, *modification)),
            Modifier::Urns { urns, modification } => {
                let routes: Vec<Route> = urns.iter().map(|urn| Route { urn: urn.clone(), channel: None }).collect();
                return self.change_routes(&routes, *modification);
            }
            Modifier::Routes { routes, modification } => return self.change_routes(routes, *modification),
            Modifier::Channel { channel } => return Ok(self.prefer_channel(channel.as_ref())),
            Modifier::Affinity { urn, channel } => return Ok(self.set_affinity(urn, channel.as_ref())),
            Modifier::TicketOpen { topic, assignee, note } => {
                return Ok(self.open_ticket(topic, assignee.as_ref(), note));
            }
            Modifier::TicketNote { ticket_uuid, note } => return Ok(self.note_ticket(*ticket_uuid, note)),
            Modifier::TicketAssignee { ticket_uuid, assignee } => {
                return Ok(self.assign_ticket(*ticket_uuid, assignee.as_ref()));
            }
            Modifier::TicketTopic { ticket_uuid, topic } => return Ok(self.retopic_ticket(*ticket_uuid, topic)),
            Modifier::TicketClose { ticket_uuid } => return Ok(self.close_ticket(*ticket_uuid)),
            Modifier::TicketReopen { ticket_uuid } => return Ok(self.reopen_ticket(*ticket_uuid)),
        }
        Ok(true)
    }
}
