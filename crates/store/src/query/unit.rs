//! Writes that commit together.

use super::{Column, QueryError, Row, Value, check};
use std::borrow::Cow;
use std::fmt::Write;

/// Statements that run in order in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    pub(crate) steps: Vec<Step>,
}

/// What one statement did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// How many rows it changed.
    pub changed: u64,
    /// The rows of its `RETURNING`.
    pub rows: Vec<Row>,
}

/// One statement of a unit.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    One { sql: Cow<'static, str>, values: Vec<Value>, expect: Option<u64> },
    Many(Rows),
}

/// One statement for many rows.
#[derive(Clone, Debug)]
pub struct Rows {
    pub(crate) form: Form,
    pub(crate) table: &'static str,
    pub(crate) columns: Vec<Column>,
    /// Each row holds one value per column.
    pub(crate) values: Vec<Vec<Value>>,
    /// What follows, for the engine that has it: `RETURNING ...`, more conditions.
    tail: Cow<'static, str>,
}

#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// What follows the values, such as `ON CONFLICT (id) DO NOTHING`.
    Insert(&'static str),
    /// The first so many columns find the row, the others are set.
    Update(usize),
    Delete,
}

impl Rows {
    /// An insert of many rows; `conflict` follows the values: `ON CONFLICT (id) DO UPDATE SET n = excluded.n`.
    pub fn insert(table: &'static str, columns: &[Column], conflict: &'static str) -> Self {
        Self {
            form: Form::Insert(conflict),
            table,
            columns: columns.to_vec(),
            values: Vec::new(),
            tail: Cow::Borrowed(""),
        }
    }

    /// An update of many rows, each found by its `keys` and set to its `values`.
    pub fn update(table: &'static str, keys: &[Column], values: &[Column]) -> Self {
        Self {
            form: Form::Update(keys.len()),
            table,
            columns: [keys, values].concat(),
            values: Vec::new(),
            tail: Cow::Borrowed(""),
        }
    }

    /// A deletion of many rows, each found by its `keys`.
    pub fn delete(table: &'static str, keys: &[Column]) -> Self {
        Self { form: Form::Delete, table, columns: keys.to_vec(), values: Vec::new(), tail: Cow::Borrowed("") }
    }

    /// With further conditions of an update or deletion, and `RETURNING`. PostgreSQL alone: the given values are
    /// `given.column` there.
    pub(crate) fn tail(mut self, tail: impl Into<Cow<'static, str>>) -> Self {
        self.tail = tail.into();
        self
    }

    /// Adds a row: one value per column, in their order.
    pub fn push(&mut self, row: Vec<Value>) {
        self.values.push(row);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The statement for one row, with a parameter per column.
    pub(crate) fn sql_of_one(&self) -> String {
        let mut sql = String::new();
        match self.form {
            Form::Insert(conflict) => {
                let names = self.names("", ", ");
                let marks: Vec<String> = (1..=self.columns.len()).map(|n| format!("${n}")).collect();
                let _ = write!(sql, "INSERT INTO {}({names}) VALUES ({}) {conflict}", self.table, marks.join(", "));
            }
            Form::Update(keys) => {
                let pair = |(at, column): (usize, &Column)| format!("{} = ${}", column.name(), at + 1);
                let pairs: Vec<String> = self.columns.iter().enumerate().map(pair).collect();
                let (keys, sets) = pairs.split_at(keys);
                let _ = write!(sql, "UPDATE {} SET {} WHERE {}", self.table, sets.join(", "), keys.join(" AND "));
            }
            Form::Delete => {
                let pair = |(at, column): (usize, &Column)| format!("{} = ${}", column.name(), at + 1);
                let pairs: Vec<String> = self.columns.iter().enumerate().map(pair).collect();
                let _ = write!(sql, "DELETE FROM {} WHERE {}", self.table, pairs.join(" AND "));
            }
        }
        sql
    }

    /// The statement for all rows, with an array parameter per column.
    pub(crate) fn sql_of_arrays(&self) -> String {
        let array = |(at, column): (usize, &Column)| format!("${}::{}", at + 1, column.array());
        let arrays: Vec<String> = self.columns.iter().enumerate().map(array).collect();
        let arrays = arrays.join(", ");
        let names = self.names("", ", ");
        let table = self.table;
        let pair = |column: &Column| format!("{table}.{0} = given.{0}", column.name());
        let tail = &self.tail;
        match self.form {
            Form::Insert(conflict) => {
                format!("INSERT INTO {table}({names}) SELECT * FROM unnest({arrays}) {conflict} {tail}")
            }
            Form::Update(keys) => {
                let (keys, sets) = self.columns.split_at(keys);
                let sets: Vec<String> = sets.iter().map(|column| format!("{0} = given.{0}", column.name())).collect();
                let keys: Vec<String> = keys.iter().map(pair).collect();
                format!(
                    "UPDATE {table} SET {} FROM unnest({arrays}) AS given({names}) WHERE {} {tail}",
                    sets.join(", "),
                    keys.join(" AND ")
                )
            }
            Form::Delete => {
                let keys: Vec<String> = self.columns.iter().map(pair).collect();
                format!(
                    "DELETE FROM {table} USING unnest({arrays}) AS given({names}) WHERE {} {tail}",
                    keys.join(" AND ")
                )
            }
        }
    }

    fn names(&self, prefix: &str, separator: &str) -> String {
        let names: Vec<String> = self.columns.iter().map(|column| format!("{prefix}{}", column.name())).collect();
        names.join(separator)
    }
}

impl Unit {
    /// A unit of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a statement; its number is its place in the answer.
    pub fn add(&mut self, sql: impl Into<Cow<'static, str>>, values: Vec<Value>) -> usize {
        self.steps.push(Step::One { sql: sql.into(), values, expect: None });
        self.steps.len() - 1
    }

    /// Adds a statement that must change exactly `changed` rows, or nothing of the unit is kept.
    pub fn expect(&mut self, changed: u64, sql: impl Into<Cow<'static, str>>, values: Vec<Value>) -> usize {
        self.steps.push(Step::One { sql: sql.into(), values, expect: Some(changed) });
        self.steps.len() - 1
    }

    /// Adds a statement for many rows; none are no statement.
    pub fn rows(&mut self, rows: Rows) {
        if !rows.is_empty() {
            self.steps.push(Step::Many(rows));
        }
    }

    /// Adds everything of `other`.
    pub fn append(&mut self, other: Self) {
        self.steps.extend(other.steps);
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn check(&self) -> Result<(), QueryError> {
        for step in &self.steps {
            match step {
                Step::One { sql, values, .. } => check(sql, values.len())?,
                Step::Many(rows) => {
                    let sql = rows.sql_of_one();
                    for row in &rows.values {
                        if row.len() != rows.columns.len() {
                            return Err(QueryError::Parameters { named: rows.columns.len(), given: row.len(), sql });
                        }
                    }
                    check(&sql, rows.columns.len())?;
                }
            }
        }
        Ok(())
    }
}
