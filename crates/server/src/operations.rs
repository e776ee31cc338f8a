//! What those who run mhero ask it: `/healthz`, `/readyz`, `/metrics`.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::Shared;
use crate::auth::{self, Access};
use crate::routes::Routes;

/// How long the readiness checks may take together.
const PATIENCE: Duration = Duration::from_secs(5);

/// One readiness check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at: `store`, `schema`.
    pub name: String,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What was found; shown to operations only.
    pub detail: String,
}

/// Answers whether the process can do its work now. The caller of [`crate::serve`] knows the store; this crate does
/// not.
pub trait Readiness: Send + Sync + 'static {
    /// Looks, and says what was found. One check that is not `ok` makes the process not ready.
    fn checks(&self) -> Pin<Box<dyn Future<Output = Vec<Check>> + Send + '_>>;
}

impl<F> Readiness for F
where
    F: Fn() -> Pin<Box<dyn Future<Output = Vec<Check>> + Send>> + Send + Sync + 'static,
{
    fn checks(&self) -> Pin<Box<dyn Future<Output = Vec<Check>> + Send + '_>> {
        self()
    }
}

/// Starts to collect the metrics of this process; the function that it returns renders them in Prometheus' text
/// format, and is the `metrics` of [`crate::serve`]. To be called once, inside a tokio runtime.
pub fn install_metrics() -> Result<impl Fn() -> String + Send + Sync + 'static, BuildError> {
    // From a fast route to the longest request.
    const SECONDS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(5));
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(move || {
        let mut text = handle.render();
        process_metrics(&mut text);
        text
    })
}

/// Adds what the operating system knows of this process.
fn process_metrics(text: &mut String) {
    let _ = write!(
        text,
        "# TYPE mhero_build_info gauge\nmhero_build_info{{version=\"{}\"}} 1\n",
        env!("CARGO_PKG_VERSION")
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    if let Some(kilobytes) = resident {
        let _ = write!(
            text,
            "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {}\n",
            kilobytes * 1024
        );
    }
}

/// The three routes.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes.add("/healthz", Access::Public, get(health)).add("/readyz", Access::Public, get(ready)).add(
        "/metrics",
        Access::Operations,
        get(metrics),
    )
}

/// The answer of `/healthz`.
#[derive(Debug, Serialize)]
struct Health {
    /// By this `mhero doctor` knows that it is mhero that listens.
    service: &'static str,
    status: &'static str,
}

/// The process is alive and answers: nothing else is looked at, so that a slow store gets nobody restarted.
async fn health() -> Json<Health> {
    Json(Health { service: "mhero", status: "ok" })
}

/// The answer of `/readyz`. `checks` is there for operations only.
#[derive(Debug, Serialize)]
struct Ready {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
}

/// 200 when requests and messages can be taken now, else 503.
async fn ready(State(shared): State<Shared>, request: Request) -> Response {
    let show = auth::is_operations(&request, &shared.settings);
    let mut checks = match tokio::time::timeout(PATIENCE, shared.readiness.checks()).await {
        Ok(checks) => checks,
        Err(_) => vec![Check {
            name: "checks".into(),
            ok: false,
            detail: format!("not done in {} seconds", PATIENCE.as_secs()),
        }],
    };
    if shared.stopping.load(Ordering::Relaxed) {
        checks.push(Check { name: "shutdown".into(), ok: false, detail: "the server was told to stop".into() });
    }
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, checks: show.then_some(checks) })).into_response()
}

/// Metrics in Prometheus' text format.
async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (shared.metrics)())
}
