//! What the actions that call URLs share.

use crate::engine::{Answer, Execution, Halt, NewResult, Request, WebhookAnswer, WebhookRequest};
use crate::event::EventKind;
use crate::message::cut;
use crate::session::SavedWebhook;
use serde_json::value::RawValue;

const MAX_EVENT_URL: usize = 2048;
const MAX_EVENT_RESPONSE: usize = 10_000;
/// Bytes of JSON from which a response is no longer kept with a result.
const MAX_EXTRA: usize = 10_000;

/// A call that was made.
pub(super) struct Called {
    pub(super) saved: SavedWebhook,
    /// `success`, `response_error`, `connection_error` or `subscriber_gone`.
    pub(super) status: &'static str,
}

/// The body as JSON, without the NUL characters that nothing can store; none when it isn't JSON.
fn json(body: &str) -> Option<Box<RawValue>> {
    let mut body = body.replace('\0', "");
    if body.contains("\\u0000") {
        body = without_escaped_nul(&body);
    }
    RawValue::from_string(body.trim().to_owned()).ok()
}

/// Without `\u0000`, unless its backslash is itself escaped.
fn without_escaped_nul(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        if let Some(after) = tail.strip_prefix("\\u0000") {
            rest = after;
            continue;
        }
        let length = 1 + tail[1..].chars().next().map_or(0, char::len_utf8);
        out.push_str(&tail[..length]);
        rest = &tail[length..];
    }
    out.push_str(rest);
    out
}

impl Execution<'_> {
    /// Makes a call and tells of it.
    pub(super) fn call_url(&mut self, request: WebhookRequest, resthook: &str) -> Result<Called, Halt> {
        let (method, url, limit) = (request.method.clone(), request.url.clone(), request.max_response);
        let Answer::Webhook(answer) = self.ask(Request::Webhook(request))? else {
            return Err(Halt::mismatch("a webhook"));
        };
        let status = match answer.status {
            _ if answer.too_large => "connection_error",
            0 => "connection_error",
            410 if !resthook.is_empty() => "subscriber_gone",
            200..=299 => "success",
            _ => "response_error",
        };
        if answer.too_large {
            let text = format!("Webhook response exceeded the limit of {limit} bytes");
            self.warning(text, Some("webhook:response_size"), &[("limit", &limit.to_string())]);
        }
        let WebhookAnswer { response_head, body, .. } = answer;
        let response = if answer.status == 0 {
            String::new()
        } else {
            let body = if answer.too_large { "" } else { body.as_str() };
            cut(&format!("{response_head}{body}"), MAX_EVENT_RESPONSE).replace('\0', "\u{fffd}")
        };
        self.event(EventKind::WebhookCalled {
            url: cut(&url, MAX_EVENT_URL).to_owned(),
            status_code: answer.status,
            request: answer.request.clone(),
            response,
            elapsed_ms: answer.elapsed_ms,
            retries: answer.retries,
            sizes: answer.sizes,
            status: status.to_owned(),
            resthook: resthook.to_owned(),
        });
        let saved = SavedWebhook {
            method,
            url,
            status: answer.status,
            headers: answer.headers.clone(),
            json: if answer.too_large { None } else { json(body) },
        };
        Ok(Called { saved, status })
    }

    /// Records a call as a result.
    pub(super) fn save_call(&mut self, name: &str, called: &SavedWebhook, success: bool) {
        let extra = called.json.clone().filter(|json| json.get().len() < MAX_EXTRA && json.get() != "null");
        self.save_result(NewResult {
            name,
            value: called.status.to_string(),
            category: if success { "Success" } else { "Failure" },
            category_localized: "",
            input: format!("{} {}", called.method, called.url),
            extra,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_lose_their_nul_characters() {
        for (body, expected) in [
            ("{\"a\": \"x\\u0000y\0\"}", Some("{\"a\": \"xy\"}")),
            ("\"\\\\u0000\"", Some("\"\\\\u0000\"")),
            ("not json", None),
            ("", None),
        ] {
            assert_eq!(json(body).as_deref().map(RawValue::get), expected, "{body}");
        }
    }
}
