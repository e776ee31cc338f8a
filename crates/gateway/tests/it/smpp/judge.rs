//! The operator of another make: `judges/smpp/smsc.js`, run by Node.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

/// How long a test waits for what must come.
pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) struct Judge {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    pub(crate) port: u16,
}

impl Judge {
    /// Starts one; `None`, with a message, on a machine without Node.
    pub(crate) async fn start() -> Option<Self> {
        let folder = folder()?;
        let mut child = tokio::process::Command::new("node")
            .arg("smsc.js")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut judge = Self { _child: child, input, output, port: 0 };
        judge.port = judge.expect("listening").await["port"].as_u64().unwrap() as u16;
        Some(judge)
    }

    pub(crate) async fn tell(&mut self, command: Value) {
        self.input.write_all(format!("{command}\n").as_bytes()).await.unwrap();
    }

    pub(crate) async fn set(&mut self, behaviour: Value) {
        self.tell(json!({ "set": behaviour })).await;
    }

    /// The next event of this name; others before it are passed over.
    pub(crate) async fn expect(&mut self, name: &str) -> Value {
        let found = timeout(SOON, async {
            while let Some(line) = self.output.next_line().await.unwrap() {
                let event: Value = serde_json::from_str(&line).unwrap();
                assert_ne!(event["event"], "error", "{event}");
                if event["event"] == name {
                    return Some(event);
                }
            }
            None
        });
        found.await.unwrap_or_else(|_| panic!("no {name} in time")).unwrap_or_else(|| panic!("ended before {name}"))
    }
}

/// The judge's folder with its modules installed.
fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../judges/smpp");
            if Command::new("node").arg("--version").output().is_err() {
                assert!(std::env::var_os("CI").is_none(), "node is missing: install Node 20 or later");
                eprintln!("skipped: node is missing: install Node 20 or later to run the SMPP judge");
                return None;
            }
            if !folder.join("node_modules/smpp").is_dir() {
                let done = Command::new("npm").arg("ci").current_dir(&folder).output().unwrap();
                assert!(done.status.success(), "npm ci: {}", String::from_utf8_lossy(&done.stderr));
            }
            Some(folder)
        })
        .as_deref()
}
