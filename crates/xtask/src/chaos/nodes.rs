//! The processes of a run: servers that are killed, stalled and started again, and the operator, which is not.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::project;

/// How long a process may take to be ready.
const READY: Duration = Duration::from_mins(1);

/// A process that is ended when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// One server with its data directory.
pub(super) struct Node {
    binary: PathBuf,
    pub(super) data: PathBuf,
    database: Option<String>,
    http: u16,
    /// Hidden switches of `mhero serve`.
    switches: Vec<&'static str>,
    running: Option<Process>,
}

impl Node {
    /// A server that is not started yet. `configure` writes its configuration, given the port of its HTTP server.
    pub(super) fn new(
        binary: &Path,
        data: PathBuf,
        database: Option<String>,
        switches: Vec<&'static str>,
        configure: impl FnOnce(u16) -> String,
    ) -> Result<Self> {
        let http = free_port()?;
        fs::create_dir_all(&data)?;
        fs::write(data.join("mhero.toml"), configure(http))?;
        Ok(Self { binary: binary.to_owned(), data, database, http, switches, running: None })
    }

    /// A command of the program on this server's data.
    pub(super) fn mhero<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--data").arg(&self.data).args(args);
        if let Some(url) = &self.database {
            command.env("MHERO_POSTGRES_URL", url);
        }
        command
    }

    pub(super) fn start(&mut self) -> Result<()> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.data.join("serve.log"))?;
        let mut command = self.mhero(["serve"]);
        command.args(&self.switches).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.running = Some(Process(command.spawn().context("cannot start mhero serve")?));
        Ok(())
    }

    /// Waits until it is ready. One that ended by itself, because the database cut it off while it started, is started
    /// again, as a supervisor of services would.
    pub(super) fn wait_ready(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            if self.running.as_mut().is_some_and(|process| !matches!(process.0.try_wait(), Ok(None))) {
                self.start()?;
            }
            if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.http)) {
                stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
                let mut line = String::new();
                if BufReader::new(stream).read_line(&mut line).is_ok() && line.contains(" 200 ") {
                    return Ok(());
                }
            }
            let log = self.data.join("serve.log");
            ensure!(began.elapsed() < READY, "mhero serve is not ready: see {}", log.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it without a warning.
    pub(super) fn kill(&mut self) {
        self.running = None;
    }

    /// Takes the processor from it (`STOP`), or gives it back (`CONT`), or asks it to end (`TERM`).
    pub(super) fn signal(&self, name: &str) -> Result<()> {
        let Some(process) = &self.running else { return Ok(()) };
        let mut command = Command::new("kill");
        let status = command.arg(format!("-{name}")).arg(process.0.id().to_string()).status()?;
        ensure!(status.success(), "{}: {status}", project::show(&command));
        Ok(())
    }

    /// Ends it as a person would, and waits for it.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.signal("TERM")?;
        let Some(mut process) = self.running.take() else { return Ok(()) };
        let began = Instant::now();
        while process.0.try_wait()?.is_none() {
            let log = self.data.join("serve.log");
            ensure!(began.elapsed() < READY, "mhero serve does not end: see {}", log.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// The simulated operator, a process of its own.
pub(super) struct Operator {
    control: u16,
    _process: Process,
}

impl Operator {
    /// Starts it on `port` with a configuration.
    pub(super) fn start(binary: &Path, folder: &Path, config: &str) -> Result<Self> {
        let control = free_port()?;
        let path = folder.join("operator.toml");
        fs::write(&path, config)?;
        let log = folder.join("operator.log");
        let child = Command::new(binary)
            .args(["operator-sim", "--json", "--config"])
            .arg(&path)
            .args(["--control", &control.to_string()])
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.join("operator.out"))?)
            .stderr(fs::File::create(&log)?)
            .spawn()
            .context("cannot start the operator")?;
        let operator = Self { control, _process: Process(child) };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, control)).is_err() {
            ensure!(began.elapsed() < READY, "the operator does not start: see {}", log.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(operator)
    }

    /// Asks it one thing.
    pub(super) fn ask(&self, request: &Value) -> Result<Value> {
        self.ask_within(request, Duration::from_mins(5))
    }

    fn ask_within(&self, request: &Value, time: Duration) -> Result<Value> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.control)).context("the operator is gone")?;
        stream.set_read_timeout(Some(time))?;
        writeln!(stream, "{request}")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line)?;
        if let Some(error) = answer["error"].as_str() {
            bail!("the operator does not understand {request}: {error}");
        }
        Ok(answer)
    }

    /// Waits for the next `submit` or `delivery` and says at whom, by system_id; `None` if none comes.
    pub(super) fn next(&self, moment: &str) -> Option<String> {
        let answer = self.ask_within(&json!({ "next": moment }), Duration::from_secs(1)).ok()?;
        answer["system_id"].as_str().map(str::to_owned)
    }
}

/// Runs a command to its end.
pub(super) fn done(mut command: Command) -> Result<()> {
    output(&mut command).map(drop)
}

/// Runs a command and reads the JSON that it prints.
pub(super) fn json_of(mut command: Command) -> Result<Value> {
    Ok(serde_json::from_slice(&output(&mut command)?)?)
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("cannot run {}", project::show(command)))?;
    ensure!(output.status.success(), "{}: {}", project::show(command), String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
