//! `random`: a category by chance.

use super::Choice;
use crate::engine::Execution;

/// A category by chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random;

impl Random {
    pub(crate) fn choose(ex: &mut Execution<'_>, categories: usize) -> Choice {
        let drawn = ex.random();
        let place = ((drawn * categories as f64).floor() as usize).min(categories.saturating_sub(1));
        Choice { category: Some(place), value: place.to_string(), input: drawn.to_string(), extra: None }
    }
}
