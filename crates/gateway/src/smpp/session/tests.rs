use super::*;
use crate::event::{Inbound, ReceiptState, SendOptions};
use crate::smpp::codec::{DataSm, Frame, Header, Sm, SmResp, Tag, TlvBuf, esm_class, frame};
use crate::smpp::config::{Alphabet, LongMessages};
use base::{IdMaker, Millis};
use bytes::BufMut;
use proptest::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A session with its operator played by the test, and a clock that moves when told.
struct Rig {
    session: Session,
    decided: UnboundedReceiver<Answer>,
    now: Instant,
    start: Instant,
    ids: IdMaker,
    token: u64,
}

/// A PDU that the session wrote.
#[derive(Clone, Debug, PartialEq)]
struct Wrote {
    command: CommandId,
    status: Status,
    sequence: u32,
    body: Vec<u8>,
}

impl Wrote {
    fn sm(&self) -> Sm<'_> {
        let header = Header {
            length: 16 + self.body.len() as u32,
            command: self.command,
            status: self.status,
            sequence: self.sequence,
        };
        match Pdu::decode(&Frame { header, body: &self.body }) {
            Ok(Pdu::SubmitSm(sm)) => sm,
            other => panic!("{other:?}"),
        }
    }
}

fn config() -> Config {
    Config {
        host: "localhost".into(),
        system_id: "ministry".into(),
        source_address: "4321".into(),
        ..Config::default()
    }
}

impl Rig {
    fn unbound(config: Config, mode: BindMode) -> Self {
        let start = Instant::now();
        let (answers, decided) = unbounded_channel();
        let setup = Setup { config: Arc::new(config), mode, bind_session: 7, answers, evidence: Arc::default() };
        let session = Session::new(setup, start).unwrap();
        Self { session, decided, now: start, start, ids: IdMaker::from_u64(1), token: 0 }
    }

    fn bound(config: Config) -> Self {
        let mut rig = Self::unbound(config, BindMode::Transceiver);
        let wrote = rig.wrote();
        assert_eq!((wrote[0].command, wrote[0].sequence), (CommandId::BIND_TRANSCEIVER, 1));
        rig.feed(CommandId::BIND_TRANSCEIVER_RESP, Status::OK, 1, b"smsc\0").unwrap();
        assert!(rig.session.is_bound());
        rig
    }

    fn at(&mut self, millis: u64) -> Result<(), End> {
        self.now = self.start + Duration::from_millis(millis);
        self.session.turn(self.now)
    }

    fn octets(&mut self, octets: &[u8]) -> Result<(), End> {
        let mut buffer = BytesMut::from(octets);
        self.session.received(&mut buffer, self.now)?;
        self.session.turn(self.now)
    }

    fn feed(&mut self, command: CommandId, status: Status, sequence: u32, body: &[u8]) -> Result<(), End> {
        let mut out = BytesMut::new();
        Pdu::Other { command, body }.encode(status, sequence, &mut out).unwrap();
        self.octets(&out)
    }

    fn feed_pdu(&mut self, pdu: Pdu<'_>, sequence: u32) {
        let mut out = BytesMut::new();
        pdu.encode(Status::OK, sequence, &mut out).unwrap();
        self.octets(&out).unwrap();
    }

    fn accept(&mut self, sequence: u32, id: &str) {
        self.feed(CommandId::SUBMIT_SM_RESP, Status::OK, sequence, &[id.as_bytes(), b"\0"].concat()).unwrap();
    }

    fn wrote(&mut self) -> Vec<Wrote> {
        let out = self.session.out().split();
        let mut at = 0;
        let mut all = Vec::new();
        while let Some(cut) = frame(&out[at..]).unwrap() {
            let Header { command, status, sequence, .. } = cut.header;
            all.push(Wrote { command, status, sequence, body: cut.body.to_vec() });
            at += cut.size();
        }
        assert_eq!(at, out.len());
        all
    }

    /// What was written, shortly.
    fn commands(&mut self) -> Vec<(CommandId, u32)> {
        self.wrote().iter().map(|wrote| (wrote.command, wrote.sequence)).collect()
    }

    fn send(&mut self, texts: &[&str]) {
        self.hand_over(texts);
        self.session.turn(self.now).unwrap();
    }

    fn hand_over(&mut self, texts: &[&str]) {
        self.hand_over_until(texts, None);
    }

    fn hand_over_until(&mut self, texts: &[&str], not_after: Option<Instant>) {
        for text in texts {
            self.token += 1;
            let outgoing = Outgoing {
                token: self.token,
                message: self.ids.next(Millis(1)),
                to: format!("+23199000{:04}", self.token),
                from: None,
                text: (*text).to_owned(),
                reference: 500 + self.token as u16,
                options: SendOptions { not_after, ..SendOptions::default() },
            };
            self.session.submit([outgoing]);
        }
    }

    fn reports(&mut self) -> Vec<(u64, Submitted)> {
        let events = self.session.take_events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Submitted(report) => Some((report.token, report.outcome)),
                _ => None,
            })
            .collect()
    }

    fn inbound(&mut self) -> Vec<Inbound> {
        let events = self.session.take_events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Inbound(inbound) => Some(*inbound),
                _ => None,
            })
            .collect()
    }

    /// Hands the decisions of the loop to the session.
    fn decide(&mut self) {
        while let Ok(answer) = self.decided.try_recv() {
            self.session.answer(answer, self.now);
        }
    }

    fn state(&mut self) -> Vec<LinkState> {
        self.session.take_changes().into_iter().map(|(state, _)| state).collect()
    }
}

fn message(text: &[u8]) -> Sm<'_> {
    Sm {
        source: Address { ton: 1, npi: 1, addr: b"231990000001" },
        destination: Address { ton: 3, npi: 0, addr: b"4321" },
        short_message: text,
        ..Sm::default()
    }
}

fn accepted(ids: &[&str]) -> Submitted {
    Submitted::Accepted { message_ids: (1..).zip(ids.iter().map(|id| (*id).to_owned())).collect() }
}

#[test]
fn the_window_holds_and_every_message_is_reported_once() {
    let mut rig = Rig::bound(Config { window: 3, ..config() });
    assert_eq!(rig.session.free(rig.now), 3);
    rig.send(&["a", "b", "c"]);
    assert_eq!(rig.session.free(rig.now), 0);
    assert_eq!(rig.commands(), [2, 3, 4].map(|sequence| (CommandId::SUBMIT_SM, sequence)));
    // Answers in another order, and one twice.
    rig.accept(4, "x4");
    rig.accept(2, "x2");
    rig.accept(2, "again");
    assert_eq!(rig.session.free(rig.now), 2);
    assert_eq!(rig.reports(), [(3, accepted(&["x4"])), (1, accepted(&["x2"]))]);
    rig.send(&["d", "e"]);
    assert_eq!(rig.commands().len(), 2);
    rig.session.close();
    let unknown = Submitted::Unknown { segments: vec![SegmentState::Unknown] };
    let mut rest = rig.reports();
    rest.sort_by_key(|(token, _)| *token);
    assert_eq!(rest, [(2, unknown.clone()), (4, unknown.clone()), (5, unknown)]);
}

#[test]
fn long_messages_are_written_in_each_mode() {
    let text = "a".repeat(200);
    let check = |mode: LongMessages, count: usize, first: &[u8], tags: &[(Tag, &[u8])]| {
        let mut rig = Rig::bound(Config { long_messages: mode, window: 1, ..config() });
        rig.send(&[&text]);
        let mut wrote = Vec::new();
        for index in 0..count {
            // One segment at a time in a window of one, all of one message.
            let mut segment = rig.wrote();
            assert_eq!(segment.len(), 1, "{mode:?}");
            rig.accept(segment[0].sequence, &format!("id{index}"));
            wrote.append(&mut segment);
        }
        assert!(rig.wrote().is_empty());
        let sm = wrote[0].sm();
        assert!(sm.short_message.starts_with(first), "{mode:?} {sm:?}");
        assert_eq!(sm.esm_class & esm_class::UDHI != 0, matches!(mode, LongMessages::Udh8 | LongMessages::Udh16));
        assert_eq!((sm.source.addr, sm.destination.addr), (&b"4321"[..], &b"231990000001"[..]));
        for (tag, value) in tags {
            assert_eq!(sm.tlvs.get(*tag), Some(*value), "{mode:?} {tag}");
        }
        let ids: Vec<String> = (0..count).map(|index| format!("id{index}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(rig.reports(), [(1, accepted(&ids))], "{mode:?}");
    };
    let reference: (Tag, &[u8]) = (Tag::USER_MESSAGE_REFERENCE, &[1, 245]);
    check(LongMessages::Udh8, 2, &[5, 0, 3, 245, 2, 1, b'a'], &[reference]);
    check(LongMessages::Udh16, 2, &[6, 8, 4, 1, 245, 2, 1, b'a'], &[reference]);
    let sar: [(Tag, &[u8]); 3] =
        [(Tag::SAR_MSG_REF_NUM, &[1, 245]), (Tag::SAR_TOTAL_SEGMENTS, &[2]), (Tag::SAR_SEGMENT_SEQNUM, &[1])];
    check(LongMessages::Sar, 2, b"aaa", &sar);
    check(LongMessages::Payload, 1, b"", &[reference, (Tag::MESSAGE_PAYLOAD, text.as_bytes())]);

    let mut rig = Rig::bound(Config { long_messages: LongMessages::Payload, ..config() });
    rig.send(&["short"]);
    let wrote = rig.wrote();
    assert_eq!((wrote[0].sm().short_message, wrote[0].sm().tlvs.get(Tag::MESSAGE_PAYLOAD)), (&b"short"[..], None));

    // Two septets each for the operator, whatever the octets are: it is longer than one message.
    let payload = Config { long_messages: LongMessages::Payload, default_alphabet: Alphabet::Latin1, ..config() };
    let mut rig = Rig::bound(payload);
    let brackets = "[".repeat(81);
    rig.send(&[&brackets]);
    let wrote = rig.wrote();
    assert_eq!(wrote[0].sm().tlvs.get(Tag::MESSAGE_PAYLOAD), Some(brackets.as_bytes()));
}

#[test]
fn throttling_pauses_the_bind_and_gives_messages_back() {
    for status in [Status::THROTTLED, Status::QUEUE_FULL] {
        let mut rig = Rig::bound(Config { window: 4, ..config() });
        assert_eq!(rig.state(), [LinkState::Up]);
        rig.send(&["a", "b", "c", "d"]);
        rig.wrote();
        rig.accept(2, "x");
        rig.feed(CommandId::SUBMIT_SM_RESP, status, 3, b"").unwrap();
        rig.feed(CommandId::SUBMIT_SM_RESP, status, 4, b"").unwrap();
        assert_eq!(rig.reports(), [(1, accepted(&["x"])), (2, Submitted::Throttled), (3, Submitted::Throttled)]);
        assert_eq!(rig.state(), [LinkState::Paused]);
        assert_eq!(rig.session.free(rig.now), 0);
        rig.accept(5, "y");
        assert_eq!(rig.session.free(rig.now), 0, "the whole bind pauses");
        rig.send(&["too late"]);
        assert_eq!(rig.reports(), [(4, accepted(&["y"])), (5, Submitted::Throttled)]);
        rig.at(999).unwrap();
        assert_eq!(rig.session.free(rig.now), 0);
        rig.at(1_000).unwrap();
        assert_eq!(rig.state(), [LinkState::Up]);
        assert_eq!(rig.session.free(rig.now), 1, "it begins with one");
        rig.send(&["e"]);
        let sequence = rig.wrote()[0].sequence;
        rig.accept(sequence, "z");
        rig.at(3_000).unwrap();
        assert_eq!(rig.session.free(rig.now), 1, "half of the rate that was seen, in a small bucket");
    }
}

#[test]
fn a_begun_message_is_finished_after_throttling() {
    let mut rig = Rig::bound(Config { window: 2, ..config() });
    let long = "a".repeat(400);
    rig.send(&[&long]);
    assert_eq!(rig.commands().len(), 2);
    rig.accept(2, "s1");
    rig.wrote();
    rig.feed(CommandId::SUBMIT_SM_RESP, Status::THROTTLED, 3, b"").unwrap();
    rig.feed(CommandId::SUBMIT_SM_RESP, Status::THROTTLED, 4, b"").unwrap();
    assert_eq!(rig.reports(), []);
    rig.at(1_000).unwrap();
    let mut seconds = 1;
    for (expected, id) in [(2, "s2"), (3, "s3")] {
        let mut wrote = rig.wrote();
        while wrote.is_empty() {
            seconds += 1;
            assert!(seconds < 10);
            rig.at(seconds * 1_000).unwrap();
            wrote = rig.wrote();
        }
        assert_eq!(wrote[0].sm().short_message[5], expected);
        rig.accept(wrote[0].sequence, id);
    }
    assert_eq!(rig.reports(), [(1, accepted(&["s1", "s2", "s3"]))]);
}

#[test]
fn refusals_are_reported_with_their_meaning() {
    let check = |status: u32, permanent: bool, text: &str| {
        let mut rig = Rig::bound(config());
        rig.send(&["a"]);
        rig.feed(CommandId::SUBMIT_SM_RESP, Status(status), 2, b"").unwrap();
        let segments_accepted = Vec::new();
        let text = text.to_owned();
        assert_eq!(rig.reports(), [(1, Submitted::Rejected { status, permanent, text, segments_accepted })]);
        assert_eq!(rig.session.free(rig.now), 10);
    };
    check(0x0b, true, "ESME_RINVDSTADR (0x0B: destination address is invalid)");
    check(0x08, false, "ESME_RSYSERR (0x08: the operator has a system error)");
    check(0x0512, true, "status 0x00000512");

    let mut rig = Rig::bound(config());
    rig.send(&["a"]);
    rig.feed(CommandId::GENERIC_NACK, Status::INVALID_COMMAND_LENGTH, 2, b"").unwrap();
    assert!(matches!(rig.reports()[..], [(1, Submitted::Rejected { status: 2, .. })]));

    // A second segment refused: the first had been taken, the third is not sent.
    let mut rig = Rig::bound(Config { window: 2, ..config() });
    rig.send(&[&"a".repeat(400)]);
    rig.feed(CommandId::SUBMIT_SM_RESP, Status::INVALID_DESTINATION, 3, b"").unwrap();
    rig.wrote();
    rig.accept(2, "s1");
    let reports = rig.reports();
    let [(1, Submitted::Rejected { status: 0x0b, segments_accepted, .. })] = &reports[..] else {
        panic!("{reports:?}")
    };
    assert_eq!(segments_accepted, &[(1, "s1".to_owned())]);
    assert!(rig.wrote().is_empty());
}

#[test]
fn what_may_be_sent_again_is_not_while_a_part_may_have_been_taken() {
    let begin = |status| {
        let mut rig = Rig::bound(Config { window: 2, ..config() });
        rig.send(&[&"a".repeat(200)]);
        rig.feed(CommandId::SUBMIT_SM_RESP, status, 3, b"").unwrap();
        rig.feed(CommandId::ENQUIRE_LINK, Status::OK, 1, b"").unwrap();
        rig
    };
    let unknown = |status: Status| Submitted::Unknown {
        segments: vec![SegmentState::Unknown, SegmentState::Rejected { status: status.0 }],
    };
    // The answer to the first segment never comes: the time runs out, or the connection breaks.
    let mut rig = begin(Status::SYSTEM_ERROR);
    rig.at(30_000).unwrap();
    assert_eq!(rig.reports(), [(1, unknown(Status::SYSTEM_ERROR))]);
    let mut rig = begin(Status::SYSTEM_ERROR);
    rig.session.close();
    assert_eq!(rig.reports(), [(1, unknown(Status::SYSTEM_ERROR))]);
    // What is refused for good is not sent again, whatever became of the rest.
    let mut rig = begin(Status::INVALID_DESTINATION);
    rig.at(30_000).unwrap();
    assert!(matches!(rig.reports()[..], [(1, Submitted::Rejected { permanent: true, .. })]));
}

#[test]
fn what_smpp_cannot_carry_is_refused_on_our_side() {
    let mut rig = Rig::bound(config());
    rig.send(&[&"ê".repeat(20_000)]);
    let reports = rig.reports();
    let [(1, Submitted::Rejected { status: 0, permanent: true, text, .. })] = &reports[..] else {
        panic!("{reports:?}")
    };
    assert_eq!(text, "the text needs 299 segments; SMS allows 255: shorten it");
    assert!(rig.wrote().is_empty());

    let mut rig = Rig::bound(Config { long_messages: LongMessages::Payload, ..config() });
    rig.send(&[&"ê".repeat(40_000)]);
    assert!(matches!(rig.reports()[..], [(1, Submitted::Rejected { status: 0, permanent: true, .. })]));
    assert_eq!(rig.session.free(rig.now), 10);
    rig.send(&["a"]);
    assert_eq!(rig.commands(), [(CommandId::SUBMIT_SM, 2)]);
}

#[test]
fn a_submit_without_an_answer_is_unknown_and_may_still_be_settled() {
    let mut rig = Rig::bound(Config { window: 5, ..config() });
    rig.send(&["a", "b"]);
    rig.wrote();
    rig.at(29_000).unwrap();
    assert_eq!(rig.reports(), []);
    rig.feed(CommandId::ENQUIRE_LINK, Status::OK, 1, b"").unwrap();
    rig.at(30_000).unwrap();
    let unknown = Submitted::Unknown { segments: vec![SegmentState::Unknown] };
    assert_eq!(rig.reports(), [(1, unknown.clone()), (2, unknown)]);
    assert_eq!(rig.session.free(rig.now), 1, "one at a time until it answers again");
    assert_eq!(rig.commands(), [(CommandId::ENQUIRE_LINK_RESP, 1), (CommandId::ENQUIRE_LINK, 4)]);
    rig.at(30_100).unwrap();
    rig.accept(3, "late");
    let events = rig.session.take_events();
    let [Event::Late(late)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((late.token, late.segment), (2, 1));
    assert_eq!(late.state, SegmentState::Accepted { message_id: "late".into() });
    // The enquiry is not answered, but the operator speaks: the bind stays.
    rig.at(60_000).unwrap();
    // Now it is silent.
    let end = (60..200).find_map(|second| rig.at(second * 1_000).err());
    assert_eq!(end, Some(End::Silent));
}

#[test]
fn the_connection_is_tested_both_ways() {
    let mut rig = Rig::bound(config());
    assert_eq!(rig.session.deadline(rig.now), Some(rig.start + Duration::from_secs(30)));
    rig.at(30_000).unwrap();
    assert_eq!(rig.commands(), [(CommandId::ENQUIRE_LINK, 2)]);
    rig.feed(CommandId::ENQUIRE_LINK_RESP, Status::OK, 2, b"").unwrap();
    rig.at(59_999).unwrap();
    assert!(rig.commands().is_empty());
    rig.feed(CommandId::ENQUIRE_LINK, Status::OK, 99, b"").unwrap();
    assert_eq!(rig.commands(), [(CommandId::ENQUIRE_LINK_RESP, 99)]);
    rig.at(89_999).unwrap();
    assert_eq!(rig.commands(), [(CommandId::ENQUIRE_LINK, 3)]);
    assert_eq!(rig.at(119_999), Err(End::Silent));
}

#[test]
fn a_bind_that_fails_says_why() {
    let check = |command, status, end: End| {
        let mut rig = Rig::unbound(config(), BindMode::Transceiver);
        assert_eq!(rig.feed(command, status, 1, b""), Err(end));
    };
    check(CommandId::BIND_TRANSCEIVER_RESP, Status::INVALID_PASSWORD, End::Refused(Status::INVALID_PASSWORD));
    check(CommandId::GENERIC_NACK, Status::INVALID_COMMAND_ID, End::Refused(Status::INVALID_COMMAND_ID));
    let mut rig = Rig::unbound(config(), BindMode::Transceiver);
    assert_eq!(rig.at(30_000), Err(End::BindTimeout));
    assert_eq!(
        End::Refused(Status::INVALID_PASSWORD).to_string(),
        "the operator refused the bind: ESME_RINVPASWD (0x0E: password is wrong)"
    );
}

#[test]
fn a_bad_pdu_costs_itself_alone() {
    let mut rig = Rig::bound(config());
    let nack = |sequence, status| Wrote { command: CommandId::GENERIC_NACK, status, sequence, body: Vec::new() };
    // A deliver_sm that ends inside its source address, a command that nobody knows, a length below a header.
    rig.feed(CommandId::DELIVER_SM, Status::OK, 10, b"\0\x01\x01123").unwrap();
    rig.feed(CommandId(0x0001_0203), Status::OK, 11, b"abc").unwrap();
    rig.octets(b"\0\0\0\x04\0\0\0\x15\0\0\0\0\0\0\0\x0c").unwrap();
    let expected = [
        nack(10, Status::INVALID_COMMAND_LENGTH),
        nack(11, Status::INVALID_COMMAND_ID),
        nack(12, Status::INVALID_COMMAND_LENGTH),
    ];
    assert_eq!(rig.wrote(), expected);
    // Answers that belong to nothing are not answered.
    rig.feed(CommandId::SUBMIT_SM_RESP, Status::OK, 77, b"x\0").unwrap();
    rig.feed(CommandId::GENERIC_NACK, Status::INVALID_COMMAND_ID, 0, b"").unwrap();
    rig.feed(CommandId(0x8001_0203), Status::OK, 1, b"").unwrap();
    rig.feed(CommandId::ALERT_NOTIFICATION, Status::OK, 1, b"\x01\x011\0\x01\x012\0").unwrap();
    rig.octets(b"\0\0\0\x04\x80\0\0\0\0\0\0\x02\0\0\0\x0c").unwrap();
    assert!(rig.wrote().is_empty());
    // Requests that only an operator takes.
    for (command, status) in [
        (CommandId::QUERY_SM, Status::QUERY_FAILED),
        (CommandId::CANCEL_SM, Status::CANCEL_FAILED),
        (CommandId::BIND_RECEIVER, Status::ALREADY_BOUND),
    ] {
        rig.feed(command, Status::OK, 13, &[0; 20]).unwrap();
        assert_eq!(rig.wrote(), [Wrote { command: command.response(), status, sequence: 13, body: Vec::new() }]);
    }
    // And the bind still works.
    rig.send(&["a"]);
    rig.accept(2, "x");
    assert_eq!(rig.reports(), [(1, accepted(&["x"]))]);
    // An answer of the wrong kind does not settle a message.
    rig.send(&["b"]);
    rig.feed(CommandId::ENQUIRE_LINK_RESP, Status::OK, 3, b"").unwrap();
    assert_eq!(rig.reports(), []);

    let mut rig = Rig::bound(config());
    let end = rig.octets(b"GET / HTTP/1.1\r\n").unwrap_err();
    assert!(end.to_string().starts_with("the length field says 1195725856 octets"), "{end}");
}

#[test]
fn inbound_messages_wait_for_the_loop_and_their_answers_for_evidence() {
    let mut rig = Rig::bound(config());
    rig.feed_pdu(Pdu::DeliverSm(message(b"Yes")), 31);
    rig.feed_pdu(Pdu::DeliverSm(message(b"No")), 32);
    assert!(rig.wrote().is_empty(), "no answer before the commit");
    let mut inbound = rig.inbound().into_iter();
    let (first, second) = (inbound.next().unwrap(), inbound.next().unwrap());
    assert_eq!((first.bind_session, first.number, second.number), (7, 1, 2));
    assert_eq!((first.source.as_str(), first.destination.as_str()), ("+231990000001", "4321"));
    assert_eq!((first.text.as_str(), first.receipt.is_none(), first.segment.is_none()), ("Yes", true, true));
    // A request that was written before the answer proves nothing about it.
    rig.send(&["before"]);
    second.ack.accept();
    rig.decide();
    rig.send(&["between"]);
    first.ack.accept();
    rig.decide();
    rig.send(&["after"]);
    let ok = |command, sequence| (command, sequence);
    assert_eq!(
        rig.commands(),
        [
            ok(CommandId::SUBMIT_SM, 2),
            ok(CommandId::DELIVER_SM_RESP, 32),
            ok(CommandId::SUBMIT_SM, 3),
            ok(CommandId::DELIVER_SM_RESP, 31),
            ok(CommandId::SUBMIT_SM, 4),
        ]
    );
    let mut evidence = |sequence| {
        rig.accept(sequence, "x");
        let events = rig.session.take_events();
        let [Event::Submitted(report)] = &events[..] else { panic!("{events:?}") };
        (report.evidence.bind_session, report.evidence.confirmed)
    };
    assert_eq!(evidence(2), (7, 0));
    assert_eq!(evidence(3), (7, 0), "the first was not answered yet");
    assert_eq!(evidence(4), (7, 2));
}

#[test]
fn an_answer_without_a_request_after_it_is_followed_by_one() {
    let mut rig = Rig::bound(config());
    rig.feed_pdu(Pdu::DeliverSm(message(b"Yes")), 31);
    rig.inbound().remove(0).ack.accept();
    rig.decide();
    rig.at(0).unwrap();
    assert_eq!(rig.commands(), [(CommandId::DELIVER_SM_RESP, 31)]);
    assert_eq!(rig.session.deadline(rig.now), Some(rig.start + Duration::from_secs(1)));
    rig.at(1_000).unwrap();
    assert_eq!(rig.commands(), [(CommandId::ENQUIRE_LINK, 2)]);
    rig.feed(CommandId::ENQUIRE_LINK_RESP, Status::OK, 2, b"").unwrap();
    let events = rig.session.take_events();
    let [Event::Confirmed(evidence)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((evidence.bind_session, evidence.confirmed), (7, 1));
    rig.at(2_000).unwrap();
    assert!(rig.commands().is_empty(), "once is enough");
}

#[test]
fn refused_and_forgotten_messages_are_answered_too() {
    let mut rig = Rig::bound(config());
    rig.feed_pdu(Pdu::DeliverSm(message(b"a")), 31);
    rig.feed_pdu(Pdu::DataSm(DataSm { source: message(b"").source, ..DataSm::default() }), 32);
    let mut inbound = rig.inbound();
    drop(inbound.pop());
    inbound.pop().unwrap().ack.reject(Status::RECEIVER_PERMANENT.0);
    rig.decide();
    let wrote = rig.wrote();
    assert_eq!((wrote[0].command, wrote[0].status), (CommandId::DATA_SM_RESP, Status::RECEIVER_TEMPORARY));
    assert_eq!((wrote[1].command, wrote[1].status), (CommandId::DELIVER_SM_RESP, Status::RECEIVER_PERMANENT));

    rig.feed_pdu(Pdu::DeliverSm(Sm { data_coding: 4, ..message(b"\x01\x02") }), 33);
    assert_eq!(rig.wrote()[0].status, Status::RECEIVER_REJECTED);
    let events = rig.session.take_events();
    let [Event::Refused(refused)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(refused.reason, "data_coding 0x04 is binary; only texts are taken");
}

#[test]
fn a_slow_loop_stops_reading_and_costs_the_operator_no_time() {
    let mut rig = Rig::bound(Config { inbound_window: 2, ..config() });
    rig.send(&["a"]);
    rig.wrote();
    let mut wire = BytesMut::new();
    for sequence in 1..=3 {
        Pdu::DeliverSm(message(b"Yes")).encode(Status::OK, sequence, &mut wire).unwrap();
    }
    Pdu::SubmitSmResp(SmResp { message_id: b"x", ..SmResp::default() }).encode(Status::OK, 2, &mut wire).unwrap();
    rig.session.received(&mut wire, rig.now).unwrap();
    rig.at(1_000).unwrap();
    assert!(rig.session.is_blocked());
    let inbound = rig.inbound();
    assert_eq!(inbound.len(), 2);
    rig.at(500_000).unwrap();
    assert_eq!(rig.reports(), []);
    drop(inbound);
    rig.decide();
    rig.at(500_001).unwrap();
    rig.session.received(&mut wire, rig.now).unwrap();
    let events = rig.session.take_events();
    assert!(wire.is_empty() && matches!(events[..], [Event::Inbound(_), Event::Submitted(_)]), "{events:?}");
}

#[test]
fn an_operator_that_reads_nothing_is_left() {
    let mut rig = Rig::bound(config());
    let mut wire = BytesMut::new();
    for sequence in 0..200_000 {
        codec::encode(CommandId::ENQUIRE_LINK, Status::OK, sequence, &mut wire);
    }
    rig.session.received(&mut wire, rig.now).unwrap();
    assert!(rig.session.is_blocked() && !wire.is_empty());
    assert!(rig.session.out().len() < MOST_OUT + 100, "what waits to be written is bounded");
    // Unlike a slow loop of ours, this is the operator's own silence.
    let end = (1..100).find_map(|second| rig.at(second * 1_000).err());
    assert_eq!(end, Some(End::Silent));
}

#[test]
fn segments_come_with_what_joins_them() {
    let mut rig = Rig::bound(config());
    let udh = Sm { esm_class: esm_class::UDHI, ..message(b"\x05\0\x03\x07\x02\x01Hello ") };
    rig.feed_pdu(Pdu::DeliverSm(udh), 1);
    let mut tlvs = TlvBuf::new();
    tlvs.push_u16(Tag::SAR_MSG_REF_NUM, 300).push_u8(Tag::SAR_TOTAL_SEGMENTS, 2).push_u8(Tag::SAR_SEGMENT_SEQNUM, 2);
    tlvs.push(Tag(0x1501), b"vendor");
    rig.feed_pdu(Pdu::DeliverSm(Sm { tlvs: tlvs.as_tlvs(), ..message(b"world") }), 2);
    let mut payload = TlvBuf::new();
    payload.push(Tag::MESSAGE_PAYLOAD, &[b'x'; 500]);
    rig.feed_pdu(Pdu::DeliverSm(Sm { tlvs: payload.as_tlvs(), ..message(b"") }), 3);
    let inbound = rig.inbound();
    let segment = |index: usize| inbound[index].segment.as_ref().map(|s| (s.reference, s.total, s.number));
    assert_eq!((inbound[0].text.as_str(), segment(0)), ("Hello ", Some((7, 2, 1))));
    assert_eq!((inbound[1].text.as_str(), segment(1)), ("world", Some((300, 2, 2))));
    assert!(inbound[1].tlvs.contains(&(0x1501, b"vendor".to_vec())));
    assert_eq!((inbound[2].text.len(), segment(2)), (500, None));
}

#[test]
fn hashes_name_the_content() {
    let hash = |sm: Sm<'_>| {
        let mut rig = Rig::bound(config());
        rig.feed_pdu(Pdu::DeliverSm(sm), 1);
        rig.inbound().remove(0).hash
    };
    let yes = hash(message(b"Yes"));
    assert_eq!(yes, hash(message(b"Yes")), "a redelivery in another session");
    let state = |state: u8, id: &str| {
        let mut tlvs = TlvBuf::new();
        tlvs.push_c_string(Tag::RECEIPTED_MESSAGE_ID, id).push_u8(Tag::MESSAGE_STATE, state);
        hash(Sm { esm_class: esm_class::DELIVERY_RECEIPT, tlvs: tlvs.as_tlvs(), ..message(b"") })
    };
    let other = Address { ton: 1, npi: 1, addr: b"231990000002" };
    let all = [
        yes,
        hash(message(b"Yes ")),
        hash(Sm { source: other, ..message(b"Yes") }),
        hash(Sm { destination: other, ..message(b"Yes") }),
        hash(Sm { data_coding: 1, ..message(b"Yes") }),
        hash(Sm { esm_class: 1, ..message(b"Yes") }),
        hash(Sm { esm_class: esm_class::UDHI, ..message(b"\x05\0\x03\x07\x02\x01Yes") }),
        hash(Sm { esm_class: esm_class::UDHI, ..message(b"\x05\0\x03\x07\x02\x02Yes") }),
        state(2, "a"),
        state(5, "a"),
        state(2, "b"),
    ];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn receipts_are_recognised() {
    let mut rig = Rig::bound(config());
    let text = b"id:12 sub:001 dlvrd:001 submit date:2611231012 done date:2611231013 stat:DELIVRD err:000 text:Are you";
    rig.feed_pdu(Pdu::DeliverSm(Sm { esm_class: esm_class::DELIVERY_RECEIPT, ..message(text) }), 1);
    let inbound = rig.inbound();
    let receipt = inbound[0].receipt.as_ref().unwrap();
    assert_eq!((receipt.message_id.as_deref(), receipt.state), (Some("12"), Some(ReceiptState::Delivered)));
    assert_eq!(inbound[0].external_id, None);

    // Marked as binary, and ended as a string of C.
    let text = b"id:12 stat:DELIVRD err:000\0";
    let binary = Sm { esm_class: esm_class::DELIVERY_RECEIPT, data_coding: 4, ..message(text) };
    rig.feed_pdu(Pdu::DeliverSm(binary), 2);
    let receipt = rig.inbound().remove(0).receipt.unwrap();
    let read = (receipt.message_id.as_deref(), receipt.state, receipt.err);
    assert_eq!(read, (Some("12"), Some(ReceiptState::Delivered), None));

    let mut tlvs = TlvBuf::new();
    tlvs.push_c_string(Tag::RECEIPTED_MESSAGE_ID, "mo-77");
    rig.feed_pdu(Pdu::DeliverSm(Sm { tlvs: tlvs.as_tlvs(), ..message(b"Yes") }), 2);
    let inbound = rig.inbound();
    assert!(inbound[0].receipt.is_none());
    assert_eq!(inbound[0].external_id.as_deref(), Some("mo-77"));
}

/// The process stood still with messages in hand: meanwhile others took them for lost, and the contact may have said
/// STOP.
#[test]
fn what_comes_too_late_is_not_written() {
    let mut rig = Rig::bound(Config { window: 2, ..config() });
    let long = "x".repeat(200);
    rig.hand_over_until(&["a", &long, "c"], Some(rig.now + Duration::from_secs(3)));
    rig.hand_over(&["d"]);
    rig.at(0).unwrap();
    assert_eq!(rig.commands().len(), 2, "the window takes one and the first part of the long one");
    rig.accept(2, "x");
    assert_eq!(rig.commands().len(), 1, "what is begun is finished");
    rig.at(3_001).unwrap();
    rig.accept(3, "y");
    rig.accept(4, "z");
    assert_eq!(rig.commands(), [(CommandId::SUBMIT_SM, 5)], "the last may go whenever it can");
    let reports = rig.reports();
    assert!(reports.contains(&(3, Submitted::NotSent)), "{reports:?}");
    assert_eq!(reports.len(), 3, "{reports:?}");
}

#[test]
fn an_orderly_end_waits_for_answers() {
    let mut rig = Rig::bound(Config { window: 1, ..config() });
    rig.send(&["a"]);
    rig.send(&["b"]);
    rig.feed_pdu(Pdu::DeliverSm(message(b"Yes")), 31);
    let inbound = rig.inbound();
    rig.wrote();
    rig.session.stop(rig.now);
    rig.at(0).unwrap();
    assert_eq!(rig.reports(), [(2, Submitted::NotSent)]);
    assert_eq!(rig.session.free(rig.now), 0);
    rig.feed_pdu(Pdu::DeliverSm(message(b"too late")), 32);
    assert_eq!(rig.wrote()[0].status, Status::RECEIVER_TEMPORARY);
    rig.accept(2, "x");
    drop(inbound);
    rig.decide();
    rig.at(10).unwrap();
    assert_eq!(rig.commands(), [(CommandId::DELIVER_SM_RESP, 31), (CommandId::UNBIND, 3)]);
    assert_eq!(rig.feed(CommandId::UNBIND_RESP, Status::OK, 3, b""), Err(End::Stopped));
    assert_eq!(rig.reports(), [(1, accepted(&["x"]))]);

    // An operator that answers nothing does not hold us.
    let mut rig = Rig::bound(config());
    rig.send(&["a"]);
    rig.session.stop(rig.now);
    rig.at(4_999).unwrap();
    rig.wrote();
    rig.at(5_000).unwrap();
    assert_eq!(rig.commands(), [(CommandId::UNBIND, 3)]);
    assert_eq!(rig.at(7_000), Err(End::Stopped));
}

#[test]
fn the_operators_unbind_is_answered() {
    let mut rig = Rig::bound(config());
    rig.send(&["a"]);
    rig.wrote();
    rig.feed(CommandId::UNBIND, Status::OK, 50, b"").unwrap();
    assert_eq!(rig.commands(), [(CommandId::UNBIND_RESP, 50)]);
    assert_eq!(rig.session.free(rig.now), 0);
    rig.send(&["b"]);
    assert_eq!(rig.feed(CommandId::SUBMIT_SM_RESP, Status::OK, 2, b"x\0"), Err(End::Unbound));
    assert_eq!(rig.reports(), [(2, Submitted::NotSent), (1, accepted(&["x"]))]);
}

#[test]
fn a_pair_shares_its_evidence() {
    let evidence = Arc::<Mutex<Evidence>>::default();
    let mut rigs = [BindMode::Receiver, BindMode::Transmitter].map(|mode| {
        let mut rig = Rig::unbound(config(), mode);
        let (answers, decided) = unbounded_channel();
        let setup = Setup { config: Arc::new(config()), mode, bind_session: 20, answers, evidence: evidence.clone() };
        rig.session = Session::new(setup, rig.now).unwrap();
        rig.decided = decided;
        rig.feed(mode.command().response(), Status::OK, 1, b"").unwrap();
        rig.wrote();
        rig
    });
    let [receiver, transmitter] = &mut rigs;
    assert_eq!(receiver.session.free(receiver.now), 0, "a receiver sends nothing");
    receiver.feed_pdu(Pdu::DeliverSm(message(b"Yes")), 1);
    receiver.inbound().remove(0).ack.accept();
    receiver.decide();
    receiver.at(1_000).unwrap();
    receiver.feed(CommandId::ENQUIRE_LINK_RESP, Status::OK, 2, b"").unwrap();
    transmitter.send(&["Thank you"]);
    transmitter.accept(2, "x");
    let events = transmitter.session.take_events();
    let [Event::Submitted(report)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(report.evidence, Evidence { bind_session: 20, confirmed: 1 });
}

#[test]
fn message_ids_are_brought_to_one_form() {
    let mode = crate::smpp::config::MessageIdMode::DecToHex;
    let mut rig = Rig::bound(Config { message_id: mode, ..config() });
    rig.send(&["a"]);
    rig.accept(2, "00A1");
    assert_eq!(rig.reports(), [(1, accepted(&["a1"]))]);
    rig.feed_pdu(Pdu::DeliverSm(Sm { esm_class: 4, ..message(b"id:161 stat:DELIVRD") }), 9);
    assert_eq!(rig.inbound()[0].receipt.as_ref().unwrap().message_id.as_deref(), Some("a1"));
}

proptest! {
    /// Whatever the operator writes and however it is cut, nothing panics, and each message has one report.
    #[test]
    fn any_operator_is_survived(
        steps in proptest::collection::vec((0_u8..8, any::<u32>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..60),
        long in any::<bool>(),
    ) {
        let mut rig = Rig::bound(Config { window: 4, ..config() });
        let text = if long { "a".repeat(400) } else { "a".to_owned() };
        let mut reported = std::collections::BTreeMap::<u64, u32>::new();
        let mut clock = 0;
        for (step, number, octets) in &steps {
            let sequence = number % 40;
            let mut wire = BytesMut::new();
            let result = match step {
                0 => {
                    rig.hand_over(&[&text]);
                    rig.session.turn(rig.now)
                }
                1 => rig.feed(CommandId::SUBMIT_SM_RESP, Status::OK, sequence, b"id\0"),
                2 => rig.feed(CommandId::SUBMIT_SM_RESP, Status(number % 0x60), sequence, b""),
                3 => {
                    let command = CommandId((number % 0x25) | (number & 0x8000_0000));
                    rig.feed(command, Status(number % 9), sequence, octets)
                }
                4 => {
                    clock += u64::from(number % 20_000);
                    rig.at(clock)
                }
                5 => {
                    let text = &octets[..octets.len().min(50)];
                    Pdu::DeliverSm(message(text)).encode(Status::OK, *number, &mut wire).unwrap();
                    rig.octets(&wire)
                }
                6 => {
                    rig.decide();
                    Ok(())
                }
                _ => {
                    wire.put_u32(16 + octets.len() as u32);
                    wire.put_slice(&[0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1]);
                    wire.put_slice(octets);
                    rig.octets(&wire)
                }
            };
            rig.session.out().clear();
            for (token, _) in rig.reports() {
                *reported.entry(token).or_default() += 1;
            }
            if result.is_err() {
                break;
            }
        }
        rig.session.close();
        for (token, _) in rig.reports() {
            *reported.entry(token).or_default() += 1;
        }
        prop_assert_eq!(reported.len() as u64, rig.token);
        prop_assert!(reported.values().all(|count| *count == 1), "{:?}", reported);
    }
}
