//! Audiences over the whole register.
//!
//! A plan ([`::audience::Plan`]) becomes a condition on `audience` rows that both engines answer from their indexes: a
//! [`Filter`]. Words of the registry are looked up first, so that `~` goes through some thousand terms and not through
//! the workers. What has no column (fields, names word by word, most URNs) widens the condition; such a filter is not
//! exact, and its contacts are looked at one by one.
//!
//! Counting and paging through a million contacts while somebody types needs the [`Index`] instead: the same columns in
//! memory, kept up to date by the stamp of each change.

mod filter;
mod index;

pub use filter::Filter;
pub use index::{Index, Page};

use crate::contact::Candidate;
use crate::query::Value;
use crate::{Store, StoreResult};
use ::audience::Compiled;
use base::{ContactId, Part};

impl Store {
    /// What of a query the store's indexes can answer.
    ///
    /// # Errors
    /// The store's.
    pub async fn audience_filter(&self, query: &Compiled) -> StoreResult<Filter> {
        Filter::of(self, query.plan()).await
    }

    /// How many contacts pass a filter: all of the audience if it is exact, else perhaps more.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_filtered(&self, filter: &Filter) -> StoreResult<u64> {
        let (condition, values) = filter.condition(0);
        let sql = format!("SELECT count(*) FROM audience a WHERE {condition}");
        Ok(self.query_one(&sql, values).await?.map_or(Ok(0), |row| row.get(0))?)
    }

    /// The contacts that pass a filter in the order of their folded names, at most `limit` after `after`, each with its
    /// folded name.
    ///
    /// # Errors
    /// The store's.
    pub async fn page_filtered(
        &self,
        filter: &Filter,
        after: Option<(&str, ContactId)>,
        limit: usize,
    ) -> StoreResult<Vec<(String, ContactId)>> {
        let (condition, values) = filter.condition(3);
        let (name, contact) = after.map_or(("", Vec::new()), |(name, id)| (name, id.as_bytes().to_vec()));
        let mut all = vec![Value::from(name), Value::from(contact), Value::from(limit)];
        all.extend(values);
        let sql = format!(
            "SELECT a.name_folded, a.contact FROM audience a
             WHERE (a.name_folded, a.contact) > ($1, $2) AND {condition}
             ORDER BY a.name_folded, a.contact LIMIT $3"
        );
        self.query(&sql, all).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Contacts of one part that pass a filter, in the order of their ids, at most `limit` after `after`.
    ///
    /// # Errors
    /// The store's.
    pub async fn candidates_filtered(
        &self,
        filter: &Filter,
        part: Part,
        after: Option<ContactId>,
        limit: usize,
    ) -> StoreResult<Vec<Candidate>> {
        let (condition, values) = filter.condition(3);
        let condition = format!(
            "c.id IN (SELECT a.contact FROM audience a WHERE a.part = $1 AND a.contact > $2 AND {condition}
                      ORDER BY a.contact LIMIT $3)"
        );
        self.candidates_where(part, after, limit, &condition, values).await
    }
}
