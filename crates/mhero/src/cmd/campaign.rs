//! `mhero campaign`: starting conversations and following them.

use super::Ctx;
use crate::local::{Request, ask};
use crate::output::{Report, table, write_table};
use app::campaign::{Preview, Report as Progress, Tally};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

/// Start a flow with many people, and follow it
#[derive(Debug, clap::Subcommand)]
pub(crate) enum CampaignCommand {
    /// Start a flow with everybody whom a query means
    Start {
        /// The flow: its name or its id
        flow: String,
        /// The audience, such as: cadre = midwife AND within = "Bong"
        #[arg(long, value_name = "QUERY")]
        to: String,
        /// Only show whom it would reach, who is left out and why, segments and cost
        #[arg(long)]
        dry_run: bool,
    },
    /// How far a campaign is: by cadre and place, and the answers to each question
    Status {
        /// The campaign: its id or its name; the latest if not given
        campaign: Option<String>,
    },
    /// Send nothing more of a campaign until it is resumed
    Pause {
        /// The campaign: its id or its name; the latest if not given
        campaign: Option<String>,
    },
    /// Go on with a paused campaign
    Resume {
        /// The campaign: its id or its name; the latest if not given
        campaign: Option<String>,
    },
    /// End a campaign: what has not been sent is not sent any more
    Cancel {
        /// The campaign: its id or its name; the latest if not given
        campaign: Option<String>,
    },
}

/// Runs a subcommand.
pub(crate) fn run(ctx: &Ctx, command: CampaignCommand) -> anyhow::Result<ExitCode> {
    let state = |campaign, state: &str| {
        ask::<Progress>(ctx, Request::CampaignState { campaign, state: state.into() })
            .and_then(|report| ctx.out.print(&Status(report)))
    };
    match command {
        CampaignCommand::Start { flow, to, dry_run: true } => {
            ctx.out.print(&DryRun(ask(ctx, Request::Preview { flow, to })?))?;
        }
        CampaignCommand::Start { flow, to, dry_run: false } => {
            ctx.out.print(&ask::<Started>(ctx, Request::StartCampaign { flow, to })?)?;
        }
        CampaignCommand::Status { campaign } => {
            ctx.out.print(&Status(ask(ctx, Request::CampaignStatus { campaign })?))?;
        }
        CampaignCommand::Pause { campaign } => state(campaign, "paused")?,
        CampaignCommand::Resume { campaign } => state(campaign, "running")?,
        CampaignCommand::Cancel { campaign } => state(campaign, "cancelled")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What a campaign would do.
#[derive(Serialize)]
#[serde(transparent)]
struct DryRun(Preview);

impl Report for DryRun {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        write_preview(&self.0, to)?;
        writeln!(to, "nothing was sent; start it without --dry-run")
    }
}

fn write_preview(preview: &Preview, to: &mut dyn Write) -> io::Result<()> {
    let list = |counts: &BTreeMap<String, usize>| {
        let parts: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
        if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
    };
    writeln!(to, "flow        {}", preview.flow)?;
    writeln!(to, "audience    {}", preview.query)?;
    writeln!(to, "matched     {}", preview.matched)?;
    writeln!(to, "recipients  {}", preview.recipients)?;
    writeln!(to, "left out    {}", list(&preview.left_out))?;
    writeln!(to, "languages   {}", list(&preview.languages))?;
    writeln!(to, "cadres      {}", list(&preview.cadres))?;
    writeln!(to, "places      {}", list(&preview.places))?;
    writeln!(
        to,
        "segments    {} for the first message, {} at most to one recipient",
        preview.segments, preview.longest
    )?;
    match &preview.cost {
        Some((cost, currency)) => writeln!(to, "cost        {cost:.2} {currency} for the first message"),
        None => writeln!(to, "cost        unknown: set the channel's tariff to see it"),
    }
}

/// A campaign that has begun.
#[derive(Serialize, Deserialize)]
struct Started {
    id: base::StartId,
    preview: Preview,
}

impl Report for Started {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        write_preview(&self.preview, to)?;
        writeln!(to, "started     {}\nfollow it with: mhero campaign status", self.id)
    }
}

/// How far a campaign is.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Status(pub(crate) Progress);

impl Report for Status {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let report = &self.0;
        writeln!(to, "{} ({}), {}", report.name, report.id, report.state)?;
        writeln!(to, "audience: {}\n", report.query)?;
        let header =
            ["", "RECIPIENTS", "QUEUED", "SENT", "DELIVERED", "FAILED", "UNKNOWN", "REFUSED", "RESPONDED", "COMPLETED"];
        let mut rows = table(header);
        for column in rows.column_iter_mut().skip(1) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
        for (name, tally) in &report.by_cadre {
            rows.add_row(row(name, tally));
        }
        rows.add_row([""; 10]);
        for (name, tally) in &report.by_place {
            rows.add_row(row(name, tally));
        }
        rows.add_row([""; 10]);
        rows.add_row(row("all", &report.all));
        write_table(&rows, to)?;
        if !report.reasons.is_empty() {
            let reasons: Vec<String> = report.reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
            writeln!(to, "\nrefused or failed: {}", reasons.join(", "))?;
        }
        if !report.answers.is_empty() {
            writeln!(to)?;
        }
        for (question, answers) in &report.answers {
            let all: i64 = answers.iter().map(|(_, n)| n).sum();
            let parts: Vec<String> = answers
                .iter()
                .take(6)
                .map(|(answer, n)| format!("{answer} {n} ({} %)", n * 100 / all.max(1)))
                .collect();
            let more = if answers.len() > 6 { ", ..." } else { "" };
            writeln!(to, "{question}: {}{more}", parts.join(", "))?;
        }
        Ok(())
    }
}

fn row(name: &str, tally: &Tally) -> [String; 10] {
    let figures = [
        tally.recipients,
        tally.waiting + tally.queued,
        tally.sent,
        tally.delivered,
        tally.failed,
        tally.unknown,
        tally.refused,
        tally.responded,
        tally.completed,
    ];
    let mut cells = figures.map(|n| n.to_string()).into_iter();
    std::array::from_fn(|at| if at == 0 { name.to_owned() } else { cells.next().unwrap_or_default() })
}
