//! Wakes loops of this process. A bell is only a hint: every loop also looks by itself from time to time, since other
//! processes write to the same store.

use tokio::sync::watch;

/// Rung when there may be something to do.
pub struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    /// Wakes everybody who listens.
    pub fn ring(&self) {
        self.0.send_modify(|rung| *rung = rung.wrapping_add(1));
    }

    /// Ends at the next ring after this call, so: listen, look, then wait.
    pub fn listen(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut bell = self.0.subscribe();
        async move {
            // The bell lives as long as the app does.
            drop(bell.changed().await);
        }
    }
}

/// The bells of a process.
#[derive(Default)]
pub struct Bells {
    /// Something waits in the inbox.
    pub inbox: Bell,
    /// Something waits in the outbox, or a channel may take more.
    pub outbox: Bell,
    /// A campaign began, or its backlog shrank.
    pub fanout: Bell,
    /// Flows, channels, groups or triggers changed.
    pub assets: Bell,
}
