//! `deny`: licences, sources and bans of all dependencies as `deny.toml` has them (cargo-deny), and no dependency that
//! is not used (cargo-machete).

use anyhow::Result;
use std::path::{Path, PathBuf};

use crate::project::{self, Project};

/// Runs both tools. cargo-deny leaves out its database of advisories, which lives on another site.
pub(crate) fn run(project: &Project) -> Result<()> {
    let deny = tool(project, "cargo-deny", "0.20.2")?;
    project::run(project.command(deny).args([
        "--log-level",
        "warn",
        "--locked",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))?;
    let machete = tool(project, "cargo-machete", "0.9.2")?;
    project::run(project.command(machete).arg("crates"))
}

/// The installed tool, or one that is built into the target folder: without optimisation, which halves the time that
/// takes, for checks of a few seconds.
fn tool(project: &Project, name: &str, version: &str) -> Result<PathBuf> {
    if project::has(name) {
        return Ok(Path::new(name).to_owned());
    }
    let tools = project.target.join("tools");
    let program = tools.join("bin").join(name);
    if !program.is_file() {
        let build = tools.join("build");
        let mut command = project.cargo(["install", name, "--version", version, "--locked", "--debug", "--quiet"]);
        project::run(command.arg("--root").arg(&tools).env("CARGO_TARGET_DIR", &build))?;
        std::fs::remove_dir_all(build)?;
    }
    Ok(program)
}
