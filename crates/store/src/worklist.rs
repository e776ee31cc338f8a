//! Reading the work list.

use crate::ops::{MessageState, NewProblem};
use crate::query::Unit;
use crate::{Store, StoreError, StoreResult, params};
use base::{ContactId, MessageId, Millis, ProblemId};
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
    /// Puts problems on the work list; the same one found again is counted.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_problems(&self, found: &[NewProblem], at: Millis) -> StoreResult<()> {
        let mut unit = Unit::new();
        unit.rows(crate::problem::rows(found, at));
        self.run(unit).await.map(drop)
    }

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

impl Store {
    /// Resolves the rows about messages of which nobody knew whether they were sent, where that is known by now. Gives
    /// their number.
    ///
    /// # Errors
    /// The database's.
    pub async fn resolve_known(&self, now: Millis) -> StoreResult<usize> {
        let open = "SELECT id, key, subject FROM problem WHERE state = 'open' AND kind = $1";
        let mut unit = Unit::new();
        let mut resolved = 0;
        for row in self.query(open, params![crate::UNKNOWN_MESSAGE]).await? {
            let (Ok(message), Ok(contact)) = (row.text(1)?.parse::<MessageId>(), row.text(2)?.parse::<ContactId>())
            else {
                continue;
            };
            let sql = "SELECT state FROM message WHERE part = $1 AND id = $2";
            let state: Option<i64> =
                self.query_one(sql, params![contact.part(), message]).await?.map(|row| row.get(0)).transpose()?;
            if state != Some(MessageState::Unknown as i64) {
                let id: ProblemId = row.get(0)?;
                unit.add("UPDATE problem SET state = 'resolved', modified_on = $2 WHERE id = $1", params![id, now]);
                resolved += 1;
            }
        }
        if resolved > 0 {
            self.run(unit).await?;
        }
        Ok(resolved)
    }
}

/// What waits in the store, and what became of messages whose fate was not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Tasks that wait in the inbox.
    pub inbox: i64,
    /// Messages that wait in the outbox, in whatever state.
    pub outbox: i64,
    /// Messages of which it was once not known whether the operator had them.
    pub unknown: i64,
    /// Of these, sent once more.
    pub resent: i64,
    /// Of these, still not known.
    pub unsettled: i64,
    /// Open rows of the work list.
    pub problems: i64,
}

/// A message as the store has it, for whoever compares it with what phones saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// The contact's URN identity.
    pub address: String,
    /// Where it stands; `received` for one that came from the contact.
    pub state: MessageState,
    /// It was sent once more, because nobody knew whether the operator had it.
    pub resent: bool,
    /// What it says.
    pub text: String,
}

impl Store {
    /// All messages, in the order of parts and ids. It reads the whole table: for tests and for support, not for
    /// screens.
    pub async fn messages(&self) -> StoreResult<Vec<MessageRow>> {
        let sql = "SELECT COALESCE(address, '') AS address, state, resent, text FROM message ORDER BY part, id";
        let read = |row: &crate::query::Row| {
            let state: i64 = row.get(1)?;
            Ok(MessageRow {
                address: row.get(0)?,
                state: MessageState::from_i64(state)
                    .ok_or_else(|| StoreError::Corrupt(format!("a message in state {state}")))?,
                resent: row.get::<i64>(2)? != 0,
                text: row.get(3)?,
            })
        };
        self.query(sql, params![]).await?.iter().map(read).collect()
    }

    /// Counts what waits. It reads whole tables: for tests and for support, not for screens.
    pub async fn audit(&self) -> StoreResult<Audit> {
        let sql = "SELECT (SELECT count(*) FROM inbox) AS inbox, (SELECT count(*) FROM outbox) AS outbox,
            (SELECT count(*) FROM message WHERE state = 6 OR resent = 1 OR detail = 'unknown' OR detail = 'answered') AS unknown,
            (SELECT count(*) FROM message WHERE resent = 1) AS resent,
            (SELECT count(*) FROM outbox WHERE state IN (2, 6)) AS unsettled,
            (SELECT count(*) FROM problem WHERE state = 'open') AS problems";
        let Some(row) = self.query_one(sql, params![]).await? else { return Ok(Audit::default()) };
        Ok(Audit {
            inbox: row.get(0)?,
            outbox: row.get(1)?,
            unknown: row.get(2)?,
            resent: row.get(3)?,
            unsettled: row.get(4)?,
            problems: row.get(5)?,
        })
    }
}
