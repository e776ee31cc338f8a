//! Persistence on SQLite and PostgreSQL behind one interface.
