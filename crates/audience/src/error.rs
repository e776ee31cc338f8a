//! Why a query is refused, and where.

use std::fmt::Write;
use std::ops::Range;

use serde::{Serialize, Serializer};

/// What is wrong with a query. The names up to [`Code::TooComplex`] are RapidPro's, as API clients know them; the
/// others belong to worker attributes, which RapidPro does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The text is not a query.
    Syntax,
    /// A number property is compared with something else.
    InvalidNumber,
    /// A date property is compared with something else.
    InvalidDate,
    /// Not an ISO 639-3 language code.
    InvalidLanguage,
    /// Not one of `active`, `blocked`, `stopped` and `archived`.
    InvalidStatus,
    /// No group has this name.
    InvalidGroup,
    /// No flow has this name.
    InvalidFlow,
    /// `name ~` without a word of two letters (bytes, to be exact) or more.
    InvalidPartialName,
    /// `~` on a URN with fewer than three characters.
    InvalidPartialUrn,
    /// `~` on a property that has no partial matches.
    UnsupportedContains,
    /// `<`, `<=`, `>` or `>=` on a property that is neither number nor date.
    UnsupportedComparison,
    /// `= ""` or `!= ""` on a property that is always set.
    UnsupportedSetCheck,
    /// A prefix other than `fields.`, `urns.` and `worker.`.
    UnknownPropertyType,
    /// A name that is no attribute, scheme, field or worker attribute.
    UnknownProperty,
    /// A URN is asked for where URNs are hidden.
    RedactedUrns,
    /// Too long, too deep or too many conditions.
    TooComplex,
    /// `within` names no place.
    InvalidPlace,
    /// `within` names several places, none of which contains the others.
    AmbiguousPlace,
    /// `~` on a worker attribute without anything to look for.
    InvalidPartialText,
    /// The query was parsed without definitions of its fields, groups, flows or places, so it cannot be evaluated.
    Unresolved,
}

impl Code {
    /// The code as API answers carry it, such as `unknown_property`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::InvalidNumber => "invalid_number",
            Self::InvalidDate => "invalid_date",
            Self::InvalidLanguage => "invalid_language",
            Self::InvalidStatus => "invalid_status",
            Self::InvalidGroup => "invalid_group",
            Self::InvalidFlow => "invalid_flow",
            Self::InvalidPartialName => "invalid_partial_name",
            Self::InvalidPartialUrn => "invalid_partial_urn",
            Self::UnsupportedContains => "unsupported_contains",
            Self::UnsupportedComparison => "unsupported_comparison",
            Self::UnsupportedSetCheck => "unsupported_setcheck",
            Self::UnknownPropertyType => "unknown_property_type",
            Self::UnknownProperty => "unknown_property",
            Self::RedactedUrns => "redacted_urns",
            Self::TooComplex => "too_complex",
            Self::InvalidPlace => "invalid_place",
            Self::AmbiguousPlace => "ambiguous_place",
            Self::InvalidPartialText => "invalid_partial_text",
            Self::Unresolved => "unresolved",
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A query that is refused: what is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What kind of error it is.
    pub code: Code,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Where it is: byte offsets into the query as it was given, on character boundaries.
    pub span: Range<usize>,
    /// What to do about it, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Details by name: `property` (without its prefix) with `value` or `operator`; `type` for an unknown prefix.
    #[serde(serialize_with = "as_map")]
    pub extra: Vec<(&'static str, String)>,
}

fn as_map<S: Serializer>(extra: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(extra.iter().map(|(key, value)| (key, value)))
}

/// How many characters of a line are shown on each side of the error.
const CONTEXT: usize = 50;

impl QueryError {
    pub(crate) fn new(code: Code, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span, hint: None, extra: Vec::new() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.extra.push((key, value.into()));
        self
    }

    /// The place of the error in characters: line and column, both from 1, within `query`.
    pub fn position(&self, query: &str) -> (usize, usize) {
        let before = query.get(..self.span.start).unwrap_or(query);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// The line of `query` that is at fault with a marker under the fault, the message, and the hint if there is one:
    ///
    /// ```text
    /// cadre = nurse AND (within = Bong
    ///                   ^ unclosed bracket
    /// hint: add ')' where the group ends
    /// ```
    ///
    /// Of a long line only the part around the fault is shown.
    pub fn render(&self, query: &str) -> String {
        let start = self.span.start.min(query.len());
        let start = (0..=start).rev().find(|at| query.is_char_boundary(*at)).unwrap_or(0);
        let line_start = query[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = query[start..].find('\n').map_or(query.len(), |at| start + at);
        let end = self.span.end.clamp(start, line_end);
        let end = (end..=line_end).find(|at| query.is_char_boundary(*at)).unwrap_or(line_end);

        let before: Vec<char> = query[line_start..start].chars().collect();
        let fault: Vec<char> = query[start..end].chars().take(CONTEXT).collect();
        let after: Vec<char> = query[start..line_end].chars().skip(fault.len()).collect();
        let skipped = before.len().saturating_sub(CONTEXT);
        let lead = if skipped > 0 { "..." } else { "" };
        let tail = if after.len() > CONTEXT { "..." } else { "" };
        let shown = |chars: &[char]| chars.iter().map(|c| if c.is_control() { ' ' } else { *c }).collect::<String>();

        let mut text = format!(
            "{lead}{}{}{}{tail}\n",
            shown(&before[skipped..]),
            shown(&fault),
            shown(&after[..after.len().min(CONTEXT)])
        );
        let indent = lead.len() + width(&before[skipped..]);
        let marker = "^".repeat(width(&fault).max(1));
        // Writing to a String cannot fail.
        let _ = write!(text, "{:indent$}{marker} {}", "", self.message);
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\nhint: {hint}");
        }
        text
    }
}

/// How many terminal columns the characters take, with marks that stand on another character counted as none.
fn width(chars: &[char]) -> usize {
    chars.iter().filter(|c| !unicode_normalization::char::is_combining_mark(**c)).count()
}
