//! `mhero audit`: what waits in the store, or every message with what became of it. Hidden: the crash tests read it,
//! and support may.

use super::Ctx;
use crate::local::{Request, ask};
use crate::output::Report;
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

/// Arguments of `mhero audit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// List all messages, texts included, with their states
    #[arg(long)]
    messages: bool,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Audit(store::Audit);

impl Report for Audit {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let all = self.0;
        writeln!(to, "inbox {}, outbox {}, open problems {}", all.inbox, all.outbox, all.problems)?;
        writeln!(to, "once unknown {}, of these sent again {}, not settled {}", all.unknown, all.resent, all.unsettled)
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Messages(Vec<store::MessageRow>);

impl Report for Messages {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        for row in &self.0 {
            let again = if row.resent { ", sent again" } else { "" };
            writeln!(to, "{} {:?}{again}: {}", row.address, row.state, row.text)?;
        }
        Ok(())
    }
}

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, args: Args) -> anyhow::Result<ExitCode> {
    if args.messages {
        ctx.out.print(&Messages(ask(ctx, Request::Messages)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    ctx.out.print(&Audit(ask(ctx, Request::Audit)?))?;
    Ok(ExitCode::SUCCESS)
}
