//! The flow engine: RapidPro flow definitions, pure and deterministic.
