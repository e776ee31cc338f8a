//! `mhero backup` and `mhero restore`: copies of the store, and the proof that they can be restored.

use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use store::backup::{Manifest, Verified, restore, verify};

use super::{Ctx, block_on};
use crate::local::{Request, ask};
use crate::output::Report;
use crate::runtime::{self, DATABASE};

/// Arguments of `mhero backup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder for the copy, in place of backup.folder of the configuration
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Arguments of `mhero restore`.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// A backup, or a folder of which the latest is taken; backup.folder of the configuration if not given
    #[arg(value_name = "BACKUP")]
    from: Option<PathBuf>,

    /// Only prove that the backup can be restored: its bytes are those that were written, it opens, and every table
    /// has its rows. For a copy of PostgreSQL, --postgres names a server on which a database may be made for a moment
    #[arg(long)]
    verify: bool,
}

/// Makes a backup while the store is in use.
pub(crate) fn run(ctx: &Ctx, args: Args) -> anyhow::Result<ExitCode> {
    // A running server makes the backup, and its current directory is another one.
    let folder = args.to.map(std::path::absolute).transpose()?;
    let manifest: Manifest = ask(ctx, Request::Backup { folder })?;
    ctx.out.print(&Made { manifest })?;
    Ok(ExitCode::SUCCESS)
}

/// Puts a backup into the data directory, or only checks it.
pub(crate) fn run_restore(ctx: &Ctx, args: RestoreArgs) -> anyhow::Result<ExitCode> {
    let from = match args.from {
        Some(from) => from,
        None => ctx.config()?.backup.folder,
    };
    if args.verify {
        let scratch = ctx.global.postgres.as_deref();
        let verified = block_on(async { Ok(verify(&from, scratch).await?) })?;
        ctx.out.print(&Proven(verified))?;
    } else {
        let _lock = runtime::lock(ctx)?;
        let manifest = block_on(async { Ok(restore(&from, &ctx.data().join(DATABASE)).await?) })?;
        ctx.out.print(&Restored { manifest })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A backup that was made.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Made {
    manifest: Manifest,
}

impl Report for Made {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        describe(&self.manifest, to)?;
        writeln!(to, "prove it with: mhero restore --verify")
    }
}

/// A backup that was proven.
#[derive(Serialize)]
#[serde(transparent)]
struct Proven(Verified);

impl Report for Proven {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        describe(&self.0.manifest, to)?;
        if self.0.opened {
            writeln!(to, "it can be restored: the copy is whole, opens, and has all its rows")
        } else {
            writeln!(
                to,
                "the copy is whole and can be read; name a server with --postgres to have it restored for proof"
            )
        }
    }
}

/// A backup that is in place.
#[derive(Serialize)]
#[serde(transparent)]
struct Restored {
    manifest: Manifest,
}

impl Report for Restored {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        describe(&self.manifest, to)?;
        writeln!(to, "restored; start the server again")
    }
}

fn describe(manifest: &Manifest, to: &mut dyn Write) -> io::Result<()> {
    let rows: i64 = manifest.rows.values().sum();
    let size = indicatif::HumanBytes(manifest.bytes);
    writeln!(to, "{}: {} of {}, {size}, {rows} rows", manifest.file, manifest.store, manifest.made_at)
}
