//! Campaigns: starts, their fan-out, and how far their recipients are.

use crate::ops::{MessageState, Task};
use crate::query::{Column, Rows, Unit};
use crate::{Store, StoreError, StoreResult, params};
use base::{CampaignId, ContactId, FlowId, IdMaker, MessageId, Millis, Part, StartId};

/// A campaign's firing as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStart {
    /// The campaign that it is a firing of; made with it.
    pub campaign: CampaignId,
    /// Its id.
    pub id: StartId,
    /// What people call the campaign.
    pub name: String,
    /// The flow that it starts.
    pub flow: FlowId,
    /// The audience, normalised.
    pub query: String,
    /// When it was made.
    pub created_on: Millis,
}

/// A firing of a campaign as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its id.
    pub id: StartId,
    /// What people call the campaign.
    pub name: String,
    /// The flow that it starts.
    pub flow: FlowId,
    /// The audience, normalised.
    pub query: String,
    /// `running`, `paused`, `cancelled` or `done`: everybody has finished.
    pub state: String,
    /// When it was made.
    pub created_on: Millis,
    /// When every recipient had been taken up.
    pub fanned_out_on: Option<Millis>,
}

/// A contact that a fan-out takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The contact.
    pub contact: ContactId,
    /// The worker's cadre, as reports name it.
    pub cadre: String,
    /// The place that reports count by.
    pub place: String,
    /// The contact's language.
    pub language: String,
}

/// The next contacts of one part of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanoutChunk {
    /// The part.
    pub part: Part,
    /// The last contact that was taken up before.
    pub after: Option<ContactId>,
    /// The last contact that was looked at.
    pub last: Option<ContactId>,
    /// Those that the audience means.
    pub members: Vec<Member>,
    /// Whether the part has no more contacts.
    pub done: bool,
}

/// Recipients that stand alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRow {
    /// The cadre.
    pub cadre: String,
    /// The place.
    pub place: String,
    /// The state of the opening message; `None` before there is one.
    pub state: Option<MessageState>,
    /// Why it was refused or failed.
    pub detail: String,
    /// Whether they answered.
    pub responded: bool,
    /// Whether they went through to the end.
    pub completed: bool,
    /// How many.
    pub n: i64,
}

/// How far a start is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The start.
    pub start: Started,
    /// Its recipients so far.
    pub rows: Vec<StatusRow>,
    /// How often each answer was given: question, answer, number; in order.
    pub answers: Vec<(String, String, i64)>,
}

const STARTS: &str = "SELECT s.id, c.name, s.flow, s.query, s.state, s.created_on, s.fanned_out_on
    FROM start s JOIN campaign c ON c.id = s.campaign";

impl Store {
    /// Makes a campaign and its first start, ready to be fanned out.
    pub async fn create_start(&self, new: NewStart) -> StoreResult<()> {
        let mut unit = Unit::new();
        unit.add(
            "INSERT INTO campaign(id, name, flow, query, created_on) VALUES ($1, $2, $3, $4, $5)",
            params![new.campaign, &new.name, new.flow, &new.query, new.created_on],
        );
        unit.add(
            "INSERT INTO start(id, campaign, flow, query, state, created_on) VALUES ($1, $2, $3, $4, 'running', $5)",
            params![new.id, new.campaign, new.flow, &new.query, new.created_on],
        );
        let columns = [Column::Int("part"), Column::Bytes("start"), Column::Bytes("cursor")];
        let mut cursors = Rows::insert("fanout", &columns, "");
        for part in Part::all() {
            cursors.push(params![part, new.id, Vec::<u8>::new()]);
        }
        unit.rows(cursors);
        self.run(unit).await.map(drop)
    }

    /// All starts, the latest first.
    pub async fn starts(&self) -> StoreResult<Vec<Started>> {
        self.query(&format!("{STARTS} ORDER BY s.created_on DESC, s.id DESC"), params![])
            .await?
            .iter()
            .map(started)
            .collect()
    }

    /// The starts that are running and not yet fanned out, the oldest first.
    pub async fn starts_to_fan_out(&self) -> StoreResult<Vec<Started>> {
        let sql = format!("{STARTS} WHERE s.state = 'running' AND s.fanned_out_on IS NULL ORDER BY s.created_on, s.id");
        self.query(&sql, params![]).await?.iter().map(started).collect()
    }

    /// The parts of a start that are not fanned out, each with the last contact that was taken up.
    pub async fn fanout_cursors(&self, start: StartId) -> StoreResult<Vec<(Part, Option<ContactId>)>> {
        let sql = "SELECT part, cursor FROM fanout WHERE start = $1 AND done = 0 ORDER BY part";
        let rows = self.query(sql, params![start]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, ContactId::from_slice(&row.get::<Vec<u8>>(1)?)))).collect()
    }

    /// Takes up the next contacts of one part of a start: recipients, inbox and cursor in one transaction. Gives false,
    /// and writes nothing, when another process has moved the cursor meanwhile.
    pub async fn fanout_chunk(
        &self,
        start: &Started,
        chunk: FanoutChunk,
        now: Millis,
        mut ids: IdMaker,
    ) -> StoreResult<bool> {
        let FanoutChunk { part, after, last, members, done } = chunk;
        let before = after.map(|contact| contact.as_bytes().to_vec()).unwrap_or_default();
        let last = last.map_or_else(|| before.clone(), |contact| contact.as_bytes().to_vec());
        let mut unit = Unit::new();
        unit.expect(
            1,
            "UPDATE fanout SET cursor = $4, done = $5 WHERE part = $1 AND start = $2 AND cursor = $3 AND done = 0",
            params![part, start.id, before, last, done],
        );
        let mut recipients = Rows::insert(
            "recipient",
            &[
                Column::Int("part"),
                Column::Bytes("start"),
                Column::Bytes("contact"),
                Column::Int("state"),
                Column::Text("cadre"),
                Column::Text("place"),
                Column::Text("language"),
            ],
            "",
        );
        let mut inbox = Rows::insert(
            "inbox",
            &[
                Column::Int("part"),
                Column::Int("priority"),
                Column::Bytes("id"),
                Column::Bytes("contact"),
                Column::Text("task"),
            ],
            "",
        );
        let task = Task::Start { start: start.id, flow: start.flow };
        let text = serde_json::to_string(&task).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        for member in members {
            let Member { contact, cadre, place, language } = member;
            recipients.push(params![part, start.id, contact, 0, cadre, place, language]);
            inbox.push(params![part, task.priority(), ids.next::<MessageId>(now), contact, &text]);
        }
        unit.rows(recipients);
        unit.rows(inbox);
        match self.run(unit).await {
            Ok(_) => Ok(true),
            Err(StoreError::Query(crate::QueryError::Unexpected { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Notes that a start is fanned out, if every part of it is.
    pub async fn finish_fanout(&self, start: StartId, now: Millis) -> StoreResult<bool> {
        let changed = self
            .execute(
                "UPDATE start SET fanned_out_on = $2 WHERE id = $1 AND fanned_out_on IS NULL
                   AND NOT EXISTS (SELECT 1 FROM fanout WHERE start = $1 AND done = 0)",
                params![start, now],
            )
            .await?;
        Ok(changed == 1)
    }

    /// Notes which starts are done: everybody has been taken up, nobody converses because of them any more, and nothing
    /// of theirs waits to be sent. Gives how many became so.
    pub async fn finish_starts(&self) -> StoreResult<usize> {
        let sql = "SELECT s.id FROM start s WHERE s.state = 'running' AND s.fanned_out_on IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM session c WHERE c.start = s.id)";
        let mut done = 0;
        for row in self.query(sql, params![]).await? {
            let start: StartId = row.get(0)?;
            done += self
                .execute(
                    "UPDATE start SET state = 'done' WHERE id = $1 AND state = 'running'
                       AND NOT EXISTS (SELECT 1 FROM fanout f JOIN recipient r ON r.part = f.part AND r.start = f.start
                         WHERE f.start = $1 AND r.state = 0)
                       AND NOT EXISTS (SELECT 1 FROM session c WHERE c.start = $1)
                       AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.start = $1
                         AND (o.state <> 6 OR o.resend_after IS NOT NULL))",
                    params![start],
                )
                .await? as usize;
        }
        Ok(done)
    }

    /// How many unsolicited messages wait to be made or sent, counted up to `limit`.
    pub async fn backlog(&self, limit: usize) -> StoreResult<usize> {
        let waiting = "SELECT (SELECT count(*) FROM (SELECT 1 FROM inbox WHERE priority = 2 LIMIT $1) i)
            + (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE state = 1 AND priority = 1 LIMIT $1) o) AS n";
        Ok(self.query_one(waiting, params![limit]).await?.map_or(Ok(0), |row| row.get(0))?)
    }

    /// Pauses, resumes or cancels a start. What waits in the outbox follows: it is set aside, put back or refused when
    /// it comes to the head of its queue. Gives false when the start is not in a state that allows it.
    pub async fn set_start_state(&self, start: StartId, state: &str) -> StoreResult<bool> {
        let from = if state == "running" { "paused" } else { "running" };
        let mut unit = Unit::new();
        unit.expect(
            1,
            "UPDATE start SET state = $2 WHERE id = $1 AND (state = $3 OR state = 'paused' AND $2 = 'cancelled')",
            params![start, state, from],
        );
        if state != "paused" {
            unit.add("UPDATE outbox SET state = 1 WHERE start = $1 AND state = 9", params![start]);
        }
        match self.run(unit).await {
            Ok(_) => Ok(true),
            Err(StoreError::Query(crate::QueryError::Unexpected { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How far a start is.
    pub async fn start_status(&self, start: StartId) -> StoreResult<Option<Status>> {
        let found = self.query_one(&format!("{STARTS} WHERE s.id = $1"), params![start]).await?;
        let Some(found) = found else { return Ok(None) };
        let sql = "SELECT cadre, place, state, COALESCE(detail, '') AS detail,
                CASE WHEN responded_on IS NULL THEN 0 ELSE 1 END AS responded,
                CASE WHEN completed_on IS NULL THEN 0 ELSE 1 END AS completed, count(*) AS n
            FROM recipient WHERE start = $1 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6";
        let rows = self
            .query(sql, params![start])
            .await?
            .iter()
            .map(|row| {
                let state: i64 = row.get(2)?;
                Ok(StatusRow {
                    cadre: row.get(0)?,
                    place: row.get(1)?,
                    state: if state == 0 { None } else { MessageState::from_i64(state) },
                    detail: row.get(3)?,
                    responded: row.get(4)?,
                    completed: row.get(5)?,
                    n: row.get(6)?,
                })
            })
            .collect::<StoreResult<_>>()?;
        let sql = "SELECT question, answer, CAST(sum(n) AS bigint) AS n FROM count WHERE scope = $1
            GROUP BY question, answer HAVING sum(n) > 0 ORDER BY question, n DESC, answer";
        let answers = self
            .query(sql, params![start])
            .await?
            .iter()
            .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .collect::<StoreResult<_>>()?;
        Ok(Some(Status { start: started(&found)?, rows, answers }))
    }
}

fn started(row: &crate::query::Row) -> StoreResult<Started> {
    Ok(Started {
        id: row.get(0)?,
        name: row.get(1)?,
        flow: row.get(2)?,
        query: row.get(3)?,
        state: row.get(4)?,
        created_on: row.get(5)?,
        fanned_out_on: row.get(6)?,
    })
}
