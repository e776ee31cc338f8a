//! `ticket_*`: tickets opened, handled and closed.

use super::Target;
use crate::assets::{Topic, User};
use crate::contact::{Ticket, TicketStatus};
use crate::event::EventKind;
use crate::reference::{TopicRef, UserRef};
use uuid::Uuid;

impl Target<'_, '_> {
    fn ticket(&mut self, uuid: Uuid) -> Option<&mut Ticket> {
        self.contact.tickets.iter_mut().find(|t| t.uuid == uuid)
    }

    pub(super) fn open_ticket(&mut self, topic: &TopicRef, assignee: Option<&UserRef>, note: &str) -> bool {
        if self.contact.open_ticket().is_some() {
            return false;
        }
        let topic = self.assets.topic(&topic.uuid).map_or_else(|| topic.clone(), Topic::reference);
        let assignee = assignee.and_then(|u| self.assets.user(&u.uuid)).map(User::reference);
        let ticket = Ticket { uuid: self.sources.uuid(), status: TicketStatus::Open, topic: Some(topic), assignee };
        let ticket_uuid = ticket.uuid;
        self.contact.tickets.push(ticket.clone());
        self.event(EventKind::TicketOpened { ticket });
        if !note.is_empty() {
            self.event(EventKind::TicketNoteAdded { ticket_uuid, note: note.to_owned() });
        }
        true
    }

    pub(super) fn note_ticket(&mut self, ticket_uuid: Uuid, note: &str) -> bool {
        if self.ticket(ticket_uuid).is_none() {
            return false;
        }
        self.event(EventKind::TicketNoteAdded { ticket_uuid, note: note.to_owned() });
        true
    }

    pub(super) fn assign_ticket(&mut self, ticket_uuid: Uuid, assignee: Option<&UserRef>) -> bool {
        let assignee = assignee.and_then(|u| self.assets.user(&u.uuid)).map(User::reference);
        let Some(ticket) = self.ticket(ticket_uuid) else { return false };
        if ticket.assignee.as_ref().map(|u| u.uuid) == assignee.as_ref().map(|u| u.uuid) {
            return false;
        }
        let previous = std::mem::replace(&mut ticket.assignee, assignee.clone());
        self.event(EventKind::TicketAssigneeChanged { ticket_uuid, assignee, previous });
        true
    }

    pub(super) fn retopic_ticket(&mut self, ticket_uuid: Uuid, topic: &TopicRef) -> bool {
        let topic = self.assets.topic(&topic.uuid).map_or_else(|| topic.clone(), Topic::reference);
        let Some(ticket) = self.ticket(ticket_uuid) else { return false };
        if ticket.topic.as_ref().is_some_and(|t| t.uuid == topic.uuid) {
            return false;
        }
        ticket.topic = Some(topic.clone());
        self.event(EventKind::TicketTopicChanged { ticket_uuid, topic });
        true
    }

    pub(super) fn close_ticket(&mut self, ticket_uuid: Uuid) -> bool {
        match self.ticket(ticket_uuid) {
            Some(ticket) if ticket.status == TicketStatus::Open => ticket.status = TicketStatus::Closed,
            _ => return false,
        }
        self.event(EventKind::TicketClosed { ticket_uuid });
        true
    }

    pub(super) fn reopen_ticket(&mut self, ticket_uuid: Uuid) -> bool {
        if self.contact.open_ticket().is_some() {
            return false;
        }
        let Some(ticket) = self.ticket(ticket_uuid) else { return false };
        ticket.status = TicketStatus::Open;
        self.event(EventKind::TicketReopened { ticket_uuid });
        true
    }
}
