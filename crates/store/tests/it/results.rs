//! What runs recorded.

use crate::support::{NOW, on_both};
use base::{ContactId, FlowId, RunId, SessionId};
use store::params;
use uuid::Uuid;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

#[test]
fn runs_that_recorded_something_come_oldest_first() {
    on_both(|store| async move {
        let insert = "INSERT INTO run(part, id, contact, session, flow, status, results, created_on, modified_on)
            VALUES ($1, $2, $3, $4, $5, 'completed', $6, $7, $7)";
        // Over more than one part, and not in the order of their ids.
        for (part, run, flow, results) in [
            (200_i64, 3, 70, r#"{"a":3}"#),
            (1, 4, 70, r#"{"a":4}"#),
            (90, 1, 70, r#"{"a":1}"#),
            (90, 2, 70, "{}"),
            (5, 5, 71, r#"{"a":5}"#),
        ] {
            let ids = (RunId(id(run)), ContactId(id(run + 10)), SessionId(id(run + 20)), FlowId(id(flow)));
            store.execute(insert, params![part, ids.0, ids.1, ids.2, ids.3, results, NOW]).await.unwrap();
        }
        let seen = store
            .each_run_results(FlowId(id(70)), Vec::new(), |seen, run| {
                seen.push(run);
                Ok(())
            })
            .await
            .unwrap();
        let found: Vec<(u128, &str)> = seen.iter().map(|run| (run.run.0.as_u128(), run.results.as_str())).collect();
        assert_eq!(found, [(1, r#"{"a":1}"#), (3, r#"{"a":3}"#), (4, r#"{"a":4}"#)]);
        assert_eq!((seen[0].contact.0, seen[0].session.0), (id(11), id(21)));
        assert_eq!(store.flow_created_on(FlowId(id(70))).await.unwrap(), None);
    });
}
