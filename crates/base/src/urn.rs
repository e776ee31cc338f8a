//! URNs as RapidPro writes them: `scheme:path?query#display`, such as `tel:+231990000001` or
//! `telegram:1234#Ama`. Two URNs with the same scheme and path are the same address.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::fmt::Write as _;
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
    /// Discord.
    Discord = "discord",
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

/// An address. It is parsed without being judged; [`Urn::validate`] judges it and [`Urn::normalize`] brings it into
/// the form in which addresses are compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Urn {
    scheme: Scheme,
    path: String,
    query: Option<String>,
    display: Option<String>,
}

impl Urn {
    /// From a scheme and an unescaped path.
    pub fn from_parts(scheme: Scheme, path: impl Into<String>) -> Self {
        Self { scheme, path: path.into(), query: None, display: None }
    }

    /// Parses `scheme:path?query#display`; the scheme in any case.
    pub fn parse(text: &str) -> Result<Self, UrnError> {
        let (scheme, rest) = text.trim().split_once(':').ok_or(UrnError::Empty)?;
        if scheme.is_empty() {
            return Err(UrnError::Empty);
        }
        let scheme = Scheme::from_name(scheme).ok_or(UrnError::UnknownScheme)?;
        let (rest, display) = cut(rest, '#');
        let (path, query) = cut(rest, '?');
        if path.is_empty() {
            return Err(UrnError::Empty);
        }
        Ok(Self { scheme, path: unescape(path), query: query.map(str::to_owned), display: display.map(unescape) })
    }

    /// The same address with a name to show; an empty one is none.
    pub fn with_display(mut self, display: &str) -> Self {
        self.display = (!display.is_empty()).then(|| display.to_owned());
        self
    }

    /// The kind of address.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The address itself, unescaped.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What follows `?`, as it was written.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The name to show, where one is known.
    pub fn display(&self) -> Option<&str> {
        self.display.as_deref()
    }

    /// `scheme:path`: what makes two URNs the same address.
    pub fn identity(&self) -> String {
        let mut identity = String::with_capacity(self.path.len() + 10);
        identity.push_str(self.scheme.name());
        identity.push(':');
        escape(&self.path, &mut identity);
        identity
    }

    /// The form in which addresses are compared. `region` (ISO 3166-1 alpha-2) is that of a phone number without a
    /// country code.
    pub fn normalize(mut self, region: Option<&str>) -> Self {
        let path = self.path.trim();
        self.path = match self.scheme {
            Scheme::Tel => match phone::parse(path, region) {
                Ok(number) => number.number,
                Err(_) => path.to_lowercase(),
            },
            Scheme::Twitter => path.strip_prefix('@').unwrap_or(path).to_lowercase(),
            Scheme::Mailto => path.to_lowercase(),
            Scheme::Bsuid | Scheme::WhatsApp => match path.split_once('.') {
                Some((country, rest)) => format!("{}.{rest}", country.to_uppercase()),
                None => path.to_owned(),
            },
            _ => path.to_owned(),
        };
        self
    }

    /// Whether the path is one that the scheme allows, and no part is too long.
    pub fn validate(&self) -> Result<(), UrnError> {
        if self.path.is_empty() {
            return Err(UrnError::Empty);
        }
        let mut escaped = String::new();
        escape(&self.path, &mut escaped);
        if escaped.len() > MAX_PATH {
            return Err(UrnError::PathTooLong);
        }
        if self.display.as_ref().is_some_and(|display| display.chars().count() > MAX_DISPLAY) {
            return Err(UrnError::DisplayTooLong);
        }
        if valid_path(self.scheme, &self.path) { Ok(()) } else { Err(UrnError::InvalidPath) }
    }

    /// As people read it: the name to show, else a phone number in its country's style, else the path.
    pub fn friendly(&self) -> String {
        if let Some(display) = &self.display {
            return display.clone();
        }
        match self.scheme {
            Scheme::Tel => phone::national(&self.path).unwrap_or_else(|| self.path.clone()),
            _ => self.path.clone(),
        }
    }

    /// For a log: the scheme stays, most of the path does not.
    pub fn mask(&self) -> String {
        format!("{}:{}", self.scheme, phone::mask(&self.path.replace(':', "")))
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
        Scheme::Instagram | Scheme::JioChat | Scheme::Telegram | Scheme::TwitterId | Scheme::Discord => {
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

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((head, tail)) => (head, (!tail.is_empty()).then_some(tail)),
        None => (text, None),
    }
}

fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '#' => into.push_str("%23"),
            '%' => into.push_str("%25"),
            '?' => into.push_str("%3F"),
            c => into.push(c),
        }
    }
}

fn unescape(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
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
    out
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.identity();
        if let Some(query) = &self.query {
            write!(text, "?{query}")?;
        }
        if let Some(display) = &self.display {
            text.push('#');
            escape(display, &mut text);
        }
        f.write_str(&text)
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
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Urn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
