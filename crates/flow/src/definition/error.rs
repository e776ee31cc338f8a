//! Why a definition is refused.

use std::fmt;

/// Why a definition is refused, with its place: `invalid node[uuid=N]: invalid router: ...`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DefinitionError {
    places: Vec<String>,
    problem: String,
}

impl DefinitionError {
    /// A problem whose place is still to be added.
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { places: Vec::new(), problem: problem.into() }
    }

    /// The same problem, inside `place`.
    pub(crate) fn within(mut self, place: impl Into<String>) -> Self {
        self.places.insert(0, place.into());
        self
    }

    /// What is wrong, without its place.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in &self.places {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.problem)
    }
}

pub(crate) type Result<T> = std::result::Result<T, DefinitionError>;
