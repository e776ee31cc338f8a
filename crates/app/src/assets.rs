//! What steps need of flows, channels, groups and triggers: loaded from the store, compiled once, shared.

use crate::settings::Settings;
use audience::{Lookup, Names, Resolver as _};
use base::place::Span;
use base::{ChannelId, FlowId, GroupId};
use flow::assets::Assets;
use flow::definition::{Definition, DefinitionError};
use flow::environment::Environment;
use flow::query::Places;
use flow::reference::{ChannelRef, FlowRef, GroupRef};
use flow::trigger::KeywordMatchType;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use store::KeywordRow;
use uuid::Uuid;

/// A keyword that starts a flow.
#[derive(Clone, Debug)]
pub struct Keyword {
    /// The word, folded.
    pub word: String,
    /// Whether it must stand alone.
    pub kind: KeywordMatchType,
    /// The flow that it starts.
    pub flow: FlowRef,
    /// The groups that it is for; everybody when empty.
    groups: Vec<Uuid>,
    /// The groups that it is not for.
    exclude_groups: Vec<Uuid>,
}

impl Keyword {
    /// Whether it is for a contact in these groups.
    fn is_for(&self, groups: &[GroupRef]) -> bool {
        let within = |wanted: &[Uuid]| groups.iter().any(|group| wanted.contains(&group.uuid));
        (self.groups.is_empty() || within(&self.groups)) && !within(&self.exclude_groups)
    }
}

/// A channel as flows see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its id.
    pub id: ChannelId,
    /// Its name.
    pub name: String,
    /// Its number.
    pub address: String,
}

/// A flow as it is stored.
#[derive(Clone, Debug)]
pub struct StoredFlow {
    /// Its id.
    pub id: FlowId,
    /// Its definition.
    pub definition: Arc<Definition>,
}

/// Everything that steps need, immutable.
pub struct Loaded {
    /// The number of the change that this was loaded after.
    pub revision: i64,
    /// Flows and what they refer to.
    pub engine: Assets,
    /// Formats, languages, zone and country.
    pub environment: Environment,
    /// The channels.
    pub channels: Vec<ChannelInfo>,
    flows: HashMap<FlowId, FlowRef>,
    /// By word; those for groups come before those for everybody.
    keywords: HashMap<String, Vec<Keyword>>,
}

/// What [`Loaded::build`] puts together.
#[derive(Default)]
pub struct Parts {
    /// Compiled flows.
    pub flows: Vec<StoredFlow>,
    /// Channels.
    pub channels: Vec<ChannelInfo>,
    /// Groups, each `{uuid, name, query?}`.
    pub groups: Vec<Value>,
    /// Fields, each `{uuid, key, name, type}`.
    pub fields: Vec<Value>,
    /// Keywords; of one word, those for groups come before those for everybody.
    pub keywords: Vec<KeywordRow>,
    /// Places: id, path, positions.
    pub places: Vec<(String, String, Span)>,
}

impl Loaded {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When channels, groups or fields are not what the engine expects.
    pub fn build(revision: i64, parts: Parts, settings: &Settings) -> Result<Self, flow::assets::AssetsError> {
        let channels: Vec<Value> = parts
            .channels
            .iter()
            .map(|channel| {
                json!({
                    "uuid": channel.id, "name": channel.name, "address": channel.address,
                    "schemes": ["tel"], "roles": ["send", "receive"], "allow_international": true,
                })
            })
            .collect();
        let document = json!({ "channels": channels, "groups": parts.groups, "fields": parts.fields });
        let names = Names::default().with_places(parts.places.iter().map(|(id, path, span)| (&**id, &**path, *span)));
        let places: Places = Arc::new(move |text| match names.places(text) {
            Lookup::Known(found) => found,
            Lookup::Unknown | Lookup::Unchecked => Vec::new(),
        });
        let engine = Assets::read_with_places(&document, Some(places))?
            .with_flows(parts.flows.iter().map(|flow| Arc::clone(&flow.definition)));
        let flows: HashMap<FlowId, FlowRef> =
            parts.flows.iter().map(|flow| (flow.id, flow.definition.reference())).collect();
        let mut keywords: HashMap<String, Vec<Keyword>> = HashMap::new();
        for row in parts.keywords {
            let Some(flow) = flows.get(&row.flow).cloned() else { continue };
            let word = base::text::fold(&row.word);
            let kind = if row.only_word { KeywordMatchType::OnlyWord } else { KeywordMatchType::FirstWord };
            let ids = |groups: Vec<GroupId>| groups.into_iter().map(|group| group.0).collect();
            let (groups, exclude_groups) = (ids(row.groups), ids(row.exclude_groups));
            keywords.entry(word.clone()).or_default().push(Keyword { word, kind, flow, groups, exclude_groups });
        }
        let environment = Environment {
            timezone: settings.timezone.clone(),
            allowed_languages: settings.languages.clone(),
            default_country: settings.region.clone(),
            ..Environment::default()
        };
        Ok(Self { revision, engine, environment, channels: parts.channels, flows, keywords })
    }

    /// Nothing yet.
    pub(crate) fn empty(settings: &Settings) -> Self {
        Self {
            revision: -1,
            engine: Assets::default(),
            environment: Environment { timezone: settings.timezone.clone(), ..Environment::default() },
            channels: Vec::new(),
            flows: HashMap::new(),
            keywords: HashMap::new(),
        }
    }

    /// How a flow is referred to, if it is there.
    pub fn flow_ref(&self, flow: FlowId) -> Option<FlowRef> {
        self.flows.get(&flow).cloned()
    }

    /// The flows with their names.
    pub fn flows(&self) -> impl Iterator<Item = (FlowId, &str)> {
        self.flows.iter().map(|(id, flow)| (*id, flow.name.as_str()))
    }

    /// How a channel is referred to, if it is there.
    pub fn channel_ref(&self, channel: ChannelId) -> Option<ChannelRef> {
        self.engine.channel(&channel.0).map(flow::assets::Channel::reference)
    }

    /// The keyword that a message of a contact in `groups` begins with or consists of, if there is one for the contact.
    pub fn keyword(&self, text: &str, groups: &[GroupRef]) -> Option<&Keyword> {
        if self.keywords.is_empty() {
            return None;
        }
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        let known = self.keywords.get(&base::text::fold(words.next()?))?;
        let alone = words.next().is_none();
        known.iter().find(|keyword| (alone || keyword.kind == KeywordMatchType::FirstWord) && keyword.is_for(groups))
    }
}

/// Reads and checks a definition: whatever the engine or this installation cannot run is refused, by name.
///
/// # Errors
/// [`FlowError`] with the place in the definition.
pub fn read(source: &Value) -> Result<Definition, FlowError> {
    let definition = Definition::read(source)?;
    check(&definition, source)?;
    Ok(definition)
}

/// A definition of any supported version in the newest one.
///
/// # Errors
/// [`FlowError`] with the place in the definition.
pub(crate) fn newest(source: &Value) -> Result<Value, FlowError> {
    Ok(flow::migrate::migrate(source, None, MEDIA)?)
}

/// Refuses what the engine could run and this installation cannot, by name. `source` is what `definition` was read from.
///
/// # Errors
/// [`FlowError`] with the place in the definition.
pub fn check(definition: &Definition, source: &Value) -> Result<(), FlowError> {
    let mut missing = without_service(&newest(source)?);
    if definition.kind() == flow::FlowType::Voice {
        missing.push("calls, for it is a voice flow".into());
    }
    if missing.is_empty() { Ok(()) } else { Err(FlowError::Unsupported(missing)) }
}

/// Why a flow is refused.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The definition is not valid.
    #[error(transparent)]
    Invalid(#[from] DefinitionError),
    /// It uses what cannot be run here.
    #[error("the flow uses what cannot be run here yet: {}", .0.join("; "))]
    Unsupported(Vec<String>),
}

/// What relative media paths of legacy definitions are joined to.
pub(crate) const MEDIA: &str = "http://temba.io/";

/// Actions that need an answer from outside the engine, which nobody gives yet.
const SERVICES: &[&str] = &[
    "add_contact_urn",
    "call_classifier",
    "call_llm",
    "call_resthook",
    "call_webhook",
    "open_ticket",
    "request_optin",
    "send_broadcast",
    "send_email",
    "start_session",
    "transfer_airtime",
];

fn without_service(source: &Value) -> Vec<String> {
    let nodes = source.get("nodes").and_then(Value::as_array);
    let mut found = Vec::new();
    for node in nodes.into_iter().flatten() {
        let actions = node.get("actions").and_then(Value::as_array);
        for action in actions.into_iter().flatten() {
            let kind = action.get("type").and_then(Value::as_str).unwrap_or_default();
            if SERVICES.contains(&kind) {
                let node = node.get("uuid").and_then(Value::as_str).unwrap_or("?");
                found.push(format!("action {kind} in node {node}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(actions: &Value) -> Value {
        json!({
            "uuid": "5fb5a52c-11f1-4f4e-9c36-4bd0a3f6ab01", "name": "Test", "spec_version": "13.1.0", "language": "eng",
            "type": "messaging", "nodes": [{
                "uuid": "b5dc9a23-5a2f-4f0c-8e3e-9d9d0c0a7e01", "actions": actions,
                "exits": [{"uuid": "0e0f9b27-5c3e-4d8e-a9b0-d6c1a9a4f501"}],
            }],
        })
    }

    #[test]
    fn what_needs_a_service_is_refused_by_name() {
        let send = json!([{"type": "send_msg", "uuid": "3c1de1c5-8d42-4c8f-9d35-4b8e02cf8b01", "text": "Hello"}]);
        assert!(read(&flow(&send)).is_ok());
        let webhook = json!([{
            "type": "call_webhook", "uuid": "3c1de1c5-8d42-4c8f-9d35-4b8e02cf8b02", "method": "GET",
            "url": "http://example.org", "result_name": "answer",
        }]);
        let error = read(&flow(&webhook)).unwrap_err().to_string();
        assert!(error.contains("call_webhook") && error.contains("b5dc9a23"), "{error}");
    }

    #[test]
    fn keywords_match_the_first_word_without_case() {
        let definition = Arc::new(read(&flow(&json!([]))).unwrap());
        let id = FlowId(definition.uuid());
        let (trained, left) = (GroupId(Uuid::from_u128(1)), GroupId(Uuid::from_u128(2)));
        let row = |word: &str, only_word, groups: &[GroupId], exclude: &[GroupId]| KeywordRow {
            word: word.into(),
            only_word,
            flow: id,
            groups: groups.to_vec(),
            exclude_groups: exclude.to_vec(),
        };
        let parts = Parts {
            flows: vec![StoredFlow { id, definition }],
            keywords: vec![
                row("Validate", false, &[], &[]),
                row("ici", true, &[], &[]),
                row("check", false, &[trained], &[left]),
            ],
            ..Parts::default()
        };
        let loaded = Loaded::build(1, parts, &Settings::default()).unwrap();
        for (text, word) in [
            ("validate", Some("validate")),
            ("  VALIDATE, please", Some("validate")),
            ("please validate", None),
            ("Ici", Some("ici")),
            ("ici et là", None),
            ("", None),
            ("check", None),
        ] {
            assert_eq!(loaded.keyword(text, &[]).map(|keyword| keyword.word.as_str()), word, "{text:?}");
        }
        let member = |groups: &[GroupId]| groups.iter().map(|id| GroupRef::new(id.0, "")).collect::<Vec<_>>();
        assert!(loaded.keyword("check", &member(&[trained])).is_some());
        assert!(loaded.keyword("check", &member(&[left])).is_none());
        assert!(loaded.keyword("check", &member(&[trained, left])).is_none());
    }

    #[test]
    fn smart_groups_know_the_places() {
        let groups = ["within = Bong", "within = Atlantis"]
            .map(|query| json!({ "uuid": uuid::Uuid::from_u128(query.len() as u128), "name": query, "query": query }));
        let bong = Span { left: 1, right: 3, depth: 1 };
        let parts = Parts {
            groups: groups.to_vec(),
            places: vec![("BG".into(), "Liberia > Bong".into(), bong)],
            ..Parts::default()
        };
        let loaded = Loaded::build(1, parts, &Settings::default()).unwrap();
        let names: Vec<&str> = loaded.engine.groups().iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["within = Bong"], "a group of an unknown place is left out");
    }
}
