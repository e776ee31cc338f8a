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
use axum::extract::DefaultBodyLimit;
use base::Secret;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;

pub use operations::{Check, Readiness};

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The largest request body, in bytes; larger ones are answered 413.
    pub body_limit: usize,
    /// How long a request may take; after that it is answered 503.
    pub timeout: Duration,
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
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    readiness: Arc<dyn Readiness>,
    metrics: impl Fn() -> String + Send + Sync + 'static,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let grace = settings.grace;
    let shared = Shared {
        settings: Arc::new(settings),
        readiness,
        metrics: Arc::new(metrics),
        stopping: Arc::new(AtomicBool::new(false)),
    };
    let stopping = Arc::clone(&shared.stopping);
    let stopped = Arc::new(Notify::new());
    let told = Arc::clone(&stopped);
    let service = router(shared).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.await;
        stopping.store(true, Ordering::Relaxed);
        told.notify_one();
    });
    tokio::select! {
        result = server => result,
        () = async { stopped.notified().await; tokio::time::sleep(grace).await } => {
            tracing::warn!("some requests did not end in time and were cut off");
            Ok(())
        }
    }
}

/// All routes, with what every request passes on its way in and every answer on its way out.
fn router(shared: Shared) -> Router {
    let routes = operations::routes(routes::Routes::new(shared.clone())).into_router();
    middleware::around(routes.layer(DefaultBodyLimit::max(shared.settings.body_limit)), &shared)
}
