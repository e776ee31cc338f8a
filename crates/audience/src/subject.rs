//! A contact as a query sees it.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::property::Property;

/// One value of a property.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A text as it is shown: case, accents and white space do not matter. Where many queries look at one contact,
    /// a text prepared once by [`text::comparable`](crate::text::comparable) saves each of them the work.
    Text(&'a str),
    /// A number.
    Number(Decimal),
    /// An instant.
    Time(Timestamp),
    /// The number of a place in its tree ([`base::place::Span::left`]).
    Place(u32),
}

/// Gives the values of a contact's properties.
///
/// | property | values |
/// |---|---|
/// | `tickets`, number fields | [`Value::Number`] |
/// | `created_on`, `last_seen_on`, datetime fields | [`Value::Time`] |
/// | `worker.within` | [`Value::Place`], one for each post |
/// | `urn`, `urns.x` | paths of all URNs, or of those with the scheme |
/// | `group`, `flow`, `history` | UUIDs as text |
/// | state, district and ward fields | the name of the place, without its path |
/// | all others | [`Value::Text`] |
///
/// A property that is not set gives nothing, and no value is an empty text. `tickets`, dates and fields give at most
/// one value. A value of another kind than the property's is not looked at.
pub trait Subject {
    /// Calls `visit` with each value of `property`, in any order.
    fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>));
}
