//! References from definitions, contacts and events to assets.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! references {
    ($($(#[$doc:meta])* $name:ident $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// What identifies it.
            pub uuid: Uuid,
            /// Its name when the reference was made.
            #[serde(default, deserialize_with = "crate::contact::or_default")]
            pub name: String,
        }

        impl $name {
            /// A reference.
            pub fn new(uuid: Uuid, name: impl Into<String>) -> Self {
                Self { uuid, name: name.into() }
            }

            /// The reference without its kind.
            pub fn reference(&self) -> Reference {
                Reference { kind: $kind, identity: Identity::Uuid(self.uuid), name: self.name.clone() }
            }
        }
    )*};
}

references! {
    /// A reference to a group.
    GroupRef "group";
    /// A reference to a label.
    LabelRef "label";
    /// A reference to a channel.
    ChannelRef "channel";
    /// A reference to a ticket topic.
    TopicRef "topic";
    /// A reference to a user.
    UserRef "user";
    /// A reference to a message template.
    TemplateRef "template";
    /// A reference to a language model.
    LlmRef "llm";
    /// A reference to a campaign.
    CampaignRef "campaign";
    /// A reference to a contact.
    ContactRef "contact";
}

/// A reference to a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRef {
    /// What identifies it.
    pub uuid: Uuid,
    /// Its name when the reference was made.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub name: String,
    /// The revision that was run; 0 when unknown.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "crate::contact::or_default")]
    pub revision: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl FlowRef {
    /// The reference without its kind.
    pub fn reference(&self) -> Reference {
        Reference { kind: "flow", identity: Identity::Uuid(self.uuid), name: self.name.clone() }
    }
}

/// A reference to a contact field or a global, by key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRef {
    /// What identifies it.
    pub key: String,
    /// Its name when the reference was made.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub name: String,
}

impl FieldRef {
    /// The reference without its kind.
    pub fn reference(&self) -> Reference {
        Reference { kind: "field", identity: Identity::Key(self.key.clone()), name: self.name.clone() }
    }
}

/// What identifies an asset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Most assets.
    Uuid(Uuid),
    /// Fields and globals.
    Key(String),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => uuid.fmt(f),
            Self::Key(key) => key.fmt(f),
        }
    }
}

/// A reference to any kind of asset. Displayed as `group[uuid=U,name=N]` or `field[key=K,name=N]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `group`, `field`...
    pub kind: &'static str,
    /// What identifies it.
    pub identity: Identity,
    /// Its name when the reference was made.
    pub name: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.identity {
            Identity::Uuid(_) => "uuid",
            Identity::Key(_) => "key",
        };
        write!(f, "{}[{by}={},name={}]", self.kind, self.identity, self.name)
    }
}

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        match &self.identity {
            Identity::Uuid(uuid) => map.serialize_entry("uuid", uuid)?,
            Identity::Key(key) => map.serialize_entry("key", key)?,
        }
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("type", self.kind)?;
        map.end()
    }
}
