//! What an import could not use, as rows of the work list.

use crate::query::{Column, Rows, Unit};
use crate::{Store, StoreResult, params};
use ::registry::{Finding, Import, Severity};
use base::{IdMaker, Millis};
use std::collections::{HashMap, HashSet};

impl Store {
    /// Resolves the problems of workers who were written and got the numbers that had been taken, or want them no more.
    pub(super) async fn resolve_taken(
        &self,
        source: &str,
        written: &HashSet<String>,
        taken: &HashSet<String>,
        now: Millis,
    ) -> StoreResult<()> {
        let sql = "SELECT key, subject FROM problem
            WHERE kind = 'phone_taken' AND state = 'open' AND key >= $1 AND key < $2";
        let mut resolved = Rows::update(
            "problem",
            &[Column::Text("kind"), Column::Text("key")],
            &[Column::Text("state"), Column::Int("modified_on")],
        );
        for row in self.query(sql, params![format!("{source} "), format!("{source}!")]).await? {
            if written.contains(row.text(1)?) && !taken.contains(row.text(0)?) {
                resolved.push(params!["phone_taken", row.text(0)?, "resolved", now]);
            }
        }
        let mut unit = Unit::new();
        unit.rows(resolved);
        self.run(unit).await.map(drop)
    }

    /// Turns errors and warnings into rows of the work list; rows about workers of this import that are not found again
    /// are resolved.
    pub(super) async fn commit_findings(
        &self,
        source: &str,
        import: &Import,
        ids: &mut IdMaker,
        now: Millis,
    ) -> StoreResult<usize> {
        let mut found: HashMap<(String, String), &Finding> = HashMap::new();
        for finding in import.findings.iter().filter(|finding| finding.severity != Severity::Info) {
            let subject = finding.worker.clone().unwrap_or_else(|| finding.place.to_string());
            let key = format!("{source} {subject} {}", finding.message);
            found.entry((finding.code.to_string(), key)).or_insert(finding);
        }
        let mut rows = Rows::insert(
            "problem",
            &[
                Column::Bytes("id"),
                Column::Text("kind"),
                Column::Text("key"),
                Column::Text("subject"),
                Column::Text("message"),
                Column::Text("remedy"),
                Column::Int("created_on"),
                Column::Int("modified_on"),
            ],
            "ON CONFLICT (kind, key) DO UPDATE SET state = 'open', message = excluded.message,
               remedy = excluded.remedy, modified_on = excluded.modified_on",
        );
        let mut keys: Vec<_> = found.keys().cloned().collect();
        keys.sort_unstable();
        for (kind, key) in &keys {
            let Some(finding) = found.get(&(kind.clone(), key.clone())) else { continue };
            let subject = finding.worker.clone().unwrap_or_else(|| finding.place.to_string());
            rows.push(params![ids.uuid(now), kind, key, subject, &finding.message, &finding.remedy, now, now]);
        }
        let workers: HashSet<&str> = import.ids().map(|(id, _)| id).collect();
        let sql = "SELECT kind, key, subject FROM problem
            WHERE state = 'open' AND kind <> 'phone_taken' AND key >= $1 AND key < $2";
        let open = self.query(sql, params![format!("{source} "), format!("{source}!")]).await?;
        let mut unit = Unit::new();
        unit.rows(rows);
        for row in open {
            let key = (row.get::<String>(0)?, row.get::<String>(1)?);
            if !found.contains_key(&key) && workers.contains(row.text(2)?) {
                unit.add(
                    "UPDATE problem SET state = 'resolved', modified_on = $3 WHERE kind = $1 AND key = $2",
                    params![key.0, key.1, now],
                );
            }
        }
        self.run(unit).await?;
        Ok(keys.len())
    }
}
