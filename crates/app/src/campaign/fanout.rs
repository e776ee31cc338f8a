//! Taking up the recipients of starts, and noticing that everybody has finished.

use super::{CampaignError, member};
use crate::audience::{Audience, AudienceError};
use crate::{App, AppError};
use base::{ContactId, IdMaker, Part};
use std::sync::Arc;
use std::time::Duration;
use store::audience::Filter;
use store::ops::NewProblem;
use store::{FanoutChunk, Member, Started, StoreError};
use tracing::warn;

/// How many contacts a chunk of the fan-out takes up.
const CHUNK: usize = 500;
/// How long the fan-out waits when nothing wakes it.
const IDLE: Duration = Duration::from_millis(500);

impl App {
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
    pub(crate) async fn fan_out_some(&self) -> Result<usize, CampaignError> {
        let lease = self.lease();
        let mut taken = 0;
        for start in self.store.starts_to_fan_out().await? {
            // The audience is read anew for each round, so that leavers drop out and joiners come in.
            let audience = match self.audience(&start.query).await {
                Ok(audience) => audience,
                Err(AudienceError::App(error)) => return Err(error.into()),
                // The other starts go on.
                Err(error) => {
                    self.hold_start(&start, &error).await?;
                    continue;
                }
            };
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

    /// Pauses a start whose audience is not understood any more, and says so on the work list.
    async fn hold_start(&self, start: &Started, error: &AudienceError) -> Result<(), CampaignError> {
        warn!(start = %start.id, "a campaign is paused: its audience is not understood any more");
        let problem = NewProblem {
            kind: "campaign_held".into(),
            key: start.id.to_string(),
            subject: start.id.to_string(),
            message: format!("The campaign {} is paused, for {error}", start.name),
            remedy:
                "Put back what the audience speaks of and resume the campaign, or cancel it and start it again with \
                     another audience."
                    .into(),
        };
        self.store.set_start_state(start.id, "paused").await?;
        self.store.add_problems(&[problem], self.now()).await?;
        Ok(())
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
