//! URNs as RapidPro writes them: `scheme:path?query#display`, such as `tel:+231990000001` or
//! `telegram:1234#Ama`. Two URNs with the same scheme and path are the same address.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::phone;

/// Longest path, in bytes of its escaped form.
const MAX_PATH: usize = 200;
/// Longest display, in characters.
const MAX_DISPLAY: usize = 255;

macro_rules! schemes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The kind of an address.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scheme {
            $($(#[$doc])* $variant,)*
        }

        impl Scheme {
            /// All schemes, in alphabetical order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            /// Their names.
            pub const NAMES: &[&str] = &[$($name,)*];

            /// The name in a URN, such as `tel`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The scheme of a name, in any case.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
            }
        }
    };
}

schemes! {
    /// A business-scoped user id of WhatsApp.
    Bsuid = "bsuid",
    /// An address that only an outside system understands.
    Ext = "ext",
    /// Facebook Messenger.
    Facebook = "facebook",
    /// Firebase Cloud Messaging.
    Fcm = "fcm",
    /// Freshchat.
    Freshchat = "freshchat",
    /// Instagram.
    Instagram = "instagram",
    /// JioChat.
    JioChat = "jiochat",
    /// LINE.
    Line = "line",
    /// E-mail.
    Mailto = "mailto",
    /// Rocket.Chat.
    RocketChat = "rocketchat",
    /// Slack.
    Slack = "slack",
    /// A phone number.
    Tel = "tel",
    /// Telegram.
    Telegram = "telegram",
    /// A Twitter handle.
    Twitter = "twitter",
    /// A Twitter numeric id.
    TwitterId = "twitterid",
    /// Viber.
    Viber = "viber",
    /// VK.
    Vk = "vk",
    /// A visitor of a web chat.
    WebChat = "webchat",
    /// WeChat.
    WeChat = "wechat",
    /// WhatsApp.
    WhatsApp = "whatsapp",
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is no URN. The messages are those that RapidPro gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrnError {
    /// No scheme or no path.
    #[error("scheme or path cannot be empty")]
    Empty,
    /// Not one of [`Scheme::ALL`].
    #[error("unknown URN scheme")]
    UnknownScheme,
    /// More than 200 bytes.
    #[error("path component too long")]
    PathTooLong,
    /// Not what the scheme allows.
    #[error("invalid path component")]
    InvalidPath,
    /// More than 255 characters.
    #[error("display component too long")]
    DisplayTooLong,
}

/// An address. It is parsed without being judged; [`Urn::validate`] judges it and [`Urn::normalized`] brings it into
/// the form in which addresses are compared. It is kept as the text it was read from, so that what is written back is
/// what was read, and its identity is at hand.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Urn {
    text: Box<str>,
    /// Where the scheme ends.
    scheme: usize,
    /// Where the path ends.
    path: usize,
}

impl Urn {
    /// From a scheme and an unescaped path.
    pub fn from_parts(scheme: Scheme, path: &str) -> Self {
        let text = format!("{}:{}", scheme.name(), escape(path));
        Self { scheme: scheme.name().len(), path: text.len(), text: text.into() }
    }

    /// Takes `scheme:path?query#display` apart, the scheme in any case and known or not.
    ///
    /// # Errors
    /// [`UrnError::Empty`] without scheme or path.
    pub fn parse(text: &str) -> Result<Self, UrnError> {
        let text = text.trim();
        let scheme = text.find(':').filter(|at| *at > 0).ok_or(UrnError::Empty)?;
        let path = text[scheme..].find(['?', '#']).map_or(text.len(), |at| scheme + at);
        if path == scheme + 1 {
            return Err(UrnError::Empty);
        }
        let mut text = text.to_owned();
        text[..scheme].make_ascii_lowercase();
        Ok(Self { text: text.into(), scheme, path })
    }

    /// Parses a text and judges it, without normalising it.
    ///
    /// # Errors
    /// As [`Urn::parse`] and [`Urn::validate`].
    pub fn valid(text: &str) -> Result<Self, UrnError> {
        let urn = Self::parse(text)?;
        urn.validate()?;
        Ok(urn)
    }

    /// The same address with a name to show; an empty one is none.
    #[must_use]
    pub fn with_display(self, display: &str) -> Self {
        let (query, _) = self.rest();
        let mut text = self.text[..self.path + query.len()].to_owned();
        if !display.is_empty() {
            text.push('#');
            text.push_str(&escape(display));
        }
        Self { text: text.into(), ..self }
    }

    /// The same address with `key` set to `value` in its query, or without it.
    #[must_use]
    pub fn with_query(&self, key: &str, value: Option<&str>) -> Self {
        let others = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(key);
        let mut pairs: Vec<Cow<'_, str>> = self.query().split('&').filter(others).map(Cow::Borrowed).collect();
        if let Some(value) = value {
            pairs.push(format!("{key}={value}").into());
            pairs.sort();
        }
        let mut text = self.identity().to_owned();
        if !pairs.is_empty() {
            text.push('?');
            text.push_str(&pairs.join("&"));
        }
        text.push_str(self.rest().1);
        Self { text: text.into(), ..*self }
    }

    /// What follows the path: the query with its `?`, and the display with its `#`.
    fn rest(&self) -> (&str, &str) {
        let rest = &self.text[self.path..];
        rest.split_at(rest.find('#').unwrap_or(rest.len()))
    }

    /// The name of the scheme, such as `tel`.
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme]
    }

    /// The scheme, if it is one that is known.
    pub fn known_scheme(&self) -> Option<Scheme> {
        Scheme::from_name(self.scheme())
    }

    fn escaped_path(&self) -> &str {
        &self.text[self.scheme + 1..self.path]
    }

    /// The address itself, unescaped.
    pub fn path(&self) -> Cow<'_, str> {
        unescape(self.escaped_path())
    }

    /// What follows `?`, as it was written; empty for none.
    pub fn query(&self) -> &str {
        self.rest().0.strip_prefix('?').unwrap_or_default()
    }

    /// The value of `key` in the query.
    pub fn query_value(&self, key: &str) -> Option<&str> {
        self.query().split('&').find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == key).map(|(_, v)| v))
    }

    /// The name to show; empty where none is known.
    pub fn display(&self) -> Cow<'_, str> {
        unescape(self.rest().1.strip_prefix('#').unwrap_or_default())
    }

    /// `scheme:path`: what makes two URNs the same address.
    pub fn identity(&self) -> &str {
        &self.text[..self.path]
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form in which addresses are compared: phone numbers in E.164 where they can be read (in `region`, ISO 3166-1
    /// alpha-2, when they don't start with `+`), e-mail addresses and user names in lower case.
    #[must_use]
    pub fn normalized(&self, region: Option<&str>) -> Self {
        let path = self.path();
        let trimmed = path.trim();
        let new: Cow<'_, str> = match self.known_scheme() {
            Some(Scheme::Tel) => phone::e164(trimmed, region).map_or(trimmed.into(), Cow::Owned),
            Some(Scheme::Twitter) => trimmed.trim_start_matches('@').to_lowercase().into(),
            Some(Scheme::Mailto) => trimmed.to_lowercase().into(),
            Some(Scheme::Bsuid | Scheme::WhatsApp) => match trimmed.split_once('.') {
                Some((country, rest)) => format!("{}.{rest}", country.to_uppercase()).into(),
                None => trimmed.into(),
            },
            _ => trimmed.into(),
        };
        if new == path {
            return self.clone();
        }
        let text = format!("{}:{}{}", self.scheme(), escape(&new), &self.text[self.path..]);
        Self::parse(&text).unwrap_or_else(|_| self.clone())
    }

    /// Whether the scheme is known, the path is one that it allows, and no part is too long.
    ///
    /// # Errors
    /// The first of these that isn't so.
    pub fn validate(&self) -> Result<(), UrnError> {
        let scheme = self.known_scheme().ok_or(UrnError::UnknownScheme)?;
        let path = self.path();
        if path.is_empty() {
            return Err(UrnError::Empty);
        }
        if self.escaped_path().len() > MAX_PATH {
            return Err(UrnError::PathTooLong);
        }
        if !valid_path(scheme, &path) {
            return Err(UrnError::InvalidPath);
        }
        if self.display().chars().count() > MAX_DISPLAY {
            return Err(UrnError::DisplayTooLong);
        }
        Ok(())
    }

    /// As people read it: the name to show, else a phone number in its country's style, else the path.
    pub fn friendly(&self) -> String {
        let display = self.display();
        if !display.is_empty() {
            return display.into_owned();
        }
        let path = self.path();
        let national = if self.scheme() == "tel" { phone::national(&path) } else { None };
        national.unwrap_or_else(|| path.into_owned())
    }

    /// For a log: the scheme stays, most of the path does not.
    pub fn mask(&self) -> String {
        format!("{}:{}", self.scheme(), phone::mask(&self.path().replace(':', "")))
    }
}

fn valid_path(scheme: Scheme, path: &str) -> bool {
    let all = |min: usize, max: usize, allowed: fn(u8) -> bool| {
        (min..=max).contains(&path.len()) && path.bytes().all(allowed)
    };
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match scheme {
        Scheme::Tel => match path.strip_prefix('+') {
            Some(digits) => (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()),
            None => all(1, 64, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()),
        },
        Scheme::Mailto => {
            let mut parts = path.split('@');
            let filled = |part: Option<&str>| part.is_some_and(|part| !part.is_empty());
            filled(parts.next())
                && filled(parts.next())
                && parts.next().is_none()
                && !path.chars().any(char::is_whitespace)
        }
        Scheme::Twitter => all(1, 15, word),
        Scheme::Facebook => match path.strip_prefix("ref:") {
            Some(reference) => !reference.is_empty(),
            None => all(1, MAX_PATH, |byte| byte.is_ascii_digit()),
        },
        Scheme::Instagram | Scheme::JioChat | Scheme::Telegram | Scheme::TwitterId => {
            all(1, MAX_PATH, |byte| byte.is_ascii_digit())
        }
        Scheme::Line => all(1, 36, word),
        Scheme::Viber => all(1, 24, |byte| byte.is_ascii_alphanumeric() || b"_=/+".contains(&byte)),
        Scheme::WhatsApp => all(1, MAX_PATH, |byte| byte.is_ascii_digit()) || business_scoped(path),
        Scheme::Bsuid => business_scoped(path),
        Scheme::WebChat => {
            let (id, email) = path.split_once(':').map_or((path, None), |(id, email)| (id, Some(email)));
            id.len() == 24
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && email.is_none_or(|email| valid_path(Scheme::Mailto, email))
        }
        Scheme::Freshchat => path.split_once('/').is_some_and(|(channel, user)| {
            [channel, user].into_iter().all(|part| part.len() == 36 && uuid::Uuid::parse_str(part).is_ok())
        }),
        Scheme::Ext | Scheme::Fcm | Scheme::RocketChat | Scheme::Slack | Scheme::Vk | Scheme::WeChat => true,
    }
}

/// Two capitals, a dot, 1 to 128 letters and digits.
fn business_scoped(path: &str) -> bool {
    path.split_once('.').is_some_and(|(country, id)| {
        country.len() == 2
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['#', '%', '?']) {
        return text.into();
    }
    text.replace('%', "%25").replace('#', "%23").replace('?', "%3F").into()
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 3).unwrap_or_default();
        let (c, length) = match code.to_ascii_uppercase().as_str() {
            "23" => ('#', 3),
            "25" => ('%', 3),
            "3F" => ('?', 3),
            _ => ('%', 1),
        };
        out.push(c);
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    out.into()
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Urn {
    type Err = UrnError;
    fn from_str(text: &str) -> Result<Self, UrnError> {
        Self::parse(text)
    }
}

impl Serialize for Urn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Urn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
