//! Delivery receipts: what a `deliver_sm` says of a message that we sent (SMPP 3.4 section 4.6.1 and appendix B).
//!
//! The parameters `receipted_message_id` and `message_state` count first. The text form is a convention that every
//! operator bends: fields in any order, missing, in other cases or with spaces around the colon, words of its own.

use super::codec::{Tag, Tlvs, esm_class, latin1};
use super::config::MessageIdMode;
use crate::event::{Receipt, ReceiptState};

/// Reads a receipt; `None` when the PDU is a message.
///
/// `esm_class` tells them apart. Some operators leave it zero, so that parameters of a receipt make one too, or a text
/// with an id, a known state and one more of the fields: nobody writes all these by hand.
pub(super) fn read(esm: u8, text: &str, tlvs: &Tlvs<'_>, mode: MessageIdMode) -> Option<Receipt> {
    let named = esm & esm_class::TYPE_MASK;
    let receipted = tlvs.c_string(Tag::RECEIPTED_MESSAGE_ID).filter(|id| !id.is_empty());
    let state = tlvs.number(Tag::MESSAGE_STATE).and_then(state_of_code);
    let fields = Fields::parse(text);
    let said = matches!(named, esm_class::DELIVERY_RECEIPT | esm_class::INTERMEDIATE);
    let shown =
        receipted.is_some() && state.is_some() || fields.id.is_some() && fields.state().is_some() && fields.others > 0;
    if !(said || named == 0 && shown) {
        return None;
    }
    Some(Receipt {
        message_id: receipted
            .map(|id| latin1(id).into_owned())
            .or_else(|| fields.id.map(str::to_owned))
            .map(|id| mode.of_receipt(&id)),
        state: state.or_else(|| fields.state()),
        err: network_error(tlvs).or_else(|| fields.err.map(str::to_owned)).filter(|err| err.bytes().any(|c| c != b'0')),
        text: fields.text.map(str::to_owned),
        user_message_reference: tlvs.number(Tag::USER_MESSAGE_REFERENCE).and_then(|number| u16::try_from(number).ok()),
    })
}

fn network_error(tlvs: &Tlvs<'_>) -> Option<String> {
    let value = tlvs.get(Tag::NETWORK_ERROR_CODE)?;
    match value {
        [_, high, low] => Some(u16::from_be_bytes([*high, *low]).to_string()),
        _ => None,
    }
}

fn state_of_code(code: u32) -> Option<ReceiptState> {
    Some(match code {
        0 => ReceiptState::Scheduled,
        1 => ReceiptState::Enroute,
        2 => ReceiptState::Delivered,
        3 => ReceiptState::Expired,
        4 => ReceiptState::Deleted,
        5 => ReceiptState::Undeliverable,
        6 => ReceiptState::Accepted,
        7 => ReceiptState::Unknown,
        8 => ReceiptState::Rejected,
        9 => ReceiptState::Skipped,
        _ => return None,
    })
}

/// Words by their beginning, so that `DELIVRD`, `DELIVERED` and `Delivered` are one. The longer ones come first.
const WORDS: [(&str, ReceiptState); 17] = [
    ("UNDELIV", ReceiptState::Undeliverable),
    ("UNDLV", ReceiptState::Undeliverable),
    ("NOTDELIV", ReceiptState::Undeliverable),
    ("FAIL", ReceiptState::Undeliverable),
    ("DELIV", ReceiptState::Delivered),
    ("DELETED", ReceiptState::Deleted),
    ("DELET", ReceiptState::Deleted),
    ("CANCEL", ReceiptState::Deleted),
    ("EXPIR", ReceiptState::Expired),
    ("ENROUTE", ReceiptState::Enroute),
    ("BUFFER", ReceiptState::Enroute),
    ("SENT", ReceiptState::Enroute),
    ("ACCEP", ReceiptState::Accepted),
    ("REJEC", ReceiptState::Rejected),
    ("SKIP", ReceiptState::Skipped),
    ("SCHED", ReceiptState::Scheduled),
    ("UNKN", ReceiptState::Unknown),
];

fn state_of_word(word: &str) -> Option<ReceiptState> {
    if let Ok(code) = word.parse::<u32>() {
        return state_of_code(code);
    }
    let word: String = word.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
    WORDS.iter().find(|(beginning, _)| word.starts_with(beginning)).map(|(_, state)| *state)
}

/// The fields of the text form.
#[derive(Debug, Default)]
struct Fields<'a> {
    id: Option<&'a str>,
    stat: Option<&'a str>,
    err: Option<&'a str>,
    text: Option<&'a str>,
    /// How many fields there are beside id, state and text.
    others: u8,
}

const KEYS: [&str; 10] =
    ["id", "sub", "dlvrd", "submit date", "submit_date", "done date", "done_date", "stat", "err", "text"];

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Self {
        let mut fields = Self::default();
        let mut at = 0;
        let mut open: Option<(&str, usize)> = None;
        while at < text.len() {
            let begins_word = at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
            if let Some((key, value)) = begins_word.then(|| key(&text[at..])).flatten() {
                if let Some((key, start)) = open {
                    fields.set(key, text[start..at].trim());
                }
                open = Some((key, at + value));
                at += value;
                // What the text says after the fields that count is the text, whatever it looks like.
                if key == "text" && fields.id.is_some() && fields.stat.is_some() {
                    break;
                }
            } else {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        if let Some((key, start)) = open {
            fields.set(key, text[start..].trim());
        }
        fields
    }

    fn set(&mut self, key: &str, value: &'a str) {
        self.others = self.others.saturating_add(u8::from(!matches!(key, "id" | "stat" | "text")));
        let field = match key {
            "id" => &mut self.id,
            "stat" => &mut self.stat,
            "err" => &mut self.err,
            "text" => &mut self.text,
            _ => return,
        };
        // Some operators end the text as a string of C.
        let value = value.trim_matches(char::is_control);
        let value = if key == "text" { value } else { value.trim_matches([' ', ',', ';', '"']) };
        // The first counts: a later one is part of the text that is repeated.
        if field.is_none() && !value.is_empty() {
            *field = Some(value);
        }
    }

    fn state(&self) -> Option<ReceiptState> {
        self.stat.and_then(state_of_word)
    }
}

/// The key that `text` begins with, and where its value does.
fn key(text: &str) -> Option<(&'static str, usize)> {
    KEYS.iter().find_map(|&key| {
        let rest = text.get(..key.len()).filter(|begin| begin.eq_ignore_ascii_case(key)).map(|_| &text[key.len()..])?;
        let colon = rest.trim_start_matches(' ').strip_prefix(':')?;
        Some((key, text.len() - colon.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::codec::TlvBuf;
    use super::*;
    use ReceiptState::{Accepted, Delivered, Enroute, Expired, Rejected, Undeliverable, Unknown};

    fn read_text(text: &str) -> Receipt {
        read(esm_class::DELIVERY_RECEIPT, text, &Tlvs::default(), MessageIdMode::Literal).unwrap()
    }

    #[test]
    fn the_text_form_is_read_as_operators_bend_it() {
        let check =
            |text: &str, id: Option<&str>, state: Option<ReceiptState>, err: Option<&str>, body: Option<&str>| {
                let receipt = read_text(text);
                let got =
                    (receipt.message_id.as_deref(), receipt.state, receipt.err.as_deref(), receipt.text.as_deref());
                assert_eq!(got, (id, state, err, body), "{text}");
            };
        check(
            "id:0123456789 sub:001 dlvrd:001 submit date:2611231012 done date:2611231013 stat:DELIVRD err:000 text:Are you",
            Some("0123456789"),
            Some(Delivered),
            None,
            Some("Are you"),
        );
        check(
            "stat:UNDELIV err:0E1 id:a1-B2 done date:2611231013 text:",
            Some("a1-B2"),
            Some(Undeliverable),
            Some("0E1"),
            None,
        );
        check("ID:7 STAT:Expired ERR:27", Some("7"), Some(Expired), Some("27"), None);
        check(
            "id: 7 stat : REJECTD Text: id:9 stat:DELIVRD",
            Some("7"),
            Some(Rejected),
            None,
            Some("id:9 stat:DELIVRD"),
        );
        check("text:Hello there id:7 stat:ACCEPTD", Some("7"), Some(Accepted), None, Some("Hello there"));
        check("id:7 submit_date:1 done_date:2 stat:2", Some("7"), Some(Delivered), None, None);
        check("id:7,sub:001,stat:ENROUTE", Some("7"), Some(Enroute), None, None);
        check("id:7 stat:UNKNOWN err:0", Some("7"), Some(Unknown), None, None);
        check("id:7 stat:FAILED", Some("7"), Some(Undeliverable), None, None);
        check("id:7 stat:WEIRD", Some("7"), None, None, None);
        check("nothing to see, paid: 7", None, None, None, None);
        check("", None, None, None, None);
        check("id:7 stat:DELIVRD err:000\0", Some("7"), Some(Delivered), None, None);
        check("id:7\r\nstat:DELIVRD text:Yes\0\0", Some("7"), Some(Delivered), None, Some("Yes"));
        check("é id:7 stat:DELIVRD text:Été", Some("7"), Some(Delivered), None, Some("Été"));
    }

    #[test]
    fn parameters_count_first() {
        let mut tlvs = TlvBuf::new();
        tlvs.push_c_string(Tag::RECEIPTED_MESSAGE_ID, "A1")
            .push_u8(Tag::MESSAGE_STATE, 5)
            .push(Tag::NETWORK_ERROR_CODE, &[3, 0, 27])
            .push_u16(Tag::USER_MESSAGE_REFERENCE, 513);
        let receipt = read(4, "id:7 stat:DELIVRD err:001", &tlvs.as_tlvs(), MessageIdMode::HexToDec).unwrap();
        assert_eq!(receipt.message_id.as_deref(), Some("161"));
        assert_eq!(receipt.state, Some(Undeliverable));
        assert_eq!(receipt.err.as_deref(), Some("27"));
        assert_eq!(receipt.user_message_reference, Some(513));
        // Without any text at all.
        assert_eq!(read(4, "", &tlvs.as_tlvs(), MessageIdMode::Literal).unwrap().message_id.as_deref(), Some("A1"));
    }

    #[test]
    fn receipts_and_messages_are_told_apart() {
        let mut state_alone = TlvBuf::new();
        state_alone.push_u8(Tag::MESSAGE_STATE, 2);
        let mut both = state_alone.clone();
        both.push(Tag::RECEIPTED_MESSAGE_ID, b"no-nul");
        let check = |esm: u8, text: &str, tlvs: &TlvBuf, receipt: bool| {
            let got = read(esm, text, &tlvs.as_tlvs(), MessageIdMode::Literal).is_some();
            assert_eq!(got, receipt, "{esm:#x} {text} {tlvs:?}");
        };
        let none = TlvBuf::new();
        check(0, "Yes", &none, false);
        check(0, "id:5 please", &none, false);
        check(0, "id:5 sub:001 dlvrd:001 stat:DELIVRD err:000", &none, true);
        check(0, "Yes", &state_alone, false);
        // What a health worker may write.
        check(0, "id:5 stat:2", &none, false);
        check(0, "id:5 stat:delivered text:my child", &none, false);
        check(0, "", &both, true);
        check(4, "", &none, true);
        check(0x44, "", &none, true);
        check(0x20, "id:5 stat:ENROUTE", &none, true);
        check(0x40, "Yes", &none, false);
        // A phone's own acknowledgement is a message of its user.
        check(0x10, "id:5 stat:DELIVRD", &none, false);
    }
}
