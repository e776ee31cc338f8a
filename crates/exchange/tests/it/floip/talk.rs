//! Conversations with imported flows.

use exchange::floip::Imported;
use flow::simulate::{Conversation, Reply, SimulateError, sample_contact};
use flow::{Assets, Definition, Engine, Environment, Event, EventKind, Stamp};
use std::sync::Arc;

/// What was said in a conversation.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub(super) messages: Vec<String>,
    pub(super) errors: Vec<String>,
    pub(super) results: Vec<(String, String, String)>,
    pub(super) fields: String,
    pub(super) ended: bool,
    pub(super) replies: usize,
}

/// The flows of an import, compiled.
pub(super) fn flows(imported: &Imported) -> (Assets, Vec<Arc<Definition>>) {
    let text = imported.document.to_string();
    let export = flow::export::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let flows: Vec<Arc<Definition>> = export.flows.iter().map(|flow| flow.definition.clone()).collect();
    (export.assets().unwrap(), flows)
}

/// Talks with a flow: `replies` in turn, the last one again and again, until it ends or there were 40.
pub(super) fn talk(imported: &Imported, flow: usize, language: &str, replies: &[&str]) -> Talk {
    let (assets, flows) = flows(imported);
    let now = "2026-11-23T09:00:00Z".parse().unwrap();
    let mut contact = sample_contact(Stamp::utc(now));
    language.clone_into(&mut contact.language);
    let languages = flows[flow].languages().map(str::to_owned);
    let allowed_languages = std::iter::once(flows[flow].language().to_owned()).chain(languages).collect();
    let environment = Environment { allowed_languages, ..Environment::default() };
    let mut conversation = Conversation::new(Engine::default(), assets, environment, contact, 1);
    let mut nobody = |_| Err(SimulateError::NotBegun);
    let mut talk = Talk::default();
    talk.hear(&conversation.start(&flows[flow], now, &mut nobody).unwrap());
    while conversation.is_waiting() && talk.replies < 40 && !replies.is_empty() {
        let reply = replies.get(talk.replies).or(replies.last()).unwrap();
        talk.replies += 1;
        let events = conversation.reply(Reply::Text((*reply).to_owned()), now, &mut nobody).unwrap();
        talk.hear(&events);
    }
    talk.ended = !conversation.is_waiting();
    talk.results =
        conversation.results().map(|(name, r)| (name.to_owned(), r.value.clone(), r.category.clone())).collect();
    talk.fields = serde_json::to_string(conversation.contact()).unwrap();
    talk
}

impl Talk {
    fn hear(&mut self, events: &[Event]) {
        for event in events {
            match &event.kind {
                EventKind::MsgCreated { msg } => self.messages.push(msg.text.clone()),
                EventKind::Error { text, .. } | EventKind::Failure { text } => self.errors.push(text.clone()),
                _ => {}
            }
        }
    }
}
