//! Resources: which text is said in which language.

use super::FlowImport;
use crate::floip::ids;
use crate::floip::model::Resource;
use base::lang::Lang;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A text in the flow's own language and in others, with attachments.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) own: String,
    pub(super) others: BTreeMap<String, String>,
    pub(super) attachments: Vec<String>,
    pub(super) other_attachments: BTreeMap<String, Vec<String>>,
}

impl Said {
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.attachments.is_empty()
    }
}

/// Texts by language: what is said, property by property, item by item.
pub(super) type Localization = BTreeMap<String, BTreeMap<Uuid, Map<String, Value>>>;

/// The modes of texts, the best for a text message first.
const MODES: [&str; 5] = ["SMS", "TEXT", "USSD", "RICH_MESSAGING", "OFFLINE"];

impl FlowImport<'_> {
    /// The languages of the flow: identifier in the document and ISO 639-3 code; the first is the flow's own.
    pub(super) fn read_languages(&mut self) {
        let mut languages = self.flow.languages.clone();
        if languages.is_empty() {
            let ids = self.flow.resources.iter().flat_map(|(_, resource)| &resource.values);
            for value in ids.filter(|value| !value.value.trim().is_empty()) {
                if languages.iter().all(|language| language.id != value.language) {
                    languages.push(crate::floip::model::Language {
                        id: value.language.clone(),
                        names: vec![value.language.clone()],
                    });
                }
            }
        }
        for language in languages {
            let known = language.names.iter().find_map(|name| Lang::parse(name).ok());
            let code = match known {
                Some(lang) => lang.as_str().to_owned(),
                None if self.languages.is_empty() => "und".to_owned(),
                None => {
                    let what =
                        format!("the language '{}' is unknown; its texts are left out", language.names.join(", "));
                    self.problem(None, &what, "Give the language its code of ISO 639-3.");
                    continue;
                }
            };
            if self.languages.iter().any(|(_, other)| *other == code) {
                let what = format!("'{}' is a second set of texts in {code}; it is left out", language.id);
                self.problem(None, &what, "Keep one set of texts for each language.");
                continue;
            }
            self.languages.push((language.id, code));
        }
        if self.languages.is_empty() {
            self.languages.push((String::new(), "und".to_owned()));
        }
    }

    /// What a resource says, untranslated; `None` if there is no such resource.
    pub(super) fn resource(&self, id: &str) -> Option<Said> {
        let found: Vec<&Resource> =
            self.flow.resources.iter().filter(|(other, _)| other == id).map(|(_, resource)| resource).collect();
        if found.is_empty() {
            return None;
        }
        let mut said = Said::default();
        for (at, (language, code)) in self.languages.iter().enumerate() {
            let values = || {
                found
                    .iter()
                    .flat_map(|resource| &resource.values)
                    .filter(|value| value.language == *language && !value.value.trim().is_empty())
            };
            let rank = |modes: &[String]| {
                let best = modes.iter().filter_map(|mode| MODES.iter().position(|known| known == mode)).min();
                if modes.is_empty() { 1 } else { best.unwrap_or(MODES.len()) }
            };
            let text = values().filter(|value| value.kind == "TEXT").min_by_key(|value| rank(&value.modes));
            let media = values().filter(|value| {
                value.kind != "TEXT"
                    && (value.modes.is_empty() || value.modes.iter().any(|mode| mode == "RICH_MESSAGING"))
            });
            let attachments: Vec<String> = media
                .map(|value| {
                    let kind =
                        if value.mime_type.is_empty() { value.kind.to_lowercase() } else { value.mime_type.clone() };
                    format!("{kind}:{}", value.value.trim())
                })
                .take(10)
                .collect();
            let text = text.map(|value| value.value.trim().to_owned());
            if at == 0 {
                said.own = text.unwrap_or_default();
                said.attachments = attachments;
            } else {
                said.others.extend(text.map(|text| (code.clone(), text)));
                if !attachments.is_empty() {
                    said.other_attachments.insert(code.clone(), attachments);
                }
            }
        }
        // What the flow's own language lacks is said in the first language that has it.
        if said.own.is_empty()
            && let Some(text) = said.others.values().next()
        {
            said.own = text.clone();
        }
        said.others.retain(|_, text| !text.is_empty());
        Some(said)
    }

    /// What a place of a block's configuration says: a resource, or a text as it stands.
    pub(super) fn said(&self, reference: &str) -> Option<Said> {
        if reference.is_empty() {
            return None;
        }
        match self.resource(reference) {
            Some(said) => Some(said),
            None if ids::read(reference).is_some() => None,
            None => Some(Said { own: reference.to_owned(), ..Said::default() }),
        }
    }

    /// Keeps translations of a property of an item.
    pub(super) fn translate(&mut self, item: Uuid, property: &str, texts: impl IntoIterator<Item = (String, Value)>) {
        for (language, list) in texts {
            let items = self.localization.entry(language).or_default();
            items.entry(item).or_default().insert(property.to_owned(), list);
        }
    }

    /// The name of a way out: that of its label, else its tag.
    pub(super) fn label(&self, label: &str, tag: &str, otherwise: &str) -> (String, BTreeMap<String, String>) {
        let said = self.said(label).unwrap_or_default();
        let first = [said.own.as_str(), tag, otherwise].into_iter().find(|text| !text.trim().is_empty());
        let own = super::super::shape::short(first.unwrap_or(otherwise));
        let others = if said.own.is_empty() { BTreeMap::new() } else { said.others };
        (own, others.into_iter().map(|(language, text)| (language, super::super::shape::short(&text))).collect())
    }

    /// The localization of the flow as it is written in its definition.
    pub(super) fn localization_json(&self) -> Value {
        let languages = self.localization.iter().map(|(language, items)| {
            let items: Map<String, Value> =
                items.iter().map(|(item, properties)| (item.to_string(), json!(properties))).collect();
            (language.clone(), Value::Object(items))
        });
        Value::Object(languages.collect())
    }
}
