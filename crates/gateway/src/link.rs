//! The loop's handle on a channel, and the channel's side of it.

use crate::event::{Event, LinkState, Outgoing};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};

/// The loop's handle on a channel: messages go in here. Clones are the same channel.
#[derive(Clone, Debug)]
pub struct Link {
    lanes: Arc<[Lane]>,
    shared: Arc<Shared>,
    changed: watch::Receiver<u64>,
    stop: Arc<watch::Sender<bool>>,
}

/// The channel's side of a [`Link`].
#[derive(Debug)]
pub struct LinkDriver {
    /// One for each way out; the driver of each runs on its own.
    pub lanes: Vec<LaneDriver>,
    /// Where events go, in batches. It is bounded: a channel that cannot send reads no more from its operator.
    pub events: mpsc::Sender<Vec<Event>>,
    /// Turns true when the loop asks the channel to end.
    pub stop: watch::Receiver<bool>,
    shared: Arc<Shared>,
}

/// One way out of a channel: an SMPP bind that sends, or the workers of an HTTP channel.
#[derive(Debug)]
pub struct Lane {
    queue: mpsc::UnboundedSender<Vec<Outgoing>>,
    credit: Arc<Credit>,
}

/// The channel's side of a [`Lane`].
#[derive(Debug)]
pub struct LaneDriver {
    /// Messages to send. Its length is bounded by the credit, not by the queue.
    pub queue: mpsc::UnboundedReceiver<Vec<Outgoing>>,
    /// How many the lane takes.
    pub credit: Arc<Credit>,
}

/// How many messages a lane takes now, counted so that those on their way to it are never counted twice: the channel
/// raises a limit on the total, the loop compares it with the total that it handed over.
#[derive(Debug, Default)]
pub struct Credit {
    limit: AtomicU64,
    handed: AtomicU64,
}

impl Credit {
    /// How many the lane takes now.
    pub fn free(&self) -> usize {
        let limit = self.limit.load(Ordering::Acquire);
        usize::try_from(limit.saturating_sub(self.handed.load(Ordering::Acquire))).unwrap_or(usize::MAX)
    }

    /// For a channel that has taken `taken` messages so far: from now on it takes `more`. True when that is more than
    /// before.
    pub fn grant(&self, taken: u64, more: usize) -> bool {
        let limit = taken.saturating_add(more as u64);
        self.limit.swap(limit, Ordering::AcqRel) < limit
    }
}

#[derive(Debug)]
struct Shared {
    stats: Stats,
    binds: Mutex<Vec<BindStatus>>,
    version: watch::Sender<u64>,
}

/// How one bind is, for a live view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BindStatus {
    /// Which one: `trx`, `tx` or `rx`, with a number from 1.
    pub bind: String,
    /// Its session; 0 before the first.
    pub bind_session: u64,
    /// Its state.
    pub state: LinkState,
    /// Why it is in that state.
    pub reason: Option<String>,
}

/// Makes the two sides of a channel with `lanes` ways out and at most `batches` batches of events waiting; also gives
/// the loop's end of the events.
pub fn link(lanes: usize, batches: usize) -> (Link, LinkDriver, mpsc::Receiver<Vec<Event>>) {
    let (events, received) = mpsc::channel(batches.max(1));
    let (version, changed) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let shared = Arc::new(Shared { stats: Stats::default(), binds: Mutex::default(), version });
    let (ours, theirs): (Vec<Lane>, Vec<LaneDriver>) = (0..lanes)
        .map(|_| {
            let (queue, taken) = mpsc::unbounded_channel();
            let credit = Arc::new(Credit::default());
            (Lane { queue, credit: credit.clone() }, LaneDriver { queue: taken, credit })
        })
        .unzip();
    let link = Link { lanes: ours.into(), shared: shared.clone(), changed, stop: Arc::new(stop) };
    (link, LinkDriver { lanes: theirs, events, stop: stopped, shared }, received)
}

impl Link {
    /// How many messages the channel can submit now. Mark no more than these as `wired`.
    pub fn free_window(&self) -> usize {
        self.lanes.iter().fold(0, |sum, lane| sum.saturating_add(lane.credit.free()))
    }

    /// Hands messages over, in order. Each gets exactly one [`Report`](crate::Report); one that the link does not
    /// take after all, because its bind is gone, is reported as [`NotSent`](crate::Submitted::NotSent).
    ///
    /// Gives back those that could not be handed over because the channel has ended.
    pub fn submit(&self, mut batch: Vec<Outgoing>) -> Vec<Outgoing> {
        for (index, lane) in self.lanes.iter().enumerate() {
            if batch.is_empty() {
                break;
            }
            let last = index + 1 == self.lanes.len();
            let take = if last { batch.len() } else { lane.credit.free().min(batch.len()) };
            if take == 0 {
                continue;
            }
            let rest = batch.split_off(take);
            lane.credit.handed.fetch_add(take as u64, Ordering::AcqRel);
            match lane.queue.send(batch) {
                Ok(()) => batch = rest,
                Err(mpsc::error::SendError(mut back)) => {
                    lane.credit.handed.fetch_sub(take as u64, Ordering::AcqRel);
                    back.extend(rest);
                    batch = back;
                }
            }
        }
        batch
    }

    /// Changes whenever the free window grows or a bind changes its state; `changed().await` on it.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    /// How each bind is.
    pub fn binds(&self) -> Vec<BindStatus> {
        self.shared.binds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has been counted since the start.
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Asks the channel to end: it takes no more, waits for the answers to what is out, says goodbye, and closes the
    /// stream of events. Keep receiving them and answering inbound messages until it ends.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl LinkDriver {
    /// What the tasks of the channel share.
    pub(crate) fn board(&self) -> Board {
        Board(self.shared.clone())
    }
}

/// Where the tasks of a channel write how they are.
#[derive(Clone, Debug)]
pub(crate) struct Board(Arc<Shared>);

impl Board {
    pub(crate) fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// Wakes whoever waits for a change.
    pub(crate) fn changed(&self) {
        self.0.version.send_modify(|version| *version = version.wrapping_add(1));
    }

    pub(crate) fn set(&self, status: BindStatus) {
        let mut binds = self.0.binds.lock().unwrap_or_else(PoisonError::into_inner);
        match binds.iter_mut().find(|bind| bind.bind == status.bind) {
            Some(bind) => *bind = status,
            None => binds.push(status),
        }
        drop(binds);
        self.changed();
    }
}

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a channel has counted since its start.
        #[derive(Debug, Default)]
        pub struct Stats {
            $($(#[$doc])* pub $name: AtomicU64,)*
        }

        impl Stats {
            /// Each counter with its name.
            pub fn read(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.load(Ordering::Relaxed)),)*]
            }
        }
    };
}

stats! {
    /// PDUs or requests written.
    written,
    /// PDUs or requests read.
    read,
    /// Segments submitted.
    submitted,
    /// Segments that the operator took.
    accepted,
    /// Segments that the operator refused.
    rejected,
    /// Answers that asked for less traffic.
    throttled,
    /// Segments whose answer never came.
    unknown,
    /// Requests that were not answered in time.
    timeouts,
    /// Messages of phones received.
    inbound,
    /// Delivery receipts received.
    receipts,
    /// Inbound messages refused because they are no text.
    refused,
    /// PDUs that could not be read.
    malformed,
    /// Binds accepted by the operator.
    binds,
    /// Connections lost or refused.
    disconnects,
    /// Times that reading stopped because the loop was slow.
    stalls,
}

impl Stats {
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{IdMaker, Millis};

    fn batch(count: u64) -> Vec<Outgoing> {
        let mut ids = IdMaker::from_u64(1);
        (0..count)
            .map(|token| Outgoing {
                token,
                message: ids.next(Millis(1)),
                to: "+231990000001".into(),
                from: None,
                text: "Hello".into(),
                reference: 1,
                options: crate::SendOptions::default(),
            })
            .collect()
    }

    #[test]
    fn the_free_window_counts_what_is_on_its_way() {
        let (link, mut driver, _events) = link(2, 1);
        assert_eq!(link.free_window(), 0);
        assert!(driver.lanes[0].credit.grant(0, 3));
        assert!(driver.lanes[1].credit.grant(0, 2));
        assert_eq!(link.free_window(), 5);
        assert!(link.submit(batch(4)).is_empty());
        assert_eq!(link.free_window(), 1);
        let first = driver.lanes[0].queue.try_recv().unwrap();
        let second = driver.lanes[1].queue.try_recv().unwrap();
        assert_eq!((first.len(), second.len()), (3, 1));
        // The first lane has taken three and has room for two more; the second has taken one and pauses.
        assert!(driver.lanes[0].credit.grant(3, 2));
        assert!(!driver.lanes[1].credit.grant(1, 0));
        assert_eq!(link.free_window(), 2);
    }

    #[test]
    fn an_ended_channel_gives_messages_back() {
        let (link, driver, _events) = link(1, 1);
        driver.lanes[0].credit.grant(0, 9);
        drop(driver);
        assert_eq!(link.submit(batch(3)), batch(3));
    }
}
