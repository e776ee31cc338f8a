//! `say_msg`: says a text in a call, or plays its recording.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, Localized, LocalizedText, MAX_TEMPLATE};
use crate::engine::{Execution, Halt};
use crate::event::EventKind;
use crate::inspect::Findings;
use crate::message::MsgOut;
use base::Urn;

#[derive(Clone, Debug)]
pub(super) struct SayMsg {
    text: Localized,
    audio_url: LocalizedText,
}

/// Makes the message of a call.
pub(super) fn speak(ex: &mut Execution<'_>, text: String, audio_url: &str, language: &str) {
    let Some(call) = ex.state.call.clone() else { return };
    let urn = Urn::parse(&call.urn).map_or_else(|_| call.urn.clone(), |u| u.identity().to_owned());
    let channel = ex.state.assets.channel(&call.channel.uuid).map_or(call.channel, crate::assets::Channel::reference);
    let msg = MsgOut {
        urn: Some(urn),
        channel: Some(channel),
        text,
        attachments: if audio_url.is_empty() { Vec::new() } else { vec![format!("audio:{audio_url}")] },
        locale: ex.locale(language),
        ..MsgOut::default()
    };
    ex.event(EventKind::IvrCreated { msg });
}

impl Kind for SayMsg {
    const TYPE: &'static str = "say_msg";
    const ALLOWED: AllowedIn = AllowedIn::Voice;

    fn read(fields: &Fields<'_>, item: Item<'_>) -> Result<Self> {
        fields.required("text", MAX_TEMPLATE)?;
        Ok(Self {
            text: item.template(fields, "text", MAX_TEMPLATE)?,
            audio_url: item.text("audio_url", fields.text("audio_url", 2048)?),
        })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let flow = ex.flow();
        let languages = ex.languages();
        let (templates, language) = self.text.choose(&languages, flow.language());
        let text = templates.first().map_or_else(String::new, |t| ex.text(t).0);
        let (audio_url, _) = self.audio_url.choose(&languages, flow.language());
        if text.is_empty() && audio_url.is_empty() {
            ex.error("Can't say message without audio URL or backdown text");
            return Ok(());
        }
        speak(ex, text, audio_url, language);
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("text").localized(&self.text);
    }
}
