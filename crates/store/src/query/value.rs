//! Values and rows.

use super::QueryError;
use base::{
    CampaignId, ChannelId, ContactId, FlowId, GroupId, MessageId, Millis, Part, ProblemId, RunId, SessionId, StartId,
    WorkerId,
};
use std::sync::Arc;
use uuid::Uuid;

/// What a parameter or a column holds. Booleans are integers, times are milliseconds, ids are bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// The word for its type in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "integer",
            Self::Real(_) => "real",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// The type of a column in [`Rows`](super::Rows).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Whole numbers.
    Int(&'static str),
    /// Texts.
    Text(&'static str),
    /// Bytes.
    Bytes(&'static str),
}

impl Column {
    /// The column's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int(name) | Self::Text(name) | Self::Bytes(name) => name,
        }
    }

    /// Its array type in PostgreSQL.
    pub(crate) fn array(self) -> &'static str {
        match self {
            Self::Int(_) => "bigint[]",
            Self::Text(_) => "text[]",
            Self::Bytes(_) => "bytea[]",
        }
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $to:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        }
    )*};
}

from! {
    i64 => |value| Value::Int(value);
    i32 => |value| Value::Int(value.into());
    u32 => |value| Value::Int(value.into());
    u16 => |value| Value::Int(value.into());
    u8 => |value| Value::Int(value.into());
    usize => |value| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    bool => |value| Value::Int(value.into());
    f64 => |value| Value::Real(value);
    Millis => |value| Value::Int(value.0);
    Part => |value| Value::Int(value.0.into());
    String => |value| Value::Text(value);
    &str => |value| Value::Text(value.to_owned());
    &String => |value| Value::Text(value.clone());
    Vec<u8> => |value| Value::Bytes(value);
    &[u8] => |value| Value::Bytes(value.to_vec());
    [u8; 16] => |value| Value::Bytes(value.to_vec());
    [u8; 32] => |value| Value::Bytes(value.to_vec());
    Uuid => |value| Value::Bytes(value.as_bytes().to_vec());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What a column can be read as.
pub trait FromValue: Sized {
    /// The word for it in messages.
    const EXPECTED: &'static str;

    /// The value as this type, or `None` when it is of another.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($to:ty, $expected:literal, $pattern:pat => $result:expr;)*) => {$(
        impl FromValue for $to {
            const EXPECTED: &'static str = $expected;
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $pattern => $result,
                    _ => None,
                }
            }
        }
    )*};
}

from_value! {
    i64, "an integer", Value::Int(n) => Some(*n);
    bool, "an integer", Value::Int(n) => Some(*n != 0);
    u64, "an integer from 0", Value::Int(n) => u64::try_from(*n).ok();
    u32, "an integer from 0", Value::Int(n) => u32::try_from(*n).ok();
    u16, "an integer from 0", Value::Int(n) => u16::try_from(*n).ok();
    usize, "an integer from 0", Value::Int(n) => usize::try_from(*n).ok();
    Millis, "milliseconds", Value::Int(n) => Some(Millis(*n));
    Part, "a part", Value::Int(n) => u8::try_from(*n).ok().map(Part);
    String, "a text", Value::Text(text) => Some(text.clone());
    Vec<u8>, "bytes", Value::Bytes(bytes) => Some(bytes.clone());
    [u8; 16], "16 bytes", Value::Bytes(bytes) => bytes.as_slice().try_into().ok();
    [u8; 32], "32 bytes", Value::Bytes(bytes) => bytes.as_slice().try_into().ok();
    Uuid, "16 bytes", Value::Bytes(bytes) => Uuid::from_slice(bytes).ok();
}

impl FromValue for f64 {
    const EXPECTED: &'static str = "a number";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(n) => Some(*n as f64),
            Value::Real(n) => Some(*n),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Bytes(id.as_bytes().to_vec())
            }
        }
        impl FromValue for $id {
            const EXPECTED: &'static str = "16 bytes";
            fn from_value(value: &Value) -> Option<Self> {
                Uuid::from_value(value).map(Self)
            }
        }
    )*};
}
ids!(CampaignId, ChannelId, ContactId, FlowId, GroupId, MessageId, ProblemId, RunId, SessionId, StartId, WorkerId);

/// One row of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub(crate) columns: Arc<[Box<str>]>,
    pub(crate) values: Vec<Value>,
}

/// A column by its name or its index.
pub trait Key: std::fmt::Display + Copy {
    /// Its index in `row`.
    fn index(self, row: &Row) -> Option<usize>;
}

impl Key for &str {
    fn index(self, row: &Row) -> Option<usize> {
        row.columns.iter().position(|column| **column == *self)
    }
}

impl Key for usize {
    fn index(self, row: &Row) -> Option<usize> {
        (self < row.values.len()).then_some(self)
    }
}

impl Row {
    /// A column as `T`; a NULL is an error unless `T` is an `Option`.
    ///
    /// # Errors
    /// [`QueryError::Column`] when there is no such column or it holds something else.
    pub fn get<T: FromValue>(&self, key: impl Key) -> Result<T, QueryError> {
        let error = |found: &str| QueryError::Column {
            column: key.to_string(),
            expected: T::EXPECTED,
            found: found.to_owned(),
        };
        let value = key.index(self).and_then(|at| self.values.get(at)).ok_or_else(|| error("no such column"))?;
        T::from_value(value).ok_or_else(|| error(value.kind()))
    }

    /// A text column without copying it.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn text(&self, key: impl Key) -> Result<&str, QueryError> {
        match key.index(self).and_then(|at| self.values.get(at)) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(QueryError::Column {
                column: key.to_string(),
                expected: "a text",
                found: other.map_or("no such column", Value::kind).to_owned(),
            }),
        }
    }

    /// The names of the columns, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| &**column)
    }

    /// All values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}
