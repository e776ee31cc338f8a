//! Runs the binds of a channel: connecting, moving octets and events, and connecting again.

use super::codec::BindMode;
use super::config::{Bind, Config, ConfigError};
use super::session::{End, Session, Setup};
use crate::event::{Answer, Event, Evidence, LinkState, Outgoing, Report, StateChange, Submitted};
use crate::link::{BindStatus, Board, LaneDriver, Link, Stats, link};
use bytes::BytesMut;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

/// Batches of events that wait for the loop before the channel stops reading.
const EVENT_BATCHES: usize = 16;
/// How much is read at once, in octets.
const READ: usize = 64 * 1024;
/// A bind that held for so long was a good one: the next attempt comes soon.
const SETTLED: Duration = Duration::from_secs(10);

/// Starts the binds of a channel on the current tokio runtime and gives the loop's handle and its events.
///
/// `seed` decides how attempts to connect are spread, so that many processes do not come back at once. Sessions are
/// numbered from `first_session`; give a number above those of earlier runs where evidence outlives the process.
///
/// The stream of events ends after [`Link::stop`], or when every [`Link`] is dropped, once the binds are closed.
pub fn start(config: Config, seed: u64, first_session: u64) -> Result<(Link, mpsc::Receiver<Vec<Event>>), ConfigError> {
    config.check()?;
    let (handle, driver, events) = link(config.binds, EVENT_BATCHES);
    let config = Arc::new(config);
    let sessions = Arc::new(AtomicU64::new(first_session));
    let board = driver.board();
    let mut tasks = JoinSet::new();
    for (index, lane) in driver.lanes.into_iter().enumerate() {
        let number = index + 1;
        let evidence = Arc::new(Mutex::new(Evidence::default()));
        let task = |mode: BindMode, name: String, lane: Option<LaneDriver>| Task {
            mode,
            name,
            lane,
            config: config.clone(),
            events: driver.events.clone(),
            stop: driver.stop.clone(),
            board: board.clone(),
            sessions: sessions.clone(),
            evidence: evidence.clone(),
            seed: mix(seed, index as u64 * 3 + mode as u64),
            taken: 0,
            bind_session: 0,
        };
        match config.bind {
            Bind::Transceiver => {
                tasks.spawn(task(BindMode::Transceiver, format!("trx{number}"), Some(lane)).run());
            }
            Bind::Pair => {
                tasks.spawn(task(BindMode::Receiver, format!("rx{number}"), None).run());
                tasks.spawn(task(BindMode::Transmitter, format!("tx{number}"), Some(lane)).run());
            }
        }
    }
    tasks.detach_all();
    Ok((handle, events))
}

/// One bind.
struct Task {
    mode: BindMode,
    name: String,
    lane: Option<LaneDriver>,
    config: Arc<Config>,
    events: mpsc::Sender<Vec<Event>>,
    stop: watch::Receiver<bool>,
    board: Board,
    sessions: Arc<AtomicU64>,
    evidence: Arc<Mutex<Evidence>>,
    seed: u64,
    taken: u64,
    bind_session: u64,
}

impl Task {
    async fn run(mut self) {
        let mut attempt = 0;
        while !*self.stop.borrow() {
            let mut bound_at = None;
            let end = self.session(&mut bound_at).await;
            if end == End::Stopped {
                break;
            }
            Stats::add(&self.board.stats().disconnects, 1);
            if bound_at.is_some_and(|at: Instant| at.elapsed() >= SETTLED) {
                attempt = 0;
            }
            let wait = backoff(&self.config, self.seed, attempt);
            attempt += 1;
            let reason = format!("{end}; next attempt in {:.1} s", wait.as_secs_f64());
            tracing::warn!(bind = self.name, reason, "SMPP bind is down");
            self.changed(LinkState::Down, Some(reason)).await;
            self.wait(wait).await;
        }
        self.end().await;
    }

    /// From the attempt to connect to the end of the connection.
    async fn session(&mut self, bound_at: &mut Option<Instant>) -> End {
        self.changed(LinkState::Connecting, None).await;
        let config = self.config.clone();
        let connecting = TcpStream::connect((config.host.trim(), config.port));
        let connected = tokio::select! {
            connected = timeout(config.connect_timeout, connecting) => connected,
            () = stopped(&mut self.stop) => return End::Stopped,
        };
        let to = || format!("{}:{}", config.host.trim(), config.port);
        let mut stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return End::Io(format!("cannot connect to {}: {error}", to())),
            Err(_) => return End::Io(format!("cannot connect to {}: no answer in time", to())),
        };
        if let Err(error) = stream.set_nodelay(true) {
            return End::Io(format!("cannot set up the connection to {}: {error}", to()));
        }
        self.bind_session = self.sessions.fetch_add(1, Ordering::Relaxed);
        self.changed(LinkState::Binding, None).await;
        let (answers, mut decided) = mpsc::unbounded_channel();
        let setup = Setup {
            config,
            mode: self.mode,
            bind_session: self.bind_session,
            answers,
            evidence: self.evidence.clone(),
        };
        let mut session = match Session::new(setup, Instant::now()) {
            Ok(session) => session,
            Err(end) => return end,
        };
        let (reader, writer) = stream.split();
        let end = self.drive(&mut session, reader, writer, &mut decided, bound_at).await;
        self.grant(0);
        session.close();
        session.count(self.board.stats());
        let events = session.take_events();
        if !events.is_empty() {
            // The loop may be gone, and then nobody asks.
            let _ = self.events.send(events).await;
        }
        end
    }

    async fn drive(
        &mut self,
        session: &mut Session,
        mut reader: impl AsyncRead + Unpin,
        mut writer: impl AsyncWrite + Unpin,
        decided: &mut mpsc::UnboundedReceiver<Answer>,
        bound_at: &mut Option<Instant>,
    ) -> End {
        let mut buffer = BytesMut::with_capacity(READ);
        let mut batches: Vec<Vec<Outgoing>> = Vec::new();
        let mut answers: Vec<Answer> = Vec::new();
        let (mut stopping, mut let_go) = (false, false);
        loop {
            let now = Instant::now();
            let turned = session.received(&mut buffer, now).and_then(|()| session.turn(now));
            for (state, reason) in session.take_changes() {
                if state == LinkState::Up && bound_at.is_none() {
                    *bound_at = Some(now);
                    Stats::add(&self.board.stats().binds, 1);
                    tracing::info!(bind = self.name, "SMPP bind is up");
                }
                session.push(self.note(state, reason));
            }
            session.count(self.board.stats());
            if let Err(end) = turned {
                // What is still to be said (a response to unbind) is said if the operator reads it at once.
                let out = session.out();
                let _ = timeout(Duration::from_millis(100), writer.write_all_buf(out)).await;
                return end;
            }
            // Room first: whoever receives the reports finds it.
            let free = session.free(now);
            self.grant(free);
            if session.has_events()
                && let Ok(permit) = self.events.try_reserve()
            {
                permit.send(session.take_events());
            }
            let deadline = session.deadline(now);
            let (reads, writes, tells) = (!session.is_blocked(), !session.out().is_empty(), session.has_events());
            tokio::select! {
                biased;
                taken = take(self.lane.as_mut(), &mut batches), if !let_go => {
                    let now = Instant::now();
                    let_go = taken == 0;
                    if let_go && !stopping {
                        stopping = true;
                        session.stop(now);
                    }
                    // The loop decides on a message before it replies to it. Written in that order, the operator's
                    // answer to the reply proves that ours arrived.
                    while let Ok(answer) = decided.try_recv() {
                        session.answer(answer, now);
                    }
                    for batch in batches.drain(..) {
                        self.taken += batch.len() as u64;
                        session.submit(batch);
                    }
                }
                _ = decided.recv_many(&mut answers, 1_024) => {
                    let now = Instant::now();
                    for answer in answers.drain(..) {
                        session.answer(answer, now);
                    }
                }
                written = writer.write_buf(session.out()), if writes => match written {
                    Ok(0) => return End::Closed,
                    Ok(_) => {}
                    Err(error) => return End::Io(format!("the connection broke: {error}")),
                },
                permit = self.events.reserve(), if tells => match permit {
                    Ok(permit) => permit.send(session.take_events()),
                    Err(_) => return End::Stopped,
                },
                read = read(&mut reader, &mut buffer), if reads => match read {
                    Ok(0) => return End::Closed,
                    Ok(_) => {}
                    Err(error) => return End::Io(format!("the connection broke: {error}")),
                },
                () = until(deadline) => {}
                () = stopped(&mut self.stop), if !stopping => {
                    stopping = true;
                    session.stop(Instant::now());
                }
            }
        }
    }

    /// Waits before the next attempt, giving back what is handed over meanwhile.
    async fn wait(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let mut batches = Vec::new();
        loop {
            tokio::select! {
                () = until(Some(end)) => return,
                taken = take(self.lane.as_mut(), &mut batches) => {
                    self.give_back(&mut batches).await;
                    if taken == 0 {
                        return;
                    }
                }
                () = stopped(&mut self.stop) => return,
            }
        }
    }

    /// The end of the task: nothing that was handed over is left without a report.
    async fn end(&mut self) {
        if let Some(lane) = &mut self.lane {
            lane.queue.close();
            let mut batches = Vec::new();
            while let Ok(batch) = lane.queue.try_recv() {
                batches.push(batch);
            }
            self.give_back(&mut batches).await;
        }
        self.changed(LinkState::Stopped, None).await;
    }

    async fn give_back(&mut self, batches: &mut Vec<Vec<Outgoing>>) {
        let evidence = *self.evidence.lock().unwrap_or_else(PoisonError::into_inner);
        let reports: Vec<Event> = batches
            .drain(..)
            .flatten()
            .map(|Outgoing { token, message, .. }| {
                Event::Submitted(Report { token, message, evidence, outcome: Submitted::NotSent })
            })
            .collect();
        self.taken += reports.len() as u64;
        self.grant(0);
        if !reports.is_empty() {
            let _ = self.events.send(reports).await;
        }
    }

    fn grant(&mut self, free: usize) {
        if let Some(lane) = &self.lane
            && lane.credit.grant(self.taken, free)
        {
            self.board.changed();
        }
    }

    async fn changed(&mut self, state: LinkState, reason: Option<String>) {
        let event = self.note(state, reason);
        let _ = self.events.send(vec![event]).await;
    }

    /// Puts a new state on the board and makes its event.
    fn note(&mut self, state: LinkState, reason: Option<String>) -> Event {
        let (bind, bind_session) = (self.name.clone(), self.bind_session);
        self.board.set(BindStatus { bind: bind.clone(), bind_session, state, reason: reason.clone() });
        Event::State(StateChange { bind, bind_session, state, reason })
    }
}

/// Until the loop asks for the end, or has let go of the link.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Batches for a lane; a receiving bind has none and waits for ever. Zero when the loop has let go of the link.
async fn take(lane: Option<&mut LaneDriver>, batches: &mut Vec<Vec<Outgoing>>) -> usize {
    match lane {
        Some(lane) => lane.queue.recv_many(batches, 64).await,
        None => pending().await,
    }
}

async fn read(reader: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> std::io::Result<usize> {
    buffer.reserve(READ / 2);
    reader.read_buf(buffer).await
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// How long to wait before an attempt: doubling from the first to the most, each time between half and all of it.
fn backoff(config: &Config, seed: u64, attempt: u32) -> Duration {
    let whole = config.reconnect_first.saturating_mul(1 << attempt.min(16)).min(config.reconnect_most);
    let unit = (mix(seed, u64::from(attempt)) >> 11) as f64 / (1_u64 << 53) as f64;
    whole.mul_f64(0.5 + unit / 2.0)
}

/// A number that looks random, from two that do not (the finaliser of splitmix64).
fn mix(seed: u64, number: u64) -> u64 {
    let mut mixed = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_spread_and_slow_down() {
        let config = Config::default();
        for seed in 0..50 {
            for (attempt, most) in [1_u64, 2, 4, 8, 16, 32, 60, 60].into_iter().enumerate() {
                let wait = backoff(&config, seed, attempt as u32);
                assert!(wait <= Duration::from_secs(most) && wait >= Duration::from_millis(most * 500), "{wait:?}");
            }
        }
        assert_ne!(backoff(&config, 1, 0), backoff(&config, 2, 0));
        assert_eq!(backoff(&config, 1, 0), backoff(&config, 1, 0));
        assert!(backoff(&config, 1, u32::MAX) <= config.reconnect_most);
    }
}
