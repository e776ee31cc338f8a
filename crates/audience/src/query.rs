//! A parsed query and its normal form.

use std::fmt;
use std::ops::Range;

use base::place::Span;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::date::Day;
use crate::lex;
use crate::property::Property;

/// How a property is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// `=` or `is`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `~` or `has`.
    Contains,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
}

impl Operator {
    /// As the normal form writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Contains => "~",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A group or flow that a query names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// Its UUID; what a [`Subject`](crate::Subject) gives for the property.
    pub uuid: String,
    /// Its name.
    pub name: String,
}

/// What the value of a condition means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// Nothing said what the property is.
    Unresolved,
    /// `= ""` or `!= ""`.
    Set,
    /// Text, as it stands in the condition.
    Text,
    Number(Decimal),
    Day(Day),
    Reference(Reference),
    /// A place and all that lies in it.
    Place(Span),
}

/// One comparison. Two are equal when they ask the same, wherever they stand.
#[derive(Clone, Debug)]
pub struct Condition {
    pub(crate) property: Property,
    pub(crate) operator: Operator,
    pub(crate) value: String,
    pub(crate) operand: Operand,
    /// Where the name stands in the query as it was given.
    pub(crate) name_span: Range<usize>,
    /// Where the value stands; the same as the name of a bare literal.
    pub(crate) value_span: Range<usize>,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        let Self { property, operator, value, operand, name_span: _, value_span: _ } = self;
        (property, operator, value, operand) == (&other.property, &other.operator, &other.value, &other.operand)
    }
}

impl Eq for Condition {}

impl Condition {
    /// What it asks about.
    pub fn property(&self) -> &Property {
        &self.property
    }

    /// How it compares.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The value as it was written, without quotes.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Where the condition stands in the query as it was given, in bytes.
    pub fn span(&self) -> Range<usize> {
        self.name_span.start..self.value_span.end
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.property, self.operator, lex::quote(&self.value))
    }
}

/// A condition or a combination. Combinations have two or more members, none of the same kind as themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// One comparison.
    Condition(Condition),
    /// All of these hold.
    And(Vec<Node>),
    /// At least one of these holds.
    Or(Vec<Node>),
}

impl Node {
    /// Calls `visit` with each condition, from left to right.
    pub fn each_condition<'a>(&'a self, visit: &mut impl FnMut(&'a Condition)) {
        match self {
            Self::Condition(condition) => visit(condition),
            Self::And(members) | Self::Or(members) => members.iter().for_each(|node| node.each_condition(visit)),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, inner: bool) -> fmt::Result {
        let (members, word) = match self {
            Self::Condition(condition) => return write!(f, "{condition}"),
            Self::And(members) => (members, " AND "),
            Self::Or(members) => (members, " OR "),
        };
        if inner {
            f.write_str("(")?;
        }
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                f.write_str(word)?;
            }
            member.write(f, true)?;
        }
        if inner {
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// A parsed query. Its [`Display`](fmt::Display) is the normal form, which parses to an equal query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(crate) root: Node,
}

impl Query {
    /// The whole query.
    pub fn root(&self) -> &Node {
        &self.root
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.write(f, false)
    }
}
