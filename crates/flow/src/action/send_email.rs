//! `send_email`: sends mail.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, Localized, MAX_TEMPLATE};
use crate::engine::{Answer, Execution, Halt, Request};
use crate::event::EventKind;
use crate::expression::Template;
use crate::inspect::Findings;

#[derive(Clone, Debug)]
pub(super) struct SendEmail {
    addresses: Vec<Template>,
    subject: Localized,
    body: Localized,
}

impl Kind for SendEmail {
    const TYPE: &'static str = "send_email";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, item: Item<'_>) -> Result<Self> {
        fields.filled_list("addresses", 100)?;
        fields.required("subject", MAX_TEMPLATE)?;
        fields.required("body", MAX_TEMPLATE)?;
        Ok(Self {
            addresses: fields.templates("addresses", 100, MAX_TEMPLATE)?,
            subject: item.template(fields, "subject", MAX_TEMPLATE)?,
            body: item.template(fields, "body", MAX_TEMPLATE)?,
        })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let flow = ex.flow();
        let languages = ex.languages();
        let mut localized = |source: &Localized| {
            let (templates, _) = source.choose(&languages, flow.language());
            templates.first().map_or_else(String::new, |t| ex.text(t).0)
        };
        let subject = localized(&self.subject).split_whitespace().collect::<Vec<_>>().join(" ");
        if subject.is_empty() {
            ex.error("Email subject evaluated to empty string, skipping");
            return Ok(());
        }
        let body = localized(&self.body);
        if body.is_empty() {
            ex.error("Email body evaluated to empty string, skipping");
            return Ok(());
        }
        let mut to = Vec::with_capacity(self.addresses.len());
        for template in &self.addresses {
            let (address, _) = ex.text(template);
            let address = address.trim();
            if address.is_empty() {
                ex.error("Email address evaluated to empty string, skipping");
            } else {
                to.push(address.strip_prefix("mailto:").unwrap_or(address).to_owned());
            }
        }
        if to.is_empty() {
            return Ok(());
        }
        let request = Request::Email { to: to.clone(), subject: subject.clone(), body: body.clone() };
        match ex.ask(request)? {
            Answer::Email(answer) if answer.error.is_empty() => {
                ex.event(EventKind::EmailSent { to, subject, body });
            }
            Answer::Email(answer) => ex.error(format!("Unable to send email: {}", answer.error)),
            _ => return Err(Halt::mismatch("mail")),
        }
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        self.addresses.iter().for_each(|t| found.at("addresses").template(t));
        found.at("subject").localized(&self.subject);
        found.at("body").localized(&self.body);
    }
}
