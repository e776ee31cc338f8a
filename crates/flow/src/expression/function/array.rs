//! Arrays.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::text::bounds;
use super::{MANY, Native};
use crate::expression::convert::{to_array, to_function, to_number};
use crate::expression::decimal::Decimal;
use crate::expression::error::{Error, Result, fail};
use crate::expression::{Scope, Value};

/// Most items of an array that a function builds.
const MAX_ITEMS: usize = 10_000;
/// Most bytes of a text that a function builds.
const MAX_BUILT: usize = 10_000_000;

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("array", "values...", (0, MANY), array),
    Native::new("slice", "array, start [, end]", (2, 3), slice),
    Native::new("contains", "array, value", (2, 2), contains),
    Native::new("join", "array, separator", (2, 2), join),
    Native::new("reverse", "array", (1, 1), reverse),
    Native::new("sort", "array", (1, 1), sort),
    Native::new("sum", "array", (1, 1), sum),
    Native::new("unique", "array", (1, 1), unique),
    Native::new("concat", "a, b", (2, 2), concat),
    Native::new("filter", "array, function", (2, 2), filter),
    Native::new("foreach", "array, function, arguments...", (2, MANY), foreach),
];

fn limited(items: Vec<Value>) -> Result<Value> {
    if items.len() > MAX_ITEMS {
        fail!("cannot build an array of more than {MAX_ITEMS} items");
    }
    Ok(Value::array(items))
}

fn array(_: &mut Scope, args: &[Value]) -> Result<Value> {
    limited(args.to_vec())
}

fn slice(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let items = to_array(&args[0])?;
    let range = bounds(args, items.len())?;
    Ok(Value::array(items[range].to_vec()))
}

fn contains(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(Value::Bool(to_array(&args[0])?.iter().any(|item| item.same(&args[1]))))
}

fn join(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (items, separator) = (to_array(&args[0])?, args[1].to_text()?);
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(&separator);
        }
        item.write_text(&mut out)?;
        if out.len() > MAX_BUILT {
            return Err(Error::too_complex());
        }
    }
    Ok(out.into())
}

fn reverse(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(Value::array(to_array(&args[0])?.iter().rev().cloned().collect()))
}

/// The order of two values of one comparable type; `None` for anything else.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::DateTime(a), Value::DateTime(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn sort(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let mut items = to_array(&args[0])?.to_vec();
    for item in &items {
        if let Value::Error(error) = item {
            return Err(error.clone());
        }
        if order(item, item).is_none() {
            fail!("{} isn't a comparable type", item.describe());
        }
    }
    if items.iter().any(|item| order(&items[0], item).is_none()) {
        fail!("can't sort array of different types");
    }
    items.sort_by(|a, b| order(a, b).unwrap_or(Ordering::Equal));
    Ok(Value::array(items))
}

fn sum(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let items = to_array(&args[0])?;
    Ok(items.iter().try_fold(Decimal::ZERO, |sum, item| sum.try_add(to_number(item)?))?.into())
}

fn unique(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let items = to_array(&args[0])?;
    let mut kept: Vec<Value> = Vec::new();
    // Equal values have equal JSON; those few that share it are compared.
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for item in items.iter() {
        let known = places.entry(item.to_json_text()).or_default();
        if !known.iter().any(|place| kept[*place].same(item)) {
            known.push(kept.len());
            kept.push(item.clone());
        }
    }
    Ok(Value::array(kept))
}

fn concat(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (a, b) = (to_array(&args[0])?, to_array(&args[1])?);
    limited(a.iter().chain(b.iter()).cloned().collect())
}

fn filter(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (items, function) = (to_array(&args[0])?, to_function(&args[1])?);
    let mut kept = Vec::new();
    for item in items.iter() {
        if scope.call(&function, std::slice::from_ref(item)).to_bool()? {
            kept.push(item.clone());
        }
    }
    Ok(Value::array(kept))
}

fn foreach(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (items, function) = (to_array(&args[0])?, to_function(&args[1])?);
    let mut call = vec![Value::Null; args.len() - 1];
    call[1..].clone_from_slice(&args[2..]);
    let mut results = Vec::with_capacity(items.len());
    for item in items.iter() {
        call[0] = item.clone();
        match scope.call(&function, &call) {
            Value::Error(error) => return Err(error),
            value => results.push(value),
        }
    }
    Ok(Value::array(results))
}
