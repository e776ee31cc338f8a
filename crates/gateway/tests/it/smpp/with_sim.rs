//! The simulated operator, with everything that it can do wrong.

use super::client::{Client, config};
use gateway::operator_sim::{Config as SimConfig, Operator};
use gateway::smpp::Config;
use gateway::{Event, Submitted};
use std::collections::BTreeMap;
use std::time::Duration;

#[tokio::test]
async fn every_message_has_one_report_whatever_the_operator_does() {
    const MESSAGES: usize = 400;
    let faults = "listen = '127.0.0.1:0'\nseed = 3\n[smsc]\nthrottle = 2000.0\n[receipts]\norder = 'before_response'\n\
                  [faults]\ndrop = 0.02\nunresponsive = 0.02\nmalformed = 0.1\nduplicate = 0.1\n";
    let sim: SimConfig = faults.parse().unwrap();
    let operator = Operator::start(sim).await.unwrap();
    let settings = Config { response_timeout: Duration::from_millis(300), ..config(operator.addr().port()) };
    let mut client = Client::start(settings);
    let mut changed = client.link.watch();
    let mut outcomes = BTreeMap::<&str, usize>::new();
    let (mut handed, mut inbound) = (0, 0);
    while outcomes.values().sum::<usize>() < handed || handed < MESSAGES {
        let room = client.link.free_window().min(MESSAGES - handed);
        if room > 0 {
            handed += room;
            let batch = (0..room).map(|_| client.outgoing("Are you well? [k1 s1]")).collect();
            assert!(client.link.submit(batch).is_empty());
        }
        let event = tokio::select! {
            event = client.event() => event.unwrap(),
            _ = changed.changed(), if handed < MESSAGES => continue,
        };
        match event {
            Event::Submitted(report) => {
                let name = match report.outcome {
                    Submitted::Accepted { .. } => "accepted",
                    Submitted::Unknown { .. } => "unknown",
                    Submitted::Throttled => "throttled",
                    Submitted::NotSent => "not sent",
                    Submitted::Rejected { .. } => "rejected",
                };
                *outcomes.entry(name).or_default() += 1;
            }
            Event::Inbound(message) => {
                inbound += 1;
                message.ack.accept();
            }
            _ => {}
        }
    }
    assert_eq!(outcomes.values().sum::<usize>(), MESSAGES);
    assert!(outcomes["accepted"] > MESSAGES / 2 && outcomes.contains_key("unknown"), "{outcomes:?}");
    assert!(inbound > 0);
    let stats: BTreeMap<&str, u64> = client.link.stats().read().into_iter().collect();
    assert!(stats["malformed"] > 0 && stats["disconnects"] > 0, "{stats:?}");
    client.end().await;
}
