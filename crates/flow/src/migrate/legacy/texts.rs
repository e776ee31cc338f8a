//! Texts that were written beside their translations.

use super::{Conversion, migrated};
use serde_json::Value;

/// A text in the flow's language and its translations, in order.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) base: String,
    pub(super) translations: Vec<(String, String)>,
}

impl Conversion<'_> {
    /// From a plain text, or an object of texts by language.
    pub(super) fn texts(&self, value: Option<&Value>) -> Texts {
        match value {
            Some(Value::String(text)) => Texts { base: text.clone(), translations: Vec::new() },
            Some(Value::Object(by_language)) => {
                let own = by_language.get(&self.base_language).or_else(|| by_language.get("base"));
                let texts = by_language.iter().filter(|(l, _)| **l != self.base_language && *l != "base");
                Texts {
                    base: own.and_then(Value::as_str).unwrap_or_default().to_owned(),
                    translations: texts.filter_map(|(l, t)| Some((l.clone(), t.as_str()?.to_owned()))).collect(),
                }
            }
            Some(Value::Number(number)) => Texts { base: number.to_string(), translations: Vec::new() },
            _ => Texts::default(),
        }
    }

    /// Keeps the translations of a text, each changed by `change`; gives the text itself, changed.
    pub(super) fn localize(
        &mut self,
        texts: &Texts,
        item: &str,
        property: &str,
        change: &dyn Fn(&str) -> String,
    ) -> String {
        for (language, text) in texts.translations.iter().filter(|(_, text)| !text.is_empty()) {
            self.translate(language, item, property, vec![change(text)]);
        }
        change(&texts.base)
    }

    /// As [`Conversion::localize`], for templates.
    pub(super) fn localize_template(&mut self, value: Option<&Value>, item: &str, property: &str) -> String {
        let texts = self.texts(value);
        self.localize(&texts, item, property, &migrated)
    }

    /// Keeps the translations of a list of texts, with empty texts where one isn't translated.
    pub(super) fn localize_list(&mut self, values: &[Value], item: &str, property: &str) -> Vec<String> {
        let all: Vec<Texts> = values.iter().map(|v| self.texts(Some(v))).collect();
        let mut languages: Vec<&String> = Vec::new();
        for (language, _) in all.iter().flat_map(|t| &t.translations) {
            if !languages.contains(&language) {
                languages.push(language);
            }
        }
        for language in languages {
            let of = |t: &Texts| {
                t.translations.iter().find(|(l, _)| l == language).map_or_else(String::new, |(_, t)| migrated(t))
            };
            self.translate(language, item, property, all.iter().map(of).collect());
        }
        all.iter().map(|t| migrated(&t.base)).collect()
    }

    /// A media path as a URL.
    pub(super) fn media(&self, path: &str) -> String {
        if path.is_empty() || path.contains('@') || path.starts_with("http://") || path.starts_with("https://") {
            return path.to_owned();
        }
        format!("{}/{}", self.media_url.trim_end_matches('/'), path.trim_start_matches('/'))
    }

    /// `type:path` as an attachment; the type is an image's when there is none.
    pub(super) fn attachment(&self, media: &str) -> String {
        let (kind, path) = match media.split_once(':') {
            Some(("http" | "https", _)) | None => ("image", media),
            Some((kind, path)) => (kind, path),
        };
        format!("{kind}:{}", migrated(&self.media(path)))
    }
}
