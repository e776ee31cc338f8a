//! Values: what expressions are made of and evaluate to.

use std::fmt;
use std::sync::Arc;

use jiff::Zoned;
use jiff::civil::{Date, Time};

use super::decimal::Decimal;
use super::error::{Error, Result};
use super::eval::Callable;

/// Deepest nesting of arrays and objects that an expression may build.
const MAX_DEPTH: u16 = 500;
/// What the values inside one array or object may be worth, each counted as often as it occurs there.
const MAX_WEIGHT: u64 = 10_000_000;

/// How much an array or object holds. Values share their parts, so that a short expression could nest them into
/// something that takes for ever to write or compare.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// How deep arrays and objects nest, the outermost included.
    pub depth: u16,
    /// Bytes of texts and number of other values.
    pub weight: u64,
}

impl Size {
    const ONE: Self = Self { depth: 1, weight: 1 };

    pub(crate) fn of<'v>(items: impl Iterator<Item = &'v Value>) -> Self {
        let mut size = Self::ONE;
        for item in items {
            let inner = item.size();
            size.depth = size.depth.max(inner.depth.saturating_add(1));
            size.weight = size.weight.saturating_add(inner.weight);
        }
        size
    }

    fn is_excessive(self) -> bool {
        self.depth > MAX_DEPTH || self.weight > MAX_WEIGHT
    }
}

/// A typed value. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// Text.
    Text(Arc<str>),
    /// A decimal number.
    Number(Decimal),
    /// True or false.
    Bool(bool),
    /// A point in time with its timezone.
    DateTime(Box<Zoned>),
    /// A calendar date.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A list of values.
    Array(Arc<Array>),
    /// Named values, possibly with a default that stands for the whole.
    Object(Object),
    /// Something that can be called.
    Function(Callable),
    /// An error, which most operators and functions pass on.
    Error(Error),
}

/// The items of an array value.
#[derive(Debug)]
pub struct Array {
    items: Vec<Value>,
    size: Size,
}

impl Default for Array {
    fn default() -> Self {
        Self { items: Vec::new(), size: Size::ONE }
    }
}

impl Array {
    /// The items.
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

impl std::ops::Deref for Array {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        &self.items
    }
}

/// The members of an object value. Implement it for a context object whose members are costly, so that only those that
/// an expression touches are built.
pub trait Members: Send + Sync {
    /// The member called `name`, which is compared without case.
    fn get(&self, name: &str) -> Option<Value>;

    /// The names of all members, in any order.
    fn names(&self) -> Vec<Arc<str>>;

    /// How many members there are.
    fn count(&self) -> usize {
        self.names().len()
    }

    /// What stands for the whole object where a text, number or truth is wanted.
    fn default_value(&self) -> Option<Value> {
        None
    }

    /// The warning for reading the member `name`, if it is deprecated.
    fn warning(&self, _name: &str) -> Option<String> {
        None
    }

    /// How much it holds.
    fn size(&self) -> Size {
        Size::ONE
    }
}

/// An object value.
#[derive(Clone)]
pub struct Object(Arc<dyn Members>);

struct Map {
    members: Vec<(Arc<str>, Value)>,
    default: Option<Value>,
    size: Size,
}

impl Members for Map {
    fn get(&self, name: &str) -> Option<Value> {
        let exact = self.members.iter().find(|(n, _)| &**n == name);
        exact.or_else(|| self.members.iter().find(|(n, _)| same_name(n, name))).map(|(_, value)| value.clone())
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.members.iter().map(|(name, _)| Arc::clone(name)).collect()
    }

    fn count(&self) -> usize {
        self.members.len()
    }

    fn default_value(&self) -> Option<Value> {
        self.default.clone()
    }

    fn size(&self) -> Size {
        self.size
    }
}

/// Whether two property names are the same, which case doesn't decide.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
        || (!(a.is_ascii() && b.is_ascii())
            && a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase)))
}

impl Object {
    /// An object with the given members; of several with one name the last is kept.
    pub fn new<N: Into<Arc<str>>>(members: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self::build(None, members)
    }

    /// An object with members and a default value.
    pub fn with_default<N: Into<Arc<str>>>(default: Value, members: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self::build(Some(default), members)
    }

    fn build<N: Into<Arc<str>>>(default: Option<Value>, members: impl IntoIterator<Item = (N, Value)>) -> Self {
        let members = members.into_iter();
        let mut list: Vec<(Arc<str>, Value)> = Vec::with_capacity(members.size_hint().0);
        let mut seen = std::collections::HashMap::<Arc<str>, usize>::new();
        for (name, value) in members {
            let name = name.into();
            // A scan is quicker for the few members that objects mostly have.
            let place = if list.len() < 16 {
                list.iter().position(|(n, _)| *n == name)
            } else {
                if seen.is_empty() {
                    seen.extend(list.iter().enumerate().map(|(i, (n, _))| (Arc::clone(n), i)));
                }
                let place = seen.get(&name).copied();
                if place.is_none() {
                    seen.insert(Arc::clone(&name), list.len());
                }
                place
            };
            match place {
                Some(i) => list[i].1 = value,
                None => list.push((name, value)),
            }
        }
        let size = Size::of(list.iter().map(|(_, value)| value).chain(&default));
        Self(Arc::new(Map { members: list, default, size }))
    }

    /// An object whose members are made when they are asked for.
    pub fn lazy(members: impl Members + 'static) -> Self {
        Self(Arc::new(members))
    }

    /// The member called `name`, which is compared without case.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name)
    }

    /// The names of the members, sorted by code points.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.0.names();
        names.sort_unstable();
        names
    }

    /// The members, sorted by name.
    pub fn members(&self) -> Vec<(Arc<str>, Value)> {
        let value = |name: &str| self.0.get(name).unwrap_or_default();
        self.names().into_iter().map(|name| (Arc::clone(&name), value(&name))).collect()
    }

    /// How many members there are.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// How much it holds.
    pub(crate) fn size(&self) -> Size {
        self.0.size()
    }

    /// What stands for the whole object, if anything does.
    pub fn default_value(&self) -> Option<Value> {
        self.0.default_value()
    }

    /// The warning for reading the member `name`, if it is deprecated.
    pub fn warning(&self, name: &str) -> Option<String> {
        self.0.warning(name)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.members()).finish()
    }
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A text value, or null.
    pub fn optional_text(text: Option<impl Into<Arc<str>>>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// An array value. Items nested too deep are refused.
    pub fn array(items: Vec<Self>) -> Self {
        let size = Size::of(items.iter());
        if size.is_excessive() {
            return Self::Error(Error::too_complex());
        }
        Self::Array(Arc::new(Array { items, size }))
    }

    /// An object value. Members nested too deep are refused.
    pub fn object<N: Into<Arc<str>>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::from(Object::new(members))
    }

    /// A datetime value.
    pub fn datetime(at: Zoned) -> Self {
        Self::DateTime(Box::new(at))
    }

    pub(crate) fn size(&self) -> Size {
        match self {
            Self::Array(array) => array.size,
            Self::Object(object) => object.size(),
            _ => Size { depth: 0, weight: self.cost() },
        }
    }

    /// Whether this is an error.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What stands for this value where a simple one is wanted: the default of an object that has one, else itself.
    pub(crate) fn simple(&self) -> std::borrow::Cow<'_, Self> {
        match self {
            Self::Object(object) => object
                .default_value()
                .map_or(std::borrow::Cow::Borrowed(self), |value| std::borrow::Cow::Owned(value.simple().into_owned())),
            _ => std::borrow::Cow::Borrowed(self),
        }
    }

    /// The value as text. Only an error has none.
    pub fn to_text(&self) -> Result<Arc<str>> {
        if let Self::Text(text) = self {
            return Ok(Arc::clone(text));
        }
        let mut out = String::new();
        self.write_text(&mut out)?;
        Ok(out.into())
    }

    /// Appends the value as text.
    pub fn write_text(&self, out: &mut String) -> Result<()> {
        use fmt::Write;
        match self {
            Self::Null => {}
            Self::Text(text) => out.push_str(text),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => _ = write!(out, "{number}"),
            Self::DateTime(at) => super::datetime::write_datetime(out, at),
            Self::Date(date) => super::datetime::write_date(out, *date),
            Self::Time(time) => super::datetime::write_time(out, *time),
            Self::Array(array) => {
                out.push('[');
                for (i, item) in array.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    item.write_text(out)?;
                }
                out.push(']');
            }
            Self::Object(object) => {
                if let Some(default) = object.default_value() {
                    return default.write_text(out);
                }
                out.push('{');
                for (i, (name, value)) in object.members().into_iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    out.push_str(&name);
                    out.push_str(": ");
                    value.write_text(out)?;
                }
                out.push('}');
            }
            Self::Function(function) => out.push_str(function.name()),
            Self::Error(error) => return Err(error.clone()),
        }
        Ok(())
    }

    /// Whether the value counts as true. Only an error is neither true nor false.
    pub fn to_bool(&self) -> Result<bool> {
        Ok(match self {
            Self::Null => false,
            Self::Text(text) => !text.is_empty() && !text.eq_ignore_ascii_case("false"),
            Self::Number(number) => !number.is_zero(),
            Self::Bool(value) => *value,
            Self::DateTime(at) => at.datetime() != super::datetime::ZERO.to_datetime(Time::midnight()),
            Self::Date(date) => *date != super::datetime::ZERO,
            Self::Time(time) => *time != Time::midnight(),
            Self::Array(array) => !array.is_empty(),
            Self::Object(object) => match object.default_value() {
                Some(default) => default.to_bool()?,
                None => object.count() > 0,
            },
            Self::Function(_) => true,
            Self::Error(error) => return Err(error.clone()),
        })
    }

    /// The value as error messages show it.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) => format!("\"{text}\""),
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::DateTime(_) => "datetime".to_owned(),
            Self::Date(_) => "date".to_owned(),
            Self::Time(_) => "time".to_owned(),
            Self::Array(_) => "array".to_owned(),
            Self::Object(_) => "object".to_owned(),
            Self::Function(function) => function.name().to_owned(),
            Self::Error(error) => error.reason().to_owned(),
        }
    }

    /// Whether two values are of one type and equal.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::DateTime(a), Self::DateTime(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.same(b)),
            (Self::Object(a), Self::Object(b)) => {
                a.count() == b.count()
                    && a.members().iter().zip(b.members().iter()).all(|((n, a), (m, b))| n == m && a.same(b))
            }
            (Self::Function(a), Self::Function(b)) => a.same(b),
            (Self::Error(a), Self::Error(b)) => a == b,
            _ => false,
        }
    }

    /// What the value costs of an evaluation's budget.
    pub(crate) fn cost(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            _ => 1,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Zoned> for Value {
    fn from(at: Zoned) -> Self {
        Self::datetime(at)
    }
}

impl From<Date> for Value {
    fn from(date: Date) -> Self {
        Self::Date(date)
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Self {
        Self::Time(time)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::array(items)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        if object.0.size().is_excessive() {
            return Self::Error(Error::too_complex());
        }
        Self::Object(object)
    }
}

impl From<Error> for Value {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Result<T>> for Value {
    fn from(value: Result<T>) -> Self {
        value.map_or_else(Self::Error, Into::into)
    }
}
