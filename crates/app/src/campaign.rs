//! Campaigns: what one would do, starting it, fanning it out, how far it is.

use crate::assets::Loaded;
use crate::audience::{Audience, AudienceError};
use crate::gate::{Recipient, Refusal, admit};
use crate::{App, AppError};
use base::{CampaignId, ContactId, FlowId, IdMaker, Part, StartId};
use flow::contact::{Contact, ContactStatus};
use flow::engine::{Engine, Outcome, Sources};
use flow::trigger::{Trigger, TriggerType};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use store::audience::Filter;
use store::contact::Candidate;
use store::ops::{Class, MessageState, Priority};
use store::{FanoutChunk, Member, NewStart, Started, Status, StoreError};
use tracing::warn;

/// How many contacts a chunk of the fan-out takes up.
const CHUNK: usize = 500;
/// How long the fan-out waits when nothing wakes it.
const IDLE: Duration = Duration::from_millis(500);

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
}

/// Why a campaign cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// There is no such flow.
    #[error("there is no flow '{wanted}'; there are: {known}")]
    NoFlow {
        /// What was asked for.
        wanted: String,
        /// The flows there are.
        known: String,
    },
    /// The audience cannot be used.
    #[error(transparent)]
    Audience(#[from] AudienceError),
    /// Nobody would get it.
    #[error("nobody would get it: {matched} contacts match and {left_out}")]
    Nobody {
        /// How many match.
        matched: usize,
        /// Why none gets it.
        left_out: String,
    },
    /// The flow cannot be begun.
    #[error("the flow cannot begin: {0}")]
    Flow(String),
    /// There is no such start.
    #[error("there is no campaign '{0}'; `mhero campaign status` lists them")]
    NoStart(String),
    /// The store refused.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<StoreError> for CampaignError {
    fn from(error: StoreError) -> Self {
        Self::App(error.into())
    }
}

/// How many recipients stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All of them.
    pub recipients: i64,
    /// Taken up, without a first message yet.
    pub waiting: i64,
    /// In the outbox.
    pub queued: i64,
    /// The operator took the first message, delivered or not.
    pub sent: i64,
    /// The phone has it.
    pub delivered: i64,
    /// It will not arrive.
    pub failed: i64,
    /// Nobody knows whether the operator has it.
    pub unknown: i64,
    /// The gate refused it.
    pub refused: i64,
    /// They answered.
    pub responded: i64,
    /// They went through to the end.
    pub completed: i64,
}

/// How far a campaign is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The start.
    pub id: StartId,
    /// The campaign's name.
    pub name: String,
    /// `running`, `paused`, `cancelled` or `done`; `fanning out` while recipients are still taken up.
    pub state: String,
    /// The audience.
    pub query: String,
    /// Everybody.
    pub all: Tally,
    /// By cadre.
    pub by_cadre: BTreeMap<String, Tally>,
    /// By place.
    pub by_place: BTreeMap<String, Tally>,
    /// Why messages were refused or failed.
    pub reasons: BTreeMap<String, i64>,
    /// How often each answer was given, by question.
    pub answers: BTreeMap<String, Vec<(String, i64)>>,
}

impl Report {
    /// From the store's rows.
    pub fn of(status: Status) -> Self {
        let mut report = Self {
            id: status.start.id,
            name: status.start.name,
            state: match status.start.state.as_str() {
                "running" if status.start.fanned_out_on.is_none() => "fanning out".into(),
                state => state.to_owned(),
            },
            query: status.start.query,
            all: Tally::default(),
            by_cadre: BTreeMap::new(),
            by_place: BTreeMap::new(),
            reasons: BTreeMap::new(),
            answers: BTreeMap::new(),
        };
        for row in &status.rows {
            let named = |name: &str| if name.is_empty() { "(none)".to_owned() } else { name.to_owned() };
            let cadre = report.by_cadre.entry(named(&row.cadre)).or_default();
            cadre.add(row);
            report.by_place.entry(named(&row.place)).or_default().add(row);
            report.all.add(row);
            if matches!(row.state, Some(MessageState::Refused | MessageState::Failed)) {
                *report.reasons.entry(row.detail.clone()).or_default() += row.n;
            }
        }
        for (question, answer, n) in status.answers {
            report.answers.entry(question).or_default().push((answer, n));
        }
        report
    }
}

impl Tally {
    fn add(&mut self, row: &store::StatusRow) {
        self.recipients += row.n;
        match row.state {
            None | Some(MessageState::Received) => self.waiting += row.n,
            Some(MessageState::Queued | MessageState::Wired) => self.queued += row.n,
            Some(MessageState::Sent) => self.sent += row.n,
            Some(MessageState::Delivered) => {
                self.sent += row.n;
                self.delivered += row.n;
            }
            Some(MessageState::Failed) => self.failed += row.n,
            Some(MessageState::Unknown) => self.unknown += row.n,
            Some(MessageState::Refused) => self.refused += row.n,
        }
        if row.responded {
            self.responded += row.n;
        }
        if row.completed {
            self.completed += row.n;
        }
    }
}

impl App {
    /// The flow of this name (without case) or id.
    ///
    /// # Errors
    /// [`CampaignError::NoFlow`], which names the flows there are.
    pub async fn find_flow(&self, wanted: &str) -> Result<(FlowId, String), CampaignError> {
        self.reload().await?;
        let loaded = self.loaded();
        let folded = base::text::fold(wanted);
        let found = loaded
            .flows()
            .find(|(id, name)| base::text::fold(name) == folded || id.to_string() == wanted)
            .map(|(id, name)| (id, name.to_owned()));
        found.ok_or_else(|| {
            let mut known: Vec<&str> = loaded.flows().map(|(_, name)| name).collect();
            known.sort_unstable();
            let known =
                if known.is_empty() { "none: import one with `mhero flow import`".into() } else { known.join(", ") };
            CampaignError::NoFlow { wanted: wanted.to_owned(), known }
        })
    }

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
        let mut failed = None;
        self.each_member(&audience, |candidate| {
            preview.matched += 1;
            match self.refusal(&candidate) {
                Some(refusal) => *preview.left_out.entry(refusal.as_str().to_owned()).or_default() += 1,
                None => match openings.of(&candidate) {
                    Ok((language, segments)) => {
                        preview.recipients += 1;
                        *preview.languages.entry(language).or_default() += 1;
                        let member = member(&candidate);
                        *preview.cadres.entry(member.cadre).or_default() += 1;
                        *preview.places.entry(member.place).or_default() += 1;
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
        preview.cost = self
            .settings
            .tariff
            .as_ref()
            .map(|tariff| (tariff.per_segment * Decimal::from(preview.segments), tariff.currency.clone()));
        Ok((preview, flow))
    }

    /// Why the gate would leave a contact out now.
    fn refusal(&self, candidate: &Candidate) -> Option<Refusal> {
        let recipient =
            Recipient { suppressed: candidate.suppressed, status: candidate.status.clone(), unsolicited: Vec::new() };
        let address = candidate.urns.first().map(|urn| urn.split(['?', '#']).next().unwrap_or(urn));
        let address = address.filter(|address| address.starts_with("tel:"));
        admit(&self.settings, &recipient, address, "-", Priority::Bulk, Class::Normal, self.now()).err()
    }

    /// Starts a campaign: makes it and lets the fan-out begin.
    ///
    /// # Errors
    /// [`CampaignError::Nobody`] when nobody would get it, and all of [`App::preview`].
    pub async fn start_campaign(&self, flow: &str, query: &str) -> Result<(StartId, Preview), CampaignError> {
        let (preview, flow) = self.preview(flow, query).await?;
        if preview.recipients == 0 {
            let left_out: Vec<String> =
                preview.left_out.iter().map(|(reason, n)| format!("{n} are left out ({reason})")).collect();
            let left_out = if left_out.is_empty() { "the audience is empty".into() } else { left_out.join(", ") };
            return Err(CampaignError::Nobody { matched: preview.matched, left_out });
        }
        let now = self.now();
        let (campaign, id): (CampaignId, StartId) = self.with_ids(|ids| (ids.next(now), ids.next(now)));
        let new =
            NewStart { campaign, id, name: preview.flow.clone(), flow, query: preview.query.clone(), created_on: now };
        self.store.create_start(new).await?;
        self.bells.fanout.ring();
        Ok((id, preview))
    }

    /// How far a campaign is: the one named by id or by the campaign's name, else the latest.
    ///
    /// # Errors
    /// [`CampaignError::NoStart`].
    pub async fn campaign_report(&self, wanted: Option<&str>) -> Result<Report, CampaignError> {
        let start = self.find_start(wanted).await?;
        let status = self.store.start_status(start.id).await?;
        status.map(Report::of).ok_or_else(|| CampaignError::NoStart(start.id.to_string()))
    }

    /// The start named by id or by its campaign's name, else the latest.
    ///
    /// # Errors
    /// [`CampaignError::NoStart`].
    pub async fn find_start(&self, wanted: Option<&str>) -> Result<Started, CampaignError> {
        let starts = self.store.starts().await?;
        let found = match wanted {
            None => starts.into_iter().next(),
            Some(wanted) => starts.into_iter().find(|start| {
                start.id.to_string() == wanted || base::text::fold(&start.name) == base::text::fold(wanted)
            }),
        };
        found.ok_or_else(|| CampaignError::NoStart(wanted.unwrap_or("(any)").to_owned()))
    }

    /// Takes up recipients of running starts until the app stops: only slightly ahead of what the channels send.
    pub(crate) async fn fan_out(self: Arc<Self>) {
        let mut stop = self.stopping();
        loop {
            let bell = self.bells.fanout.listen();
            match self.fan_out_some().await {
                Ok(0) => {
                    tokio::select! {
                        () = bell => {}
                        () = tokio::time::sleep(IDLE) => {}
                        _ = stop.wait_for(|stop| *stop) => return,
                    }
                }
                Ok(_) => {}
                Err(CampaignError::App(AppError::Store(StoreError::Closed))) => return,
                Err(error) => {
                    warn!(%error, "the fan-out stands still; trying again");
                    tokio::time::sleep(IDLE).await;
                }
            }
            if *stop.borrow() {
                return;
            }
        }
    }

    /// Takes up one chunk of every part held, of every running start. Gives how many contacts were taken up.
    async fn fan_out_some(&self) -> Result<usize, CampaignError> {
        let lease = self.lease();
        let mut taken = 0;
        for start in self.store.starts_to_fan_out().await? {
            // The audience is read anew for each round, so that leavers drop out and joiners come in.
            let audience = self.audience(&start.query).await?;
            let filter = self.store.audience_filter(&audience.compiled).await?;
            let cursors = self.store.fanout_cursors(start.id).await?;
            if cursors.is_empty() {
                self.store.finish_fanout(start.id, self.now()).await?;
            }
            for (part, after) in cursors {
                if lease.epoch(part).is_none() {
                    continue;
                }
                if self.store.backlog(self.settings.backlog).await? >= self.settings.backlog {
                    return Ok(taken);
                }
                taken += self.fan_out_part(&start, (&audience, &filter), part, after).await?;
            }
        }
        Ok(taken)
    }

    async fn fan_out_part(
        &self,
        start: &Started,
        (audience, filter): (&Audience, &Filter),
        part: Part,
        after: Option<ContactId>,
    ) -> Result<usize, CampaignError> {
        let candidates = self.store.candidates_filtered(filter, part, after, CHUNK).await?;
        let done = candidates.len() < CHUNK;
        let last = candidates.last().map(|candidate| candidate.contact);
        let members: Vec<Member> =
            candidates.iter().filter(|candidate| audience.contains(candidate)).map(member).collect();
        let count = members.len();
        let ids = self.with_ids(IdMaker::fork);
        let chunk = FanoutChunk { part, after, last, members, done };
        let moved = self.store.fanout_chunk(start, chunk, self.now(), ids).await?;
        if moved && count > 0 {
            self.bells.inbox.ring();
        }
        // A chunk without members is work done all the same: the next one may have some.
        Ok(if moved { count.max(1) } else { 0 })
    }
}

fn member(candidate: &Candidate) -> Member {
    Member {
        contact: candidate.contact,
        cadre: candidate.attributes.report_cadre.clone(),
        place: candidate.attributes.report_place.clone(),
        language: candidate.language.clone().unwrap_or_default(),
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
