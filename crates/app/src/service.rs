//! Runs the loops of a process, and ends them without losing anything.

use crate::assets::{Loaded, Parts};
use crate::outbox::{Channel, Flight};
use crate::{App, AppError};
use gateway::Event;
use std::sync::Arc;
use std::time::Duration;
use store::StoreError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{info, warn};

/// How many lanes step at the same time.
const LANES: usize = 2;
/// How often changes of flows, channels and groups are looked for.
const RELOAD: Duration = Duration::from_secs(2);
/// How long messages that are out are waited for at the end.
const LANDING: Duration = Duration::from_secs(10);

/// The loops of a process while they run.
pub struct Service {
    app: Arc<App>,
    channels: Vec<(Arc<Channel>, Arc<Flight>)>,
    loops: JoinSet<()>,
    listeners: JoinSet<()>,
}

impl App {
    /// Starts the loops: lanes, timers, fan-out, and for each channel a sender and a listener.
    ///
    /// # Errors
    /// When the store cannot say which parts are held, or what flows there are.
    pub async fn run(
        self: &Arc<Self>,
        channels: Vec<(Channel, mpsc::Receiver<Vec<Event>>)>,
    ) -> Result<Service, AppError> {
        self.reload().await?;
        self.balance().await?;
        let mut loops = JoinSet::new();
        let mut listeners = JoinSet::new();
        for lane in 0..LANES {
            loops.spawn(Arc::clone(self).converse(lane, LANES));
        }
        loops.spawn(Arc::clone(self).keep_lease());
        loops.spawn(Arc::clone(self).sweep());
        loops.spawn(Arc::clone(self).forget());
        loops.spawn(Arc::clone(self).fan_out());
        loops.spawn(Arc::clone(self).keep_assets());
        let mut running = Vec::new();
        for (channel, events) in channels {
            let (channel, flight) = (Arc::new(channel), Arc::new(Flight::default()));
            loops.spawn(Arc::clone(self).send(Arc::clone(&channel), Arc::clone(&flight)));
            listeners.spawn(Arc::clone(self).listen(Arc::clone(&channel), Arc::clone(&flight), events));
            running.push((channel, flight));
        }
        Ok(Service { app: Arc::clone(self), channels: running, loops, listeners })
    }

    /// Loads flows, channels, groups and triggers if they changed.
    ///
    /// # Errors
    /// The store's, or when what it holds cannot be put together.
    pub async fn reload(&self) -> Result<(), AppError> {
        let revision = self.store.assets_revision().await?;
        if self.loaded().revision == revision {
            return Ok(());
        }
        let loaded = Loaded::build(revision, self.parts().await?, &self.settings)
            .map_err(|error| AppError::Broken(error.to_string()))?;
        info!(revision, flows = loaded.flows().count(), "flows loaded");
        self.set_loaded(loaded);
        Ok(())
    }

    async fn parts(&self) -> Result<Parts, AppError> {
        crate::flows::parts(&self.store).await
    }

    /// Looks for changes of flows until the app stops.
    async fn keep_assets(self: Arc<Self>) {
        let mut stop = self.stopping();
        loop {
            let bell = self.bells.assets.listen();
            tokio::select! {
                () = bell => {}
                () = tokio::time::sleep(RELOAD) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            match self.reload().await {
                Ok(()) => {}
                Err(AppError::Store(StoreError::Closed)) => return,
                Err(error) => warn!(%error, "changed flows could not be loaded; the former ones stay"),
            }
        }
    }
}

impl Service {
    /// The channels.
    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter().map(|(channel, _)| &**channel)
    }

    /// Ends everything in order: no new messages out, the lanes finish their batch, what is out is waited for, inbound
    /// messages are taken until the channels have said goodbye, and the store commits what waits.
    pub async fn stop(mut self) {
        self.app.stop();
        while self.loops.join_next().await.is_some() {}
        let deadline = tokio::time::Instant::now() + LANDING;
        while self.channels.iter().any(|(_, flight)| flight.len() > 0) && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for (channel, _) in &self.channels {
            channel.link.stop();
        }
        let listeners = async { while self.listeners.join_next().await.is_some() {} };
        if tokio::time::timeout(LANDING, listeners).await.is_err() {
            warn!("a channel did not end in time; what it had out is settled at the next start");
            self.listeners.abort_all();
        }
        self.app.store.close().await;
    }
}
