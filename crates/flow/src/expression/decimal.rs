//! Decimal numbers: at most 36 significant digits and an exponent within ±100, without binary fractions.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Neg;
use std::str::FromStr;

use super::error::{Error, Result};

/// Most significant digits of a number.
pub const MAX_DIGITS: u32 = 36;
/// Largest magnitude of a number's exponent, and of the exponent of `^`.
pub const MAX_EXPONENT: i32 = 100;
/// Decimal places that a quotient is rounded to.
const DIVISION_PLACES: i32 = 16;

/// A decimal number, `coefficient * 10^exponent`.
///
/// Arithmetic is exact, or refused when the result has more than [`MAX_DIGITS`] significant digits. Rounding is half
/// away from zero. Equal numbers compare equal whatever their trailing zeros, and render without them.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    coefficient: i128,
    exponent: i32,
}

const POWERS: [u128; 39] = {
    let mut table = [1_u128; 39];
    let mut i = 1;
    while i < 39 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};
const LIMIT: u128 = POWERS[MAX_DIGITS as usize];

/// Decimal places to round to, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; half away from zero.
    HalfUp,
    /// Towards plus infinity.
    Ceiling,
    /// Towards minus infinity.
    Floor,
}

fn out_of_range() -> Error {
    Error::new("number value out of range")
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { coefficient: 0, exponent: 0 };
    /// One.
    pub const ONE: Self = Self { coefficient: 1, exponent: 0 };

    /// `coefficient * 10^exponent`, refused when out of range.
    pub fn new(coefficient: i128, exponent: i32) -> Result<Self> {
        Self { coefficient, exponent }.checked()
    }

    const fn int(coefficient: i128) -> Self {
        Self { coefficient, exponent: 0 }
    }

    /// Whether this is zero.
    pub fn is_zero(self) -> bool {
        self.coefficient == 0
    }

    /// Whether this is below zero.
    pub fn is_negative(self) -> bool {
        self.coefficient < 0
    }

    /// The digits without sign, shortened by their trailing zeros, and the exponent that goes with them.
    fn normal(self) -> (u128, i32) {
        let (mut digits, mut exponent) = (self.coefficient.unsigned_abs(), self.exponent);
        if digits == 0 {
            return (0, 0);
        }
        while digits.is_multiple_of(10) {
            digits /= 10;
            exponent += 1;
        }
        (digits, exponent)
    }

    fn checked(self) -> Result<Self> {
        if self.coefficient.unsigned_abs() < LIMIT && self.exponent.abs() <= MAX_EXPONENT {
            return Ok(self);
        }
        let (digits, exponent) = self.normal();
        if digits >= LIMIT || exponent.abs() > MAX_EXPONENT {
            return Err(out_of_range());
        }
        Ok(Self::signed(self.coefficient < 0, digits, exponent))
    }

    fn signed(negative: bool, digits: u128, exponent: i32) -> Self {
        let coefficient = digits as i128;
        Self { coefficient: if negative { -coefficient } else { coefficient }, exponent }
    }

    /// Both coefficients at the smaller exponent, if they fit.
    fn aligned(self, other: Self) -> Option<(i128, i128, i32)> {
        if self.exponent == other.exponent {
            return Some((self.coefficient, other.coefficient, self.exponent));
        }
        if self.is_zero() {
            return Some((0, other.coefficient, other.exponent));
        }
        if other.is_zero() {
            return Some((self.coefficient, 0, self.exponent));
        }
        let low = self.exponent.min(other.exponent);
        let scale = |n: Self| -> Option<i128> {
            let power = usize::try_from(n.exponent - low).ok()?;
            n.coefficient.checked_mul(i128::try_from(*POWERS.get(power)?).ok()?)
        };
        Some((scale(self)?, scale(other)?, low))
    }

    fn normalized(self) -> Self {
        let (digits, exponent) = self.normal();
        Self::signed(self.coefficient < 0, digits, exponent)
    }

    /// The sum.
    pub fn try_add(self, other: Self) -> Result<Self> {
        let (a, b, exponent) =
            self.aligned(other).or_else(|| self.normalized().aligned(other.normalized())).ok_or_else(out_of_range)?;
        Self { coefficient: a.checked_add(b).ok_or_else(out_of_range)?, exponent }.checked()
    }

    /// The difference.
    pub fn try_sub(self, other: Self) -> Result<Self> {
        self.try_add(-other)
    }

    /// The absolute value.
    pub fn abs(self) -> Self {
        Self { coefficient: self.coefficient.abs(), exponent: self.exponent }
    }

    /// The product.
    pub fn try_mul(self, other: Self) -> Result<Self> {
        if let Some(coefficient) = self.coefficient.checked_mul(other.coefficient)
            && let Ok(product) = (Self { coefficient, exponent: self.exponent + other.exponent }).checked()
        {
            return Ok(product);
        }
        // Twos and fives that meet make zeros: the digits are looked at once more without them.
        let ((mut a, x), (mut b, y)) = (self.normal(), other.normal());
        let mut exponent = x + y;
        for (m, n) in [(2, 5), (5, 2)] {
            while a.is_multiple_of(m) && b.is_multiple_of(n) {
                a /= m;
                b /= n;
                exponent += 1;
            }
        }
        let digits = a.checked_mul(b).filter(|d| *d < LIMIT).ok_or_else(out_of_range)?;
        Self::signed((self.coefficient < 0) != (other.coefficient < 0), digits, exponent).checked()
    }

    /// This times a power of ten.
    pub fn shift(self, exponent: i32) -> Result<Self> {
        if self.is_zero() {
            return Ok(self);
        }
        let exponent = self.exponent.checked_add(exponent).ok_or_else(out_of_range)?;
        Self { coefficient: self.coefficient, exponent }.checked()
    }

    /// The quotient, rounded to 16 decimal places.
    pub fn try_div(self, other: Self) -> Result<Self> {
        if other.is_zero() {
            return Err(Error::new("division by zero"));
        }
        let negative = (self.coefficient < 0) != (other.coefficient < 0);
        let ((a, x), (b, y)) = (self.normal(), other.normal());
        let (mut digits, mut rest, mut exponent) = (a / b, a % b, x - y);
        while exponent > -DIVISION_PLACES && rest != 0 {
            rest *= 10;
            digits = digits.checked_mul(10).and_then(|d| d.checked_add(rest / b)).ok_or_else(out_of_range)?;
            rest %= b;
            exponent -= 1;
        }
        let mut up = false;
        if exponent < -DIVISION_PLACES {
            // The places are too many already: drop what is below the last one that stays.
            let drop = -DIVISION_PLACES - exponent;
            let unit = usize::try_from(drop).ok().and_then(|d| POWERS.get(d)).copied();
            let (kept, dropped) = unit.map_or((0, digits), |u| (digits / u, digits % u));
            up = unit.is_some_and(|u| dropped >= u - dropped);
            digits = kept;
            exponent = -DIVISION_PLACES;
        } else if rest != 0 {
            up = rest >= b - rest;
        }
        Self::signed(negative, digits + u128::from(up), exponent).checked()
    }

    /// The remainder of dividing, with the sign of the dividend.
    pub fn try_rem(self, other: Self) -> Result<Self> {
        if other.is_zero() {
            return Err(Error::new("division by zero"));
        }
        let (a, b, exponent) =
            self.aligned(other).or_else(|| self.normalized().aligned(other.normalized())).ok_or_else(out_of_range)?;
        Self { coefficient: a % b, exponent }.checked()
    }

    /// This to the power of `exponent`. A fractional exponent is computed to about seven decimal places.
    pub fn pow(self, exponent: Self) -> Result<Self> {
        if exponent.abs() > Self::int(i128::from(MAX_EXPONENT)) {
            return Err(Error::new("exponent out of range"));
        }
        let whole = exponent.truncate();
        let fraction = exponent.try_sub(whole)?;
        let count = whole.to_i64().unwrap_or(0);
        if self.is_zero() {
            return match exponent.coefficient.cmp(&0) {
                Ordering::Less => Err(Error::new("division by zero")),
                Ordering::Equal => Ok(Self::ONE),
                Ordering::Greater => Ok(Self::ZERO),
            };
        }
        if self.is_negative() && !fraction.is_zero() {
            return Err(Error::new("number value out of range"));
        }
        let mut power = Self::ONE;
        for _ in 0..count.unsigned_abs() {
            power = power.try_mul(self)?;
        }
        if count < 0 {
            power = Self::ONE.try_div(power)?;
        }
        if fraction.is_zero() {
            return Ok(power);
        }
        let digits = |n: Self| n.coefficient.unsigned_abs().checked_ilog10().map_or(1, |d| d as i32 + 1);
        let mut places = digits(self);
        if digits(exponent) > places {
            places += digits(exponent);
        }
        let places = (places + 6 - self.exponent).clamp(0, 15);
        let at = |n: f64| Self::from_f64(n, places);
        let log = at(self.to_f64().ln())?;
        power.try_mul(at(log.try_mul(fraction)?.to_f64().exp())?)
    }

    /// Rounded to `places` decimal places; negative ones round tens, hundreds and so on, up to the largest exponent.
    pub fn round(self, places: i32, how: Rounding) -> Self {
        let places = places.max(-MAX_EXPONENT);
        let drop = i64::from(-self.exponent) - i64::from(places);
        if drop <= 0 || self.is_zero() {
            return self;
        }
        let negative = self.coefficient < 0;
        let digits = self.coefficient.unsigned_abs();
        let unit = usize::try_from(drop).ok().and_then(|d| POWERS.get(d)).copied();
        let (kept, dropped) = unit.map_or((0, digits), |u| (digits / u, digits % u));
        let up = match how {
            Rounding::HalfUp => unit.is_some_and(|u| dropped >= u - dropped),
            Rounding::Ceiling => dropped != 0 && !negative,
            Rounding::Floor => dropped != 0 && negative,
        };
        let rounded = Self::signed(negative, kept + u128::from(up), -places);
        if rounded.is_zero() { Self::ZERO } else { rounded }
    }

    /// Without its decimals.
    pub fn truncate(self) -> Self {
        self.round(0, if self.is_negative() { Rounding::Ceiling } else { Rounding::Floor })
    }

    /// The number as a whole, its decimals dropped; `None` when it doesn't fit.
    pub fn to_i64(self) -> Option<i64> {
        let whole = self.truncate();
        if whole.is_zero() {
            return Some(0);
        }
        let power = POWERS.get(usize::try_from(whole.exponent).ok()?)?;
        i64::try_from(whole.coefficient.checked_mul(i128::try_from(*power).ok()?)?).ok()
    }

    /// The nearest binary number.
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(0.0)
    }

    /// A binary number rounded to decimal places (at most 15 are kept).
    pub fn from_f64(number: f64, places: i32) -> Result<Self> {
        let places = places.clamp(0, 15) as usize;
        format!("{number:.places$}").parse()
    }

    /// Nanoseconds as seconds.
    pub fn from_nanos(nanos: i128) -> Self {
        Self { coefficient: nanos, exponent: -9 }
    }

    /// Seconds as nanoseconds; `None` when they don't fit. What is below a nanosecond is dropped.
    pub fn to_nanos(self) -> Option<i128> {
        let n = self.normalized();
        if n.exponent >= -9 {
            let power = POWERS.get(usize::try_from(n.exponent + 9).ok()?)?;
            n.coefficient.checked_mul(i128::try_from(*power).ok()?)
        } else {
            Some(POWERS.get(usize::try_from(-9 - n.exponent).ok()?).map_or(0, |p| n.coefficient / (*p as i128)))
        }
    }

    /// Sign, digits before the point, digits after it: what rendering and formatting share.
    pub(crate) fn parts(self) -> (bool, String, String) {
        let (digits, exponent) = self.normal();
        let mut whole = digits.to_string();
        let mut fraction = String::new();
        if exponent >= 0 {
            whole.extend(std::iter::repeat_n('0', exponent as usize));
        } else {
            let places = exponent.unsigned_abs() as usize;
            if whole.len() <= places {
                whole.insert_str(0, &"0".repeat(places + 1 - whole.len()));
            }
            fraction = whole.split_off(whole.len() - places);
        }
        (self.coefficient < 0, whole, fraction)
    }
}

impl Neg for Decimal {
    type Output = Self;
    fn neg(self) -> Self {
        Self { coefficient: -self.coefficient, exponent: self.exponent }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exponent == 0 {
            return write!(f, "{}", self.coefficient);
        }
        let (negative, whole, fraction) = self.parts();
        if negative {
            f.write_str("-")?;
        }
        f.write_str(&whole)?;
        if !fraction.is_empty() {
            write!(f, ".{fraction}")?;
        }
        Ok(())
    }
}

impl FromStr for Decimal {
    type Err = Error;

    /// Reads `-?(digits | digits.digits | .digits)`, without spaces around.
    fn from_str(text: &str) -> Result<Self> {
        let not_a_number = || Error::new(format!("'{text}' is not a number"));
        let too_large = || Error::new(format!("number {text} is out of range"));
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if fraction.is_empty()
            || (whole.is_empty() && !unsigned.starts_with('.'))
            || !digits(whole)
            || !digits(fraction)
        {
            return Err(not_a_number());
        }
        let fraction = fraction.trim_end_matches('0');
        let mut coefficient: u128 = 0;
        let mut zeros = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if byte == b'0' {
                zeros += 1;
                continue;
            }
            // Zeros count once a digit follows them, so that a round number may be long.
            let shift = if coefficient == 0 { 1 } else { *POWERS.get(zeros + 1).ok_or_else(too_large)? };
            coefficient = coefficient
                .checked_mul(shift)
                .map(|c| c + u128::from(byte - b'0'))
                .filter(|c| *c < LIMIT)
                .ok_or_else(too_large)?;
            zeros = 0;
        }
        if coefficient == 0 {
            return Ok(Self::ZERO);
        }
        let exponent = i32::try_from(zeros).ok().zip(i32::try_from(fraction.len()).ok()).map(|(z, f)| z - f);
        let number = Self::signed(negative, coefficient, exponent.ok_or_else(too_large)?);
        number.checked().map_err(|_| too_large())
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if let Some((a, b, _)) = self.aligned(*other) {
            return a.cmp(&b);
        }
        // Too far apart to be written at one exponent: the sign decides, else the position of the first digit.
        let sign = self.coefficient.signum().cmp(&other.coefficient.signum());
        if sign != Ordering::Equal {
            return sign;
        }
        let place = |n: &Self| n.coefficient.unsigned_abs().checked_ilog10().map_or(0, |d| d as i32) + n.exponent;
        match (self.is_negative(), place(self).cmp(&place(other))) {
            (_, Ordering::Equal) => {
                let (a, b) = (self.normalized(), other.normalized());
                a.aligned(b).map_or(Ordering::Equal, |(a, b, _)| a.cmp(&b))
            }
            (false, order) => order,
            (true, order) => order.reverse(),
        }
    }
}

impl From<i64> for Decimal {
    fn from(n: i64) -> Self {
        Self::int(i128::from(n))
    }
}

impl From<u64> for Decimal {
    fn from(n: u64) -> Self {
        Self::int(i128::from(n))
    }
}

impl From<i32> for Decimal {
    fn from(n: i32) -> Self {
        Self::int(i128::from(n))
    }
}

impl From<usize> for Decimal {
    fn from(n: usize) -> Self {
        Self::int(n as i128)
    }
}

impl serde::Serialize for Decimal {
    /// A JSON number with all its digits.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let text = self.to_string();
        match serde_json::value::RawValue::from_string(text) {
            Ok(raw) => raw.serialize(serializer),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn texts_are_read_and_written() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("007.50", "7.5"),
            (".25", "0.25"),
            ("-120", "-120"),
            ("1000000000000000000000000000000000000000000", "1000000000000000000000000000000000000000000"),
            ("0.000000000000000000000000000000000000000001", "0.000000000000000000000000000000000000000001"),
            ("123456789012345678901234567890123456", "123456789012345678901234567890123456"),
        ] {
            assert_eq!(decimal(text).to_string(), expected);
        }
        for text in
            ["", "-", ".", "1.", "1e5", "+1", " 1", "1,000", "1.2.3", "--1", "1234567890123456789012345678901234567"]
        {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    #[test]
    fn places_are_rounded() {
        let cases = [
            ("12.5", 0, "13", "13", "12"),
            ("-12.5", 0, "-13", "-12", "-13"),
            ("12.141", 2, "12.14", "12.15", "12.14"),
            ("1250", -2, "1300", "1300", "1200"),
            ("49", -2, "0", "100", "0"),
            ("0.004", 2, "0", "0.01", "0"),
            ("-0.004", 2, "0", "0", "-0.01"),
            ("7", 2_000_000_000, "7", "7", "7"),
            ("7", i32::MIN, "0", "1e100", "0"),
        ];
        for (number, places, half_up, ceiling, floor) in cases {
            let rounded = |how| decimal(number).round(places, how).to_string();
            assert_eq!(rounded(Rounding::HalfUp), half_up, "{number}");
            assert_eq!(
                rounded(Rounding::Ceiling),
                ceiling.replace("1e100", &format!("1{}", "0".repeat(100))),
                "{number}"
            );
            assert_eq!(rounded(Rounding::Floor), floor, "{number}");
        }
    }

    #[test]
    fn quotients_have_sixteen_places() {
        for (a, b, expected) in [
            ("10", "3", "3.3333333333333333"),
            ("-2", "3", "-0.6666666666666667"),
            ("1", "8", "0.125"),
            ("1", "20000000000000000", "0.0000000000000001"),
            ("1", "30000000000000000", "0"),
            ("0.00000000000000005", "1", "0.0000000000000001"),
            ("0.00000000000000004", "1", "0"),
            ("0.00000000000000000000000005", "0.00000000000000000000000002", "2.5"),
        ] {
            assert_eq!(decimal(a).try_div(decimal(b)).unwrap().to_string(), expected, "{a}/{b}");
        }
        assert!(decimal("1").try_div(Decimal::ZERO).is_err());
    }

    #[test]
    fn order_holds_across_exponents() {
        let far = Decimal::new(1, 90).unwrap();
        let near = Decimal::new(1, -90).unwrap();
        assert!(near < far && -far < -near && near > Decimal::ZERO && -far < Decimal::ZERO);
        assert_eq!(Decimal::new(10, 1).unwrap(), Decimal::from(100));
        assert_eq!(decimal("1.0"), Decimal::ONE);
    }

    #[test]
    fn whole_numbers_and_nanoseconds() {
        assert_eq!(decimal("-1.9").to_i64(), Some(-1));
        assert_eq!(decimal("9223372036854775807").to_i64(), Some(i64::MAX));
        assert_eq!(decimal("9223372036854775808").to_i64(), None);
        assert_eq!(decimal("-0.5").to_nanos(), Some(-500_000_000));
        assert_eq!(decimal("0.0000000009").to_nanos(), Some(0));
        assert_eq!(Decimal::from_nanos(1_500_000_000).to_string(), "1.5");
    }
}
