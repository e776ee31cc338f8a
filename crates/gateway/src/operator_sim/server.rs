//! The message centre on sockets, in time.

use super::config::{Config, ConfigError};
use super::judge::History;
use super::report::{Counts, Report};
use super::smsc::{After, BindId, Moment, Smsc};
use crate::smpp::codec::frame;
use bytes::{Buf, BytesMut};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Connections beyond this number wait to be accepted.
const MOST_CONNECTIONS: usize = 1_000;

/// Room for what is read at once: a batch of PDUs is handled under one lock and answered with one write.
const READ_SIZE: usize = 128 * 1024;

/// So much output is taken from the message centre before the socket has taken the last: the rest waits there, where
/// it is bounded.
const WRITE_SIZE: usize = 256 * 1024;

/// How long a connection that is to be closed may take to read what was written last.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why an operator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {error}; another program may have it, choose another `listen`")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

/// A simulated operator.
#[derive(Debug)]
pub struct Operator;

/// A running operator; it stops when this is dropped.
#[derive(Debug)]
pub struct Handle {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

struct Shared {
    state: Mutex<State>,
    started: Instant,
    /// The timer is to look again.
    earlier: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

struct State {
    smsc: Smsc,
    wakers: HashMap<BindId, Arc<Notify>>,
    touched: Vec<BindId>,
    /// Who waits for which moment.
    waiting: Vec<(Moment, oneshot::Sender<String>)>,
    /// When the timer will look next; `None`: not before it is told.
    timer: Option<Duration>,
}

impl Operator {
    /// Starts an operator on the current tokio runtime.
    pub async fn start(config: Config) -> Result<Handle, StartError> {
        let now = jiff::Timestamp::now();
        // Ids must not come again after a restart: they are above all that a run before can have reached, and below
        // 2^53, which peers in JavaScript need.
        let first_id = u64::try_from(now.as_millisecond()).unwrap_or_default() * 1_000;
        let addr = config.listen;
        let smsc = Smsc::new(config, now, first_id)?;
        let listener = TcpListener::bind(addr).await.map_err(|error| StartError::Listen { addr, error })?;
        let addr = listener.local_addr().map_err(|error| StartError::Listen { addr, error })?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                smsc,
                wakers: HashMap::new(),
                touched: Vec::new(),
                waiting: Vec::new(),
                timer: None,
            }),
            started: Instant::now(),
            earlier: Notify::new(),
        });
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept(listener, Arc::clone(&shared), stop.clone())));
        tokio::spawn(stop.clone().run_until_cancelled_owned(keep_time(Arc::clone(&shared))));
        Ok(Handle { addr, shared, _stop: stop.drop_guard() })
    }
}

impl Handle {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The report of the run so far; it goes through all phones.
    pub fn report(&self) -> Report {
        let now = self.shared.now();
        self.shared.lock().smsc.report(now)
    }

    /// What passed at each phone, by number; nothing unless `judge.history` is set.
    pub fn history(&self) -> Vec<History> {
        self.shared.lock().smsc.history()
    }

    /// The counts alone, which cost nothing.
    pub fn counts(&self) -> Counts {
        self.shared.lock().smsc.counts().clone()
    }

    /// Waits until nothing is on its way and nothing has happened for `idle`. Says whether that was so before
    /// `timeout`. A run in which no message was sent yet has not settled.
    pub async fn wait_settled(&self, idle: Duration, timeout: Duration) -> bool {
        let end = Instant::now() + timeout;
        loop {
            let now = self.shared.now();
            if self.shared.lock().smsc.settled_for(now).is_some_and(|time| time >= idle) {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            tokio::time::sleep((idle / 4).clamp(Duration::from_millis(1), Duration::from_millis(20)).min(left)).await;
        }
    }

    /// Waits for the next `moment` and gives the system_id of the peer that it concerns, as soon as it comes: its
    /// octets may not even be written yet.
    pub async fn next(&self, moment: Moment) -> Option<String> {
        let (waiter, told) = oneshot::channel();
        {
            let mut state = self.shared.lock();
            // What was before is not meant.
            state.smsc.take_moment(moment);
            state.waiting.push((moment, waiter));
        }
        told.await.ok()
    }

    /// Closes all connections at once, what waits to be written being lost.
    pub fn drop_all(&self) {
        self.shared.with(|smsc, _| smsc.drop_all());
    }

    /// Reads nothing for this long.
    pub fn stall(&self, time: Duration) {
        self.shared.with(|smsc, _| smsc.stall(time));
    }

    /// Changes the number of submits a second above which ESME_RTHROTTLED is the answer; 0 for no limit.
    pub fn throttle(&self, rate: f64) {
        self.shared.with(|smsc, _| smsc.set_throttle(rate));
    }

    /// Forgets what the load measured so far, at the end of a warm-up.
    pub fn restart_load_measure(&self) {
        self.shared.with(|smsc, _| smsc.restart_load_measure());
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the message centre, lets it do what follows, and wakes whom it concerns.
    fn with<R>(&self, what: impl FnOnce(&mut Smsc, Duration) -> R) -> R {
        let now = self.now();
        let mut state = self.lock();
        let State { smsc, wakers, touched, waiting, timer } = &mut *state;
        let result = what(smsc, now);
        smsc.run(now);
        if !waiting.is_empty() {
            for moment in [Moment::Submit, Moment::Delivery] {
                let Some(system_id) = smsc.take_moment(moment) else { continue };
                for (_, waiter) in waiting.extract_if(.., |(of, _)| *of == moment) {
                    // Who waited may be gone.
                    let _ = waiter.send(system_id.clone());
                }
            }
        }
        smsc.take_touched(touched);
        touched.sort_unstable();
        touched.dedup();
        for id in touched.drain(..) {
            if let Some(waker) = wakers.get(&id) {
                waker.notify_one();
            }
        }
        if let Some(due) = smsc.due()
            && timer.is_none_or(|timer| due < timer)
        {
            *timer = Some(due);
            self.earlier.notify_one();
        }
        result
    }
}

/// Calls the message centre when something is due.
async fn keep_time(shared: Arc<Shared>) {
    loop {
        let due = {
            let mut state = shared.lock();
            state.timer = state.smsc.due();
            state.timer
        };
        let Some(due) = due else {
            shared.earlier.notified().await;
            continue;
        };
        let at = tokio::time::Instant::from_std(shared.started + due);
        tokio::select! {
            () = tokio::time::sleep_until(at) => shared.with(|_, _| ()),
            () = shared.earlier.notified() => {}
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                let serving = stop.clone().run_until_cancelled_owned(async move {
                    serve(shared, stream).await;
                    drop(permit);
                });
                tokio::spawn(serving);
            }
            // Out of file descriptors, or the peer is gone already: the next one may do.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream) {
    // A response must not wait for more to come; without it the connection works too, only slower.
    let _ = stream.set_nodelay(true);
    let wake = Arc::new(Notify::new());
    let id = shared.with(Smsc::connected);
    shared.lock().wakers.insert(id, Arc::clone(&wake));
    converse(&shared, &mut stream, id, &wake).await;
    shared.lock().wakers.remove(&id);
    shared.with(|smsc, now| smsc.disconnected(now, id));
}

/// Reads and writes until the connection ends.
async fn converse(shared: &Shared, stream: &mut TcpStream, id: BindId, wake: &Notify) {
    let (mut reader, mut writer) = stream.split();
    let mut input = BytesMut::new();
    let mut output = BytesMut::new();
    loop {
        let (after, congested, stalled_until) = {
            let mut state = shared.lock();
            let after = if output.len() < WRITE_SIZE {
                let Some(after) = state.smsc.take_output(id, &mut output) else { return };
                after
            } else {
                After::Continue
            };
            (after, state.smsc.congested(id), state.smsc.stalled_until())
        };
        if after == After::Close {
            // The peer may be gone, or not read: there is nobody to tell.
            let farewell = async {
                writer.write_all(&output).await?;
                writer.shutdown().await
            };
            let _ = tokio::time::timeout(FAREWELL, farewell).await;
            return;
        }
        let stalled = stalled_until > shared.now();
        if input.capacity() - input.len() < READ_SIZE / 4 {
            input.reserve(READ_SIZE);
        }
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep_until(tokio::time::Instant::from_std(shared.started + stalled_until)), if stalled => {}
            written = writer.write_buf(&mut output), if !output.is_empty() => match written {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
            read = reader.read_buf(&mut input), if !stalled && !congested => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => handle(shared, id, &mut input),
            },
        }
    }
}

/// Handles all whole PDUs of the input.
fn handle(shared: &Shared, id: BindId, input: &mut BytesMut) {
    shared.with(|smsc, now| {
        loop {
            match frame(input) {
                Ok(Some(frame)) => {
                    let size = frame.size();
                    smsc.frame(now, id, &frame);
                    input.advance(size);
                }
                Ok(None) => return,
                Err(_) => {
                    input.clear();
                    return smsc.unframed(id);
                }
            }
        }
    });
}
