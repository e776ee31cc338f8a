//! `mhero doctor`: checks an installation by name; each check that is not well says what to do.

use anyhow::Context as _;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use super::{Ctx, LOCK_FILE, block_on};
use crate::cli::StoreKind;
use crate::config::{self, Channel, ChannelKind, Config};
use crate::output::{Report, table, without_codes, write_table};
use crate::runtime::{self, DATABASE};

/// Free space under which `doctor` warns, in MiB.
const DISK_WARN_MB: u64 = 2048;
/// Free space under which it fails: a store that cannot write loses nothing, but takes no message either.
const DISK_FAIL_MB: u64 = 200;
/// How long a channel's host may take to take a connection.
const REACH: Duration = Duration::from_secs(3);

/// Arguments of `mhero doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Do not try to reach the hosts of channels
    #[arg(long)]
    offline: bool,
}

/// How a check ended, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Works, and will not for long or not well.
    Warn,
    Fail,
}

/// One check. The remedy is there unless it is well.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    state: State,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// What a check found: `Ok` with how things are, or how it is not well and what to do.
type Found<T = String> = Result<T, (State, String, String)>;

fn warn(detail: impl Into<String>, remedy: impl Into<String>) -> Found {
    Err((State::Warn, detail.into(), remedy.into()))
}

fn fail(detail: impl Into<String>, remedy: impl Into<String>) -> Found {
    Err((State::Fail, detail.into(), remedy.into()))
}

/// All checks, in the order they were made.
#[derive(Debug, Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, name: impl Into<String>, found: Found) {
        let name = name.into();
        self.0.push(match found {
            Ok(detail) => Check { name, state: State::Ok, detail, remedy: None },
            Err((state, detail, remedy)) => Check { name, state, detail, remedy: Some(remedy) },
        });
    }

    fn worst(&self) -> State {
        self.0.iter().map(|check| check.state).max().unwrap_or(State::Ok)
    }
}

impl Serialize for Checks {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            state: State,
            checks: &'a [Check],
        }
        Document { state: self.worst(), checks: &self.0 }.serialize(to)
    }
}

impl Report for Checks {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(["check", "", "found"]);
        for check in &self.0 {
            let state = match check.state {
                State::Ok => "ok",
                State::Warn => "WARN",
                State::Fail => "FAIL",
            };
            rows.add_row([check.name.as_str(), state, &without_codes(&check.detail)]);
        }
        write_table(&rows, to)?;
        let todo: Vec<&Check> = self.0.iter().filter(|check| check.remedy.is_some()).collect();
        if todo.is_empty() {
            return writeln!(to, "\nAll is well.");
        }
        writeln!(to, "\nWhat to do:")?;
        for check in todo {
            writeln!(to, "  {}: {}", check.name, check.remedy.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Runs all checks. Warnings leave the exit code at 0; a failed check makes it 1.
pub(crate) fn run(ctx: &Ctx, args: Args) -> anyhow::Result<ExitCode> {
    let mut checks = Checks::default();
    checks.add("clock", clock(SystemTime::now()));
    let data = ctx.data();
    let there = data.is_dir();
    checks.add("data directory", data_directory(data));
    if there {
        checks.add("disk space", disk(data));
        checks.add("running server", lock_holder(data));
        match ctx.config() {
            Err(error) => {
                checks.add("configuration", fail(format!("{error:#}"), format!("correct {}", config::FILE)));
            }
            Ok(config) => {
                checks.add("configuration", configuration(data, &config));
                checks.add("ministry", ministry(&config));
                checks.add("store", store(data, &config));
                checks.add("http", http(config.http.listen));
                if config.channels.is_empty() {
                    checks.add(
                        "channels",
                        warn("none", format!("add a [[channels]] block to {}, one per operator", config::FILE)),
                    );
                }
                for channel in &config.channels {
                    let name = format!("channel {}", channel.name);
                    checks.add(
                        name,
                        if args.offline {
                            let (host, port) = host_of(channel);
                            Ok(format!("{host}:{port}"))
                        } else {
                            reach(channel)
                        },
                    );
                }
                if config.backup.every_hours > 0 {
                    checks.add("backup", backup(data, &config, SystemTime::now()));
                }
            }
        }
    }
    ctx.out.print(&checks)?;
    Ok(if checks.worst() == State::Fail { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The clock must be after the release of this program: phone networks, certificates and schedules depend on it.
fn clock(now: SystemTime) -> Found {
    const EARLIEST: &str = "2026-01-01T00:00:00Z";
    const LATEST: &str = "2100-01-01T00:00:00Z";
    let remedy = "set the clock, and let it follow a time server (systemd-timesyncd or chrony)";
    match jiff::Timestamp::try_from(now).map(|now| now.round(jiff::Unit::Second).unwrap_or(now).to_string()) {
        Ok(now) if (EARLIEST..LATEST).contains(&now.as_str()) => Ok(now),
        Ok(now) => fail(now, remedy),
        Err(error) => fail(error.to_string(), remedy),
    }
}

fn data_directory(data: &Path) -> Found {
    let shown = data.display();
    let meta = match std::fs::metadata(data) {
        Ok(meta) if meta.is_dir() => meta,
        Ok(_) => return fail(format!("{shown} is a file"), "name a directory with --data DIR or MHERO_DATA"),
        Err(error) => {
            return fail(
                format!("{shown}: {error}"),
                "make one with `mhero init DIR`, or name another with --data DIR or MHERO_DATA",
            );
        }
    };
    if let Err(error) = tempfile_in(data) {
        return fail(format!("{shown} cannot be written: {error}"), "run as the user who owns it, or change its owner");
    }
    let others = meta.permissions().mode() & 0o077;
    if others != 0 {
        return warn(
            format!("{shown} is open to other users (mode {:o})", meta.permissions().mode() & 0o777),
            format!("chmod 700 {shown}"),
        );
    }
    Ok(shown.to_string())
}

/// Whether a file can be made in a directory. Its name is this process's own, and it is gone at once.
fn tempfile_in(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    File::create_new(&path)?;
    std::fs::remove_file(path)
}

fn disk(data: &Path) -> Found {
    let room = match rustix::fs::statvfs(data) {
        Ok(room) => room,
        Err(error) => return fail(error.to_string(), "look at the file system of the data directory"),
    };
    let free = room.f_bavail.saturating_mul(room.f_frsize) / (1024 * 1024);
    let detail = format!("{free} MiB free");
    let remedy = "make room, or move the data directory to a larger disk";
    if free < DISK_FAIL_MB {
        fail(detail, remedy)
    } else if free < DISK_WARN_MB {
        warn(detail, remedy)
    } else {
        Ok(detail)
    }
}

/// Who holds the lock of the data directory. Nobody or a server are both well.
fn lock_holder(data: &Path) -> Found {
    let mut file = match File::open(data.join(LOCK_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok("none".into()),
        Err(error) => return fail(format!("{LOCK_FILE}: {error}"), "run as the user who owns the data directory"),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok("none".into()),
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            Ok(match holder.lines().next().map(str::trim) {
                Some(process) if !process.is_empty() => format!("process {process}"),
                _ => "a process that does not say which".into(),
            })
        }
        Err(std::fs::TryLockError::Error(error)) => {
            fail(format!("{LOCK_FILE}: {error}"), "put the data directory on a local file system that has locks")
        }
    }
}

fn configuration(data: &Path, config: &Config) -> Found {
    let path = data.join(config::FILE);
    let mode = std::fs::metadata(&path).map_or(0, |meta| meta.permissions().mode()) & 0o077;
    if mode != 0 {
        return warn(
            format!("{} can be read by other users, and may hold secrets", path.display()),
            format!("chmod 600 {}", path.display()),
        );
    }
    if !config.warnings.is_empty() {
        return warn(config.warnings.join("; "), "correct the variable, or take it away");
    }
    if config.region.is_none() {
        return warn(
            "region is not set: only phone numbers with a country code can be read",
            format!("set region in {}", config::FILE),
        );
    }
    Ok(path.display().to_string())
}

/// Whose system it is. The days of reports and the hours of messages are those of its time zone.
fn ministry(config: &Config) -> Found {
    let (name, languages) = (&config.ministry.name, config.ministry.languages.join(", "));
    match &config.ministry.timezone {
        Some(zone) => Ok(format!("{name}, {languages}, {zone}")),
        None => warn(
            format!("{name}, {languages}, UTC: no time zone is set"),
            format!("set timezone under [ministry] in {}: days and quiet hours follow it", config::FILE),
        ),
    }
}

/// The port must be free, or be served by mhero.
fn http(listen: SocketAddr) -> Found {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(format!("{listen} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match health(listen) {
            Ok(true) => Ok(format!("{listen} is served by mhero")),
            _ => fail(
                format!("{listen} is used by another program"),
                "stop the other program, or set http.listen to another port",
            ),
        },
        Err(error) => fail(format!("{listen}: {error}"), "set http.listen to an address of this machine"),
    }
}

/// The store as the running server sees it, or as it is.
fn store(data: &Path, config: &Config) -> Found {
    let remedy = "look at the server's log; restore the newest backup if the store is damaged";
    if let Ok(answer) = get(config.http.listen, "/readyz")
        && let Some(found) = readiness(&answer)
    {
        return match found {
            Ok(detail) => Ok(format!("the running server: {detail}")),
            Err(detail) => fail(format!("the running server: {detail}"), remedy),
        };
    }
    let database = data.join(DATABASE);
    if config.store == StoreKind::Sqlite && !database.exists() {
        return Ok("not made yet: the first command that needs it makes it".into());
    }
    let looked = block_on(async {
        let store = runtime::connect(config, data).await?;
        let version = store.schema_version().await;
        store.close().await;
        Ok(version?)
    });
    match looked {
        Ok(version) if version > store::latest() => fail(
            format!("schema version {version}; this mhero knows {}", store::latest()),
            "install the newer mhero again, or restore a backup that was made before it ran",
        ),
        Ok(version) => Ok(format!("opens, schema version {version} of {}", store::latest())),
        Err(error) => fail(
            format!("{error:#}"),
            match config.store {
                StoreKind::Sqlite => {
                    "check that the disk is not full; restore the newest backup if the file is damaged"
                }
                StoreKind::Postgres => "check that PostgreSQL runs, and postgres.url or postgres.url_file",
            },
        ),
    }
}

/// The checks in an answer of `/readyz`, as text; an error when one is not well, nothing when it is no such answer.
fn readiness(answer: &str) -> Option<Result<String, String>> {
    #[derive(serde::Deserialize)]
    struct Ready {
        ready: bool,
        checks: Vec<server::Check>,
    }
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let Ready { ready, checks } = serde_json::from_str(body).ok()?;
    let text = |wanted: &dyn Fn(&server::Check) -> bool| {
        let named =
            checks.iter().filter(|check| wanted(check)).map(|check| format!("{}: {}", check.name, check.detail));
        named.collect::<Vec<_>>().join(", ")
    };
    Some(if ready { Ok(text(&|_| true)) } else { Err(text(&|check| !check.ok)) })
}

/// Whether the server at `listen` says that it is mhero.
fn health(listen: SocketAddr) -> io::Result<bool> {
    Ok(get(listen, "/healthz")?.contains("\"service\":\"mhero\""))
}

/// What the web server at `listen` answers, head and body.
fn get(listen: SocketAddr, path: &str) -> io::Result<String> {
    let mut at = listen;
    if at.ip().is_unspecified() {
        at.set_ip(if at.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    let mut stream = TcpStream::connect_timeout(&at, REACH)?;
    stream.set_read_timeout(Some(REACH))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The host and port that a channel connects to.
fn host_of(channel: &Channel) -> (&str, u16) {
    let ChannelKind::Smpp(settings) = &channel.kind;
    (&settings.host, settings.port)
}

/// Whether a channel's host takes a connection. Nothing is said over it.
fn reach(channel: &Channel) -> Found {
    let (host, port) = host_of(channel);
    let shown = format!("{host}:{port}");
    let mut addresses = match (host, port).to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(error) => {
            return fail(format!("{shown}: {error}"), "check the name with the operator, and this machine's DNS");
        }
    };
    let mut last = None;
    if addresses.any(|at| TcpStream::connect_timeout(&at, REACH).map_err(|error| last = Some(error)).is_ok()) {
        return Ok(format!("{shown} takes connections"));
    }
    let why = last.map_or_else(|| "no address".into(), |error: io::Error| error.to_string());
    fail(
        format!("{shown}: {why}"),
        "check host and port; operators often want a VPN, or this machine's address on their list",
    )
}

/// Whether the newest backup is as young as the configuration wants.
fn backup(data: &Path, config: &Config, now: SystemTime) -> Found {
    let folder = &config.backup.folder;
    let shown = folder.display();
    let remedy = format!("run `mhero backup --data {}`, every night by cron or a systemd timer", data.display());
    let newest = match newest(folder) {
        Ok(Some(newest)) => newest,
        Ok(None) => return warn(format!("none in {shown}"), remedy),
        Err(error) => return fail(format!("{error:#}"), "correct backup.folder or its permissions"),
    };
    let hours = now.duration_since(newest.1).unwrap_or_default().as_secs() / 3600;
    let detail = format!("{} is {hours} hours old", newest.0.display());
    if hours > u64::from(config.backup.every_hours) { warn(detail, remedy) } else { Ok(detail) }
}

/// The manifest of the newest backup in a folder.
fn newest(folder: &Path) -> anyhow::Result<Option<(PathBuf, SystemTime)>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    let mut by_time = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        // A backup is whole once its manifest is there.
        if path.extension().is_some_and(|extension| extension == "json") {
            by_time.insert(path.metadata()?.modified()?, path);
        }
    }
    Ok(by_time.pop_last().map(|(time, path)| (path, time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(found: &Found) -> State {
        found.as_ref().map_or_else(|(state, ..)| *state, |_| State::Ok)
    }

    fn channel(text: &str) -> Channel {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_clock_that_was_never_set_fails() {
        assert_eq!(state(&clock(SystemTime::UNIX_EPOCH)), State::Fail);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        assert_eq!(state(&clock(now)), State::Ok);
        assert_eq!(state(&clock(now + Duration::from_secs(100 * 365 * 86_400))), State::Fail);
    }

    #[test]
    fn an_open_directory_is_warned_about() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, expected) in [(0o700, State::Ok), (0o755, State::Warn)] {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(state(&data_directory(folder.path())), expected, "{mode:o}");
        }
        assert_eq!(state(&data_directory(&folder.path().join("none"))), State::Fail);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_lock_tells_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(lock_holder(folder.path()).unwrap(), "none");
        let path = folder.path().join(LOCK_FILE);
        std::fs::write(&path, "4711\n").unwrap();
        assert_eq!(lock_holder(folder.path()).unwrap(), "none");
        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        assert_eq!(lock_holder(folder.path()).unwrap(), "process 4711");
    }

    #[test]
    fn a_port_is_free_or_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let answer = std::thread::spawn(move || {
            for body in ["{\"service\":\"mhero\"}", "{}"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes()).unwrap();
            }
        });
        assert_eq!(http(at).unwrap(), format!("{at} is served by mhero"));
        assert_eq!(state(&http(at)), State::Fail);
        answer.join().unwrap();
        assert_eq!(http(at).unwrap(), format!("{at} is free"));
    }

    #[test]
    fn channels_are_reached_or_explained() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let operator = channel(&format!("name = \"a\"\nkind = \"smpp\"\nhost = \"127.0.0.1\"\nport = {port}"));
        assert_eq!(state(&reach(&operator)), State::Ok);
        drop(listener);
        assert_eq!(state(&reach(&operator)), State::Fail);
    }

    #[test]
    fn a_store_is_opened_and_its_version_read() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::default();
        let nobody = Config { http: config::Http { listen: ([127, 0, 0, 1], 1).into(), ..config.http }, ..config };
        assert!(store(folder.path(), &nobody).unwrap().starts_with("not made yet"));
        block_on(async {
            let store = runtime::open_store(&nobody, folder.path()).await?;
            store.close().await;
            Ok(())
        })
        .unwrap();
        assert!(store(folder.path(), &nobody).unwrap().starts_with("opens, schema version"));
        std::fs::write(folder.path().join(DATABASE), "this is no database, and long enough to be read as one").unwrap();
        assert_eq!(state(&store(folder.path(), &nobody)), State::Fail);
    }

    #[test]
    fn the_running_server_is_asked() {
        let answer = |body: &str| format!("HTTP/1.1 200 OK\r\n\r\n{body}");
        let check = |ok: bool| format!("{{\"name\":\"store\",\"ok\":{ok},\"detail\":\"sqlite\"}}");
        let ready = |ok: bool| readiness(&answer(&format!("{{\"ready\":{ok},\"checks\":[{}]}}", check(ok))));
        assert_eq!(ready(true), Some(Ok("store: sqlite".into())));
        assert_eq!(ready(false), Some(Err("store: sqlite".into())));
        assert_eq!(readiness(&answer("{\"ready\":true}")), None);
    }

    #[test]
    fn an_old_backup_is_warned_about() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.backup.folder = folder.path().join("backups");
        let now = SystemTime::now();
        assert_eq!(state(&backup(folder.path(), &config, now)), State::Warn);
        std::fs::create_dir(&config.backup.folder).unwrap();
        std::fs::write(config.backup.folder.join("a.json"), "").unwrap();
        assert_eq!(state(&backup(folder.path(), &config, now)), State::Ok);
        assert_eq!(state(&backup(folder.path(), &config, now + Duration::from_secs(26 * 3600))), State::Warn);
    }
}
