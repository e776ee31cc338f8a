//! `set_run_result`: records a value.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, LocalizedText, MAX_TEMPLATE};
use crate::engine::{Execution, Halt, NewResult};
use crate::expression::Template;
use crate::inspect::Findings;

#[derive(Clone, Debug)]
pub(super) struct SetRunResult {
    name: String,
    value: Template,
    category: LocalizedText,
}

impl Kind for SetRunResult {
    const TYPE: &'static str = "set_run_result";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, item: Item<'_>) -> Result<Self> {
        Ok(Self {
            name: fields.required("name", 64)?.to_owned(),
            value: fields.template("value", MAX_TEMPLATE)?,
            category: item.text("category", fields.text("category", 64)?),
        })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let (value, fine) = ex.text(&self.value);
        if !fine {
            return Ok(());
        }
        let flow = ex.flow();
        let languages = ex.languages();
        let (localized, _) = self.category.choose(&languages, flow.language());
        ex.save_result(NewResult {
            name: &self.name,
            value,
            category: &self.category.base,
            category_localized: localized,
            input: String::new(),
            extra: None,
        });
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("value").template(&self.value);
        let category = self.category.base.as_str();
        found.result(&self.name, if category.is_empty() { &[] } else { std::slice::from_ref(&category) });
    }
}
