//! Logs to stderr, as text or JSON lines, with personal data masked.
//!
//! Masking is structural: every event passes [`Masked`], which writes the only form that leaves the process.
//! * A field called `text`, `body`, `name`, `phone`, `urn`, `password` or the like shows its length only.
//! * In the message and in every other field, a run of seven or more digits that may be a phone number, with or
//!   without separators, shows its last two digits. Dates, UUIDs, addresses of the internet and numbers in a field
//!   named with a unit (`elapsed_ms`) are left alone.
//! * In the debug form of a struct, the quoted value of such a field is masked too: `Message { text: "..." }`.

mod mask;

use serde_json::{Map, Value};
use std::fmt::{self, Write as _};
use std::io;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Log, LogFormat};

/// Logs of a command that is no server: warnings as text, more with each `-v`.
pub(crate) fn init_for_command(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "debug",
        _ => "trace",
    };
    start(LogFormat::Text, EnvFilter::new(level));
}

/// Logs of the server, as configured; `-v` and `-vv` lower the level.
pub(crate) fn init_for_server(log: &Log, verbose: u8) {
    let filter = match verbose {
        0 => EnvFilter::new(&log.level),
        1 => EnvFilter::new("debug"),
        _ => EnvFilter::new("trace"),
    };
    start(log.format, filter);
}

/// Sets the logger of the process; the first call counts.
fn start(format: LogFormat, filter: EnvFilter) {
    let _ = tracing_subscriber::registry().with(filter).with(Masked { format, to: io::stderr }).try_init();
}

/// The layer that masks and writes.
struct Masked<W> {
    format: LogFormat,
    /// Makes the writer of one line.
    to: W,
}

/// The masked fields of a span, kept beside it.
struct SpanFields(Map<String, Value>);

impl<S, W, O> Layer<S> for Masked<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn() -> O + 'static,
    O: io::Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(span) = ctx.span(id)
            && let Some(known) = span.extensions_mut().get_mut::<SpanFields>()
        {
            known.0.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        if let Some(scope) = ctx.event_scope(event) {
            for span in scope.from_root() {
                if let Some(known) = span.extensions().get::<SpanFields>() {
                    fields.0.extend(known.0.clone());
                }
            }
        }
        event.record(&mut fields);
        let message = fields.0.remove("message");
        let meta = event.metadata();
        let now = jiff::Timestamp::now().round(jiff::Unit::Millisecond).unwrap_or_default();
        let line = match self.format {
            LogFormat::Json => json_line(now, *meta.level(), meta.target(), message, fields.0),
            LogFormat::Text => text_line(now, *meta.level(), meta.target(), message.as_ref(), &fields.0),
        };
        // A log that cannot be written has nowhere to say so.
        let _ = (self.to)().write_all(line.as_bytes());
    }
}

fn json_line(
    now: jiff::Timestamp,
    level: Level,
    target: &str,
    message: Option<Value>,
    fields: Map<String, Value>,
) -> String {
    let mut line = Map::new();
    line.insert("time".into(), now.to_string().into());
    line.insert("level".into(), level.as_str().to_lowercase().into());
    line.insert("target".into(), target.into());
    line.insert("message".into(), message.unwrap_or_default());
    for (name, value) in fields {
        // A field must not hide one of the four above.
        let name = if line.contains_key(&name) { format!("field_{name}") } else { name };
        line.insert(name, value);
    }
    format!("{}\n", Value::Object(line))
}

fn text_line(
    now: jiff::Timestamp,
    level: Level,
    target: &str,
    message: Option<&Value>,
    fields: &Map<String, Value>,
) -> String {
    let mut line = format!("{now} {level:>5} {target}:");
    if let Some(message) = message.and_then(Value::as_str) {
        let _ = write!(line, " {}", message.replace('\n', "\\n"));
    }
    for (name, value) in fields {
        let _ = match value {
            Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '\n', '=']) => {
                write!(line, " {name}={text}")
            }
            other => write!(line, " {name}={other}"),
        };
    }
    line.push('\n');
    line
}

/// Collects fields, masking each.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn text(&mut self, field: &Field, text: &str) {
        let value = if mask::is_private(field.name(), text) { mask::hidden(text) } else { mask::text(text) };
        self.0.insert(field.name().to_owned(), Value::String(value));
    }

    /// A number: as it is if it is too short for a phone number or its field names a unit.
    fn number(&mut self, field: &Field, digits: &str, value: impl Into<Value>) {
        if mask::is_private(field.name(), digits)
            || (digits.len() >= mask::PHONE_DIGITS && !mask::has_unit(field.name()))
        {
            self.text(field, digits);
        } else {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            let _ = write!(text, ": {cause}");
            source = cause.source();
        }
        self.text(field, &text);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, &value.to_string(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, &value.to_string(), value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.text(field, &value.to_string());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.text(field, &value.to_string());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A writer that many lines share.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `work` logs.
    fn logged(format: LogFormat, work: impl FnOnce()) -> String {
        let to = Shared::default();
        let writer = to.clone();
        let layer = Masked { format, to: move || writer.clone() };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let bytes = to.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn say_everything() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "read by its debug form")]
        struct Message {
            text: &'static str,
            to: &'static str,
            segments: u8,
        }
        let span = tracing::info_span!("step", urn = "tel:+231990000001", contact = "tel:+231990000002");
        let _in = span.enter();
        let id = "0192f3a0-0000-7000-8000-000000000001";
        tracing::warn!(
            text = "My name is Comfort",
            sender = 231_990_000_003_u64,
            elapsed_ms = 12_345_678_u64,
            rows = 12_u64,
            address = "127.0.0.1:8080",
            id,
            message = ?Message { text: "I am ill", to: "+231 990 000 004", segments: 2 },
        );
        let cause = io::Error::other("no route to +231990000005");
        tracing::error!(error = &cause as &dyn std::error::Error, "could not send to 0990-000-006, will try again");
    }

    #[test]
    fn nothing_private_leaves_in_either_format() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = logged(format, say_everything);
            for private in ["Comfort", "am ill", "990000", "990 000", "990-000"] {
                assert!(!log.contains(private), "{private} in {log}");
            }
            for kept in ["12345678", "segments: 2", "0192f3a0-0000-7000-8000-000000000001", "127.0.0.1:8080", "***06"] {
                assert!(log.contains(kept), "{kept} not in {log}");
            }
            assert_eq!(log.lines().count(), 2, "{log}");
        }
    }

    #[test]
    fn json_lines_are_json() {
        let log = logged(LogFormat::Json, || tracing::info!(level = 3, message = "ready\nnow", port = 8080));
        let line: Value = serde_json::from_str(&log).unwrap();
        assert_eq!(line["message"], "ready\nnow");
        assert_eq!(line["level"], "info");
        assert_eq!(line["field_level"], 3);
        assert_eq!(line["port"], 8080);
    }

    #[test]
    fn text_is_one_line_per_event() {
        let log = logged(LogFormat::Text, || tracing::info!(path = "a b\nc", "first\nsecond"));
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains(r#"first\nsecond path="a b\nc""#), "{log}");
    }

    #[test]
    fn levels_follow_the_command_line() {
        init_for_command(0);
        init_for_server(&Log::default(), 1);
    }
}
