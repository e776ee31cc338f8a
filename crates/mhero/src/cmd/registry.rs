//! `mhero registry`: the workers.

use super::Ctx;
use crate::local::{Request, ask};
use crate::output::{Report, count, or_dash, table, write_table};
use anyhow::Context as _;
use app::import::ImportReport;
use registry::{Severity, TemplateFormat, TemplateLanguage};
use serde::{Deserialize, Serialize};
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use store::registry::WorkerRow;

/// How many findings an import shows at most; all are in the JSON and on the work list.
const SHOWN: usize = 20;

/// Import, list and repair the workers
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RegistryCommand {
    /// Import workers, posts, facilities and places: FHIR R4 bundles (JSON), CSV or XLSX, several files of one source
    /// together
    Import {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The name of the source; import the same source again under the same name
        #[arg(long, default_value = "import")]
        source: String,
        /// Which columns mean what (TOML), for tables that do not have the template's headers
        #[arg(long, value_name = "FILE")]
        mapping: Option<PathBuf>,
    },
    /// Write a template for a table of workers
    Template {
        /// Where to; stdout if not given. The ending says the kind: .csv or .xlsx
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// The language of its headers and explanations
        #[arg(long, default_value = "en", value_parser = ["en", "fr"])]
        language: String,
    },
    /// List workers, all or those whom an audience means
    List {
        /// The audience, such as: cadre = nurse AND within = "Bong"
        query: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// List what could not be used, with its remedy
    Problems {
        /// Show the resolved ones too
        #[arg(long)]
        all: bool,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

/// Runs a subcommand.
pub(crate) fn run(ctx: &Ctx, command: RegistryCommand) -> anyhow::Result<ExitCode> {
    match command {
        RegistryCommand::Import { files, source, mapping } => {
            let files = files
                .iter()
                .map(|file| std::path::absolute(file).with_context(|| format!("{}", file.display())))
                .collect::<Result<_, _>>()?;
            let mapping = mapping
                .map(|file| std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display())))
                .transpose()?;
            let report: ImportReport = ask(ctx, Request::ImportWorkers { source, files, mapping })?;
            let failed = report.summary.files.iter().any(|file| file.format.is_none())
                || report.summary.errors > 0 && report.summary.files.iter().all(|file| file.records == 0);
            ctx.out.print(&Imported(report))?;
            if failed {
                return Ok(ExitCode::FAILURE);
            }
        }
        RegistryCommand::Template { file, language } => template(file, &language)?,
        RegistryCommand::List { query, limit } => {
            let asked = query.is_some();
            // One more than is shown tells whether there are more.
            let mut rows: Vec<WorkerRow> = ask(ctx, Request::Workers { query, limit: limit.saturating_add(1) })?;
            let more = rows.len() > limit;
            rows.truncate(limit);
            ctx.out.print(&Workers { rows, more, asked })?;
        }
        RegistryCommand::Problems { all, limit } => {
            ctx.out.print(&Problems(ask(ctx, Request::Problems { all, limit })?))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn template(file: Option<PathBuf>, language: &str) -> anyhow::Result<()> {
    let workbook = file.as_ref().is_some_and(|file| file.extension().is_some_and(|ending| ending == "xlsx"));
    let format = if workbook { TemplateFormat::Xlsx } else { TemplateFormat::Csv };
    let language = if language == "fr" { TemplateLanguage::French } else { TemplateLanguage::English };
    let bytes = registry::template(format, language)?;
    match file {
        Some(file) => std::fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?,
        None => io::stdout().lock().write_all(&bytes)?,
    }
    Ok(())
}

/// The report of an import.
#[derive(Serialize)]
#[serde(transparent)]
struct Imported(ImportReport);

impl Report for Imported {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let (summary, changes) = (&self.0.summary, self.0.changes);
        for file in &summary.files {
            let Some(format) = file.format else {
                writeln!(to, "{}: cannot be read", file.name)?;
                continue;
            };
            let kind = match format {
                registry::Format::Fhir => "FHIR",
                registry::Format::Csv => "CSV",
                registry::Format::Workbook => "workbook",
            };
            let encoding = file.encoding.as_deref().filter(|encoding| *encoding != "UTF-8");
            let encoding = encoding.map_or_else(String::new, |encoding| format!(" in {encoding}"));
            writeln!(to, "{}: {kind}{encoding}, {}", file.name, count(file.records as u64, "record", "records"))?;
        }
        if summary.workers + summary.facilities + summary.jurisdictions + changes.deleted == 0 {
            writeln!(to, "nothing was imported")?;
        } else {
            let left = count(summary.left as u64, "has left", "have left");
            writeln!(
                to,
                "read     {} ({left}, {} without a usable phone), {}, {}, {}",
                count(summary.workers as u64, "worker", "workers"),
                summary.without_phone,
                count(summary.posts as u64, "post", "posts"),
                count(summary.facilities as u64, "facility", "facilities"),
                count(summary.jurisdictions as u64, "place", "places")
            )?;
            writeln!(to, "workers  {} new, {} changed, {} unchanged", changes.new, changes.changed, changes.unchanged)?;
            if changes.absent > 0 {
                let source = &self.0.source;
                writeln!(to, "         {} of the source \"{source}\" are not in these files and stay", changes.absent)?;
            }
            writeln!(to, "places   {} new or changed", changes.places)?;
        }
        if changes.deleted > 0 {
            writeln!(to, "deleted  {} at the source, who have left therefore", changes.deleted)?;
        }
        let worth: Vec<_> = self.0.findings.iter().filter(|finding| finding.severity != Severity::Info).collect();
        if worth.is_empty() {
            return writeln!(to, "nothing was left out");
        }
        writeln!(
            to,
            "{}, {}; all are on the work list (mhero registry problems)",
            count(summary.errors as u64, "error", "errors"),
            count(summary.warnings as u64, "warning", "warnings")
        )?;
        for finding in worth.iter().take(SHOWN) {
            writeln!(to, "  {}: {}\n    {}", finding.place, finding.message, finding.remedy)?;
        }
        if worth.len() > SHOWN {
            writeln!(to, "  and {} more", worth.len() - SHOWN)?;
        }
        Ok(())
    }
}

/// A list of workers.
#[derive(Serialize)]
#[serde(transparent)]
struct Workers {
    rows: Vec<WorkerRow>,
    /// There are more than these.
    #[serde(skip)]
    more: bool,
    /// They are those whom a query means.
    #[serde(skip)]
    asked: bool,
}

impl Report for Workers {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.rows.is_empty() && self.asked {
            return writeln!(to, "no worker is meant by this query");
        }
        if self.rows.is_empty() {
            return writeln!(to, "no workers; import some with: mhero registry import FILE");
        }
        let mut lines = table(["NAME", "CADRE", "FACILITY", "PLACE", "PHONE", "STATUS"]);
        for worker in &self.rows {
            let phone = worker.urns.first().and_then(|urn| urn.strip_prefix("tel:")).unwrap_or("-");
            let facility = worker.attributes.facility.first().map_or("-", String::as_str);
            lines.add_row([
                worker.name.as_str(),
                or_dash(&worker.attributes.report_cadre),
                facility,
                or_dash(&worker.attributes.report_place),
                phone,
                &worker.status,
            ]);
        }
        write_table(&lines, to)?;
        if self.more {
            writeln!(to, "the first {}; --limit shows more, a query fewer", self.rows.len())?;
        }
        Ok(())
    }
}

/// A row of the work list.
#[derive(Serialize, Deserialize)]
struct Problem {
    kind: String,
    subject: String,
    message: String,
    remedy: String,
    state: String,
    times: i64,
}

/// The work list.
#[derive(Serialize)]
#[serde(transparent)]
struct Problems(Vec<Problem>);

impl Report for Problems {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(to, "no problems: everything could be used");
        }
        let bold = io::stdout().is_terminal();
        for problem in &self.0 {
            let times = if problem.times > 1 { format!(" ({} times)", problem.times) } else { String::new() };
            let state = if problem.state == "open" { "" } else { " [resolved]" };
            let (on, off) = if bold { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
            writeln!(to, "{on}{}{off} {}{state}", problem.kind, problem.subject)?;
            writeln!(to, "  {}{times}\n  {}", problem.message, problem.remedy)?;
        }
        writeln!(to, "{}", count(self.0.len() as u64, "problem", "problems"))
    }
}
