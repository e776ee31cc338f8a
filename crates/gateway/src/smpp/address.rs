//! Addresses: what is written with which type of number, and how inbound ones are read.

use super::codec::{Address, latin1};
use super::config::{Config, Numbering};

/// The longest number that is taken for a short code. The shortest E.164 numbers have as many digits, but carry `+`.
const SHORT_CODE: usize = 8;
/// The shortest international numbers, country code included.
const SHORTEST_INTERNATIONAL: usize = 7;

/// Where a message goes to or comes from, ready to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) ton: u8,
    pub(super) npi: u8,
    pub(super) addr: Vec<u8>,
}

impl Owned {
    pub(super) fn as_address(&self) -> Address<'_> {
        Address { ton: self.ton, npi: self.npi, addr: &self.addr }
    }

    fn new(numbering: Numbering, addr: &str) -> Self {
        Self { ton: numbering.ton, npi: numbering.npi, addr: addr.as_bytes().to_vec() }
    }
}

/// A destination: E.164 with `+`, or digits: up to eight are a short code, more are an international number.
pub(super) fn destination(config: &Config, to: &str) -> Result<Owned, String> {
    let (digits, plus) = to.strip_prefix('+').map_or((to, false), |digits| (digits, true));
    if digits.is_empty() || digits.len() > 20 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(format!("{to:?} is no number that SMPP can address; give E.164 with its + or a short code"));
    }
    let numbering = if plus || digits.len() > SHORT_CODE { config.e164 } else { config.short_code };
    Ok(Owned::new(numbering, digits))
}

/// A source: as a destination, or a word of at most eleven characters, or nothing, which leaves it to the operator.
pub(super) fn source(config: &Config, from: Option<&str>) -> Result<Owned, String> {
    let from = from.unwrap_or(&config.source_address);
    if from.is_empty() {
        return Ok(Owned::default());
    }
    if is_number(from) {
        return destination(config, from);
    }
    check_source(from)?;
    Ok(Owned::new(config.alphanumeric, from))
}

pub(super) fn check_source(from: &str) -> Result<(), String> {
    if is_number(from) && from.len() <= 20 || from.is_empty() {
        return Ok(());
    }
    if !from.bytes().all(|octet| (b' '..=b'~').contains(&octet)) {
        return Err(format!("{from:?} has characters outside ASCII; a sender may not"));
    }
    if from.len() > 11 {
        return Err(format!("{from:?} has {} characters; a sender that is no number has at most 11", from.len()));
    }
    Ok(())
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// An inbound address: with `+` when it is said to be international, else as the operator wrote it.
pub(super) fn inbound(address: &Address<'_>) -> String {
    let text = latin1(address.addr);
    let text = text.trim();
    let digits = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(text);
    if address.ton == 1 && digits.len() >= SHORTEST_INTERNATIONAL && digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        return format!("+{digits}");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outbound_addresses() {
        let config = Config { source_address: "4321".into(), ..Config::default() };
        let check = |result: Result<Owned, String>, ton: u8, npi: u8, addr: &str| {
            assert_eq!(result, Ok(Owned { ton, npi, addr: addr.into() }));
        };
        check(destination(&config, "+231990000001"), 1, 1, "231990000001");
        check(destination(&config, "231990000001"), 1, 1, "231990000001");
        check(destination(&config, "4321"), 3, 0, "4321");
        check(source(&config, None), 3, 0, "4321");
        check(source(&config, Some("+231990000001")), 1, 1, "231990000001");
        check(source(&config, Some("MoH Liberia")), 5, 0, "MoH Liberia");
        check(source(&Config::default(), None), 0, 0, "");
        assert!(destination(&config, "MoH").unwrap_err().contains("E.164"));
        assert!(destination(&config, "+").is_err());
        assert!(source(&config, Some("Ministère")).unwrap_err().contains("ASCII"));
        assert!(source(&config, Some("MinistryOfHealth")).unwrap_err().contains("at most 11"));
    }

    #[test]
    fn inbound_addresses() {
        let check = |ton: u8, addr: &str, read: &str| {
            assert_eq!(inbound(&Address { ton, npi: 1, addr: addr.as_bytes() }), read);
        };
        check(1, "231990000001", "+231990000001");
        check(1, "+231990000001", "+231990000001");
        check(1, "00231990000001", "+231990000001");
        check(1, "4321", "4321");
        check(0, "231990000001", "231990000001");
        check(2, "0990000001", "0990000001");
        check(5, "MoH", "MoH");
    }
}
