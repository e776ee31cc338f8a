//! The app between a channel that the test plays and a store: each test runs on SQLite and, where
//! `MHERO_TEST_POSTGRES` names a server, on PostgreSQL.

mod channel;
mod floip;
mod support;
