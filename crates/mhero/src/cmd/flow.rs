//! `mhero flow`: checks, runs and converts flow definitions. Only `import`, `export`, `results` and `list` touch the
//! store.

mod simulate;

use super::Ctx;
use anyhow::{Context as _, anyhow};
use flow::engine::Evaluated;
use flow::simulate::{Case, Line, ModifyCase, compare, transcript};
use flow::{Assets, Definition, Inspection};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Check, run, convert and import flows
#[derive(Debug, clap::Subcommand)]
pub(crate) enum FlowCommand {
    /// Check a definition, or every flow of an export: exit status 0 if it is valid; with --json, what it depends on and what may be wrong
    Check {
        /// The definition, of any supported version
        file: PathBuf,
        /// What it may refer to; without, nothing is reported as missing
        #[arg(long, value_name = "FILE")]
        assets: Option<PathBuf>,
    },
    /// Import flows: a RapidPro export file, a definition, or a FLOIP container
    Import {
        /// The file
        file: PathBuf,
    },
    /// Write flows as a file that RapidPro imports, with what they depend on, or as a FLOIP container
    Export(super::flows::ExportArgs),
    /// Write what contacts answered in a flow, as a Flow Results package
    Results {
        /// The flow: its name or id
        flow: String,
        /// The folder of the package; one named after the flow, here, if not given
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// List the flows
    List,
    /// Talk with a flow in the terminal
    Simulate(simulate::Args),
    /// Run a recorded conversation and print what happened
    Replay {
        /// Flows, channels, fields and so on; a definition or a RapidPro export will do
        assets: PathBuf,
        /// Contact, trigger, resumes and webhook answers
        case: PathBuf,
        /// Print a line for each event, not JSON
        #[arg(long)]
        text: bool,
        /// What was printed earlier: show what differs, with exit status 1 if anything does
        #[arg(long, value_name = "FILE", conflicts_with = "text")]
        expect: Option<PathBuf>,
    },
    /// Replay a conversation, then evaluate templates in it
    Eval {
        /// Flows, channels, fields and so on
        #[arg(long)]
        assets: PathBuf,
        /// Contact, trigger, resumes and webhook answers
        #[arg(long)]
        case: PathBuf,
        /// The time at evaluation, as 2026-01-31T08:00:00Z
        #[arg(long, value_name = "TIME")]
        now: Option<jiff::Timestamp>,
        /// A JSON list of templates
        templates: PathBuf,
    },
    /// Print a definition migrated to another version
    Migrate {
        /// The definition
        file: PathBuf,
        /// The version; the newest if not given
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// What relative media paths of legacy definitions are joined to
        #[arg(long, value_name = "URL", default_value = "http://temba.io/")]
        media_url: String,
    },
    /// Apply a modifier to a contact and print both
    Modify {
        /// Fields, groups and so on
        assets: PathBuf,
        /// Contact, modifier and options
        case: PathBuf,
    },
}

/// Runs a subcommand.
pub(crate) fn run(ctx: &Ctx, command: FlowCommand) -> anyhow::Result<ExitCode> {
    match command {
        FlowCommand::Check { file, assets } => check(ctx, &file, assets.as_deref()),
        FlowCommand::Import { file } => super::flows::import(ctx, &file),
        FlowCommand::Export(args) => super::flows::export(ctx, args),
        FlowCommand::Results { flow, out } => super::flows::results(ctx, flow, out),
        FlowCommand::List => super::flows::list(ctx),
        FlowCommand::Simulate(args) => simulate::run(ctx, args),
        FlowCommand::Replay { assets, case, text, expect } => {
            let report = read_case(&case)?.run(&read_assets(&assets)?)?.report;
            if !text && expect.is_none() {
                return print_json(&report);
            }
            told(&serde_json::to_value(&report)?, expect.as_deref())
        }
        FlowCommand::Eval { assets, case, now, templates } => eval(&assets, &case, now, &templates),
        FlowCommand::Migrate { file, to, media_url } => {
            let migrated = flow::migrate::migrate(&read_json(&file)?, to.as_deref(), &media_url)?;
            print_json(&migrated)
        }
        FlowCommand::Modify { assets, case } => modify(&assets, &case),
    }
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("unable to read {}", path.display()))
}

fn read_json(path: &Path) -> anyhow::Result<Value> {
    serde_json::from_str(&read_text(path)?).with_context(|| format!("{} is not valid JSON", path.display()))
}

/// Reads flows. A FLOIP document becomes the export file that importing it makes; what it cannot be is told.
fn read_flows(path: &Path) -> anyhow::Result<Value> {
    let source = read_json(path)?;
    if !exchange::floip::is_floip(&source) {
        return Ok(source);
    }
    let imported = exchange::floip::import(&source).with_context(|| path.display().to_string())?;
    for problem in &imported.problems {
        writeln!(io::stderr(), "{problem}")?;
    }
    Ok(imported.document)
}

/// Assets, a RapidPro export, a FLOIP container, or one definition.
fn read_assets(path: &Path) -> anyhow::Result<Assets> {
    let source = read_flows(path)?;
    let unusable = || format!("unable to use {}", path.display());
    let has = |key: &str| source.get(key).is_some();
    if has("flows") && has("version") {
        let export = flow::export::read(source.to_string().as_bytes()).with_context(unusable)?;
        let flows = export.flows.iter().map(|flow| flow.definition.clone());
        return Ok(export.assets().with_context(unusable)?.with_flows(flows));
    }
    if has("nodes") || has("action_sets") || has("rule_sets") {
        let definition = Definition::read(&source).with_context(unusable)?;
        return Ok(Assets::default().with_flows([Arc::new(definition)]));
    }
    Assets::read(&source).with_context(unusable)
}

fn read_case(path: &Path) -> anyhow::Result<Case> {
    Case::read(&read_text(path)?).with_context(|| format!("{} is no recorded conversation", path.display()))
}

/// Prints what a conversation did, or how it differs from what it did before.
fn told(report: &Value, expect: Option<&Path>) -> anyhow::Result<ExitCode> {
    let now = transcript(report);
    let mut out = io::stdout().lock();
    let Some(expect) = expect else {
        now.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        return Ok(ExitCode::SUCCESS);
    };
    let before = read_json(expect)?;
    if !before["outputs"].is_array() {
        return Err(anyhow!("{}: field 'outputs' is required; make it with: mhero flow replay", expect.display()));
    }
    let lines = compare(&transcript(&before), &now);
    let changed = lines.iter().filter(|line| !matches!(line, Line::Same(_))).count();
    if changed == 0 {
        writeln!(out, "as before: {} lines", lines.len())?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in &lines {
        match line {
            Line::Same(text) => writeln!(out, "  {text}")?,
            Line::Gone(text) => writeln!(out, "- {text}")?,
            Line::New(text) => writeln!(out, "+ {text}")?,
        }
    }
    writeln!(out, "{changed} lines differ: - was expected, + is new")?;
    Ok(ExitCode::FAILURE)
}

fn print_json(document: &impl Serialize) -> anyhow::Result<ExitCode> {
    let text = serde_json::to_string(document)?;
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn check(ctx: &Ctx, file: &Path, assets: Option<&Path>) -> anyhow::Result<ExitCode> {
    let assets = assets.map(read_assets).transpose()?;
    let source = read_flows(file)?;
    let refused = |e: &dyn std::fmt::Display| anyhow!("{}: {e}", file.display());
    if source.get("flows").is_some() {
        let export = flow::export::read(source.to_string().as_bytes()).map_err(|e| refused(&e))?;
        let inspected: Vec<_> =
            export.flows.iter().map(|f| (f.definition.name(), f.definition.inspect(assets.as_ref()))).collect();
        if ctx.out.is_json() {
            return print_json(&inspected.iter().map(|(_, inspection)| inspection).collect::<Vec<_>>());
        }
        inspected.iter().try_for_each(|(name, inspection)| show(name, inspection))?;
        return Ok(ExitCode::SUCCESS);
    }
    let definition = Definition::read(&source).map_err(|e| refused(&e))?;
    let inspection = definition.inspect(assets.as_ref());
    if ctx.out.is_json() {
        return print_json(&inspection);
    }
    show(definition.name(), &inspection)?;
    Ok(ExitCode::SUCCESS)
}

fn show(name: &str, inspection: &Inspection) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{name}: valid, {} nodes", inspection.counts.nodes)?;
    for issue in &inspection.issues {
        let language = issue.language.as_ref().map_or_else(String::new, |l| format!(" in {l}"));
        let uuid = issue.action_uuid.unwrap_or(issue.node_uuid);
        writeln!(out, "  {}{language}: {} ({uuid})", issue.place, issue.description)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct EvaluatedReport {
    output: String,
    output_json: Option<Box<RawValue>>,
    error: Vec<String>,
    warnings: Vec<String>,
}

impl From<Evaluated> for EvaluatedReport {
    fn from(evaluated: Evaluated) -> Self {
        let known = !evaluated.value.is_error() && !evaluated.value.is_null();
        Self {
            output: evaluated.text,
            output_json: if known { RawValue::from_string(evaluated.value.to_json_text()).ok() } else { None },
            error: evaluated.errors.into_iter().map(|e| e.text).collect(),
            warnings: evaluated.warnings,
        }
    }
}

fn eval(assets: &Path, case: &Path, now: Option<jiff::Timestamp>, templates: &Path) -> anyhow::Result<ExitCode> {
    let (assets, case) = (read_assets(assets)?, read_case(case)?);
    let templates: Vec<String> = serde_json::from_str(&read_text(templates)?)
        .with_context(|| format!("{} is not a JSON list of texts", templates.display()))?;
    let replayed = case.run(&assets)?;
    let evaluated = case.evaluate(&assets, &replayed, now, &templates);
    print_json(&evaluated.into_iter().map(EvaluatedReport::from).collect::<Vec<_>>())
}

fn modify(assets: &Path, case: &Path) -> anyhow::Result<ExitCode> {
    let assets = read_assets(assets)?;
    print_json(&ModifyCase::read(&read_text(case)?)?.run(&assets)?)
}
