//! Objects.

use std::sync::Arc;

use super::{MANY, Native};
use crate::expression::convert::{to_function, to_object};
use crate::expression::error::{Result, fail};
use crate::expression::{Scope, Value};
use base::Urn;

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("object", "pairs...", (0, MANY), object),
    Native::new("count", "value", (1, 1), count),
    Native::new("extract", "object, name", (2, 2), extract),
    Native::new("extract_object", "object, names...", (2, MANY), extract_object),
    Native::new("keys", "object", (1, 1), keys),
    Native::new("foreach_value", "object, function, arguments...", (2, MANY), foreach_value),
    Native::new("urn_parts", "urn", (1, 1), urn_parts),
    Native::new("attachment_parts", "text", (1, 1), attachment_parts),
];

fn object(_: &mut Scope, args: &[Value]) -> Result<Value> {
    if !args.len().is_multiple_of(2) {
        fail!("requires an even number of arguments");
    }
    let mut members: Vec<(Arc<str>, Value)> = Vec::with_capacity(args.len() / 2);
    for pair in args.chunks_exact(2) {
        members.push((pair[0].to_text()?, pair[1].clone()));
    }
    Ok(Value::object(members))
}

fn count(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(match &args[0] {
        Value::Null => Value::from(0_usize),
        Value::Array(items) => items.len().into(),
        Value::Object(object) => object.count().into(),
        _ => fail!("value isn't countable"),
    })
}

fn extract(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(to_object(&args[0])?.get(&args[1].to_text()?).unwrap_or_default())
}

fn extract_object(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let object = to_object(&args[0])?;
    let mut members: Vec<(Arc<str>, Value)> = Vec::with_capacity(args.len() - 1);
    for name in &args[1..] {
        let name = name.to_text()?;
        let value = object.get(&name).unwrap_or_default();
        members.push((name, value));
    }
    Ok(Value::object(members))
}

fn keys(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(Value::array(to_object(&args[0])?.names().into_iter().map(Value::Text).collect()))
}

fn foreach_value(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (object, function) = (to_object(&args[0])?, to_function(&args[1])?);
    let mut call = vec![Value::Null; args.len() - 1];
    call[1..].clone_from_slice(&args[2..]);
    let mut members = Vec::with_capacity(object.count());
    for (name, value) in object.members() {
        call[0] = value;
        match scope.call(&function, &call) {
            Value::Error(error) => return Err(error),
            value => members.push((name, value)),
        }
    }
    Ok(Value::object(members))
}

fn urn_parts(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    match Urn::parse(&text) {
        Ok(urn) => Ok(Value::object([
            ("scheme", Value::from(urn.scheme())),
            ("path", Value::text(urn.path())),
            ("display", Value::text(urn.display())),
        ])),
        Err(error) => fail!("{text} is not a valid URN: {error}"),
    }
}

fn attachment_parts(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    // A content type has no colon, and a bare URL's scheme is followed by slashes.
    let (kind, url) = match text.split_once(':') {
        Some((kind, url)) if !url.starts_with("//") => (kind, url),
        _ => ("", &*text),
    };
    Ok(Value::object([("content_type", Value::from(kind)), ("url", Value::from(url))]))
}
