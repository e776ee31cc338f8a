//! Phones of a worker from the fields that a source has.

use base::phone::parse_field;

use crate::finding::{Code, Finding, Origin};
use crate::model::{Phone, PhoneState};

/// One field of a source, before it is read.
pub(crate) struct PhoneText<'a> {
    /// What was typed.
    pub(crate) text: &'a str,
    /// The source's rank, 1 the highest.
    pub(crate) rank: Option<u32>,
    /// Whether it is a mobile phone, which can take a message.
    pub(crate) mobile: bool,
    /// Whether it is in use.
    pub(crate) state: PhoneState,
    /// Where it stands.
    pub(crate) origin: Origin,
}

/// Reads the fields and puts the numbers in order: those in use first, mobile phones before others, then the
/// source's rank, then the order in which they stand. A number occurs once.
pub(crate) fn read_phones(
    worker: &str,
    fields: Vec<PhoneText<'_>>,
    region: Option<&str>,
    findings: &mut Vec<Finding>,
) -> Vec<Phone> {
    let mut found: Vec<((PhoneState, bool, u32), Phone)> = Vec::new();
    for field in fields {
        let read = parse_field(field.text, region);
        for refused in read.unreadable {
            let message = format!("the phone '{}' cannot be used: {}", refused.text, refused.reason);
            let finding = Finding::new(Code::UnreadablePhone, field.origin.clone(), message);
            findings.push(finding.of(worker).remedy(refused.reason.remedy()));
        }
        for number in read.numbers {
            let key = (field.state, !field.mobile, field.rank.unwrap_or(u32::MAX));
            found.push((key, Phone { number, rank: 0, state: field.state, raw: field.text.trim().to_owned() }));
        }
    }
    found.sort_by_key(|(key, _)| *key);
    let mut phones: Vec<Phone> = Vec::with_capacity(found.len());
    for (_, mut phone) in found {
        if phones.iter().all(|other| other.number.number != phone.number.number) {
            phone.rank = u16::try_from(phones.len() + 1).unwrap_or(u16::MAX);
            phones.push(phone);
        }
    }
    phones
}
