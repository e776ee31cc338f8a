//! What steps need of flows, channels, groups and triggers: loaded from the store, compiled once, shared.

use crate::settings::Settings;
use audience::{Lookup, Names, Resolver as _};
use base::place::Span;
use base::{ChannelId, FlowId};
use flow::assets::Assets;
use flow::definition::{Definition, DefinitionError};
use flow::environment::Environment;
use flow::query::Places;
use flow::reference::{ChannelRef, FlowRef};
use flow::trigger::KeywordMatchType;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// A keyword that starts a flow.
#[derive(Clone, Debug)]
pub struct Keyword {
    /// The word, folded.
    pub word: String,
    /// Whether it must stand alone.
    pub kind: KeywordMatchType,
    /// The flow that it starts.
    pub flow: FlowRef,
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
    keywords: HashMap<String, Keyword>,
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
    /// Keywords: word, whether it must stand alone, flow.
    pub keywords: Vec<(String, bool, FlowId)>,
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
        let keywords = parts
            .keywords
            .into_iter()
            .filter_map(|(word, alone, flow)| {
                let flow = flows.get(&flow)?.clone();
                let word = base::text::fold(&word);
                let kind = if alone { KeywordMatchType::OnlyWord } else { KeywordMatchType::FirstWord };
                Some((word.clone(), Keyword { word, kind, flow }))
            })
            .collect();
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

    /// The keyword that a message begins with or consists of, if there is one.
    pub fn keyword(&self, text: &str) -> Option<&Keyword> {
        if self.keywords.is_empty() {
            return None;
        }
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        let first = self.keywords.get(&base::text::fold(words.next()?))?;
        (first.kind == KeywordMatchType::FirstWord || words.next().is_none()).then_some(first)
    }
}

/// Reads and checks a definition: whatever the engine or this installation cannot run is refused, by name.
///
/// # Errors
/// [`FlowError`] with the place in the definition.
pub fn check(source: &Value) -> Result<Definition, FlowError> {
    let definition = Definition::read(source)?;
    let migrated = flow::migrate::migrate(source, None, MEDIA)?;
    let mut missing = without_service(&migrated);
    if definition.kind() == flow::FlowType::Voice {
        missing.push("calls, for it is a voice flow".into());
    }
    if missing.is_empty() { Ok(definition) } else { Err(FlowError::Unsupported(missing)) }
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
const MEDIA: &str = "http://temba.io/";

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
        assert!(check(&flow(&send)).is_ok());
        let webhook = json!([{
            "type": "call_webhook", "uuid": "3c1de1c5-8d42-4c8f-9d35-4b8e02cf8b02", "method": "GET",
            "url": "http://example.org", "result_name": "answer",
        }]);
        let error = check(&flow(&webhook)).unwrap_err().to_string();
        assert!(error.contains("call_webhook") && error.contains("b5dc9a23"), "{error}");
    }

    #[test]
    fn keywords_match_the_first_word_without_case() {
        let definition = Arc::new(check(&flow(&json!([]))).unwrap());
        let id = FlowId(definition.uuid());
        let parts = Parts {
            flows: vec![StoredFlow { id, definition }],
            keywords: vec![("Validate".into(), false, id), ("ici".into(), true, id)],
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
        ] {
            assert_eq!(loaded.keyword(text).map(|keyword| keyword.word.as_str()), word, "{text:?}");
        }
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
