//! The store's tests: each runs on SQLite and, where `MHERO_TEST_POSTGRES` names a server, on PostgreSQL.

mod backup;
mod leases;
mod query;
mod same;
mod schema;
mod support;
