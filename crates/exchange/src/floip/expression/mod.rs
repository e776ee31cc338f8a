//! Expressions: FLOIP's are those of Excel with names of its own, ours are RapidPro's. Both are read into one tree,
//! translated there, and printed.

mod decide;
mod foreign;
mod ours;
mod parse;
mod print;
mod template;

pub(super) use decide::{Answer, decide};
pub(super) use foreign::field_key;
pub(super) use foreign::{Block, Kind, ToOurs};
pub(super) use ours::{ToFloip, test};
pub(super) use parse::parse;
pub(super) use template::{literal, literal_of};

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Concatenate,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

/// An expression of either language. Names of functions are in lower case; those of paths as they are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Text(String),
    Number(String),
    Bool(bool),
    Null,
    Path(Vec<String>),
    Call(String, Vec<Expr>),
    Negate(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
}

impl Expr {
    /// A path from its dotted form.
    pub(super) fn path(dotted: &str) -> Self {
        Self::Path(dotted.split('.').map(str::to_owned).collect())
    }

    pub(super) fn call<const N: usize>(name: &str, arguments: [Self; N]) -> Self {
        Self::Call(name.to_owned(), arguments.into())
    }

    pub(super) fn binary(operator: Operator, left: Self, right: Self) -> Self {
        Self::Binary(operator, Box::new(left), Box::new(right))
    }

    /// The same with its parts changed by `change`.
    fn map(self, change: &mut dyn FnMut(Self) -> Self) -> Self {
        match self {
            Self::Call(name, arguments) => Self::Call(name, arguments.into_iter().map(change).collect()),
            Self::Negate(inner) => Self::Negate(Box::new(change(*inner))),
            Self::Binary(operator, left, right) => {
                let left = change(*left);
                Self::binary(operator, left, change(*right))
            }
            leaf => leaf,
        }
    }
}

impl Operator {
    fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::NotEqual | Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual
        )
    }

    /// How tight it binds, in Excel's order.
    fn level(self) -> u8 {
        match self {
            Self::Concatenate => 2,
            Self::Add | Self::Subtract => 3,
            Self::Multiply | Self::Divide => 4,
            Self::Power => 5,
            _ => 1,
        }
    }
}
