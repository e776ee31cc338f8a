//! Load: phones that text first. Each sends its next message as soon as it has the answer to its last, or all send
//! at a rate.

use super::{Handset, Smsc, What};
use crate::operator_sim::config::{self, Weighted};
use crate::operator_sim::draw::{self, Purpose};
use crate::operator_sim::judge::Received;
use crate::operator_sim::phone::Answer;
use crate::operator_sim::report::{Latencies, LoadReport};
use std::collections::HashMap;
use std::time::Duration;

/// How often phones that send at a rate look at the clock.
const TICK: Duration = Duration::from_millis(2);

pub(super) struct LoadState {
    first: u64,
    phones: u64,
    to: Vec<u8>,
    keywords: Vec<Weighted>,
    rate: f64,
    start: Duration,
    /// Stop after so many; `u64::MAX` for never.
    messages: u64,
    /// When the first bind that can receive came.
    begun: Option<Duration>,
    first_sent: Option<Duration>,
    last_answered: Duration,
    sent: u64,
    steps: u64,
    skipped: u64,
    /// Of the phones that send at a rate, whose turn it is.
    turn: u64,
    latencies: Latencies,
}

/// A phone of the load.
#[derive(Default)]
pub(super) struct Asking {
    /// Since when it waits for an answer.
    pub(super) since: Option<Duration>,
    /// What it says next, and to what, when it sends at a rate; `None`: it begins a conversation.
    next: Option<(Answer, Received)>,
}

impl LoadState {
    pub(super) fn new(config: &config::Load) -> Self {
        Self {
            first: config::number(&config.first).unwrap_or_default(),
            phones: config.phones,
            to: config.to.clone().into_bytes(),
            keywords: config.keywords.clone(),
            rate: config.rate,
            start: config.start.0,
            messages: if config.messages == 0 { u64::MAX } else { config.messages },
            begun: None,
            first_sent: None,
            last_answered: Duration::ZERO,
            sent: 0,
            steps: 0,
            skipped: 0,
            turn: 0,
            latencies: Latencies::new(),
        }
    }

    pub(super) fn has(&self, number: u64) -> bool {
        number >= self.first && number - self.first < self.phones
    }

    pub(super) fn report(&self, phones: &HashMap<u64, Handset>) -> LoadReport {
        let waiting = phones.values().filter(|h| h.asking.as_ref().is_some_and(|a| a.since.is_some())).count();
        let time = self.last_answered.saturating_sub(self.first_sent.unwrap_or_default()).as_secs_f64();
        LoadReport {
            sent: self.sent,
            steps: self.steps,
            waiting: waiting as u64,
            skipped: self.skipped,
            steps_per_second: if time > 0.0 { self.steps as f64 / time } else { 0.0 },
            latency_ms: self.latencies.summary(),
        }
    }
}

impl Smsc {
    /// A bind can receive: the phones of the load may begin.
    pub(super) fn begin_load(&mut self) {
        let now = self.now;
        let Some(load) = self.load.as_mut().filter(|load| load.begun.is_none()) else { return };
        load.begun = Some(now);
        let (first, phones, start, rate) = (load.first, load.phones, load.start, load.rate);
        if rate > 0.0 {
            self.at(now, What::Tick);
            return;
        }
        for i in 0..phones {
            let due = now + start.mul_f64((i + 1) as f64 / phones as f64);
            self.at(due, What::Begin(first + i));
        }
    }

    /// Forgets what the load measured so far: what follows counts.
    pub(in crate::operator_sim) fn restart_load_measure(&mut self) {
        if let Some(load) = &mut self.load {
            load.latencies.clear();
            load.first_sent = None;
            load.last_answered = Duration::ZERO;
            (load.sent, load.steps, load.skipped) = (0, 0, 0);
        }
    }

    /// A phone of the load sends its keyword.
    pub(super) fn begin_conversation(&mut self, number: u64) {
        self.load_sends(number, None);
    }

    fn load_sends(&mut self, number: u64, answer: Option<(Answer, Received)>) {
        let now = self.now;
        let sent = self.phones.get(&number).map_or(0, |handset| handset.sent);
        let Some(load) = self.load.as_mut().filter(|load| load.sent < load.messages) else { return };
        load.sent += 1;
        load.first_sent.get_or_insert(now);
        let to = load.to.clone();
        let (text, after, received) = if let Some((answer, received)) = answer {
            (answer.text, answer.after, Some(received))
        } else {
            let unit = draw::unit(self.config.seed, number, sent, Purpose::Choice);
            let keyword = draw::weighted(&load.keywords, unit).map_or(String::new(), |word| word.text.clone());
            (keyword, Duration::ZERO, None)
        };
        if self.phone_sends(number, &to, &text, after, received, false)
            && let Some(asking) = self.phones.get_mut(&number).and_then(|handset| handset.asking.as_mut())
        {
            asking.since = Some(now + after);
        }
    }

    /// A phone of the load got a message; `asked`: it is the answer to what it sent then.
    pub(super) fn load_step(
        &mut self,
        number: u64,
        asked: Option<Duration>,
        answer: Option<Answer>,
        received: Received,
    ) {
        let now = self.now;
        let Some(load) = &mut self.load else { return };
        // What nobody asked for is read and not answered. A flow under load says one message a step.
        let Some(asked) = asked else { return };
        if load.first_sent.is_some() {
            load.steps += 1;
            load.last_answered = now;
            load.latencies.add(now.saturating_sub(asked));
        }
        let next = answer.map(|answer| (answer, received));
        if load.rate > 0.0 {
            if let Some(asking) = self.phones.get_mut(&number).and_then(|handset| handset.asking.as_mut()) {
                asking.next = next;
            }
        } else {
            self.load_sends(number, next);
        }
    }

    /// Sends what is due by the rate.
    pub(super) fn load_tick(&mut self) {
        let now = self.now;
        let Some(load) = &self.load else { return };
        let passed = now.saturating_sub(load.begun.unwrap_or(now)).as_secs_f64();
        let due = (passed * load.rate) as u64 + 1;
        let (first, phones) = (load.first, load.phones);
        let mut missing = due.saturating_sub(load.sent + load.skipped).min(phones);
        let mut looked = 0;
        while missing > 0 && looked < phones {
            looked += 1;
            let Some(load) = &mut self.load else { return };
            let number = first + load.turn;
            load.turn = (load.turn + 1) % phones;
            let Some(asking) = self.handset(number).and_then(|handset| handset.asking.as_mut()) else { continue };
            if asking.since.is_some() {
                continue;
            }
            let next = asking.next.take();
            self.load_sends(number, next);
            missing -= 1;
        }
        let Some(load) = &mut self.load else { return };
        load.skipped += missing;
        if load.sent < load.messages {
            self.at(now + TICK, What::Tick);
        }
    }
}
