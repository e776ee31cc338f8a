//! The functions of the language, one file per group.

mod array;
mod conversion;
mod datetime;
mod format;
mod logic;
mod number;
mod object;
mod text;
mod words;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use super::error::{Error, Result};
use super::eval::Scope;
use super::value::Value;

/// A function of the language or a router test. What each does is in the manual's chapter for flow authors, whose examples
/// are run by a test.
pub struct Native {
    /// Its name.
    pub name: &'static str,
    /// Names of its parameters, optional ones in brackets.
    pub parameters: &'static str,
    /// Fewest and most arguments.
    pub(crate) arity: (usize, usize),
    /// Whether arguments that are errors are its business; otherwise they are the result.
    pub(crate) takes_errors: bool,
    pub(crate) function: Function,
}

/// How a function is implemented.
pub(crate) type Function = fn(&mut Scope, &[Value]) -> Result<Value>;

/// Any number of arguments.
pub(crate) const MANY: usize = usize::MAX;

impl Native {
    pub(crate) const fn new(
        name: &'static str,
        parameters: &'static str,
        arity: (usize, usize),
        function: Function,
    ) -> Self {
        Self { name, parameters, arity, takes_errors: false, function }
    }

    pub(crate) const fn taking_errors(mut self) -> Self {
        self.takes_errors = true;
        self
    }

    /// Calls it. An error is wrapped with its name.
    pub fn call(&self, scope: &mut Scope, arguments: &[Value]) -> Value {
        match self.try_call(scope, arguments) {
            Ok(Value::Error(error)) | Err(error) => Value::Error(error.in_call(self.name)),
            Ok(value) => value,
        }
    }

    /// Calls it. An error is as the function gave it.
    pub fn try_call(&self, scope: &mut Scope, arguments: &[Value]) -> Result<Value> {
        let (min, max) = self.arity;
        let given = arguments.len();
        if given < min || given > max {
            let wanted = match (min, max) {
                (min, MANY) => format!("at least {min}"),
                (min, max) if min == max => min.to_string(),
                (min, max) => format!("{min} to {max}"),
            };
            return Err(Error::new(format!("need {wanted} argument(s), got {given}")));
        }
        if !self.takes_errors {
            for argument in arguments {
                if let Value::Error(error) = argument {
                    return Err(error.clone());
                }
            }
        }
        (self.function)(scope, arguments)
    }
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name, self.parameters)
    }
}

/// All functions. Router tests are functions too, but listed by [`crate::router::test::all`].
pub fn all() -> impl Iterator<Item = &'static Native> {
    let groups = [
        conversion::FUNCTIONS,
        logic::FUNCTIONS,
        text::FUNCTIONS,
        words::FUNCTIONS,
        number::FUNCTIONS,
        datetime::FUNCTIONS,
        array::FUNCTIONS,
        object::FUNCTIONS,
        format::FUNCTIONS,
    ];
    groups.into_iter().flatten()
}

/// The function or router test with a name in lower case.
pub fn find(name: &str) -> Option<&'static Native> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static Native>> =
        LazyLock::new(|| all().chain(crate::router::test::all()).map(|native| (native.name, native)).collect());
    BY_NAME.get(name).copied()
}
