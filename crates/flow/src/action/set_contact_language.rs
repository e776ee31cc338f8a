//! `set_contact_language`: the language the contact speaks.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, MAX_TEMPLATE};
use crate::definition::localization::valid_language;
use crate::engine::{Execution, Halt};
use crate::expression::Template;
use crate::inspect::Findings;
use crate::modifier::Modifier;

#[derive(Clone, Debug)]
pub(super) struct SetContactLanguage {
    language: Template,
}

impl Kind for SetContactLanguage {
    const TYPE: &'static str = "set_contact_language";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        Ok(Self { language: fields.template("language", MAX_TEMPLATE)? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let (language, fine) = ex.text(&self.language);
        if !fine {
            return Ok(());
        }
        let language = language.trim().to_lowercase();
        if !language.is_empty() && !valid_language(&language) {
            ex.error(if language.chars().count() == 3 {
                format!("unrecognized language code: {language}")
            } else {
                format!("iso-639-3 codes must be 3 characters, got: {language}")
            });
            return Ok(());
        }
        ex.modify(&Modifier::Language { language })?;
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("language").template(&self.language);
    }
}
