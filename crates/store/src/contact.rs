//! Contacts as audiences and reports see them.

use crate::query::Value;
use crate::registry::Attributes;
use crate::{Store, StoreError, StoreResult, params};
use base::{ContactId, FlowId, GroupId, Millis, Part};

/// A contact with what queries look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The contact.
    pub contact: ContactId,
    /// The name.
    pub name: Option<String>,
    /// The language, three letters.
    pub language: Option<String>,
    /// `active`, `blocked`, `stopped` or `archived`.
    pub status: String,
    /// When the contact was made.
    pub created_on: Millis,
    /// The last message from them.
    pub last_seen_on: Option<Millis>,
    /// URNs, the preferred one first.
    pub urns: Vec<String>,
    /// Groups.
    pub groups: Vec<GroupId>,
    /// JSON object of field values (flow specification, section 2.5).
    pub fields: String,
    /// What the registry knows of the worker.
    pub attributes: Attributes,
    /// The flow that the contact is in.
    pub flow: Option<FlowId>,
    /// Whether the preferred address is on the suppression list.
    pub suppressed: bool,
}

impl Store {
    /// Who has an address (a URN identity such as `tel:+231990000001`).
    pub async fn contact_of(&self, address: &str) -> StoreResult<Option<ContactId>> {
        let sql = "SELECT contact FROM urn WHERE part = $1 AND address = $2";
        let row = self.query_one(sql, params![Part::of_address(address), address]).await?;
        row.map(|row| row.get(0)).transpose().map_err(StoreError::from)
    }

    /// Contacts of one part in the order of their ids, after `after`, at most `limit`.
    pub async fn candidates(&self, part: Part, after: Option<ContactId>, limit: usize) -> StoreResult<Vec<Candidate>> {
        self.candidates_where(part, after, limit, "1 = 1", Vec::new()).await
    }

    /// The same, those only who meet a condition on rows `c` of `contact`, whose parameters begin at `$4`.
    pub(crate) async fn candidates_where(
        &self,
        part: Part,
        after: Option<ContactId>,
        limit: usize,
        condition: &str,
        values: Vec<Value>,
    ) -> StoreResult<Vec<Candidate>> {
        let sql = format!(
            "SELECT c.id, c.name, c.language, c.status, c.created_on,
                COALESCE(s.last_seen_on, c.last_seen_on) AS seen, c.urns, c.groups, c.fields, c.attributes, s.flow
            FROM contact c LEFT JOIN session s ON s.part = c.part AND s.contact = c.id
            WHERE c.part = $1 AND c.id > $2 AND {condition} ORDER BY c.id LIMIT $3"
        );
        let after = after.map(|contact| contact.as_bytes().to_vec()).unwrap_or_default();
        let json = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
        let mut candidates = Vec::new();
        let mut all = params![part, after, limit];
        all.extend(values);
        for row in self.query(&sql, all).await? {
            candidates.push(Candidate {
                contact: row.get(0)?,
                name: row.get(1)?,
                language: row.get(2)?,
                status: row.get(3)?,
                created_on: row.get(4)?,
                last_seen_on: row.get(5)?,
                urns: serde_json::from_str(row.text(6)?).map_err(json)?,
                groups: serde_json::from_str(row.text(7)?).map_err(json)?,
                fields: row.get(8)?,
                attributes: serde_json::from_str(row.text(9)?).map_err(json)?,
                flow: row.get(10)?,
                suppressed: false,
            });
        }
        self.mark_suppressed(&mut candidates).await?;
        Ok(candidates)
    }

    async fn mark_suppressed(&self, candidates: &mut [Candidate]) -> StoreResult<()> {
        for chunk in candidates.chunks_mut(500) {
            let marks: Vec<String> = (1..=chunk.len()).map(|at| format!("${at}")).collect();
            let sql = format!("SELECT address FROM suppression WHERE address IN ({})", marks.join(", "));
            let first = |candidate: &Candidate| {
                candidate.urns.first().map(|urn| crate::identity(urn).to_owned()).unwrap_or_default()
            };
            let values = chunk.iter().map(|candidate| first(candidate).into()).collect();
            let mut found = std::collections::HashSet::new();
            for row in self.query(&sql, values).await? {
                found.insert(row.get::<String>(0)?);
            }
            for candidate in chunk.iter_mut().filter(|candidate| found.contains(&first(candidate))) {
                candidate.suppressed = true;
            }
        }
        Ok(())
    }
}
