//! `bench`: the optimised program's own benchmarks, with a PostgreSQL where one is asked for.

use anyhow::{Result, bail};

use crate::demo;
use crate::postgres::Server;
use crate::project::Project;

/// Builds the program and runs `mhero bench` with `args`.
pub(crate) fn run(project: &Project, args: &[String]) -> Result<()> {
    let binary = demo::build(project, true)?;
    let mut command = project.command(&binary);
    command.arg("bench").args(args);
    let server = if wants_postgres(args) { Some(Server::start(project)?) } else { None };
    if let Some(server) = &server {
        command.args(["--postgres", &server.url]);
    }
    let status = command.status()?;
    drop(server);
    if !status.success() {
        bail!("mhero bench: {status}");
    }
    Ok(())
}

/// Whether the arguments ask for PostgreSQL and name no server.
fn wants_postgres(args: &[String]) -> bool {
    let store = args.iter().any(|arg| arg == "--store=postgres")
        || args.windows(2).any(|pair| pair[0] == "--store" && pair[1] == "postgres");
    store && !args.iter().any(|arg| arg == "--postgres" || arg.starts_with("--postgres="))
}

#[cfg(test)]
mod tests {
    use super::wants_postgres;

    #[test]
    fn a_server_is_started_when_none_is_named() {
        let wants = |line: &str| wants_postgres(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(wants("loop --store postgres --json"));
        assert!(wants("loop --store=postgres"));
        assert!(!wants("loop --store sqlite"));
        assert!(!wants("loop --store postgres --postgres postgres://x"));
    }
}
