//! `mhero bench loop`: phones that text as fast as they are answered, over a real SMPP connection, against a store that
//! commits every step durably. A step counts when the phone has its answer. The operator runs in the same process, so
//! the CPU time of a step includes the operator's and the phones' own.

use crate::cmd::{Ctx, block_on};
use crate::config;
use crate::output::Report;
use crate::runtime;
use anyhow::{Context as _, ensure};
use gateway::operator_sim::Operator;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How many questions a conversation has before it begins anew.
const QUESTIONS: usize = 15;

/// Arguments of `mhero bench loop`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many phones text at the same time
    #[arg(long, default_value_t = 2_000)]
    phones: u64,

    /// How long to measure, in seconds
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,

    /// How long to run before measuring, in seconds
    #[arg(long, default_value_t = 3.0)]
    warm_up: f64,

    /// The window of the bind
    #[arg(long, default_value_t = 500)]
    window: usize,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Measured {
    steps_per_second: f64,
    /// CPU time of the whole process, operator included, for one step.
    unit_cost_us: f64,
    store: &'static str,
    steps: u64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Report for Measured {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        writeln!(to, "{:.0} steps/s on {} ({} steps)", self.steps_per_second, self.store, self.steps)?;
        writeln!(to, "{:.0} µs of CPU a step, operator included", self.unit_cost_us)?;
        writeln!(to, "answered in {:.1} ms (median), {:.1} ms (99 %)", self.p50_ms, self.p99_ms)
    }
}

/// Runs the benchmark.
pub(crate) fn run(ctx: &Ctx, args: &Args) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("mhero-bench-").tempdir_in(std::env::current_dir()?)?;
    let measured = block_on(async {
        let operator = format!(
            "seed = 1\nlisten = \"127.0.0.1:0\"\n[smsc]\nwindow = {window}\n[receipts]\nsend = \"never\"\n\
             [phones]\ndelay = \"0ms\"\nother_answers = [\"1\", \"2\", \"yes\", \"no\"]\n\
             [[phones.rules]]\nmatch = \"begin again\"\nanswers = [\"load\"]\n\
             [load]\nphones = {phones}\nkeywords = [\"load\"]\nto = \"4321\"\nstart = \"500ms\"\n",
            window = args.window,
            phones = args.phones
        );
        let operator = Operator::start(operator.parse()?).await?;
        let text = format!(
            "region = \"LR\"\n[[channels]]\nname = \"operator\"\nkind = \"smpp\"\nhost = \"127.0.0.1\"\nport = {}\n\
             system_id = \"bench\"\npassword = \"bench\"\nsource_address = \"4321\"\nwindow = {}\ninbound_window = {}\n\
             registered_delivery = 0\n",
            operator.addr().port(),
            args.window,
            args.window
        );
        std::fs::write(folder.path().join(config::FILE), &text)?;
        let mut configured = config::load(folder.path(), &BTreeMap::new())?;
        if let Some(store) = ctx.global.store {
            configured.store = store;
        }
        configured.postgres.url = ctx.global.postgres.clone().map(base::Secret::new);
        let store = runtime::open_store(&configured, folder.path()).await?;
        let kind = match store {
            store::Store::Sqlite(_) => "sqlite",
            store::Store::Postgres(_) => "postgres",
        };
        let app = runtime::app(store, runtime::settings(&configured)?)?;
        app.import_flows(&flow().to_string()).await?;
        let channels = runtime::channels(&app, &configured).await?;
        let service = app.run(channels).await?;
        tokio::time::sleep(Duration::from_secs_f64(args.warm_up)).await;
        operator.restart_load_measure();
        let (began, cpu) = (Instant::now(), cpu_time());
        tokio::time::sleep(Duration::from_secs_f64(args.seconds)).await;
        let load = operator.report().load.context("the operator has no load")?;
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu_time() - cpu);
        service.stop().await;
        ensure!(load.steps > 0, "no phone was answered: look at the log with -v");
        Ok(Measured {
            steps_per_second: load.steps as f64 / seconds,
            unit_cost_us: cpu * 1e6 / load.steps as f64,
            store: kind,
            steps: load.steps,
            p50_ms: load.latency_ms.p50,
            p99_ms: load.latency_ms.p99,
        })
    })?;
    ctx.out.print_line(&measured)?;
    Ok(ExitCode::SUCCESS)
}

/// Seconds of CPU that this process has used.
fn cpu_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A conversation of fifteen questions that a keyword begins and whose last answer begins it again.
fn flow() -> Value {
    let id = |kind: u32, number: usize| format!("00000000-0000-4000-8000-{kind:04x}{number:08x}");
    let nodes: Vec<Value> = (0..=QUESTIONS)
        .map(|number| {
            let last = number == QUESTIONS;
            let text = if last {
                "Thank you for all your answers. Please begin again.".to_owned()
            } else {
                format!("Question {} of {QUESTIONS}: is the answer 1, 2, yes or no today?", number + 1)
            };
            let mut node = json!({
                "uuid": id(1, number),
                "actions": [{ "type": "send_msg", "uuid": id(2, number), "text": text }],
                "exits": [{ "uuid": id(3, number) }],
            });
            if !last {
                node["exits"][0]["destination_uuid"] = json!(id(1, number + 1));
                node["router"] = json!({
                    "type": "switch", "operand": "@input.text", "result_name": format!("question {}", number + 1),
                    "wait": { "type": "msg" }, "default_category_uuid": id(4, number), "cases": [],
                    "categories": [{ "uuid": id(4, number), "name": "All Responses", "exit_uuid": id(3, number) }],
                });
            }
            node
        })
        .collect();
    json!({
        "version": "13", "site": "https://mhero.example.org", "campaigns": [], "fields": [], "groups": [],
        "flows": [{
            "uuid": id(9, 0), "name": "Load", "spec_version": "13.1.0", "language": "eng", "type": "messaging",
            "nodes": nodes,
        }],
        "triggers": [{ "trigger_type": "K", "keyword": "load", "flow": { "uuid": id(9, 0), "name": "Load" } }],
    })
}
