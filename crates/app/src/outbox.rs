//! The way out: what may go is marked `wired`, handed to the channel, and what became of it is recorded.

use crate::{App, AppError};
use base::ChannelId;
use gateway::{Event, Evidence, Inbound, Late, Link, Outgoing, Report, SegmentState, SendOptions, Submitted};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::ops::{self, DedupeKey, Outcome, UnknownPolicy, WireRequest, Wired};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

/// How many messages one commit marks at most.
const BATCH: usize = 500;
/// How long the sender waits when nothing wakes it: other processes write to the outbox too.
const IDLE: Duration = Duration::from_millis(500);
/// How long the sender rests after an operator refused a message for the moment.
const REST: Duration = Duration::from_millis(500);
/// How long after it was marked a message may be handed to the operator. Shorter than the time after which a process
/// that says nothing counts as dead: one that stood still must not send what others have taken for lost since.
pub(crate) const IN_HAND: Duration = Duration::from_secs(3);
/// How many messages whose answer never came are kept for a late one.
const LATE: usize = 10_000;
/// How many keys wait for the evidence that the operator has our acknowledgement; without it they fall with their
/// window.
const UNPROVEN: usize = 10_000;

/// A channel as the loop runs it.
pub struct Channel {
    /// Its id in the store.
    pub id: ChannelId,
    /// Its name.
    pub name: String,
    /// Messages go in here.
    pub link: Link,
    /// Whether the operator is asked for receipts.
    pub receipts: bool,
}

/// What is out at a channel.
#[derive(Default)]
pub(crate) struct Flight {
    state: Mutex<FlightState>,
    /// The operator refused something for the moment: the sender rests before it goes on.
    refused: AtomicBool,
}

#[derive(Default)]
struct FlightState {
    next: u64,
    out: HashMap<u64, Wired>,
    /// Messages whose answer never came, with what is known of each piece.
    late: HashMap<u64, (Wired, Vec<SegmentState>)>,
    /// Up to which message of each bind session the operator certainly has our acknowledgement.
    confirmed: HashMap<u64, u64>,
    /// What answered messages are recognised by, while the operator may not have our acknowledgement of them.
    unproven: VecDeque<DedupeKey>,
}

impl Flight {
    fn lock(&self) -> std::sync::MutexGuard<'_, FlightState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, wired: Wired) -> u64 {
        let mut state = self.lock();
        state.next += 1;
        let token = state.next;
        state.out.insert(token, wired);
        token
    }

    /// Takes a message whose answer came; one of which pieces have none is kept for late ones.
    fn take(&self, token: u64, outcome: &Submitted) -> Option<Wired> {
        let mut state = self.lock();
        let wired = state.out.remove(&token)?;
        if let Submitted::Unknown { segments } = outcome {
            if state.late.len() >= LATE {
                state.late.clear();
            }
            state.late.insert(token, (wired.clone(), segments.clone()));
        }
        Some(wired)
    }

    /// Takes note of a late answer for one piece. Gives the message when the operator turns out to have all of it, with
    /// the operator's ids.
    fn late(&self, late: Late) -> Option<(Wired, Vec<String>)> {
        let mut state = self.lock();
        let (_, segments) = state.late.get_mut(&late.token)?;
        *segments.get_mut(usize::from(late.segment).checked_sub(1)?)? = late.state;
        let ids: Option<Vec<String>> = segments
            .iter()
            .map(|segment| match segment {
                SegmentState::Accepted { message_id } => Some(message_id.clone()),
                _ => None,
            })
            .collect();
        let ids = ids?;
        let (wired, _) = state.late.remove(&late.token)?;
        Some((wired, ids))
    }

    /// Takes note of what the operator has certainly received.
    fn confirm(&self, evidence: Evidence) {
        let mut state = self.lock();
        let confirmed = state.confirmed.entry(evidence.bind_session).or_default();
        *confirmed = evidence.confirmed.max(*confirmed);
    }

    /// Whether the operator certainly has our acknowledgement of the answered message that `key` stands for, so that the
    /// same words from the same phone can only be a new message. If not, the key waits for the proof: acknowledgement
    /// and answer may have gone over different binds.
    fn is_proven_or_waits(&self, key: &DedupeKey) -> bool {
        let mut state = self.lock();
        if is_proven(&state.confirmed, key) {
            return true;
        }
        if state.unproven.len() >= UNPROVEN {
            state.unproven.pop_front();
        }
        state.unproven.push_back(*key);
        false
    }

    /// Takes the keys that waited for their proof and have it.
    fn proven(&self) -> Vec<DedupeKey> {
        let mut state = self.lock();
        let FlightState { confirmed, unproven, .. } = &mut *state;
        let (proven, open) = unproven.drain(..).partition::<Vec<_>, _>(|key| is_proven(confirmed, key));
        unproven.extend(open);
        proven
    }

    /// How many are out.
    pub(crate) fn len(&self) -> usize {
        self.lock().out.len()
    }
}

fn is_proven(confirmed: &HashMap<u64, u64>, key: &DedupeKey) -> bool {
    confirmed.get(&key.session).is_some_and(|confirmed| key.number <= *confirmed)
}

impl App {
    /// Sends what waits for a channel until the app stops.
    pub(crate) async fn send(self: Arc<Self>, channel: Arc<Channel>, flight: Arc<Flight>) {
        let mut changed = channel.link.watch();
        let mut stop = self.stopping();
        loop {
            if flight.refused.swap(false, Ordering::Relaxed) {
                tokio::time::sleep(REST).await;
            }
            let bell = self.bells.outbox.listen();
            match self.send_some(&channel, &flight).await {
                Ok(0) => {
                    tokio::select! {
                        () = bell => {}
                        _ = changed.changed() => {}
                        () = tokio::time::sleep(IDLE) => {}
                        _ = stop.wait_for(|stop| *stop) => return,
                    }
                }
                Ok(_) => {}
                Err(AppError::Store(store::StoreError::Closed)) => return,
                Err(error) => {
                    warn!(%error, channel = channel.name, "the outbox could not be read; trying again");
                    tokio::time::sleep(REST).await;
                }
            }
            if *stop.borrow() {
                return;
            }
        }
    }

    /// Marks and hands over what the channel's free window takes now. Gives the number of messages.
    async fn send_some(&self, channel: &Channel, flight: &Flight) -> Result<usize, AppError> {
        let limit = channel.link.free_window().min(BATCH);
        let lease = self.lease();
        if limit == 0 || lease.parts.is_empty() {
            return Ok(0);
        }
        let now = self.now();
        let not_after = Some(Instant::now() + IN_HAND);
        let bulk = !self.settings.quiet_hours.as_ref().is_some_and(|quiet| quiet.contain(now));
        let wired = self.store.wire(&lease, WireRequest { channel: channel.id, limit, bulk, now }).await?;
        let count = wired.len();
        if count == 0 {
            return Ok(0);
        }
        metrics::counter!("mhero_wired_total").increment(count as u64);
        let batch = wired
            .into_iter()
            .map(|wired| Outgoing {
                message: wired.id,
                to: wired.address.split_once(':').map_or("", |(_, path)| path).to_owned(),
                from: wired.from.clone(),
                text: wired.text.clone(),
                reference: wired.reference,
                options: SendOptions { not_after, ..SendOptions::default() },
                token: flight.add(wired),
            })
            .collect();
        let back = channel.link.submit(batch);
        if !back.is_empty() {
            let reports = back.iter().map(|message| Report {
                token: message.token,
                message: message.message,
                evidence: Evidence::default(),
                outcome: Submitted::NotSent,
            });
            self.record(channel, flight, reports.collect()).await?;
        }
        Ok(count)
    }

    /// Records what became of submits.
    async fn record(&self, channel: &Channel, flight: &Flight, reports: Vec<Report>) -> Result<(), AppError> {
        let at = self.now();
        let mut refused = false;
        let mut batch = Vec::with_capacity(reports.len());
        for report in reports {
            let Some(wired) = flight.take(report.token, &report.outcome) else { continue };
            let key = wired.answers.filter(|key| !key.by_id && key.owner == self.owner);
            let accepted = matches!(report.outcome, Submitted::Accepted { .. });
            let clear = key.filter(|key| accepted && flight.is_proven_or_waits(key));
            let outcome = outcome_of(report.outcome, channel.receipts, clear);
            refused |= matches!(outcome, Outcome::Requeue { refused: Some(_) });
            metrics::counter!("mhero_submitted_total", "outcome" => outcome_name(&outcome)).increment(1);
            batch.push(submitted(wired, channel.id, outcome, at));
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.keep_submitted(batch).await?;
        if refused {
            flight.refused.store(true, Ordering::Relaxed);
        }
        self.bells.outbox.ring();
        Ok(())
    }

    /// Writes what became of submits. The channel says it once: while the store is away it is tried again, and the
    /// channel waits; a batch that cannot be written is halved until the guilty row stands alone. That one stays
    /// `wired`, which the next start makes `unknown`.
    async fn keep_submitted(&self, batch: Vec<ops::Submitted>) -> Result<(), AppError> {
        let mut queue = vec![batch];
        while let Some(mut batch) = queue.pop() {
            match self.store.submitted(batch.clone()).await {
                Ok(()) => {}
                Err(error @ store::StoreError::Closed) => return Err(error.into()),
                Err(error) if error.is_outage() => {
                    warn!(%error, "what became of messages could not be stored; trying again");
                    queue.push(batch);
                    tokio::time::sleep(REST).await;
                }
                Err(error) if batch.len() <= 1 => {
                    error!(%error, message = ?batch.first().map(|one| one.id), "what became of a message cannot be stored");
                    metrics::counter!("mhero_submitted_failed_total").increment(1);
                }
                Err(_) => {
                    let rest = batch.split_off(batch.len() / 2);
                    queue.push(rest);
                    queue.push(batch);
                }
            }
        }
        Ok(())
    }

    /// Takes note of what the operator has certainly received, and forgets by what the answered ones of these messages
    /// are recognised. The usual case costs no write: the answer's own report proves it.
    async fn prove(&self, flight: &Flight, evidence: impl Iterator<Item = Evidence>) {
        evidence.for_each(|evidence| flight.confirm(evidence));
        let keys = flight.proven();
        if !keys.is_empty()
            && let Err(error) = self.store.forget_dedupe(&keys).await
        {
            warn!(%error, "answered messages are recognised until their window ends");
        }
    }

    /// Handles what a channel tells until it ends.
    pub(crate) async fn listen(
        self: Arc<Self>,
        channel: Arc<Channel>,
        flight: Arc<Flight>,
        mut events: mpsc::Receiver<Vec<Event>>,
    ) {
        while let Some(mut batch) = events.recv().await {
            while let Ok(more) = events.try_recv() {
                batch.extend(more);
                if batch.len() >= BATCH {
                    break;
                }
            }
            let sorted = Sorted::from(batch);
            for change in sorted.states {
                info!(channel = channel.name, bind = change.bind, state = ?change.state, reason = change.reason, "bind");
                self.bells.outbox.ring();
            }
            let at = self.now();
            let late = sorted.late.into_iter().filter_map(|late| {
                let (wired, external_ids) = flight.late(late)?;
                let outcome = Outcome::Accepted { external_ids, receipt: channel.receipts, clear: None };
                Some(submitted(wired, channel.id, outcome, at))
            });
            let late: Vec<ops::Submitted> = late.collect();
            let reported = sorted.reports.iter().map(|report| report.evidence);
            self.prove(&flight, sorted.confirmed.into_iter().chain(reported)).await;
            // The three are written in this order, so that a receipt finds the submit that it speaks of.
            let (recorded, settled, (), (), ()) = tokio::join!(
                self.record(&channel, &flight, sorted.reports),
                async { if late.is_empty() { Ok(()) } else { self.keep_submitted(late).await } },
                self.receive(channel.id, sorted.messages),
                self.receive_receipts(channel.id, sorted.receipts),
                self.report_refused(sorted.refused),
            );
            for error in [recorded.err(), settled.err()].into_iter().flatten() {
                warn!(%error, channel = channel.name, "what the channel told could not be stored");
            }
        }
    }
}

/// A batch of events by kind.
#[derive(Default)]
struct Sorted {
    reports: Vec<Report>,
    late: Vec<Late>,
    messages: Vec<Inbound>,
    receipts: Vec<Inbound>,
    states: Vec<gateway::StateChange>,
    confirmed: Vec<Evidence>,
    refused: Vec<gateway::Refused>,
}

impl From<Vec<Event>> for Sorted {
    fn from(batch: Vec<Event>) -> Self {
        let mut sorted = Self::default();
        for event in batch {
            match event {
                Event::Submitted(report) => sorted.reports.push(report),
                Event::Late(late) => sorted.late.push(late),
                Event::Inbound(inbound) if inbound.receipt.is_some() => sorted.receipts.push(*inbound),
                Event::Inbound(inbound) => sorted.messages.push(*inbound),
                Event::State(change) => sorted.states.push(change),
                Event::Refused(refused) => sorted.refused.push(refused),
                Event::Confirmed(evidence) => sorted.confirmed.push(evidence),
            }
        }
        sorted
    }
}

fn submitted(wired: Wired, channel: ChannelId, outcome: Outcome, at: base::Millis) -> ops::Submitted {
    ops::Submitted {
        part: wired.part,
        id: wired.id,
        contact: wired.contact,
        address: wired.address,
        channel,
        outcome,
        at,
    }
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Requeue { .. } => "requeued",
        Outcome::Unknown { .. } => "unknown",
    }
}

/// What the store records of a submit's result.
fn outcome_of(result: Submitted, receipt: bool, clear: Option<DedupeKey>) -> Outcome {
    match result {
        Submitted::Accepted { message_ids } => {
            Outcome::Accepted { external_ids: message_ids.into_iter().map(|(_, id)| id).collect(), receipt, clear }
        }
        Submitted::Rejected { permanent: false, text, segments_accepted, .. } if segments_accepted.is_empty() => {
            Outcome::Requeue { refused: Some(text) }
        }
        Submitted::Rejected { text, .. } => Outcome::Rejected { reason: text },
        Submitted::Throttled | Submitted::NotSent => Outcome::Requeue { refused: None },
        Submitted::Unknown { segments } => Outcome::Unknown {
            external_ids: segments
                .into_iter()
                .filter_map(|segment| match segment {
                    SegmentState::Accepted { message_id } => Some(message_id),
                    _ => None,
                })
                .collect(),
        },
    }
}

/// What happens to a flow's message when it is `unknown`.
pub(crate) fn unknown_policy(resend_after: Option<Duration>) -> UnknownPolicy {
    match resend_after {
        Some(after) => UnknownPolicy::ResendAfter(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)),
        None => UnknownPolicy::Hold,
    }
}
