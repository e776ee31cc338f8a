//! The operator's configuration, a TOML file; [`EXAMPLE`] is a commented one with every default.

mod time;

pub use time::{Delay, Span};

use serde::{Deserialize, Deserializer, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// A commented configuration in which every value is the default.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not TOML, or not our keys; the message tells line and column.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A value that makes no sense.
    #[error("{key}: {reason}")]
    Value {
        /// The key, with its table.
        key: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
}

/// The configuration of a simulated operator; see [`EXAMPLE`] for what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key, and a test holds the two together")]
pub struct Config {
    pub seed: u64,
    pub listen: SocketAddr,
    pub accounts: Vec<Account>,
    pub smsc: Smsc,
    pub ids: Ids,
    pub receipts: Receipts,
    pub faults: Faults,
    pub phones: Phones,
    pub judge: Judge,
    pub load: Option<Load>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 2775)),
            accounts: Vec::new(),
            smsc: Smsc::default(),
            ids: Ids::default(),
            receipts: Receipts::default(),
            faults: Faults::default(),
            phones: Phones::default(),
            judge: Judge::default(),
            load: None,
        }
    }
}

impl FromStr for Config {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }
}

impl Config {
    /// Checks what types cannot say; patterns are checked where they are compiled.
    fn check(&self) -> Result<(), ConfigError> {
        let wrong =
            |key: &str, reason: &str| Err(ConfigError::Value { key: key.to_owned(), reason: reason.to_owned() });
        if self.smsc.window == 0 {
            return wrong("smsc.window", "at least 1, or nothing is ever delivered");
        }
        for (key, share) in [
            ("faults.drop", self.faults.drop),
            ("faults.drop_taken", self.faults.drop_taken),
            ("faults.unresponsive", self.faults.unresponsive),
            ("faults.duplicate", self.faults.duplicate),
            ("faults.malformed", self.faults.malformed),
            ("phones.wrong", self.phones.wrong),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return wrong(key, "a share is a number from 0 to 1");
            }
        }
        for (key, share) in [
            ("phones.reach", &self.phones.reach),
            ("phones.respond", &self.phones.respond),
            ("phones.complete", &self.phones.complete),
            ("phones.stop", &self.phones.stop),
        ] {
            match share {
                Share::Fraction(share) if !(0.0..=1.0).contains(share) => {
                    return wrong(key, "a share is a number from 0 to 1, or { count = N }");
                }
                Share::Count { .. } if self.phones.numbers.is_empty() => {
                    return wrong(key, "a count needs phones.numbers, the phones that it is a count of");
                }
                _ => {}
            }
        }
        if self.phones.quit_after[0] > self.phones.quit_after[1] {
            return wrong("phones.quit_after", "[from, to], the smaller first");
        }
        if let Some(load) = &self.load {
            if load.phones == 0 || load.keywords.is_empty() {
                return wrong("load", "needs at least one phone and one keyword");
            }
            if number(&load.first).is_none() {
                return wrong("load.first", "is not a phone number");
            }
        }
        self.phones.population().map(|_| ())
    }
}

/// One who may bind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key")]
pub struct Account {
    pub system_id: String,
    pub password: String,
}

/// The message centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key")]
pub struct Smsc {
    pub system_id: String,
    pub window: usize,
    pub response_timeout: Span,
    pub retry_delay: Span,
    pub enquire_link: Span,
    pub default_alphabet: Alphabet,
    pub reassembly_timeout: Span,
    pub queue_limit: usize,
    pub response_delay: Delay,
    pub delivery_delay: Delay,
    pub throttle: f64,
}

impl Default for Smsc {
    fn default() -> Self {
        Self {
            system_id: "operator-sim".to_owned(),
            window: 50,
            response_timeout: Span::seconds(10),
            retry_delay: Span::millis(500),
            enquire_link: Span::seconds(30),
            default_alphabet: Alphabet::Gsm7,
            reassembly_timeout: Span::seconds(60),
            queue_limit: 1_000_000,
            response_delay: Delay::NONE,
            delivery_delay: Delay::NONE,
            throttle: 0.0,
        }
    }
}

/// What data_coding 0 means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// GSM 03.38, one septet in an octet.
    Gsm7,
    /// ASCII.
    Ascii,
    /// ISO 8859-1.
    Latin1,
}

/// How message ids look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key")]
pub struct Ids {
    pub response: IdForm,
    pub receipt: IdForm,
    pub incoming: IncomingId,
}

impl Default for Ids {
    fn default() -> Self {
        Self { response: IdForm::Decimal, receipt: IdForm::Decimal, incoming: IncomingId::ReceiptedMessageId }
    }
}

/// One form of a message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdForm {
    /// `1234`
    Decimal,
    /// `4d2`
    Hex,
    /// `sim-1234`, which no conversion may touch.
    Literal,
}

/// Where a phone's message carries its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncomingId {
    /// In the TLV of that name.
    ReceiptedMessageId,
    /// Nowhere.
    None,
}

/// Delivery receipts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key")]
pub struct Receipts {
    pub send: SendReceipts,
    pub form: ReceiptForm,
    pub order: ReceiptOrder,
    pub delay: Delay,
    pub failed: Vec<Weighted>,
}

impl Default for Receipts {
    fn default() -> Self {
        Self {
            send: SendReceipts::Requested,
            form: ReceiptForm::Both,
            order: ReceiptOrder::AfterResponse,
            delay: Delay::NONE,
            failed: vec![Weighted::new("UNDELIV", 1.0)],
        }
    }
}

/// Are receipts sent?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the commented example documents each value")]
pub enum SendReceipts {
    Requested,
    Never,
}

/// What a receipt carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the commented example documents each value")]
pub enum ReceiptForm {
    Both,
    Tlv,
    Text,
}

/// When a receipt may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the commented example documents each value")]
pub enum ReceiptOrder {
    AfterResponse,
    BeforeResponse,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key")]
pub struct Faults {
    pub drop_every: u64,
    pub drop: f64,
    pub drop_taken: f64,
    pub unresponsive: f64,
    pub duplicate: f64,
    pub malformed: f64,
    pub stall_every: Span,
    pub stall_for: Span,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            drop_every: 0,
            drop: 0.0,
            drop_taken: 0.5,
            unresponsive: 0.0,
            duplicate: 0.0,
            malformed: 0.0,
            stall_every: Span::NONE,
            stall_for: Span::seconds(1),
        }
    }
}

/// The phones and their owners.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key")]
pub struct Phones {
    pub numbers: Vec<String>,
    pub reach: Share,
    pub respond: Share,
    pub complete: Share,
    pub stop: Share,
    pub quit_after: [u32; 2],
    pub wrong: f64,
    pub wrong_in_a_row: u32,
    pub delay: Delay,
    pub languages: Vec<Weighted>,
    pub encoding: PhoneEncoding,
    pub stop_words: Vec<Weighted>,
    pub wrong_answers: Vec<Weighted>,
    pub other_answers: Vec<Weighted>,
    pub answer_repeats: bool,
    pub rules: Vec<Rule>,
}

impl Default for Phones {
    fn default() -> Self {
        Self {
            numbers: Vec::new(),
            reach: Share::Fraction(1.0),
            respond: Share::Fraction(1.0),
            complete: Share::Fraction(1.0),
            stop: Share::Fraction(0.0),
            quit_after: [1, 10],
            wrong: 0.0,
            wrong_in_a_row: 1,
            delay: Delay::NONE,
            languages: vec![Weighted::new("eng", 1.0)],
            encoding: PhoneEncoding::Auto,
            stop_words: vec![Weighted::new("STOP", 1.0)],
            wrong_answers: vec![Weighted::new("maybe", 1.0), Weighted::new("I do not know", 1.0)],
            other_answers: vec![Weighted::new("1", 1.0), Weighted::new("2", 1.0), Weighted::new("yes", 1.0)],
            answer_repeats: false,
            rules: Vec::new(),
        }
    }
}

impl Phones {
    /// The largest number of phones that `numbers` may name.
    const MOST: u64 = 10_000_000;

    /// The numbers that `numbers` names, sorted and each once.
    pub fn population(&self) -> Result<Vec<u64>, ConfigError> {
        let wrong = |text: &str, reason: &str| ConfigError::Value {
            key: "phones.numbers".to_owned(),
            reason: format!("\"{text}\" {reason}"),
        };
        let mut all = Vec::new();
        for text in &self.numbers {
            let (first, last) = match text.split_once("..") {
                Some((first, last)) => (number(first), number(last)),
                None => (number(text), number(text)),
            };
            let (Some(first), Some(last)) = (first, last) else {
                return Err(wrong(text, "is neither a number nor a range \"+231990000001..+231990000482\""));
            };
            if last < first || last - first >= Self::MOST {
                return Err(wrong(text, "is not a range from a smaller to a larger number of at most ten million"));
            }
            all.extend(first..=last);
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

/// The digits of a phone number; `None` for what is not one.
pub fn number(text: &str) -> Option<u64> {
    let digits = text.trim().trim_start_matches('+');
    let digits = digits.strip_prefix("00").unwrap_or(digits);
    if digits.is_empty() || digits.len() > 18 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// How phones write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the commented example documents each value")]
pub enum PhoneEncoding {
    Auto,
    Ucs2,
    Latin1,
}

/// How a question is answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key")]
pub struct Rule {
    #[serde(rename = "match")]
    pub pattern: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<[i64; 2]>,
    pub answers: Vec<Weighted>,
    pub wrong: Vec<Weighted>,
    pub silent: bool,
}

/// One of several texts: `"yes"`, or `{ text = "oui", weight = 2.0, language = "fra" }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weighted {
    /// The text.
    pub text: String,
    /// How often, beside the weights of the others.
    pub weight: f64,
    /// For owners with this language alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl Weighted {
    /// A text for owners of any language.
    pub fn new(text: &str, weight: f64) -> Self {
        Self { text: text.to_owned(), weight, language: None }
    }
}

impl<'de> Deserialize<'de> for Weighted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a text or { text = \"yes\", weight = 2.0, language = \"eng\" }")]
        enum Form {
            Text(String),
            Table {
                text: String,
                #[serde(default = "one")]
                weight: f64,
                #[serde(default)]
                language: Option<String>,
            },
        }
        fn one() -> f64 {
            1.0
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Text(text) => Self { text, weight: 1.0, language: None },
            Form::Table { text, weight, language } => Self { text, weight, language },
        })
    }
}

/// A part of the phones: a fraction, each drawn on its own, or an exact count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a fraction such as 0.6, or { count = 289 }")]
pub enum Share {
    /// So many of a hundred, divided by a hundred.
    Fraction(f64),
    /// Exactly so many.
    Count {
        /// How many.
        count: usize,
    },
}

/// What the judge looks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key")]
pub struct Judge {
    pub token: String,
    pub last: String,
    pub confirmation: String,
    pub list_limit: usize,
    pub history: bool,
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            token: r"\[k(?<campaign>\w+) s(?<step>\d+)".to_owned(),
            last: r"\[k\w+ s\d+ end\]".to_owned(),
            confirmation:
                "(?i)no more messages|unsubscribed|opted out|will not receive|plus de messages|désabonn|desabonn"
                    .to_owned(),
            list_limit: 10_000,
            history: false,
        }
    }
}

/// Phones that text first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the commented example documents each key")]
pub struct Load {
    pub phones: u64,
    pub first: String,
    pub to: String,
    pub keywords: Vec<Weighted>,
    pub rate: f64,
    pub start: Span,
    pub messages: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            phones: 200,
            first: "+231990500001".to_owned(),
            to: "4321".to_owned(),
            keywords: vec![Weighted::new("load", 1.0)],
            rate: 0.0,
            start: Span::seconds(1),
            messages: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_the_default() {
        assert_eq!(EXAMPLE.parse::<Config>().unwrap(), Config::default());
        let every_key = serde_json::to_value(Config::default()).unwrap();
        for (table, keys) in every_key.as_object().unwrap() {
            for key in keys.as_object().into_iter().flat_map(|keys| keys.keys()) {
                assert!(EXAMPLE.contains(&format!("\n{key} = ")), "the example does not name {table}.{key}");
            }
        }
    }

    #[test]
    fn the_commented_tables_are_right_too() {
        let uncommented: String = EXAMPLE
            .lines()
            .filter(|line| !matches!(*line, "accounts = []" | "rules = []"))
            .map(|line| {
                let bare = line.strip_prefix("# ").unwrap_or(line);
                let starts_table = bare.starts_with("[[") || bare.starts_with("[load]");
                let is_key = bare
                    .split_once(" = ")
                    .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
                if starts_table || is_key { format!("{bare}\n") } else { format!("{line}\n") }
            })
            .collect();
        // Accounts stand before the tables of the file, so their place in it is not TOML's; load and rules are last.
        let at = uncommented.find("[[accounts]]").unwrap();
        let end = uncommented[at..].find("[smsc]").unwrap() + at;
        let tables = format!("{}{}{}", &uncommented[..at], &uncommented[end..], &uncommented[at..end]);
        let config: Config = tables.parse().unwrap();
        assert_eq!(config.accounts.len(), 1);
        assert_eq!(config.load, Some(Load::default()));
        assert_eq!(config.phones.rules[0].between, Some([0, 40]));
        assert_eq!(config.phones.rules[0].answers[2].language.as_deref(), Some("fra"));
    }

    #[test]
    fn mistakes_are_named() {
        fn check(text: &str, part: &str) {
            let error = text.parse::<Config>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        check("sed = 1", "unknown field `sed`");
        check("[smsc]\nwindow = 0", "smsc.window: at least 1");
        check("[phones]\nreach = 1.5", "phones.reach: a share");
        check("[phones]\nreach = { count = 3 }", "needs phones.numbers");
        check("[phones]\nnumbers = [\"many\"]", "\"many\" is neither a number nor a range");
        check("[phones]\nnumbers = [\"5..3\"]", "is not a range");
        check("[phones]\nquit_after = [4, 3]", "the smaller first");
        check("[phones]\ndelay = \"soon\"", "\"soon\" is not a time");
        check("[phones]\ndelay = \"3s..1s\"", "from the longer to the shorter");
        check("[faults]\ndrop = -0.1", "faults.drop");
        check("[load]\nfirst = \"x\"", "load.first");
    }

    #[test]
    fn populations_are_ranges_and_numbers() {
        let phones = Phones {
            numbers: vec![
                "+231990000001..+231990000003".to_owned(),
                "231990000002".to_owned(),
                "00231990000009".to_owned(),
            ],
            ..Phones::default()
        };
        assert_eq!(phones.population().unwrap(), [231_990_000_001, 231_990_000_002, 231_990_000_003, 231_990_000_009]);
    }
}
