use super::client::{Client, accepted, config};
use super::judge::{Judge, SOON};
use gateway::smpp::Config;
use gateway::smpp::config::{Bind, LongMessages, MessageIdMode};
use gateway::{Event, LinkState, ReceiptState, SegmentState, Submitted};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::time::timeout;

#[tokio::test]
async fn a_message_is_submitted_and_its_receipt_matched() {
    let Some(mut judge) = Judge::start().await else { return };
    let check = [
        (MessageIdMode::Literal, 10, 10, "after", true),
        (MessageIdMode::Literal, 10, 10, "before", false),
        (MessageIdMode::HexToDec, 10, 16, "after", true),
        (MessageIdMode::DecToHex, 16, 10, "after", false),
    ];
    for (mode, id_base, receipt_base, order, tlvs) in check {
        let behaviour = json!({
            "idBase": id_base, "receiptBase": receipt_base, "receipt": order, "receiptTlvs": tlvs,
        });
        judge.set(behaviour).await;
        let mut client = Client::up(Config { message_id: mode, ..config(judge.port) }).await;
        let bind = judge.expect("bind").await;
        assert_eq!(bind["mode"], "transceiver");
        assert_eq!((&bind["system_id"], &bind["password"]), (&json!("ministry"), &json!("secret")));
        let text = "Êtes-vous là? [€]";
        client.send("Are you well? [€] @é").await;
        let seen = judge.expect("submit").await;
        assert_eq!(seen["text"], "Are you well? [€] @é");
        assert_eq!((&seen["to"], &seen["from"]), (&json!("231990000001"), &json!("4321")));
        assert_eq!((&seen["to_ton"], &seen["from_ton"], &seen["data_coding"]), (&json!(1), &json!(3), &json!(0)));
        assert_eq!((&seen["reference"], &seen["registered_delivery"]), (&json!(1), &json!(1)));
        let (mut ids, mut receipt) = (None, None);
        while ids.is_none() || receipt.is_none() {
            match client.event().await.unwrap() {
                Event::Submitted(report) => {
                    assert!(order == "after" || receipt.is_some(), "the receipt comes first");
                    ids = Some(report.outcome);
                }
                Event::Inbound(inbound) => {
                    receipt = inbound.receipt.clone();
                    inbound.ack.accept();
                }
                _ => {}
            }
        }
        let receipt = receipt.unwrap();
        assert_eq!(ids.unwrap(), accepted(&[receipt.message_id.as_deref().unwrap()]), "{mode:?} {order}");
        assert_eq!(receipt.state, Some(ReceiptState::Delivered));
        assert_eq!(receipt.user_message_reference, Some(1));
        assert_eq!(judge.expect("delivered").await["status"], 0);
        client.send(text).await;
        let seen = judge.expect("submit").await;
        assert_eq!((&seen["text"], &seen["data_coding"]), (&json!(text), &json!(8)));
        client.end().await;
        judge.expect("closed").await;
    }
}

#[tokio::test]
async fn long_messages_arrive_whole_in_each_mode() {
    let Some(mut judge) = Judge::start().await else { return };
    let gsm = format!("{}€{}", "a".repeat(152), "b".repeat(200));
    let wide = "Ê😀".repeat(40);
    for (mode, gsm_count, wide_count) in [
        (LongMessages::Udh8, 3, 2),
        (LongMessages::Udh16, 3, 2),
        (LongMessages::Sar, 3, 2),
        (LongMessages::Payload, 1, 1),
    ] {
        let mut client = Client::up(Config { long_messages: mode, ..config(judge.port) }).await;
        for (text, count, data_coding) in [(&gsm, gsm_count, 0), (&wide, wide_count, 8)] {
            let token = client.send(text).await;
            let (mut whole, mut ids) = (String::new(), Vec::new());
            for number in 1..=count {
                let seen = judge.expect("submit").await;
                whole += seen["text"].as_str().unwrap();
                ids.push(seen["id"].as_str().unwrap().to_owned());
                assert_eq!(seen["data_coding"], data_coding);
                let (udh, sar) = match mode {
                    LongMessages::Udh8 => (format!("0003{token:02x}{count:02x}{number:02x}"), json!(null)),
                    LongMessages::Udh16 => (format!("0804{token:04x}{count:02x}{number:02x}"), json!(null)),
                    LongMessages::Sar => (String::new(), json!([token, count, number])),
                    LongMessages::Payload => (String::new(), json!(null)),
                };
                assert_eq!((&seen["udh"], &seen["sar"]), (&json!(udh), &sar), "{mode:?}");
                assert_eq!(seen["payload"], mode == LongMessages::Payload, "{mode:?}");
            }
            assert_eq!(&whole, text, "{mode:?}");
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            assert_eq!(client.report().await.outcome, accepted(&ids));
        }
        client.end().await;
        judge.expect("closed").await;
    }
}

#[tokio::test]
async fn inbound_messages_are_answered_when_the_loop_says_so() {
    let Some(mut judge) = Judge::start().await else { return };
    let mut client = Client::up(config(judge.port)).await;
    let phone = json!({
        "source_addr_ton": 1, "source_addr_npi": 1, "source_addr": "231990000001",
        "dest_addr_ton": 3, "destination_addr": "4321",
    });
    let with = |fields: serde_json::Value| {
        let mut all = phone.as_object().unwrap().clone();
        all.extend(fields.as_object().unwrap().clone());
        serde_json::Value::Object(all)
    };
    judge.tell(json!({ "deliver": with(json!({ "short_message": "Yes [€]" })) })).await;
    let first = client.inbound().await;
    assert_eq!((first.number, first.text.as_str()), (1, "Yes [€]"));
    assert_eq!((first.source.as_str(), first.destination.as_str()), ("+231990000001", "4321"));
    first.ack.accept();
    assert_eq!(judge.expect("delivered").await["status"], 0);
    // Nothing is sent afterwards: an enquiry of its own proves that the answer arrived.
    loop {
        if let Event::Confirmed(evidence) = client.event().await.unwrap() {
            assert_eq!((evidence.bind_session, evidence.confirmed), (100, 1));
            break;
        }
    }
    for (fields, hex, text) in [
        (json!({ "data_coding": 8 }), "00ca002000e9", "Ê é"),
        (json!({ "data_coding": 8 }), "d83dde0000", "😀"),
        (json!({ "data_coding": 3 }), "e9", "é"),
        (json!({ "message_payload": true }), "48656c6c6f", "Hello"),
    ] {
        judge.tell(json!({ "deliver": with(fields), "hex": hex })).await;
        let inbound = client.inbound().await;
        assert_eq!(inbound.text, text);
        inbound.ack.reject(0x64);
        assert_eq!(judge.expect("delivered").await["status"], 0x64);
    }
    let mut segments = Vec::new();
    for (udh, hex) in [("0500030902025", "de000021"), ("0500030902015", "0048d83d")] {
        let fields = with(json!({ "data_coding": 8, "esm_class": 0x40 }));
        judge.tell(json!({ "deliver": fields, "udh": &udh[..12], "hex": hex })).await;
        let inbound = client.inbound().await;
        segments.push(inbound.segment.clone().unwrap());
        inbound.ack.accept();
    }
    segments.sort_by_key(|segment| segment.number);
    let joined = base::sms::join(segments.iter().map(|segment| (segment.coding, segment.octets.as_slice())));
    assert_eq!((joined.text.as_str(), joined.lossy), ("H😀!", false));
    judge.tell(json!({ "deliver": with(json!({ "data_coding": 4 })), "hex": "0102" })).await;
    while !matches!(client.event().await.unwrap(), Event::Refused(_)) {}
    client.end().await;
}

#[tokio::test]
async fn throttling_pauses_and_nothing_is_lost() {
    let Some(mut judge) = Judge::start().await else { return };
    judge.set(json!({ "statuses": [0, 0x58, 0x58, 0x14] })).await;
    let mut client = Client::up(config(judge.port)).await;
    for _ in 0..4 {
        client.send("a").await;
    }
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(client.report().await.outcome);
    }
    let begun = Instant::now();
    assert!(matches!(outcomes[0], Submitted::Accepted { .. }));
    assert_eq!(outcomes[1..], [Submitted::Throttled, Submitted::Throttled, Submitted::Throttled]);
    assert_eq!(client.link.free_window(), 0);
    assert_eq!(client.link.binds()[0].state, LinkState::Paused);
    client.send("again").await;
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    assert!(matches!(client.report().await.outcome, Submitted::Accepted { .. }));
    assert_eq!(client.link.stats().throttled.load(Ordering::Relaxed), 3);
    client.end().await;
}

#[tokio::test]
async fn refusals_keep_their_code() {
    let Some(mut judge) = Judge::start().await else { return };
    judge.set(json!({ "statuses": [0x0b, 0x08, 0x0f0f] })).await;
    let mut client = Client::up(config(judge.port)).await;
    for (status, permanent) in [(0x0b, true), (0x08, false), (0x0f0f, true)] {
        client.send("a").await;
        let outcome = client.report().await.outcome;
        let Submitted::Rejected { status: got, permanent: said, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!((got, said), (status, permanent));
    }
    client.end().await;
}

#[tokio::test]
async fn a_bad_pdu_costs_itself_and_a_lost_framing_the_connection() {
    let Some(mut judge) = Judge::start().await else { return };
    let mut client = Client::up(config(judge.port)).await;
    for (raw, sequence, status) in [
        ("00000014000000050000000000000021ffffffff", 0x21, 2),
        ("00000010000099990000000000000022", 0x22, 3),
        ("00000004000000150000000000000023", 0x23, 2),
    ] {
        judge.tell(json!({ "raw": raw })).await;
        let nack = judge.expect("nack").await;
        assert_eq!((&nack["sequence"], &nack["status"]), (&json!(sequence), &json!(status)));
    }
    client.send("still here").await;
    let outcome = client.report().await.outcome;
    assert!(matches!(outcome, Submitted::Accepted { .. }), "{outcome:?}");
    assert_eq!(client.link.stats().malformed.load(Ordering::Relaxed), 2);
    judge.tell(json!({ "raw": "7fffffff000000050000000000000001" })).await;
    let reason = client.until(LinkState::Down).await.unwrap();
    assert!(reason.starts_with("the length field says 2147483647 octets, more than the limit of 65536"), "{reason}");
    client.until(LinkState::Up).await;
    client.end().await;
}

#[tokio::test]
async fn a_dropped_connection_leaves_the_window_unknown_and_comes_back() {
    let Some(mut judge) = Judge::start().await else { return };
    judge.set(json!({ "respond": false })).await;
    let mut client = Client::up(config(judge.port)).await;
    for _ in 0..3 {
        client.send("a").await;
        judge.expect("submit").await;
    }
    judge.tell(json!({ "drop": true })).await;
    for token in 1..=3 {
        let report = client.report().await;
        assert_eq!(report.token, token);
        assert_eq!(report.outcome, Submitted::Unknown { segments: vec![SegmentState::Unknown] });
        assert_eq!(report.evidence.bind_session, 100);
    }
    judge.set(json!({ "respond": true })).await;
    client.until(LinkState::Up).await;
    client.send("b").await;
    let report = client.report().await;
    assert!(matches!(report.outcome, Submitted::Accepted { .. }));
    assert!(report.evidence.bind_session > 100, "{:?}", report.evidence);
    client.end().await;
}

#[tokio::test]
async fn a_silent_operator_is_left_and_bound_again() {
    let Some(mut judge) = Judge::start().await else { return };
    judge.set(json!({ "enquire": false })).await;
    let silent = Config {
        enquire_link: Duration::from_millis(100),
        response_timeout: Duration::from_millis(200),
        ..config(judge.port)
    };
    let mut client = Client::up(silent).await;
    let reason = client.until(LinkState::Down).await.unwrap();
    assert!(reason.starts_with("the operator answers nothing any more"), "{reason}");
    judge.set(json!({ "enquire": true })).await;
    judge.expect("closed").await;
    client.until(LinkState::Up).await;
    for _ in 0..3 {
        judge.expect("enquire").await;
    }
    assert_eq!(client.link.binds()[0].state, LinkState::Up);
    client.end().await;
}

#[tokio::test]
async fn a_refused_bind_says_why_and_tries_again() {
    let Some(mut judge) = Judge::start().await else { return };
    judge.set(json!({ "bindStatus": 0x0e })).await;
    let mut client = Client::start(config(judge.port));
    let reason = client.until(LinkState::Down).await.unwrap();
    assert!(reason.contains("ESME_RINVPASWD (0x0E: password is wrong)"), "{reason}");
    assert!(!reason.contains("secret"));
    judge.set(json!({ "bindStatus": 0 })).await;
    client.until(LinkState::Up).await;
    client.end().await;
}

#[tokio::test]
async fn a_pair_of_binds_sends_on_one_and_receives_on_the_other() {
    let Some(mut judge) = Judge::start().await else { return };
    judge.set(json!({ "receipt": "after" })).await;
    let mut client = Client::up(Config { bind: Bind::Pair, ..config(judge.port) }).await;
    client.until(LinkState::Up).await;
    let mut names: Vec<String> = client.link.binds().into_iter().map(|bind| bind.bind).collect();
    names.sort();
    assert_eq!(names, ["rx1", "tx1"]);
    client.send("a").await;
    let (mut reported, mut received) = (false, false);
    while !(reported && received) {
        match client.event().await.unwrap() {
            Event::Submitted(report) => {
                reported = true;
                assert!(matches!(report.outcome, Submitted::Accepted { .. }));
            }
            Event::Inbound(inbound) => {
                received = true;
                assert!(inbound.receipt.is_some());
                inbound.ack.accept();
            }
            _ => {}
        }
    }
    loop {
        if let Event::Confirmed(evidence) = client.event().await.unwrap() {
            assert_eq!(evidence.confirmed, 1);
            break;
        }
    }
    client.end().await;
}

#[tokio::test]
async fn an_orderly_end_says_goodbye() {
    let Some(mut judge) = Judge::start().await else { return };
    let mut client = Client::up(config(judge.port)).await;
    client.send("a").await;
    client.link.stop();
    assert!(matches!(client.report().await.outcome, Submitted::Accepted { .. }));
    judge.expect("unbind").await;
    client.until(LinkState::Stopped).await;
    assert!(client.event().await.is_none());
    let late = client.outgoing("late");
    assert_eq!(client.link.submit(vec![late.clone()]), [late], "an ended channel gives messages back");
}

#[tokio::test]
async fn the_operators_goodbye_is_answered_and_the_bind_renewed() {
    let Some(mut judge) = Judge::start().await else { return };
    let mut client = Client::up(config(judge.port)).await;
    judge.tell(json!({ "unbind": true })).await;
    let reason = client.until(LinkState::Down).await.unwrap();
    assert!(reason.starts_with("the operator ended the session with unbind"), "{reason}");
    client.until(LinkState::Up).await;
    client.end().await;
}

#[tokio::test]
async fn several_binds_share_the_messages() {
    let Some(mut judge) = Judge::start().await else { return };
    judge.set(json!({ "respond": false })).await;
    let mut client = Client::up(Config { binds: 2, window: 2, ..config(judge.port) }).await;
    client.until(LinkState::Up).await;
    for _ in 0..2 {
        judge.expect("bind").await;
    }
    let mut changed = client.link.watch();
    timeout(SOON, changed.wait_for(|_| client.link.free_window() == 4)).await.unwrap().unwrap();
    let batch: Vec<_> = (0..4).map(|_| client.outgoing("a")).collect();
    assert!(client.link.submit(batch).is_empty());
    assert_eq!(client.link.free_window(), 0);
    for _ in 0..4 {
        judge.expect("submit").await;
    }
    judge.tell(json!({ "drop": true })).await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(client.report().await.token);
    }
    tokens.sort_unstable();
    assert_eq!(tokens, [1, 2, 3, 4]);
    client.end().await;
}

#[tokio::test]
async fn letting_go_of_the_link_ends_it() {
    let Some(mut judge) = Judge::start().await else { return };
    let client = Client::up(config(judge.port)).await;
    let mut events = client.events;
    drop(client.link);
    judge.expect("unbind").await;
    timeout(SOON, async { while events.recv().await.is_some() {} }).await.unwrap();
}
