//! Campaigns: what one would do, starting it, fanning it out, how far it is.

mod fanout;
mod outline;
mod preview;
mod report;

pub use preview::Preview;
pub use report::{Question, Report, Tally};

use crate::audience::AudienceError;
use crate::gate::explain;
use crate::{App, AppError};
use base::{CampaignId, FlowId, StartId};
use store::contact::Candidate;
use store::{Member, NewStart, Started, StoreError};

/// Why a campaign cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// There is no such flow.
    #[error("there is no flow \"{wanted}\"; {known}")]
    NoFlow {
        /// What was asked for.
        wanted: String,
        /// The flows there are.
        known: String,
    },
    /// Several flows have this name.
    #[error("{} flows are called \"{wanted}\": give the id of one of them ({})", ids.len(), ids.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Their ids.
        ids: Vec<String>,
    },
    /// The audience cannot be used.
    #[error(transparent)]
    Audience(#[from] AudienceError),
    /// Nobody would get it.
    #[error("nobody would get it: {matched} {} the audience{left_out}", if *matched == 1 { "contact is in" } else { "contacts are in" })]
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
    #[error("there is no campaign \"{0}\"; `mhero campaign list` shows those there are")]
    NoStart(String),
    /// There is no start at all.
    #[error("no campaign has been started yet; `mhero campaign start FLOW --to QUERY` starts one")]
    NoStarts,
    /// The store refused.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<StoreError> for CampaignError {
    fn from(error: StoreError) -> Self {
        Self::App(error.into())
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
        let mut found: Vec<(FlowId, String)> = loaded
            .flows()
            .filter(|(id, name)| base::text::fold(name) == folded || id.to_string() == wanted)
            .map(|(id, name)| (id, name.to_owned()))
            .collect();
        if found.len() > 1 {
            let mut ids: Vec<String> = found.iter().map(|(id, _)| id.to_string()).collect();
            ids.sort_unstable();
            return Err(CampaignError::Ambiguous { wanted: wanted.to_owned(), ids });
        }
        found.pop().ok_or_else(|| {
            let mut known: Vec<String> = loaded.flows().map(|(_, name)| format!("\"{name}\"")).collect();
            known.sort_unstable();
            let known = if known.is_empty() {
                "there is none yet: import one with `mhero flow import FILE`".into()
            } else {
                format!("there are: {}", known.join(", "))
            };
            CampaignError::NoFlow { wanted: wanted.to_owned(), known }
        })
    }

    /// Starts a campaign: makes it and lets the fan-out begin.
    ///
    /// # Errors
    /// [`CampaignError::Nobody`] when nobody would get it, and all of [`App::preview`].
    pub async fn start_campaign(&self, flow: &str, query: &str) -> Result<(StartId, Preview), CampaignError> {
        let (preview, flow) = self.preview(flow, query).await?;
        if preview.recipients == 0 {
            let left_out: Vec<String> =
                preview.left_out.iter().map(|(reason, n)| format!("{n} left out ({})", explain(reason))).collect();
            let left_out = if left_out.is_empty() { String::new() } else { format!(": {}", left_out.join(", ")) };
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
        let asked = self.outline(start.flow).await?.questions();
        let status = self.store.start_status(start.id).await?;
        status.map(|status| Report::of(status, &asked)).ok_or_else(|| CampaignError::NoStart(start.id.to_string()))
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
        found.ok_or_else(|| wanted.map_or(CampaignError::NoStarts, |wanted| CampaignError::NoStart(wanted.to_owned())))
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

/// A name as reports show it.
fn named(name: &str) -> String {
    if name.is_empty() { "(none)".into() } else { name.to_owned() }
}
