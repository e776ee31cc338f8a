//! A fault of ours in one worker's step. No input is known that brings one about, so it is put there.

use crate::import::File;
use crate::{App, Settings, machine_clock};
use base::ChannelId;
use serde_json::json;
use std::io::Cursor;
use std::sync::Arc;
use store::ops::Mailbox;
use store::{ChannelRow, Sqlite, Store};

/// The worker whose step panics.
const UNLUCKY: &str = "Bendu Zayzay";

pub(super) fn panic_for_one(mailbox: &Mailbox) {
    assert_ne!(mailbox.row.name.as_deref(), Some(UNLUCKY), "a fault of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_one_workers_problem_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Sqlite(Sqlite::open(&folder.path().join("mhero.sqlite")).unwrap());
    store.migrate(folder.path(), machine_clock()()).await.unwrap();
    let settings = Settings { region: Some("LR".into()), ..Settings::default() };
    let app = App::new(store, settings, machine_clock(), [1; 32]);
    app.balance().await.unwrap();
    let channel = app.with_ids(|ids| ids.next::<ChannelId>(app.now()));
    let row = ChannelRow { id: channel, name: "operator".into(), kind: "smpp".into(), address: "4321".into() };
    app.store.ensure_channel(&row, app.now()).await.unwrap();
    let csv = format!("name,phone\nAma Tarwo,0990000001\n{UNLUCKY},0990000002\nCerue Fallah,0990000003\n");
    let file = File { name: "workers.csv".into(), length: csv.len() as u64, content: Box::new(Cursor::new(csv)) };
    app.import_workers("test", vec![file], None, Box::new(Vec::new()), Arc::new(|_, _, _| ())).await.unwrap();
    let flow = json!({
        "uuid": "2b9a3e01-0000-4000-8000-000000000001", "name": "News", "spec_version": "13.1.0", "language": "eng",
        "type": "messaging", "localization": {}, "nodes": [{
            "uuid": "2b9a3e01-0000-4000-8000-000000000002",
            "actions": [{ "type": "send_msg", "uuid": "2b9a3e01-0000-4000-8000-000000000003", "text": "News" }],
            "exits": [{ "uuid": "2b9a3e01-0000-4000-8000-000000000004" }],
        }],
    });
    app.import_flows(&flow.to_string()).await.unwrap();
    app.start_campaign("News", "worker.status = active").await.unwrap();
    while app.fan_out_some().await.unwrap() > 0 {}
    let mut from = base::Part(0);
    while app.converse_some(0, 1, &mut from).await.unwrap() > 0 {}

    let report = app.campaign_report(None).await.unwrap();
    assert_eq!((report.all.recipients, report.all.queued, report.all.failed), (3, 2, 1), "{report:?}");
    assert_eq!(report.reasons.get("problem"), Some(&1), "{report:?}");
    let problems = app.store.problems(false, 10).await.unwrap();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.kind, "step_failed");
    assert!(problem.message.contains("a fault of ours") && !problem.remedy.is_empty(), "{problem:?}");
    assert_eq!(app.store.audit().await.unwrap().inbox, 0);
}
