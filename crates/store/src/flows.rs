//! Flows, triggers, channels, groups and fields: what the engine's assets are made of.
//!
//! Every change here raises `assets_revision`, by which processes notice that they must load again.

use crate::query::{Row, Unit};
use crate::{Store, StoreError, StoreResult, params};
use base::{ChannelId, FlowId, GroupId, Millis};

/// A flow as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRow {
    /// Its id.
    pub id: FlowId,
    /// What people call it.
    pub name: String,
    /// `messaging`, `messaging_background`, `messaging_offline` or `voice`.
    pub kind: String,
    /// Rises with every change.
    pub revision: i64,
    /// The definition that runs, as JSON of the newest specification.
    pub definition: String,
    /// When it last changed.
    pub modified_on: Millis,
}

/// What saving a flow did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is new.
    New,
    /// It had been there and is now at this revision.
    Changed(i64),
    /// It is what was there.
    Unchanged,
}

/// A keyword that starts a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeywordRow {
    /// The word.
    pub word: String,
    /// Whether it must stand alone.
    pub only_word: bool,
    /// The flow.
    pub flow: FlowId,
    /// The groups that it is for; everybody when empty.
    pub groups: Vec<GroupId>,
    /// The groups that it is not for.
    pub exclude_groups: Vec<GroupId>,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelRow {
    /// Its id.
    pub id: ChannelId,
    /// Its name in the configuration.
    pub name: String,
    /// `smpp`...
    pub kind: String,
    /// Its number.
    pub address: String,
}

/// A group of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// Its id.
    pub id: GroupId,
    /// What people call it.
    pub name: String,
    /// The audience query of a smart group.
    pub query: Option<String>,
}

/// What an import brought and nothing here runs, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    /// `campaign` or `trigger`.
    pub kind: String,
    /// What tells it from others of its kind.
    pub id: String,
    /// JSON.
    pub document: String,
}

/// A contact field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRow {
    /// What expressions call it.
    pub key: String,
    /// Its id.
    pub id: uuid::Uuid,
    /// What people call it.
    pub name: String,
    /// `text`, `number`, `datetime`, `state`, `district` or `ward`.
    pub kind: String,
}

pub(crate) const REVISION: &str = "INSERT INTO setting(key, value) VALUES ('assets_revision', '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(setting.value AS bigint) + 1 AS text)";

impl Store {
    /// The number of the last change to flows, triggers, channels, groups or fields.
    pub async fn assets_revision(&self) -> StoreResult<i64> {
        let row = self.query_one("SELECT value FROM setting WHERE key = 'assets_revision'", params![]).await?;
        Ok(row.map_or(Ok(0), |row| row.get::<String>(0).map(|text| text.parse().unwrap_or(0)))?)
    }

    /// Saves a flow under its id; `imported` is the definition as it came.
    pub async fn save_flow(&self, flow: &FlowRow, imported: &str, now: Millis) -> StoreResult<Saved> {
        let before =
            self.query_one("SELECT revision, definition, name FROM flow WHERE id = $1", params![flow.id]).await?;
        let mut unit = Unit::new();
        let saved = match &before {
            Some(row) if row.text(1)? == flow.definition && row.text(2)? == flow.name => return Ok(Saved::Unchanged),
            Some(row) => {
                let revision: i64 = row.get(0)?;
                unit.expect(
                    1,
                    "UPDATE flow SET name = $3, type = $4, revision = $2 + 1, definition = $5, imported = $6,
                       modified_on = $7 WHERE id = $1 AND revision = $2",
                    params![flow.id, revision, &flow.name, &flow.kind, &flow.definition, imported, now],
                );
                Saved::Changed(revision + 1)
            }
            None => {
                unit.add(
                    "INSERT INTO flow(id, name, type, revision, definition, imported, created_on, modified_on)
                     VALUES ($1, $2, $3, 1, $4, $5, $6, $6)",
                    params![flow.id, &flow.name, &flow.kind, &flow.definition, imported, now],
                );
                Saved::New
            }
        };
        unit.add(REVISION, params![]);
        self.run(unit).await?;
        Ok(saved)
    }

    /// All flows, by name.
    pub async fn flows(&self) -> StoreResult<Vec<FlowRow>> {
        let sql = "SELECT id, name, type, revision, definition, modified_on FROM flow ORDER BY name, id";
        self.query(sql, params![]).await?.iter().map(flow_row).collect()
    }

    /// Makes these the keyword triggers of a flow, in place of those that it had. A word that started another flow for
    /// the same people starts this one from now on.
    pub async fn replace_keywords(&self, flow: FlowId, keywords: &[(uuid::Uuid, KeywordRow)]) -> StoreResult<()> {
        let before: Vec<KeywordRow> = self.keywords().await?.into_iter().filter(|row| row.flow == flow).collect();
        if before.len() == keywords.len() && keywords.iter().all(|(_, row)| before.contains(row)) {
            return Ok(());
        }
        let mut unit = Unit::new();
        unit.add("DELETE FROM trigger WHERE kind = 'keyword' AND flow = $1", params![flow]);
        for (id, keyword) in keywords {
            let kind = if keyword.only_word { "only_word" } else { "first_word" };
            unit.add(
                "INSERT INTO trigger(id, kind, keyword, match_type, flow, groups, exclude_groups)
                 VALUES ($1, 'keyword', $2, $3, $4, $5, $6)
                 ON CONFLICT (kind, keyword, groups, exclude_groups)
                 DO UPDATE SET match_type = excluded.match_type, flow = excluded.flow",
                params![
                    *id,
                    base::text::fold(&keyword.word),
                    kind,
                    flow,
                    group_list(&keyword.groups)?,
                    group_list(&keyword.exclude_groups)?
                ],
            );
        }
        unit.add(REVISION, params![]);
        self.run(unit).await.map(drop)
    }

    /// All keyword triggers, by word; of one word, those for groups come before those for everybody.
    pub async fn keywords(&self) -> StoreResult<Vec<KeywordRow>> {
        let sql = "SELECT keyword, match_type, flow, groups, exclude_groups FROM trigger WHERE kind = 'keyword'
            ORDER BY keyword, CASE WHEN groups = '[]' THEN 1 ELSE 0 END, groups, exclude_groups";
        let read = |row: &Row| {
            let groups =
                |at: usize| serde_json::from_str(row.text(at)?).map_err(|error| StoreError::Corrupt(error.to_string()));
            Ok(KeywordRow {
                word: row.get(0)?,
                only_word: row.text(1)? == "only_word",
                flow: row.get(2)?,
                groups: groups(3)?,
                exclude_groups: groups(4)?,
            })
        };
        self.query(sql, params![]).await?.iter().map(read).collect()
    }

    /// Keeps what an import brought, in place of what was kept under the same id.
    pub async fn keep(&self, row: &KeptRow) -> StoreResult<()> {
        let sql = "INSERT INTO kept(kind, id, document) VALUES ($1, $2, $3)
            ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document";
        self.execute(sql, params![&row.kind, &row.id, &row.document]).await.map(drop)
    }

    /// All that is kept, by kind and id.
    pub async fn kept(&self) -> StoreResult<Vec<KeptRow>> {
        let sql = "SELECT kind, id, document FROM kept ORDER BY kind, id";
        let read = |row: &Row| Ok(KeptRow { kind: row.get(0)?, id: row.get(1)?, document: row.get(2)? });
        self.query(sql, params![]).await?.iter().map(read).collect()
    }

    /// The id of the channel of this name, which is made with `id` if there is none.
    pub async fn ensure_channel(&self, channel: &ChannelRow, now: Millis) -> StoreResult<ChannelId> {
        let sql = "SELECT id, kind, address FROM channel WHERE name = $1";
        if let Some(row) = self.query_one(sql, params![&channel.name]).await? {
            let id: ChannelId = row.get(0)?;
            if row.text(1)? != channel.kind || row.text(2)? != channel.address {
                let mut unit = Unit::new();
                unit.add(
                    "UPDATE channel SET kind = $2, address = $3 WHERE id = $1",
                    params![id, &channel.kind, &channel.address],
                );
                unit.add(REVISION, params![]);
                self.run(unit).await?;
            }
            return Ok(id);
        }
        let mut unit = Unit::new();
        unit.add(
            "INSERT INTO channel(id, name, kind, address, created_on) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO NOTHING",
            params![channel.id, &channel.name, &channel.kind, &channel.address, now],
        );
        unit.add(REVISION, params![]);
        self.run(unit).await?;
        Ok(self.query_one(sql, params![&channel.name]).await?.map_or(Ok(channel.id), |row| row.get(0))?)
    }

    /// All channels, the oldest first.
    pub async fn channels(&self) -> StoreResult<Vec<ChannelRow>> {
        let sql = "SELECT id, name, kind, address FROM channel ORDER BY created_on, id";
        let read =
            |row: &Row| Ok(ChannelRow { id: row.get(0)?, name: row.get(1)?, kind: row.get(2)?, address: row.get(3)? });
        self.query(sql, params![]).await?.iter().map(read).collect()
    }

    /// All groups, the oldest first.
    pub async fn groups(&self) -> StoreResult<Vec<GroupRow>> {
        let sql = "SELECT id, name, query FROM contact_group ORDER BY created_on, id";
        let read = |row: &Row| Ok(GroupRow { id: row.get(0)?, name: row.get(1)?, query: row.get(2)? });
        self.query(sql, params![]).await?.iter().map(read).collect()
    }

    /// Makes a group if there is none of this name.
    pub async fn ensure_group(&self, group: &GroupRow, now: Millis) -> StoreResult<()> {
        let mut unit = Unit::new();
        unit.add(
            "INSERT INTO contact_group(id, name, name_folded, query, created_on) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name_folded) DO NOTHING",
            params![group.id, &group.name, base::text::fold(&group.name), group.query.clone(), now],
        );
        unit.add(REVISION, params![]);
        self.run(unit).await.map(drop)
    }

    /// All contact fields, by key.
    pub async fn fields(&self) -> StoreResult<Vec<FieldRow>> {
        let sql = "SELECT key, id, name, type FROM field ORDER BY key";
        let read = |row: &Row| Ok(FieldRow { key: row.get(0)?, id: row.get(1)?, name: row.get(2)?, kind: row.get(3)? });
        self.query(sql, params![]).await?.iter().map(read).collect()
    }

    /// Makes a contact field if there is none with this key.
    pub async fn ensure_field(&self, field: &FieldRow) -> StoreResult<()> {
        let mut unit = Unit::new();
        unit.add(
            "INSERT INTO field(key, id, name, type) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO NOTHING",
            params![&field.key, field.id, &field.name, &field.kind],
        );
        unit.add(REVISION, params![]);
        self.run(unit).await.map(drop)
    }
}

/// The stored form of a list of groups: sorted, so that equal sets are equal texts.
fn group_list(groups: &[GroupId]) -> StoreResult<String> {
    let mut groups = groups.to_vec();
    groups.sort_unstable();
    groups.dedup();
    serde_json::to_string(&groups).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn flow_row(row: &Row) -> StoreResult<FlowRow> {
    Ok(FlowRow {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        revision: row.get(3)?,
        definition: row.get(4)?,
        modified_on: row.get(5)?,
    })
}
