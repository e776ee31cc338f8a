//! The use cases: receive, converse, outbox, campaign, import. Joins engine, store and channels; no HTTP, no SQL.
//!
//! [`App`] is what a process knows; [`App::run`] runs its loops until it is stopped.

pub mod assets;
pub mod audience;
mod bell;
pub mod campaign;
pub mod converse;
pub mod floip;
pub mod flows;
pub mod gate;
pub mod import;
mod keeper;
mod outbox;
mod receive;
mod service;
pub mod settings;

pub use bell::{Bell, Bells};
pub use outbox::Channel;
pub use receive::address_of;
pub use service::Service;
pub use settings::Settings;

use assets::Loaded;
use base::{IdMaker, Millis, Part};
use flow::engine::Engine;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use store::Store;
use store::ops::{Lease, Owner};
use tokio::sync::watch;

/// What can go wrong in a use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store refused; see [`store::StoreError`].
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// A file of an import, or its temporary file, broke off: a disk was full or a file system went away.
    #[error("the import broke off, and nothing of it was written: {0}")]
    Import(#[from] std::io::Error),
    /// A part of the program ended where it must not.
    #[error("{0}")]
    Broken(String),
}

/// What a process knows: its store, its settings, the parts it holds.
pub struct App {
    /// The store.
    pub store: Store,
    /// What the ministry decides.
    pub settings: Arc<Settings>,
    /// Wakes the loops.
    pub bells: Bells,
    /// This process.
    pub owner: Owner,
    clock: Clock,
    ids: Mutex<IdMaker>,
    lease: RwLock<Arc<Lease>>,
    /// Parts of ours in which another process, which lives, has messages on their way.
    abroad: Mutex<Vec<Part>>,
    loaded: RwLock<Arc<Loaded>>,
    engine: Arc<Engine>,
    stop: watch::Sender<bool>,
}

/// Reads the time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The clock of the machine.
pub fn machine_clock() -> Clock {
    Arc::new(|| Millis::from(jiff::Timestamp::now()))
}

impl App {
    /// An app over a store. `seed` is from the operating system's randomness; it makes the ids.
    pub fn new(store: Store, settings: Settings, clock: Clock, seed: [u8; 32]) -> Arc<Self> {
        let mut ids = IdMaker::new(seed);
        let owner = i64::from_be_bytes(*ids.uuid(clock()).as_bytes().last_chunk::<8>().unwrap_or(&[1; 8])) & i64::MAX;
        Arc::new(Self {
            store,
            loaded: RwLock::new(Arc::new(Loaded::empty(&settings))),
            engine: Arc::new(Engine::default()),
            settings: Arc::new(settings),
            bells: Bells::default(),
            owner,
            clock,
            ids: Mutex::new(ids),
            lease: RwLock::new(Arc::new(Lease { owner, parts: Vec::new() })),
            abroad: Mutex::default(),
            stop: watch::Sender::new(false),
        })
    }

    /// The time.
    pub fn now(&self) -> Millis {
        (self.clock)()
    }

    /// Makes ids.
    pub fn with_ids<T>(&self, make: impl FnOnce(&mut IdMaker) -> T) -> T {
        make(&mut self.ids.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The parts that this process may step now.
    pub fn lease(&self) -> Arc<Lease> {
        Arc::clone(&self.lease.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_lease(&self, lease: Lease) {
        *self.lease.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lease);
    }

    fn abroad(&self) -> Vec<Part> {
        self.abroad.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_abroad(&self, parts: Vec<Part>) {
        *self.abroad.lock().unwrap_or_else(PoisonError::into_inner) = parts;
    }

    /// Flows and what they refer to, as last loaded.
    pub fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_loaded(&self, loaded: Loaded) {
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
    }

    /// What steps need, as of now.
    pub fn context(&self) -> converse::Context {
        converse::Context {
            loaded: self.loaded(),
            settings: Arc::clone(&self.settings),
            engine: Arc::clone(&self.engine),
            now: self.now(),
        }
    }

    /// Turns true when the app is asked to stop.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Asks the loops to end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}
