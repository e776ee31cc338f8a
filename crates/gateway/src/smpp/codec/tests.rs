use super::*;
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

fn c_string(limit: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(1_u8..=255, 0..=limit)
}

/// Encodes, frames, decodes, and compares; also cuts the stream everywhere, which must never yield a frame.
fn round_trip(pdu: Pdu<'_>, status: u32, sequence: u32) {
    let mut out = BytesMut::from(&b"before"[..]);
    pdu.encode(Status(status), sequence, &mut out).unwrap();
    let wire = &out[6..];
    for end in 0..wire.len() {
        assert_eq!(frame(&wire[..end]), Ok(None));
    }
    let mut two = wire.to_vec();
    two.extend_from_slice(wire);
    let cut = frame(&two).unwrap().unwrap();
    assert_eq!(cut.size(), wire.len());
    assert_eq!((cut.header.status, cut.header.sequence), (Status(status), sequence));
    assert_eq!(Pdu::decode(&cut), Ok(pdu));
}

proptest! {
    #[test]
    fn messages_round_trip(
        service in c_string(5), from in c_string(20), to in c_string(20), octets in any::<[u8; 10]>(),
        text in vec(any::<u8>(), 0..=254), validity in c_string(16), sequence in any::<u32>(), status in any::<u32>(),
        tlvs in vec((any::<u16>(), vec(any::<u8>(), 0..80)), 0..5),
    ) {
        let mut buf = TlvBuf::new();
        for (tag, value) in &tlvs {
            buf.push(Tag(*tag), value);
        }
        let sm = Sm {
            service_type: &service,
            source: Address { ton: octets[0], npi: octets[1], addr: &from },
            destination: Address { ton: octets[2], npi: octets[3], addr: &to },
            esm_class: octets[4],
            protocol_id: octets[5],
            priority: octets[6],
            schedule_delivery_time: b"",
            validity_period: &validity,
            registered_delivery: octets[7],
            replace_if_present: octets[8],
            data_coding: octets[9],
            default_message_id: 0,
            short_message: &text,
            tlvs: buf.as_tlvs(),
        };
        round_trip(Pdu::SubmitSm(sm), status, sequence);
        round_trip(Pdu::DeliverSm(sm), status, sequence);
        round_trip(Pdu::DataSm(DataSm {
            service_type: &service, source: sm.source, destination: sm.destination, esm_class: octets[4],
            registered_delivery: octets[7], data_coding: octets[9], tlvs: sm.tlvs,
        }), status, sequence);
        let read: Vec<(u16, Vec<u8>)> = sm.tlvs.iter().map(|tlv| (tlv.tag.0, tlv.value.to_vec())).collect();
        prop_assert_eq!(read, tlvs);
    }

    #[test]
    fn other_bodies_round_trip(
        a in c_string(15), b in c_string(9), c in c_string(12), id in c_string(64), octets in any::<[u8; 4]>(),
        sequence in any::<u32>(), command in any::<u32>(), body in vec(any::<u8>(), 0..300),
    ) {
        let address = Address { ton: octets[0], npi: octets[1], addr: &c };
        let mut buf = TlvBuf::new();
        buf.push_u8(Tag::SC_INTERFACE_VERSION, 0x34).push_c_string(Tag::RECEIPTED_MESSAGE_ID, "7f");
        let tlvs = buf.as_tlvs();
        for mode in [BindMode::Receiver, BindMode::Transmitter, BindMode::Transceiver] {
            round_trip(Pdu::Bind(Bind {
                mode, system_id: &a, password: &b, system_type: &c, interface_version: octets[2], address_range: address,
            }), 0, sequence);
            round_trip(Pdu::BindResp(BindResp { mode, system_id: &a, tlvs }), 5, sequence);
        }
        for pdu in [
            Pdu::SubmitSmResp(SmResp { message_id: &id, tlvs }),
            Pdu::DeliverSmResp(SmResp { message_id: &id, tlvs }),
            Pdu::DataSmResp(SmResp { message_id: &id, tlvs }),
            Pdu::Outbind(Outbind { system_id: &a, password: &b }),
            Pdu::QuerySm(QuerySm { message_id: &id, source: address }),
            Pdu::QuerySmResp(QuerySmResp { message_id: &id, final_date: &c, message_state: octets[2], error_code: 3 }),
            Pdu::CancelSm(CancelSm { service_type: b"", message_id: &id, source: address, destination: address }),
            Pdu::AlertNotification(AlertNotification { source: address, esme: address, tlvs }),
            Pdu::Unbind, Pdu::UnbindResp, Pdu::EnquireLink, Pdu::EnquireLinkResp, Pdu::GenericNack, Pdu::CancelSmResp,
        ] {
            round_trip(pdu, 0x1234_5678, sequence);
        }
        if CommandId(command).name().is_none() {
            round_trip(Pdu::Other { command: CommandId(command), body: &body }, 0, sequence);
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(bytes in vec(any::<u8>(), 0..200), command in 0_u32..0x16, response in any::<bool>()) {
        let mut wire = Vec::new();
        wire.extend_from_slice(&((bytes.len() + 16) as u32).to_be_bytes());
        wire.extend_from_slice(&(command | if response { 0x8000_0000 } else { 0 }).to_be_bytes());
        wire.extend_from_slice(&[0; 8]);
        wire.extend_from_slice(&bytes);
        let cut = frame(&wire).unwrap().unwrap();
        let read = Pdu::decode(&cut);
        prop_assert!(!response || read.is_ok(), "a response is never refused");
        if let Ok(pdu) = read {
            prop_assert_eq!(pdu.command(), cut.header.command);
        }
        let _ = frame(&bytes);
    }
}

/// A frame around `body`.
fn decode(command: CommandId, body: &[u8]) -> Result<Pdu<'_>, DecodeError> {
    let header = Header { length: (16 + body.len()) as u32, command, status: Status::OK, sequence: 1 };
    Pdu::decode(&Frame { header, body })
}

#[test]
fn the_example_of_the_standard() {
    let wire = b"\0\0\0\x2f\0\0\0\x02\0\0\0\0\0\0\0\x01SMPP3TEST\0secret08\0SUBMIT1\0\x50\x01\x01\0";
    let cut = frame(wire).unwrap().unwrap();
    let bind = Bind {
        mode: BindMode::Transmitter,
        system_id: b"SMPP3TEST",
        password: b"secret08",
        system_type: b"SUBMIT1",
        interface_version: 0x50,
        address_range: Address { ton: 1, npi: 1, addr: b"" },
    };
    assert_eq!(Pdu::decode(&cut), Ok(Pdu::Bind(bind)));
    let mut out = BytesMut::new();
    Pdu::Bind(bind).encode(Status::OK, 1, &mut out).unwrap();
    assert_eq!(&out[..], wire);
}

#[test]
fn careless_responses_are_read_as_far_as_they_go() {
    let check = |body: &[u8], id: &[u8], tlvs: usize| {
        let Ok(Pdu::SubmitSmResp(resp)) = decode(CommandId::SUBMIT_SM_RESP, body) else { panic!("{body:?}") };
        assert_eq!((resp.message_id, resp.tlvs.iter().count()), (id, tlvs), "{body:?}");
    };
    check(b"", b"", 0);
    check(b"\0", b"", 0);
    check(b"no-nul", b"no-nul", 0);
    check(&[b'7'; 300], &[b'7'; 300], 0);
    check(b"id\0\x04\x27\0\x01\x02", b"id", 1);
    check(b"id\0\x04\x27\0\x09\x02", b"id", 0);
    check(b"id\0\x04\x27\0\x01\x02\x14\x99", b"id", 1);
    check(b"\xff\xfe\0", b"\xff\xfe", 0);
}

#[test]
fn careless_requests_are_read_when_nothing_is_lost() {
    let ends = b"\0\0\0\0\0\0\0\0\x02Yes";
    let body = |from: &[u8], rest: &[u8]| [b"\0\x01\x01", from, b"\0\x03\0", b"4321\0\0", rest].concat();
    let whole = body(b"231990000001", ends);
    // The last octet is beyond sm_length: too short for a TLV, so it is padding.
    let Ok(Pdu::DeliverSm(sm)) = decode(CommandId::DELIVER_SM, &whole) else { panic!("{whole:?}") };
    assert_eq!((sm.source.addr, sm.short_message), (&b"231990000001"[..], &b"Ye"[..]));

    let long = body(&[b'9'; 90], ends);
    let Ok(Pdu::DeliverSm(sm)) = decode(CommandId::DELIVER_SM, &long) else { panic!("{long:?}") };
    assert_eq!(sm.source.addr.len(), 90);
    assert_eq!(latin1(b"Caf\xe9"), "Café");

    let check = |body: &[u8], error: DecodeError| assert_eq!(decode(CommandId::DELIVER_SM, body), Err(error));
    check(b"", DecodeError::Truncated { field: "service_type" });
    check(b"\0\x01\x01231990000001", DecodeError::Truncated { field: "source_addr" });
    check(&body(b"1", b"\0\0\0\0\0\0\0\0\xffYes"), DecodeError::Truncated { field: "short_message" });
    let tlv = DecodeError::Tlv { tag: Tag::MESSAGE_PAYLOAD, length: 9, left: 3 };
    check(&body(b"1", b"\0\0\0\0\0\0\0\0\0\x04\x24\0\x09Yes"), tlv);
    assert_eq!(tlv.to_string(), "message_payload says 9 octets, but only 3 are left in the body");
}

#[test]
fn length_fields() {
    let bare = b"\0\0\0\x03\0\0\0\x15\0\0\0\0\0\0\0\x07";
    let cut = frame(bare).unwrap().unwrap();
    assert_eq!((cut.size(), cut.header.sequence), (16, 7));
    assert_eq!(Pdu::decode(&cut), Err(DecodeError::Length { length: 3 }));
    assert_eq!(frame(b"\0\0\x01\0"), Ok(None));
    assert_eq!(frame(b"\0\x01\0\x01"), Err(FrameError { length: 65_537 }));
    assert_eq!(frame(b"HTTP/1.1 400"), Err(FrameError { length: 0x4854_5450 }));
}

#[test]
fn what_the_standard_forbids_is_not_written() {
    let check = |pdu: Pdu<'_>, error: EncodeError| {
        let mut out = BytesMut::from(&b"kept"[..]);
        assert_eq!(pdu.encode(Status::OK, 1, &mut out), Err(error));
        assert_eq!(&out[..], b"kept");
    };
    check(
        Pdu::SubmitSm(Sm { short_message: &[0; 255], ..Sm::default() }),
        EncodeError::TooLong { field: "short_message", length: 255, limit: 254 },
    );
    check(
        Pdu::SubmitSm(Sm { destination: Address { ton: 1, npi: 1, addr: &[b'1'; 21] }, ..Sm::default() }),
        EncodeError::TooLong { field: "destination_addr", length: 21, limit: 20 },
    );
    check(
        Pdu::SubmitSmResp(SmResp { message_id: b"a\0b", ..SmResp::default() }),
        EncodeError::Nul { field: "message_id" },
    );
    check(
        Pdu::Other { command: CommandId(0x9999), body: &vec![0; MAX_LENGTH] },
        EncodeError::TooLong { field: "the PDU", length: MAX_LENGTH + 16, limit: MAX_LENGTH },
    );
}

#[test]
fn statuses_speak() {
    assert_eq!(Status(0x58).to_string(), "ESME_RTHROTTLED (0x58: more messages than the operator allows)");
    assert_eq!(Status(0x0000_0412).to_string(), "status 0x00000412");
    assert_eq!(Status(0x0000_0412).class(), StatusClass::Permanent);
    assert_eq!(Status::QUEUE_FULL.class(), StatusClass::Throttled);
    assert_eq!(CommandId(0x0001_0204).to_string(), "command 0x00010204");
}
