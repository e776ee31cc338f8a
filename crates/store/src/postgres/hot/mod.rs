//! The loop on PostgreSQL.

// Signatures that `Store` in lib.rs dispatches to (the owner of this module replaces the bodies).
use crate::ops::*;
use crate::{Postgres, StoreError, StoreResult};
use base::{ContactId, IdMaker, Millis, Part};

pub async fn ingest(db: &Postgres, batch: &[Inbound]) -> StoreResult<Vec<Ingested>> {
    let _ = (db, batch);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn still_wired(db: &Postgres, contacts: &[ContactId], at: Millis) -> StoreResult<Vec<ContactId>> {
    let _ = (db, contacts, at);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn claim(db: &Postgres, lease: &Lease, from: Part, limit: usize) -> StoreResult<Vec<Mailbox>> {
    let _ = (db, lease, from, limit);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn commit_steps(db: &Postgres, lease: &Lease, steps: &[Step]) -> StoreResult<()> {
    let _ = (db, lease, steps);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn wire(db: &Postgres, lease: &Lease, request: &WireRequest) -> StoreResult<Vec<Wired>> {
    let _ = (db, lease, request);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn submitted(db: &Postgres, batch: &[Submitted]) -> StoreResult<()> {
    let _ = (db, batch);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn receipts(db: &Postgres, batch: &[Receipt]) -> StoreResult<Vec<ReceiptOutcome>> {
    let _ = (db, batch);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn sweep(db: &Postgres, lease: &Lease, now: Millis, limit: usize, ids: &mut IdMaker) -> StoreResult<Swept> {
    let _ = (db, lease, now, limit, ids);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn recover(db: &Postgres, lease: &Lease, now: Millis) -> StoreResult<usize> {
    let _ = (db, lease, now);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn quarantine(db: &Postgres, part: Part, rows: &[InboxRow], found: &NewProblem, at: Millis) -> StoreResult<()> {
    let _ = (db, part, rows, found, at);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}

pub async fn forget(db: &Postgres, part: Part, bucket: i64, receipts_before: Millis) -> StoreResult<usize> {
    let _ = (db, part, bucket, receipts_before);
    Err(StoreError::Unusable("PostgreSQL is not written yet".into()))
}
