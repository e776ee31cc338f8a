//! Simulated services for replays and conversations: nothing ever goes to the network.

use super::SimulateError;
use crate::engine::{
    AirtimeAnswer, Answer, EmailAnswer, Engine, LlmAnswer, Options, Request, WebhookAnswer, WebhookRequest,
};
use crate::event::{HttpLog, Sizes, Tokens};
use crate::pairs::Pairs;
use crate::stamp::Stamp;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// How the services are to behave.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServiceOptions {
    llm_prompts: Option<BTreeMap<String, String>>,
    max_field_chars: Option<usize>,
    unsendable: BTreeMap<String, String>,
    taken_urns: Vec<String>,
    email_error: String,
}

/// An answer that a URL is to give.
#[derive(Clone, Debug, Deserialize)]
pub struct Mock {
    status: u16,
    #[serde(default)]
    headers: Option<Pairs<String>>,
    #[serde(default)]
    body: Value,
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    body_repeat: usize,
}

/// Simulated services.
#[derive(Clone)]
pub struct Services {
    options: ServiceOptions,
    mocks: BTreeMap<String, Vec<Mock>>,
    /// Whether a call without an answer left connects to nothing instead of being an error.
    pub lenient: bool,
    transfers: u64,
}

const CATEGORIZE: &str = "Categorize the following text into one of the following categories and only return that category or <CANT> if you can't: {{ .arg1 }}";
const MAX_RESPONSE: usize = 100_000;

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "",
    }
}

/// Whether a pattern with `*` matches a text.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// A request as it would go over the wire.
fn wire(request: &WebhookRequest) -> String {
    let rest = request.url.split_once("://").map_or(request.url.as_str(), |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or_default();
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, target) = (&rest[..at], &rest[at..]);
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let mut text = format!("{} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: mhero\r\n", request.method);
    if !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
        _ = write!(text, "Content-Length: {}\r\n", request.body.len());
    }
    for (name, value) in request.headers.iter() {
        _ = write!(text, "{name}: {value}\r\n");
    }
    text + "Accept-Encoding: gzip\r\n\r\n" + &request.body
}

impl Services {
    /// Services that answer as told; `mocks` are the answers of URLs (or patterns with `*`), in turn.
    pub fn new(options: &ServiceOptions, mocks: BTreeMap<String, Vec<Mock>>) -> Self {
        Self { options: options.clone(), mocks, lenient: false, transfers: 0 }
    }

    /// An engine with the limits of these services.
    pub fn engine(&self) -> Engine {
        let unsendable = self.options.unsendable.clone();
        let prompts = self.options.llm_prompts.clone();
        Engine::new(Options {
            max_field_chars: self.options.max_field_chars.unwrap_or(640),
            max_webhook_response: MAX_RESPONSE,
            blocked_hosts: vec!["graph.facebook.com".to_owned()],
            prompts: prompts.unwrap_or_else(|| [("categorize".to_owned(), CATEGORIZE.to_owned())].into()),
            send_check: Some(Arc::new(move |_, message| {
                unsendable
                    .iter()
                    .find(|(text, _)| message.text.contains(text.as_str()))
                    .map(|(_, reason)| reason.clone())
            })),
            ..Options::default()
        })
    }

    /// The answer to a request.
    pub fn answer(&mut self, request: Request) -> Result<Answer, SimulateError> {
        Ok(match request {
            Request::Webhook(request) => Answer::Webhook(self.webhook(&request)?),
            Request::Llm { instructions, input, .. } => Answer::Llm(llm(&instructions, &input)),
            Request::Airtime { recipient, amounts, .. } => Answer::Airtime(self.airtime(&recipient, &amounts)),
            Request::Email { .. } => Answer::Email(EmailAnswer { error: self.options.email_error.clone() }),
            Request::ClaimUrn { urn, .. } => {
                let path = urn.split_once(':').map_or(urn.as_str(), |(_, path)| path);
                Answer::ClaimUrn(!self.options.taken_urns.iter().any(|taken| path.contains(taken.as_str())))
            }
        })
    }

    fn mock(&mut self, url: &str) -> Option<Mock> {
        let key = if self.mocks.get(url).is_some_and(|m| !m.is_empty()) {
            url.to_owned()
        } else {
            let glob = |(pattern, left): &(&String, &Vec<Mock>)| {
                !left.is_empty() && pattern.contains('*') && matches_glob(pattern, url)
            };
            self.mocks.iter().find(glob)?.0.clone()
        };
        self.mocks.get_mut(&key).map(|left| left.remove(0))
    }

    fn webhook(&mut self, request: &WebhookRequest) -> Result<WebhookAnswer, SimulateError> {
        let wire = wire(request);
        let mut answer = WebhookAnswer {
            sizes: Sizes { request: wire.len(), response: 0 },
            request: wire,
            elapsed_ms: 1,
            ..WebhookAnswer::default()
        };
        let Some(mock) = self.mock(&request.url) else {
            if self.lenient {
                return Ok(answer);
            }
            return Err(SimulateError::NoAnswer { method: request.method.clone(), url: request.url.clone() });
        };
        if mock.status == 0 {
            return Ok(answer);
        }
        let body = match mock.body {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let body = if mock.body_repeat > 1 { body.repeat(mock.body_repeat) } else { body };
        let headers = mock.headers.unwrap_or_default();
        let mut head =
            format!("HTTP/1.0 {} {}\r\nContent-Length: {}\r\n", mock.status, reason(mock.status), body.len());
        for (name, value) in headers.iter() {
            _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        answer.sizes.response = head.len() + body.len();
        answer.too_large = body.len() > request.max_response;
        answer.status = mock.status;
        answer.response_head = head;
        answer.headers = headers;
        if !answer.too_large {
            answer.body = body;
        }
        Ok(answer)
    }

    fn airtime(&mut self, recipient: &str, amounts: &Pairs<Box<RawValue>>) -> AirtimeAnswer {
        self.transfers += 1;
        let mut answer = AirtimeAnswer {
            external_id: format!("T{:09}", self.transfers),
            currency: String::new(),
            amount: RawValue::NULL.to_owned(),
            http_logs: Vec::new(),
            error: String::new(),
        };
        if recipient.contains("666") {
            "invalid recipient number".clone_into(&mut answer.error);
            return answer;
        }
        "RWF".clone_into(&mut answer.currency);
        answer.http_logs.push(HttpLog {
            url: "http://send.airtime.com".to_owned(),
            status_code: 200,
            status: "success".to_owned(),
            request: "GET / HTTP/1.1\r\nHost: send.airtime.com\r\nUser-Agent: mhero\r\nAccept-Encoding: gzip\r\n\r\n"
                .to_owned(),
            response: "HTTP/1.0 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}".to_owned(),
            elapsed_ms: 0,
            retries: 0,
            sizes: Sizes::default(),
            created_on: Stamp::utc(Timestamp::UNIX_EPOCH),
        });
        match amounts.get("RWF") {
            Some(amount) => answer.amount.clone_from(amount),
            None => "no amount configured for transfers in RWF".clone_into(&mut answer.error),
        }
        answer
    }
}

fn llm(instructions: &str, input: &str) -> Result<LlmAnswer, String> {
    let output = if let Some(error) = input.strip_prefix("\\error ") {
        return Err(error.to_owned());
    } else if let Some(output) = input.strip_prefix("\\return ") {
        output.to_owned()
    } else if instructions.starts_with("Categorize") {
        let last = instructions.split_whitespace().last().unwrap_or_default();
        last.strip_suffix(']').unwrap_or(last).to_owned()
    } else if instructions.starts_with("Translate") {
        if instructions.contains("JSON") {
            let lists: BTreeMap<String, Vec<String>> = serde_json::from_str(input).map_err(|e| e.to_string())?;
            let mut translated: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (key, texts) in lists {
                translated.insert(key, texts.iter().map(|t| translate(t)).collect::<Result<_, _>>()?);
            }
            serde_json::to_string(&translated).map_err(|e| e.to_string())?
        } else {
            translate(input)?
        }
    } else {
        format!("You asked:\n\n{instructions}\n\n{input}")
    };
    Ok(LlmAnswer { output, tokens: Tokens { input: 45, output: 78 }, elapsed_ms: 1 })
}

fn translate(text: &str) -> Result<String, String> {
    match text {
        "error" => Err("simulated LLM error".to_owned()),
        "untranslatable" => Ok("<CANT>".to_owned()),
        _ => Ok(text
            .chars()
            .map(|c| match c {
                'a' | 'A' => '4',
                'b' | 'B' => '8',
                'e' | 'E' => '3',
                'g' | 'G' => '9',
                'i' | 'I' | 'l' | 'L' => '1',
                'o' | 'O' => '0',
                's' | 'S' => '5',
                't' | 'T' => '7',
                other => other,
            })
            .collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_texts() {
        for (pattern, text, expected) in [
            ("http://a/*", "http://a/b", true),
            ("http://a/*/c", "http://a/b/c", true),
            ("http://a/*/c", "http://a/b/d", false),
            ("*", "anything", true),
            ("http://a/", "http://a/b", false),
        ] {
            assert_eq!(matches_glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
