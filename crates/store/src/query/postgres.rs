//! The facade on PostgreSQL.

use super::unit::Step;
use super::{Column, Done, QueryError, Row, Rows, Unit, Value};
use crate::StoreResult;
use bytes::BytesMut;
use deadpool_postgres::GenericClient;
use futures_util::TryStreamExt;
use std::error::Error;
use std::sync::Arc;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(n), &Type::INT8) => n.to_sql(ty, out),
            (Self::Int(n), &Type::INT4) => i32::try_from(*n)?.to_sql(ty, out),
            (Self::Int(n), &Type::INT2) => i16::try_from(*n)?.to_sql(ty, out),
            (Self::Int(n), &Type::BOOL) => (*n != 0).to_sql(ty, out),
            (Self::Int(n), &Type::FLOAT8) => (*n as f64).to_sql(ty, out),
            (Self::Real(n), &Type::FLOAT8) => n.to_sql(ty, out),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::NAME) => text.to_sql(ty, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(ty, out),
            (value, ty) => Err(format!("a {} for a parameter of type {ty}", value.kind()).into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn references(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn row(columns: &Arc<[Box<str>]>, raw: &tokio_postgres::Row) -> StoreResult<Row> {
    let mut values = Vec::with_capacity(columns.len());
    for (at, column) in raw.columns().iter().enumerate() {
        let value = match *column.type_() {
            Type::INT8 => raw.try_get::<_, Option<i64>>(at)?.into(),
            Type::INT4 => raw.try_get::<_, Option<i32>>(at)?.into(),
            Type::INT2 => raw.try_get::<_, Option<i16>>(at)?.map(i64::from).into(),
            Type::BOOL => raw.try_get::<_, Option<bool>>(at)?.into(),
            Type::FLOAT8 => raw.try_get::<_, Option<f64>>(at)?.into(),
            Type::FLOAT4 => raw.try_get::<_, Option<f32>>(at)?.map(f64::from).into(),
            Type::TEXT | Type::VARCHAR | Type::NAME => raw.try_get::<_, Option<String>>(at)?.into(),
            Type::BYTEA => raw.try_get::<_, Option<Vec<u8>>>(at)?.into(),
            ref other => {
                return Err(QueryError::Column {
                    column: column.name().to_owned(),
                    expected: "an integer, a number, a text or bytes (write a CAST)",
                    found: other.name().to_owned(),
                }
                .into());
            }
        };
        values.push(value);
    }
    Ok(Row { columns: Arc::clone(columns), values })
}

fn columns(columns: &[tokio_postgres::Column]) -> Arc<[Box<str>]> {
    columns.iter().map(|column| Box::from(column.name())).collect()
}

pub(super) async fn query(client: &impl GenericClient, sql: &str, values: &[Value]) -> StoreResult<Vec<Row>> {
    let statement = client.prepare_cached(sql).await?;
    let columns = columns(statement.columns());
    let raw = client.query(&statement, &references(values)).await?;
    raw.iter().map(|raw| row(&columns, raw)).collect()
}

pub(super) async fn each(
    client: &impl GenericClient,
    sql: &str,
    values: &[Value],
    mut each: impl FnMut(&Row) -> StoreResult<()>,
) -> StoreResult<()> {
    let statement = client.prepare_cached(sql).await?;
    let columns = columns(statement.columns());
    let raw = client.query_raw(&statement, references(values)).await?;
    let mut raw = std::pin::pin!(raw);
    while let Some(raw) = raw.try_next().await? {
        each(&row(&columns, &raw)?)?;
    }
    Ok(())
}

/// One column of many rows as an array.
#[derive(Debug)]
struct Array<'a> {
    rows: &'a [Vec<Value>],
    at: usize,
    column: Column,
}

impl ToSql for Array<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let wrong = |value: &Value| format!("a {} in column {}", value.kind(), self.column.name());
        let cells = || self.rows.iter().map(|row| row.get(self.at).unwrap_or(&Value::Null));
        match self.column {
            Column::Int(_) => cells()
                .map(|value| match value {
                    Value::Null => Ok(None),
                    Value::Int(n) => Ok(Some(*n)),
                    other => Err(wrong(other)),
                })
                .collect::<Result<Vec<_>, _>>()?
                .to_sql(ty, out),
            Column::Text(_) => cells()
                .map(|value| match value {
                    Value::Null => Ok(None),
                    Value::Text(text) => Ok(Some(text.as_str())),
                    other => Err(wrong(other)),
                })
                .collect::<Result<Vec<_>, _>>()?
                .to_sql(ty, out),
            Column::Bytes(_) => cells()
                .map(|value| match value {
                    Value::Null => Ok(None),
                    Value::Bytes(bytes) => Ok(Some(bytes.as_slice())),
                    other => Err(wrong(other)),
                })
                .collect::<Result<Vec<_>, _>>()?
                .to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Runs one statement for many rows; gives what its `RETURNING` does.
pub(crate) async fn returning(client: &impl GenericClient, rows: &Rows) -> StoreResult<Vec<tokio_postgres::Row>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(&rows.sql_of_arrays()).await?;
    let arrays = arrays(rows);
    let values: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(|array| array as &(dyn ToSql + Sync)).collect();
    Ok(client.query(&statement, &values).await?)
}

/// Runs one statement for many rows; gives how many it changed.
pub(crate) async fn changing(client: &impl GenericClient, rows: &Rows) -> StoreResult<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let statement = client.prepare_cached(&rows.sql_of_arrays()).await?;
    let arrays = arrays(rows);
    let values: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(|array| array as &(dyn ToSql + Sync)).collect();
    Ok(client.execute(&statement, &values).await?)
}

fn arrays(rows: &Rows) -> Vec<Array<'_>> {
    rows.columns.iter().enumerate().map(|(at, column)| Array { rows: &rows.values, at, column: *column }).collect()
}

/// Runs a unit; the caller has the transaction.
pub(crate) async fn run(client: &impl GenericClient, unit: &Unit) -> StoreResult<Vec<Done>> {
    let mut all = Vec::with_capacity(unit.steps.len());
    for step in &unit.steps {
        all.push(match step {
            Step::One { sql, values, expect } => {
                let statement = client.prepare_cached(sql).await?;
                let done = if statement.columns().is_empty() {
                    Done { changed: client.execute(&statement, &references(values)).await?, rows: Vec::new() }
                } else {
                    let rows = query(client, sql, values).await?;
                    Done { changed: rows.len() as u64, rows }
                };
                if let Some(expected) = *expect
                    && expected != done.changed
                {
                    let sql = sql.clone().into_owned();
                    return Err(QueryError::Unexpected { expected, changed: done.changed, sql }.into());
                }
                done
            }
            Step::Many(rows) => Done { changed: changing(client, rows).await?, rows: Vec::new() },
        });
    }
    Ok(all)
}
