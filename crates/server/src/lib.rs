//! The HTTP side of mhero: routes, who may call them, and how errors look. No SQL and no use case lives here.
//!
//! * [`serve`] runs the server until it is told to stop.
//! * A route is added with an [`auth::Access`]; there is no way to add one without.
//! * Whatever goes wrong, the answer is a [`problem::Problem`] (RFC 9457).

pub mod auth;
mod middleware;
pub mod operations;
pub mod problem;
mod routes;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use base::Secret;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

pub use operations::{Check, Readiness};

/// How long the server rests after a connection could not be taken.
const REST: Duration = Duration::from_millis(200);

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The largest request body, in bytes; larger ones are answered 413.
    pub body_limit: usize,
    /// How long a request may take; after that it is answered 503.
    pub timeout: Duration,
    /// How long the head of a request may take to arrive, and an idle connection may stay; after that it is closed.
    pub header_timeout: Duration,
    /// How long running requests may go on once the server is told to stop.
    pub grace: Duration,
    /// Opens `/metrics` and the details of `/readyz` to other machines, as `Authorization: Bearer TOKEN`.
    pub operations_token: Option<Secret<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_limit: 1024 * 1024,
            timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(15),
            grace: Duration::from_secs(10),
            operations_token: None,
        }
    }
}

/// What routes need, shared by all requests.
#[derive(Clone)]
pub(crate) struct Shared {
    settings: Arc<Settings>,
    readiness: Arc<dyn Readiness>,
    /// The text of `/metrics`.
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Set when the server was told to stop.
    stopping: Arc<AtomicBool>,
}

/// Serves HTTP on `listener` until `stop` completes; then takes no new connection, lets running requests end for at
/// most [`Settings::grace`], and returns.
///
/// `metrics` renders the metrics in Prometheus' text format; see [`operations::install_metrics`].
///
/// # Errors
/// None at present: a connection that cannot be taken is logged, and the next one is waited for.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    readiness: Arc<dyn Readiness>,
    metrics: impl Fn() -> String + Send + Sync + 'static,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (grace, header_timeout) = (settings.grace, settings.header_timeout);
    let shared = Shared {
        settings: Arc::new(settings),
        readiness,
        metrics: Arc::new(metrics),
        stopping: Arc::new(AtomicBool::new(false)),
    };
    let stopping = Arc::clone(&shared.stopping);
    let router = router(shared);
    let mut http = http1::Builder::new();
    // Without a timer hyper waits for the rest of a request's head as long as the peer likes.
    http.timer(TokioTimer::new()).header_read_timeout(header_timeout);
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most likely the process has as many files open as it may; others close some.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let inner = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            inner.call(request)
        });
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    stopping.store(true, Ordering::Relaxed);
    if tokio::time::timeout(grace, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
    Ok(())
}

/// All routes, with what every request passes on its way in and every answer on its way out.
fn router(shared: Shared) -> Router {
    let routes = operations::routes(routes::Routes::new(shared.clone())).into_router();
    middleware::around(routes.layer(DefaultBodyLimit::max(shared.settings.body_limit)), &shared)
}
