//! The store's tests: each runs on SQLite and, where `MHERO_TEST_POSTGRES` names a server, on PostgreSQL.

mod audience;
mod backup;
mod leases;
mod parts;
mod query;
mod reassembly;
mod registry;
mod results;
mod same;
mod schema;
mod support;
mod writer;
