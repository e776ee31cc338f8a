//! `mhero campaign`: starting conversations and following them.

use super::Ctx;
use crate::local::{Request, ask};
use crate::output::{Hint as _, Report, count, moment, table, write_table};
use crate::runtime::{self, DataLock};
use app::campaign::{Preview, Report as Progress, Tally};
use app::gate::explain;
use base::{Millis, StartId};
use comfy_table::{CellAlignment, ColumnConstraint};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

/// How many answers to a question are shown.
const ANSWERS: usize = 6;

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
    /// List the campaigns, the latest first
    List,
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
    let status = |request| -> anyhow::Result<()> {
        let report = ask(ctx, request)?;
        ctx.out.print(&Status { report, zone: zone(ctx)? })
    };
    let state = |campaign, state: &str| status(Request::CampaignState { campaign, state: state.into() });
    match command {
        CampaignCommand::Start { flow, to, dry_run: true } => {
            let preview = ask(ctx, Request::Preview { flow, to })?;
            ctx.out.print(&DryRun { preview, channel: has_channel(ctx)? })?;
        }
        CampaignCommand::Start { flow, to, dry_run: false } => {
            if !has_channel(ctx)? {
                return Err(anyhow::anyhow!("no channel is configured: nothing can be sent"))
                    .hint("add a [[channels]] block to mhero.toml and restart the server; --dry-run works without");
            }
            let mut started: Started = ask(ctx, Request::StartCampaign { flow, to })?;
            // Nobody else has the data directory: no server runs.
            started.alone = DataLock::take(ctx.data())?.is_some();
            ctx.out.print(&started)?;
        }
        CampaignCommand::Status { campaign } => status(Request::CampaignStatus { campaign })?,
        CampaignCommand::List => {
            ctx.out.print(&Campaigns { campaigns: ask(ctx, Request::Campaigns)?, zone: zone(ctx)? })?;
        }
        CampaignCommand::Pause { campaign } => state(campaign, "paused")?,
        CampaignCommand::Resume { campaign } => state(campaign, "running")?,
        CampaignCommand::Cancel { campaign } => state(campaign, "cancelled")?,
    }
    Ok(ExitCode::SUCCESS)
}

fn zone(ctx: &Ctx) -> anyhow::Result<TimeZone> {
    Ok(runtime::settings(&ctx.config()?)?.timezone)
}

fn has_channel(ctx: &Ctx) -> anyhow::Result<bool> {
    Ok(!ctx.config()?.channels.is_empty())
}

/// What a campaign would do.
#[derive(Serialize)]
#[serde(transparent)]
struct DryRun {
    preview: Preview,
    /// There is a channel to send with.
    #[serde(skip)]
    channel: bool,
}

impl Report for DryRun {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        write_preview(&self.preview, to)?;
        if !self.channel {
            writeln!(to, "\nNo channel is configured: add a [[channels]] block to mhero.toml before you start it.")
        } else if self.preview.recipients == 0 {
            writeln!(to, "\nNobody would get it.")
        } else {
            writeln!(to, "\nNothing was sent. Start it without --dry-run.")
        }
    }
}

/// `2 Bong, 1 Nimba`: the most frequent first.
fn tallied(counts: &BTreeMap<String, usize>) -> String {
    let mut counts: Vec<(&String, &usize)> = counts.iter().collect();
    counts.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let parts: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

/// The table of what a campaign would do: a word, and what stands for it.
fn write_preview(preview: &Preview, to: &mut dyn Write) -> io::Result<()> {
    let mut rows = table(["", ""]);
    rows.set_header(Vec::<&str>::new());
    if let Some(words) = rows.column_mut(0) {
        words.set_constraint(ColumnConstraint::ContentWidth);
    }
    let mut row = |word: &str, text: String| _ = rows.add_row([word.to_owned(), text]);
    row("flow", preview.flow.clone());
    row("audience", preview.query.clone());
    row("matched", count(preview.matched as u64, "contact", "contacts"));
    row("recipients", preview.recipients.to_string());
    for (at, (reason, n)) in preview.left_out.iter().enumerate() {
        row(if at == 0 { "left out" } else { "" }, format!("{n}: {}", explain(reason)));
    }
    if preview.recipients > 0 {
        row("languages", tallied(&preview.languages));
        row("cadres", tallied(&preview.cadres));
        row("places", tallied(&preview.places));
        let longest = format!("at most {} to one recipient", preview.longest);
        let segments = |n: usize| count(n as u64, "segment", "segments");
        row("first message", format!("{}, {longest}{}", segments(preview.segments), price(preview.cost.as_ref())));
        row(
            "conversation",
            format!(
                "about {}{}: an estimate, if everybody answers every question of the longest way once",
                segments(preview.conversation_segments),
                price(preview.conversation_cost.as_ref())
            ),
        );
        if preview.cost.is_none() {
            row("cost", "not known: set the tariff of the channel to see it".into());
        }
    }
    write_table(&rows, to)
}

fn price(cost: Option<&(Decimal, String)>) -> String {
    cost.map_or_else(String::new, |(cost, currency)| format!(", {cost:.2} {currency}"))
}

/// A campaign that has begun.
#[derive(Serialize, Deserialize)]
struct Started {
    id: StartId,
    preview: Preview,
    /// No server runs.
    #[serde(skip)]
    alone: bool,
}

impl Report for Started {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        write_preview(&self.preview, to)?;
        writeln!(to, "\nStarted as {}. Follow it with: mhero campaign status", self.id)?;
        if self.alone {
            writeln!(to, "No server is running: messages go out once `mhero serve` does.")?;
        }
        Ok(())
    }
}

/// A campaign in a list.
#[derive(Serialize, Deserialize)]
struct Campaign {
    id: StartId,
    name: String,
    state: String,
    query: String,
    started_on: Millis,
}

/// All campaigns.
#[derive(Serialize)]
#[serde(transparent)]
struct Campaigns {
    campaigns: Vec<Campaign>,
    #[serde(skip)]
    zone: TimeZone,
}

impl Report for Campaigns {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.campaigns.is_empty() {
            return writeln!(to, "no campaigns; start one with: mhero campaign start FLOW --to QUERY");
        }
        let mut rows = table(["STARTED", "STATE", "NAME", "AUDIENCE", "ID"]);
        for at in [0, 1, 4] {
            if let Some(column) = rows.column_mut(at) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for campaign in &self.campaigns {
            let (started, id) = (moment(campaign.started_on, &self.zone), campaign.id.to_string());
            rows.add_row([started.as_str(), &campaign.state, &campaign.name, &campaign.query, &id]);
        }
        write_table(&rows, to)
    }
}

/// How far a campaign is.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Status {
    pub(crate) report: Progress,
    #[serde(skip)]
    pub(crate) zone: TimeZone,
}

impl Report for Status {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let report = &self.report;
        let state = match report.state.as_str() {
            "fanning out" => "running; recipients are still being taken up",
            "done" => "done: everybody has finished",
            other => other,
        };
        writeln!(to, "{}: {state}", report.name)?;
        writeln!(to, "audience  {}", report.query)?;
        writeln!(to, "started   {} as {}\n", moment(report.started_on, &self.zone), report.id)?;
        if report.all.recipients == 0 {
            return writeln!(to, "Nobody has been taken up yet: a running server does so (mhero serve).");
        }
        self.figures(to)?;
        if !report.reasons.is_empty() {
            writeln!(to, "\nNot reached:")?;
            for (reason, n) in &report.reasons {
                writeln!(to, "  {n}: {}", explain(reason))?;
            }
        }
        if report.questions.is_empty() {
            return writeln!(to, "\nNo answers yet.");
        }
        writeln!(to, "\nAnswers:")?;
        for question in &report.questions {
            let all: i64 = question.answers.iter().map(|(_, n)| n).sum();
            let shown = question.answers.iter().take(ANSWERS);
            let parts: Vec<String> = shown.map(|(answer, n)| format!("{answer} {n} ({} %)", share(*n, all))).collect();
            let more = question.answers.len().saturating_sub(ANSWERS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            writeln!(to, "  {}: {}{more}", question.name, parts.join(", "))?;
        }
        Ok(())
    }
}

impl Status {
    /// The table by cadre and by place. A column of things that may go wrong is there when something did.
    fn figures(&self, to: &mut dyn Write) -> io::Result<()> {
        type Figure = (&'static str, bool, fn(&Tally) -> i64);
        let figures: [Figure; 9] = [
            ("RECIPIENTS", true, |tally| tally.recipients),
            ("QUEUED", false, |tally| tally.waiting + tally.queued),
            ("SENT", true, |tally| tally.sent),
            ("DELIVERED", true, |tally| tally.delivered),
            ("FAILED", false, |tally| tally.failed),
            ("UNKNOWN", false, |tally| tally.unknown),
            ("REFUSED", false, |tally| tally.refused),
            ("RESPONDED", true, |tally| tally.responded),
            ("COMPLETED", true, |tally| tally.completed),
        ];
        let report = &self.report;
        let shown: Vec<&Figure> =
            figures.iter().filter(|(_, always, figure)| *always || figure(&report.all) > 0).collect();
        let mut rows = table([""]);
        rows.set_header(std::iter::once("").chain(shown.iter().map(|(name, ..)| *name)));
        for column in rows.column_iter_mut().skip(1) {
            column.set_padding((0, 2));
            column.set_cell_alignment(CellAlignment::Right);
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        let line = |name: &str, tally: &Tally| -> Vec<String> {
            std::iter::once(name.to_owned())
                .chain(shown.iter().map(|(_, _, figure)| figure(tally).to_string()))
                .collect()
        };
        let blank = || vec![String::new(); shown.len() + 1];
        for (name, tally) in &report.by_cadre {
            rows.add_row(line(name, tally));
        }
        rows.add_row(blank());
        for (name, tally) in &report.by_place {
            rows.add_row(line(name, tally));
        }
        rows.add_row(blank());
        rows.add_row(line("all", &report.all));
        let of = |n: i64| format!("{} %", share(n, report.all.recipients));
        let mut shares = vec!["of the recipients".to_owned()];
        shares.extend(shown.iter().map(|(_, _, figure)| of(figure(&report.all))));
        rows.add_row(shares);
        write_table(&rows, to)
    }
}

/// `n` of `all` in per cent, rounded.
fn share(n: i64, all: i64) -> i64 {
    (n * 100 + all / 2) / all.max(1)
}
