//! Channels: ways in and out.

use crate::reference::ChannelRef;
use serde::Deserialize;
use uuid::Uuid;

/// What a channel can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Send messages.
    Send,
    /// Receive messages.
    Receive,
    /// Make calls.
    Call,
    /// Take calls.
    Answer,
    /// Anything newer.
    #[serde(other)]
    Other,
}

/// A way in and out.
#[derive(Clone, Debug, Deserialize)]
pub struct Channel {
    /// What identifies it.
    pub uuid: Uuid,
    /// What people call it.
    pub name: String,
    /// Number or handle.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub address: String,
    /// URN schemes it carries.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub schemes: Vec<String>,
    /// What it can do.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub roles: Vec<Role>,
    /// Country of a phone channel: two letters, or empty.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub country: String,
    /// Prefixes of the numbers it is best for, without `+`.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub match_prefixes: Vec<String>,
    /// Whether it may carry numbers of other countries.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub allow_international: bool,
}

impl Channel {
    /// How it is referred to.
    pub fn reference(&self) -> ChannelRef {
        ChannelRef::new(self.uuid, self.name.clone())
    }

    /// Whether it can do something.
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether it carries a scheme.
    pub fn supports(&self, scheme: &str) -> bool {
        self.schemes.iter().any(|s| s == scheme)
    }
}
