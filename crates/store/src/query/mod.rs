//! One SQL text for both engines.
//!
//! Everything that is not hot is written once, in a plain subset of SQL: `ON CONFLICT`, `RETURNING`, `CAST`, bigint
//! epoch milliseconds, ids as bytes, JSON and decimals as text. Parameters are `$1`, `$2`... and each must be bound;
//! [`check()`] refuses what the two engines read differently (`::`, `LIKE`, `lower()`, `?`, dollar quotes).
//!
//! - [`Store::query`](crate::Store::query) reads on a reader;
//! - [`Unit`] is a list of writes that commit together: a unit, not a closure, so that the same value runs as one
//!   closure on SQLite's writer thread and as one pipelined transaction on PostgreSQL. What a write depends on is put
//!   into its statement (`WHERE revision = $3`) and checked with [`Unit::expect`];
//! - [`Rows`] is one statement for many rows: a prepared statement run per row on SQLite, `unnest` on PostgreSQL.
//!
//! Differences that stay: PostgreSQL refuses one `ON CONFLICT DO UPDATE` that meets the same row twice (a [`Rows`]
//! has no duplicates), `sum()` of bigint is numeric there (write `CAST(sum(x) AS bigint)`), and `NULL` sorts last
//! there and first in SQLite (write `NULLS FIRST` or `NULLS LAST`).

mod check;
mod postgres;
mod sqlite;
mod unit;
mod value;

pub use check::check;
pub(crate) use postgres::{changing, returning, run as run_postgres};
pub use unit::{Done, Rows, Unit};
pub use value::{Column, FromValue, Row, Value};

use crate::{Store, StoreResult};

/// `(part = $1 AND id = $2) OR ...`, which both engines answer from the primary key.
pub(crate) fn any_of<T: Into<Value>>(
    columns: [&str; 2],
    keys: impl Iterator<Item = (base::Part, T)>,
) -> (String, Vec<Value>) {
    use std::fmt::Write;
    let (mut sql, mut values) = (String::new(), Vec::new());
    for (part, key) in keys {
        let word = if values.is_empty() { "" } else { " OR " };
        let (first, second) = (values.len() + 1, values.len() + 2);
        let _ = write!(sql, "{word}{} = ${first} AND {} = ${second}", columns[0], columns[1]);
        values.extend([part.into(), key.into()]);
    }
    if values.is_empty() { ("1 = 0".to_owned(), values) } else { (sql, values) }
}

/// A list of [`Value`]s from anything that has one.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { ::std::vec![$($crate::query::Value::from($value)),*] };
}

/// A statement or a column that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The text leaves the subset that both engines read alike.
    #[error("this SQL is not portable ({what}): {sql}")]
    NotPortable {
        /// What is wrong.
        what: String,
        /// The statement.
        sql: String,
    },
    /// Parameters of the text and values given differ.
    #[error("the statement names {named} parameters and {given} values are given: {sql}")]
    Parameters {
        /// The highest parameter of the text.
        named: usize,
        /// How many values are given.
        given: usize,
        /// The statement.
        sql: String,
    },
    /// A row has no such column, or it is of another type.
    #[error("column {column}: expected {expected}, found {found}")]
    Column {
        /// Its name or index.
        column: String,
        /// What was asked for.
        expected: &'static str,
        /// What there is.
        found: String,
    },
    /// A statement changed more or fewer rows than it must: somebody else was there before.
    #[error("the statement changed {changed} rows instead of {expected}: {sql}")]
    Unexpected {
        /// How many it must change.
        expected: u64,
        /// How many it changed.
        changed: u64,
        /// The statement.
        sql: String,
    },
}

impl Store {
    /// The rows of one reading statement.
    ///
    /// # Errors
    /// [`QueryError`] for a statement outside the subset or with wrong parameters, else the engine's.
    pub async fn query(&self, sql: &str, values: Vec<Value>) -> StoreResult<Vec<Row>> {
        check(sql, values.len())?;
        match self {
            Self::Sqlite(store) => {
                let sql = sql.to_owned();
                store.read(move |connection| sqlite::query(connection, &sql, &values)).await
            }
            Self::Postgres(store) => postgres::query(&store.client().await?, sql, &values).await,
        }
    }

    /// The only row of a reading statement, if there is one.
    ///
    /// # Errors
    /// As [`Store::query`].
    pub async fn query_one(&self, sql: &str, values: Vec<Value>) -> StoreResult<Option<Row>> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Passes the rows of a reading statement to `each`, without holding them all.
    ///
    /// # Errors
    /// As [`Store::query`], and what `each` returns, which ends the reading.
    pub async fn query_each<T, F>(&self, sql: &str, values: Vec<Value>, mut state: T, mut each: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnMut(&mut T, &Row) -> StoreResult<()> + Send + 'static,
    {
        check(sql, values.len())?;
        match self {
            Self::Sqlite(store) => {
                let sql = sql.to_owned();
                store
                    .read(move |connection| {
                        sqlite::each(connection, &sql, &values, |row| each(&mut state, row))?;
                        Ok(state)
                    })
                    .await
            }
            Self::Postgres(store) => {
                postgres::each(&store.client().await?, sql, &values, |row| each(&mut state, row)).await?;
                Ok(state)
            }
        }
    }

    /// Runs one writing statement and answers, after its commit, how many rows it changed.
    ///
    /// # Errors
    /// As [`Store::query`].
    pub async fn execute(&self, sql: &str, values: Vec<Value>) -> StoreResult<u64> {
        let mut unit = Unit::new();
        unit.add(sql.to_owned(), values);
        Ok(self.run(unit).await?.pop().map_or(0, |done| done.changed))
    }

    /// Runs all statements of `unit` in one transaction; gives what each did, after the commit.
    ///
    /// # Errors
    /// As [`Store::query`], and [`QueryError::Unexpected`] for an [expectation](Unit::expect) that does not hold;
    /// nothing of the unit is then kept.
    pub async fn run(&self, unit: Unit) -> StoreResult<Vec<Done>> {
        unit.check()?;
        if unit.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Sqlite(store) => store.write(move |connection| sqlite::run(connection, &unit)).await,
            Self::Postgres(store) => {
                let mut client = store.client().await?;
                let transaction = client.transaction().await?;
                let done = postgres::run(&transaction, &unit).await?;
                transaction.commit().await?;
                Ok(done)
            }
        }
    }
}
