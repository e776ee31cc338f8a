//! `mhero init`: makes a data directory.

use anyhow::{Context as _, bail};
use serde::Serialize;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Ctx;
use crate::config;
use crate::output::{Hint as _, Report};

/// Arguments of `mhero init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory to make, in place of --data
    dir: Option<PathBuf>,

    /// The country whose local phone numbers are typed without a country code: two letters, ISO 3166-1
    #[arg(long, value_name = "CC", env = "MHERO_REGION", value_parser = region)]
    region: Option<String>,
}

fn region(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    if upper.len() == 2 && upper.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(upper)
    } else {
        Err("two letters are expected, such as LR".into())
    }
}

/// What was made.
#[derive(Debug, Serialize)]
struct Made {
    data: PathBuf,
    config: PathBuf,
    region: Option<String>,
}

impl Report for Made {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        writeln!(to, "Made {}.", self.data.display())?;
        if self.region.is_none() {
            writeln!(to, "Set region in {} first: phone numbers depend on it.", self.config.display())?;
        }
        writeln!(to, "Next: read {}, then start the server with", self.config.display())?;
        writeln!(to, "  mhero serve --data {}", self.data.display())
    }
}

/// Makes the directory and its configuration file.
pub(crate) fn run(ctx: &Ctx, args: Args) -> anyhow::Result<ExitCode> {
    let data = args.dir.unwrap_or_else(|| ctx.data().to_owned());
    let made = make(&data, args.region)?;
    ctx.out.print(&made)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a data directory that only its owner can read, with a commented configuration. An existing directory is taken
/// only if it is empty.
fn make(data: &Path, region: Option<String>) -> anyhow::Result<Made> {
    let config = data.join(config::FILE);
    if config.exists() {
        return Err(anyhow::anyhow!("{} is a data directory already", data.display()))
            .hint("use it as it is, or give another name");
    }
    match std::fs::read_dir(data) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(anyhow::anyhow!("{} is not empty", data.display()))
                    .hint("give the name of a directory that does not exist yet");
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(data)
                .with_context(|| format!("cannot make {}", data.display()))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => bail!("{} is a file", data.display()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", data.display())),
    }
    super::own_only(data, 0o700).with_context(|| format!("cannot set the permissions of {}", data.display()))?;
    let set: Vec<(&str, String)> = region.iter().map(|region| ("region", format!("\"{region}\""))).collect();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&config)
        .and_then(|mut file| file.write_all(config::commented(&set).as_bytes()).and_then(|()| file.sync_all()))
        .with_context(|| format!("cannot write {}", config.display()))?;
    Ok(Made { data: data.to_owned(), config, region })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn makes_a_private_directory_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        let made = make(&data, Some("LR".into())).unwrap();
        assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::metadata(&made.config).unwrap().permissions().mode() & 0o777, 0o600);
        let config = config::load(&data, &std::collections::BTreeMap::new()).unwrap();
        assert_eq!(config.region.as_deref(), Some("LR"));
        let again = make(&data, None).unwrap_err();
        assert!(again.to_string().contains("is a data directory already"), "{again}");
    }

    #[test]
    fn takes_an_empty_directory_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), None).unwrap();
        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join("file"), "").unwrap();
        assert!(make(other.path(), None).unwrap_err().to_string().contains("is not empty"));
        assert!(make(&other.path().join("file"), None).unwrap_err().to_string().contains("is a file"));
    }

    #[test]
    fn regions_are_two_letters() {
        assert_eq!(region("lr").unwrap(), "LR");
        assert!(region("Liberia").is_err());
    }
}
