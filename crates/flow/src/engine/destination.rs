//! Which address and channel a message goes to.

use crate::assets::{Assets, Channel, Role};
use crate::contact::{Contact, channel_of};
use base::{Urn, phone};
use std::cell::RefCell;

/// The country of the phone number that was asked for last: in one sprint it is mostly the same one.
#[derive(Default)]
pub(crate) struct Regions(RefCell<Option<(String, Option<String>)>>);

impl Regions {
    fn of(&self, number: &str) -> Option<String> {
        let mut last = self.0.borrow_mut();
        match &*last {
            Some((known, region)) if known == number => region.clone(),
            _ => {
                let region = phone::region_of(number);
                *last = Some((number.to_owned(), region.clone()));
                region
            }
        }
    }
}

/// The country of a contact: of the channel it prefers, else of its first phone number.
pub(crate) fn country(assets: &Assets, contact: &Contact, regions: &Regions) -> Option<String> {
    let preferred = contact.preferred_channel().and_then(|uuid| assets.channel(&uuid));
    if let Some(channel) = preferred
        && !channel.country.is_empty()
    {
        return Some(channel.country.clone());
    }
    contact.urns.iter().filter(|u| u.scheme() == "tel").find_map(|u| regions.of(&u.path()))
}

/// The first address that a channel is found for, and the channel.
pub(crate) fn resolve<'a>(
    assets: &'a Assets,
    contact: &'a Contact,
    regions: &Regions,
) -> Option<(&'a Urn, &'a Channel)> {
    contact.urns.iter().find_map(|urn| Some((urn, channel_for(assets, urn, regions)?)))
}

fn channel_for<'a>(assets: &'a Assets, urn: &Urn, regions: &Regions) -> Option<&'a Channel> {
    let scheme = urn.scheme();
    let fits = |c: &Channel| c.has_role(Role::Send) && c.supports(scheme);
    if let Some(own) = channel_of(urn).and_then(|uuid| assets.channel(&uuid)).filter(|c| fits(c)) {
        return Some(own);
    }
    if scheme != "tel" {
        return assets.channels().iter().find(|c| fits(c));
    }
    let path = urn.path();
    let country = std::cell::OnceCell::new();
    let of_country = |wanted: &str| {
        let known = country.get_or_init(|| regions.of(&path)).as_deref();
        known.is_none_or(|known| known == wanted)
    };
    let candidates: Vec<&Channel> = assets
        .channels()
        .iter()
        .filter(|c| fits(c))
        .filter(|c| c.country.is_empty() || c.allow_international || of_country(&c.country))
        .collect();
    if let [only] = candidates[..] {
        return Some(only);
    }
    let number = path.trim_start_matches('+');
    let overlap = |channel: &Channel| {
        let common = |prefix: &str| prefix.bytes().zip(number.bytes()).take_while(|(a, b)| a == b).count();
        if channel.match_prefixes.is_empty() {
            common(channel.address.trim_start_matches('+'))
        } else {
            channel.match_prefixes.iter().map(|p| common(p.trim_start_matches('+'))).max().unwrap_or(0)
        }
    };
    candidates.into_iter().max_by_key(|c| overlap(c))
}
