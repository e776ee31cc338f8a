//! What a campaign would do, before it does.

use super::outline::Outline;
use super::{CampaignError, member, named};
use crate::App;
use crate::assets::Loaded;
use crate::gate::{Recipient, Refusal, admit};
use base::{FlowId, IdMaker};
use flow::contact::{Contact, ContactStatus};
use flow::engine::{Engine, Outcome, Sources};
use flow::trigger::{Trigger, TriggerType};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use store::contact::Candidate;
use store::ops::{Class, Priority};

/// What a campaign would do, before it does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The flow's name.
    pub flow: String,
    /// The audience in its normal form.
    pub query: String,
    /// Contacts whom the query means.
    pub matched: usize,
    /// Of these, those who get the first message.
    pub recipients: usize,
    /// Of these, those who do not, by reason.
    pub left_out: BTreeMap<String, usize>,
    /// Recipients by the language of their messages.
    pub languages: BTreeMap<String, usize>,
    /// Recipients by cadre.
    pub cadres: BTreeMap<String, usize>,
    /// Recipients by place.
    pub places: BTreeMap<String, usize>,
    /// Segments of the first message to everybody.
    pub segments: usize,
    /// The most segments that one recipient's first message needs.
    pub longest: usize,
    /// What these segments cost, in the currency's unit, and the currency; absent without a tariff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<(Decimal, String)>,
    /// Segments of the whole conversation with everybody, estimated: everybody answers to the end, on the flow's longest
    /// way, every question asked once, and an expression in a text gives eight characters.
    pub conversation_segments: usize,
    /// What these cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_cost: Option<(Decimal, String)>,
}

impl App {
    /// What a campaign would do: whom it reaches, who is left out and why, how long the first message is, what it
    /// costs. Nothing is sent.
    ///
    /// # Errors
    /// [`CampaignError`].
    pub async fn preview(&self, flow: &str, query: &str) -> Result<(Preview, FlowId), CampaignError> {
        let (flow, name) = self.find_flow(flow).await?;
        let audience = self.audience(query).await?;
        let mut preview = Preview { flow: name, query: audience.query.to_string(), ..Preview::default() };
        let mut openings = Openings::new(self, flow)?;
        let outline = self.outline(flow).await?;
        let mut conversations: HashMap<String, usize> = HashMap::new();
        let mut failed = None;
        self.each_member(&audience, |candidate| {
            preview.matched += 1;
            match self.refusal(&candidate) {
                Some(refusal) => *preview.left_out.entry(refusal.as_str().to_owned()).or_default() += 1,
                None => match openings.of(&candidate) {
                    Ok((language, segments)) => {
                        preview.recipients += 1;
                        let whole = conversations.entry(language.clone()).or_insert_with(|| outline.longest(&language));
                        preview.conversation_segments += segments.max(*whole);
                        *preview.languages.entry(language).or_default() += 1;
                        let member = member(&candidate);
                        *preview.cadres.entry(named(&member.cadre)).or_default() += 1;
                        *preview.places.entry(named(&member.place)).or_default() += 1;
                        preview.segments += segments;
                        preview.longest = preview.longest.max(segments);
                    }
                    Err(error) => failed = Some(error),
                },
            }
        })
        .await?;
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(tariff) = &self.settings.tariff {
            let price = |segments: usize| (tariff.per_segment * Decimal::from(segments), tariff.currency.clone());
            preview.cost = Some(price(preview.segments));
            preview.conversation_cost = Some(price(preview.conversation_segments));
        }
        Ok((preview, flow))
    }

    /// The picture of a flow and of those that it enters.
    pub(super) async fn outline(&self, flow: FlowId) -> Result<Outline, CampaignError> {
        let rows = self.store.flows().await?;
        let flows = rows.iter().filter_map(|row| Some((row.id, serde_json::from_str(&row.definition).ok()?))).collect();
        Ok(Outline::of(flow, &flows))
    }

    /// Why the gate would leave a contact out now.
    fn refusal(&self, candidate: &Candidate) -> Option<Refusal> {
        let recipient =
            Recipient { suppressed: candidate.suppressed, status: candidate.status.clone(), unsolicited: Vec::new() };
        let address = candidate.urns.first().map(|urn| urn.split(['?', '#']).next().unwrap_or(urn));
        let address = address.filter(|address| address.starts_with("tel:"));
        admit(&self.settings, &recipient, address, "-", Priority::Bulk, Class::Normal, self.now()).err()
    }
}

/// How a flow opens to contacts: tried with the engine, once for each name and language where the text depends on the
/// contact, once for each language where it does not.
struct Openings<'a> {
    app: &'a App,
    loaded: Arc<Loaded>,
    flow: FlowId,
    engine: Engine,
    /// By language: the language sent and the segments, where two different contacts got the same text.
    known: HashMap<String, (String, usize)>,
    seen: HashMap<String, String>,
}

impl<'a> Openings<'a> {
    fn new(app: &'a App, flow: FlowId) -> Result<Self, CampaignError> {
        let loaded = app.loaded();
        loaded.flow_ref(flow).ok_or_else(|| CampaignError::Flow("it is not there any more".into()))?;
        Ok(Self { app, loaded, flow, engine: Engine::default(), known: HashMap::new(), seen: HashMap::new() })
    }

    /// The language that a contact gets and the segments of the first message.
    fn of(&mut self, candidate: &Candidate) -> Result<(String, usize), CampaignError> {
        let language = candidate.language.clone().unwrap_or_default();
        if let Some(known) = self.known.get(&language) {
            return Ok(known.clone());
        }
        let (sent, text) = self.try_out(candidate)?;
        let found = (sent, base::sms::segments(&text).count);
        match self.seen.get(&language) {
            Some(before) if *before == text => {
                self.known.insert(language, found.clone());
            }
            _ => {
                self.seen.insert(language, text);
            }
        }
        Ok(found)
    }

    fn try_out(&self, candidate: &Candidate) -> Result<(String, String), CampaignError> {
        let now = self.app.now();
        let at = now.timestamp();
        let mut contact = Contact::new(candidate.contact.0, candidate.created_on.timestamp().into());
        contact.status = ContactStatus::Active;
        contact.name = candidate.name.clone().unwrap_or_default();
        contact.language = candidate.language.clone().unwrap_or_default();
        contact.urns = candidate.urns.iter().filter_map(|urn| base::Urn::parse(urn).ok()).collect();
        let reference =
            self.loaded.flow_ref(self.flow).ok_or_else(|| CampaignError::Flow("it is not there any more".into()))?;
        let trigger = Trigger::new(TriggerType::Manual, reference, at.into());
        let sources = Sources::new(at, IdMaker::from_u64(1));
        let outcome = self
            .engine
            .start(&self.loaded.engine, &self.loaded.environment, contact, None, trigger, sources, &[])
            .map_err(|error| CampaignError::Flow(error.to_string()))?;
        let Outcome::Done(sprint) = outcome else {
            return Err(CampaignError::Flow("it needs a service that is not set up".into()));
        };
        let first = sprint.messages().next();
        let language = first
            .map(|(_, msg)| msg.locale.split('-').next().unwrap_or_default().to_owned())
            .filter(|language| !language.is_empty())
            .unwrap_or_else(|| "und".into());
        Ok((language, first.map(|(_, msg)| msg.text.clone()).unwrap_or_default()))
    }
}
