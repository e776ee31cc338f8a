//! `mhero flow import`, `export`, `results` and `list`: the flows of the store.

use super::Ctx;
use crate::local::{Request, ask};
use crate::output::{Report, moment, table, write_table};
use crate::runtime;
use anyhow::Context as _;
use app::floip::{Container, Written};
use app::flows::{Dependencies, Imported};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Imports a file of flows.
pub(crate) fn import(ctx: &Ctx, file: &Path) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let imported: Imported = ask(ctx, Request::ImportFlows { text }).with_context(|| format!("{}", file.display()))?;
    ctx.out.print(&Import(imported))?;
    Ok(ExitCode::SUCCESS)
}

/// Arguments of `mhero flow export`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// The flows, by name or id; all if none is named
    flows: Vec<String>,
    /// Where to write the file; standard output if not given
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What to write beside them
    #[arg(long, value_enum, default_value_t = Beside::All)]
    dependencies: Beside,
    /// Write the flows that are named as a FLOIP container (flow specification 1.0.0-rc4) instead
    #[arg(long, requires = "flows", conflicts_with = "dependencies")]
    floip: bool,
}

/// What is written beside the flows.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Beside {
    /// Flows that they enter, and all triggers, campaigns, fields and groups of these
    All,
    /// Flows that they enter, and their triggers
    Flows,
    /// Nothing
    None,
}

/// Writes flows as a RapidPro export file or a FLOIP container.
pub(crate) fn export(ctx: &Ctx, args: ExportArgs) -> anyhow::Result<ExitCode> {
    if args.floip {
        return export_floip(ctx, args);
    }
    let dependencies = match args.dependencies {
        Beside::All => Dependencies::All,
        Beside::Flows => Dependencies::Flows,
        Beside::None => Dependencies::None,
    };
    let site = format!("http://{}", ctx.config()?.http.listen);
    let file: Value = ask(ctx, Request::ExportFlows { site, flows: args.flows, dependencies })?;
    let text = serde_json::to_string_pretty(&file)?;
    let Some(path) = args.out else {
        writeln!(io::stdout().lock(), "{text}")?;
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    let count = |key: &str| file[key].as_array().map_or(0, Vec::len);
    ctx.out.print(&Exported {
        file: path,
        flows: count("flows"),
        triggers: count("triggers"),
        campaigns: count("campaigns"),
        fields: count("fields"),
        groups: count("groups"),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn export_floip(ctx: &Ctx, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let exported: Container = ask(ctx, Request::ExportFloip { flows: args.flows })?;
    for left_out in &exported.left_out {
        writeln!(io::stderr(), "left out: {left_out}")?;
    }
    let text = format!("{:#}\n", exported.container);
    match args.out {
        Some(path) => std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?,
        None => io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what a flow's runs recorded.
pub(crate) fn results(ctx: &Ctx, flow: String, out: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let below = out.is_none();
    let folder = std::env::current_dir().context("cannot tell the current folder")?.join(out.unwrap_or_default());
    let written: Written = ask(ctx, Request::FlowResults { flow, folder, below })?;
    ctx.out.print(&Results(written))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Results(Written);

impl Report for Results {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let Written { folder, runs, rows } = &self.0;
        writeln!(to, "{}: {rows} answers of {runs} runs", folder.display())
    }
}

/// What an export file holds.
#[derive(Serialize)]
struct Exported {
    file: PathBuf,
    flows: usize,
    triggers: usize,
    campaigns: usize,
    fields: usize,
    groups: usize,
}

impl Report for Exported {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let Self { file, flows, triggers, campaigns, fields, groups } = self;
        writeln!(
            to,
            "{}: {flows} flows, {triggers} triggers, {campaigns} campaigns, {fields} fields, {groups} groups",
            file.display()
        )
    }
}

/// Lists the flows.
pub(crate) fn list(ctx: &Ctx) -> anyhow::Result<ExitCode> {
    let zone = runtime::settings(&ctx.config()?)?.timezone;
    ctx.out.print(&Flows { flows: ask(ctx, Request::Flows)?, zone })?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Import(Imported);

impl Report for Import {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let Imported { flows, kept } = &self.0;
        if flows.is_empty() {
            writeln!(to, "the file has no flows")?;
        }
        for flow in flows {
            let keywords = match flow.keywords.as_slice() {
                [] => String::new(),
                words => format!(", started by the word {}", words.join(" or ")),
            };
            writeln!(to, "{}: {}{keywords}", flow.name, flow.result)?;
            for note in &flow.notes {
                writeln!(to, "  {note}")?;
            }
        }
        if !kept.is_empty() {
            writeln!(to, "kept for exports, for nothing here runs it yet:")?;
        }
        for line in kept {
            writeln!(to, "  {line}")?;
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Flow {
    uuid: uuid::Uuid,
    name: String,
    r#type: String,
    revision: i64,
    modified_on: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Flows {
    flows: Vec<Flow>,
    #[serde(skip)]
    zone: TimeZone,
}

impl Report for Flows {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.flows.is_empty() {
            return writeln!(to, "no flows; import some with: mhero flow import FILE");
        }
        let mut rows = table(["NAME", "TYPE", "REVISION", "CHANGED", "ID"]);
        for flow in &self.flows {
            let (revision, uuid) = (flow.revision.to_string(), flow.uuid.to_string());
            let changed = flow.modified_on.parse::<jiff::Timestamp>();
            let changed = changed.map_or(flow.modified_on.clone(), |at| moment(at.into(), &self.zone));
            rows.add_row([flow.name.as_str(), &flow.r#type, &revision, &changed, &uuid]);
        }
        write_table(&rows, to)
    }
}
