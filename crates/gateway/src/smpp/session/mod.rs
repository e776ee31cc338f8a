//! One session of one bind: from the bind request to the end of its connection, as a state machine.
//!
//! It reads no clock and touches no socket: octets go in with [`Session::received`], octets to write are in
//! [`Session::out`], events in [`Session::take_events`], and the time is an argument everywhere.
//!
//! What holds:
//! - a request is registered before it is written, and a PDU that cannot be read costs itself alone;
//! - every message handed over gets exactly one report, whatever ends the session;
//! - an inbound message is answered only when the loop says so; while too many wait, no more are read, and the time
//!   during which we do not read does not count against the operator;
//! - an answer counts as received by the operator when it has answered a request that was written after it.

mod handle;
mod inbound;
mod outbound;
mod requests;
#[cfg(test)]
mod tests;

use super::codec::{self, Address, Bind, BindMode, CommandId, FrameError, Pdu, Status};
use super::config::Config;
use crate::event::{Answer, Event, Evidence, LinkState, Outgoing, Report, SegmentState, Submitted, Verdict};
use crate::link::Stats;
use crate::throttle::Pacer;
use base::MessageId;
use bytes::{Buf, BytesMut};
use inbound::Open;
use outbound::{Message, Outbound, Outcome};
use requests::{Purpose, Request, Requests};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::sync::mpsc::UnboundedSender;

/// No more segments are produced while so many octets wait to be written.
const MUCH_OUT: usize = 64 * 1024;
/// No more PDUs are read while so many octets wait to be written: the operator sends and does not read our answers.
/// It is well above [`MUCH_OUT`], so that our own sending never keeps us from reading.
const MOST_OUT: usize = 1024 * 1024;
/// No more PDUs are read while so many events wait to be taken.
const MOST_EVENTS: usize = 4_096;
/// Timed out submits that are remembered in case their answer still comes.
const MOST_LATE: usize = 4_096;
/// How long either side has to end after an `unbind`.
const GOODBYE: Duration = Duration::from_secs(2);

/// Why a session ended.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum End {
    /// The stream is not SMPP any more.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The operator refused the bind.
    #[error("the operator refused the bind: {0}")]
    Refused(Status),
    /// The operator did not answer the bind.
    #[error("the operator did not answer the bind in time")]
    BindTimeout,
    /// The operator answers nothing any more.
    #[error("the operator answers nothing any more: enquire_link had no response in time")]
    Silent,
    /// The operator said goodbye.
    #[error("the operator ended the session with unbind")]
    Unbound,
    /// The operator closed the connection.
    #[error("the operator closed the connection")]
    Closed,
    /// The connection broke, or could not be made.
    #[error("{0}")]
    Io(String),
    /// We ended it.
    #[error("stopped")]
    Stopped,
}

/// What a session is made with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The settings.
    pub config: Arc<Config>,
    /// Which bind.
    pub mode: BindMode,
    /// Its number, unique in the process.
    pub bind_session: u64,
    /// Where the answers to its inbound messages go; whoever runs the session hands them to [`Session::answer`].
    pub answers: UnboundedSender<Answer>,
    /// The evidence that a pair of binds shares: the receiving one writes it, the sending one reports it.
    pub evidence: Arc<Mutex<Evidence>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Binding,
    Bound,
    /// No new messages; waiting for answers until then.
    Draining(Instant),
    /// Our `unbind` is out, and the connection ends at the latest then.
    Unbinding(Instant),
    /// The operator's `unbind` is answered, and the connection ends at the latest then.
    Dismissed(Instant),
}

/// A session.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    mode: BindMode,
    id: u64,
    phase: Phase,
    out: BytesMut,
    events: Vec<Event>,
    changes: Vec<(LinkState, Option<String>)>,
    requests: Requests,
    outbound: Outbound,
    open: Open,
    late: VecDeque<(u32, u64, MessageId, u8)>,
    pacer: Pacer,
    paused: bool,
    answers: UnboundedSender<Answer>,
    evidence: Arc<Mutex<Evidence>>,
    confirmed: u64,
    told: u64,
    probe: Option<Instant>,
    last_read: Instant,
    stalled: Option<Instant>,
    counts: Counts,
}

/// What the session counted since the last [`Session::count`].
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    written: u64,
    read: u64,
    submitted: u64,
    accepted: u64,
    rejected: u64,
    throttled: u64,
    unknown: u64,
    timeouts: u64,
    inbound: u64,
    receipts: u64,
    refused: u64,
    malformed: u64,
    stalls: u64,
}

impl Session {
    /// A session over a fresh connection. The bind is in [`out`](Self::out).
    pub fn new(setup: Setup, now: Instant) -> Result<Self, End> {
        let Setup { config, mode, bind_session, answers, evidence } = setup;
        let pacer = Pacer::new(config.window, config.throughput, now);
        let mut session = Self {
            mode,
            id: bind_session,
            phase: Phase::Binding,
            out: BytesMut::with_capacity(16 * 1024),
            events: Vec::new(),
            changes: Vec::new(),
            requests: Requests::new(),
            outbound: Outbound::default(),
            open: Open::new(),
            late: VecDeque::new(),
            pacer,
            paused: false,
            answers,
            evidence,
            confirmed: 0,
            told: 0,
            probe: None,
            last_read: now,
            stalled: None,
            counts: Counts::default(),
            config,
        };
        if mode.receives() {
            session.share_evidence();
        }
        let config = session.config.clone();
        let bind = Bind {
            mode,
            system_id: config.system_id.as_bytes(),
            password: config.password.expose().as_bytes(),
            system_type: config.system_type.as_bytes(),
            interface_version: config.interface_version,
            address_range: Address {
                ton: config.address_range_numbering.ton,
                npi: config.address_range_numbering.npi,
                addr: config.address_range.as_bytes(),
            },
        };
        let sequence = session.register(Purpose::Bind, now);
        let written = Pdu::Bind(bind).encode(Status::OK, sequence, &mut session.out);
        written.map_err(|error| End::Io(error.to_string()))?;
        Ok(session)
    }

    /// Octets to be written; take them from the front.
    pub fn out(&mut self) -> &mut BytesMut {
        &mut self.out
    }

    /// Whether events wait.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The events so far.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Puts an event of the connection among those of the session, in its order.
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The changes of state so far, with reasons.
    pub fn take_changes(&mut self) -> Vec<(LinkState, Option<String>)> {
        std::mem::take(&mut self.changes)
    }

    /// Adds what was counted since the last time.
    pub fn count(&mut self, stats: &Stats) {
        let counts = std::mem::take(&mut self.counts);
        for (counter, by) in [
            (&stats.written, counts.written),
            (&stats.read, counts.read),
            (&stats.submitted, counts.submitted),
            (&stats.accepted, counts.accepted),
            (&stats.rejected, counts.rejected),
            (&stats.throttled, counts.throttled),
            (&stats.unknown, counts.unknown),
            (&stats.timeouts, counts.timeouts),
            (&stats.inbound, counts.inbound),
            (&stats.receipts, counts.receipts),
            (&stats.refused, counts.refused),
            (&stats.malformed, counts.malformed),
            (&stats.stalls, counts.stalls),
        ] {
            if by > 0 {
                Stats::add(counter, by);
            }
        }
    }

    /// Whether nothing more is read for now, because the loop does not take what is there, or the operator our
    /// answers.
    pub fn is_blocked(&self) -> bool {
        self.is_stalled() || self.out.len() >= MOST_OUT
    }

    /// Whether the loop is behind: meanwhile no time runs out for the operator.
    fn is_stalled(&self) -> bool {
        self.open.waiting() >= self.config.inbound_window || self.events.len() >= MOST_EVENTS
    }

    /// Reads the PDUs at the front of `buffer` and removes them; it stops before one that is not complete and when
    /// the session is [blocked](Self::is_blocked).
    pub fn received(&mut self, buffer: &mut BytesMut, now: Instant) -> Result<(), End> {
        while !self.is_blocked() {
            let Some(frame) = codec::frame(buffer)? else { break };
            let size = frame.size();
            self.last_read = now;
            self.counts.read += 1;
            let result = self.pdu(&frame, now);
            buffer.advance(size);
            result?;
        }
        if self.confirmed > self.told && self.mode.receives() {
            self.told = self.confirmed;
            self.events.push(Event::Confirmed(self.evidence()));
        }
        Ok(())
    }

    /// Takes messages to send.
    pub fn submit(&mut self, batch: impl IntoIterator<Item = Outgoing>) {
        for outgoing in batch {
            // It was on its way when the bind paused or ended: better in the queue, where it can still be stopped.
            if self.phase != Phase::Bound || self.paused {
                let outcome = if self.paused { Submitted::Throttled } else { Submitted::NotSent };
                self.report(outgoing.token, outgoing.message, outcome);
                continue;
            }
            if let Err(text) = self.outbound.push(&outgoing, &self.config) {
                self.counts.rejected += 1;
                let outcome = Submitted::Rejected { status: 0, permanent: true, text, segments_accepted: Vec::new() };
                self.report(outgoing.token, outgoing.message, outcome);
            }
        }
    }

    /// Answers an inbound message.
    pub fn answer(&mut self, answer: Answer, now: Instant) {
        let Some((command, sequence)) = self.open.take(answer.number) else { return };
        let status = match answer.verdict {
            Verdict::Accept => Status::OK,
            Verdict::Reject(status) => Status(status),
            Verdict::Later => Status::RECEIVER_TEMPORARY,
        };
        self.respond(command, status, sequence);
        if self.probe.is_none() {
            self.probe = Some(now + self.config.confirm_within);
        }
    }

    /// Does what time and room allow: writes segments, tests the connection, gives up what was not answered.
    pub fn turn(&mut self, now: Instant) -> Result<(), End> {
        if self.is_stalled() {
            if self.stalled.is_none() {
                self.stalled = Some(now);
                self.counts.stalls += 1;
            }
        } else {
            if let Some(since) = self.stalled.take() {
                let by = now.saturating_duration_since(since);
                self.requests.shift(by);
                self.last_read = (self.last_read + by).min(now);
            }
            self.expire(now)?;
            self.test(now);
        }
        self.pump(now);
        self.proceed(now)
    }

    /// When [`turn`](Self::turn) has something to do next, if nothing else happens.
    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let mut earliest = match self.phase {
            Phase::Draining(until) | Phase::Unbinding(until) | Phase::Dismissed(until) => Some(until),
            Phase::Binding | Phase::Bound => None,
        };
        let mut consider = |at: Instant| earliest = Some(earliest.map_or(at, |earliest: Instant| earliest.min(at)));
        if !self.is_stalled() {
            if let Some(oldest) = self.requests.oldest() {
                consider(oldest + self.config.response_timeout);
            }
            if self.phase == Phase::Bound {
                if !self.requests.enquiring() {
                    consider(self.last_read + self.config.enquire_link);
                }
                if let Some(probe) = self.probe {
                    consider(probe);
                }
            }
        }
        if self.phase == Phase::Bound
            && self.mode.sends()
            && let Some(ready) = self.pacer.ready_at(now)
        {
            // Tokens of fast links come faster than timers tick: let a few gather.
            consider(ready.max(now + Duration::from_millis(1)));
        }
        earliest
    }

    /// How many messages it takes now.
    pub fn free(&mut self, now: Instant) -> usize {
        if self.phase != Phase::Bound || !self.mode.sends() {
            return 0;
        }
        let room = self.pacer.window().saturating_sub(self.outbound.open());
        room.min(self.pacer.allowance(now).saturating_sub(self.outbound.waiting()))
    }

    /// Whether the operator accepted the bind.
    pub fn is_bound(&self) -> bool {
        self.phase == Phase::Bound
    }

    /// Begins an orderly end: no new messages, then `unbind` when everything is answered or the time is over.
    pub fn stop(&mut self, now: Instant) {
        if self.phase == Phase::Bound {
            self.phase = Phase::Draining(now + self.config.drain);
            self.changes.push((LinkState::Closing, None));
            for message in self.outbound.take_untouched() {
                self.report(message.token, message.id, Submitted::NotSent);
            }
        } else if self.phase == Phase::Binding {
            self.phase = Phase::Unbinding(now);
        }
    }

    /// Ends everything: what has no answer is reported as unknown.
    pub fn close(&mut self) {
        for (message, outcome) in self.outbound.close() {
            if let Submitted::Unknown { segments } = &outcome {
                self.counts.unknown += segments.iter().filter(|state| **state == SegmentState::Unknown).count() as u64;
            }
            self.finish(&message, outcome);
        }
    }

    /// Registers the next request.
    fn register(&mut self, purpose: Purpose, now: Instant) -> u32 {
        let sequence = self.requests.next_sequence();
        self.requests.push(Request { purpose, written: now, answered: self.open.answered() });
        self.probe = None;
        self.counts.written += 1;
        sequence
    }

    fn request(&mut self, command: CommandId, purpose: Purpose, now: Instant) {
        let sequence = self.register(purpose, now);
        codec::encode(command, Status::OK, sequence, &mut self.out);
    }

    /// Writes segments while window, rate and buffer allow.
    fn pump(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Bound | Phase::Draining(_)) {
            return;
        }
        if self.paused && !self.pacer.is_paused(now) {
            self.paused = false;
            if self.phase == Phase::Bound {
                self.changes.push((LinkState::Up, None));
            }
        }
        if self.outbound.waiting() == 0 {
            return;
        }
        for message in self.outbound.take_overdue(now) {
            self.report(message.token, message.id, Submitted::NotSent);
        }
        let mut allowance = self.pacer.allowance(now);
        while allowance > 0 && self.requests.submits() < self.pacer.window() && self.out.len() < MUCH_OUT {
            let sequence = self.requests.next_sequence();
            let Some((slot, segment, result)) = self.outbound.write_next(sequence, &self.config, &mut self.out) else {
                break;
            };
            if result.is_err() {
                self.counts.rejected += 1;
                if let Some((message, outcome)) = self.outbound.conclude(slot) {
                    self.finish(&message, outcome);
                }
                continue;
            }
            // Nothing leaves before this call returns, so no answer can come before it is registered.
            self.register(Purpose::Submit { slot, segment }, now);
            self.pacer.wrote(now);
            self.counts.submitted += 1;
            allowance -= 1;
        }
    }

    /// Gives up requests whose time is over.
    fn expire(&mut self, now: Instant) -> Result<(), End> {
        let Some(before) = now.checked_sub(self.config.response_timeout) else { return Ok(()) };
        while let Some((sequence, request)) = self.requests.take_older(before) {
            self.counts.timeouts += 1;
            match request.purpose {
                Purpose::Bind => return Err(End::BindTimeout),
                Purpose::Unbind => return Err(End::Stopped),
                Purpose::EnquireLink if self.last_read <= request.written => return Err(End::Silent),
                Purpose::EnquireLink => {}
                Purpose::Submit { slot, segment } => {
                    self.counts.unknown += 1;
                    self.pacer.stalled();
                    if let Some(message) = self.outbound.get(slot) {
                        if self.late.len() == MOST_LATE {
                            self.late.pop_front();
                        }
                        self.late.push_back((sequence, message.token, message.id, segment));
                    }
                    if let Some((message, outcome)) = self.outbound.settle(slot, segment, Outcome::Unknown) {
                        self.finish(&message, outcome);
                    }
                    if !self.requests.enquiring() {
                        self.request(CommandId::ENQUIRE_LINK, Purpose::EnquireLink, now);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends `enquire_link` after a silence, and where an answer of ours has no request after it.
    fn test(&mut self, now: Instant) {
        if self.phase != Phase::Bound {
            return;
        }
        let silent = now.saturating_duration_since(self.last_read) >= self.config.enquire_link;
        let probe = self.probe.is_some_and(|probe| now >= probe);
        if silent && !self.requests.enquiring() || probe {
            self.request(CommandId::ENQUIRE_LINK, Purpose::EnquireLink, now);
        }
    }

    /// Moves an ending session on.
    fn proceed(&mut self, now: Instant) -> Result<(), End> {
        match self.phase {
            Phase::Draining(until) if now >= until || self.requests.submits() == 0 && self.open.waiting() == 0 => {
                self.request(CommandId::UNBIND, Purpose::Unbind, now);
                self.phase = Phase::Unbinding(now + GOODBYE);
                Ok(())
            }
            Phase::Unbinding(until) if now >= until => Err(End::Stopped),
            Phase::Dismissed(until) if now >= until || self.requests.submits() == 0 && self.out.is_empty() => {
                Err(End::Unbound)
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self, message: &Message, outcome: Submitted) {
        if let Submitted::Unknown { segments } = &outcome {
            tracing::warn!(bind_session = self.id, message = %message.id, ?segments, "unknown submit");
        }
        self.report(message.token, message.id, outcome);
    }

    fn report(&mut self, token: u64, message: MessageId, outcome: Submitted) {
        let evidence = self.evidence();
        if self.mode.receives() {
            self.told = evidence.confirmed;
        }
        self.events.push(Event::Submitted(Report { token, message, evidence, outcome }));
    }

    fn evidence(&self) -> Evidence {
        if self.mode.receives() {
            Evidence { bind_session: self.id, confirmed: self.confirmed }
        } else {
            *self.evidence.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    fn share_evidence(&self) {
        if self.mode.receives() && !self.mode.sends() {
            *self.evidence.lock().unwrap_or_else(PoisonError::into_inner) = self.evidence();
        }
    }
}
