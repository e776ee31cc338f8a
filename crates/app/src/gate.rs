//! The gate's first pass: whether a message may enter the outbox.
//!
//! What can change while a message waits (suppression, quiet hours, a paused or cancelled start, validity) is looked at
//! again by the statement that marks it `wired`.

use crate::settings::Settings;
use base::Millis;
use store::ops::{Class, Priority};

/// Why a message may not be sent. The words are those of the message's `detail` and of every count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The contact said STOP.
    OptedOut,
    /// The contact is blocked.
    Blocked,
    /// The contact is archived.
    Archived,
    /// The contact has no address that any channel reaches.
    NoRoute,
    /// The number's country is not on the allow-list.
    Country,
    /// The contact has had as many unsolicited messages as the cap allows.
    Cap,
    /// There is nothing to send.
    Empty,
}

impl Refusal {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::Blocked => "blocked",
            Self::Archived => "archived",
            Self::NoRoute => "no_route",
            Self::Country => "country",
            Self::Cap => "cap",
            Self::Empty => "empty",
        }
    }
}

/// What the word of a refusal, or of another end of a message, means to people; a word that is not known stays what it
/// is.
pub fn explain(word: &str) -> &str {
    match word {
        "opted_out" => "opted out with STOP",
        "blocked" => "blocked",
        "archived" => "archived",
        "no_route" => "no number that a channel reaches",
        "country" => "a country that is not allowed",
        "cap" => "had as many messages as the cap allows",
        "empty" => "the flow has nothing to say to them",
        "flow_missing" => "the flow is not there any more",
        "cancelled" => "the campaign was cancelled",
        "expired" => "too late to be of use",
        "problem" => "a problem on the work list",
        other => other,
    }
}

/// What the gate knows of the recipient.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Any address is on the suppression list.
    pub suppressed: bool,
    /// The contact's status.
    pub status: String,
    /// When the latest unsolicited messages went to the contact.
    pub unsolicited: Vec<i64>,
}

/// Looks at one message. `address` is its URN identity.
///
/// # Errors
/// The reason for which it may not be sent.
pub fn admit(
    settings: &Settings,
    recipient: &Recipient,
    address: Option<&str>,
    text: &str,
    priority: Priority,
    class: Class,
    now: Millis,
) -> Result<(), Refusal> {
    match recipient.status.as_str() {
        "blocked" => return Err(Refusal::Blocked),
        "archived" => return Err(Refusal::Archived),
        _ if class == Class::Confirmation => {}
        "stopped" => return Err(Refusal::OptedOut),
        _ if recipient.suppressed => return Err(Refusal::OptedOut),
        _ => {}
    }
    let address = address.ok_or(Refusal::NoRoute)?;
    if text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    if !country_allowed(settings, address) {
        return Err(Refusal::Country);
    }
    if let (Priority::Bulk, Some(cap)) = (priority, settings.cap) {
        let since = now - cap.per;
        if recipient.unsolicited.iter().filter(|at| **at > since.0).count() >= cap.messages {
            return Err(Refusal::Cap);
        }
    }
    Ok(())
}

/// Whether an address may be written to: an international number by its country code, a short code and any other scheme
/// always.
pub fn country_allowed(settings: &Settings, address: &str) -> bool {
    match address.strip_prefix("tel:+") {
        Some(number) if !settings.countries.is_empty() => {
            settings.countries.iter().any(|code| number.starts_with(code.trim_start_matches('+')))
        }
        _ => true,
    }
}

/// The times of unsolicited messages that still count, with `now` added.
pub fn remember(settings: &Settings, unsolicited: &mut Vec<i64>, now: Millis) {
    let Some(cap) = settings.cap else {
        unsolicited.clear();
        return;
    };
    let since = now - cap.per;
    unsolicited.retain(|at| *at > since.0);
    unsolicited.push(now.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Cap;
    use std::time::Duration;

    fn recipient(status: &str, suppressed: bool, unsolicited: &[i64]) -> Recipient {
        Recipient { suppressed, status: status.into(), unsolicited: unsolicited.to_vec() }
    }

    #[test]
    fn the_gate_refuses_by_reason() {
        let settings = Settings {
            countries: vec!["231".into()],
            cap: Some(Cap { messages: 2, per: Duration::from_mins(1) }),
            ..Settings::default()
        };
        let now = Millis(100_000);
        let check = |to: &Recipient, address: Option<&str>, text: &str, priority, class| {
            admit(&settings, to, address, text, priority, class, now)
        };
        let active = recipient("active", false, &[]);
        let home = Some("tel:+231990000001");
        let (bulk, reply, normal) = (Priority::Bulk, Priority::Reply, Class::Normal);
        assert_eq!(check(&active, home, "hi", bulk, normal), Ok(()));
        assert_eq!(check(&active, None, "hi", bulk, normal), Err(Refusal::NoRoute));
        assert_eq!(check(&active, home, "  ", bulk, normal), Err(Refusal::Empty));
        assert_eq!(check(&active, Some("tel:+4412345678"), "hi", reply, normal), Err(Refusal::Country));
        assert_eq!(check(&active, Some("tel:4321"), "hi", reply, normal), Ok(()));
        let full = recipient("active", false, &[50_000, 99_000]);
        assert_eq!(check(&full, home, "hi", bulk, normal), Err(Refusal::Cap));
        assert_eq!(check(&full, home, "hi", reply, normal), Ok(()), "caps never hold a reply");
        let stopped = recipient("stopped", true, &[]);
        assert_eq!(check(&stopped, home, "hi", reply, normal), Err(Refusal::OptedOut));
        assert_eq!(check(&stopped, home, "bye", reply, Class::Confirmation), Ok(()));
        let blocked = recipient("blocked", false, &[]);
        assert_eq!(check(&blocked, home, "bye", reply, Class::Confirmation), Err(Refusal::Blocked));
    }
}
