//! Keeps the process's share of the parts, fires timers, and forgets what is no longer needed.

use crate::{App, AppError};
use base::{IdMaker, Part};
use std::sync::Arc;
use std::time::Duration;
use store::StoreError;
use store::ops::Lease;
use tracing::{info, warn};

/// How often the share of parts is looked at.
const BALANCE: Duration = Duration::from_secs(1);
/// How often timers are looked at.
const SWEEP: Duration = Duration::from_millis(200);
/// How many timers one transaction fires.
const SWEEP_BATCH: usize = 500;
/// How often a part is cleared of what is no longer needed: all parts in about four minutes.
const FORGET: Duration = Duration::from_secs(1);
/// Every how many parts the work list is cleared of messages whose fate is known by now.
const RESOLVE: u8 = 16;
/// How long a receipt waits for the message that it speaks of.
const PARKED: Duration = Duration::from_hours(72);

impl App {
    /// Takes this process's share of the parts, and marks as `unknown` what was on its way when their former holder
    /// ended. A former holder that lives settles what it has on its way itself; until it has, its end is watched for.
    pub(crate) async fn balance(&self) -> Result<(), AppError> {
        let lease = self.store.balance(self.owner).await?;
        let held = self.lease();
        let abroad = self.abroad();
        let is_new = |part: &(Part, i64)| !held.parts.contains(part);
        let parts: Vec<(Part, i64)> =
            lease.parts.iter().filter(|part| is_new(part) || abroad.contains(&part.0)).copied().collect();
        if !parts.is_empty() {
            let gained = parts.iter().filter(|part| is_new(part)).count();
            let recovered = self.store.recover(&Lease { owner: lease.owner, parts }, self.now()).await?;
            if gained > 0 || recovered.unknown > 0 {
                info!(parts = gained, unknown = recovered.unknown, "parts taken over");
            }
            metrics::counter!("mhero_unknown_total").increment(recovered.unknown as u64);
            self.set_abroad(recovered.abroad);
        }
        if *held == lease {
            return Ok(());
        }
        self.set_lease(lease);
        self.bells.inbox.ring();
        self.bells.outbox.ring();
        self.bells.fanout.ring();
        Ok(())
    }

    /// Keeps the share of parts, and notices which campaigns are done, until the app stops.
    pub(crate) async fn keep_lease(self: Arc<Self>) {
        let mut stop = self.stopping();
        loop {
            tokio::select! {
                () = tokio::time::sleep(BALANCE) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            match self.balance().await {
                Ok(()) => {}
                Err(AppError::Store(StoreError::Closed)) => return,
                Err(error) => warn!(%error, "the share of the work could not be looked at"),
            }
            match self.store.finish_starts().await {
                Ok(_) => {}
                Err(StoreError::Closed) => return,
                Err(error) => warn!(%error, "whether campaigns are done could not be looked at"),
            }
        }
    }

    /// Fires timers until the app stops.
    pub(crate) async fn sweep(self: Arc<Self>) {
        let mut stop = self.stopping();
        loop {
            let ids = self.with_ids(IdMaker::fork);
            let more = match self.store.sweep(&self.lease(), self.now(), SWEEP_BATCH, ids).await {
                Ok(swept) => {
                    if swept.fired > 0 {
                        self.bells.inbox.ring();
                    }
                    if swept.resent > 0 {
                        metrics::counter!("mhero_resent_total").increment(swept.resent as u64);
                        self.bells.outbox.ring();
                    }
                    swept.more
                }
                Err(StoreError::Closed) => return,
                Err(error) => {
                    warn!(%error, "the timers could not be looked at");
                    false
                }
            };
            if !more {
                tokio::select! {
                    () = tokio::time::sleep(SWEEP) => {}
                    _ = stop.wait_for(|stop| *stop) => return,
                }
            }
        }
    }

    /// Forgets, part by part, until the app stops.
    pub(crate) async fn forget(self: Arc<Self>) {
        let mut stop = self.stopping();
        for part in Part::all().cycle() {
            tokio::select! {
                () = tokio::time::sleep(FORGET) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            if self.lease().epoch(part).is_none() {
                continue;
            }
            let now = self.now();
            let window = i64::try_from(self.settings.dedupe_window.as_millis()).unwrap_or(i64::MAX).max(1);
            match self.store.forget(part, now.0 / window, now - PARKED).await {
                Ok(_) => {}
                Err(StoreError::Closed) => return,
                Err(error) => warn!(%error, "old keys could not be forgotten"),
            }
            if part.0 % RESOLVE == 0 {
                match self.store.resolve_known(now).await {
                    Ok(_) => {}
                    Err(StoreError::Closed) => return,
                    Err(error) => warn!(%error, "the work list could not be looked at"),
                }
            }
        }
    }
}
