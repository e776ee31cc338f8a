//! What a router test gives.

use std::sync::Arc;

use crate::expression::{Members, Object, Value};

/// An object that stands for true or false, with `match` and sometimes `extra`.
struct Outcome {
    matched: bool,
    found: Value,
    extra: Option<Value>,
}

impl Members for Outcome {
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "match" => Some(self.found.clone()),
            "extra" => self.extra.clone(),
            _ if name.eq_ignore_ascii_case("match") => Some(self.found.clone()),
            _ if name.eq_ignore_ascii_case("extra") => self.extra.clone(),
            _ => None,
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        let extra = self.extra.is_some().then_some("extra");
        extra.into_iter().chain(["match"]).map(Arc::from).collect()
    }

    fn default_value(&self) -> Option<Value> {
        Some(Value::Bool(self.matched))
    }
}

/// True, with what was found.
pub(super) fn matched(found: impl Into<Value>) -> Value {
    Value::Object(Object::lazy(Outcome { matched: true, found: found.into(), extra: None }))
}

/// True, with what was found and more about it.
pub(super) fn matched_with(found: impl Into<Value>, extra: Value) -> Value {
    Value::Object(Object::lazy(Outcome { matched: true, found: found.into(), extra: Some(extra) }))
}

/// False.
pub(super) fn unmatched() -> Value {
    Value::Object(Object::lazy(Outcome { matched: false, found: Value::from(""), extra: None }))
}
