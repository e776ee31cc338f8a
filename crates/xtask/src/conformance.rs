//! `conformance`: the cases of the flow conformance kit that lies beside the repository, run against the binary.

use anyhow::{Result, bail};

use crate::demo;
use crate::project::{self, Project};

/// Where the kit lies, from the root of the repository.
const KIT: &str = "../shared/conformance";

/// What is accepted to fail: `@contact.ref` is enciphered with a key that no specification gives, and one case has it.
const FLOORS: &[&str] = &["--min", "templates=48"];

/// Builds the binary, if need be, and runs every case. Without the kit it says so; where tests may not skip (`CI`) that
/// is an error.
pub(crate) fn run(project: &Project, release: bool) -> Result<()> {
    let kit = project.root.join(KIT);
    if !kit.is_dir() {
        if std::env::var_os("CI").is_some() {
            bail!("{KIT} is missing: put the conformance kit there");
        }
        eprintln!("skipped: there is no {KIT}");
        return Ok(());
    }
    if !project::has("python3") {
        project::install(&["python3-minimal"])?;
    }
    let binary = demo::build(project, release)?;
    let mut command = project.command("python3");
    project::run(command.arg(kit.join("tools/check.py")).arg(binary).arg(kit.join("cases")).args(FLOORS))
}
