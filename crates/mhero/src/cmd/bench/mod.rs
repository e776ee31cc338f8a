//! `mhero bench`: how fast the parts are. Figures, not tests: machines are noisy, so compare figures of one run.

mod flow;
mod people;
mod talk;

use super::Ctx;
use std::process::ExitCode;

/// Measure how fast the parts are
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BenchCommand {
    /// The whole path: a phone's message in over SMPP, a step of a flow, the answer out over SMPP
    Loop(talk::Args),
    /// Conversations and templates of the flow engine per second of CPU time, without any store
    Flow(flow::Args),
    /// Counting and paging through an audience of a million workers, as a server does
    Audience(people::Args),
}

/// Runs a benchmark.
pub(crate) fn run(ctx: &Ctx, command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Loop(args) => talk::run(ctx, &args),
        BenchCommand::Flow(args) => flow::run(ctx, &args),
        BenchCommand::Audience(args) => people::run(ctx, &args),
    }
}
