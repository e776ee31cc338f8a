//! URNs: the addresses of contacts, `scheme:path?query#display`.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};
use std::fmt;

/// The schemes an address can have, in alphabetical order.
pub const SCHEMES: [&str; 20] = [
    "bsuid",
    "ext",
    "facebook",
    "fcm",
    "freshchat",
    "instagram",
    "jiochat",
    "line",
    "mailto",
    "rocketchat",
    "slack",
    "tel",
    "telegram",
    "twitter",
    "twitterid",
    "viber",
    "vk",
    "webchat",
    "wechat",
    "whatsapp",
];

/// Why a text isn't a URN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrnError {
    /// There is no colon, or nothing on one side of it.
    #[error("scheme or path cannot be empty")]
    Empty,
    /// The scheme isn't one of [`SCHEMES`].
    #[error("unknown URN scheme")]
    Scheme,
    /// The path has more than 200 bytes.
    #[error("path component too long")]
    PathLength,
    /// The path isn't one that the scheme allows.
    #[error("invalid path component")]
    Path,
    /// The display has more than 255 characters.
    #[error("display component too long")]
    DisplayLength,
}

/// An address of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Urn {
    text: Box<str>,
    scheme_end: u16,
    path_end: u16,
}

fn unescape(text: &str) -> String {
    text.replace("%23", "#").replace("%3F", "?").replace("%25", "%")
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('#', "%23").replace('?', "%3F")
}

impl Urn {
    /// Takes a text apart without judging scheme or path.
    pub fn parse(text: &str) -> Result<Self, UrnError> {
        let scheme_end = text.find(':').ok_or(UrnError::Empty)?;
        let path_end = text[scheme_end..].find(['?', '#']).map_or(text.len(), |i| scheme_end + i);
        if scheme_end == 0 || path_end == scheme_end + 1 {
            return Err(UrnError::Empty);
        }
        let (Ok(scheme_end), Ok(path_end)) = (u16::try_from(scheme_end), u16::try_from(path_end)) else {
            return Err(UrnError::PathLength);
        };
        let text = if text[..usize::from(scheme_end)].bytes().any(|b| b.is_ascii_uppercase()) {
            text[..usize::from(scheme_end)].to_ascii_lowercase() + &text[usize::from(scheme_end)..]
        } else {
            text.to_owned()
        };
        Ok(Self { text: text.into(), scheme_end, path_end })
    }

    /// Parses a text and checks it against its scheme's rules, without normalising it.
    pub fn valid(text: &str) -> Result<Self, UrnError> {
        let urn = Self::parse(text)?;
        urn.validate()?;
        Ok(urn)
    }

    /// From a scheme and an unescaped path.
    pub fn from_parts(scheme: &str, path: &str) -> Result<Self, UrnError> {
        Self::parse(&format!("{scheme}:{}", escape(path)))
    }

    /// The scheme, such as `tel`.
    pub fn scheme(&self) -> &str {
        &self.text[..usize::from(self.scheme_end)]
    }

    /// The path, unescaped.
    pub fn path(&self) -> String {
        unescape(self.raw_path())
    }

    fn raw_path(&self) -> &str {
        &self.text[usize::from(self.scheme_end) + 1..usize::from(self.path_end)]
    }

    /// Scheme and path: what two equal addresses have in common.
    pub fn identity(&self) -> &str {
        &self.text[..usize::from(self.path_end)]
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn query(&self) -> &str {
        let rest = &self.text[usize::from(self.path_end)..];
        let end = rest.find('#').unwrap_or(rest.len());
        rest[..end].strip_prefix('?').unwrap_or("")
    }

    /// What people call the address, such as a user name; empty if nothing.
    pub fn display(&self) -> String {
        let rest = &self.text[usize::from(self.path_end)..];
        rest.find('#').map_or_else(String::new, |i| unescape(&rest[i + 1..]))
    }

    /// The value of `key` in the query.
    pub fn query_value(&self, key: &str) -> Option<&str> {
        self.query().split('&').find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == key).map(|(_, v)| v))
    }

    /// The same address with `key` set to `value` in its query, or without it.
    #[must_use]
    pub fn with_query(&self, key: &str, value: Option<&str>) -> Self {
        let mut pairs: Vec<String> = self
            .query()
            .split('&')
            .filter(|p| !p.is_empty() && p.split('=').next() != Some(key))
            .map(str::to_owned)
            .collect();
        if let Some(value) = value {
            pairs.push(format!("{key}={value}"));
            pairs.sort();
        }
        let mut text = self.identity().to_owned();
        if !pairs.is_empty() {
            text.push('?');
            text.push_str(&pairs.join("&"));
        }
        let rest = &self.text[usize::from(self.path_end)..];
        if let Some(i) = rest.find('#') {
            text.push_str(&rest[i..]);
        }
        Self { text: text.into(), ..*self }
    }

    /// The form that equal addresses share: phone numbers in E.164 (read in `country` when they don't start with `+`),
    /// e-mail addresses and user names in lower case.
    #[must_use]
    pub fn normalized(&self, country: Option<&str>) -> Self {
        let path = self.path();
        let trimmed = path.trim();
        let new = match self.scheme() {
            "tel" => phone::e164(trimmed, country).unwrap_or_else(|_| trimmed.to_owned()),
            "mailto" => trimmed.to_lowercase(),
            "twitter" => trimmed.trim_start_matches('@').to_lowercase(),
            "whatsapp" | "bsuid" if trimmed.as_bytes().get(2) == Some(&b'.') && trimmed.is_char_boundary(2) => {
                trimmed[..2].to_uppercase() + &trimmed[2..]
            }
            _ => trimmed.to_owned(),
        };
        if new == path {
            return self.clone();
        }
        let text = format!("{}:{}{}", self.scheme(), escape(&new), &self.text[usize::from(self.path_end)..]);
        Self::parse(&text).unwrap_or_else(|_| self.clone())
    }

    /// Checks scheme, path and display.
    pub fn validate(&self) -> Result<(), UrnError> {
        if !SCHEMES.contains(&self.scheme()) {
            return Err(UrnError::Scheme);
        }
        if self.raw_path().len() > 200 {
            return Err(UrnError::PathLength);
        }
        if !valid_path(self.scheme(), &self.path()) {
            return Err(UrnError::Path);
        }
        if self.display().chars().count() > 255 {
            return Err(UrnError::DisplayLength);
        }
        Ok(())
    }

    /// How people write it: the display if there is one, phone numbers in their country's style, else the path.
    pub fn format(&self) -> String {
        let display = self.display();
        if !display.is_empty() {
            return display;
        }
        let path = self.path();
        if self.scheme() == "tel" { phone::national(&path).unwrap_or(path) } else { path }
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn all(text: &str, min: usize, max: usize, ok: impl Fn(char) -> bool) -> bool {
    (min..=max).contains(&text.chars().count()) && text.chars().all(ok)
}

fn business_scoped(path: &str) -> bool {
    path.split_once('.').is_some_and(|(country, id)| {
        all(country, 2, 2, |c| c.is_ascii_uppercase()) && all(id, 1, 128, |c| c.is_ascii_alphanumeric())
    })
}

fn email(path: &str) -> bool {
    path.matches('@').count() == 1
        && !path.contains(char::is_whitespace)
        && path.split('@').all(|side| !side.is_empty())
}

fn valid_path(scheme: &str, path: &str) -> bool {
    let digits = |text: &str| all(text, 1, 200, |c| c.is_ascii_digit());
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match scheme {
        "tel" => match path.strip_prefix('+') {
            Some(number) => all(number, 7, 15, |c| c.is_ascii_digit()),
            None => all(path, 1, 64, |c| c.is_ascii_lowercase() || c.is_ascii_digit()),
        },
        "mailto" => email(path),
        "twitter" => all(path, 1, 15, word),
        "facebook" => path.strip_prefix("ref:").map_or_else(|| digits(path), |rest| !rest.is_empty()),
        "instagram" | "jiochat" | "telegram" | "twitterid" => digits(path),
        "line" => all(path, 1, 36, word),
        "viber" => all(path, 1, 24, |c| word(c) || "=/+".contains(c)),
        "whatsapp" => digits(path) || business_scoped(path),
        "bsuid" => business_scoped(path),
        "webchat" => {
            let (id, address) = path.split_once(':').map_or((path, None), |(id, address)| (id, Some(address)));
            all(id, 24, 24, |c| c.is_ascii_alphanumeric()) && address.is_none_or(email)
        }
        "freshchat" => path
            .split_once('/')
            .is_some_and(|(a, b)| [a, b].iter().all(|u| uuid::Uuid::parse_str(u).is_ok() && u.len() == 36)),
        _ => !path.is_empty(),
    }
}

/// Phone numbers as the engine needs them: libphonenumber's idea of a possible number.
pub mod phone {
    use super::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

    /// Why a text isn't a phone number.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
    pub enum PhoneError {
        /// There is no country to read a national number in, or the country code is unknown.
        #[error("invalid country code")]
        Country,
        /// Nothing like a number.
        #[error("the phone number supplied is not a number")]
        NotANumber,
        /// Too short, too long, or of a length its country doesn't have.
        #[error("not a possible number")]
        NotPossible,
    }

    fn parse(text: &str, country: Option<&str>) -> Result<PhoneNumber, PhoneError> {
        let region = country.and_then(|c| Region::from_code(c).ok());
        PHONE_NUMBER_UTIL.parse(text, region).map_err(|error| match error {
            rlibphonenumber::ParseError::InvalidCountryCode => PhoneError::Country,
            _ => PhoneError::NotANumber,
        })
    }

    /// The number in E.164, read in `country` (two letters) when it doesn't start with `+`.
    pub fn e164(text: &str, country: Option<&str>) -> Result<String, PhoneError> {
        let possible = |text: &str| {
            let number = parse(text, country)?;
            if PHONE_NUMBER_UTIL.is_possible_number(&number) {
                Ok(number.format_as(PhoneNumberFormat::E164).into_owned())
            } else {
                Err(PhoneError::NotPossible)
            }
        };
        possible(text).or_else(|error| {
            // Long numbers are often written with their country's code but without the plus.
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let bare = digits.len() >= 11 && !text.starts_with('+') && !text.contains(|c: char| c.is_alphabetic());
            if bare { possible(&format!("+{digits}")).map_err(|_| error) } else { Err(error) }
        })
    }

    /// An E.164 number as its own country writes it; `None` when it can't be read.
    pub fn national(e164: &str) -> Option<String> {
        Some(parse(e164, None).ok()?.format_as(PhoneNumberFormat::National).into_owned())
    }

    /// The country (two letters) of an E.164 number.
    pub fn country(e164: &str) -> Option<String> {
        // Most calling codes belong to one country: its number needs no parsing, which is on every message's way.
        let digits = e164.strip_prefix('+')?;
        for length in 1..=3 {
            let code: i32 = digits.get(..length)?.parse().ok()?;
            if let Some(mut regions) = PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(code) {
                if regions.len() == 1 {
                    return regions.next().map(|region| region.to_string());
                }
                break;
            }
        }
        parse(e164, None).ok()?.get_region_code().map(|region| region.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urns_come_apart_and_are_judged_by_their_scheme() {
        let urn = Urn::parse("tel:+231990000001?channel=c1&id=3#Bob%23").unwrap();
        assert_eq!((urn.scheme(), urn.path().as_str(), urn.display().as_str()), ("tel", "+231990000001", "Bob#"));
        assert_eq!(urn.query_value("channel"), Some("c1"));
        assert_eq!(urn.with_query("channel", None).as_str(), "tel:+231990000001?id=3#Bob%23");
        assert_eq!(urn.identity(), "tel:+231990000001");
        for (text, error) in [
            ("tel", UrnError::Empty),
            (":x", UrnError::Empty),
            ("tel:", UrnError::Empty),
            ("carrier:pigeon", UrnError::Scheme),
            ("telegram:abc", UrnError::Path),
            ("twitter:a-b", UrnError::Path),
        ] {
            assert_eq!(Urn::valid(text), Err(error), "{text}");
        }
        assert_eq!(Urn::parse("tel:0990 000 001").unwrap().normalized(Some("LR")).as_str(), "tel:+231990000001");
        for (number, country) in
            [("+231990000001", Some("LR")), ("+12065551212", Some("US")), ("+99", None), ("0990", None)]
        {
            assert_eq!(phone::country(number).as_deref(), country, "{number}");
        }
        assert_eq!(Urn::parse("twitter:@Bobby").unwrap().normalized(None).as_str(), "twitter:bobby");
    }
}
