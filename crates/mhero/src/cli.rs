//! The command line. Every command takes the global options; a command's own are beside its code, in [`crate::cmd`].

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use crate::cmd;

/// The arguments of the process.
#[derive(Debug, Parser)]
#[command(name = "mhero", version, about, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The data directory, which `mhero init` makes
    #[arg(long, global = true, value_name = "DIR", env = "MHERO_DATA", default_value = "mhero-data")]
    pub(crate) data: PathBuf,

    /// Print one JSON document on stdout instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// The kind of store, in place of the configured one
    #[arg(long, global = true, value_name = "KIND")]
    pub(crate) store: Option<StoreKind>,

    /// The PostgreSQL server, as `postgres://user@host:port/database`; keep a password out of the command line: other
    /// users of the machine can read it there. Set MHERO_POSTGRES_URL or `postgres.url_file` instead
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) postgres: Option<String>,

    /// Say more in the log: -v debug, -vv trace
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The engine that keeps the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreKind {
    /// One file in the data directory; nothing to install
    #[default]
    Sqlite,
    /// A PostgreSQL server
    Postgres,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a data directory with a commented configuration file
    Init(cmd::init::Args),
    /// Check the installation; each failed check says what to do
    Doctor(cmd::doctor::Args),
    /// Run the server
    Serve(cmd::serve::Args),
    /// Show the main job on simulated phones: 482 health workers of Liberia are asked 15 questions
    Demo(cmd::demo::Args),
    /// Count what waits in the store, for tests and support
    #[command(hide = true)]
    Audit(cmd::audit::Args),
    #[command(subcommand)]
    Bench(cmd::bench::BenchCommand),
    /// Copy the store into a folder, while it is in use
    Backup(cmd::backup::Args),
    /// Put a backup back, or prove that it can be
    Restore(cmd::backup::RestoreArgs),
    #[command(subcommand)]
    Registry(cmd::registry::RegistryCommand),
    #[command(subcommand)]
    Audience(cmd::audience::AudienceCommand),
    #[command(subcommand)]
    Flow(cmd::flow::FlowCommand),
    #[command(subcommand)]
    Campaign(cmd::campaign::CampaignCommand),
    /// Run a simulated mobile operator: a real SMPP server with phones that answer
    OperatorSim(cmd::operator_sim::Args),
    /// Print a completion script for a shell
    Completions(cmd::completions::Args),
    /// Write the manual pages (section 1) into a folder, or the main page to stdout
    Man(cmd::completions::ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_manual_has_every_command_and_no_other() {
        fn collect(command: &clap::Command, name: &str, into: &mut Vec<String>) {
            let visible: Vec<_> = command.get_subcommands().filter(|sub| !sub.is_hide_set()).collect();
            if visible.is_empty() {
                into.push(name.to_owned());
            }
            for sub in visible {
                collect(sub, &format!("{name} {}", sub.get_name()), into);
            }
        }
        let mut commands = Vec::new();
        collect(&Cli::command(), "mhero", &mut commands);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/commands.md");
        let manual = std::fs::read_to_string(path).unwrap();
        let mut listed: Vec<String> = manual
            .lines()
            .filter_map(|line| line.strip_prefix("| `mhero ")?.split_once('`'))
            .map(|(name, _)| format!("mhero {}", name.split(" [").next().unwrap_or(name)))
            .collect();
        listed.sort();
        commands.sort();
        assert_eq!(listed, commands);
    }
}
