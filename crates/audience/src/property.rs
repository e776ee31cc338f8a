//! What a condition can ask about.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$item_doc])* $item,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$item,)*];

            /// The name in queries.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$item => $text,)* }
            }

            /// By its name in queries, which is in lower case.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$item),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// An attribute that every contact has, as in RapidPro.
    Attribute {
        /// The contact's UUID (text).
        Uuid = "uuid",
        /// The contact's number (text); older name of `ref`.
        Id = "id",
        /// The contact's reference, which hides its number (text).
        Ref = "ref",
        /// The full name (text; `~` compares the beginnings of words).
        Name = "name",
        /// `active`, `blocked`, `stopped` or `archived` (text).
        Status = "status",
        /// ISO 639-3 code (text).
        Language = "language",
        /// The path of any URN (text).
        Urn = "urn",
        /// A group the contact is in (by name; a subject gives UUIDs).
        Group = "group",
        /// The flow the contact is in (by name; a subject gives UUIDs).
        Flow = "flow",
        /// A flow the contact has been in (by name; a subject gives UUIDs).
        History = "history",
        /// How many tickets are open (number).
        Tickets = "tickets",
        /// When the contact was created (date).
        CreatedOn = "created_on",
        /// When the contact was last heard (date).
        LastSeenOn = "last_seen_on",
    }
}

names! {
    /// An attribute of the worker behind the contact. Texts are compared without case and accents.
    WorkerAttribute {
        /// Cadre or job: its label and its code.
        Cadre = "cadre",
        /// The facility of a post: its name, and its code if it has one.
        Facility = "facility",
        /// The name of the place that a post's facility is directly in.
        Place = "place",
        /// A skill: qualification or speciality, label and code.
        Skill = "skill",
        /// FHIR administrative gender: `male`, `female`, `other`, `unknown`.
        Gender = "gender",
        /// `active` or `left`.
        Status = "status",
        /// A place anywhere above a post: the place itself or what lies in it, down the tree.
        Within = "within",
    }
}

/// What a condition asks about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Property {
    /// An attribute of the contact.
    Attribute(Attribute),
    /// The paths of the contact's URNs of one scheme.
    Urn(String),
    /// A field of the contact, by key.
    Field(String),
    /// An attribute of the worker.
    Worker(WorkerAttribute),
}

impl Property {
    /// The name without prefix.
    pub fn key(&self) -> &str {
        match self {
            Self::Attribute(attribute) => attribute.as_str(),
            Self::Urn(key) | Self::Field(key) => key,
            Self::Worker(attribute) => attribute.as_str(),
        }
    }
}

impl fmt::Display for Property {
    /// As the normal form writes it: `name`, `urns.tel`, `fields.age`, `worker.cadre`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self {
            Self::Attribute(_) => "",
            Self::Urn(_) => "urns.",
            Self::Field(_) => "fields.",
            Self::Worker(_) => "worker.",
        };
        write!(f, "{prefix}{}", self.key())
    }
}

/// What kind of value a contact field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Any text.
    Text,
    /// A decimal number.
    Number,
    /// A date, with a time of day.
    Datetime,
    /// A place of the first level, compared by name.
    State,
    /// A place of the second level, compared by name.
    District,
    /// A place of the third level, compared by name.
    Ward,
}

/// What a condition compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueType {
    Text,
    Number,
    Date,
    Place,
}

impl From<FieldType> for ValueType {
    fn from(field: FieldType) -> Self {
        match field {
            FieldType::Number => Self::Number,
            FieldType::Datetime => Self::Date,
            FieldType::Text | FieldType::State | FieldType::District | FieldType::Ward => Self::Text,
        }
    }
}
