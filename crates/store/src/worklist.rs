//! Reading the work list.

use crate::{Store, StoreResult, params};
use base::{Millis, ProblemId};
use serde::{Deserialize, Serialize};

/// A row of the work list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemRow {
    /// Its id.
    pub id: ProblemId,
    /// What kind it is.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// `open` or `resolved`.
    pub state: String,
    /// How often it was found.
    pub times: i64,
    /// When it was found last.
    pub modified_on: Millis,
}

impl Store {
    /// The work list, the latest first: open rows, or all.
    pub async fn problems(&self, all: bool, limit: usize) -> StoreResult<Vec<ProblemRow>> {
        let sql = "SELECT id, kind, subject, message, remedy, state, times, modified_on FROM problem
            WHERE state = 'open' OR $1 = 1 ORDER BY modified_on DESC, kind, key LIMIT $2";
        let read = |row: &crate::query::Row| {
            Ok(ProblemRow {
                id: row.get(0)?,
                kind: row.get(1)?,
                subject: row.get(2)?,
                message: row.get(3)?,
                remedy: row.get(4)?,
                state: row.get(5)?,
                times: row.get(6)?,
                modified_on: row.get(7)?,
            })
        };
        self.query(sql, params![all, limit]).await?.iter().map(read).collect()
    }
}
