//! The expression language of flows: templates such as `Hi @contact.first_name` and `@(fields.age + 1)`.
//!
//! A [`Template`] is parsed once and evaluated in a [`Scope`], which holds the environment, the root values (a
//! [`Context`]), the clock reading and a source of random numbers. Evaluating is pure and never fails: what can't be
//! evaluated is an error value, which is reported in the scope. One evaluation has a budget, so that no expression runs
//! away.

mod ast;
pub(crate) mod collate;
pub(crate) mod convert;
pub(crate) mod datetime;
pub mod decimal;
mod entities;
pub(crate) mod error;
mod eval;
mod fold;
pub(crate) mod format;
pub(crate) mod function;
mod json;
mod parse;
pub mod regex;
mod rewrite;
mod template;
mod value;
pub(crate) mod words;

pub use ast::{Lambda, Node, Operator, Step};
pub use decimal::Decimal;
pub use error::{Error, Result};
pub use eval::{Callable, Closure, Context, Empty, Problem, Scope};
pub use function::{Native, all as functions, find as find_function};
pub use parse::{parse, quote};
pub use rewrite::{rewrite, template_paths};
pub use template::{MAX_CHARACTERS, ROOTS, Template, truncate};
pub use value::{Array, Members, Object, Size, Value};
