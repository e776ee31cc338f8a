//! Runs the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder with a data directory in it.
pub(crate) struct Place {
    _folder: TempDir,
    pub(crate) data: PathBuf,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// A place whose data directory is not made yet.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self { _folder: folder, data }
    }

    /// A place with a new data directory of Liberia.
    pub(crate) fn new() -> Self {
        let place = Self::empty();
        place.run(&["init", "--region", "LR"]).ok();
        place
    }

    /// Puts lines before those of the configuration file.
    pub(crate) fn configure(&self, lines: &str) {
        let path = self.data.join("mhero.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{lines}{text}")).unwrap();
    }

    /// Puts lines after those of the configuration file.
    pub(crate) fn append(&self, lines: &str) {
        let path = self.data.join("mhero.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text + lines).unwrap();
    }

    /// The program over this place's data directory, with any free port for its web server and nothing of the
    /// environment's configuration.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        command(&self.data, args)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        run(&mut self.command(args))
    }
}

fn command(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mhero"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MHERO_") {
            command.env_remove(name);
        }
    }
    command.args(args).env("MHERO_DATA", data).env("MHERO_HTTP_LISTEN", "127.0.0.1:0").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Done {
    /// The output of a command that must succeed.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// The one JSON document of the output.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
