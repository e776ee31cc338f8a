//! Evaluation: the scope that expressions see, operators, lookups and calls.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::{Timestamp, Zoned};

use super::ast::{Lambda, Node, Operator, Step};
use super::convert::{to_integer, to_number};
use super::error::{Error, Result, fail};
use super::function::Native;
use super::value::Value;
use crate::environment::{Environment, Locations};

/// What the values of one evaluation may be worth: text counts its bytes, anything else one.
const BUDGET: u64 = 10_000_000;
/// Deepest nesting of brackets and calls while evaluating.
const MAX_DEPTH: u32 = 200;

/// The root values that expressions may name.
pub trait Context {
    /// The root called `name`, which is in lower case.
    fn root(&self, name: &str) -> Option<Value>;

    /// A property of a root, as a shortcut for a context that can tell it without building the whole root. `None` means
    /// only that there is no shortcut; the root is then asked for. Not to be used for deprecated properties.
    fn path(&self, _root: &str, _property: &str) -> Option<Value> {
        None
    }

    /// As [`Context::path`], for a property of a property.
    fn deep_path(&self, _root: &str, _property: &str, _inner: &str) -> Option<Value> {
        None
    }

    /// The text of a root, or of a property of it, as a shortcut like [`Context::path`]: what stands for an object where
    /// a text is wanted is mostly told without its members.
    fn text(&self, _root: &str, _property: Option<&str>) -> Option<String> {
        None
    }

    /// The warning for reading the root `name`, if it is deprecated.
    fn warning(&self, _name: &str) -> Option<String> {
        None
    }
}

/// A context without roots.
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty;

impl Context for Empty {
    fn root(&self, _name: &str) -> Option<Value> {
        None
    }
}

/// A problem met while evaluating a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong: `Error evaluating expression: ` and the reason.
    pub text: String,
    /// `expression`, or `expression:too_complex`.
    pub code: &'static str,
    /// Source of the part of the template that went wrong, such as `@(1 / 0)`.
    pub expression: String,
}

/// Everything that evaluating depends on, and what it reports.
pub struct Scope<'a> {
    /// Formats, timezone, languages and country.
    pub env: &'a Environment,
    /// The root values.
    pub context: &'a dyn Context,
    /// The clock reading of `now()` and `today()`.
    pub now: Timestamp,
    /// Gives numbers from 0 up to 1.
    pub random: &'a mut dyn FnMut() -> f64,
    /// The locations that `has_state`, `has_district` and `has_ward` search; without any these are errors.
    pub locations: Option<&'a Locations>,
    /// Texts that `prompt` fills in, by name.
    pub prompts: &'a BTreeMap<String, String>,
    /// Problems met so far.
    pub errors: Vec<Problem>,
    /// Warnings about deprecated values read so far, each text once.
    pub warnings: Vec<String>,
    spent: u64,
    depth: u32,
}

static NO_PROMPTS: BTreeMap<String, String> = BTreeMap::new();

impl<'a> Scope<'a> {
    /// A scope without locations and prompts.
    pub fn new(
        env: &'a Environment,
        context: &'a dyn Context,
        now: Timestamp,
        random: &'a mut dyn FnMut() -> f64,
    ) -> Self {
        Self {
            env,
            context,
            now,
            random,
            locations: None,
            prompts: &NO_PROMPTS,
            errors: Vec::new(),
            warnings: Vec::new(),
            spent: 0,
            depth: 0,
        }
    }

    /// The clock reading in the environment's timezone.
    pub fn local_now(&self) -> Zoned {
        self.now.to_zoned(self.env.timezone.clone())
    }

    /// Starts an evaluation with a budget of its own.
    pub(crate) fn begin(&mut self) {
        self.spent = 0;
        self.depth = 0;
    }

    /// Evaluates an expression on what is left of the budget.
    pub(crate) fn evaluate(&mut self, node: &Node) -> Value {
        let value = self.eval(node, None);
        if self.spent > BUDGET { Value::Error(Error::too_complex()) } else { value }
    }

    /// Calls a function value, or whatever isn't one.
    pub(crate) fn call(&mut self, function: &Callable, arguments: &[Value]) -> Value {
        let value = match function {
            Callable::Native(native) => native.call(self, arguments),
            Callable::Lambda(closure) => {
                let wanted = closure.lambda.parameters.len();
                if arguments.len() == wanted {
                    let values = arguments.to_vec();
                    let frame = Frame { lambda: Arc::clone(&closure.lambda), values, outer: closure.frame.clone() };
                    self.nested(|scope| scope.eval(&closure.lambda.body, Some(&Arc::new(frame))))
                } else {
                    let reason = format!("need {wanted} argument(s), got {}", arguments.len());
                    Value::Error(Error::new(reason).in_call("<anon>"))
                }
            }
        };
        self.spend(value)
    }

    /// Counts a value against the budget; the value is lost when that is used up.
    pub(crate) fn spend(&mut self, value: Value) -> Value {
        self.spent += value.cost();
        if self.spent > BUDGET { Value::Error(Error::too_complex()) } else { value }
    }

    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.depth >= MAX_DEPTH {
            return Value::Error(Error::too_complex());
        }
        self.depth += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }

    pub(crate) fn warn(&mut self, warning: Option<String>) {
        if let Some(text) = warning
            && !self.warnings.contains(&text)
        {
            self.warnings.push(text);
        }
    }

    fn eval(&mut self, node: &Node, frame: Option<&Arc<Frame>>) -> Value {
        match node {
            Node::Literal(value, _) => self.spend(value.clone()),
            Node::Name(name) => self.name(name, frame),
            Node::Function(native) => Value::Function(Callable::Native(native)),
            Node::Paren(inner) => self.nested(|scope| scope.eval(inner, frame)),
            Node::Postfix(base, steps) => self.postfix(base, steps, frame),
            Node::Negate(count, operand) => {
                let value = match self.eval(operand, frame) {
                    Value::Error(error) => Value::Error(error),
                    value => to_number(&value).map(|n| if count % 2 == 1 { -n } else { n }).into(),
                };
                self.spend(value)
            }
            Node::Chain(first, rest) => {
                let mut value = self.eval(first, frame);
                for (operator, operand) in rest {
                    // Both sides are evaluated, so that warnings don't depend on errors.
                    let right = self.eval(operand, frame);
                    value = binary(*operator, &value, &right).into();
                    value = self.spend(value);
                }
                value
            }
            Node::Lambda(lambda) => {
                let closure = Closure { lambda: Arc::clone(lambda), frame: frame.cloned() };
                Value::Function(Callable::Lambda(Arc::new(closure)))
            }
        }
    }

    fn name(&mut self, name: &str, frame: Option<&Arc<Frame>>) -> Value {
        let mut at = frame;
        while let Some(frame) = at {
            if let Some(i) = frame.lambda.parameters.iter().rposition(|p| &**p == name) {
                return self.spend(frame.values[i].clone());
            }
            at = frame.outer.as_ref();
        }
        let Some(value) = self.context.root(name) else {
            return Value::Error(Error::new(format!("context has no property '{name}'")));
        };
        self.warn(self.context.warning(name));
        self.spend(value)
    }

    fn postfix(&mut self, base: &Node, steps: &[Step], frame: Option<&Arc<Frame>>) -> Value {
        let mut steps = steps;
        let mut value = match (base, steps) {
            // A shortcut past the root: `contact.name` needs no contact object.
            (Node::Name(root), [Step::Property(property), rest @ ..]) if frame.is_none() => {
                let deep = match rest {
                    [Step::Property(inner), ..] => self.context.deep_path(root, property, inner),
                    _ => None,
                };
                if let Some(value) = deep {
                    steps = &rest[1..];
                    self.spend(value)
                } else if let Some(value) = self.context.path(root, property) {
                    steps = rest;
                    self.spend(value)
                } else {
                    self.eval(base, frame)
                }
            }
            // A call of a function by its name needs no function value.
            (Node::Function(native), [Step::Call(arguments), rest @ ..]) => {
                steps = rest;
                let value = self.nested(|scope| {
                    let arguments: Vec<Value> = arguments.iter().map(|a| scope.eval(a, frame)).collect();
                    native.call(scope, &arguments)
                });
                self.spend(value)
            }
            _ => self.eval(base, frame),
        };
        for step in steps {
            if value.is_error() {
                return value;
            }
            value = match step {
                Step::Property(name) => self.property(&value, name),
                Step::Lookup(index) => {
                    let index = self.nested(|scope| scope.eval(index, frame));
                    self.lookup(&value, &index)
                }
                Step::Call(arguments) => {
                    let Value::Function(function) = &value else {
                        return Value::Error(Error::new(format!("{} is not a function", value.describe())));
                    };
                    self.nested(|scope| {
                        let arguments: Vec<Value> = arguments.iter().map(|a| scope.eval(a, frame)).collect();
                        scope.call(function, &arguments)
                    })
                }
            };
            value = self.spend(value);
        }
        value
    }

    fn property(&mut self, value: &Value, name: &str) -> Value {
        match value {
            Value::Object(object) => match object.get(name) {
                Some(member) => {
                    self.warn(object.warning(name));
                    member
                }
                None => Value::Error(Error::new(format!("object has no property '{name}'"))),
            },
            Value::Array(items) if name.bytes().all(|b| b.is_ascii_digit()) => {
                name.parse::<i64>().map_or(Value::Null, |index| item(items, index).into())
            }
            Value::Error(error) => Value::Error(error.clone()),
            other => Value::Error(Error::new(format!("{} doesn't support lookups", other.describe()))),
        }
    }

    fn lookup(&mut self, value: &Value, index: &Value) -> Value {
        if let Value::Error(error) = index {
            return Value::Error(error.clone());
        }
        match value {
            Value::Array(items) => to_integer(index).and_then(|i| item(items, i64::from(i))).into(),
            Value::Object(object) => match index.to_text() {
                Ok(name) => {
                    let member = object.get(&name);
                    if member.is_some() {
                        self.warn(object.warning(&name));
                    }
                    member.unwrap_or_default()
                }
                Err(error) => Value::Error(error),
            },
            Value::Error(error) => Value::Error(error.clone()),
            other => Value::Error(Error::new(format!("{} doesn't support lookups", other.describe()))),
        }
    }
}

fn item(items: &[Value], index: i64) -> Result<Value> {
    let place = if index < 0 { index + items.len() as i64 } else { index };
    match usize::try_from(place).ok().and_then(|i| items.get(i)) {
        Some(item) => Ok(item.clone()),
        None => fail!("index {index} out of range for {} items", items.len()),
    }
}

/// The result of a binary operator.
pub(crate) fn binary(operator: Operator, left: &Value, right: &Value) -> Result<Value> {
    if let Value::Error(error) = left {
        return Err(error.clone());
    }
    if let Value::Error(error) = right {
        return Err(error.clone());
    }
    let numbers = || -> Result<_> { Ok((to_number(left)?, to_number(right)?)) };
    Ok(match operator {
        Operator::Concatenate => {
            let mut text = String::new();
            left.write_text(&mut text)?;
            right.write_text(&mut text)?;
            Value::from(text)
        }
        Operator::Equal => Value::Bool(equal(left, right)?),
        Operator::NotEqual => Value::Bool(!equal(left, right)?),
        Operator::Less => numbers().map(|(a, b)| a < b)?.into(),
        Operator::LessOrEqual => numbers().map(|(a, b)| a <= b)?.into(),
        Operator::Greater => numbers().map(|(a, b)| a > b)?.into(),
        Operator::GreaterOrEqual => numbers().map(|(a, b)| a >= b)?.into(),
        Operator::Add => numbers().and_then(|(a, b)| a.try_add(b))?.into(),
        Operator::Subtract => numbers().and_then(|(a, b)| a.try_sub(b))?.into(),
        Operator::Multiply => numbers().and_then(|(a, b)| a.try_mul(b))?.into(),
        Operator::Divide => numbers().and_then(|(a, b)| a.try_div(b))?.into(),
        Operator::Power => numbers().and_then(|(a, b)| a.pow(b))?.into(),
    })
}

/// Whether two values are the same as text.
fn equal(left: &Value, right: &Value) -> Result<bool> {
    Ok(match (left, right) {
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a == b,
        _ => left.to_text()? == right.to_text()?,
    })
}

/// Something that can be called.
#[derive(Clone)]
pub enum Callable {
    /// A function of the language, or a router test.
    Native(&'static Native),
    /// An anonymous function.
    Lambda(Arc<Closure>),
}

/// An anonymous function with the names that surrounded it.
pub struct Closure {
    lambda: Arc<Lambda>,
    frame: Option<Arc<Frame>>,
}

/// The arguments of an anonymous function that is being called.
struct Frame {
    lambda: Arc<Lambda>,
    values: Vec<Value>,
    outer: Option<Arc<Frame>>,
}

impl Callable {
    /// The name it was defined with.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Native(native) => native.name,
            Self::Lambda(_) => "<anon>",
        }
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Native(a), Self::Native(b)) => a.name == b.name,
            (Self::Lambda(a), Self::Lambda(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl fmt::Debug for Callable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
