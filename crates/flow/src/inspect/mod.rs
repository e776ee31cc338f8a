//! Inspection: what a definition depends on, which results it records, and what may be wrong with it.

use crate::assets::Assets;
use crate::definition::Definition;
use crate::definition::fields::Localized;
use crate::engine::{MessageSource, result_key};
use crate::expression::{Template, template_paths};
use crate::reference::{FieldRef, GroupRef, Identity, Reference};
use crate::router::RouterKind;
use serde::Serialize;
use std::collections::BTreeSet;
use uuid::Uuid;

/// How much there is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Counts {
    /// Nodes.
    pub nodes: usize,
    /// Languages it is translated into.
    pub languages: usize,
}

/// Something a definition refers to.
#[derive(Clone, Debug, Serialize)]
pub struct Dependency {
    /// What.
    #[serde(flatten)]
    pub reference: Reference,
    /// Whether it isn't there; only known with assets.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

/// A result a definition records.
#[derive(Clone, Debug, Serialize)]
pub struct ResultInfo {
    /// What expressions call it.
    pub key: String,
    /// What it is called where it appears first.
    pub name: String,
    /// Its categories.
    pub categories: Vec<String>,
    /// Where it is recorded.
    pub node_uuids: Vec<Uuid>,
}

/// Something that may be wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Issue {
    /// `missing_dependency`, `invalid_regex`, `legacy_vars`, `unsupported`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The node.
    pub node_uuid: Uuid,
    /// The action, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_uuid: Option<Uuid>,
    /// The translation, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// In words.
    pub description: String,
    /// What is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency: Option<Reference>,
    /// What can't be compiled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// What should be a query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vars: Option<Vec<String>>,
    /// For people, who don't know UUIDs: where it is.
    #[serde(skip)]
    pub place: Place,
}

/// Where in a definition something is, as its author would say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Number of the node, from 1.
    pub node: usize,
    /// Type of the action; none when it is in the router.
    pub action: Option<&'static str>,
    /// The member of the action or router; empty for the whole.
    pub field: &'static str,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "node {}, {}", self.node, self.action.unwrap_or("router"))?;
        if self.field.is_empty() { Ok(()) } else { write!(f, ", {}", self.field) }
    }
}

/// What there is to know of a definition without running it.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// How much there is.
    pub counts: Counts,
    /// What it refers to, each once, in order of appearance.
    pub dependencies: Vec<Dependency>,
    /// Locals its actions write, sorted.
    pub locals: Vec<String>,
    /// Results it records, in order of appearance.
    pub results: Vec<ResultInfo>,
    /// Results of a parent it reads, sorted.
    pub parent_refs: Vec<String>,
    /// What may be wrong, in node order.
    pub issues: Vec<Issue>,
}

/// Collects while nodes are walked.
pub(crate) struct Findings<'a> {
    assets: Option<&'a Assets>,
    node: Uuid,
    action: Option<Uuid>,
    place: Place,
    dependencies: Vec<Dependency>,
    locals: BTreeSet<String>,
    results: Vec<ResultInfo>,
    parent_refs: BTreeSet<String>,
    issues: Vec<Issue>,
}

/// Whether something referred to is there; contacts always are.
fn exists(assets: &Assets, reference: &Reference) -> bool {
    match &reference.identity {
        Identity::Uuid(uuid) => match reference.kind {
            "group" => assets.group(uuid).is_some(),
            "label" => assets.label(uuid).is_some(),
            "channel" => assets.channel(uuid).is_some(),
            "topic" => assets.topic(uuid).is_some(),
            "user" => assets.user(uuid).is_some(),
            "template" => assets.template(uuid).is_some(),
            "llm" => assets.llm(uuid).is_some(),
            "flow" => assets.has_flow(uuid),
            _ => true,
        },
        Identity::Key(key) if reference.kind == "global" => assets.global(key).is_some(),
        Identity::Key(key) => assets.field(key).is_some(),
    }
}

impl Findings<'_> {
    fn issue(&self, kind: &'static str, description: String) -> Issue {
        Issue {
            kind,
            node_uuid: self.node,
            action_uuid: self.action,
            language: None,
            description,
            dependency: None,
            regex: None,
            vars: None,
            place: self.place,
        }
    }

    /// Says which member what is found next is in.
    pub(crate) fn at(&mut self, field: &'static str) -> &mut Self {
        self.place.field = field;
        self
    }

    pub(crate) fn reference(&mut self, reference: &Reference) {
        self.reference_in(reference, None);
    }

    fn reference_in(&mut self, reference: &Reference, language: Option<&str>) {
        let missing = self.assets.is_some_and(|assets| !exists(assets, reference));
        if missing {
            let description = format!("missing {} dependency '{}'", reference.kind, reference.identity);
            let mut issue = self.issue("missing_dependency", description);
            issue.dependency = Some(reference.clone());
            issue.language = language.map(str::to_owned);
            self.issues.push(issue);
        }
        let same =
            |d: &&mut Dependency| d.reference.kind == reference.kind && d.reference.identity == reference.identity;
        match self.dependencies.iter_mut().find(same) {
            None => self.dependencies.push(Dependency { reference: reference.clone(), missing }),
            Some(known) if known.reference.name.is_empty() => known.reference.name.clone_from(&reference.name),
            Some(_) => {}
        }
    }

    pub(crate) fn template(&mut self, template: &Template) {
        self.template_in(template, None);
    }

    fn template_in(&mut self, template: &Template, language: Option<&str>) {
        if template.is_constant() {
            return;
        }
        for path in template_paths(template.source()) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            match path[..] {
                ["globals", key, ..] => {
                    let identity = Identity::Key(key.to_owned());
                    self.reference_in(&Reference { kind: "global", identity, name: String::new() }, language);
                }
                ["fields", key, ..]
                | ["contact" | "parent" | "child", "fields", key, ..]
                | ["parent" | "child", "contact", "fields", key, ..] => {
                    let field = FieldRef { key: key.to_owned(), name: String::new() };
                    self.reference_in(&field.reference(), language);
                }
                ["parent", "results", key, ..] => _ = self.parent_refs.insert(key.to_owned()),
                _ => {}
            }
        }
    }

    pub(crate) fn localized(&mut self, localized: &Localized) {
        localized.base.iter().for_each(|t| self.template(t));
        for (language, templates) in &localized.translations {
            for template in templates {
                self.template_in(template, Some(language));
            }
        }
    }

    pub(crate) fn message(&mut self, message: &MessageSource) {
        self.at("text").localized(&message.text);
        self.at("attachments").localized(&message.attachments);
        self.at("quick_replies").localized(&message.quick_replies);
        if let Some(template) = &message.template {
            self.at("template").reference(&template.reference());
        }
        self.at("template_variables").localized(&message.template_variables);
    }

    pub(crate) fn local(&mut self, name: &str) {
        self.locals.insert(name.to_owned());
    }

    pub(crate) fn result(&mut self, name: &str, categories: &[&str]) {
        let key = result_key(name);
        let place = self.results.iter().position(|r| r.key == key).unwrap_or_else(|| {
            let name = name.to_owned();
            self.results.push(ResultInfo { key, name, categories: Vec::new(), node_uuids: Vec::new() });
            self.results.len() - 1
        });
        let node = self.node;
        let result = &mut self.results[place];
        for category in categories {
            if !result.categories.iter().any(|c| c.to_lowercase() == category.to_lowercase()) {
                result.categories.push((*category).to_owned());
            }
        }
        if !result.node_uuids.contains(&node) {
            result.node_uuids.push(node);
        }
    }

    pub(crate) fn legacy_vars(&mut self, vars: Vec<String>) {
        let mut issue = self.issue("legacy_vars", "use of expressions instead of contact query".to_owned());
        issue.vars = Some(vars);
        self.issues.push(issue);
    }

    fn regexes(&mut self, arguments: &Localized) {
        let all = arguments.translations.iter().map(|(l, t)| (Some(l), t));
        for (language, templates) in std::iter::once((None, &arguments.base)).chain(all) {
            let Some(pattern) = templates.first().filter(|t| t.is_constant()) else { continue };
            let regex = pattern.source();
            if crate::expression::regex::compile(regex).is_none() {
                let mut issue = self.issue("invalid_regex", format!("invalid regex: {regex}"));
                issue.language = language.cloned();
                issue.regex = Some(regex.to_owned());
                self.issues.push(issue);
            }
        }
    }
}

impl Definition {
    /// What there is to know of it without running it; with assets also what is missing.
    pub fn inspect(&self, assets: Option<&Assets>) -> Inspection {
        let mut found = Findings {
            assets,
            node: Uuid::nil(),
            action: None,
            place: Place::default(),
            dependencies: Vec::new(),
            locals: BTreeSet::new(),
            results: Vec::new(),
            parent_refs: BTreeSet::new(),
            issues: Vec::new(),
        };
        for (i, node) in self.nodes.iter().enumerate() {
            found.node = node.uuid;
            for action in &node.actions {
                found.action = Some(action.uuid);
                found.place = Place { node: i + 1, action: Some(action.type_name()), field: "" };
                action.inspect(&mut found);
            }
            found.action = None;
            found.place = Place { node: i + 1, action: None, field: "" };
            let Some(router) = &node.router else { continue };
            if let Some(crate::router::wait::Wait::Dial { phone, .. }) = &router.wait {
                found.at("wait.phone").template(phone);
            }
            if let RouterKind::Switch(switch) = &router.kind {
                found.at("operand").template(&switch.operand);
                for case in &switch.cases {
                    found.at("cases.arguments").localized(&case.arguments);
                    match (case.type_name.as_str(), case.arguments.base.as_slice()) {
                        ("has_group", [uuid, rest @ ..]) => {
                            if let Ok(uuid) = Uuid::try_parse(uuid.source()) {
                                let name = rest.first().map_or("", Template::source);
                                found.reference(&GroupRef::new(uuid, name).reference());
                            }
                        }
                        ("has_pattern", _) => found.regexes(&case.arguments),
                        _ => {}
                    }
                }
            }
            if !router.result_name.is_empty() {
                let names: Vec<&str> = router.categories.iter().map(|c| c.name.base.as_str()).collect();
                found.result(&router.result_name, &names);
            }
        }
        Inspection {
            counts: Counts { nodes: self.nodes.len(), languages: self.languages().count() },
            dependencies: found.dependencies,
            locals: found.locals.into_iter().collect(),
            results: found.results,
            parent_refs: found.parent_refs.into_iter().collect(),
            issues: found.issues,
        }
    }
}

/// The services that a host has, for judging whether it can run a definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each service is there or not")]
pub struct Services {
    /// Calls URLs.
    pub webhooks: bool,
    /// Asks language models.
    pub llms: bool,
    /// Pays airtime.
    pub airtime: bool,
    /// Sends mail.
    pub email: bool,
    /// Makes and takes calls.
    pub voice: bool,
}

impl Definition {
    /// What a host with `services` can't run, by node and action: to be refused at import.
    pub fn unsupported(&self, services: Services) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (i, node) in self.nodes.iter().enumerate() {
            let mut issue = |action: Option<&crate::action::Action>, what: &str| {
                issues.push(Issue {
                    kind: "unsupported",
                    node_uuid: node.uuid,
                    action_uuid: action.map(|a| a.uuid),
                    language: None,
                    description: format!("{what} can't be run here"),
                    dependency: None,
                    regex: None,
                    vars: None,
                    place: Place { node: i + 1, action: action.map(crate::action::Action::type_name), field: "" },
                });
            };
            for action in &node.actions {
                let kind = action.type_name();
                let supported = match kind {
                    "call_webhook" | "call_resthook" => services.webhooks,
                    "call_llm" => services.llms,
                    "transfer_airtime" => services.airtime,
                    "send_email" => services.email,
                    "say_msg" | "play_audio" => services.voice,
                    _ => true,
                };
                if !supported {
                    issue(Some(action), &format!("action type '{kind}'"));
                }
            }
            let dials =
                node.router.as_ref().is_some_and(|r| matches!(r.wait, Some(crate::router::wait::Wait::Dial { .. })));
            if dials && !services.voice {
                issue(None, "wait type 'dial'");
            }
        }
        issues
    }
}
