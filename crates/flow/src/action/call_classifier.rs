//! `call_classifier`: no longer supported; its result is always a failure.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, MAX_TEMPLATE};
use crate::engine::{Execution, Halt, NewResult};
use crate::expression::Template;
use crate::inspect::Findings;

#[derive(Clone, Debug)]
pub(super) struct CallClassifier {
    input: Template,
    result_name: String,
}

impl Kind for CallClassifier {
    const TYPE: &'static str = "call_classifier";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        fields.required("input", MAX_TEMPLATE)?;
        Ok(Self {
            input: fields.template("input", MAX_TEMPLATE)?,
            result_name: fields.required("result_name", 64)?.to_owned(),
        })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let (input, _) = ex.text(&self.input);
        ex.warning("NLU classifiers are no longer supported", None, &[]);
        ex.save_result(NewResult {
            name: &self.result_name,
            value: "0".to_owned(),
            category: "Failure",
            category_localized: "",
            input,
            extra: None,
        });
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("input").template(&self.input);
        found.result(&self.result_name, &["Success", "Skipped", "Failure"]);
    }
}
