//! Message templates that a channel's provider has approved.

use crate::message::{MsgOut, QuickReply, Templating, TemplatingComponent, TemplatingVariable};
use crate::pairs::Pairs;
use crate::reference::{ChannelRef, TemplateRef};
use serde::Deserialize;
use uuid::Uuid;

/// A template with its translations.
#[derive(Clone, Debug, Deserialize)]
pub struct Template {
    /// What identifies it.
    pub uuid: Uuid,
    /// What people call it.
    pub name: String,
    /// One per channel and locale.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub translations: Vec<Translation>,
}

/// A template as one channel has it in one locale.
#[derive(Clone, Debug, Deserialize)]
pub struct Translation {
    /// The channel.
    pub channel: ChannelRef,
    /// `eng-US` or `eng`.
    pub locale: String,
    /// Parts of the message.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub components: Vec<Component>,
    /// Places to fill.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub variables: Vec<Variable>,
}

/// A part of a template.
#[derive(Clone, Debug, Deserialize)]
pub struct Component {
    /// `header`, `body`, `button.0`...
    pub name: String,
    /// `body/text`, `button/quick_reply`...
    #[serde(rename = "type")]
    pub kind: String,
    /// Text with `{{1}}`-style places.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub content: String,
    /// What a button shows, if not its content.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub display: String,
    /// Place -> index of the variable.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub variables: Pairs<usize>,
}

/// A place to fill.
#[derive(Clone, Debug, Deserialize)]
pub struct Variable {
    /// `text`, `image`...
    #[serde(rename = "type")]
    pub kind: String,
}

/// Languages in BCP 47 prefer two letters; locales here have three. Only equality matters.
fn split(locale: &str) -> (&str, &str) {
    locale.split_once('-').unwrap_or((locale, ""))
}

impl Template {
    /// How it is referred to.
    pub fn reference(&self) -> TemplateRef {
        TemplateRef::new(self.uuid, self.name.clone())
    }

    /// The channel's translation that is closest to the first of the locales that one has the language of.
    pub fn translation(&self, channel: &Uuid, locales: &[String]) -> Option<&Translation> {
        let candidates: Vec<&Translation> = self.translations.iter().filter(|t| t.channel.uuid == *channel).collect();
        for locale in locales.iter().filter(|l| !l.is_empty()) {
            let (language, country) = split(locale);
            let of_language = || candidates.iter().filter(|t| split(&t.locale).0 == language);
            let found = of_language()
                .find(|t| split(&t.locale).1 == country)
                .or_else(|| of_language().find(|t| split(&t.locale).1.is_empty()))
                .or_else(|| of_language().next());
            if let Some(found) = found {
                return Some(found);
            }
        }
        None
    }

    /// Fills a translation in: the message that it previews, and what the channel is told.
    pub fn fill(&self, translation: &Translation, values: &[String], message: &mut MsgOut) {
        let value = |i: usize| values.get(i).map_or("", String::as_str);
        let mut texts = Vec::new();
        message.quick_replies.clear();
        message.attachments.clear();
        for component in &translation.components {
            let mut content = component.content.clone();
            for (place, index) in component.variables.iter() {
                let media = translation.variables.get(*index).is_some_and(|v| v.kind != "text");
                if media {
                    let value = value(*index);
                    if !value.is_empty() && value.contains(':') {
                        message.attachments.push(value.to_owned());
                    }
                }
                content = content.replace(&format!("{{{{{place}}}}}"), if media { "" } else { value(*index) });
            }
            if component.kind.starts_with("header/")
                || component.kind.starts_with("body/")
                || component.kind.starts_with("footer/")
            {
                if !content.is_empty() {
                    texts.push(content);
                }
            } else if component.kind.starts_with("button/") {
                let shown = if component.display.is_empty() { content } else { component.display.clone() };
                message.quick_replies.push(QuickReply { kind: "text".into(), text: shown, extra: String::new() });
            }
        }
        message.text = texts.join("\n\n");
        message.locale.clone_from(&translation.locale);
        message.templating = Some(Templating {
            template: self.reference(),
            components: translation
                .components
                .iter()
                .filter(|c| !c.variables.is_empty())
                .map(|c| TemplatingComponent {
                    kind: c.kind.clone(),
                    name: c.name.clone(),
                    variables: c.variables.clone(),
                })
                .collect(),
            variables: translation
                .variables
                .iter()
                .enumerate()
                .map(|(i, v)| TemplatingVariable { kind: v.kind.clone(), value: value(i).to_owned() })
                .collect(),
        });
    }
}
