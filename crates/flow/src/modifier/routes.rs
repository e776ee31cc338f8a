//! `urns`, `routes`, `channel`, `affinity`: addresses and the channels they go by.

use super::{Route, Target, UrnsChange};
use crate::assets::{Channel, Role};
use crate::contact::channel_of;
use crate::engine::Halt;
use crate::event::EventKind;
use crate::reference::ChannelRef;
use base::Urn;

/// Most addresses of a contact.
const MAX_URNS: usize = 50;

fn with_channel(urn: &Urn, channel: Option<&Channel>) -> Urn {
    urn.with_query("channel", channel.map(|c| c.uuid.to_string()).as_deref())
}

/// Whether any channel that carries the scheme may take an address over, not only its own.
fn is_free(urn: &Urn) -> bool {
    match urn.scheme() {
        "tel" => true,
        "whatsapp" => !urn.path().contains('.'),
        _ => false,
    }
}

impl Target<'_, '_> {
    fn urns_changed(&mut self, before: &[Urn]) -> bool {
        if self.contact.urns == before {
            return false;
        }
        let urns = self.contact.urns.iter().map(ToString::to_string).collect();
        self.event(EventKind::ContactUrnsChanged { urns });
        true
    }

    pub(super) fn change_routes(&mut self, routes: &[Route], change: UrnsChange) -> Result<bool, Halt> {
        let before = self.contact.urns.clone();
        let mut urns = if change == UrnsChange::Set { Vec::new() } else { before.clone() };
        for route in routes {
            let normalized = Urn::parse(&route.urn).map(|u| u.normalized(self.env.default_country.as_deref()));
            let Some(urn) = normalized.ok().filter(|u| u.validate().is_ok()) else {
                self.error(format!("'{}' is not valid URN", route.urn), Some("urn:invalid"), &[]);
                continue;
            };
            if change == UrnsChange::Remove {
                urns.retain(|u| u.identity() != urn.identity());
                continue;
            }
            let own = before.iter().find(|u| u.identity() == urn.identity());
            let channel = route.channel.as_ref().and_then(|c| self.assets.channel(&c.uuid));
            if let Some(place) = urns.iter().position(|u| u.identity() == urn.identity()) {
                if change == UrnsChange::Append && channel.is_some() {
                    urns[place] = with_channel(&urns[place], channel);
                }
                continue;
            }
            if urns.len() >= MAX_URNS {
                self.error(format!("Contact has too many URNs, limit is {MAX_URNS}"), None, &[]);
                break;
            }
            if own.is_none() && !self.asker.claim(self.contact.uuid, urn.identity())? {
                self.error("URN is taken by another contact", Some("urn:taken"), &[("urn", urn.identity())]);
                continue;
            }
            let base = own.cloned().unwrap_or_else(|| urn.with_query("channel", None));
            urns.push(if channel.is_some() { with_channel(&base, channel) } else { base });
        }
        self.contact.urns = urns;
        Ok(self.urns_changed(&before))
    }

    pub(super) fn prefer_channel(&mut self, channel: Option<&ChannelRef>) -> bool {
        let before = self.contact.urns.clone();
        match channel {
            None => self.contact.urns = before.iter().map(|u| with_channel(u, None)).collect(),
            Some(reference) => {
                let Some(channel) = self.assets.channel(&reference.uuid) else { return false };
                if !channel.has_role(Role::Send) {
                    self.error("Can't set channel that can't send as the preferred channel", None, &[]);
                    return false;
                }
                let (mut first, mut rest) = (Vec::new(), Vec::new());
                for urn in &before {
                    let takes = channel.supports(urn.scheme()) && (is_free(urn) || channel_of(urn).is_none());
                    let urn = if takes { with_channel(urn, Some(channel)) } else { urn.clone() };
                    if channel_of(&urn) == Some(channel.uuid) { first.push(urn) } else { rest.push(urn) }
                }
                first.extend(rest);
                self.contact.urns = first;
            }
        }
        self.urns_changed(&before)
    }

    pub(super) fn set_affinity(&mut self, urn: &str, channel: Option<&ChannelRef>) -> bool {
        let before = self.contact.urns.clone();
        let Ok(urn) = Urn::parse(urn).map(|u| u.normalized(self.env.default_country.as_deref())) else { return false };
        let Some(place) = before.iter().position(|u| u.identity() == urn.identity()) else { return false };
        let channel = channel.and_then(|c| self.assets.channel(&c.uuid));
        let urn = self.contact.urns.remove(place);
        self.contact.urns.insert(0, with_channel(&urn, channel));
        self.urns_changed(&before)
    }
}
