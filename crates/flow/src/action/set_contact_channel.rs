//! `set_contact_channel`: the channel the contact is to be reached by.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt};
use crate::inspect::Findings;
use crate::modifier::Modifier;
use crate::reference::ChannelRef;

#[derive(Clone, Debug)]
pub(super) struct SetContactChannel {
    channel: Option<ChannelRef>,
}

impl Kind for SetContactChannel {
    const TYPE: &'static str = "set_contact_channel";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        let channel = match fields.object("channel")? {
            None => None,
            Some(channel) => {
                let (uuid, name) = channel.reference(64)?;
                Some(ChannelRef { uuid, name })
            }
        };
        Ok(Self { channel })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        if let Some(channel) = &self.channel
            && ex.state.assets.channel(&channel.uuid).is_none()
        {
            ex.missing(&channel.reference());
            return Ok(());
        }
        ex.modify(&Modifier::Channel { channel: self.channel.clone() })?;
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        if let Some(channel) = &self.channel {
            found.at("channel").reference(&channel.reference());
        }
    }
}
