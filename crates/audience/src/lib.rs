//! Audience queries: parse, normalise, evaluate on one contact.
