//! `call_resthook`: tells a resthook's subscribers.

use super::webhook::Called;
use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt, WebhookRequest};
use crate::event::EventKind;
use crate::inspect::Findings;
use crate::pairs::Pairs;
use base::Urn;
use serde_json::json;
use serde_json::value::RawValue;

#[derive(Clone, Debug)]
pub(super) struct CallResthook {
    slug: String,
    result_name: String,
}

impl Kind for CallResthook {
    const TYPE: &'static str = "call_resthook";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        Ok(Self {
            slug: fields.required("resthook", 64)?.to_owned(),
            result_name: fields.text("result_name", 64)?.to_owned(),
        })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        ex.run_mut().webhook = None;
        let Some(resthook) = ex.state.assets.resthook(&self.slug) else { return Ok(()) };
        let text = payload(ex);
        let Ok(payload) = RawValue::from_string(text.clone()) else { return Ok(()) };
        ex.event(EventKind::ResthookCalled { resthook: self.slug.clone(), payload });
        let mut calls: Vec<Called> = Vec::with_capacity(resthook.subscribers.len());
        for url in &resthook.subscribers {
            let headers: Pairs<String> =
                [("Content-Type".to_owned(), "application/json".to_owned())].into_iter().collect();
            let max_response = ex.engine.options().max_webhook_response;
            let request =
                WebhookRequest { method: "POST".into(), url: url.clone(), headers, body: text.clone(), max_response };
            calls.push(ex.call_url(request, &self.slug)?);
        }
        let last = |wanted: &[&str]| calls.iter().rposition(|c| wanted.contains(&c.status));
        let chosen = last(&["response_error", "connection_error"]).or_else(|| last(&["success"])).or_else(|| last(&["subscriber_gone"]));
        let Some(called) = chosen.map(|i| calls.swap_remove(i)) else { return Ok(()) };
        if !self.result_name.is_empty() {
            ex.save_call(&self.result_name, &called.saved, called.status == "success");
        }
        ex.run_mut().webhook = Some(called.saved);
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        if !self.result_name.is_empty() {
            found.result(&self.result_name, &["Success", "Failure"]);
        }
    }
}

/// What subscribers are sent: the contact, the run with its path and results, and the input.
fn payload(ex: &Execution<'_>) -> String {
    let (state, run) = (&ex.state, ex.run());
    let contact = &state.contact;
    let channel_of = |reference: &crate::reference::ChannelRef| {
        let channel = state.assets.channel(&reference.uuid);
        json!({"uuid": reference.uuid, "name": reference.name, "address": channel.map_or("", |c| c.address.as_str())})
    };
    let input = state.session.input.as_ref().map(|input| {
        let urn = input.urn.as_deref().and_then(|u| Urn::parse(u).ok());
        json!({
            "attachments": input.attachments.iter().map(|a| {
                let (kind, url) = a.split_once(':').unwrap_or(("", a));
                json!({"content_type": kind, "url": url})
            }).collect::<Vec<_>>(),
            "channel": input.channel.as_ref().map(channel_of),
            "created_on": input.created_on.micros(),
            "text": input.text,
            "type": input.kind,
            "urn": urn.map(|u| json!({"display": u.friendly(), "path": u.path(), "scheme": u.scheme()})),
            "uuid": input.uuid,
        })
    });
    let results: serde_json::Map<String, serde_json::Value> = run
        .results
        .iter()
        .map(|(key, r)| {
            let localized = if r.category_localized.is_empty() { &r.category } else { &r.category_localized };
            let result = json!({
                "category": r.category,
                "category_localized": localized,
                "created_on": r.created_on.micros(),
                "input": r.input,
                "name": r.name,
                "node_uuid": r.node_uuid,
                "value": r.value,
            });
            (key.to_owned(), result)
        })
        .collect();
    let urn = state.first_urn(contact).map(Urn::identity);
    json!({
        "channel": state.session.input.as_ref().and_then(|i| i.channel.as_ref()).map(channel_of),
        "contact": {
            "language": (!contact.language.is_empty()).then_some(&contact.language),
            "name": (!contact.name.is_empty()).then_some(&contact.name),
            "urn": urn,
            "uuid": contact.uuid,
        },
        "flow": {"name": run.flow.name, "revision": run.flow.revision, "uuid": run.flow.uuid},
        "input": input,
        "path": run.path.iter().map(|s| json!({"arrived_on": s.arrived_on.micros(), "node_uuid": s.node_uuid})).collect::<Vec<_>>(),
        "results": results,
        "run": {"created_on": run.created_on.micros(), "uuid": run.uuid},
    })
    .to_string()
}
