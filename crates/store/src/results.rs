//! What runs recorded, for reports and for other systems.

use crate::query::Row;
use crate::{Store, StoreResult, params};
use base::{ContactId, FlowId, Millis, RunId, SessionId};

/// What one run recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunResults {
    /// The run.
    pub run: RunId,
    /// Whose it is.
    pub contact: ContactId,
    /// The conversation it is part of.
    pub session: SessionId,
    /// The results by key, as JSON of the flow specification.
    pub results: String,
}

impl Store {
    /// Passes the runs of a flow that recorded something to `each`, the oldest first, without holding them all.
    ///
    /// # Errors
    /// The database's, and what `each` returns, which ends the reading.
    pub async fn each_run_results<T, F>(&self, flow: FlowId, state: T, mut each: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnMut(&mut T, RunResults) -> StoreResult<()> + Send + 'static,
    {
        let sql = "SELECT id, contact, session, results FROM run WHERE flow = $1 AND results <> '{}' ORDER BY id";
        let read = |row: &Row| -> StoreResult<RunResults> {
            Ok(RunResults { run: row.get(0)?, contact: row.get(1)?, session: row.get(2)?, results: row.get(3)? })
        };
        self.query_each(sql, params![flow], state, move |state, row| each(state, read(row)?)).await
    }

    /// When a flow was made; `None` if there is no such flow.
    ///
    /// # Errors
    /// The database's.
    pub async fn flow_created_on(&self, flow: FlowId) -> StoreResult<Option<Millis>> {
        let row = self.query_one("SELECT created_on FROM flow WHERE id = $1", params![flow]).await?;
        Ok(row.map(|row| row.get(0)).transpose()?)
    }
}
