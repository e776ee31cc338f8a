//! Any octets: framed, read or refused; what was read and can be written reads the same.
#![no_main]

use bytes::BytesMut;
use gateway::smpp::codec::{Pdu, frame};
use gateway::smpp::config::Alphabet;
use gateway::smpp::text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut rest = octets;
    while let Ok(Some(cut)) = frame(rest) {
        rest = &rest[cut.size()..];
        let Ok(pdu) = Pdu::decode(&cut) else { continue };
        if let Pdu::DeliverSm(sm) | Pdu::SubmitSm(sm) = pdu {
            let (_, _, body) = text::split_udh(sm.short_message);
            for alphabet in [Alphabet::Gsm7, Alphabet::Latin1, Alphabet::Ascii] {
                let _ = text::coding(sm.data_coding, alphabet).map(|coding| coding.decode(body));
            }
        }
        let mut out = BytesMut::new();
        if pdu.encode(cut.header.status, cut.header.sequence, &mut out).is_ok() {
            let again = frame(&out).expect("what is written has a length in range").expect("and is whole");
            assert_eq!(Pdu::decode(&again), Ok(pdu));
        }
    }
});
