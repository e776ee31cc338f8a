//! Error values: what an expression that can't be evaluated evaluates to.

use std::fmt;
use std::sync::Arc;

/// Why an expression, or a part of it, has no value. Cheap to clone, as it travels through operators and calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    reason: Arc<str>,
    too_complex: bool,
}

impl Error {
    /// An error with the given reason, a phrase that starts in lower case and has no final period.
    pub fn new(reason: impl AsRef<str>) -> Self {
        Self { reason: Arc::from(reason.as_ref()), too_complex: false }
    }

    /// The evaluation costs more than one evaluation may, or nests deeper.
    pub fn too_complex() -> Self {
        Self { reason: Arc::from("expression is too complex to evaluate"), too_complex: true }
    }

    /// Whether the evaluation was given up for its cost.
    pub fn is_too_complex(&self) -> bool {
        self.too_complex
    }

    /// The reason alone.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// This error as the result of calling the function `name`.
    pub(crate) fn in_call(&self, name: &str) -> Self {
        if self.too_complex {
            return self.clone();
        }
        Self::new(format!("error calling {name}(...): {}", self.reason))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Error {}

/// What evaluating and converting give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Shorthand for `Err(Error::new(format!(...)))`.
macro_rules! fail {
    ($($arg:tt)*) => { return Err($crate::expression::Error::new(format!($($arg)*))) };
}
pub(crate) use fail;
