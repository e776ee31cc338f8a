//! What every request passes on its way in, and every answer on its way out.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse as _, Response};
use std::any::Any;
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::Shared;
use crate::problem::Problem;

/// The longest plain text that becomes the detail of a problem, in bytes.
const LONGEST_DETAIL: usize = 4096;

/// Wraps the routes. The last layer is the first that a request meets.
pub(crate) fn around(routes: Router, shared: &Shared) -> Router {
    routes
        .layer(RequestBodyLimitLayer::new(shared.settings.body_limit))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, shared.settings.timeout))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_response(as_problem))
        .layer(map_response(safe_headers))
        .layer(from_fn(measure))
}

/// Answers for a handler that panicked; the panic ends with its request.
fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Problem::internal(&format_args!("panic: {text}")).into_response()
}

/// Makes a problem of every error that is not one yet: those of the router, of the layers and of the extractors.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let is_text = kind.starts_with(b"text/plain");
    if !(status.is_client_error() || status.is_server_error()) || !(kind.is_empty() || is_text) {
        return response;
    }
    let (parts, body) = response.into_parts();
    // Anything but a short text has nothing to say here.
    let said = to_bytes(body, LONGEST_DETAIL).await.unwrap_or_default();
    let detail = match status {
        StatusCode::NOT_FOUND => "there is nothing at this address".into(),
        StatusCode::METHOD_NOT_ALLOWED => {
            "this address does not take this method; Allow has those that it takes".into()
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            "the request body is larger than http.body_limit_kb of the configuration".into()
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            "the request took longer than http.timeout_seconds of the configuration".into()
        }
        _ => String::from_utf8_lossy(&said).into_owned(),
    };
    let problem = Problem::new(status);
    let mut answer = if detail.is_empty() { problem } else { problem.detail(detail) }.into_response();
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

/// Answers are what they say they are, and no cache keeps one that does not ask for it.
async fn safe_headers(mut response: Response<Body>) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Counts requests and their time by route, never by address: addresses hold ids and numbers.
async fn measure(request: Request, next: Next) -> Response {
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".into(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let started = Instant::now();
    let response = next.run(request).await;
    let seconds = started.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    let labels = [("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", "route" => route.clone()).record(seconds);
    tracing::debug!(%method, route, status, elapsed_ms = (seconds * 1000.0) as u64, "request");
    response
}
