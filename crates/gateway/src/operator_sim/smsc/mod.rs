//! The message centre and its phones as a state machine: PDUs and instants in, PDUs out. No input or output and no
//! clock, so that tests can run hours in milliseconds; [`server`](super::server) gives it sockets and a clock.
//!
//! Instants are the time since the operator's start.

mod binds;
mod deliver;
mod load;
mod submit;
mod wire;

#[cfg(test)]
mod tests;

use super::config::{Config, ConfigError};
use super::judge::{History, Judge};
use super::phone::{Phone, Script};
use super::report::{Counts, Report};
use binds::Bind;
use bytes::{Bytes, BytesMut};
use deliver::Unit;
use load::{Asking, LoadState};
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::time::Duration;
use submit::{Partial, PartialKey, Throttle};

/// What one connection is called.
pub(super) type BindId = u32;

/// More phones than this are not simulated: submits to the others are refused with ESME_RMSGQFUL.
const MOST_PHONES: usize = 20_000_000;

pub(super) struct Smsc {
    config: Config,
    script: Script,
    judge: Judge,
    /// The wall clock at the operator's start, for the dates in receipts.
    epoch: jiff::Timestamp,
    now: Duration,
    binds: BTreeMap<BindId, Bind>,
    next_bind: BindId,
    /// The bind that delivered last: the next one has its turn.
    last_receiver: BindId,
    phones: HashMap<u64, Handset>,
    events: BinaryHeap<Reverse<Event>>,
    next_event: u64,
    /// What may be delivered now.
    ready: VecDeque<Unit>,
    partials: HashMap<PartialKey, Partial>,
    partials_by_age: VecDeque<(Duration, PartialKey)>,
    next_id: u64,
    next_answer: u64,
    next_reference: u8,
    throttle: Throttle,
    stalled_until: Duration,
    load: Option<LoadState>,
    counts: Counts,
    pending_answers: u64,
    pending_receipts: u64,
    /// When something last happened that a settled run does not do.
    active_at: Duration,
    /// Connections with something to write, or to be closed.
    touched: Vec<BindId>,
    moments: Moments,
}

/// On which bind something last happened that somebody may wait for.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    submit: Option<BindId>,
    delivery: Option<BindId>,
}

/// What one may wait for, to strike while a message is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// A submit was taken: its response is not yet read.
    Submit,
    /// A phone's message or a receipt is delivered: it is neither committed nor acknowledged.
    Delivery,
}

/// A phone as the operator knows it.
struct Handset {
    /// `None` for a number that no phone has.
    phone: Option<Phone>,
    /// Submits to it, whatever became of them.
    submits: u64,
    reached: bool,
    /// Messages that it sent.
    sent: u64,
    /// Its messages, oldest first; the head is on its way if `busy`.
    queue: VecDeque<(Duration, Unit)>,
    busy: bool,
    /// For a phone of the load.
    asking: Option<Asking>,
}

/// What happens at a later time.
struct Event {
    due: Duration,
    order: u64,
    what: What,
}

enum What {
    /// A response goes out on this bind.
    Respond(BindId, Bytes),
    /// A receipt, or a unit that was refused for now, may be delivered.
    Deliver(Unit),
    /// The head of this phone's queue may be due.
    Phone(u64),
    /// A phone of the load begins a conversation.
    Begin(u64),
    /// The load sends what is due by its rate.
    Tick,
    /// enquire_link is due on this bind.
    EnquireLink(BindId),
    Stall,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.order) == (other.due, other.order)
    }
}
impl Eq for Event {}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

impl Smsc {
    /// A message centre. Message ids count from `first_id`, which must be higher at each start, or a product that
    /// has seen the ids of the last run takes new messages for old ones.
    pub(super) fn new(config: Config, epoch: jiff::Timestamp, first_id: u64) -> Result<Self, ConfigError> {
        let mut smsc = Self {
            script: Script::new(config.seed, &config.phones)?,
            judge: Judge::new(&config.judge)?,
            load: config.load.as_ref().map(LoadState::new),
            throttle: Throttle::new(config.smsc.throttle),
            config,
            epoch,
            now: Duration::ZERO,
            binds: BTreeMap::new(),
            next_bind: 1,
            last_receiver: 0,
            phones: HashMap::new(),
            events: BinaryHeap::new(),
            next_event: 0,
            ready: VecDeque::new(),
            partials: HashMap::new(),
            partials_by_age: VecDeque::new(),
            next_id: first_id,
            next_answer: 1,
            next_reference: 0,
            stalled_until: Duration::ZERO,
            counts: Counts::default(),
            pending_answers: 0,
            pending_receipts: 0,
            active_at: Duration::ZERO,
            touched: Vec::new(),
            moments: Moments::default(),
        };
        if !smsc.config.faults.stall_every.0.is_zero() {
            let due = smsc.config.faults.stall_every.0;
            smsc.at(due, What::Stall);
        }
        Ok(smsc)
    }

    /// Does what is due at `now`, and delivers what can be delivered. To be called after every batch of PDUs, and
    /// when [`due`](Self::due) has come.
    pub(super) fn run(&mut self, now: Duration) {
        self.now = self.now.max(now);
        while self.events.peek().is_some_and(|Reverse(event)| event.due <= self.now) {
            if let Some(Reverse(event)) = self.events.pop() {
                self.happen(event.what);
            }
        }
        self.expire_deliveries();
        self.expire_partials();
        self.dispatch();
    }

    /// When [`run`](Self::run) is to be called next, if nothing else happens.
    pub(super) fn due(&self) -> Option<Duration> {
        let event = self.events.peek().map(|Reverse(event)| event.due);
        [event, self.next_delivery_timeout(), self.next_partial_timeout()].into_iter().flatten().min()
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Respond(bind, pdu) => self.write(bind, &pdu),
            What::Deliver(unit) => self.ready.push_back(unit),
            What::Phone(number) => self.ready_head(number),
            What::Begin(number) => self.begin_conversation(number),
            What::Tick => self.load_tick(),
            What::EnquireLink(bind) => self.enquire_link(bind),
            What::Stall => {
                self.stall(self.config.faults.stall_for.0);
                let due = self.now + self.config.faults.stall_every.0;
                self.at(due, What::Stall);
            }
        }
    }

    fn at(&mut self, due: Duration, what: What) {
        let order = self.next_event;
        self.next_event += 1;
        self.events.push(Reverse(Event { due, order, what }));
    }

    /// The phone with this number; `None` when there are too many.
    fn handset(&mut self, number: u64) -> Option<&mut Handset> {
        if self.phones.len() >= MOST_PHONES && !self.phones.contains_key(&number) {
            return None;
        }
        let (script, load) = (&self.script, &self.load);
        Some(self.phones.entry(number).or_insert_with(|| {
            let of_load = load.as_ref().is_some_and(|load| load.has(number));
            Handset {
                phone: if of_load { Some(Phone::tireless(number)) } else { script.phone(number) },
                submits: 0,
                reached: false,
                sent: 0,
                queue: VecDeque::new(),
                busy: false,
                asking: of_load.then(Asking::default),
            }
        }))
    }

    fn message_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Are so many messages waiting that no more is taken?
    fn full(&self) -> bool {
        self.pending_answers + self.pending_receipts + self.partials.len() as u64 >= self.config.smsc.queue_limit as u64
            || self.events.len() >= self.config.smsc.queue_limit.saturating_mul(2)
    }

    /// The server stops reading for this long.
    pub(super) fn stall(&mut self, time: Duration) {
        self.stalled_until = self.stalled_until.max(self.now + time);
        // Who waits for something to read must look again.
        self.touched.extend(self.binds.keys());
    }

    /// Until when nothing is read.
    pub(super) fn stalled_until(&self) -> Duration {
        self.stalled_until
    }

    /// Changes the rate above which submits are throttled; 0 for no limit.
    pub(super) fn set_throttle(&mut self, rate: f64) {
        self.throttle = Throttle::new(rate);
    }

    /// The connections with something to write or to be closed since the last call.
    pub(super) fn take_touched(&mut self, into: &mut Vec<BindId>) {
        into.append(&mut self.touched);
    }

    /// For how long nothing has happened, if nothing is on its way.
    pub(super) fn settled_for(&self, now: Duration) -> Option<Duration> {
        let begun = self.counts.submits + self.counts.answers > 0;
        (begun && self.pending_answers == 0 && self.pending_receipts == 0).then(|| now.saturating_sub(self.active_at))
    }

    /// The report of the run so far.
    pub(super) fn report(&self, now: Duration) -> Report {
        Report {
            seconds: now.as_secs_f64(),
            settled: self.pending_answers == 0 && self.pending_receipts == 0,
            binds: self.binds.values().filter(|bind| bind.mode.is_some()).count(),
            counts: self.counts.clone(),
            answers_pending: self.pending_answers,
            receipts_pending: self.pending_receipts,
            verdict: self.judge.verdict(),
            load: self.load.as_ref().map(|load| load.report(&self.phones)),
        }
    }

    /// The system_id of the bind on which `moment` came since this was last asked.
    pub(super) fn take_moment(&mut self, moment: Moment) -> Option<String> {
        let bind = match moment {
            Moment::Submit => self.moments.submit.take(),
            Moment::Delivery => self.moments.delivery.take(),
        };
        Some(self.binds.get(&bind?)?.system_id.clone())
    }

    /// What passed at each phone.
    pub(super) fn history(&self) -> Vec<History> {
        self.judge.history()
    }

    /// The counts alone, which cost nothing to read.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes what is to be written to a connection. `None`: the connection is to be closed at once, unwritten.
    pub(super) fn take_output(&mut self, bind: BindId, into: &mut BytesMut) -> Option<After> {
        let bind = self.binds.get_mut(&bind)?;
        if bind.aborted {
            return None;
        }
        into.extend_from_slice(&bind.out);
        bind.out.clear();
        Some(if bind.closing { After::Close } else { After::Continue })
    }
}

/// What to do with a connection after its output was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Continue,
    Close,
}
