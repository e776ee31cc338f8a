//! `mhero flow import` and `mhero flow list`: the flows of the store.

use super::Ctx;
use crate::local::{Request, ask};
use crate::output::{Report, table, write_table};
use anyhow::Context as _;
use app::flows::Imported;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Imports a file of flows.
pub(crate) fn import(ctx: &Ctx, file: &Path) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let imported: Vec<Imported> =
        ask(ctx, Request::ImportFlows { text }).with_context(|| format!("{}", file.display()))?;
    ctx.out.print(&Import(imported))?;
    Ok(ExitCode::SUCCESS)
}

/// Lists the flows.
pub(crate) fn list(ctx: &Ctx) -> anyhow::Result<ExitCode> {
    ctx.out.print(&Flows(ask(ctx, Request::Flows)?))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Import(Vec<Imported>);

impl Report for Import {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        for flow in &self.0 {
            let keywords = match flow.keywords.as_slice() {
                [] => String::new(),
                words => format!(", started by the word {}", words.join(" or ")),
            };
            writeln!(to, "{}: {}{keywords}", flow.name, flow.result)?;
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Flow {
    uuid: uuid::Uuid,
    name: String,
    r#type: String,
    revision: i64,
    modified_on: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Flows(Vec<Flow>);

impl Report for Flows {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(to, "no flows; import some with: mhero flow import FILE");
        }
        let mut rows = table(["NAME", "TYPE", "REVISION", "CHANGED", "ID"]);
        for flow in &self.0 {
            let (revision, uuid) = (flow.revision.to_string(), flow.uuid.to_string());
            rows.add_row([flow.name.as_str(), &flow.r#type, &revision, &flow.modified_on, &uuid]);
        }
        write_table(&rows, to)
    }
}
