//! A session whose operator writes anything.
#![no_main]

use bytes::BytesMut;
use gateway::smpp::Config;
use gateway::smpp::codec::{BindMode, CommandId, Pdu, Status};
use gateway::smpp::session::{Session, Setup};
use gateway::{Event, Outgoing, SendOptions};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use std::time::{Duration, Instant};

fuzz_target!(|octets: &[u8]| {
    let config = Config { host: "h".into(), system_id: "s".into(), ..Config::default() };
    let (answers, mut decided) = tokio::sync::mpsc::unbounded_channel();
    let setup = Setup {
        config: Arc::new(config),
        mode: BindMode::Transceiver,
        bind_session: 1,
        answers,
        evidence: Arc::default(),
    };
    let mut now = Instant::now();
    let mut session = Session::new(setup, now).expect("the settings can be written");
    let mut input = BytesMut::new();
    let bound = Pdu::Other { command: CommandId::BIND_TRANSCEIVER_RESP, body: b"" };
    bound.encode(Status::OK, 1, &mut input).expect("a bare header");
    let mut reports = 0;
    let handed = 3;
    for (index, chunk) in octets.chunks(64).enumerate() {
        if session.received(&mut input, now).and_then(|()| session.turn(now)).is_err() {
            break;
        }
        if index == 0 {
            session.submit((0..handed).map(|token| Outgoing {
                token,
                message: message(),
                to: "+231990000001".into(),
                from: None,
                text: "a".repeat(200),
                reference: 1,
                options: SendOptions::default(),
            }));
        }
        input.extend_from_slice(chunk);
        now += Duration::from_millis(u64::from(chunk[0]) * 20);
        session.out().clear();
        reports += count(session.take_events());
        while let Ok(answer) = decided.try_recv() {
            session.answer(answer, now);
        }
    }
    session.close();
    reports += count(session.take_events());
    assert!(reports == 0 || reports == handed, "{reports} reports");
});

fn count(events: Vec<Event>) -> u64 {
    events.iter().filter(|event| matches!(event, Event::Submitted(_))).count() as u64
}

fn message() -> base::MessageId {
    "0192f3a0-0000-7000-8000-000000000001".parse().expect("a UUID")
}
