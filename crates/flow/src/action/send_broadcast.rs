//! `send_broadcast`: sends others a message.

use super::recipients::{RecipientsSource, nobody};
use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt, MessageSource};
use crate::event::{BroadcastTranslation, EventKind};
use crate::inspect::Findings;
use crate::pairs::Pairs;

#[derive(Clone, Debug)]
pub(super) struct SendBroadcast {
    message: MessageSource,
    recipients: RecipientsSource,
}

impl Kind for SendBroadcast {
    const TYPE: &'static str = "send_broadcast";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, item: Item<'_>) -> Result<Self> {
        Ok(Self { message: MessageSource::read(fields, item)?, recipients: RecipientsSource::read(fields)? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let recipients = self.recipients.resolve(ex);
        if ex.in_batch() && !(recipients.groups.is_empty() && recipients.contact_query.is_empty()) {
            ex.error("Can't send broadcasts to groups during batch starts");
            return Ok(());
        }
        if nobody(&recipients) {
            return Ok(());
        }
        let flow = ex.flow();
        let mut translations = Pairs::default();
        let languages = std::iter::once(flow.language()).chain(flow.languages().filter(|l| *l != flow.language()));
        for language in languages {
            let content = ex.content(&self.message, &[language.into()]);
            translations.set(
                language,
                BroadcastTranslation {
                    text: content.text,
                    attachments: content.attachments,
                    quick_replies: content.quick_replies,
                },
            );
        }
        let template = self.message.template.as_ref().and_then(|t| ex.state.assets.template(&t.uuid));
        let template = template.map(crate::assets::MessageTemplate::reference);
        let template_variables = match &template {
            Some(_) => self.message.template_variables.base.iter().map(|t| ex.text(t).0).collect(),
            None => Vec::new(),
        };
        ex.event(EventKind::BroadcastCreated {
            translations,
            base_language: flow.language().to_owned(),
            recipients,
            template,
            template_variables,
        });
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.message(&self.message);
        self.recipients.inspect(found);
    }
}
