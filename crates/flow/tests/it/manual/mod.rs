//! The manual's chapter for the people who write flows: its examples are run, and it leaves nothing out.
//!
//! An example is a fenced block. The word after the fence says what it is: `expression`, `test`, `action`, `trigger` or
//! `conversation`, with `given` before it and `events` or `after` behind it. All start from the conversation in
//! `docs/src/flow-authors/sample`.

mod complete;
mod examples;
mod page;
mod sample;
mod talk;
