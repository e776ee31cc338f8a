//! How results, progress and errors reach a person or a script.
//!
//! * Results go to stdout: with `--json` as one JSON document, otherwise as text. A command builds one [`Report`]
//!   and hands it to [`Output::print`]; it never writes to stdout itself.
//! * Progress goes to stderr, and only when stderr is a terminal.
//! * Errors go to stderr as `error: ...`, the causes in one line, and where there is a remedy as `hint: ...`. A
//!   remedy is attached where the error is understood, with [`Hint::hint`].
//! * Exit codes: 0 done; 1 failed, or checked and found wanting; 2 the command line was wrong (clap's).

use base::Millis;
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::time::Duration;

/// What a command found or did: one JSON document, and the same as text for a person.
pub(crate) trait Report: Serialize {
    /// Writes the text form, ending in a line feed.
    fn text(&self, to: &mut dyn Write) -> io::Result<()>;
}

/// Where and how results are printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether the caller asked for JSON. For commands that must choose what to do, not for choosing what to print.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints the result on stdout. JSON is indented.
    pub(crate) fn print(self, report: &impl Report) -> anyhow::Result<()> {
        self.write(report, false, &mut io::stdout().lock())
    }

    /// As [`Output::print`], with the JSON on one line: for benches and the demo, whose document is the last line.
    pub(crate) fn print_line(self, report: &impl Report) -> anyhow::Result<()> {
        self.write(report, true, &mut io::stdout().lock())
    }

    fn write(self, report: &impl Report, line: bool, to: &mut dyn Write) -> anyhow::Result<()> {
        let written = if self.json {
            let text = if line { serde_json::to_string(report)? } else { serde_json::to_string_pretty(report)? };
            writeln!(to, "{text}")
        } else {
            report.text(to)
        };
        match written.and_then(|()| to.flush()) {
            // The reader of a pipe (`| head`) has seen enough: that is no failure of ours.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }
}

/// A cell of a table: its text, or a dash where there is none.
pub(crate) fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// An instant to the minute in a time zone: `2026-11-23 04:30`.
pub(crate) fn moment(at: Millis, zone: &TimeZone) -> String {
    zone.to_datetime(at.timestamp()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A number with its noun: `1 worker`, `2 workers`.
pub(crate) fn count(n: impl TryInto<i64>, one: &str, many: &str) -> String {
    match n.try_into() {
        Ok(1) => format!("1 {one}"),
        Ok(n) => format!("{n} {many}"),
        Err(_) => format!("very many {many}"),
    }
}

/// A text without the numbers that the system gives its errors: `No such file or directory (os error 2)`.
pub(crate) fn without_codes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(" (os error ") {
        let Some(end) = rest[at..].find(')') else { break };
        plain.push_str(&rest[..at]);
        rest = &rest[at + end + 1..];
    }
    plain + rest
}

/// A table in the one style that all commands use: a header, columns apart by two spaces, as wide as the terminal.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Writes a table without the blanks that fill its last column.
pub(crate) fn write_table(table: &Table, to: &mut dyn Write) -> io::Result<()> {
    for line in table.lines() {
        writeln!(to, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A progress bar over `total` things on stderr: drawn on a terminal only, otherwise silent.
pub(crate) fn progress(total: u64, what: impl Into<Cow<'static, str>>) -> ProgressBar {
    let target =
        if io::stderr().is_terminal() { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// An error with what can be done about it.
#[derive(Debug)]
struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Attaches a remedy to an error: `open(path).hint("run `mhero init` first")?`.
pub(crate) trait Hint<T> {
    /// The remedy, in the imperative, without a full stop at its end.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| anyhow::Error::new(Hinted { error: error.into(), hint: hint.into() }))
    }
}

/// Says the error and its remedies on stderr; the exit code of a failed command.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe));
    if !broken_pipe {
        let _ = write!(io::stderr().lock(), "{}", render(error));
    }
    ExitCode::FAILURE
}

/// The lines of an error: `error: what: why: why`, then one `hint:` line per remedy, the outermost first.
fn render(error: &anyhow::Error) -> String {
    let mut message = String::new();
    let mut hints = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // Many errors repeat their source in their own text; saying it twice helps nobody.
        if message.is_empty() {
            message = text;
        } else if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        collect_hints(cause, &mut hints);
    }
    let mut lines = format!("error: {}\n", without_codes(&message));
    for hint in hints {
        let _ = writeln!(lines, "hint: {hint}");
    }
    lines
}

/// The remedy of this cause and of what it wraps. A [`Hinted`] stands in the chain for the error it wraps, so the
/// hints between it and that error's source are found here.
fn collect_hints(cause: &(dyn std::error::Error + 'static), hints: &mut Vec<String>) {
    if let Some(hinted) = cause.downcast_ref::<Hinted>() {
        hints.push(hinted.hint.clone());
        if let Some(inner) = hinted.error.downcast_ref::<Hinted>() {
            collect_hints(inner, hints);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[derive(Serialize)]
    struct Counted {
        workers: u32,
    }

    impl Report for Counted {
        fn text(&self, to: &mut dyn Write) -> io::Result<()> {
            writeln!(to, "{} workers", self.workers)
        }
    }

    fn printed(json: bool, line: bool) -> String {
        let mut to = Vec::new();
        Output::new(json).write(&Counted { workers: 3 }, line, &mut to).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn a_result_is_text_or_one_document() {
        assert!(Output::new(true).is_json());
        assert_eq!(printed(false, false), "3 workers\n");
        assert_eq!(printed(true, false), "{\n  \"workers\": 3\n}\n");
        assert_eq!(printed(true, true), "{\"workers\":3}\n");
        progress(3, "counting").finish();
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        Output::new(true).write(&Counted { workers: 3 }, false, &mut Closed).unwrap();
    }

    #[test]
    fn errors_say_causes_once_and_hints_last() {
        let io = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let error: anyhow::Error = Err::<(), _>(io)
            .hint("check the path")
            .hint("or run `mhero init`")
            .context("cannot read flow.json")
            .context("import stopped")
            .unwrap_err();
        assert_eq!(
            render(&error),
            "error: import stopped: cannot read flow.json: no such file\n\
             hint: or run `mhero init`\nhint: check the path\n"
        );
        let system = anyhow::Error::new(io::Error::from_raw_os_error(2)).context("cannot read a.csv");
        assert_eq!(render(&system), "error: cannot read a.csv: No such file or directory\n");
        let twice = anyhow::anyhow!("disk full").context("write failed: disk full");
        assert_eq!(render(&twice), "error: write failed: disk full\n");
    }

    #[test]
    fn tables_have_no_trailing_blanks() {
        let mut rows = table(["name", "state"]);
        rows.add_row(["clock", "ok"]);
        let mut to = Vec::new();
        write_table(&rows, &mut to).unwrap();
        let text = String::from_utf8(to).unwrap();
        assert!(text.lines().all(|line| line == line.trim_end()), "{text:?}");
        assert_eq!(text.lines().count(), 2, "{text:?}");
    }
}
