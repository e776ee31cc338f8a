//! Reading the members of a definition's JSON objects, with errors that name them.

use super::error::{DefinitionError, Result};
use super::localization::Localization;
use crate::expression::Template;
use crate::reference::{FieldRef, FlowRef};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Longest template of most properties, in characters.
pub(crate) const MAX_TEMPLATE: usize = 10_000;

/// The members of one object.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    prefix: String,
}

fn invalid<T>(field: &str, problem: &str) -> Result<T> {
    Err(DefinitionError::new(format!("field '{field}' {problem}")))
}

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value) -> Result<Self> {
        match value {
            Value::Object(map) => Ok(Self { map, prefix: String::new() }),
            _ => Err(DefinitionError::new("not a JSON object")),
        }
    }

    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The member, if it is there and not null.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|v| !v.is_null())
    }

    /// A text, empty when absent.
    pub(crate) fn text(&self, key: &str, max: usize) -> Result<&'a str> {
        match self.get(key) {
            None => Ok(""),
            Some(Value::String(text)) if text.len() > max && text.chars().count() > max => {
                invalid(&self.name(key), &format!("must be less than or equal to {max}"))
            }
            Some(Value::String(text)) => Ok(text),
            Some(_) => invalid(&self.name(key), "must be a text"),
        }
    }

    /// A text that isn't empty.
    pub(crate) fn required(&self, key: &str, max: usize) -> Result<&'a str> {
        match self.text(key, max)? {
            "" => invalid(&self.name(key), "is required"),
            text => Ok(text),
        }
    }

    /// One of some words.
    pub(crate) fn word(&self, key: &str, words: &[&'static str]) -> Result<&'static str> {
        let text = self.required(key, usize::MAX)?;
        match words.iter().find(|w| **w == text) {
            Some(word) => Ok(word),
            None => invalid(&self.name(key), &format!("must be one of '{}'", words.join("', '"))),
        }
    }

    pub(crate) fn flag(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => invalid(&self.name(key), "must be true or false"),
        }
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value
                .as_u64()
                .or_else(|| value.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0).map(|n| n as u64))
            {
                Some(number) => Ok(Some(number)),
                None => invalid(&self.name(key), "must be a whole number from 0"),
            },
        }
    }

    pub(crate) fn uuid(&self, key: &str) -> Result<Uuid> {
        let text = self.required(key, usize::MAX)?;
        Uuid::try_parse(text).or_else(|_| invalid(&self.name(key), "must be a valid UUID"))
    }

    pub(crate) fn optional_uuid(&self, key: &str) -> Result<Option<Uuid>> {
        if self.text(key, usize::MAX)?.is_empty() { Ok(None) } else { self.uuid(key).map(Some) }
    }

    /// A list, empty when absent.
    pub(crate) fn list(&self, key: &str, max: usize) -> Result<&'a [Value]> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Value::Array(items)) if items.len() > max => {
                invalid(&self.name(key), &format!("must have a maximum of {max} items"))
            }
            Some(Value::Array(items)) => Ok(items),
            Some(_) => invalid(&self.name(key), "must be a list"),
        }
    }

    /// A list with at least one item.
    pub(crate) fn filled_list(&self, key: &str, max: usize) -> Result<&'a [Value]> {
        if self.get(key).is_none() {
            return invalid(&self.name(key), "is required");
        }
        match self.list(key, max)? {
            [] => invalid(&self.name(key), "must have a minimum of 1 items"),
            items => Ok(items),
        }
    }

    /// An object.
    pub(crate) fn object(&self, key: &str) -> Result<Option<Fields<'a>>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields { map, prefix: format!("{}{key}.", self.prefix) })),
            Some(_) => invalid(&self.name(key), "must be an object"),
        }
    }

    pub(crate) fn required_object(&self, key: &str) -> Result<Fields<'a>> {
        match self.object(key)? {
            Some(object) => Ok(object),
            None => invalid(&self.name(key), "is required"),
        }
    }

    /// The objects of a list.
    pub(crate) fn objects(&self, key: &str, max: usize) -> Result<Vec<Fields<'a>>> {
        let items = self.list(key, max)?;
        let item = |(i, value): (usize, &'a Value)| match value {
            Value::Object(map) => Ok(Fields { map, prefix: format!("{}{key}[{i}].", self.prefix) }),
            _ => invalid(&format!("{}[{i}]", self.name(key)), "must be an object"),
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, key: &str, max: usize, max_length: usize) -> Result<Vec<&'a str>> {
        let items = self.list(key, max)?;
        let item = |(i, value): (usize, &'a Value)| match value {
            Value::String(text) if text.chars().count() <= max_length => Ok(text.as_str()),
            Value::String(_) => {
                invalid(&format!("{}[{i}]", self.name(key)), &format!("must be less than or equal to {max_length}"))
            }
            _ => invalid(&format!("{}[{i}]", self.name(key)), "must be a text"),
        };
        items.iter().enumerate().map(item).collect()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.map.iter()
    }

    pub(crate) fn invalid<T>(&self, key: &str, problem: &str) -> Result<T> {
        invalid(&self.name(key), problem)
    }

    /// A template.
    pub(crate) fn template(&self, key: &str, max: usize) -> Result<Template> {
        self.text(key, max).map(Template::parse)
    }

    /// The templates of a list.
    pub(crate) fn templates(&self, key: &str, max: usize, max_length: usize) -> Result<Vec<Template>> {
        Ok(self.texts(key, max, max_length)?.into_iter().map(Template::parse).collect())
    }

    /// `{"uuid", "name"}`, as any kind of reference.
    pub(crate) fn reference(&self, max_name: usize) -> Result<(Uuid, String)> {
        Ok((self.uuid("uuid")?, self.text("name", max_name)?.to_owned()))
    }

    pub(crate) fn flow(&self, key: &str) -> Result<FlowRef> {
        let fields = self.required_object(key)?;
        let (uuid, name) = fields.reference(64)?;
        Ok(FlowRef { uuid, name, revision: 0 })
    }

    pub(crate) fn field(&self, key: &str) -> Result<FieldRef> {
        let fields = self.required_object(key)?;
        Ok(FieldRef { key: fields.required("key", 64)?.to_owned(), name: fields.text("name", 64)?.to_owned() })
    }
}

/// Templates of a property in the flow's language and in its translations.
#[derive(Clone, Debug)]
pub(crate) struct Localized {
    /// In the flow's language: one for a text, any number for a list.
    pub(crate) base: Vec<Template>,
    /// Language -> templates, for translations that count.
    pub(crate) translations: Vec<(String, Vec<Template>)>,
}

/// A text that isn't evaluated, in the flow's language and in its translations.
#[derive(Clone, Debug)]
pub(crate) struct LocalizedText {
    pub(crate) base: String,
    pub(crate) translations: Vec<(String, String)>,
}

/// Where an item's translations are found.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) localization: &'a Localization,
    pub(crate) uuid: Uuid,
}

impl Item<'_> {
    fn localized(&self, property: &str, base: Vec<Template>) -> Localized {
        let parse = |texts: &[String]| texts.iter().map(|t| Template::parse(t)).collect();
        let translations = self.localization.translations(&self.uuid, property);
        Localized { base, translations: translations.map(|(l, texts)| (l.to_owned(), parse(texts))).collect() }
    }

    pub(crate) fn template(&self, fields: &Fields<'_>, property: &str, max: usize) -> Result<Localized> {
        Ok(self.localized(property, vec![fields.template(property, max)?]))
    }

    pub(crate) fn templates(
        &self,
        fields: &Fields<'_>,
        property: &str,
        max: usize,
        max_length: usize,
    ) -> Result<Localized> {
        Ok(self.localized(property, fields.templates(property, max, max_length)?))
    }

    pub(crate) fn text(&self, property: &str, base: &str) -> LocalizedText {
        let translations = self.localization.translations(&self.uuid, property);
        LocalizedText {
            base: base.to_owned(),
            translations: translations.filter_map(|(l, texts)| Some((l.to_owned(), texts.first()?.clone()))).collect(),
        }
    }
}

impl Localized {
    /// The templates for the first of the languages that there are any for, and that language. `languages` ends where
    /// it reaches the flow's own.
    pub(crate) fn choose<'a>(&'a self, languages: &[Box<str>], own: &'a str) -> (&'a [Template], &'a str) {
        for language in languages {
            if **language == *own {
                break;
            }
            if let Some((chosen, templates)) = self.translations.iter().find(|(l, _)| **l == **language) {
                return (templates, chosen);
            }
        }
        (&self.base, own)
    }
}

impl LocalizedText {
    /// The text for the first of the languages that there is one for, and that language.
    pub(crate) fn choose<'a>(&'a self, languages: &[Box<str>], own: &'a str) -> (&'a str, &'a str) {
        for language in languages {
            if **language == *own {
                break;
            }
            if let Some((chosen, text)) = self.translations.iter().find(|(l, _)| **l == **language) {
                return (text, chosen);
            }
        }
        (&self.base, own)
    }
}
