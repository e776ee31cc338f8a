//! `mhero audit`: what waits in the store. Hidden: the crash tests read it, and support may.

use super::Ctx;
use crate::local::{Request, ask};
use crate::output::Report;
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

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

/// Runs the command.
pub(crate) fn run(ctx: &Ctx) -> anyhow::Result<ExitCode> {
    ctx.out.print(&Audit(ask(ctx, Request::Audit)?))?;
    Ok(ExitCode::SUCCESS)
}
