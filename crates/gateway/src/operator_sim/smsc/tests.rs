//! The message centre in virtual time: a client that is a buffer.

use super::*;
use crate::smpp::codec::{
    Address, Bind as BindPdu, BindMode, CommandId, Frame, Pdu, Sm, SmResp, Status, Tag, TlvBuf, encode, frame,
};

const PHONE: &str = "231990000001";

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A message centre and what its clients have read.
struct Bench {
    smsc: Smsc,
    now: Duration,
}

/// A PDU as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    command: CommandId,
    status: Status,
    sequence: u32,
    /// The message id of a response, the text of a delivery.
    text: String,
    /// receipted_message_id.
    id: Option<String>,
    esm_class: u8,
    source: String,
}

impl Bench {
    fn new(config: &str) -> Self {
        let config: Config = config.parse().unwrap();
        let epoch = "2026-01-02T03:04:05Z".parse().unwrap();
        Self { smsc: Smsc::new(config, epoch, 1_000).unwrap(), now: Duration::ZERO }
    }

    fn send(&mut self, id: BindId, status: Status, sequence: u32, pdu: &Pdu<'_>) {
        let mut bytes = BytesMut::new();
        pdu.encode(status, sequence, &mut bytes).unwrap();
        self.smsc.frame(self.now, id, &frame(&bytes).unwrap().unwrap());
        self.smsc.run(self.now);
    }

    fn bind_as(&mut self, mode: BindMode, system_id: &str, password: &str) -> (BindId, Status) {
        let id = self.smsc.connected(self.now);
        let pdu = Pdu::Bind(BindPdu {
            mode,
            system_id: system_id.as_bytes(),
            password: password.as_bytes(),
            system_type: b"",
            interface_version: 0x34,
            address_range: Address::default(),
        });
        self.send(id, Status::OK, 1, &pdu);
        let status = self.read(id)[0].status;
        (id, status)
    }

    fn bind(&mut self) -> BindId {
        let (id, status) = self.bind_as(BindMode::Transceiver, "mhero", "secret");
        assert_eq!(status, Status::OK);
        id
    }

    fn submit(&mut self, id: BindId, sequence: u32, phone: &str, text: &str) {
        let mut septets = Vec::new();
        base::sms::encode_gsm7(text, &mut septets).unwrap();
        self.submit_as(id, sequence, &Sm { destination: to(phone), short_message: &septets, ..message() });
    }

    fn submit_as(&mut self, id: BindId, sequence: u32, message: &Sm<'_>) {
        self.send(id, Status::OK, sequence, &Pdu::SubmitSm(*message));
    }

    fn ack(&mut self, id: BindId, sequence: u32) {
        self.answer(id, sequence, Status::OK);
    }

    fn answer(&mut self, id: BindId, sequence: u32, status: Status) {
        self.send(id, status, sequence, &Pdu::DeliverSmResp(SmResp::default()));
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.smsc.due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.smsc.run(self.now);
        }
        self.now = end;
        self.smsc.run(self.now);
    }

    /// What a client reads; nothing if its connection was cut.
    fn read(&mut self, id: BindId) -> Vec<Seen> {
        let mut out = BytesMut::new();
        if self.smsc.take_output(id, &mut out).is_none() {
            return Vec::new();
        }
        let mut rest = &out[..];
        let mut all = Vec::new();
        while let Some(frame) = frame(rest).unwrap() {
            rest = &rest[frame.size()..];
            all.push(seen(&frame));
        }
        assert!(rest.is_empty());
        all
    }

    /// The deliveries that a client reads.
    fn deliveries(&mut self, id: BindId) -> Vec<Seen> {
        self.read(id).into_iter().filter(|pdu| pdu.command == CommandId::DELIVER_SM).collect()
    }
}

fn seen(frame: &Frame<'_>) -> Seen {
    let mut seen = Seen {
        command: frame.header.command,
        status: frame.header.status,
        sequence: frame.header.sequence,
        text: String::new(),
        id: None,
        esm_class: 0,
        source: String::new(),
    };
    match Pdu::decode(frame) {
        Ok(Pdu::SubmitSmResp(resp)) => seen.text = String::from_utf8_lossy(resp.message_id).into_owned(),
        Ok(Pdu::DeliverSm(sm)) => {
            seen.text = String::from_utf8_lossy(sm.short_message).into_owned();
            seen.id = sm.tlvs.c_string(Tag::RECEIPTED_MESSAGE_ID).map(|id| String::from_utf8_lossy(id).into_owned());
            seen.esm_class = sm.esm_class;
            seen.source = String::from_utf8_lossy(sm.source.addr).into_owned();
        }
        _ => {}
    }
    seen
}

fn to(phone: &str) -> Address<'_> {
    Address { ton: 1, npi: 1, addr: phone.as_bytes() }
}

fn message() -> Sm<'static> {
    Sm { source: Address { ton: 3, npi: 0, addr: b"4321" }, destination: to(PHONE), ..Sm::default() }
}

#[test]
fn binds_are_checked() {
    let mut bench = Bench::new("accounts = [{ system_id = 'mhero', password = 'secret' }]");
    assert_eq!(bench.bind_as(BindMode::Transceiver, "mhero", "secret").1, Status::OK);
    assert_eq!(bench.bind_as(BindMode::Receiver, "mhero", "secret").1, Status::OK);
    let (wrong, status) = bench.bind_as(BindMode::Transmitter, "mhero", "guess");
    assert_eq!(status, Status::INVALID_PASSWORD);
    let mut out = BytesMut::new();
    assert_eq!(bench.smsc.take_output(wrong, &mut out), Some(After::Close));
    assert_eq!(bench.bind_as(BindMode::Transmitter, "other", "secret").1, Status::INVALID_SYSTEM_ID);
    let report = bench.smsc.report(ms(0));
    assert_eq!((report.binds, report.counts.binds_total, report.counts.binds_refused), (2, 2, 2));
}

#[test]
fn submits_need_a_bind_that_sends() {
    let mut bench = Bench::new("");
    let unbound = bench.smsc.connected(ms(0));
    bench.submit(unbound, 5, PHONE, "q");
    let (receiver, _) = bench.bind_as(BindMode::Receiver, "a", "b");
    bench.submit(receiver, 5, PHONE, "q");
    for id in [unbound, receiver] {
        let read = bench.read(id);
        assert_eq!((read[0].command, read[0].status), (CommandId::SUBMIT_SM_RESP, Status::INVALID_BIND_STATUS));
    }
    let id = bench.bind();
    bench.submit(id, 6, "nobody", "q");
    assert_eq!(bench.read(id)[0].status, Status::INVALID_DESTINATION);
}

#[test]
fn a_question_is_answered_by_its_phone() {
    let mut bench = Bench::new("[phones]\nother_answers = ['fine']\ndelay = '2s'\n[smsc]\ndelivery_delay = '1s'");
    let id = bench.bind();
    bench.submit(id, 7, PHONE, "How are you?");
    let read = bench.read(id);
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].command, read[0].sequence, read[0].text.as_str()), (CommandId::SUBMIT_SM_RESP, 7, "1000"));
    bench.pass(ms(2_900));
    assert!(bench.deliveries(id).is_empty());
    bench.pass(ms(200));
    let delivered = bench.deliveries(id);
    assert_eq!(delivered.len(), 1);
    assert_eq!((delivered[0].text.as_str(), delivered[0].source.as_str()), ("fine", PHONE));
    assert_eq!(delivered[0].id.as_deref(), Some("1001"));
    assert_eq!(bench.smsc.report(bench.now).answers_pending, 1);
    bench.ack(id, delivered[0].sequence);
    let report = bench.smsc.report(bench.now);
    assert!(report.settled);
    let counts = report.counts;
    assert_eq!((counts.reached, counts.responded, counts.answers, counts.answers_acknowledged), (1, 1, 1, 1));
}

#[test]
fn an_unanswered_delivery_comes_again_the_same() {
    let mut bench =
        Bench::new("[phones]\nother_answers = ['fine']\n[smsc]\nresponse_timeout = '3s'\nenquire_link = '0s'");
    let one = bench.bind();
    bench.submit(one, 1, PHONE, "q");
    let first = bench.deliveries(one);
    // No answer in time: on the same bind.
    bench.pass(ms(3_000));
    let second = bench.deliveries(one);
    assert_eq!((second.len(), &second[0].text, &second[0].id), (1, &first[0].text, &first[0].id));
    assert_ne!(second[0].sequence, first[0].sequence);
    // The connection is lost: on another one.
    let two = bench.bind();
    bench.smsc.disconnected(bench.now, one);
    bench.smsc.run(bench.now);
    let third = bench.deliveries(two);
    assert_eq!((third.len(), &third[0].text, &third[0].id), (1, &first[0].text, &first[0].id));
    // Refused for now: later.
    bench.answer(two, third[0].sequence, Status::RECEIVER_TEMPORARY);
    assert!(bench.deliveries(two).is_empty());
    bench.pass(ms(600));
    let fourth = bench.deliveries(two);
    assert_eq!((fourth.len(), &fourth[0].id), (1, &first[0].id));
    // An answer to an older delivery answers nothing.
    bench.ack(two, third[0].sequence);
    assert_eq!(bench.smsc.counts().answers_acknowledged, 0);
    bench.ack(two, fourth[0].sequence);
    let counts = bench.smsc.counts();
    assert_eq!((counts.answers_acknowledged, counts.redelivered, counts.late_responses), (1, 3, 1));
    assert_eq!(counts.connections_lost, 1);
}

/// A response that comes too late for the message centre still says what the peer has taken upon itself.
#[test]
fn a_stop_that_is_acknowledged_late_counts() {
    let mut bench = Bench::new(
        "[phones]\ncomplete = 0.0\nquit_after = [0, 0]\nstop = 1.0\n[smsc]\nresponse_timeout = '3s'\nenquire_link = '0s'",
    );
    let id = bench.bind();
    bench.submit(id, 1, PHONE, "[k1 s1]");
    let first = bench.deliveries(id);
    assert_eq!(first[0].text, "STOP");
    bench.pass(ms(3_000));
    assert_eq!(bench.deliveries(id).len(), 1);
    bench.submit(id, 2, PHONE, "[k1 s2]");
    assert_eq!(bench.smsc.report(bench.now).verdict.after_stop.count, 0);
    bench.ack(id, first[0].sequence);
    bench.submit(id, 3, PHONE, "[k1 s3]");
    let report = bench.smsc.report(bench.now);
    assert_eq!((report.verdict.after_stop.count, report.verdict.stops_acknowledged), (1, 1));
    assert!(!report.settled, "the second delivery waits for its own response");
}

#[test]
fn a_phone_has_one_message_on_its_way() {
    let mut bench =
        Bench::new("[phones]\nrules = [{ match = 'one', answers = ['1'] }, { match = 'two', answers = ['2'] }]");
    let id = bench.bind();
    bench.submit(id, 1, PHONE, "one");
    bench.submit(id, 2, PHONE, "two");
    bench.submit(id, 3, "231990000002", "two");
    let delivered = bench.deliveries(id);
    let who: Vec<_> = delivered.iter().map(|d| (d.source.as_str(), d.text.as_str())).collect();
    assert_eq!(who, [(PHONE, "1"), ("231990000002", "2")]);
    bench.ack(id, delivered[0].sequence);
    let next = bench.deliveries(id);
    assert_eq!((next.len(), next[0].source.as_str(), next[0].text.as_str()), (1, PHONE, "2"));
}

#[test]
fn a_refused_answer_is_given_up() {
    let mut bench = Bench::new("");
    let id = bench.bind();
    bench.submit(id, 1, PHONE, "[k1 s1]");
    let delivered = bench.deliveries(id);
    bench.answer(id, delivered[0].sequence, Status::RECEIVER_PERMANENT);
    let report = bench.smsc.report(bench.now);
    assert!(report.settled);
    assert_eq!((report.counts.answers_refused, report.verdict.lost.count), (1, 0));
}

#[test]
fn the_window_holds_and_all_receivers_have_their_turn() {
    let mut bench = Bench::new("[smsc]\nwindow = 3");
    let one = bench.bind();
    let (two, _) = bench.bind_as(BindMode::Receiver, "a", "b");
    for i in 0..10 {
        bench.submit(one, i, &format!("2319900000{i:02}"), "q");
    }
    let (first, second) = (bench.deliveries(one), bench.deliveries(two));
    assert_eq!((first.len(), second.len()), (3, 3));
    bench.ack(two, second[1].sequence);
    assert_eq!((bench.deliveries(one).len(), bench.deliveries(two).len()), (0, 1));
    // A transmitter gets none.
    let (transmitter, _) = bench.bind_as(BindMode::Transmitter, "a", "b");
    bench.smsc.run(bench.now);
    assert!(bench.deliveries(transmitter).is_empty());
}

#[test]
fn long_messages_reach_the_phone_whole() {
    fn check(parts: &[(u8, Vec<u8>, TlvBuf)]) {
        let mut bench = Bench::new("[phones]\nrules = [{ match = '^first second$', answers = ['whole'] }]");
        let id = bench.bind();
        // The last part comes first.
        for (i, (class, octets, tlvs)) in parts.iter().rev().enumerate() {
            assert!(bench.deliveries(id).is_empty());
            let message = Sm { esm_class: *class, short_message: octets, tlvs: tlvs.as_tlvs(), ..message() };
            bench.submit_as(id, i as u32, &message);
        }
        let read = bench.read(id);
        assert_eq!(read.last().unwrap().text, "whole");
        assert_eq!((bench.smsc.counts().received, bench.smsc.counts().taken), (1, parts.len() as u64));
    }
    let sar = |number| {
        let mut tlvs = TlvBuf::new();
        tlvs.push_u16(Tag::SAR_MSG_REF_NUM, 9);
        tlvs.push_u8(Tag::SAR_TOTAL_SEGMENTS, 2);
        tlvs.push_u8(Tag::SAR_SEGMENT_SEQNUM, number);
        tlvs
    };
    let mut payload = TlvBuf::new();
    payload.push(Tag::MESSAGE_PAYLOAD, b"first second");
    let none = TlvBuf::new;
    check(&[
        (0x40, b"\x05\0\x03\x09\x02\x01first ".to_vec(), none()),
        (0x40, b"\x05\0\x03\x09\x02\x02second".to_vec(), none()),
    ]);
    check(&[
        (0x40, b"\x06\x08\x04\x01\x09\x02\x01first ".to_vec(), none()),
        (0x40, b"\x06\x08\x04\x01\x09\x02\x02second".to_vec(), none()),
    ]);
    check(&[(0, b"first ".to_vec(), sar(1)), (0, b"second".to_vec(), sar(2))]);
    check(&[(0, Vec::new(), payload)]);
}

#[test]
fn a_long_message_with_a_part_missing_is_forgotten() {
    let mut bench = Bench::new("[smsc]\nreassembly_timeout = '5s'");
    let id = bench.bind();
    bench.submit_as(id, 1, &Sm { esm_class: 0x40, short_message: b"\x05\0\x03\x09\x02\x01first ", ..message() });
    bench.pass(ms(5_000));
    assert_eq!(
        (bench.smsc.counts().incomplete, bench.smsc.partials.len(), bench.smsc.partials_by_age.len()),
        (1, 0, 0)
    );
}

#[test]
fn a_long_answer_comes_in_parts_one_after_the_other() {
    let long = "a".repeat(200);
    let mut bench = Bench::new(&format!("[phones]\nother_answers = ['{long}']"));
    let id = bench.bind();
    bench.submit(id, 1, PHONE, "[k1 s1]");
    let first = bench.deliveries(id);
    assert_eq!((first.len(), first[0].esm_class), (1, 0x40));
    bench.ack(id, first[0].sequence);
    assert_eq!(bench.smsc.counts().answers_acknowledged, 0);
    let second = bench.deliveries(id);
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].id, first[0].id);
    bench.ack(id, second[0].sequence);
    let report = bench.smsc.report(bench.now);
    assert_eq!((report.counts.answers_acknowledged, report.settled, report.verdict.lost.count), (1, true, 1));
}

#[test]
fn receipts_have_the_forms_of_operators() {
    fn check(config: &str, registered: u8, read: &[(&str, &str)], text: &str) {
        let mut bench = Bench::new(&format!("[phones]\nrespond = 0.0\n{config}"));
        let id = bench.bind();
        bench.submit_as(
            id,
            1,
            &Sm { registered_delivery: registered, short_message: b"How are you today, nurse?", ..message() },
        );
        bench.pass(ms(1_000));
        let all = bench.read(id);
        let words: Vec<_> =
            all.iter().map(|p| (p.command.name().unwrap(), p.id.as_deref().unwrap_or(&p.text))).collect();
        assert_eq!(words, read, "{config}");
        if let Some(receipt) = all.iter().find(|p| p.command == CommandId::DELIVER_SM) {
            assert_eq!((receipt.text.as_str(), receipt.esm_class), (text, 0x04), "{config}");
            bench.ack(id, receipt.sequence);
        }
        assert!(bench.smsc.report(bench.now).settled);
    }
    let (response, receipt) = ("submit_sm_resp", "deliver_sm");
    let text = |id: &str, rest: &str| format!("id:{id} sub:001 {rest} text:How are you today, n");
    let ok = "dlvrd:001 submit date:2601020304 done date:2601020304 stat:DELIVRD err:000";
    let failed = "dlvrd:000 submit date:2601020304 done date:2601020304 stat:UNDELIV err:001";
    check("", 1, &[(response, "1000"), (receipt, "1000")], &text("1000", ok));
    check("", 0, &[(response, "1000")], "");
    check("", 2, &[(response, "1000")], "");
    check("reach = 0.0", 2, &[(response, "1000"), (receipt, "1000")], &text("1000", failed));
    check("[receipts]\nsend = 'never'", 1, &[(response, "1000")], "");
    check("[receipts]\nform = 'tlv'", 1, &[(response, "1000"), (receipt, "1000")], "");
    check("[receipts]\norder = 'before_response'", 1, &[(receipt, "1000"), (response, "1000")], &text("1000", ok));
    check("[ids]\nresponse = 'hex'", 1, &[(response, "3e8"), (receipt, "1000")], &text("1000", ok));
    check("[ids]\nreceipt = 'literal'", 1, &[(response, "1000"), (receipt, "sim-1000")], &text("sim-1000", ok));
    let plain = text("1000", ok);
    check("[receipts]\nform = 'text'", 1, &[(response, "1000"), (receipt, &plain)], &plain);
}

#[test]
fn a_receipt_follows_a_late_response() {
    let mut bench = Bench::new("[phones]\nrespond = 0.0\n[smsc]\nresponse_delay = '1s'\nenquire_link = '0s'");
    let id = bench.bind();
    bench.submit_as(id, 1, &Sm { registered_delivery: 1, ..message() });
    assert!(bench.read(id).is_empty());
    bench.pass(ms(1_000));
    let commands: Vec<_> = bench.read(id).into_iter().map(|pdu| pdu.command).collect();
    assert_eq!(commands, [CommandId::SUBMIT_SM_RESP, CommandId::DELIVER_SM]);
}

#[test]
fn submits_above_the_rate_are_throttled() {
    let mut bench = Bench::new("[smsc]\nthrottle = 20.0");
    let id = bench.bind();
    for i in 0..10 {
        bench.submit(id, i, PHONE, "q");
    }
    assert_eq!((bench.smsc.counts().taken, bench.smsc.counts().throttled), (2, 8));
    assert!(bench.read(id).iter().any(|pdu| pdu.status == Status::THROTTLED));
    bench.pass(ms(50));
    bench.submit(id, 11, PHONE, "q");
    assert_eq!(bench.smsc.counts().taken, 3);
    bench.smsc.set_throttle(0.0);
    for i in 0..10 {
        bench.submit(id, i, PHONE, "q");
    }
    assert_eq!(bench.smsc.counts().taken, 13);
}

#[test]
fn connections_are_dropped_with_and_without_the_message() {
    let mut bench = Bench::new("[faults]\ndrop_every = 2\ndrop_taken = 0.5\n[phones]\nrespond = 0.0");
    let mut taken = 0;
    for i in 0..40 {
        let id = bench.bind();
        let phone = format!("2319900000{i:02}");
        bench.submit(id, 1, &phone, "first");
        assert_eq!(bench.read(id).len(), 1);
        let before = bench.smsc.counts().taken;
        bench.submit(id, 2, &phone, "second");
        taken += bench.smsc.counts().taken - before;
        assert!(bench.smsc.take_output(id, &mut BytesMut::new()).is_none(), "the connection is cut");
        bench.smsc.disconnected(bench.now, id);
    }
    assert!((8..32).contains(&taken), "{taken}");
    let counts = bench.smsc.counts();
    assert_eq!((counts.connections_lost, counts.unanswered), (40, taken));
}

#[test]
fn an_unanswered_submit_reaches_its_phone() {
    let mut bench = Bench::new("[faults]\nunresponsive = 1.0");
    let id = bench.bind();
    bench.submit_as(id, 1, &Sm { registered_delivery: 1, short_message: b"q", ..message() });
    let read = bench.read(id);
    assert_eq!(
        read.iter().map(|pdu| pdu.command).collect::<Vec<_>>(),
        [CommandId::DELIVER_SM; 2],
        "receipt and answer"
    );
    assert_eq!((bench.smsc.counts().unanswered, bench.smsc.counts().received), (1, 1));
}

#[test]
fn an_acknowledged_answer_may_come_again() {
    let mut bench = Bench::new("[faults]\nduplicate = 1.0");
    let id = bench.bind();
    bench.submit(id, 1, PHONE, "q");
    let first = bench.deliveries(id);
    bench.ack(id, first[0].sequence);
    let second = bench.deliveries(id);
    assert_eq!((second.len(), &second[0].id, &second[0].text), (1, &first[0].id, &first[0].text));
    bench.ack(id, second[0].sequence);
    assert!(bench.deliveries(id).is_empty());
    assert_eq!((bench.smsc.counts().answers_acknowledged, bench.smsc.counts().duplicated), (1, 1));
}

#[test]
fn malformed_pdus_go_out_and_are_taken() {
    let mut bench = Bench::new("[faults]\nmalformed = 1.0\n[phones]\nrespond = 0.0");
    let id = bench.bind();
    for i in 0..20 {
        bench.submit(id, i, &format!("2319900000{i:02}"), "q");
    }
    assert_eq!((bench.read(id).len(), bench.smsc.counts().malformed_sent), (40, 20));
    // A submit whose body ends early costs that PDU alone.
    let mut broken = BytesMut::new();
    encode(CommandId::SUBMIT_SM, Status::OK, 9, &mut broken);
    broken.extend_from_slice(b"\0\x01");
    broken[3] = 18;
    bench.smsc.frame(bench.now, id, &frame(&broken).unwrap().unwrap());
    let unknown = Pdu::Other { command: CommandId(0x1FF), body: b"junk" };
    bench.send(id, Status::OK, 10, &unknown);
    bench.submit(id, 11, PHONE, "q");
    let read: Vec<_> = bench.read(id).into_iter().map(|pdu| (pdu.command, pdu.status)).collect();
    assert_eq!(read[0], (CommandId::GENERIC_NACK, Status::INVALID_COMMAND_LENGTH));
    assert_eq!(read[1], (CommandId::GENERIC_NACK, Status::INVALID_COMMAND_ID));
    assert_eq!(read[2].0, CommandId::SUBMIT_SM_RESP);
}

#[test]
fn the_server_stalls_by_the_clock() {
    let mut bench = Bench::new("[faults]\nstall_every = '10s'\nstall_for = '2s'");
    bench.pass(ms(9_999));
    assert_eq!(bench.smsc.stalled_until(), ms(0));
    bench.pass(ms(1));
    assert_eq!(bench.smsc.stalled_until(), ms(12_000));
    bench.pass(ms(10_000));
    assert_eq!(bench.smsc.stalled_until(), ms(22_000));
}

#[test]
fn unbind_and_enquire_link_are_answered() {
    let mut bench = Bench::new("[smsc]\nenquire_link = '5s'");
    let id = bench.bind();
    bench.send(id, Status::OK, 3, &Pdu::EnquireLink);
    assert_eq!(bench.read(id)[0].command, CommandId::ENQUIRE_LINK_RESP);
    bench.pass(ms(5_000));
    assert_eq!(bench.read(id)[0].command, CommandId::ENQUIRE_LINK);
    bench.send(id, Status::OK, 4, &Pdu::Unbind);
    assert_eq!(bench.read(id)[0].command, CommandId::UNBIND_RESP);
    assert_eq!(bench.smsc.take_output(id, &mut BytesMut::new()), Some(After::Close));
    bench.smsc.disconnected(bench.now, id);
    assert_eq!(bench.smsc.counts().connections_lost, 0);
}

#[test]
fn the_queue_is_bounded() {
    let mut bench = Bench::new("[smsc]\nqueue_limit = 5\nwindow = 2");
    let id = bench.bind();
    for i in 0..10 {
        bench.submit(id, i, &format!("2319900000{i:02}"), "q");
    }
    let counts = bench.smsc.counts();
    assert_eq!((counts.taken, counts.throttled, counts.answers), (5, 5, 5));
    assert!(bench.read(id).iter().any(|pdu| pdu.status == Status::QUEUE_FULL));
}

#[test]
fn what_is_not_read_is_not_written() {
    let mut bench = Bench::new("[smsc]\nwindow = 1000000");
    let id = bench.bind();
    let mut submitted = 0;
    while !bench.smsc.congested(id) {
        submitted += 1;
        bench.submit(id, submitted, &format!("231990{submitted:06}"), "q");
        assert!(submitted < 100_000);
    }
    let before = bench.smsc.binds[&id].out.len();
    // More answers wait in their queue, not in the output.
    bench.smsc.ready.push_back(Unit { pdu: bytes::Bytes::from_static(&[0; 32]), kind: deliver::Kind::Duplicate });
    bench.smsc.run(bench.now);
    assert_eq!(bench.smsc.binds[&id].out.len(), before);
}

#[test]
fn a_closed_load_sends_on_each_answer() {
    let mut bench = Bench::new(
        "[load]\nphones = 3\nfirst = '231990500001'\nto = '4321'\nkeywords = ['start']\nstart = '30ms'\nmessages = 9\n\
         [phones]\nother_answers = ['next']\nrules = [{ match = 'bye', silent = true }]",
    );
    let id = bench.bind();
    bench.pass(ms(100));
    let first = bench.deliveries(id);
    assert_eq!(first.iter().map(|d| d.text.as_str()).collect::<Vec<_>>(), ["start"; 3]);
    for delivery in &first {
        bench.ack(id, delivery.sequence);
        bench.submit(id, 1, &delivery.source, "question");
    }
    let second = bench.deliveries(id);
    assert_eq!(second.iter().map(|d| d.text.as_str()).collect::<Vec<_>>(), ["next"; 3]);
    bench.pass(ms(10));
    for delivery in &second {
        bench.ack(id, delivery.sequence);
        bench.submit(id, 1, &delivery.source, "bye");
    }
    let third = bench.deliveries(id);
    assert!(third.iter().all(|d| d.text == "start") && third.len() == 3);
    for delivery in &third {
        bench.ack(id, delivery.sequence);
        bench.submit(id, 1, &delivery.source, "question");
    }
    assert!(bench.deliveries(id).is_empty(), "nine messages were sent");
    // What nobody asked for is no step.
    bench.submit(id, 1, "231990500001", "news");
    let load = bench.smsc.report(bench.now).load.unwrap();
    assert_eq!((load.sent, load.steps, load.waiting), (9, 9, 0));
    assert!(load.steps_per_second > 0.0 && load.latency_ms.max >= 10.0, "{load:?}");
}

#[test]
fn an_open_load_keeps_its_rate() {
    let mut bench = Bench::new("[load]\nphones = 100\nrate = 50.0\n[smsc]\nwindow = 1000");
    let id = bench.bind();
    bench.pass(ms(1_000));
    let sent = bench.deliveries(id);
    assert!((50..=52).contains(&sent.len()), "{}", sent.len());
    for delivery in &sent {
        bench.ack(id, delivery.sequence);
    }
    // Nobody answers: after each phone has sent once, no phone is free.
    bench.pass(ms(9_000));
    let load = bench.smsc.report(bench.now).load.unwrap();
    assert_eq!((load.sent, load.waiting), (100, 100));
    assert!(load.skipped > 350, "{load:?}");
}

#[test]
fn two_runs_with_one_seed_are_alike_whatever_the_order() {
    let config = "seed = 3\n[phones]\nnumbers = ['231990000001..231990000040']\nreach = { count = 30 }\n\
                  respond = { count = 20 }\ncomplete = { count = 10 }\nstop = 0.5\nwrong = 0.2\nquit_after = [1, 4]";
    let run = |backwards: bool| {
        let mut bench = Bench::new(config);
        let id = bench.bind();
        let mut answers = Vec::new();
        for step in 0..6 {
            for i in 0..40 {
                let phone = 231_990_000_001_u64 + if backwards { 39 - i } else { i };
                bench.submit(id, 1, &phone.to_string(), &format!("question [k1 s{step}]"));
            }
            bench.pass(ms(1));
            loop {
                let delivered = bench.deliveries(id);
                if delivered.is_empty() {
                    break;
                }
                for delivery in delivered {
                    bench.ack(id, delivery.sequence);
                    answers.push((delivery.source, step, delivery.text));
                }
            }
        }
        answers.sort();
        (answers, bench.smsc.counts().clone())
    };
    let (answers, counts) = run(false);
    assert_eq!((answers.clone(), counts.clone()), run(true));
    assert_eq!((counts.reached, counts.responded), (30, 20));
    assert!(counts.stops > 0);
}
