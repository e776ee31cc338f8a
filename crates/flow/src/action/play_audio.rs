//! `play_audio`: plays a recording in a call.

use super::say_msg::speak;
use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, Localized};
use crate::engine::{Execution, Halt};
use crate::inspect::Findings;

#[derive(Clone, Debug)]
pub(super) struct PlayAudio {
    audio_url: Localized,
}

impl Kind for PlayAudio {
    const TYPE: &'static str = "play_audio";
    const ALLOWED: AllowedIn = AllowedIn::Voice;

    fn read(fields: &Fields<'_>, item: Item<'_>) -> Result<Self> {
        fields.required("audio_url", 2048)?;
        Ok(Self { audio_url: item.template(fields, "audio_url", 2048)? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let flow = ex.flow();
        let languages = ex.languages();
        let (templates, language) = self.audio_url.choose(&languages, flow.language());
        let Some(template) = templates.first() else { return Ok(()) };
        let (url, fine) = ex.text(template);
        if !fine {
            return Ok(());
        }
        let url = url.trim();
        if url.is_empty() {
            ex.error("Audio URL evaluated to empty, skipping");
            return Ok(());
        }
        speak(ex, String::new(), url, language);
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("audio_url").localized(&self.audio_url);
    }
}
