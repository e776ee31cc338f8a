//! What the manual says about functions and router tests.

use super::function::{Native, groups};

/// A group of functions.
#[derive(Debug)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The functions.
    pub functions: Vec<&'static Native>,
}

/// All functions by group, router tests last.
pub fn functions() -> Vec<Group> {
    let mut all: Vec<Group> =
        groups().map(|(title, functions)| Group { title, functions: functions.iter().collect() }).collect();
    all.push(Group { title: "router tests", functions: crate::router::test::all().collect() });
    all
}
