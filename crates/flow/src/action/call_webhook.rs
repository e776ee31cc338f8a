//! `call_webhook`: calls a URL.

use super::{Kind, Result};
use crate::definition::fields::{Fields, Item};
use crate::definition::{AllowedIn, DefinitionError};
use crate::engine::{Execution, Halt, WebhookRequest};
use crate::expression::Template;
use crate::inspect::Findings;
use crate::message::cut;
use serde_json::Value;

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
const MAX_URL: usize = 8192;
const MAX_URL_SHOWN: usize = 255;

#[derive(Clone, Debug)]
pub(super) struct CallWebhook {
    method: &'static str,
    url: Template,
    headers: Vec<(String, Template)>,
    body: Template,
    result_name: String,
}

/// Whether a text is a token of RFC 9110, as header names are.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

impl Kind for CallWebhook {
    const TYPE: &'static str = "call_webhook";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        let method = fields.word("method", METHODS)?;
        fields.required("url", MAX_URL)?;
        let mut headers = Vec::new();
        if let Some(source) = fields.object("headers")? {
            if source.members().count() > 10 {
                return fields.invalid("headers", "must have a maximum of 10 items");
            }
            for (name, value) in source.members() {
                let Value::String(value) = value else { return source.invalid(name, "must be a text") };
                if !is_token(name) {
                    return Err(DefinitionError::new(format!("header '{name}' is not a valid HTTP header")));
                }
                if name.chars().count() > 100 || value.chars().count() > 5000 {
                    return source.invalid(name, "must be less than or equal to 5000, and its name to 100");
                }
                headers.push((name.clone(), Template::parse(value)));
            }
            headers.sort_by(|a, b| a.0.cmp(&b.0));
        }
        Ok(Self {
            method,
            url: fields.template("url", MAX_URL)?,
            headers,
            body: fields.template("body", 20_000)?,
            result_name: fields.text("result_name", 64)?.to_owned(),
        })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        ex.run_mut().webhook = None;
        let (url, _) = ex.text(&self.url);
        let url = url.trim();
        if url.is_empty() {
            ex.error("Webhook URL evaluated to empty string");
            return Ok(());
        }
        let Some(host) = host(url).filter(|_| url.chars().count() <= MAX_URL) else {
            let shown = if url.chars().count() > MAX_URL_SHOWN {
                format!("{}...", cut(url, MAX_URL_SHOWN - 3))
            } else {
                url.to_owned()
            };
            ex.error_with(format!("Webhook URL evaluated to an invalid URL: '{shown}'"), "url:invalid", &[("url", &shown)]);
            return Ok(());
        };
        let mut headers = crate::pairs::Pairs::default();
        for (name, template) in &self.headers {
            let (value, _) = ex.text(template);
            headers.set(name, value);
        }
        let (body, _) = ex.uncut(&self.body);
        let size = self.method.len()
            + url.len()
            + 12
            + headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>()
            + 2
            + body.len();
        let limit = ex.engine.options().max_webhook_request;
        if size > limit {
            let text = format!("Webhook request evaluated to {size} bytes, exceeding the limit of {limit}");
            let (size, limit) = (size.to_string(), limit.to_string());
            ex.error_with(text, "webhook:request_size", &[("size", &size), ("limit", &limit)]);
            return Ok(());
        }
        let bare = host.trim_end_matches('.');
        let blocked = |domain: &String| bare == domain || bare.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
        if ex.engine.options().blocked_hosts.iter().any(blocked) {
            let text = format!("Webhook calls to {host} are not allowed");
            ex.error_with(text, "url:blocked", &[("hostname", &host)]);
            return Ok(());
        }
        let max_response = ex.engine.options().max_webhook_response;
        let request =
            WebhookRequest { method: self.method.to_owned(), url: url.to_owned(), headers, body, max_response };
        let called = ex.call_url(request, "")?;
        if !self.result_name.is_empty() {
            ex.save_call(&self.result_name, &called.saved, called.status == "success");
        }
        ex.run_mut().webhook = Some(called.saved);
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("url").template(&self.url);
        self.headers.iter().for_each(|(_, template)| found.at("headers").template(template));
        found.at("body").template(&self.body);
        if !self.result_name.is_empty() {
            found.result(&self.result_name, &["Success", "Failure"]);
        }
    }
}

/// The host of an absolute HTTP URL, in lower case; none when it isn't one.
fn host(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return None;
    }
    if url.chars().any(|c| c.is_control() || c == ' ') {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let address = authority.rsplit('@').next()?;
    let host = if address.starts_with('[') {
        address.split_inclusive(']').next()?
    } else {
        let (host, port) = address.split_once(':').unwrap_or((address, ""));
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        host
    };
    if host.is_empty() || host.contains(['<', '>', '"', '\\', '^', '`', '{', '|', '}']) {
        return None;
    }
    let mut percents = url.split('%');
    percents.next();
    if percents.any(|p| p.len() < 2 || !p.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit)) {
        return None;
    }
    Some(host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn hosts_are_found_in_absolute_urls_only() {
        for (url, expected) in [
            ("http://example.org/a?b=c", Some("example.org")),
            ("https://user:pass@Example.ORG:8080", Some("example.org")),
            ("http://[::1]:80/", Some("[::1]")),
            ("example.org", None),
            ("ftp://example.org", None),
            ("http://", None),
            ("http://exa mple.org", None),
            ("http://example.org/%zz", None),
        ] {
            assert_eq!(host(url).as_deref(), expected, "{url}");
        }
    }
}
