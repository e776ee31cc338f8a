//! Phone numbers as people type them, repaired into E.164 (ITU-T E.164) or kept as a short code.
//!
//! A field of a registry holds what somebody typed: two numbers with a slash, a trunk zero after the country code, a
//! number that a spreadsheet has rounded. [`parse_field`] reads what can be read and says for the rest why not, so
//! that no digit disappears. A number whose length its country knows is accepted (*possible*); whether it also lies
//! in a range that the country has handed out is noted in [`PhoneNumber::valid`], because numbering plans change
//! faster than the tables that describe them.

mod split;

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber as Number, PhoneNumberFormat, Region, ValidationError,
};
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::urn::{Scheme, Urn};

/// What a number is dialled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An international number in E.164 form, `+` included.
    International,
    /// A short code of three to six digits, known to one operator or country only.
    ShortCode,
}

/// A number that can be called or written to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PhoneNumber {
    /// E.164 with its `+`, such as `+231990000001`, or the digits of a short code.
    pub number: String,
    /// Which of the two it is.
    pub kind: Kind,
    /// Whether the country's numbering plan knows its range; short codes are in no plan and count as valid.
    pub valid: bool,
    /// Digits to dial once the call is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

/// A piece of a field that is no usable number, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// The piece as it was typed, apart from odd characters that were made plain.
    pub text: String,
    /// Why it could not be used.
    pub reason: Reason,
}

/// Why a piece of text is no usable phone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum Reason {
    /// A spreadsheet has rounded the number.
    #[error("a spreadsheet turned the number into scientific notation and lost its last digits")]
    ScientificNotation,
    /// Fewer digits than any number of its country, more than a short code.
    #[error("too few digits ({digits})")]
    TooShort {
        /// How many digits were typed.
        digits: usize,
    },
    /// More digits than any number of its country.
    #[error("too many digits ({digits})")]
    TooLong {
        /// How many digits were typed.
        digits: usize,
    },
    /// No number of its country has this many digits.
    #[error("no number of its country has {digits} digits")]
    Length {
        /// How many digits were typed.
        digits: usize,
    },
    /// Enough digits for a call within a town only.
    #[error("the area code is missing")]
    AreaCode,
    /// The digits after `+` or `00` start with no country's code.
    #[error("no country has this calling code")]
    CallingCode,
    /// A national number, and no region to read it in.
    #[error("the country code is missing")]
    NoRegion,
    /// A letter among the digits.
    #[error("the letter '{letter}' stands among the digits")]
    Letter {
        /// The letter.
        letter: char,
    },
    /// A `*` among the digits: a masked number or a USSD code.
    #[error("the sign '*' stands among the digits")]
    Star,
    /// A few digits beside a whole number: perhaps its alternative ending, never a short code.
    #[error("{digits} digits beside a whole number")]
    Fragment {
        /// How many digits were typed.
        digits: usize,
    },
    /// Text without a digit.
    #[error("no digits")]
    NoDigits,
}

impl Reason {
    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::ScientificNotation => "format the column as text and enter the number again",
            Self::TooShort { .. } | Self::Length { .. } => "ask for the number again and enter all of its digits",
            Self::TooLong { .. } => "check for a doubled digit, or separate two numbers with a comma",
            Self::AreaCode => "add the area code",
            Self::CallingCode => "check the digits after the plus sign",
            Self::NoRegion => "add the country code, or name the region of the import",
            Self::Letter { .. } => "replace the letter by the digit that was meant",
            Self::Star => "enter all digits of the number",
            Self::Fragment { .. } => "write the second number out in full",
            Self::NoDigits => "enter a phone number or leave the field empty",
        }
    }
}

/// What a field holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneField {
    /// The numbers that can be used, in the order typed, each once.
    pub numbers: Vec<PhoneNumber>,
    /// The pieces that cannot.
    pub unreadable: Vec<Unreadable>,
}

/// Reads every number in a field. `region` is the ISO 3166-1 alpha-2 code (any case) of the country that a number
/// without a country code belongs to; an unknown code counts as none.
pub fn parse_field(text: &str, region: Option<&str>) -> PhoneField {
    let region = region.and_then(known_region);
    let pieces = split::pieces(text);
    let mut field = PhoneField::default();
    let mut short = Vec::new();
    let single = pieces.len() == 1;
    for piece in pieces {
        let piece = match piece {
            Ok(piece) => piece,
            Err(unreadable) => {
                field.unreadable.push(unreadable);
                continue;
            }
        };
        let digits = piece.digits.len();
        if !piece.plus && digits <= SHORT_CODE.1 && (digits >= SHORT_CODE.0 || !single) {
            short.push(piece);
            continue;
        }
        match read(&piece, region) {
            Ok(numbers) => field.numbers.extend(numbers),
            Err(reason) => field.unreadable.push(Unreadable { text: piece.text, reason }),
        }
    }
    let alone = field.numbers.is_empty() && field.unreadable.is_empty();
    for piece in short {
        let digits = piece.digits.len();
        if alone && digits >= SHORT_CODE.0 {
            field.numbers.push(PhoneNumber {
                number: piece.digits,
                kind: Kind::ShortCode,
                valid: true,
                extension: piece.extension,
            });
        } else if alone {
            field.unreadable.push(Unreadable { text: piece.text, reason: Reason::TooShort { digits } });
        } else {
            field.unreadable.push(Unreadable { text: piece.text, reason: Reason::Fragment { digits } });
        }
    }
    let mut seen: Vec<PhoneNumber> = Vec::with_capacity(field.numbers.len());
    for number in field.numbers {
        if !seen.contains(&number) {
            seen.push(number);
        }
    }
    field.numbers = seen;
    field
}

/// Reads a text that should hold exactly one number. Of several, the first; of none, why.
pub fn parse(text: &str, region: Option<&str>) -> Result<PhoneNumber, Unreadable> {
    let field = parse_field(text, region);
    match (field.numbers.into_iter().next(), field.unreadable.into_iter().next()) {
        (Some(number), _) => Ok(number),
        (None, Some(unreadable)) => Err(unreadable),
        (None, None) => Err(Unreadable { text: text.trim().to_owned(), reason: Reason::NoDigits }),
    }
}

/// The E.164 form of a text that is a *possible* number as it stands, without any repair; `None` for anything else.
/// `region` as in [`parse_field`].
pub fn possible(text: &str, region: Option<&str>) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(text, region.and_then(known_region)).ok()?;
    let whole = matches!(number.is_possible_with_reason(), Ok(NumberLengthType::IsPossible));
    whole.then(|| number.format_as(PhoneNumberFormat::E164).into_owned())
}

/// As [`possible`]; of a long number, the plus sign before its country code may be missing. This is what flows take for
/// a phone number.
pub fn e164(text: &str, region: Option<&str>) -> Option<String> {
    possible(text, region).or_else(|| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let bare = digits.len() >= 11 && !text.starts_with('+') && !text.contains(|c: char| c.is_alphabetic());
        if bare { possible(&format!("+{digits}"), None) } else { None }
    })
}

/// Whether this is the ISO 3166-1 alpha-2 code, in any case, of a country with a numbering plan.
pub fn is_region(code: &str) -> bool {
    known_region(code).is_some()
}

/// Reads an E.164 number. In North America, whose numbers have ten digits and no prefix within the country that such a
/// number could begin with, there is nothing to find out by parsing.
fn read_e164(e164: &str) -> Option<Number> {
    let plain = e164
        .strip_prefix("+1")
        .filter(|d| d.len() == 10 && !d.starts_with(['0', '1']) && d.bytes().all(|b| b.is_ascii_digit()));
    match plain.and_then(|digits| digits.parse().ok()) {
        Some(national_number) => Some(Number { country_code: 1, national_number, ..Number::default() }),
        None => PHONE_NUMBER_UTIL.parse(e164, None).ok(),
    }
}

/// The country (ISO 3166-1 alpha-2) that an E.164 number belongs to. `None` for short codes, for numbers of no
/// country such as satellite phones, and where several countries share a calling code and the number is in none of
/// their ranges.
pub fn region_of(e164: &str) -> Option<String> {
    // Most calling codes belong to one country: its numbers need no parsing, which is on every message's way.
    let digits =
        e164.strip_prefix('+').filter(|d| (7..=15).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()));
    for length in 1..=3 {
        let code = digits.and_then(|digits| digits[..length].parse().ok());
        if let Some(mut regions) = code.and_then(|code| PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(code)) {
            match (regions.next(), regions.next()) {
                (Some(region), None) if region != Region::World => return Some(region.to_string()),
                _ => break,
            }
        }
    }
    let number = read_e164(e164)?;
    let region = number.get_region_code().or_else(|| {
        let mut regions = PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(number.country_code)?;
        regions.next().filter(|_| regions.next().is_none())
    })?;
    (region != Region::World).then(|| region.to_string())
}

/// The number as people of its country write it, such as `(202) 456-1111` for `+12024561111`; `None` where the text
/// is no E.164 number.
pub fn national(e164: &str) -> Option<String> {
    let number = read_e164(e164)?;
    Some(number.format_as(PhoneNumberFormat::National).into_owned())
}

/// An address for a log: `+231*****001`. Short codes, which belong to no person, stay readable; so does the scheme
/// of a URN. The number of stars says nothing about the length.
pub fn mask(address: &str) -> String {
    let (scheme, path) = match address.split_once(':') {
        Some((scheme, path)) => (Some(scheme), path),
        None => (None, address),
    };
    let prefix = scheme.map_or_else(String::new, |scheme| format!("{scheme}:"));
    let length = path.chars().count();
    if length <= SHORT_CODE.1 && path.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{prefix}{path}");
    }
    let (head, tail) = if length >= 10 { (4, 3) } else { (0, length.min(6) / 3) };
    let head: String = path.chars().take(head).collect();
    let tail: String = path.chars().skip(length - tail).collect();
    format!("{prefix}{head}*****{tail}")
}

impl PhoneNumber {
    /// The URN `tel:...`.
    pub fn to_urn(&self) -> Urn {
        Urn::from_parts(Scheme::Tel, &self.number)
    }

    /// The number for a log; see [`mask`].
    pub fn mask(&self) -> String {
        mask(&self.number)
    }

    /// The country of the number; see [`region_of`].
    pub fn region(&self) -> Option<String> {
        match self.kind {
            Kind::International => region_of(&self.number),
            Kind::ShortCode => None,
        }
    }
}

impl fmt::Display for PhoneNumber {
    /// The number, and its extension as `+231990000001 ext. 12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.number)?;
        match &self.extension {
            Some(extension) => write!(f, " ext. {extension}"),
            None => Ok(()),
        }
    }
}

/// Fewest and most digits of a short code.
const SHORT_CODE: (usize, usize) = (3, 6);

/// One piece of a field that should be one number.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// As typed.
    pub(crate) text: String,
    /// Whether a `+` stands before the digits.
    pub(crate) plus: bool,
    /// The ASCII digits.
    pub(crate) digits: String,
    /// How many digits each group has, with `true` where a wide gap follows it.
    pub(crate) groups: Vec<(usize, bool)>,
    /// The digits of an extension.
    pub(crate) extension: Option<String>,
}

fn known_region(code: &str) -> Option<Region> {
    let region = Region::from_code(code.trim()).ok().filter(|region| *region != Region::World)?;
    PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| region)
}

/// The numbers in one piece: one, or the several that its gaps separate.
fn read(piece: &Piece, region: Option<Region>) -> Result<Vec<PhoneNumber>, Reason> {
    match read_one(piece.plus, &piece.digits, region) {
        Ok(mut number) => {
            number.extension.clone_from(&piece.extension);
            Ok(vec![number])
        }
        Err(reason) => {
            let mut numbers = read_groups(piece, region).ok_or(reason)?;
            if let Some(last) = numbers.last_mut() {
                last.extension.clone_from(&piece.extension);
            }
            Ok(numbers)
        }
    }
}

/// Two or three numbers with nothing but a gap between them. They must all be valid, or the gap must be a wide one,
/// because a wrong guess would write to a stranger.
fn read_groups(piece: &Piece, region: Option<Region>) -> Option<Vec<PhoneNumber>> {
    let groups = &piece.groups;
    if groups.len() < 2 || groups.len() > 16 || piece.digits.len() > 45 {
        return None;
    }
    let mut ends = Vec::with_capacity(groups.len());
    let mut end = 0;
    for (length, wide) in groups {
        end += length;
        ends.push((end, *wide));
    }
    ends.pop();
    let cut = |cuts: &[(usize, bool)]| -> Option<Vec<PhoneNumber>> {
        let wide = cuts.iter().all(|(_, wide)| *wide);
        let mut from = 0;
        let mut numbers = Vec::with_capacity(cuts.len() + 1);
        for to in cuts.iter().map(|(to, _)| *to).chain([piece.digits.len()]) {
            let digits = &piece.digits[from..to];
            let number = (digits.len() > SHORT_CODE.1)
                .then(|| read_one(piece.plus && from == 0, digits, region).ok())
                .flatten()
                .filter(|number| number.valid || wide)?;
            numbers.push(number);
            from = to;
        }
        Some(numbers)
    };
    let wide: Vec<_> = ends.iter().copied().filter(|(_, wide)| *wide).collect();
    if !wide.is_empty()
        && let Some(numbers) = cut(&wide)
    {
        return Some(numbers);
    }
    if let Some(numbers) = ends.iter().find_map(|end| cut(&[*end])) {
        return Some(numbers);
    }
    ends.iter().enumerate().find_map(|(at, first)| ends[at + 1..].iter().find_map(|second| cut(&[*first, *second])))
}

/// What one run of digits means: the first valid reading, else the first possible one.
fn read_one(plus: bool, digits: &str, region: Option<Region>) -> Result<PhoneNumber, Reason> {
    let bare = digits.trim_start_matches('0');
    let count = digits.len();
    if bare.is_empty() {
        return Err(Reason::TooShort { digits: count });
    }
    let mut readings = Readings { count, possible: None, reason: None };
    // A plus sign or `00` says that the country code follows. `000` is the same in countries that dial it so.
    if plus || digits.starts_with("00") {
        if !digits.starts_with('0') || digits.starts_with("00") {
            if let Some(number) = readings.international(bare) {
                return Ok(number);
            }
            // What was said to be international is believed before it is taken for a national number.
            if let Some(number) = readings.possible.take() {
                return Ok(number);
            }
        }
        if let Some(number) = region.and_then(|region| readings.national(bare, region)) {
            return Ok(number);
        }
        // Only a trunk zero (`+0990...`) makes a national number of one with a plus sign.
        if plus && !digits.starts_with('0') {
            readings.possible = None;
        }
        return readings.best(Reason::CallingCode);
    }
    if let Some(number) = region.and_then(|region| readings.national(bare, region)) {
        return Ok(number);
    }
    // The country code without its plus sign. Without a region, it must be more than a chance.
    let national = readings.possible.take();
    if !digits.starts_with('0') {
        if let Some(number) = readings.international(digits) {
            return Ok(number);
        }
        let of_region = region
            .and_then(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region))
            .is_some_and(|code| digits.starts_with(&code.to_string()));
        if !of_region {
            readings.possible = None;
        }
    }
    readings.possible = national.or(readings.possible);
    if region.is_none() {
        readings.reason = Some(Reason::NoRegion);
    }
    readings.best(Reason::NoRegion)
}

/// Tries readings of the same digits, and keeps the first possible one and the first reason against.
struct Readings {
    count: usize,
    possible: Option<PhoneNumber>,
    reason: Option<Reason>,
}

impl Readings {
    /// As a country code and a national number, with or without a trunk zero between them. A valid number is
    /// returned, a possible one is kept.
    fn international(&mut self, digits: &str) -> Option<PhoneNumber> {
        if let Some(number) = self.try_text(&format!("+{digits}"), None) {
            return Some(number);
        }
        // `+231 0 990...`: the trunk zero is not part of the number, except where the plan has it (Italy), which
        // the reading above has found valid.
        for length in 1..=3.min(digits.len()) {
            let (code, rest) = digits.split_at(length);
            if rest.starts_with('0')
                && code.parse().ok().and_then(|code| PHONE_NUMBER_UTIL.get_region_for_country_code(code)).is_some()
            {
                return self.try_text(&format!("+{code}{}", rest.trim_start_matches('0')), None);
            }
        }
        None
    }

    /// As a national number, without its trunk zeros. A valid number is returned, a possible one is kept.
    fn national(&mut self, digits: &str, region: Region) -> Option<PhoneNumber> {
        // Some plans write their zero as part of the number; those are read with it first.
        self.try_text(&format!("0{digits}"), Some(region)).or_else(|| self.try_text(digits, Some(region)))
    }

    fn try_text(&mut self, text: &str, region: Option<Region>) -> Option<PhoneNumber> {
        let number = match PHONE_NUMBER_UTIL.parse(text, region) {
            Ok(number) => number,
            Err(error) => {
                self.reason.get_or_insert(match error {
                    rlibphonenumber::ParseError::InvalidCountryCode => Reason::CallingCode,
                    rlibphonenumber::ParseError::TooLongNsn => Reason::TooLong { digits: self.count },
                    _ => Reason::TooShort { digits: self.count },
                });
                return None;
            }
        };
        let valid = number.is_valid();
        match number.is_possible_with_reason() {
            Ok(NumberLengthType::IsPossible) => {}
            refused => {
                self.reason.get_or_insert(match refused {
                    Ok(_) => Reason::AreaCode,
                    Err(ValidationError::TooShort) => Reason::TooShort { digits: self.count },
                    Err(ValidationError::TooLong) => Reason::TooLong { digits: self.count },
                    Err(ValidationError::InvalidLength) => Reason::Length { digits: self.count },
                    Err(ValidationError::InvalidCountryCode) => Reason::CallingCode,
                });
                return None;
            }
        }
        let number = PhoneNumber {
            number: number.format_as(PhoneNumberFormat::E164).into_owned(),
            kind: Kind::International,
            valid,
            extension: None,
        };
        if valid {
            return Some(number);
        }
        self.possible.get_or_insert(number);
        None
    }

    fn best(self, otherwise: Reason) -> Result<PhoneNumber, Reason> {
        self.possible.ok_or_else(|| self.reason.unwrap_or(otherwise))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn north_american_numbers_are_what_parsing_gives() {
        for number in ["+12024561111", "+18005550199", "+18765550123", "+12425550123", "+19999999999", "+15235550123"] {
            let parsed = PHONE_NUMBER_UTIL.parse(number, None).unwrap();
            assert_eq!(read_e164(number), Some(parsed), "{number}");
        }
        assert_eq!(region_of("+12024561111").as_deref(), Some("US"));
        assert_eq!(region_of("+18765550123").as_deref(), Some("JM"));
        assert_eq!(national("+12024561111").as_deref(), Some("(202) 456-1111"));
    }
}
