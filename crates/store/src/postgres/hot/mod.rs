//! The loop on PostgreSQL.
