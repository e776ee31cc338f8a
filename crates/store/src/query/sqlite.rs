//! The facade on SQLite.

use super::unit::Step;
use super::{Done, QueryError, Row, Unit, Value};
use crate::StoreResult;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};
use std::sync::Arc;

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(n) => ValueRef::Integer(*n),
            Self::Real(n) => ValueRef::Real(*n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Binds `values` to `$1`, `$2`... by name: SQLite numbers them by where they first stand in the text.
fn bind(statement: &mut CachedStatement<'_>, sql: &str, values: &[Value]) -> StoreResult<()> {
    let named = statement.parameter_count();
    if named != values.len() {
        return Err(QueryError::Parameters { named, given: values.len(), sql: sql.to_owned() }.into());
    }
    let mut name = String::with_capacity(4);
    for (at, value) in values.iter().enumerate() {
        use std::fmt::Write;
        name.clear();
        let _ = write!(name, "${}", at + 1);
        let index = statement
            .parameter_index(&name)?
            .ok_or_else(|| QueryError::NotPortable { what: format!("{name} is not used"), sql: sql.to_owned() })?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

fn columns(statement: &CachedStatement<'_>) -> Arc<[Box<str>]> {
    statement.column_names().map(Box::from).collect()
}

fn row(columns: &Arc<[Box<str>]>, raw: &rusqlite::Row<'_>) -> StoreResult<Row> {
    let mut values = Vec::with_capacity(columns.len());
    for at in 0..columns.len() {
        values.push(match raw.get_ref(at)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(n) => Value::Int(n),
            ValueRef::Real(n) => Value::Real(n),
            ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        });
    }
    Ok(Row { columns: Arc::clone(columns), values })
}

pub(super) fn each(
    connection: &Connection,
    sql: &str,
    values: &[Value],
    mut each: impl FnMut(&Row) -> StoreResult<()>,
) -> StoreResult<()> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, sql, values)?;
    let columns = columns(&statement);
    let mut rows = statement.raw_query();
    while let Some(raw) = rows.next()? {
        each(&row(&columns, raw)?)?;
    }
    Ok(())
}

pub(super) fn query(connection: &Connection, sql: &str, values: &[Value]) -> StoreResult<Vec<Row>> {
    let mut all = Vec::new();
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, sql, values)?;
    let columns = columns(&statement);
    let mut rows = statement.raw_query();
    while let Some(raw) = rows.next()? {
        all.push(row(&columns, raw)?);
    }
    Ok(all)
}

/// Runs a unit; the caller has the transaction.
pub(super) fn run(connection: &Connection, unit: &Unit) -> StoreResult<Vec<Done>> {
    let mut all = Vec::with_capacity(unit.steps.len());
    for step in &unit.steps {
        all.push(match step {
            Step::One { sql, values, expect } => {
                let mut statement = connection.prepare_cached(sql)?;
                let done = if statement.column_count() > 0 {
                    drop(statement);
                    let rows = query(connection, sql, values)?;
                    Done { changed: rows.len() as u64, rows }
                } else {
                    bind(&mut statement, sql, values)?;
                    Done { changed: statement.raw_execute()? as u64, rows: Vec::new() }
                };
                if let Some(expected) = *expect
                    && expected != done.changed
                {
                    let sql = sql.clone().into_owned();
                    return Err(QueryError::Unexpected { expected, changed: done.changed, sql }.into());
                }
                done
            }
            Step::Many(rows) => {
                // The parameters of these statements stand in their order: no search by name for each row.
                let mut statement = connection.prepare_cached(&rows.sql_of_one())?;
                let order: Vec<usize> = (1..=rows.columns.len())
                    .map(|n| Ok(statement.parameter_index(&format!("${n}"))?.unwrap_or(n)))
                    .collect::<rusqlite::Result<_>>()?;
                let mut changed = 0;
                for row in &rows.values {
                    for (value, index) in row.iter().zip(&order) {
                        statement.raw_bind_parameter(*index, value)?;
                    }
                    changed += statement.raw_execute()? as u64;
                }
                Done { changed, rows: Vec::new() }
            }
        });
    }
    Ok(all)
}
