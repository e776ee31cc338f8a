//! Making messages: evaluation, localisation, address, channel, template.

use super::{Execution, destination};
use crate::contact::ContactStatus;
use crate::definition::DefinitionError;
use crate::definition::fields::{Fields, Item, Localized, MAX_TEMPLATE};
use crate::message::{MsgOut, QuickReply};
use crate::reference::TemplateRef;

/// The members that actions which make messages share.
#[derive(Clone, Debug)]
pub(crate) struct MessageSource {
    pub(crate) text: Localized,
    pub(crate) attachments: Localized,
    pub(crate) quick_replies: Localized,
    pub(crate) template: Option<TemplateRef>,
    pub(crate) template_variables: Localized,
}

/// What a message says, and the language it says it in.
pub(crate) struct Content {
    pub(crate) text: String,
    pub(crate) attachments: Vec<String>,
    pub(crate) quick_replies: Vec<QuickReply>,
    pub(crate) language: String,
}

const MAX_ATTACHMENTS: usize = 10;
const MAX_ATTACHMENT: usize = 2048;
const MAX_QUICK_REPLIES: usize = 10;

impl MessageSource {
    pub(crate) fn read(fields: &Fields<'_>, item: Item<'_>) -> Result<Self, DefinitionError> {
        fields.required("text", MAX_TEMPLATE)?;
        let template = match fields.object("template")? {
            None => None,
            Some(template) => {
                let (uuid, name) = template.reference(512)?;
                Some(TemplateRef { uuid, name })
            }
        };
        Ok(Self {
            text: item.template(fields, "text", MAX_TEMPLATE)?,
            attachments: item.templates(fields, "attachments", MAX_ATTACHMENTS, 8192)?,
            quick_replies: item.templates(fields, "quick_replies", MAX_QUICK_REPLIES, 1000)?,
            template,
            template_variables: item.templates(fields, "template_variables", 100, MAX_TEMPLATE)?,
        })
    }
}

/// Whether a text is `type:url`.
fn is_attachment(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(kind, url)| !kind.is_empty() && !url.is_empty() && !kind.contains(char::is_whitespace))
}

impl Execution<'_> {
    /// Evaluates a message in the first of the languages that it is translated into.
    pub(crate) fn content(&mut self, source: &MessageSource, languages: &[Box<str>]) -> Content {
        let flow = self.flow();
        let own = flow.language();
        let (text, text_language) = source.text.choose(languages, own);
        let text = text.first().map_or_else(String::new, |t| self.text(t).0);
        let (templates, attachments_language) = source.attachments.choose(languages, own);
        let mut attachments = Vec::new();
        for template in templates {
            let (text, _) = self.text(template);
            let text = text.trim();
            if !is_attachment(text) {
                self.error("Attachment evaluated to invalid value and will be ignored");
            } else if text.len() > MAX_ATTACHMENT {
                self.error(format!(
                    "Evaluated attachment is longer than the {MAX_ATTACHMENT} limit and will be ignored"
                ));
            } else {
                attachments.push(text.to_owned());
            }
        }
        let (templates, replies_language) = source.quick_replies.choose(languages, own);
        let mut quick_replies = Vec::new();
        for template in templates {
            let (text, _) = self.text(template);
            if text.is_empty() {
                self.error("Quick reply evaluated to empty string and will be ignored");
            } else {
                quick_replies.push(QuickReply::parse(&text));
            }
        }
        let language = if !text.is_empty() {
            text_language
        } else if !attachments.is_empty() {
            attachments_language
        } else {
            replies_language
        };
        Content { text, attachments, quick_replies, language: language.to_owned() }
    }

    /// `eng-US` or `eng`.
    pub(crate) fn locale(&self, language: &str) -> String {
        match (language, self.env.default_country.as_deref()) {
            ("" | "und", _) => String::new(),
            (language, Some(country)) if !country.is_empty() => format!("{language}-{country}"),
            (language, _) => language.to_owned(),
        }
    }

    /// The message that an action makes for the contact; unsendable ones say why.
    pub(crate) fn message(&mut self, source: &MessageSource) -> MsgOut {
        let languages = self.languages();
        let content = self.content(source, &languages);
        let mut message = MsgOut {
            locale: self.locale(&content.language),
            text: content.text,
            attachments: content.attachments,
            quick_replies: content.quick_replies,
            ..MsgOut::default()
        };
        let assets = self.state.assets;
        let found = destination::resolve(assets, &self.state.contact, &self.state.regions)
            .map(|(urn, channel)| (urn.identity().to_owned(), channel.reference()));
        if let Some((urn, channel)) = &found {
            message.urn = Some(urn.clone());
            message.channel = Some(channel.clone());
            if let Some(reference) = &source.template
                && let Some(template) = assets.template(&reference.uuid)
            {
                let session = self.locale(self.session_language());
                let workspace = match (self.workspace_language(), self.workspace_country()) {
                    ("", _) => String::new(),
                    (language, Some(country)) => format!("{language}-{country}"),
                    (language, None) => language.to_owned(),
                };
                if let Some(translation) = template.translation(&channel.uuid, &[session, workspace]) {
                    let flow = self.flow();
                    let (chosen, _) = source.template_variables.choose(&languages, flow.language());
                    let values: Vec<String> = chosen.iter().map(|t| self.text(t).0).collect();
                    template.fill(translation, &values, &mut message);
                }
            }
        }
        message.unsendable_reason = match self.contact_status() {
            ContactStatus::Blocked => "contact_blocked".to_owned(),
            ContactStatus::Stopped => "contact_stopped".to_owned(),
            ContactStatus::Archived => "contact_archived".to_owned(),
            ContactStatus::Active => {
                let check = self.engine.options.send_check.as_ref();
                check.and_then(|check| check(&self.state.contact, &message)).unwrap_or_default()
            }
        };
        if found.is_none() {
            "no_route".clone_into(&mut message.unsendable_reason);
        }
        message
    }
}
