//! `chaos`: processes are killed at random moments while a country's workers are asked questions; what the phones saw
//! is then compared with what the store says.
//!
//! The simulated operator and its phones are a process of their own that is never killed. Every message of the flow
//! carries a token with its step, by which the phones judge what is lost, doubled or out of order, and what came after
//! STOP. Kills, pauses and answers are drawn from the seed; the moments at which they strike are the machine's.

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::demo;
use crate::postgres::Server;
use crate::project::{self, Project};

/// How many questions a conversation has.
const STEPS: usize = 12;
/// The window of each bind: what may be on its way when a process is killed.
const WINDOW: u64 = 10;
/// The mean time between two kills.
const BETWEEN: Duration = Duration::from_millis(1_500);
/// How long nothing must happen until the run counts as settled: longer than an unknown message waits.
const IDLE: &str = "12s";
/// How long a process may take to be ready.
const READY: Duration = Duration::from_mins(1);

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
    /// Switch deduplication off: such a run must find doubled messages, or the judge is blind
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

/// What a run found.
#[derive(Debug, Serialize)]
struct Findings {
    seed: u64,
    store: &'static str,
    kills: u64,
    workers: u64,
    /// Messages that phones got, and answers that they sent.
    messages: u64,
    answers: u64,
    lost: u64,
    /// Beside those that were sent again by policy.
    doubled: u64,
    out_of_order: u64,
    after_stop: u64,
    /// Messages of which nobody knew whether the operator had them.
    unknown: u64,
    /// Of these, sent again by policy.
    resent: u64,
    /// Of these, not settled at the end.
    unsettled: u64,
    seconds: f64,
}

/// A process that is ended when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// One server with its data directory.
struct Node {
    data: PathBuf,
    http: u16,
    running: Option<Process>,
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
    let faults = findings.lost + findings.doubled + findings.out_of_order + findings.after_stop;
    if args.control {
        ensure!(faults > 0, "the control run found nothing: without deduplication it must find doubled messages");
        return Ok(());
    }
    ensure!(faults == 0, "the phones saw faults; seed {}", findings.seed);
    ensure!(findings.unsettled == 0, "{} messages are not settled; seed {}", findings.unsettled, findings.seed);
    let most = WINDOW * findings.kills;
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
    let (operator_port, control_port) = (free_port()?, free_port()?);
    let operator = start_operator(args, binary, &folder, seed, operator_port, control_port)?;
    let url = server.map(|server| database(&server.url)).transpose()?;
    let count = if args.store == Kind::Postgres { 3 } else { 1 };
    let mut nodes = Vec::new();
    for number in 0..count {
        let node = Node { data: folder.join(format!("node-{number}")), http: free_port()?, running: None };
        fs::create_dir_all(&node.data)?;
        fs::write(node.data.join("mhero.toml"), configuration(args.store, node.http, operator_port))?;
        nodes.push(node);
    }
    let mhero = |node: &Node| {
        let mut command = Command::new(binary);
        command.arg("--data").arg(&node.data);
        if let Some(url) = &url {
            command.env("MHERO_POSTGRES_URL", url);
        }
        command
    };
    let csv = folder.join("workers.csv");
    fs::write(&csv, workers(args.workers))?;
    let flow = folder.join("flow.json");
    fs::write(&flow, questions().to_string())?;
    done(mhero(&nodes[0]).args(["registry", "import", "--source", "chaos"]).arg(&csv))?;
    done(mhero(&nodes[0]).args(["flow", "import"]).arg(&flow))?;
    for node in &mut nodes {
        start(&mhero, node, args.control)?;
    }
    for node in &nodes {
        wait_ready(node)?;
    }
    done(mhero(&nodes[0]).args(["campaign", "start", "Chaos", "--to", "worker.status = active"]))?;

    let mut draw = Draw(seed);
    for kill in 0..args.kills {
        let wait = BETWEEN.as_millis() as u64;
        std::thread::sleep(Duration::from_millis(wait / 2 + draw.below(wait)));
        let victim = draw.below(nodes.len() as u64) as usize;
        // Now and then the connection goes before the process does.
        if draw.below(5) == 0 {
            ask(control_port, &json!({ "drop": true }))?;
        }
        nodes[victim].running = None;
        eprint!("\rkilled {} of {}  ", kill + 1, args.kills);
        std::thread::sleep(Duration::from_millis(draw.below(600)));
        start(&mhero, &mut nodes[victim], args.control)?;
    }
    eprintln!();
    for node in &nodes {
        wait_ready(node)?;
    }
    let settled = ask(control_port, &json!({ "settled": { "idle": IDLE, "timeout": "240s" } }))?;
    ensure!(settled["settled"] == true, "the run did not settle: {settled}; seed {seed}, logs in {}", folder.display());
    let report = ask(control_port, &json!({ "report": true }))?;
    for node in &mut nodes {
        stop(node)?;
    }
    let audit = json_of(mhero(&nodes[0]).args(["audit", "--json"]))?;
    drop(operator);
    fs::write(folder.join("report.json"), serde_json::to_string_pretty(&report)?)?;
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let resent = number(&audit["resent"]);
    let findings = Findings {
        seed,
        store: if args.store == Kind::Postgres { "postgres" } else { "sqlite" },
        kills: args.kills,
        workers: args.workers,
        messages: number(&report["received"]),
        answers: number(&report["answers"]),
        lost: number(&report["lost"]["count"]),
        doubled: number(&report["doubled"]["count"]).saturating_sub(resent),
        out_of_order: number(&report["out_of_order"]["count"]),
        after_stop: number(&report["after_stop"]["count"]),
        unknown: number(&audit["unknown"]),
        resent,
        unsettled: number(&audit["unsettled"]),
        seconds: began.elapsed().as_secs_f64(),
    };
    let faults = findings.lost + findings.doubled + findings.out_of_order + findings.after_stop + findings.unsettled;
    if faults == 0 {
        fs::remove_dir_all(&folder)?;
    } else {
        eprintln!("what the phones saw, the stores and the logs are in {}", folder.display());
    }
    Ok(findings)
}

fn start_operator(args: &Args, binary: &Path, folder: &Path, seed: u64, port: u16, control: u16) -> Result<Process> {
    let last = 990_600_000 + args.workers;
    // Every phone answers all the time, so that there is always something to lose.
    let think = args.kills.max(4) * 2 * BETWEEN.as_millis() as u64 / STEPS as u64;
    let config = format!(
        "seed = {seed}\nlisten = \"127.0.0.1:{port}\"\n\
         [smsc]\nwindow = 20\nresponse_timeout = \"3s\"\nretry_delay = \"200ms\"\nresponse_delay = \"0ms..20ms\"\n\
         [faults]\nduplicate = 0.02\n\
         [phones]\nnumbers = [\"+231990600001..+231{last}\"]\ncomplete = 0.9\nstop = 0.5\ndelay = \"200ms..{think}ms\"\n"
    );
    let path = folder.join("operator.toml");
    fs::write(&path, config)?;
    let child = Command::new(binary)
        .args(["operator-sim", "--json", "--config"])
        .arg(&path)
        .args(["--control", &control.to_string()])
        .stdin(Stdio::null())
        .stdout(fs::File::create(folder.join("operator.out"))?)
        .stderr(fs::File::create(folder.join("operator.log"))?)
        .spawn()
        .context("cannot start the operator")?;
    let operator = Process(child);
    let began = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, control)).is_err() {
        ensure!(began.elapsed() < READY, "the operator does not start: see {}", folder.join("operator.log").display());
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(operator)
}

fn configuration(store: Kind, http: u16, operator: u16) -> String {
    let store = if store == Kind::Postgres { "postgres" } else { "sqlite" };
    format!(
        "region = \"LR\"\nstore = \"{store}\"\n[http]\nlisten = \"127.0.0.1:{http}\"\n\
         [[channels]]\nname = \"operator\"\nkind = \"smpp\"\nhost = \"127.0.0.1\"\nport = {operator}\n\
         system_id = \"chaos\"\npassword = \"chaos\"\nsource_address = \"4321\"\nwindow = {WINDOW}\n\
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

fn start(mhero: &impl Fn(&Node) -> Command, node: &mut Node, control: bool) -> Result<()> {
    let log = fs::OpenOptions::new().create(true).append(true).open(node.data.join("serve.log"))?;
    let mut command = mhero(node);
    command.arg("serve").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    if control {
        command.arg("--without-dedupe");
    }
    node.running = Some(Process(command.spawn().context("cannot start mhero serve")?));
    Ok(())
}

fn wait_ready(node: &Node) -> Result<()> {
    let began = Instant::now();
    loop {
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, node.http)) {
            stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
            let mut line = String::new();
            if BufReader::new(stream).read_line(&mut line).is_ok() && line.contains(" 200 ") {
                return Ok(());
            }
        }
        let log = node.data.join("serve.log");
        ensure!(began.elapsed() < READY, "mhero serve is not ready: see {}", log.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ends a server as an operator of machines would, and waits for it.
fn stop(node: &mut Node) -> Result<()> {
    let Some(mut process) = node.running.take() else { return Ok(()) };
    project::run(Command::new("kill").args(["-TERM", &process.0.id().to_string()]))?;
    let began = Instant::now();
    while process.0.try_wait()?.is_none() {
        ensure!(began.elapsed() < READY, "mhero serve does not end: see {}", node.data.join("serve.log").display());
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Asks the operator one thing.
fn ask(port: u16, request: &Value) -> Result<Value> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("the operator is gone")?;
    writeln!(stream, "{request}")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn done(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {}", project::show(command)))?;
    if !output.status.success() {
        bail!("{}: {}", project::show(command), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn json_of(command: &mut Command) -> Result<Value> {
    let output = command.output().with_context(|| format!("cannot run {}", project::show(command)))?;
    ensure!(output.status.success(), "{}: {}", project::show(command), String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn workers(count: u64) -> String {
    let mut csv = "id,name,phone,cadre\n".to_owned();
    for number in 1..=count {
        let _ = writeln!(csv, "W{number},Worker {number},+231{},Nurse", 990_600_000 + number);
    }
    csv
}

/// A flow whose every message carries a token.
fn questions() -> Value {
    let id = |kind: u32, number: usize| format!("00000000-0000-4000-9000-{kind:04x}{number:08x}");
    let nodes: Vec<Value> = (1..=STEPS + 1)
        .map(|number| {
            let last = number > STEPS;
            let text = if last {
                format!("Thank you. [kchaos s{number} end]")
            } else {
                format!("Question {number}: how many beds does the ward have? [kchaos s{number}]")
            };
            let mut node = json!({
                "uuid": id(1, number),
                "actions": [{ "type": "send_msg", "uuid": id(2, number), "text": text }],
                "exits": [{ "uuid": id(3, number) }],
            });
            if !last {
                node["exits"][0]["destination_uuid"] = json!(id(1, number + 1));
                node["router"] = json!({
                    "type": "switch", "operand": "@input.text", "result_name": format!("question {number}"),
                    "wait": { "type": "msg" }, "default_category_uuid": id(4, number), "cases": [],
                    "categories": [{ "uuid": id(4, number), "name": "All Responses", "exit_uuid": id(3, number) }],
                });
            }
            node
        })
        .collect();
    json!({
        "version": "13", "site": "https://mhero.example.org", "campaigns": [], "fields": [], "groups": [], "triggers": [],
        "flows": [{
            "uuid": id(9, 1), "name": "Chaos", "spec_version": "13.1.0", "language": "eng", "type": "messaging",
            "nodes": nodes,
        }],
    })
}
