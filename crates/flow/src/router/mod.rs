//! Routers: which way out of a node.

mod random;
mod switch;
pub mod test;
pub mod wait;

pub(crate) use random::Random;
pub(crate) use switch::Switch;

use crate::definition::fields::{Fields, Item, LocalizedText};
use crate::definition::localization::Localization;
use crate::definition::{DefinitionError, Exit, FlowType};
use crate::engine::{Execution, NewResult};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use uuid::Uuid;
use wait::Wait;

const MAX_CATEGORIES: usize = 100;

type Result<T> = std::result::Result<T, DefinitionError>;

/// A kind of answer, and the exit it takes.
#[derive(Clone, Debug)]
pub(crate) struct Category {
    pub(crate) name: LocalizedText,
    /// Place of the exit in its node.
    pub(crate) exit: usize,
}

/// How a router decides.
#[derive(Clone, Debug)]
pub(crate) enum RouterKind {
    Switch(Box<Switch>),
    Random(Random),
}

/// Which way out of a node, after a wait if there is one.
#[derive(Clone, Debug)]
pub(crate) struct Router {
    pub(crate) wait: Option<Wait>,
    pub(crate) result_name: String,
    pub(crate) categories: Vec<Category>,
    /// Place of the category that a wait's timeout takes.
    timeout: Option<usize>,
    pub(crate) kind: RouterKind,
}

/// What a router decided: the category and what is recorded of it.
pub(crate) struct Choice {
    /// Place of the category; none when no case matched and there is no default.
    pub(crate) category: Option<usize>,
    pub(crate) value: String,
    pub(crate) input: String,
    pub(crate) extra: Option<Box<RawValue>>,
}

/// What is to be read before cases can be: categories by UUID.
pub(crate) struct CategoryIndex(HashMap<Uuid, usize>);

impl CategoryIndex {
    pub(crate) fn place(&self, uuid: &Uuid) -> Option<usize> {
        self.0.get(uuid).copied()
    }
}

impl Router {
    pub(crate) fn read(source: &Value, localization: &Localization, exits: &[Exit]) -> Result<Self> {
        let fields = Fields::of(source)?;
        let kind = fields.required("type", 64)?;
        let sources = fields.filled_list("categories", usize::MAX)?;
        if sources.len() > MAX_CATEGORIES {
            let problem = format!("can't have more than {MAX_CATEGORIES} categories (has {})", sources.len());
            return Err(DefinitionError::new(problem));
        }
        let mut categories = Vec::with_capacity(sources.len());
        let mut index = HashMap::with_capacity(sources.len());
        for category in fields.objects("categories", MAX_CATEGORIES)? {
            let uuid = category.uuid("uuid")?;
            let exit = category.uuid("exit_uuid")?;
            let place = exits
                .iter()
                .position(|e| e.uuid == exit)
                .ok_or_else(|| DefinitionError::new(format!("category exit {exit} is not a valid exit")))?;
            let name = Item { localization, uuid }.text("name", category.required("name", 64)?);
            index.entry(uuid).or_insert(categories.len());
            categories.push(Category { name, exit: place });
        }
        let index = CategoryIndex(index);
        let wait = match fields.object("wait")? {
            None => None,
            Some(wait) => Some(Wait::read(&wait).map_err(|e| e.within("invalid wait"))?),
        };
        let timeout = match &wait {
            Some(Wait::Msg { timeout: Some(timeout), .. }) => {
                Some(index.place(&timeout.category).ok_or_else(|| {
                    DefinitionError::new(format!("timeout category {} is not a valid category", timeout.category))
                })?)
            }
            _ => None,
        };
        let result_name = fields.text("result_name", 64)?.to_owned();
        let kind = match kind {
            "switch" => RouterKind::Switch(Box::new(Switch::read(&fields, localization, &index)?)),
            "random" => RouterKind::Random(Random),
            other => return Err(DefinitionError::new(format!("unknown type: '{other}'"))),
        };
        Ok(Self { wait, result_name, categories, timeout, kind })
    }

    pub(crate) fn check_allowed(&self, kind: FlowType) -> Result<()> {
        match &self.wait {
            Some(wait) if !wait.allowed().allows(kind) => Err(DefinitionError::new(format!(
                "wait type '{}' is not allowed in a flow of type '{}'",
                wait.type_name(),
                kind.as_str()
            ))),
            _ => Ok(()),
        }
    }

    /// Decides; gives the place of the exit and the operand for the segment. No exit: no category was picked.
    pub(crate) fn route(&self, ex: &mut Execution<'_>) -> (Option<usize>, String) {
        let choice = match &self.kind {
            RouterKind::Switch(switch) => switch.choose(ex),
            RouterKind::Random(_) => Random::choose(ex, self.categories.len()),
        };
        let operand = choice.input.clone();
        (self.take(ex, choice), operand)
    }

    /// Takes the timeout's category.
    pub(crate) fn route_timeout(&self, ex: &mut Execution<'_>) -> (Option<usize>, String) {
        let choice = Choice { category: self.timeout, value: String::new(), input: String::new(), extra: None };
        (self.take(ex, choice), String::new())
    }

    fn take(&self, ex: &mut Execution<'_>, choice: Choice) -> Option<usize> {
        let category = &self.categories[choice.category?];
        if !self.result_name.is_empty() {
            let flow = ex.flow();
            let (localized, _) = category.name.choose(&ex.languages(), flow.language());
            ex.save_result(NewResult {
                name: &self.result_name,
                value: choice.value,
                category: &category.name.base,
                category_localized: localized,
                input: choice.input,
                extra: choice.extra,
            });
        }
        Some(category.exit)
    }
}
