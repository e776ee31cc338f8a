//! `mhero operator-sim`: a simulated mobile operator.

use anyhow::Context as _;
use gateway::operator_sim::config::Span;
use gateway::operator_sim::{Config, Counts, EXAMPLE, Handle, Operator, Report as SimReport, control};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{Ctx, block_on};
use crate::output::{Hint as _, Report};

/// How often the summary on the terminal changes.
const REFRESH: Duration = Duration::from_millis(500);

/// Arguments of `mhero operator-sim`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The operator's configuration; without it, every number is a phone that answers everything
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Write a commented configuration with all defaults to stdout, and end
    #[arg(long, conflicts_with_all = ["config", "listen", "seed", "control", "seconds", "until_settled"])]
    print_config: bool,

    /// Where to listen, in place of the configured address; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// The seed, in place of the configured one
    #[arg(long)]
    seed: Option<u64>,

    /// Take commands as lines of JSON on this port of the loopback interface; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    control: Option<u16>,

    /// End after this many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<f64>,

    /// End when messages have come and nothing has happened for this long
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "2s")]
    until_settled: Option<Span>,
}

/// Runs the operator until it is told to end, and prints its report.
pub(crate) fn run(ctx: &Ctx, args: Args) -> anyhow::Result<ExitCode> {
    if args.print_config {
        io::stdout().write_all(EXAMPLE.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = configuration(&args)?;
    let report = block_on(operate(config, &args))?;
    ctx.out.print_line(&Printed(report))?;
    Ok(ExitCode::SUCCESS)
}

fn configuration(args: &Args) -> anyhow::Result<Config> {
    let mut config = match &args.config {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            text.parse()
                .with_context(|| format!("{} cannot be used", path.display()))
                .hint("`mhero operator-sim --print-config` writes a file with every key explained")?
        }
        None => Config::default(),
    };
    config.listen = args.listen.unwrap_or(config.listen);
    config.seed = args.seed.unwrap_or(config.seed);
    Ok(config)
}

async fn operate(config: Config, args: &Args) -> anyhow::Result<SimReport> {
    let operator = Arc::new(Operator::start(config).await?);
    eprintln!("operator listens on {}", operator.addr());
    if let Some(port) = args.control {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("cannot listen on port {port} of the loopback interface"))?;
        eprintln!("control listens on {}", listener.local_addr()?);
        tokio::spawn(control::serve(listener, Arc::clone(&operator)));
    }
    let summary = tokio::spawn(show_summary(Arc::clone(&operator)));
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
        () = sleep_for(args.seconds) => {}
        () = settled(&operator, args.until_settled) => {}
    }
    summary.abort();
    Ok(operator.report())
}

async fn sleep_for(seconds: Option<f64>) {
    match seconds.map(Duration::try_from_secs_f64) {
        Some(Ok(time)) => tokio::time::sleep(time).await,
        _ => std::future::pending().await,
    }
}

async fn settled(operator: &Handle, idle: Option<Span>) {
    let Some(idle) = idle else { return std::future::pending().await };
    while !operator.wait_settled(idle.0, Duration::from_secs(3_600)).await {}
}

/// Draws one line of counts on a terminal.
async fn show_summary(operator: Arc<Handle>) {
    if !io::stderr().is_terminal() {
        return;
    }
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        line.set_style(style);
    }
    let (mut last, mut at) = (operator.counts(), Instant::now());
    loop {
        tokio::time::sleep(REFRESH).await;
        let counts = operator.counts();
        let seconds = at.elapsed().as_secs_f64().max(0.001);
        let rate = (counts.submits - last.submits + counts.answers - last.answers) as f64 / seconds;
        line.set_message(format!("{} | {rate:.0} messages/s", summary(&counts)));
        (last, at) = (counts, Instant::now());
    }
}

fn summary(counts: &Counts) -> String {
    format!(
        "{} submitted, {} received by {} phones, {} answers from {}, {} acknowledged",
        counts.submits, counts.received, counts.reached, counts.answers, counts.responded, counts.answers_acknowledged
    )
}

/// The operator's report, printed.
#[derive(Serialize)]
#[serde(transparent)]
struct Printed(SimReport);

impl Report for Printed {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let SimReport { counts, verdict, load, .. } = &self.0;
        writeln!(to, "{}.", summary(counts))?;
        writeln!(
            to,
            "{} throttled, {} refused, {} not answered, {} undeliverable, {} delivered again, {} lost connections.",
            counts.throttled,
            counts.refused,
            counts.unanswered,
            counts.undeliverable,
            counts.redelivered,
            counts.connections_lost
        )?;
        writeln!(
            to,
            "The phones saw: {} lost, {} doubled, {} out of order, {} after STOP; {} reached the end of a flow.",
            verdict.lost.count,
            verdict.doubled.count,
            verdict.out_of_order.count,
            verdict.after_stop.count,
            verdict.completed
        )?;
        if let Some(load) = load {
            let latency = &load.latency_ms;
            writeln!(
                to,
                "Load: {} steps, {:.0} a second; answers after {:.1} ms (median), {:.1} ms (99 of 100), {:.1} ms (longest).",
                load.steps, load.steps_per_second, latency.p50, latency.p99, latency.max
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &[&str]) -> Args {
        Line::try_parse_from(std::iter::once("test").chain(line.iter().copied())).unwrap().args
    }

    #[test]
    fn the_command_line_overrides_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operator.toml");
        std::fs::write(&file, "seed = 5\n[smsc]\nwindow = 7\n").unwrap();
        let file = file.to_str().unwrap();
        let config = configuration(&args(&["--config", file, "--listen", "127.0.0.1:0"])).unwrap();
        assert_eq!((config.seed, config.smsc.window, config.listen.port()), (5, 7, 0));
        assert_eq!(configuration(&args(&["--config", file, "--seed", "9"])).unwrap().seed, 9);
        std::fs::write(file, "[smsc]\nwindow = 0\n").unwrap();
        let error = format!("{:#}", configuration(&args(&["--config", file])).unwrap_err());
        assert!(error.contains("smsc.window: at least 1"), "{error}");
    }

    #[test]
    fn until_settled_has_a_usual_time() {
        assert_eq!(args(&["--until-settled"]).until_settled, Some(Span::seconds(2)));
        assert_eq!(args(&["--until-settled", "500ms"]).until_settled, Some(Span::millis(500)));
        assert_eq!(args(&[]).until_settled, None);
    }

    #[tokio::test]
    async fn it_runs_for_its_time_and_reports() {
        let args = args(&["--listen", "127.0.0.1:0", "--control", "0", "--for", "0.05"]);
        let report = operate(configuration(&args).unwrap(), &args).await.unwrap();
        assert!(report.seconds >= 0.05);
        let mut text = Vec::new();
        Printed(report).text(&mut text).unwrap();
        assert!(String::from_utf8(text).unwrap().contains("0 lost, 0 doubled"));
    }
}
