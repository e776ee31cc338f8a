//! What a ministry decides about messaging.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use std::time::Duration;

/// Hours in which nobody is written to unasked. Replies are exempt.
#[derive(Clone, Debug, PartialEq)]
pub struct QuietHours {
    /// When they begin, in `timezone`.
    pub from: Time,
    /// When they end; before `from` when they go over midnight.
    pub to: Time,
    /// The zone that the recipients live in.
    pub timezone: TimeZone,
}

impl QuietHours {
    /// Whether `now` is within them.
    pub fn contain(&self, now: base::Millis) -> bool {
        let time = self.timezone.to_datetime(now.timestamp()).time();
        if self.from <= self.to { self.from <= time && time < self.to } else { self.from <= time || time < self.to }
    }
}

/// How many unsolicited messages a contact gets at most in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// How many.
    pub messages: usize,
    /// In how long.
    pub per: Duration,
}

/// What one segment costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// In the currency's unit.
    pub per_segment: Decimal,
    /// ISO 4217 code.
    pub currency: String,
}

/// A text by language; the first is the default.
pub type Texts = Vec<(String, String)>;

/// What a ministry decides about messaging.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the ministry, as workers know it.
    pub ministry: String,
    /// The region of numbers without a country code: an ISO 3166 code such as `LR`.
    pub region: Option<String>,
    /// The languages of the ministry, the first being the default: ISO 639-3 codes.
    pub languages: Vec<String>,
    /// The ministry's time zone: days and dates are in it.
    pub timezone: TimeZone,
    /// Hours in which nobody is written to unasked; `None` until configured.
    pub quiet_hours: Option<QuietHours>,
    /// Country codes (without `+`) that may be written to; empty allows every one.
    pub countries: Vec<String>,
    /// The cap on unsolicited messages; `None` until configured.
    pub cap: Option<Cap>,
    /// The words of opt-out and opt-in.
    pub words: base::optout::Words,
    /// The confirmation of an opt-out, by language; the first is the default.
    pub opted_out: Texts,
    /// The confirmation of an opt-in, by language; the first is the default.
    pub opted_in: Texts,
    /// What a segment costs, if known.
    pub tariff: Option<Tariff>,
    /// How long an inbound message is recognised when it is delivered again.
    pub dedupe_window: Duration,
    /// How long an `unknown` message of a flow waits for a receipt before it is sent once more; with `None` it waits on
    /// the work list for a person.
    pub resend_after: Option<Duration>,
    /// How many messages that nobody asked for may wait before the fan-out pauses.
    pub backlog: usize,
    /// For control runs of the crash tests only: switches deduplication off.
    pub without_dedupe: bool,
}

/// The confirmations of an opt-out and of an opt-in, by language, in the ministry's name. With a name of the GSM alphabet
/// each is one segment, for a name of usual length.
fn confirmations(ministry: &str) -> (Texts, Texts) {
    let pair = |language: &str, text: &str| (language.to_owned(), format!("{ministry}{text}"));
    (
        vec![
            pair("eng", ": you will get no more messages from us. Send START to get them again."),
            pair("fra", " : vous ne recevrez plus de messages de notre part. Envoyez START pour les recevoir."),
        ],
        vec![
            pair("eng", ": welcome back. You will get our messages again. Send STOP to end them."),
            pair("fra", " : bienvenue. Vous recevrez de nouveau nos messages. Envoyez STOP pour ne plus en recevoir."),
        ],
    )
}

impl Default for Settings {
    fn default() -> Self {
        let (opted_out, opted_in) = confirmations("Ministry of Health");
        Self {
            ministry: "Ministry of Health".into(),
            region: None,
            languages: vec!["eng".into()],
            timezone: TimeZone::UTC,
            quiet_hours: None,
            countries: Vec::new(),
            cap: None,
            words: base::optout::Words::default(),
            opted_out,
            opted_in,
            tariff: None,
            dedupe_window: Duration::from_mins(10),
            resend_after: Some(Duration::from_mins(10)),
            backlog: 2_000,
            without_dedupe: false,
        }
    }
}

impl Settings {
    /// These settings for the ministry of this name, which the confirmations begin with.
    #[must_use]
    pub fn named(self, ministry: &str) -> Self {
        let (opted_out, opted_in) = confirmations(ministry);
        Self { ministry: ministry.to_owned(), opted_out, opted_in, ..self }
    }

    /// The day of an instant in the ministry's zone, counted from 1970-01-01.
    pub fn day(&self, at: base::Millis) -> i64 {
        let date = self.timezone.to_datetime(at.timestamp()).date();
        i64::from(date.since(jiff::civil::date(1970, 1, 1)).map_or(0, |span| span.get_days()))
    }

    /// The text of `texts` in `language`, else in the ministry's languages, else the first.
    pub fn text<'a>(&self, texts: &'a [(String, String)], language: Option<&str>) -> &'a str {
        language
            .into_iter()
            .chain(self.languages.iter().map(String::as_str))
            .find_map(|wanted| texts.iter().find(|(of, _)| of == wanted))
            .or(texts.first())
            .map_or("", |(_, text)| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Millis;

    #[test]
    fn quiet_hours_go_over_midnight() {
        let quiet = QuietHours {
            from: jiff::civil::time(20, 0, 0, 0),
            to: jiff::civil::time(7, 0, 0, 0),
            timezone: TimeZone::UTC,
        };
        let at = |hour: i64| Millis(hour * 3_600_000);
        assert!(quiet.contain(at(20)) && quiet.contain(at(23)) && quiet.contain(at(0)) && quiet.contain(at(6)));
        assert!(!quiet.contain(at(7)) && !quiet.contain(at(12)) && !quiet.contain(at(19)));
    }

    #[test]
    fn a_day_is_the_ministrys() {
        let settings = Settings { timezone: TimeZone::get("Africa/Nairobi").unwrap(), ..Settings::default() };
        assert_eq!(settings.day(Millis(20 * 3_600_000)), 0);
        assert_eq!(settings.day(Millis(21 * 3_600_000)), 1);
    }

    #[test]
    fn confirmations_name_the_ministry_in_one_segment() {
        let settings = Settings::default().named("Ministère de la Santé publique");
        for (language, text) in settings.opted_out.iter().chain(&settings.opted_in) {
            assert!(text.starts_with("Ministère de la Santé publique"), "{text}");
            let segments = base::sms::segments(text);
            assert_eq!((segments.count, segments.encoding), (1, base::sms::Encoding::Gsm7), "{language}: {text}");
        }
    }

    #[test]
    fn texts_fall_back_to_the_ministrys_language() {
        let settings = Settings { languages: vec!["fra".into()], ..Settings::default() };
        assert!(settings.text(&settings.opted_out, Some("swa")).contains("vous ne recevrez plus"));
        assert!(settings.text(&settings.opted_out, Some("eng")).contains("you will get no more"));
    }
}
