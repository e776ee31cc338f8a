//! The conversation loop: takes what waits in the inbox, steps the engine, commits.
//!
//! Each lane steps a run of neighbouring parts, so that one computes while another's step is committed. Within a lane
//! there is one batch at a time: a contact's rows are never in two batches at once.

mod contact;
mod step;
#[cfg(test)]
mod tests;

pub use step::{Context, step};

use crate::{App, AppError};
use base::{IdMaker, Part};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use store::StoreError;
use store::ops::{Lease, Mailbox, NewProblem, Step};
use tracing::{error, warn};

/// How many inbox rows a batch takes at most.
const BATCH: usize = 250;
/// How long a lane waits when nothing wakes it: other processes write to the inbox too.
const IDLE: Duration = Duration::from_millis(200);
/// How long a lane rests after the store refused.
const REST: Duration = Duration::from_millis(500);

impl App {
    /// Steps what waits in the parts of one lane until the app stops.
    pub(crate) async fn converse(self: Arc<Self>, lane: usize, lanes: usize) {
        let mut from = Part(0);
        let mut stop = self.stopping();
        loop {
            let bell = self.bells.inbox.listen();
            match self.converse_some(lane, lanes, &mut from).await {
                Ok(0) => {
                    tokio::select! {
                        () = bell => {}
                        () = tokio::time::sleep(IDLE) => {}
                        _ = stop.wait_for(|stop| *stop) => return,
                    }
                }
                Ok(_) => {}
                Err(AppError::Store(StoreError::Closed)) => return,
                Err(error) => {
                    warn!(%error, lane, "the inbox could not be handled; trying again");
                    tokio::time::sleep(REST).await;
                }
            }
            if *stop.borrow() {
                return;
            }
        }
    }

    /// Handles one batch. Gives the number of mailboxes.
    async fn converse_some(self: &Arc<Self>, lane: usize, lanes: usize, from: &mut Part) -> Result<usize, AppError> {
        let lease = self.lease().lane(lane, lanes);
        if lease.parts.is_empty() {
            return Ok(0);
        }
        let boxes = self.store.claim(&lease, *from, BATCH).await?;
        let Some(last) = boxes.last() else { return Ok(0) };
        *from = Part(last.part.0.wrapping_add(1));
        let count = boxes.len();
        metrics::histogram!("mhero_batch_mailboxes").record(count as f64);
        let context = self.context();
        let ids = self.with_ids(IdMaker::fork);
        let (steps, poisoned) = tokio::task::spawn_blocking(move || step_all(&context, boxes, ids))
            .await
            .map_err(|error| AppError::Broken(format!("the engine's thread ended: {error}")))?;
        for (mailbox, reason) in poisoned {
            self.quarantine(mailbox, &reason).await?;
        }
        self.commit(&lease, steps).await?;
        self.bells.outbox.ring();
        self.bells.fanout.ring();
        Ok(count)
    }

    /// Commits steps; a batch that fails is halved until the guilty contact stands alone and becomes a problem.
    async fn commit(&self, lease: &Lease, steps: Vec<(Step, Mailbox)>) -> Result<(), AppError> {
        let mut queue = vec![steps];
        while let Some(group) = queue.pop() {
            let (steps, boxes): (Vec<Step>, Vec<Mailbox>) = group.into_iter().unzip();
            if steps.is_empty() {
                continue;
            }
            let batch = Arc::new(steps);
            let Err(error) = self.store.commit_steps(lease, Arc::clone(&batch)).await else {
                metrics::counter!("mhero_steps_total").increment(batch.len() as u64);
                continue;
            };
            let steps = Arc::try_unwrap(batch).unwrap_or_else(|shared| shared.as_ref().clone());
            let mut group: Vec<(Step, Mailbox)> = steps.into_iter().zip(boxes).collect();
            match error {
                // Another process has the part now, or the whole store is in trouble: nothing was written, and what
                // was not handled is still in the inbox.
                StoreError::Fenced { .. } | StoreError::Closed => return Err(error.into()),
                error if error.is_outage() => return Err(error.into()),
                StoreError::Conflict { contact } => {
                    // Loaded before somebody else's change; it is loaded again with the next batch.
                    group.retain(|(step, _)| step.contact != contact);
                    queue.push(group);
                }
                _ if group.len() == 1 => {
                    if let Some((_, mailbox)) = group.pop() {
                        self.quarantine(mailbox, &error.to_string()).await?;
                    }
                }
                _ => {
                    let rest = group.split_off(group.len() / 2);
                    queue.push(rest);
                    queue.push(group);
                }
            }
        }
        Ok(())
    }

    /// Moves what waits for a contact to the work list, with the reason for which it cannot be handled.
    async fn quarantine(&self, mailbox: Mailbox, reason: &str) -> Result<(), AppError> {
        error!(contact = %mailbox.contact, reason, "a step failed; what waited for the contact is on the work list");
        metrics::counter!("mhero_poisoned_total").increment(1);
        let first = mailbox.tasks.first().map(|row| row.id.to_string()).unwrap_or_default();
        let problem = NewProblem {
            kind: "step_failed".into(),
            key: format!("{} {first}", mailbox.contact),
            subject: mailbox.contact.to_string(),
            message: format!("What came from this contact could not be handled: {reason}"),
            remedy: "The message is kept with this problem. Mend the flow or the contact's data, then answer by hand."
                .into(),
        };
        self.store.quarantine(mailbox.contact, mailbox.tasks, problem, self.now()).await?;
        Ok(())
    }
}

/// What became of a batch: steps to commit, each with its mailbox, and mailboxes that cannot be handled, each with the
/// reason.
type Stepped = (Vec<(Step, Mailbox)>, Vec<(Mailbox, String)>);

/// Steps every mailbox. A panic is bounded to its contact, which is given back with the reason.
fn step_all(context: &Context, boxes: Vec<Mailbox>, mut ids: IdMaker) -> Stepped {
    let mut steps = Vec::with_capacity(boxes.len());
    let mut poisoned = Vec::new();
    for mailbox in boxes {
        let ids = &mut ids;
        match catch_unwind(AssertUnwindSafe(|| step(context, &mailbox, ids))) {
            Ok(Ok(made)) => steps.push((made, mailbox)),
            Ok(Err(error)) => poisoned.push((mailbox, error.to_string())),
            Err(panic) => poisoned.push((mailbox, store::panic_text(&*panic))),
        }
    }
    (steps, poisoned)
}
