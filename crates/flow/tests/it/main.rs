//! Tests of the crate from outside.

mod engine;
mod expression_calls;
mod expression_conformance;
mod expression_language;
mod expression_legacy;
mod expression_places;
mod expression_rewrite;
mod manual;
