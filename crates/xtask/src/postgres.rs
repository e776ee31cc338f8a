//! The PostgreSQL server of the tests: the one that `MHERO_TEST_POSTGRES` names, else a private cluster that lives as
//! long as this process.

use anyhow::{Context as _, Result, bail};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::project::{self, Project};

/// The variable that names a server, as a URL whose user may create databases.
pub(crate) const VARIABLE: &str = "MHERO_TEST_POSTGRES";

/// How long the cluster may take to start or to stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server to test with.
#[derive(Debug)]
pub(crate) struct Server {
    /// `postgres://user@host:port/database`
    pub(crate) url: String,
    /// Ours, if we started it; stopped and removed when this is dropped.
    _cluster: Option<Cluster>,
}

impl Server {
    /// The named server, or a new cluster.
    pub(crate) fn start(project: &Project) -> Result<Self> {
        if let Ok(url) = std::env::var(VARIABLE)
            && !url.is_empty()
        {
            return Ok(Self { url, _cluster: None });
        }
        let cluster = Cluster::start(project)?;
        Ok(Self { url: format!("postgres://mhero@127.0.0.1:{}/postgres", cluster.port), _cluster: Some(cluster) })
    }
}

/// A cluster of our own: on a free port of the loopback address, without passwords, collation C, durable as in
/// production.
#[derive(Debug)]
struct Cluster {
    folder: PathBuf,
    port: u16,
    programs: PathBuf,
    /// `None` until it was started.
    process: Option<Child>,
}

/// Whom to run the server as. PostgreSQL refuses to run as root.
#[derive(Debug, Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl Cluster {
    fn start(project: &Project) -> Result<Self> {
        let programs = if let Some(programs) = programs() {
            programs
        } else {
            project::install(&["postgresql"])?;
            programs().context("the package postgresql has no initdb under /usr/lib/postgresql")?
        };
        let user = if project::is_root() { Some(unprivileged_user()?) } else { None };
        let folder = make_folder(project, user)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut cluster = Self { folder, port, programs, process: None };
        cluster.initialise(user)?;
        cluster.launch(user)?;
        eprintln!("PostgreSQL runs on port {port}");
        Ok(cluster)
    }

    fn initialise(&self, user: Option<User>) -> Result<()> {
        let output = self
            .command("initdb", user)
            .arg("--pgdata")
            .arg(self.folder.join("data"))
            .args(["--username=mhero", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .output()
            .context("cannot run initdb")?;
        if !output.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    fn launch(&mut self, user: Option<User>) -> Result<()> {
        let log = std::fs::File::create(self.folder.join("log"))?;
        let mut command = self.command("postgres", user);
        command.arg("-D").arg(self.folder.join("data"));
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "fsync=on",
            "synchronous_commit=on",
            "log_statement=none",
            "timezone=UTC",
        ] {
            command.arg("-c").arg(setting);
        }
        command.arg("-p").arg(self.port.to_string()).stdout(log.try_clone()?).stderr(log);
        let process = self.process.insert(command.spawn().context("cannot run postgres")?);
        let started = Instant::now();
        loop {
            if let Some(status) = process.try_wait()? {
                bail!("PostgreSQL did not start ({status}): {}", self.log());
            }
            let ready = Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-d", "postgres", "-p", &self.port.to_string()])
                .status()?;
            if ready.success() {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                bail!("PostgreSQL did not start in {} s: {}", PATIENCE.as_secs(), self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A program of PostgreSQL, run as `user`, that is interrupted when this process dies, however it dies: a
    /// postmaster takes the interrupt as a fast shutdown.
    fn command(&self, program: &str, user: Option<User>) -> Command {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig=INT");
        if let Some(user) = user {
            command.args([format!("--reuid={}", user.uid), format!("--regid={}", user.gid), "--clear-groups".into()]);
        }
        command.arg("--").arg(self.programs.join(program));
        command.current_dir(&self.folder).stdin(Stdio::null()).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
    }

    /// The last lines of the server's log.
    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Stops the server and removes its files.
    fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            // `Child::kill` would leave the server no time for its own shutdown.
            Command::new("kill").args(["-INT", &process.id().to_string()]).status()?;
            let asked = Instant::now();
            while process.try_wait()?.is_none() {
                if asked.elapsed() > PATIENCE {
                    process.kill()?;
                    process.wait()?;
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("warning: the PostgreSQL of the tests in {}: {error:#}", self.folder.display());
        }
    }
}

/// The programs of the newest PostgreSQL that Debian has installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .max()
        .map(|(_, folder)| folder)
}

/// `postgres`, whom the package makes, or `nobody`.
fn unprivileged_user() -> Result<User> {
    let accounts = std::fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    let find = |wanted: &str| {
        accounts.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let &[name, _, uid, gid, ..] = fields.as_slice() else { return None };
            (name == wanted).then_some(User { uid: uid.parse().ok()?, gid: gid.parse().ok()? })
        })
    };
    find("postgres").or_else(|| find("nobody")).context("neither the user postgres nor nobody exists")
}

/// A new folder for a cluster: under cargo's target folder, or, when its user cannot get there (a home directory that
/// is closed to others), in the system's folder for temporary files.
fn make_folder(project: &Project, user: Option<User>) -> Result<PathBuf> {
    let open = user.is_none() || project.target.ancestors().all(others_may_pass);
    let base = if open { project.target.clone() } else { std::env::temp_dir() };
    remove_leftovers(&base);
    let folder = base.join(format!("{PREFIX}{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    if let Some(user) = user {
        std::os::unix::fs::chown(&folder, Some(user.uid), Some(user.gid))?;
    }
    Ok(folder)
}

/// How the folders of clusters start; the process id follows.
const PREFIX: &str = "mhero-test-postgres-";

/// Whether every user may go through a folder; one that is not there yet will be made so.
fn others_may_pass(folder: &Path) -> bool {
    std::fs::metadata(folder).map_or(true, |meta| meta.mode() & 0o001 != 0)
}

/// Removes the folders of processes that were killed.
fn remove_leftovers(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        // The server of a killed process is gone once its own process file is.
        let running = Path::new("/proc").join(process).exists() || entry.path().join("data/postmaster.pid").exists();
        if !running {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
