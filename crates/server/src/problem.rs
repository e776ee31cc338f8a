//! Errors as callers see them: RFC 9457 problem details.
//!
//! A [`Problem`] has the status, its standard title, and a detail that says what is wrong and what to do. What went
//! wrong inside (a statement, a path, a secret) belongs in the log and never in a detail; an error of ours is answered
//! with [`Problem::internal`], which logs the one and shows the other.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::fmt;

/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error answer.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    detail: Option<String>,
}

impl Problem {
    /// A problem of this status, without detail.
    pub fn new(status: StatusCode) -> Self {
        Self { status, detail: None }
    }

    /// What is wrong and what to do, for the caller's eyes.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// An error of ours: logged, and answered 500 without its text.
    pub fn internal(error: &dyn fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR).detail("the server failed; its log says why")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        /// The members of RFC 9457 section 3.1; `type` is `about:blank`, so `title` is the status's own.
        #[derive(Serialize)]
        struct Members<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            #[serde(skip_serializing_if = "Option::is_none")]
            detail: Option<&'a str>,
        }
        let members = Members {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
        };
        let body = serde_json::to_vec(&members).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
