//! Entities of HTML.

/// The text with entities decoded, non-breaking spaces as spaces.
pub(crate) fn decode(text: &str) -> String {
    html_escape::decode_html_entities(text).replace('\u{a0}', " ")
}
