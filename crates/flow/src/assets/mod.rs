//! What flows refer to: channels, fields, groups and the rest. Immutable and cheap to share.

mod channel;
pub mod template;

pub use channel::{Channel, Role};
pub use template::Template as MessageTemplate;

use crate::contact::Contact;
use crate::definition::{Definition, DefinitionError};
use crate::environment::{Environment, Locations};
use crate::query::{ContactSubject, Places, Queries};
use crate::reference::{CampaignRef, FieldRef, GroupRef, LabelRef, LlmRef, TopicRef, UserRef};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// A contact field.
#[derive(Clone, Debug, Deserialize)]
pub struct Field {
    /// What identifies it.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub uuid: Uuid,
    /// What expressions call it.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Type of its values.
    #[serde(rename = "type", default)]
    pub kind: FieldType,
}

impl Field {
    /// How it is referred to.
    pub fn reference(&self) -> FieldRef {
        FieldRef { key: self.key.clone(), name: self.name.clone() }
    }
}

/// Type of a field's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Any text.
    #[default]
    Text,
    /// A number.
    Number,
    /// A point in time.
    Datetime,
    /// A first-level place.
    State,
    /// A second-level place.
    District,
    /// A third-level place.
    Ward,
}

impl FieldType {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Datetime => "datetime",
            Self::State => "state",
            Self::District => "district",
            Self::Ward => "ward",
        }
    }
}

/// A group of contacts: kept by hand, or by a query.
#[derive(Clone, Debug, Deserialize)]
pub struct Group {
    /// What identifies it.
    pub uuid: Uuid,
    /// What people call it.
    pub name: String,
    /// The audience query of a smart group; empty for a manual one.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub query: String,
}

impl Group {
    /// How it is referred to.
    pub fn reference(&self) -> GroupRef {
        GroupRef::new(self.uuid, self.name.clone())
    }
}

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident $reference:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        pub struct $name {
            /// What identifies it.
            pub uuid: Uuid,
            /// What people call it.
            pub name: String,
        }

        impl $name {
            /// How it is referred to.
            pub fn reference(&self) -> $reference {
                $reference::new(self.uuid, self.name.clone())
            }
        }
    )*};
}

named! {
    /// A label for messages.
    Label LabelRef;
    /// A ticket topic.
    Topic TopicRef;
    /// A campaign.
    Campaign CampaignRef;
}

/// A person who works with the system.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// What identifies it.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub uuid: Uuid,
    /// What people call it.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub name: String,
    /// Address, unique without case.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub email: String,
}

impl User {
    /// How it is referred to.
    pub fn reference(&self) -> UserRef {
        UserRef::new(self.uuid, self.name.clone())
    }
}

/// A text that flows share.
#[derive(Clone, Debug, Deserialize)]
pub struct Global {
    /// What expressions call it.
    pub key: String,
    /// What people call it.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub name: String,
    /// The text.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub value: String,
}

/// A named list of addresses that webhooks go to.
#[derive(Clone, Debug, Deserialize)]
pub struct Resthook {
    /// What identifies it.
    pub slug: String,
    /// URLs.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub subscribers: Vec<String>,
}

/// A language model.
#[derive(Clone, Debug, Deserialize)]
pub struct Llm {
    /// What identifies it.
    pub uuid: Uuid,
    /// What people call it.
    pub name: String,
    /// Whose it is.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// `editing`, `engine`.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub roles: Vec<String>,
}

impl Llm {
    /// How it is referred to.
    pub fn reference(&self) -> LlmRef {
        LlmRef::new(self.uuid, self.name.clone())
    }
}

/// Why a set of assets can't be read.
#[derive(Debug, thiserror::Error)]
#[error("unable to read assets: {0}")]
pub struct AssetsError(#[from] serde_json::Error);

/// A flow of the assets: compiled already, or read when it is first used.
struct Flow {
    name: String,
    source: Value,
    compiled: OnceLock<Result<Arc<Definition>, DefinitionError>>,
}

/// Everything but the flows.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Core {
    channels: Vec<Channel>,
    fields: Vec<Field>,
    groups: Vec<Group>,
    labels: Vec<Label>,
    globals: Vec<Global>,
    resthooks: Vec<Resthook>,
    templates: Vec<MessageTemplate>,
    topics: Vec<Topic>,
    users: Vec<User>,
    llms: Vec<Llm>,
    campaigns: Vec<Campaign>,
    #[serde(skip)]
    locations: Option<Locations>,
    #[serde(skip)]
    index: Index,
    #[serde(skip)]
    queries: Queries,
}

#[derive(Debug, Default)]
struct Index {
    channels: HashMap<Uuid, usize>,
    groups: HashMap<Uuid, usize>,
    fields: HashMap<String, usize>,
    /// Whether there is a smart group.
    smart: bool,
}

/// What flows refer to. Cloning shares everything.
#[derive(Clone)]
pub struct Assets {
    core: Arc<Core>,
    flows: Arc<HashMap<Uuid, Flow>>,
}

impl Default for Assets {
    fn default() -> Self {
        Self::assemble(Core::default(), HashMap::new())
    }
}

impl std::fmt::Debug for Assets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assets").field("flows", &self.flows.len()).finish_non_exhaustive()
    }
}

macro_rules! lists {
    ($($plural:ident, $singular:ident: $Type:ty, $key:ident: $Key:ty;)*) => {$(
        #[doc = concat!("All ", stringify!($plural), ", in order.")]
        pub fn $plural(&self) -> &[$Type] {
            &self.core.$plural
        }

        #[doc = concat!("One of the ", stringify!($plural), ".")]
        pub fn $singular(&self, $key: &$Key) -> Option<&$Type> {
            self.core.$plural.iter().find(|a| a.$key == *$key)
        }
    )*};
}

impl Assets {
    fn assemble(mut core: Core, flows: HashMap<Uuid, Flow>) -> Self {
        for (i, channel) in core.channels.iter().enumerate() {
            core.index.channels.entry(channel.uuid).or_insert(i);
        }
        for (i, field) in core.fields.iter().enumerate() {
            core.index.fields.entry(field.key.clone()).or_insert(i);
        }
        let groups = std::mem::take(&mut core.groups);
        let field = |key: &str| core.field(key).map(|f| f.kind);
        let usable = |g: &Group| g.query.is_empty() || Queries::usable(&g.query, &field, core.queries.places.as_ref());
        core.groups = groups.into_iter().filter(usable).collect();
        for (i, group) in core.groups.iter().enumerate() {
            core.index.groups.entry(group.uuid).or_insert(i);
        }
        core.index.smart = core.groups.iter().any(|g| !g.query.is_empty());
        Self { core: Arc::new(core), flows: Arc::new(flows) }
    }

    /// Reads a JSON object of lists (`flows`, `channels`, `fields`...); unknown members are ignored, null and absent
    /// lists are empty. A smart group whose query can't be parsed is left out. Flows are read when they are first
    /// used: [`Assets::flow`] gives their errors.
    pub fn read(document: &Value) -> Result<Self, AssetsError> {
        Self::read_with_places(document, None)
    }

    /// As [`Assets::read`], for a project with a place tree: smart groups ask `places` for what `within` means. Without
    /// it, groups that use `within` are left out.
    pub fn read_with_places(document: &Value, places: Option<Places>) -> Result<Self, AssetsError> {
        let lists: serde_json::Map<String, Value> = document
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, value)| *key != "flows" && *key != "locations" && !value.is_null())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let mut core: Core = serde_json::from_value(Value::Object(lists))?;
        core.queries.places = places;
        core.locations = match document.get("locations").filter(|l| l.as_array().is_some_and(|l| !l.is_empty())) {
            Some(locations) => Some(Locations::read(locations)?),
            None => None,
        };
        let flows = document.get("flows").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Ok(Self::assemble(core, flows.iter().filter_map(lazy_flow).collect()))
    }

    /// The same assets with other flows, compiled already.
    #[must_use]
    pub fn with_flows(&self, flows: impl IntoIterator<Item = Arc<Definition>>) -> Self {
        let flows = flows.into_iter().map(|flow| {
            let name = flow.name().to_owned();
            (flow.uuid(), Flow { name, source: Value::Null, compiled: OnceLock::from(Ok(flow)) })
        });
        Self { core: self.core.clone(), flows: Arc::new(flows.collect()) }
    }

    /// A flow, compiled; read now if this is its first use.
    pub fn flow(&self, uuid: &Uuid) -> Option<Result<Arc<Definition>, DefinitionError>> {
        let flow = self.flows.get(uuid)?;
        Some(flow.compiled.get_or_init(|| Definition::read(&flow.source).map(Arc::new)).clone())
    }

    /// A flow that is there and can be read.
    pub fn usable_flow(&self, uuid: &Uuid) -> Option<Arc<Definition>> {
        self.flow(uuid)?.ok()
    }

    /// Whether there is a flow.
    pub fn has_flow(&self, uuid: &Uuid) -> bool {
        self.flows.contains_key(uuid)
    }

    /// Names of all flows.
    pub fn flow_names(&self) -> impl Iterator<Item = &str> {
        self.flows.values().map(|f| f.name.as_str())
    }

    lists! {
        labels, label: Label, uuid: Uuid;
        globals, global: Global, key: str;
        resthooks, resthook: Resthook, slug: str;
        templates, template: MessageTemplate, uuid: Uuid;
        topics, topic: Topic, uuid: Uuid;
        users, user: User, uuid: Uuid;
        llms, llm: Llm, uuid: Uuid;
        campaigns, campaign: Campaign, uuid: Uuid;
    }

    /// All channels, in order.
    pub fn channels(&self) -> &[Channel] {
        &self.core.channels
    }

    /// One of the channels.
    pub fn channel(&self, uuid: &Uuid) -> Option<&Channel> {
        self.core.index.channels.get(uuid).map(|i| &self.core.channels[*i])
    }

    /// All groups, in order.
    pub fn groups(&self) -> &[Group] {
        &self.core.groups
    }

    /// One of the groups.
    pub fn group(&self, uuid: &Uuid) -> Option<&Group> {
        self.core.index.groups.get(uuid).map(|i| &self.core.groups[*i])
    }

    /// A group by name, without case.
    pub fn group_named(&self, name: &str) -> Option<&Group> {
        let name = name.to_lowercase();
        self.core.groups.iter().find(|g| g.name.to_lowercase() == name)
    }

    /// A label by name, without case.
    pub fn label_named(&self, name: &str) -> Option<&Label> {
        let name = name.to_lowercase();
        self.core.labels.iter().find(|l| l.name.to_lowercase() == name)
    }

    /// A topic by name, without case.
    pub fn topic_named(&self, name: &str) -> Option<&Topic> {
        let name = name.to_lowercase();
        self.core.topics.iter().find(|t| t.name.to_lowercase() == name)
    }

    /// A user by e-mail address, without case.
    pub fn user_with_email(&self, email: &str) -> Option<&User> {
        let email = email.to_lowercase();
        self.core.users.iter().find(|u| u.email.to_lowercase() == email)
    }

    /// All fields, in order.
    pub fn fields(&self) -> &[Field] {
        &self.core.fields
    }

    /// One of the fields.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.core.field(key)
    }

    /// The place tree, if there is one.
    pub fn locations(&self) -> Option<&Locations> {
        self.core.locations.as_ref()
    }

    /// Whether there is a smart group.
    pub(crate) fn has_smart_groups(&self) -> bool {
        self.core.index.smart
    }

    /// The smart groups and whether `contact` qualifies for each, in order.
    pub(crate) fn smart_groups<'a>(
        &'a self,
        contact: &'a Contact,
        env: &Environment,
        now: jiff::Timestamp,
    ) -> impl Iterator<Item = (&'a Group, bool)> + use<'a> {
        let groups = &self.core.groups;
        let compiled = if self.has_smart_groups() {
            let kind = |key: &str| self.field(key).map(|f| f.kind);
            self.core.queries.compiled(groups, &kind, env, now)
        } else {
            Arc::default()
        };
        groups.iter().enumerate().filter_map(move |(i, group)| {
            let query = compiled.get(i)?.as_ref()?;
            let field = |key: &str| self.field(key);
            Some((group, query.matches(&ContactSubject { contact, field: &field })))
        })
    }
}

impl Core {
    fn field(&self, key: &str) -> Option<&Field> {
        self.index.fields.get(key).map(|i| &self.fields[*i])
    }
}

/// A flow that is compiled when it is first used; entries without a UUID are left out, they can't be referred to.
fn lazy_flow(source: &Value) -> Option<(Uuid, Flow)> {
    let text =
        |key: &str| source.get(key).or_else(|| source.get("metadata").and_then(|m| m.get(key))).and_then(Value::as_str);
    let uuid = Uuid::parse_str(text("uuid")?).ok()?;
    let name = text("name").unwrap_or_default().to_owned();
    Some((uuid, Flow { name, source: source.clone(), compiled: OnceLock::new() }))
}
