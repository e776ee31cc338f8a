//! The settings of a connection to an operator, as they stand in a configuration file.

use base::secret::Secret;
use base::sms::Reference;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use thiserror::Error;

/// More connections than an operator gives to one account.
const MOST_BINDS: usize = 100;
/// The longest `validity_period` that is written: 99 days, the most that its two digits of days say.
pub(super) const LONGEST_VALIDITY: Duration = Duration::from_secs(99 * 86_400);

/// A connection to an operator's SMPP server. What is not set has the default that most operators expect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `system_id`, at most 15 characters.
    pub system_id: String,
    /// `password`.
    pub password: Secret<String>,
    /// `system_type`, at most 12 characters.
    pub system_type: String,
    /// `interface_version`: 0x34 is SMPP 3.4.
    pub interface_version: u8,
    /// `address_range` of the bind, empty where the operator knows which short codes are ours.
    pub address_range: String,
    /// Type of number and numbering plan of `address_range`.
    pub address_range_numbering: Numbering,
    /// How to bind.
    pub bind: Bind,
    /// How many such binds, or pairs of binds, to hold at once.
    pub binds: usize,
    /// Requests without an answer, on each bind.
    pub window: usize,
    /// Segments a second, on each bind; without it only the window limits.
    pub throughput: Option<f64>,
    /// Inbound messages without our answer, on each bind, before no more are read.
    pub inbound_window: usize,
    /// Seconds of silence after which the connection is tested.
    #[serde(with = "seconds")]
    pub enquire_link: Duration,
    /// Seconds that the operator has to answer a request.
    #[serde(with = "seconds")]
    pub response_timeout: Duration,
    /// Seconds that connecting may take.
    #[serde(with = "seconds")]
    pub connect_timeout: Duration,
    /// Seconds before the first new attempt after a connection was lost; each further one doubles it.
    #[serde(with = "seconds")]
    pub reconnect_first: Duration,
    /// Seconds between attempts at most.
    #[serde(with = "seconds")]
    pub reconnect_most: Duration,
    /// Seconds within which an answer to an inbound message is followed by a request, so that its arrival is known.
    #[serde(with = "seconds")]
    pub confirm_within: Duration,
    /// Seconds that an orderly end waits for answers.
    #[serde(with = "seconds")]
    pub drain: Duration,
    /// Who messages come from, unless the message says otherwise: a short code, E.164 with `+`, or a word.
    pub source_address: String,
    /// Type of number and numbering plan of short codes.
    pub short_code: Numbering,
    /// Type of number and numbering plan of senders that are words.
    pub alphanumeric: Numbering,
    /// Type of number and numbering plan of E.164 numbers.
    pub e164: Numbering,
    /// `service_type`, at most 5 characters.
    pub service_type: String,
    /// `registered_delivery`: 0 no receipts, 1 receipts, 2 receipts of failures alone.
    pub registered_delivery: u8,
    /// Seconds that the operator tries to deliver; without it, the operator's own default.
    #[serde(with = "optional_seconds")]
    pub validity: Option<Duration>,
    /// What `data_coding` 0 means to this operator.
    pub default_alphabet: Alphabet,
    /// How texts of more than one segment are sent.
    pub long_messages: LongMessages,
    /// How the ids in receipts compare with those in responses.
    pub message_id: MessageIdMode,
    /// Whether `user_message_reference` is sent; some operators refuse it.
    pub user_message_reference: bool,
    /// Whether characters that would force UCS-2 are replaced by near ones.
    pub substitute: bool,
    /// What happens to a message whose answer never came.
    pub unknown: UnknownPolicy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 2775,
            system_id: String::new(),
            password: Secret::new(String::new()),
            system_type: String::new(),
            interface_version: 0x34,
            address_range: String::new(),
            address_range_numbering: Numbering { ton: 0, npi: 0 },
            bind: Bind::Transceiver,
            binds: 1,
            window: 10,
            throughput: None,
            inbound_window: 1_000,
            enquire_link: Duration::from_secs(30),
            response_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            reconnect_first: Duration::from_secs(1),
            reconnect_most: Duration::from_mins(1),
            confirm_within: Duration::from_secs(1),
            drain: Duration::from_secs(5),
            source_address: String::new(),
            short_code: Numbering { ton: 3, npi: 0 },
            alphanumeric: Numbering { ton: 5, npi: 0 },
            e164: Numbering { ton: 1, npi: 1 },
            service_type: String::new(),
            registered_delivery: 1,
            validity: None,
            default_alphabet: Alphabet::Gsm7,
            long_messages: LongMessages::Udh8,
            message_id: MessageIdMode::Literal,
            user_message_reference: true,
            substitute: false,
            unknown: UnknownPolicy::ResendAfter(600),
        }
    }
}

/// Type of number and numbering plan of an address (SMPP 3.4 sections 5.2.5 and 5.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbering {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan.
    pub npi: u8,
}

/// How to bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bind {
    /// One connection both ways.
    #[serde(rename = "trx")]
    Transceiver,
    /// One connection each way.
    #[serde(rename = "tx+rx")]
    Pair,
}

/// What `data_coding` 0 means to an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// GSM 03.38, one septet per octet.
    Gsm7,
    /// ISO-8859-1.
    Latin1,
    /// ASCII.
    Ascii,
}

/// How a text of more than one segment is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LongMessages {
    /// With a user data header and a reference of 8 bits.
    Udh8,
    /// With a user data header and a reference of 16 bits.
    Udh16,
    /// With the `sar_*` parameters.
    Sar,
    /// In one piece, as `message_payload`.
    Payload,
}

impl LongMessages {
    /// The size of the reference, which decides how much text a segment holds.
    pub fn reference(self) -> Reference {
        if self == Self::Udh16 { Reference::Sixteen } else { Reference::Eight }
    }
}

/// How the message ids in receipts compare with those in responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageIdMode {
    /// They are the same.
    Literal,
    /// Receipts have them in hexadecimal, responses in decimal.
    HexToDec,
    /// Receipts have them in decimal, responses in hexadecimal.
    DecToHex,
}

impl MessageIdMode {
    /// The id of a response, in the form in which both are compared. What is no number stays as it is.
    pub fn of_response(self, id: &str) -> String {
        match self {
            Self::Literal => id.to_owned(),
            Self::HexToDec => convert(id, 10, 10),
            Self::DecToHex => convert(id, 16, 16),
        }
    }

    /// The id of a receipt, in the form in which both are compared. What is no number stays as it is.
    pub fn of_receipt(self, id: &str) -> String {
        match self {
            Self::Literal => id.to_owned(),
            Self::HexToDec => convert(id, 16, 10),
            Self::DecToHex => convert(id, 10, 16),
        }
    }
}

fn convert(id: &str, from: u32, to: u32) -> String {
    let digits = match id.strip_prefix("0x").or_else(|| id.strip_prefix("0X")) {
        Some(digits) if from == 16 => digits,
        _ => id,
    };
    match u128::from_str_radix(digits, from) {
        Ok(number) if to == 16 => format!("{number:x}"),
        Ok(number) => number.to_string(),
        Err(_) => id.to_owned(),
    }
}

/// What happens to a message whose answer never came and that no receipt settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPolicy {
    /// It is sent again once after so many seconds.
    ResendAfter(u64),
    /// It waits on the work list for a person.
    Hold,
}

/// A setting that cannot work.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: {problem}")]
pub struct ConfigError {
    /// The setting.
    pub field: &'static str,
    /// What is wrong with it and what would be right.
    pub problem: String,
}

impl Config {
    /// Checks what a type cannot: lengths and ranges.
    pub fn check(&self) -> Result<(), ConfigError> {
        let no = |field, problem: String| Err(ConfigError { field, problem });
        if self.host.trim().is_empty() {
            return no("host", "it is missing; give the name or address of the operator's SMPP server".into());
        }
        if self.system_id.is_empty() {
            return no("system_id", "it is missing; the operator gives it together with the password".into());
        }
        let limits = [
            ("system_id", self.system_id.as_str(), 15),
            ("password", self.password.expose().as_str(), 64),
            ("system_type", self.system_type.as_str(), 12),
            ("address_range", self.address_range.as_str(), 40),
            ("service_type", self.service_type.as_str(), 5),
        ];
        for (field, text, limit) in limits {
            if let Some(wrong) = text.chars().find(|c| !(' '..='~').contains(c)) {
                return no(field, format!("it contains {wrong:?}; SMPP takes the printable characters of ASCII"));
            }
            if text.len() > limit {
                return no(field, format!("it has {} characters; SMPP allows {limit}", text.len()));
            }
        }
        if self.port == 0 {
            return no("port", "it is 0; give the port of the operator's SMPP server, mostly 2775".into());
        }
        if ![0x33, 0x34, 0x50].contains(&self.interface_version) {
            let given = self.interface_version;
            return no("interface_version", format!("it is {given}; give 52 for SMPP 3.4, 51 for 3.3 or 80 for 5.0"));
        }
        if self.interface_version < 0x34 && self.bind == Bind::Transceiver {
            return no(
                "bind",
                "it is \"trx\", which SMPP 3.3 does not have; give \"tx+rx\" or interface_version 52".into(),
            );
        }
        for (field, Numbering { ton, npi }) in [
            ("address_range_numbering", self.address_range_numbering),
            ("short_code", self.short_code),
            ("alphanumeric", self.alphanumeric),
            ("e164", self.e164),
        ] {
            if ton > 6 || npi > 18 {
                return no(field, format!("ton {ton} with npi {npi}; SMPP has types 0 to 6 and plans 0 to 18"));
            }
        }
        if let Err(problem) = super::address::check_source(&self.source_address) {
            return no("source_address", problem);
        }
        for (field, count) in [("window", self.window), ("binds", self.binds), ("inbound_window", self.inbound_window)]
        {
            if count == 0 {
                return no(field, "it is 0; give at least 1".into());
            }
        }
        if self.binds > MOST_BINDS {
            return no("binds", format!("it is {}; give at most {MOST_BINDS}", self.binds));
        }
        if let Some(rate) = self.throughput
            && !(rate.is_finite() && rate > 0.0)
        {
            return no("throughput", format!("it is {rate}; give segments a second, or leave it out for no limit"));
        }
        for (field, time) in [
            ("enquire_link", self.enquire_link),
            ("response_timeout", self.response_timeout),
            ("connect_timeout", self.connect_timeout),
            ("reconnect_first", self.reconnect_first),
        ] {
            if time.is_zero() {
                return no(field, "it is 0; give seconds".into());
            }
        }
        if self.reconnect_most < self.reconnect_first {
            let (first, most) = (self.reconnect_first.as_secs_f64(), self.reconnect_most.as_secs_f64());
            return no("reconnect_most", format!("it is {most} s, less than reconnect_first with {first} s"));
        }
        if let Some(validity) = self.validity
            && !(Duration::from_secs(1)..=LONGEST_VALIDITY).contains(&validity)
        {
            let (given, most) = (validity.as_secs_f64(), LONGEST_VALIDITY.as_secs());
            return no(
                "validity",
                format!("it is {given} s; give 1 to {most}, or leave it out for the operator's own"),
            );
        }
        if self.unknown == UnknownPolicy::ResendAfter(0) {
            let problem =
                "resend_after is 0, which would double what the operator answers late; give seconds, or \"hold\"";
            return no("unknown", problem.into());
        }
        if self.registered_delivery > 2 {
            let problem = format!("it is {}; give 0 (none), 1 (all) or 2 (failures)", self.registered_delivery);
            return no("registered_delivery", problem);
        }
        Ok(())
    }
}

/// Durations as seconds, whole or not.
mod seconds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        if time.subsec_nanos() == 0 {
            serializer.serialize_u64(time.as_secs())
        } else {
            serializer.serialize_f64(time.as_secs_f64())
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number of seconds")]
        enum Number {
            Whole(u64),
            Part(f64),
        }
        match Number::deserialize(deserializer)? {
            Number::Whole(seconds) => Ok(Duration::from_secs(seconds)),
            Number::Part(seconds) => Duration::try_from_secs_f64(seconds)
                .map_err(|_| D::Error::custom(format!("{seconds} is no number of seconds"))),
        }
    }
}

/// The same, where there may be none.
mod optional_seconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::time::Duration;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Seconds(#[serde(with = "super::seconds")] Duration);

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(super) fn serialize<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(Seconds).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Seconds>::deserialize(deserializer)?.map(|seconds| seconds.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_needs_four_lines() {
        let text = "host = 'smsc.example'\nsystem_id = 'ministry'\npassword = 'pass'\nsource_address = '4321'";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.check(), Ok(()));
        assert_eq!((config.port, config.window, config.bind), (2775, 10, Bind::Transceiver));
        assert_eq!(config.password.expose(), "pass");
    }

    #[test]
    fn every_setting_is_read_and_written() {
        let text = r#"
            host = "smsc.example"
            port = 2776
            system_id = "ministry"
            password = "pass"
            bind = "tx+rx"
            window = 50
            throughput = 150
            enquire_link = 0.25
            validity = 86400
            short_code = { ton = 0, npi = 1 }
            default_alphabet = "latin1"
            long_messages = "sar"
            message_id = "hex_to_dec"
            unknown = { resend_after = 60 }
        "#;
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.bind, Bind::Pair);
        assert_eq!(config.enquire_link, Duration::from_millis(250));
        assert_eq!(config.validity, Some(Duration::from_secs(86_400)));
        assert_eq!(config.unknown, UnknownPolicy::ResendAfter(60));
        let written = toml::to_string(&config).unwrap();
        assert!(written.contains("password = \"[hidden]\""), "{written}");
        let again: Config = toml::from_str(&written.replace("[hidden]", "pass")).unwrap();
        assert_eq!(again, config);
        let held: Config = toml::from_str("unknown = 'hold'").unwrap();
        assert_eq!(held.unknown, UnknownPolicy::Hold);
    }

    #[test]
    fn wrong_settings_are_named() {
        let good = Config { host: "h".into(), system_id: "s".into(), ..Config::default() };
        assert_eq!(good.check(), Ok(()));
        let check = |config: Config, message: &str| assert_eq!(config.check().unwrap_err().to_string(), message);
        check(
            Config { host: " ".into(), ..good.clone() },
            "host: it is missing; give the name or address of the operator's SMPP server",
        );
        check(
            Config { system_type: "a long system".into(), ..good.clone() },
            "system_type: it has 13 characters; SMPP allows 12",
        );
        check(
            Config { system_id: "ministère".into(), ..good.clone() },
            "system_id: it contains 'è'; SMPP takes the printable characters of ASCII",
        );
        check(
            Config { password: Secret::new("a\0b".into()), ..good.clone() },
            "password: it contains '\\0'; SMPP takes the printable characters of ASCII",
        );
        check(
            Config { port: 0, ..good.clone() },
            "port: it is 0; give the port of the operator's SMPP server, mostly 2775",
        );
        check(
            Config { interface_version: 34, ..good.clone() },
            "interface_version: it is 34; give 52 for SMPP 3.4, 51 for 3.3 or 80 for 5.0",
        );
        let old = Config { interface_version: 0x33, ..good.clone() };
        assert_eq!(Config { bind: Bind::Pair, ..old.clone() }.check(), Ok(()));
        check(old, "bind: it is \"trx\", which SMPP 3.3 does not have; give \"tx+rx\" or interface_version 52");
        check(
            Config { e164: Numbering { ton: 11, npi: 1 }, ..good.clone() },
            "e164: ton 11 with npi 1; SMPP has types 0 to 6 and plans 0 to 18",
        );
        check(Config { binds: 1_000, ..good.clone() }, "binds: it is 1000; give at most 100");
        check(Config { reconnect_first: Duration::ZERO, ..good.clone() }, "reconnect_first: it is 0; give seconds");
        check(
            Config { reconnect_most: Duration::from_millis(500), ..good.clone() },
            "reconnect_most: it is 0.5 s, less than reconnect_first with 1 s",
        );
        check(
            Config { validity: Some(Duration::from_hours(2_400)), ..good.clone() },
            "validity: it is 8640000 s; give 1 to 8553600, or leave it out for the operator's own",
        );
        check(
            Config { unknown: UnknownPolicy::ResendAfter(0), ..good.clone() },
            "unknown: resend_after is 0, which would double what the operator answers late; give seconds, or \"hold\"",
        );
        check(Config { window: 0, ..good.clone() }, "window: it is 0; give at least 1");
        check(
            Config { throughput: Some(0.0), ..good.clone() },
            "throughput: it is 0; give segments a second, or leave it out for no limit",
        );
        check(
            Config { source_address: "MinistryOfHealth".into(), ..good.clone() },
            "source_address: \"MinistryOfHealth\" has 16 characters; a sender that is no number has at most 11",
        );
        let unknown = toml::from_str::<Config>("hots = 'x'").unwrap_err().to_string();
        assert!(unknown.contains("unknown field `hots`"), "{unknown}");
        let time = toml::from_str::<Config>("enquire_link = 'soon'").unwrap_err().to_string();
        assert!(time.contains("a number of seconds"), "{time}");
    }

    #[test]
    fn ids_compare_in_one_form() {
        let check = |mode: MessageIdMode, response: &str, receipt: &str| {
            assert_eq!(mode.of_response(response), mode.of_receipt(receipt), "{mode:?} {response} {receipt}");
        };
        check(MessageIdMode::Literal, "a1B2", "a1B2");
        check(MessageIdMode::HexToDec, "2712847316", "A1B2C3D4");
        check(MessageIdMode::HexToDec, "0002712847316", "0xa1b2c3d4");
        check(MessageIdMode::DecToHex, "A1B2C3D4", "2712847316");
        check(MessageIdMode::DecToHex, "00a1b2c3d4", "02712847316");
        check(MessageIdMode::DecToHex, "no-number", "no-number");
    }
}
