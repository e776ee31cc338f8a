//! The use cases: receive, converse, outbox, campaign, registry import.
