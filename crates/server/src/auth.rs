//! Who may call a route.
//!
//! | access | who | routes |
//! |---|---|---|
//! | [`Access::Public`] | everybody | `/healthz`, `/readyz`: monitors and load balancers ask them, and they tell no more than that mhero is here and whether it works |
//! | [`Access::Operations`] | this machine, or the holder of the operations token | `/metrics`, and the details of `/readyz` |
//!
//! *This machine* is a loopback peer whose request carries no header of a proxy: behind a proxy on the same machine,
//! every peer of the internet looks like loopback.

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, StatusCode, header};
use std::net::SocketAddr;

use crate::Settings;
use crate::problem::Problem;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// This machine, or the holder of the operations token.
    Operations,
}

/// Headers that a proxy adds.
const PROXY_HEADERS: &[&str] = &["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Passes a request that may call a route of this access; otherwise the answer.
pub(crate) fn decide(access: Access, request: &Request, settings: &Settings) -> Result<(), Problem> {
    match access {
        Access::Public => Ok(()),
        Access::Operations if is_operations(request, settings) => Ok(()),
        Access::Operations if settings.operations_token.is_some() => {
            Err(Problem::new(StatusCode::UNAUTHORIZED).detail("the operations token is missing or wrong"))
        }
        Access::Operations => Err(Problem::new(StatusCode::FORBIDDEN)
            .detail("only this machine may ask; set http.metrics_token_file to open it to others")),
    }
}

/// Whether a request comes from this machine or carries the operations token.
pub(crate) fn is_operations(request: &Request, settings: &Settings) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let local = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    let direct = !PROXY_HEADERS.iter().any(|name| request.headers().contains_key(*name));
    (local && direct)
        || settings.operations_token.as_ref().is_some_and(|token| {
            bearer(request.headers()).is_some_and(|given| same(given.as_bytes(), token.expose().as_bytes()))
        })
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares in a time that depends on the lengths only, so that a token cannot be guessed byte by byte.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}
