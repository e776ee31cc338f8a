//! A contact between the store's row and the engine's form.

use super::step::StepError;
use crate::assets::Loaded;
use audience::{Property, Subject, Value};
use base::Millis;
use base::Urn;
use flow::contact::{Contact, ContactStatus, FieldValue};
use flow::pairs::Pairs;
use std::sync::{Arc, OnceLock};
use store::ops::Mailbox;
use store::registry::Attributes;

/// The attributes of the worker behind a contact, read when a query first asks for one.
struct Worker {
    json: String,
    read: OnceLock<Attributes>,
}

impl Subject for Worker {
    fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>)) {
        if let Property::Worker(attribute) = property {
            let read = self.read.get_or_init(|| serde_json::from_str(&self.json).unwrap_or_default());
            read.each(*attribute, visit);
        }
    }
}

fn corrupt(what: &'static str) -> impl Fn(serde_json::Error) -> StepError {
    move |error| StepError::Contact { what, reason: error.to_string() }
}

/// The engine's form of a mailbox's contact.
///
/// # Errors
/// [`StepError::Contact`] when a JSON text of the row cannot be read.
pub(super) fn read(mailbox: &Mailbox, loaded: &Loaded) -> Result<Contact, StepError> {
    let row = &mailbox.row;
    let mut contact = Contact::new(mailbox.contact.0, row.created_on.timestamp().into());
    contact.name = row.name.clone().unwrap_or_default();
    contact.language = row.language.clone().unwrap_or_default();
    contact.status = ContactStatus::parse(&row.status).unwrap_or(ContactStatus::Active);
    contact.timezone = row.timezone.clone().unwrap_or_default();
    contact.last_seen_on = mailbox.session.last_seen_on.or(row.last_seen_on).map(|at: Millis| at.timestamp().into());
    if row.urns != "[]" {
        let urns: Vec<String> = serde_json::from_str(&row.urns).map_err(corrupt("urns"))?;
        for urn in urns {
            contact.urns.push(
                Urn::parse(&urn).map_err(|error| StepError::Contact { what: "urns", reason: error.to_string() })?,
            );
        }
    }
    if row.groups != "[]" {
        let groups: Vec<uuid::Uuid> = serde_json::from_str(&row.groups).map_err(corrupt("groups"))?;
        contact.groups =
            groups.iter().filter_map(|id| loaded.engine.group(id)).map(flow::assets::Group::reference).collect();
    }
    if row.fields != "{}" {
        contact.fields = serde_json::from_str::<Pairs<FieldValue>>(&row.fields).map_err(corrupt("fields"))?;
    }
    if row.worker != "{}" {
        contact.worker = Some(Arc::new(Worker { json: row.worker.clone(), read: OnceLock::new() }));
    }
    Ok(contact)
}
