//! `set_run_local`: keeps a text while the run goes on.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt};
use crate::expression::Template;
use crate::inspect::Findings;

#[derive(Clone, Debug)]
pub(super) struct SetRunLocal {
    local: String,
    value: Template,
    operation: &'static str,
}

/// The name of a local: `[a-z_][a-z0-9_]{0,63}`.
pub(super) fn local_name(fields: &Fields<'_>, key: &str) -> Result<String> {
    let name = fields.required(key, 64)?;
    let fine = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if fine { Ok(name.to_owned()) } else { fields.invalid(key, "is not a valid local variable name") }
}

impl Kind for SetRunLocal {
    const TYPE: &'static str = "set_run_local";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        Ok(Self {
            local: local_name(fields, "local")?,
            value: fields.template("value", 1000)?,
            operation: fields.word("operation", &["set", "increment", "clear"])?,
        })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        if self.operation == "clear" {
            ex.run_mut().locals.remove(&self.local);
            return Ok(());
        }
        let (value, fine) = ex.text(&self.value);
        if !fine {
            return Ok(());
        }
        if self.operation == "set" {
            ex.set_local(&self.local, value);
            return Ok(());
        }
        let Ok(increment) = value.trim().parse::<i64>() else {
            ex.error("Increment value is not an integer");
            return Ok(());
        };
        let before = ex.run().locals.get(&self.local).and_then(|v| v.trim().parse::<i64>().ok()).unwrap_or(0);
        ex.set_local(&self.local, before.saturating_add(increment).to_string());
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("value").template(&self.value);
        if self.operation != "clear" {
            found.local(&self.local);
        }
    }
}
