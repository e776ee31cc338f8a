//! One module per command. A module has the command's arguments (`Args`) and `run(ctx, args)`.

pub(crate) mod audience;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod campaign;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod flow;
pub(crate) mod flows;
pub(crate) mod init;
pub(crate) mod operator_sim;
pub(crate) mod registry;
pub(crate) mod serve;

use crate::cli::{Cli, Command, Global};
use crate::config::{self, Config};
use crate::logs;
use crate::output::Output;
use base::Secret;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

/// The file in the data directory that a server keeps locked; its first line is the server's process id.
pub(crate) const LOCK_FILE: &str = "lock";

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Ctx {
    /// The global options.
    pub(crate) global: Global,
    /// Where results go.
    pub(crate) out: Output,
}

impl Ctx {
    /// The data directory; it may not exist yet.
    pub(crate) fn data(&self) -> &Path {
        &self.global.data
    }

    /// The configuration: the file of the data directory, then the environment, then the command line.
    ///
    /// Fails with a hint when the data directory has no configuration.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        let mut config = config::load(self.data(), &config::environment())?;
        if let Some(store) = self.global.store {
            config.store = store;
        }
        if let Some(url) = &self.global.postgres {
            config.postgres.url = Some(Secret::new(url.clone()));
        }
        Ok(config)
    }
}

/// Runs an asynchronous command on a runtime of its own. Commands that need none start faster without.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // A blocking task that still runs must not hold up the end of a command that has its answer.
    runtime.shutdown_background();
    result
}

/// Runs the command that the command line names.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let ctx = Ctx { out: Output::new(cli.global.json), global: cli.global };
    // The server sets up its log as configured; the first set-up counts.
    if !matches!(cli.command, Command::Serve(_)) {
        logs::init_for_command(ctx.global.verbose);
    }
    match cli.command {
        Command::Init(args) => init::run(&ctx, args),
        Command::Doctor(args) => doctor::run(&ctx, args),
        Command::Serve(args) => serve::run(&ctx, args),
        Command::Demo(args) => demo::run(&ctx, args),
        Command::Audit(args) => audit::run(&ctx, args),
        Command::Bench(command) => bench::run(&ctx, command),
        Command::Backup(args) => backup::run(&ctx, args),
        Command::Restore(args) => backup::run_restore(&ctx, args),
        Command::Registry(command) => registry::run(&ctx, command),
        Command::Audience(command) => audience::run(&ctx, command),
        Command::Flow(command) => flow::run(&ctx, command),
        Command::Campaign(command) => campaign::run(&ctx, command),
        Command::OperatorSim(args) => operator_sim::run(&ctx, args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => completions::man(args),
    }
}

/// Sets the permissions of a file or directory.
pub(crate) fn own_only(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}
