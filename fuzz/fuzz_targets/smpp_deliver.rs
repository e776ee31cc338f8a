//! Messages and receipts that are well formed and say anything: each is handed to the loop or refused, once, and
//! answered once.
#![no_main]

use base::sms;
use bytes::{Buf, BytesMut};
use gateway::smpp::Config;
use gateway::smpp::codec::{Address, BindMode, CommandId, Pdu, Sm, Status, Tag, TlvBuf, frame};
use gateway::smpp::config::{Alphabet, MessageIdMode};
use gateway::smpp::session::{Session, Setup};
use gateway::{Event, Inbound};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use std::time::Instant;

const ALPHABETS: [Alphabet; 3] = [Alphabet::Gsm7, Alphabet::Latin1, Alphabet::Ascii];
const MODES: [MessageIdMode; 3] = [MessageIdMode::Literal, MessageIdMode::HexToDec, MessageIdMode::DecToHex];

fuzz_target!(|octets: &[u8]| {
    let Some((&[choice, esm_class, data_coding, tags], octets)) = octets.split_first_chunk::<4>() else { return };
    let config = Config {
        host: "h".into(),
        system_id: "s".into(),
        default_alphabet: ALPHABETS[usize::from(choice) % 3],
        message_id: MODES[usize::from(choice) / 3 % 3],
        ..Config::default()
    };
    let (answers, mut decided) = tokio::sync::mpsc::unbounded_channel();
    let (config, now) = (Arc::new(config), Instant::now());
    let setup = Setup { config, mode: BindMode::Transceiver, bind_session: 1, answers, evidence: Arc::default() };
    let mut session = Session::new(setup, now).expect("the settings can be written");
    session.out().clear();
    let mut input = BytesMut::new();
    let bound = Pdu::Other { command: CommandId::BIND_TRANSCEIVER_RESP, body: b"" };
    bound.encode(Status::OK, 1, &mut input).expect("a bare header");

    // Each chunk is a text; some come as a parameter, some with further ones.
    let mut sent = 0;
    for text in octets.split(|octet| *octet == 0xfe) {
        let mut tlvs = TlvBuf::new();
        let mut short_message = &text[..text.len().min(254)];
        for (bit, tag) in [(1, Tag::RECEIPTED_MESSAGE_ID), (2, Tag::MESSAGE_STATE), (4, Tag::NETWORK_ERROR_CODE)] {
            if tags & bit != 0 {
                tlvs.push(tag, &text[text.len().saturating_sub(3)..]);
            }
        }
        if tags & 8 != 0 {
            tlvs.push(Tag::MESSAGE_PAYLOAD, text);
            short_message = b"";
        }
        if let (true, [reference, total, number, ..]) = (tags & 16 != 0, text) {
            tlvs.push_u16(Tag::SAR_MSG_REF_NUM, u16::from(*reference));
            tlvs.push_u8(Tag::SAR_TOTAL_SEGMENTS, *total).push_u8(Tag::SAR_SEGMENT_SEQNUM, *number);
        }
        let source = Address { ton: choice & 7, npi: 1, addr: b"231990000001" };
        let sm = Sm { source, esm_class, data_coding, short_message, tlvs: tlvs.as_tlvs(), ..Sm::default() };
        sent += u32::from(Pdu::DeliverSm(sm).encode(Status::OK, sent + 1, &mut input).is_ok());
    }
    session.received(&mut input, now).expect("the framing holds");
    let (mut inbound, mut refused) = (Vec::<Inbound>::new(), 0);
    for event in session.take_events() {
        match event {
            Event::Inbound(one) => inbound.push(*one),
            Event::Refused(_) => refused += 1,
            _ => {}
        }
    }
    assert_eq!(inbound.len() as u32 + refused, sent, "each is handed over or refused");
    let segments: Vec<_> = inbound.iter().filter_map(|one| one.segment.clone()).collect();
    assert!(segments.iter().all(|segment| (1..=segment.total).contains(&segment.number) && segment.total > 1));
    let _ = sms::join(segments.iter().map(|segment| (segment.coding, segment.octets.as_slice())));
    inbound.into_iter().for_each(|one| one.ack.accept());
    while let Ok(answer) = decided.try_recv() {
        session.answer(answer, now);
    }
    let mut answered = 0;
    while let Some(cut) = frame(session.out()).expect("what is written is framed") {
        answered += u32::from(cut.header.command == CommandId::DELIVER_SM_RESP);
        let size = cut.size();
        session.out().advance(size);
    }
    assert_eq!(answered, sent, "each is answered once");
});
