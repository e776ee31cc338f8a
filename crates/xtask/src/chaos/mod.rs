//! `chaos`: processes are killed and stalled, connections dropped, while a country's workers are asked questions; what
//! the phones saw is then compared with what the store says.
//!
//! The simulated operator and its phones are a process of their own that is never killed. Every message of the flow
//! carries a token with its step, by which the phones judge what is lost, doubled or out of order, and what came after
//! STOP; afterwards every text of every phone is matched with the store's own message ([`compare`]). Half the kills are
//! aimed: they strike while a submit or a phone's message is on its way. A stalled process is stopped for longer than
//! it may be silent, loses its parts to another one, and wakes with what it had in hand. Strikes are drawn from the
//! seed; the moments at which they hit are the machine's.

mod compare;
mod content;
mod nodes;

use anyhow::{Context as _, Result, ensure};
use clap::{Args as ClapArgs, ValueEnum};
use compare::{Disagreements, Message, Phone};
use content::STEPS;
use nodes::{Node, Operator, done, free_port, json_of};
use serde::Serialize;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::demo;
use crate::postgres::Server;
use crate::project::{self, Project};

/// The window of each bind: what may be on its way when a process is killed.
const WINDOW: u64 = 10;
/// The mean time between two kills.
const BETWEEN: Duration = Duration::from_millis(1_500);
/// One stall in so many kills.
const STALL_EVERY: u64 = 6;
/// How long a process is stalled: longer than it may be silent (5 s) before its parts are taken over, and than an
/// unknown message waits.
const STALL: Duration = Duration::from_secs(8);
/// The database's connections are cut once in so many kills.
const CUT_EVERY: u64 = 8;
/// How long the operator must be quiet when the store says that nothing waits.
const QUIET: &str = "2s";
/// How long nothing must happen when the store says that something waits: longer than that can take.
const IDLE: &str = "15s";
/// How long a run may take to settle.
const SETTLES: Duration = Duration::from_mins(10);

/// Options of `chaos`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// How many processes are killed
    #[arg(long, default_value_t = 50)]
    kills: u64,
    /// How many workers are asked
    #[arg(long, default_value_t = 2_000)]
    workers: u64,
    /// The store; on PostgreSQL three processes share it
    #[arg(long, value_enum, default_value_t = Kind::Sqlite)]
    store: Kind,
    /// The seed; a new one each time if not given
    #[arg(long)]
    seed: Option<u64>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Switch deduplication and fence off: such a run must find faults, or the judge is blind
    #[arg(long)]
    control: bool,
    /// Use the everyday build, not the optimised one
    #[arg(long)]
    debug: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// How many processes share the store.
    fn processes(self) -> usize {
        if self == Self::Postgres { 3 } else { 1 }
    }
}

/// What was done to the processes.
#[derive(Debug, Default, Serialize)]
struct Strikes {
    kills: u64,
    /// Of the kills, those that struck while a message of that process was on its way.
    aimed: u64,
    /// Processes that were stopped for longer than they may be silent.
    stalls: u64,
    /// How often the operator closed all connections.
    drops: u64,
    /// How often the database's connections were cut.
    cuts: u64,
}

impl Strikes {
    /// How often a bind was lost, or its process too slow to hear the answers: each time a window may become unknown.
    fn binds_lost(&self, nodes: u64) -> u64 {
        self.kills + self.stalls + self.drops * nodes
    }
}

/// What a run found.
#[derive(Debug, Serialize)]
struct Findings {
    seed: u64,
    store: &'static str,
    #[serde(flatten)]
    strikes: Strikes,
    workers: u64,
    /// Messages that phones got, and answers that they sent.
    messages: u64,
    answers: u64,
    /// Phones that saw the end of the flow, and that said STOP.
    completed: u64,
    stopped: u64,
    /// Acknowledged answers without a successor or a record, STOPs without a confirmation, messages that the store
    /// calls sent and that no phone saw, workers who were never asked.
    lost: u64,
    /// Beside second copies of messages that were sent again by policy, each matched with that very message.
    doubled: u64,
    out_of_order: u64,
    after_stop: u64,
    /// Messages of which nobody knew whether the operator had them.
    unknown: u64,
    /// Second copies that phones got of messages that were sent again by policy.
    resent: u64,
    /// Messages that became unknown again after they were sent again: by policy they are not sent a third time but held
    /// on the work list, where a person decides.
    held: u64,
    /// What waits at the end for anything else: messages not settled, tasks not done.
    unsettled: u64,
    seconds: f64,
}

impl Findings {
    fn faults(&self) -> u64 {
        self.lost + self.doubled + self.out_of_order + self.after_stop
    }
}

/// Draws numbers from a seed (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

/// Runs it and fails unless it found nothing (or, as a control, found something).
pub(crate) fn run(project: &Project, args: &Args) -> Result<()> {
    let binary = demo::build(project, !args.debug)?;
    let server = if args.store == Kind::Postgres { Some(Server::start(project)?) } else { None };
    let findings = torment(project, args, &binary, server.as_ref())?;
    if args.json {
        println!("{}", serde_json::to_string(&findings)?);
    } else {
        println!("{findings:#?}");
    }
    if args.control {
        ensure!(findings.faults() > 0, "the control run found nothing: without its safeguards it must find faults");
        return Ok(());
    }
    ensure!(findings.faults() == 0, "the phones saw faults; seed {}", findings.seed);
    ensure!(findings.unsettled == 0, "{} messages are not settled; seed {}", findings.unsettled, findings.seed);
    let most = WINDOW * findings.strikes.binds_lost(args.store.processes() as u64);
    ensure!(findings.unknown <= most, "{} messages became unknown, more than {most}", findings.unknown);
    Ok(())
}

fn torment(project: &Project, args: &Args, binary: &Path, server: Option<&Server>) -> Result<Findings> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let seed = args.seed.unwrap_or_else(|| clock.subsec_nanos().into());
    eprintln!("seed {seed}");
    let began = Instant::now();
    let folder = project.target.join(format!("chaos-{}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let port = free_port()?;
    let operator = Operator::start(binary, &folder, &operator(args, seed, port))?;
    let database = server.map(|server| database(&server.url)).transpose()?;
    let count = args.store.processes();
    let switches: &[&str] = if args.control { &["--without-dedupe", "--without-fence"] } else { &[] };
    let mut nodes = Vec::new();
    for number in 0..count {
        let data = folder.join(format!("node-{number}"));
        let configure = |http| configuration(args.store, number, http, port);
        nodes.push(Node::new(binary, data, database.clone(), switches.to_vec(), configure)?);
    }
    prepare(&folder, &nodes[0], args.workers)?;
    for node in &mut nodes {
        node.start()?;
    }
    for node in &mut nodes {
        node.wait_ready()?;
    }
    done(nodes[0].mhero(["campaign", "start", "Chaos", "--to", "worker.status = active"]))?;
    let strikes = strike(args, seed, &operator, &mut nodes, database.as_deref())?;
    for node in &mut nodes {
        node.wait_ready()?;
    }
    settle(&operator, &nodes[0]).with_context(|| format!("seed {seed}, logs in {}", folder.display()))?;
    for node in &mut nodes {
        node.stop()?;
    }
    let report = operator.ask(&json!({ "report": true }))?;
    let audit = json_of(nodes[0].mhero(["audit", "--json"]))?;
    let disagreements = compared(args.workers, &operator, &nodes[0], &folder)?;
    fs::write(folder.join("report.json"), serde_json::to_string_pretty(&report)?)?;
    let findings = Findings {
        seconds: began.elapsed().as_secs_f64(),
        ..findings(seed, args, strikes, &report, &audit, &disagreements)?
    };
    if findings.faults() + findings.unsettled == 0 {
        fs::remove_dir_all(&folder)?;
    } else {
        for what in [&disagreements.lost, &disagreements.doubled, &disagreements.unsettled, &disagreements.held] {
            what.iter().take(5).for_each(|line| eprintln!("{line}"));
        }
        eprintln!("what the phones saw, the stores and the logs are in {}", folder.display());
    }
    Ok(findings)
}

/// Adds the phones' own judgement to what the comparison found.
fn findings(
    seed: u64,
    args: &Args,
    strikes: Strikes,
    report: &Value,
    audit: &Value,
    disagreements: &Disagreements,
) -> Result<Findings> {
    let number = |value: &Value| value.as_u64().with_context(|| format!("{value} is no number"));
    let count = |what: &str| number(&report[what]["count"]);
    ensure!(number(&report["unjudged"])? == 0, "the phones forgot what they saw");
    let unconfirmed = number(&report["stops_acknowledged"])?.abs_diff(number(&report["stops_confirmed"])?);
    // A conversation whose next message is openly unknown is unsettled, not lost.
    let open = report["lost"]["list"].as_array().context("the report lists nothing")?;
    let open = open.iter().filter(|one| one["phone"].as_str().is_some_and(|phone| disagreements.open.contains(phone)));
    let unfollowed = count("lost")? - open.count() as u64;
    let lost = unfollowed + number(&report["answers_refused"])? + unconfirmed + disagreements.lost.len() as u64;
    let held = disagreements.held.len() as u64;
    ensure!(held <= number(&audit["problems"])?, "{held} messages are held and not on the work list");
    let waiting = number(&audit["inbox"])? + number(&audit["outbox"])?.saturating_sub(held);
    Ok(Findings {
        seed,
        store: if args.store == Kind::Postgres { "postgres" } else { "sqlite" },
        strikes,
        workers: args.workers,
        messages: number(&report["received"])?,
        answers: number(&report["answers"])?,
        completed: number(&report["completed"])?,
        stopped: number(&report["stops_acknowledged"])?,
        lost,
        doubled: number(&report["unasked"])? + disagreements.doubled.len() as u64,
        out_of_order: count("out_of_order")?,
        after_stop: count("after_stop")?,
        unknown: number(&audit["unknown"])?,
        resent: disagreements.resent,
        held,
        unsettled: waiting.max(disagreements.unsettled.len() as u64),
        seconds: 0.0,
    })
}

/// Reads what the phones saw and what the store says, and compares them.
fn compared(workers: u64, operator: &Operator, node: &Node, folder: &Path) -> Result<Disagreements> {
    let asked: Vec<String> = (1..=workers).map(content::phone).collect();
    let history = operator.ask(&json!({ "history": true }))?;
    let messages = json_of(node.mhero(["audit", "--messages", "--json"]))?;
    let status = json_of(node.mhero(["campaign", "status", "--json"]))?;
    for (name, value) in [("history.json", &history), ("messages.json", &messages), ("status.json", &status)] {
        fs::write(folder.join(name), serde_json::to_string_pretty(value)?)?;
    }
    let phones: Vec<Phone> = serde_json::from_value(history)?;
    let messages: Vec<Message> = serde_json::from_value(messages)?;
    let questions = status["questions"].as_array().context("the campaign's status has no questions")?;
    let counted = questions.iter().flat_map(|question| question["answers"].as_array().into_iter().flatten());
    let counted = counted.filter_map(|one| one[1].as_u64());
    Ok(compare::compare(&asked, &phones, &messages, counted.sum()))
}

/// Imports the workers and the flow.
fn prepare(folder: &Path, node: &Node, workers: u64) -> Result<()> {
    let csv = folder.join("workers.csv");
    fs::write(&csv, content::workers(workers))?;
    let flow = folder.join("flow.json");
    fs::write(&flow, content::questions().to_string())?;
    let path = |path: &Path| path.display().to_string();
    done(node.mhero(["registry", "import", "--source", "chaos", &path(&csv)]))?;
    done(node.mhero(["flow", "import", &path(&flow)]))
}

/// Kills, stalls, drops and cuts.
fn strike(args: &Args, seed: u64, operator: &Operator, nodes: &mut [Node], database: Option<&str>) -> Result<Strikes> {
    let mut draw = Draw(seed);
    let mut strikes = Strikes::default();
    let mut stalled: Option<(usize, Instant)> = None;
    let wait = BETWEEN.as_millis() as u64;
    while strikes.kills < args.kills {
        std::thread::sleep(Duration::from_millis(wait / 2 + draw.below(wait)));
        if let Some((node, _)) = stalled.take_if(|(_, until)| *until <= Instant::now()) {
            nodes[node].signal("CONT")?;
        }
        if strikes.kills % STALL_EVERY == 1 && stalled.is_none() && strikes.stalls <= strikes.kills / STALL_EVERY {
            // Best with something in hand.
            let node = aim(operator, &mut draw, nodes.len(), None).0;
            nodes[node].signal("STOP")?;
            strikes.stalls += 1;
            stalled = Some((node, Instant::now() + STALL));
            if nodes.len() == 1 {
                std::thread::sleep(STALL);
                continue;
            }
        }
        // Now and then the connections go before the process does.
        if draw.below(5) == 0 {
            operator.ask(&json!({ "drop": true }))?;
            strikes.drops += 1;
        }
        if let Some(database) = database
            && strikes.kills % CUT_EVERY == CUT_EVERY / 2
        {
            cut(database)?;
            strikes.cuts += 1;
        }
        let (victim, aimed) = aim(operator, &mut draw, nodes.len(), stalled.map(|(node, _)| node));
        nodes[victim].kill();
        strikes.kills += 1;
        strikes.aimed += u64::from(aimed);
        eprint!("\rkilled {} of {}  ", strikes.kills, args.kills);
        std::thread::sleep(Duration::from_millis(draw.below(600)));
        nodes[victim].start()?;
    }
    eprintln!();
    if let Some((node, until)) = stalled {
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        nodes[node].signal("CONT")?;
    }
    // Once more at the end: no death of a process repairs what this leaves behind.
    if let Some(database) = database {
        for node in nodes.iter_mut() {
            node.wait_ready()?;
        }
        cut(database)?;
        strikes.cuts += 1;
    }
    Ok(strikes)
}

/// Chooses a node other than the one that `spare` names: half the time the one at which a message is on its way now,
/// which is said.
fn aim(operator: &Operator, draw: &mut Draw, nodes: usize, spare: Option<usize>) -> (usize, bool) {
    let moment = ["submit", "delivery"].get(draw.below(4) as usize).copied();
    let (drawn, later) = (draw.below(nodes as u64) as usize, draw.below(4_000));
    if let Some(hit) = moment.and_then(|moment| operator.next(moment))
        && let Some(node) = hit.strip_prefix("chaos-").and_then(|number| number.parse::<usize>().ok())
        && node < nodes
        && Some(node) != spare
    {
        std::thread::sleep(Duration::from_micros(later));
        return (node, true);
    }
    let other = if Some(drawn) == spare { (drawn + 1) % nodes } else { drawn };
    (other, false)
}

/// Waits until the operator is quiet and the store says that nothing waits; or until nothing happens any more.
fn settle(operator: &Operator, node: &Node) -> Result<()> {
    let began = Instant::now();
    let settled = |idle: &str, timeout: &str| -> Result<bool> {
        Ok(operator.ask(&json!({ "settled": { "idle": idle, "timeout": timeout } }))?["settled"] == true)
    };
    while began.elapsed() < SETTLES {
        if settled(QUIET, "20s")? {
            let audit = json_of(node.mhero(["audit", "--json"]))?;
            let status = json_of(node.mhero(["campaign", "status", "--json"]))?;
            if audit["inbox"] == 0 && audit["outbox"] == 0 && status["state"] != "fanning out" {
                return Ok(());
            }
            if settled(IDLE, "17s")? {
                return Ok(());
            }
        }
    }
    anyhow::bail!("the run did not settle")
}

/// The configuration of the operator.
fn operator(args: &Args, seed: u64, port: u16) -> String {
    // Every phone answers all the time, so that there is always something to lose.
    let think = args.kills.max(4) * 2 * BETWEEN.as_millis() as u64 / STEPS as u64;
    format!(
        "seed = {seed}\nlisten = \"127.0.0.1:{port}\"\n\
         [smsc]\nwindow = 20\nresponse_timeout = \"3s\"\nretry_delay = \"200ms\"\nresponse_delay = \"0ms..20ms\"\n\
         [faults]\nduplicate = 0.02\n\
         [phones]\nnumbers = [\"{}..{}\"]\ncomplete = 0.9\nstop = 0.5\ndelay = \"200ms..{think}ms\"\n\
         [judge]\nhistory = true\n",
        content::phone(1),
        content::phone(args.workers)
    )
}

fn configuration(store: Kind, number: usize, http: u16, operator: u16) -> String {
    let store = if store == Kind::Postgres { "postgres" } else { "sqlite" };
    format!(
        "region = \"LR\"\nstore = \"{store}\"\n[http]\nlisten = \"127.0.0.1:{http}\"\n\
         [[channels]]\nname = \"operator\"\nkind = \"smpp\"\nhost = \"127.0.0.1\"\nport = {operator}\n\
         system_id = \"chaos-{number}\"\npassword = \"chaos\"\nsource_address = \"4321\"\nwindow = {WINDOW}\n\
         response_timeout = 5\nunknown = {{ resend_after = 6 }}\n"
    )
}

/// A database of its own on the server.
fn database(server: &str) -> Result<String> {
    let name = format!("chaos_{}", std::process::id());
    for statement in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"),
    ] {
        project::run(Command::new("psql").arg(server).args(["-q", "-c", &statement]))?;
    }
    let (base, _) = server.rsplit_once('/').context("the server's URL names no database")?;
    Ok(format!("{base}/{name}"))
}

/// Ends every other connection to the database, whatever it was doing.
fn cut(database: &str) -> Result<()> {
    let all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut command = Command::new("psql");
    command.arg(database).args(["-q", "-A", "-t", "-c", all]);
    done(command)
}
