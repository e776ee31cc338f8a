//! `mhero demo`: the main job, end to end. A simulated operator with phones behind it, a real SMPP connection, a real
//! store, real flows: nothing in the product knows that it is a demonstration.

pub(crate) mod scenario;

use super::serve::told_to_end;
use super::{Ctx, block_on, campaign};
use crate::config::{self, Config};
use crate::output::{Hint as _, Report};
use crate::{local, logs, runtime};
use anyhow::{Context as _, bail};
use app::App;
use app::campaign::Report as Progress;
use app::import::File;
use gateway::operator_sim::{Handle, Operator};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The seed of the demonstration, unless another is given: the year of the pilot.
const SEED: u64 = 2014;
/// How long nothing must happen until the run counts as over.
const IDLE: Duration = Duration::from_millis(1_500);
/// How long the run may take.
const PATIENCE: Duration = Duration::from_secs(110);

/// Arguments of `mhero demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End when the run is over, instead of staying up to be explored
    #[arg(long)]
    once: bool,

    /// The seed: the same seed gives the same figures
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

/// The figures of a run.
#[derive(Debug, Serialize)]
struct Figures {
    imported: usize,
    sent: i64,
    reached: u64,
    responded: i64,
    completed: i64,
    lost: u64,
    doubled: u64,
    out_of_order: u64,
    after_stop: u64,
    seconds: f64,
}

impl Report for Figures {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let share = |part: f64, whole: f64| if whole > 0.0 { (100.0 * part / whole).round() } else { 0.0 };
        writeln!(to, "imported   {} health workers", self.imported)?;
        writeln!(to, "sent       {} first messages", self.sent)?;
        writeln!(to, "reached    {} phones", self.reached)?;
        let (responded, completed) = (self.responded as f64, self.completed as f64);
        writeln!(to, "responded  {} ({} % of those reached)", self.responded, share(responded, self.reached as f64))?;
        writeln!(to, "completed  {} ({} % of those who responded)", self.completed, share(completed, responded))?;
        writeln!(
            to,
            "judged by the phones: {} lost, {} doubled, {} out of order, {} after STOP; {:.1} seconds",
            self.lost, self.doubled, self.out_of_order, self.after_stop, self.seconds
        )
    }
}

/// Runs the demonstration.
pub(crate) fn run(ctx: &Ctx, args: Args) -> anyhow::Result<ExitCode> {
    logs::init_for_command(ctx.global.verbose);
    let folder = tempfile::Builder::new().prefix("mhero-demo-").tempdir().context("no place for the demonstration")?;
    let result = block_on(demonstrate(ctx, &args, folder.path()));
    // The data of a demonstration is worth nothing after it.
    drop(folder);
    result
}

async fn demonstrate(ctx: &Ctx, args: &Args, data: &Path) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let say = |text: &str| {
        if !ctx.out.is_json() {
            eprintln!("{text}");
        }
    };
    let mut operator: gateway::operator_sim::Config = scenario::OPERATOR.parse()?;
    operator.seed = args.seed;
    operator.listen.set_port(0);
    let operator = Operator::start(operator).await?;
    say(&format!("A simulated mobile operator listens on {}: SMPP 3.4, 482 phones behind it.", operator.addr()));

    let config = configure(data, &operator)?;
    let _lock = runtime::DataLock::take(data)?.context("the demonstration's folder is in use")?;
    let store = runtime::open_store(&config, data).await?;
    let app = runtime::app(store, runtime::settings(&config)?)?;
    let bundle = serde_json::to_vec(&scenario::bundle(args.seed))?;
    let bundle = File {
        name: "liberia-2014.json".into(),
        length: bundle.len() as u64,
        content: Box::new(std::io::Cursor::new(bundle)),
    };
    let spool = Box::new(Vec::new());
    let report = app.import_workers("ihris", vec![bundle], None, spool, Arc::new(|_, _, _| {})).await?;
    let imported = report.changes.new;
    say(&format!(
        "Imported {imported} health workers, {} facilities, {} places from a FHIR bundle; {} findings are on the work list.",
        report.summary.facilities, report.summary.jurisdictions, report.changes.problems
    ));
    let flows = app.import_flows(scenario::FLOW).await?;
    for flow in &flows.flows {
        say(&format!("Imported the flow \"{}\".", flow.name));
    }
    let channels = runtime::channels(&app, &config).await?;
    let service = app.run(channels).await?;
    let commands = tokio::spawn(local::serve(Arc::clone(&app), data.to_owned(), config.backup.folder.clone()));
    let (start, preview) = app.start_campaign(scenario::FLOW_NAME, "worker.status = active").await?;
    say(&format!(
        "Started \"{}\" with {} people, {} segments for the first message.\n",
        preview.flow, preview.recipients, preview.segments
    ));
    follow(ctx, &app, &operator, &start.to_string()).await?;
    let progress = app.campaign_report(Some(&start.to_string())).await?;
    let verdict = operator.report();
    let figures = Figures {
        imported,
        sent: progress.all.sent + progress.all.failed,
        reached: verdict.counts.reached,
        responded: progress.all.responded,
        completed: progress.all.completed,
        lost: verdict.verdict.lost.count,
        doubled: verdict.verdict.doubled.count,
        out_of_order: verdict.verdict.out_of_order.count,
        after_stop: verdict.verdict.after_stop.count,
        seconds: began.elapsed().as_secs_f64(),
    };
    if !ctx.out.is_json() {
        ctx.out.print(&campaign::Status { report: progress, zone: app.settings.timezone.clone() })?;
        println!();
    }
    ctx.out.print_line(&figures)?;
    if !args.once {
        let program = std::env::args().next().unwrap_or_else(|| "mhero".into());
        say(&format!(
            "\nThe server stays up until Ctrl-C. In another terminal:\n\
             \x20 export MHERO_DATA={}\n\
             \x20 {program} campaign status\n\
             \x20 {program} audience count 'cadre ~ nurse AND within = Bong'\n\
             \x20 {program} registry list 'skill ~ obstetric'\n\
             \x20 {program} registry problems",
            data.display()
        ));
        told_to_end().await?;
    }
    service.stop().await;
    commands.await??;
    Ok(ExitCode::SUCCESS)
}

/// The configuration of the demonstration: Liberia, one channel to the operator.
fn configure(data: &Path, operator: &Handle) -> anyhow::Result<Config> {
    let text = format!(
        "region = \"LR\"\n\
         [ministry]\nlanguages = [\"eng\", \"fra\"]\ntimezone = \"Africa/Monrovia\"\n\
         [[channels]]\nname = \"operator\"\nkind = \"smpp\"\nhost = \"{}\"\nport = {}\nsystem_id = \"mhero\"\n\
         password = \"demo\"\nsource_address = \"4321\"\nwindow = 50\n",
        operator.addr().ip(),
        operator.addr().port()
    );
    std::fs::write(data.join(config::FILE), &text)?;
    // The environment of whoever runs the demonstration is not its configuration.
    config::load(data, &BTreeMap::new()).hint("this is a fault of the demonstration itself")
}

/// Shows how far the campaign is until nothing happens any more.
async fn follow(ctx: &Ctx, app: &App, operator: &Handle, start: &str) -> anyhow::Result<()> {
    let target = if io::stderr().is_terminal() && !ctx.out.is_json() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(1), target);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} answered to the end or silent\n{msg}")?);
    let began = Instant::now();
    let mut quiet_since: Option<Instant> = None;
    let mut before: Option<(Progress, u64)> = None;
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let progress = app.campaign_report(Some(start)).await?;
        let report = operator.report();
        let all = &progress.all;
        bar.set_length(all.recipients.unsigned_abs());
        bar.set_position((all.completed + all.failed).unsigned_abs());
        bar.set_message(format!(
            "{} sent, {} delivered, {} failed, {} responded, {} completed; {} messages, {} answers",
            all.sent,
            all.delivered,
            all.failed,
            all.responded,
            all.completed,
            report.counts.received,
            report.counts.answers
        ));
        let now = (progress, report.counts.received + report.counts.answers + report.counts.receipts_acknowledged);
        let still = report.settled && now.0.state != "fanning out" && before.as_ref() == Some(&now);
        before = Some(now);
        match (still, quiet_since) {
            (false, _) => quiet_since = None,
            (true, None) => quiet_since = Some(Instant::now()),
            (true, Some(since)) if since.elapsed() >= IDLE => break,
            (true, Some(_)) => {}
        }
        if began.elapsed() > PATIENCE {
            bar.finish_and_clear();
            bail!("the run did not come to an end in {} seconds", PATIENCE.as_secs());
        }
    }
    bar.finish_and_clear();
    Ok(())
}
