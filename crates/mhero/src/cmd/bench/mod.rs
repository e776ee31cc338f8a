//! `mhero bench`: how fast the parts are. Figures, not tests: machines are noisy, so compare figures of one run.

mod talk;

use super::Ctx;
use std::process::ExitCode;

/// Measure how fast the parts are
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BenchCommand {
    /// The whole path: a phone's message in over SMPP, a step of a flow, the answer out over SMPP
    Loop(talk::Args),
}

/// Runs a benchmark.
pub(crate) fn run(ctx: &Ctx, command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Loop(args) => talk::run(ctx, &args),
    }
}
