//! Translations of a definition's texts.

use super::error::{DefinitionError, Result};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

const MAX_ITEMS: usize = 300_000;
const MAX_PROPERTIES: usize = 10;
const MAX_VALUES: usize = 10;
const MAX_VALUE: usize = 10_000;
const MAX_OTHER: usize = 10_000;

type Properties = HashMap<String, Vec<String>>;

/// Language -> item -> property -> texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Localization {
    languages: Vec<(String, HashMap<Uuid, Properties>)>,
}

impl Localization {
    pub(crate) fn read(value: Option<&Value>) -> Result<Self> {
        let mut languages = Vec::new();
        let Some(value) = value else { return Ok(Self::default()) };
        let Value::Object(map) = value else { return Err(DefinitionError::new("invalid localization: not an object")) };
        for (language, items) in map {
            let place = || format!("invalid localization: invalid translation for '{language}'");
            if !valid_language(language) {
                return Err(DefinitionError::new(format!(
                    "invalid localization: '{language}' is not a valid language"
                )));
            }
            if items.is_null() {
                languages.push((language.clone(), HashMap::new()));
                continue;
            }
            let Value::Object(items) = items else { return Err(DefinitionError::new("not an object").within(place())) };
            if items.len() > MAX_ITEMS {
                return Err(DefinitionError::new(format!("can't have more than {MAX_ITEMS} items")).within(place()));
            }
            let mut read = HashMap::with_capacity(items.len());
            for (item, properties) in items {
                let uuid = Uuid::try_parse(item)
                    .map_err(|_| DefinitionError::new(format!("'{item}' is not a valid item UUID")).within(place()))?;
                if properties.is_null() {
                    continue;
                }
                read.insert(
                    uuid,
                    read_properties(properties).map_err(|e| e.within(format!("{}: item {item}", place())))?,
                );
            }
            languages.push((language.clone(), read));
        }
        Ok(Self { languages })
    }

    pub(crate) fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.iter().map(|(l, _)| l.as_str())
    }

    /// The translations of an item's property that count: those with a text.
    pub(crate) fn translations<'a>(
        &'a self,
        item: &'a Uuid,
        property: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a [String])> {
        self.languages.iter().filter_map(move |(language, items)| {
            let texts = items.get(item)?.get(property)?;
            let counts = !(texts.is_empty() || texts.len() == 1 && texts[0].is_empty());
            counts.then_some((language.as_str(), texts.as_slice()))
        })
    }
}

/// Whether a text can be an ISO 639-3 code.
pub(crate) fn valid_language(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|b| b.is_ascii_lowercase())
}

fn read_properties(value: &Value) -> Result<Properties> {
    let Value::Object(map) = value else { return Err(DefinitionError::new("not an object")) };
    if map.len() > MAX_PROPERTIES {
        return Err(DefinitionError::new(format!("can't have more than {MAX_PROPERTIES} properties")));
    }
    let mut properties = Properties::with_capacity(map.len());
    for (name, value) in map {
        if !(1..=64).contains(&name.chars().count()) {
            return Err(DefinitionError::new(format!("property name '{name}' must have 1 to 64 characters")));
        }
        let texts = value
            .as_array()
            .and_then(|items| items.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>());
        match texts {
            Some(texts) => {
                if texts.len() > MAX_VALUES {
                    return Err(DefinitionError::new(format!(
                        "property '{name}' can't have more than {MAX_VALUES} values"
                    )));
                }
                if texts.iter().any(|t| t.chars().count() > MAX_VALUE) {
                    return Err(DefinitionError::new(format!(
                        "property '{name}' has a value over {MAX_VALUE} characters"
                    )));
                }
                properties.insert(name.clone(), texts);
            }
            None if value.to_string().len() > MAX_OTHER => {
                return Err(DefinitionError::new(format!("property '{name}' is over {MAX_OTHER} bytes")));
            }
            None => {}
        }
    }
    Ok(properties)
}
