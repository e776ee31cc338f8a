//! Which process steps which part.
//!
//! A process says every second that it lives; the database's clock decides who is dead. Parts of the dead and of nobody
//! are taken, and a process that has more than its share gives the rest back, so that the parts spread evenly over
//! those that live. Each change of hands adds one to the part's epoch: whoever had it can no longer write to it.

use super::Postgres;
use crate::StoreResult;
use crate::ops::Lease;
use base::Part;

/// Serialises balancing, so that two processes do not count the same parts as free.
const BALANCE_LOCK: i64 = 0x006d_6865_726f_0001;

impl Postgres {
    /// Says that this process lives.
    ///
    /// # Errors
    /// The database's.
    pub async fn heartbeat(&self) -> StoreResult<()> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "INSERT INTO process(id, heartbeat) VALUES ($1, clock_timestamp())
                 ON CONFLICT (id) DO UPDATE SET heartbeat = excluded.heartbeat",
            )
            .await?;
        client.execute(&statement, &[&self.owner()]).await?;
        Ok(())
    }

    /// Takes the parts of the dead and of nobody up to this process's fair share, gives back what is above it, and
    /// answers what this process holds now. Includes a heartbeat.
    ///
    /// Parts that are new in the answer may hold messages that their former owner had marked `wired`: see
    /// [`Store::recover`](crate::Store::recover), which is to be called before stepping them.
    ///
    /// # Errors
    /// The database's; the lease that was held before is then still the one to use.
    pub async fn balance(&self) -> StoreResult<Lease> {
        self.heartbeat().await?;
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&BALANCE_LOCK]).await?;
        let dead_after = self.options().dead_after.as_secs_f64();
        let living: Vec<i64> = transaction
            .query(
                "SELECT id FROM process WHERE heartbeat > clock_timestamp() - make_interval(secs => $1) ORDER BY id",
                &[&dead_after],
            )
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect();
        transaction
            .execute(
                "DELETE FROM process WHERE heartbeat < clock_timestamp() - make_interval(secs => $1)",
                &[&(dead_after * 60.0)],
            )
            .await?;
        let owner = self.owner();
        // The first processes have one part more where the parts do not divide evenly.
        let rank = living.iter().position(|id| *id == owner).unwrap_or(0);
        let count = living.len().max(1);
        let share = Part::COUNT / count + usize::from(rank < Part::COUNT % count);
        let held = "SELECT part, epoch FROM lease WHERE owner = $1 ORDER BY part";
        let mine = transaction.query(held, &[&owner]).await?;
        if mine.len() > share {
            let above: Vec<i16> = mine[share..].iter().map(|row| row.get(0)).collect();
            transaction
                .execute(
                    "UPDATE lease SET owner = NULL, epoch = epoch + 1 WHERE part = ANY($1) AND owner = $2",
                    &[&above, &owner],
                )
                .await?;
        } else if mine.len() < share {
            let missing = (share - mine.len()) as i64;
            // Waits for the step transactions that hold these rows for key share; theirs is the last word before ours.
            transaction
                .execute(
                    "UPDATE lease SET owner = $1, epoch = epoch + 1 WHERE part IN (
                       SELECT part FROM lease WHERE owner IS NULL OR NOT owner = ANY($2)
                       ORDER BY part LIMIT $3 FOR UPDATE)",
                    &[&owner, &living, &missing],
                )
                .await?;
        }
        let parts = transaction.query(held, &[&owner]).await?;
        transaction.commit().await?;
        let parts =
            parts.iter().filter_map(|row| Some((Part(u8::try_from(row.get::<_, i16>(0)).ok()?), row.get(1)))).collect();
        Ok(Lease { owner, parts })
    }

    /// Gives everything back, so that the other processes need not wait until this one counts as dead. Called after
    /// the last step and the last submit.
    ///
    /// # Errors
    /// The database's.
    pub async fn release(&self) -> StoreResult<()> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let owner = self.owner();
        transaction.execute("DELETE FROM process WHERE id = $1", &[&owner]).await?;
        transaction.execute("UPDATE lease SET owner = NULL, epoch = epoch + 1 WHERE owner = $1", &[&owner]).await?;
        transaction.commit().await?;
        Ok(())
    }
}
