//! Whom a broadcast or a session start is for.

use super::Result;
use super::variable::{Variable, group_reference};
use crate::definition::fields::{Fields, MAX_TEMPLATE};
use crate::engine::Execution;
use crate::event::Recipients;
use crate::expression::Template;
use crate::inspect::Findings;
use crate::reference::ContactRef;
use base::{Urn, phone};
use uuid::Uuid;

#[derive(Clone, Debug)]
pub(super) struct RecipientsSource {
    groups: Vec<Variable>,
    contacts: Vec<ContactRef>,
    contact_query: Template,
    urns: Vec<String>,
    pub(super) legacy_vars: Vec<Template>,
}

const MAX: usize = 100;

/// A value inside a query: in quotes, so that it can't become a part of the query.
fn quote(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

impl RecipientsSource {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
        let contacts = fields.objects("contacts", MAX)?;
        let contacts = contacts.iter().map(|c| c.reference(128).map(|(uuid, name)| ContactRef { uuid, name }));
        Ok(Self {
            groups: Variable::read_list(fields, "groups")?,
            contacts: contacts.collect::<Result<_>>()?,
            contact_query: fields.template("contact_query", MAX_TEMPLATE)?,
            urns: fields.texts("urns", MAX, 1000)?.into_iter().map(str::to_owned).collect(),
            legacy_vars: fields.templates("legacy_vars", MAX, MAX_TEMPLATE)?,
        })
    }

    pub(super) fn resolve(&self, ex: &mut Execution<'_>) -> Recipients {
        let mut found = Recipients {
            groups: ex.groups(&self.groups),
            contacts: self.contacts.clone(),
            contact_query: String::new(),
            urns: self.urns.clone(),
        };
        for template in &self.legacy_vars {
            let (text, _) = ex.text(template);
            let text = text.trim();
            if let Ok(uuid) = Uuid::try_parse(text)
                && text.len() == 36
            {
                found.contacts.push(ContactRef { uuid, name: String::new() });
            } else if let Some(group) = ex.state.assets.group_named(text).filter(|_| !text.is_empty()) {
                found.groups.push(group.reference());
            } else if let Ok(urn) = Urn::valid(text) {
                found.urns.push(urn.identity().to_owned());
            } else if let Some(number) = phone::e164(text, ex.env.default_country.as_deref()) {
                found.urns.push(format!("tel:{number}"));
            } else {
                ex.error(format!("'{text}' couldn't be resolved to a contact, group or URN"));
            }
        }
        if !self.contact_query.source().is_empty() {
            let (query, _) = ex.escaped(&self.contact_query, &quote);
            query.trim().clone_into(&mut found.contact_query);
        }
        found
    }

    pub(super) fn inspect(&self, found: &mut Findings<'_>) {
        self.groups.iter().for_each(|g| g.inspect(found.at("groups"), group_reference));
        self.contacts.iter().for_each(|c| found.at("contacts").reference(&c.reference()));
        found.at("contact_query").template(&self.contact_query);
        self.legacy_vars.iter().for_each(|t| found.at("legacy_vars").template(t));
    }
}

/// Whether there is nobody.
pub(super) fn nobody(recipients: &Recipients) -> bool {
    recipients.groups.is_empty()
        && recipients.contacts.is_empty()
        && recipients.contact_query.is_empty()
        && recipients.urns.is_empty()
}
