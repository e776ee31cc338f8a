//! What an import could not use, and what a person can do about it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// How much a finding takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A record, or a part of a file, is not in the registry.
    Error,
    /// A field of a record was left out or needs a look.
    Warning,
    /// Nothing is lost.
    Info,
}

/// Where in the input something stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The name of the file.
    pub file: Arc<str>,
    /// The line, from 1; the row of a workbook.
    pub line: u32,
    /// The column, from 1, in bytes; 0 where the whole line is meant.
    pub column: u32,
    /// A FHIRPath such as `Bundle.entry[3].resource.telecom[0].value`, or the header of a table's column; empty where
    /// neither applies.
    pub path: String,
}

impl Origin {
    /// The same place, further down its path.
    pub fn at(&self, part: &str) -> Self {
        let mut path = self.path.clone();
        if !path.is_empty() && !part.is_empty() && !part.starts_with('[') {
            path.push('.');
        }
        path.push_str(part);
        Self { path, ..self.clone() }
    }
}

impl fmt::Display for Origin {
    /// `file:line:column path`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        if self.path.is_empty() { Ok(()) } else { write!(f, " {}", self.path) }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $severity:ident, $remedy:literal;)*) => {
        /// What kind of finding it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// How much it takes away.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What to do, where nothing more exact is known.
            fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

codes! {
    /// The file's kind is not one that can be read.
    UnknownFormat = Error, "give a FHIR R4 JSON bundle, a CSV file or an XLSX workbook";
    /// Text that is not what its format says.
    Syntax = Error, "repair the record at this place and import the file again; the other records were read";
    /// The file ends within a record.
    Truncated = Error, "fetch the file again in full and import it again; what came before was read";
    /// The file has a page of a longer result.
    Partial = Warning, "fetch all pages (the links with relation 'next') and import them together";
    /// A file that is not UTF-8.
    Encoding = Info, "look at a few accented letters; if they are wrong, save the file as UTF-8";
    /// The character U+0000, which was removed.
    NulRemoved = Info, "look at the field if its text seems cut";
    /// A resource of a type that is not part of the registry.
    NotUsed = Info, "nothing to do: the registry takes Practitioner, PractitionerRole, Location and Organization";
    /// A JSON record that is no FHIR resource.
    NoType = Warning, "export FHIR R4 resources: each has a resourceType";
    /// A resource without id and fullUrl.
    NoId = Error, "give the resource an id";
    /// A worker or place without a name.
    NoName = Warning, "enter the name at the source";
    /// A row without a name.
    EmptyName = Error, "enter a name, or delete the row";
    /// No column for something that is needed.
    MissingColumn = Error, "name the column as the template does, or give a mapping file";
    /// A column that is not used.
    UnknownColumn = Info, "map it in a mapping file if it should be used";
    /// A row with more cells than there are columns.
    RowTooLong = Error, "put quotes around the cell that contains the separator";
    /// A worker of a table without a phone.
    NoPhone = Warning, "ask the worker for a phone number";
    /// A phone that could not be read.
    UnreadablePhone = Warning, "correct the number at the source";
    /// A number that several workers have.
    SharedPhone = Warning, "ask whose number it is; until then, choose who is written to on it";
    /// A date that could not be read.
    BadDate = Warning, "write dates as year-month-day";
    /// A language that is not known.
    BadLanguage = Warning, "use a code such as eng, fra or sw";
    /// A gender that is not known.
    BadGender = Warning, "use male, female, other or unknown";
    /// A status that is not known.
    BadStatus = Warning, "use active or left";
    /// A field that is not of the kind that FHIR says, and was read all the same.
    Lenient = Info, "nothing to do; tell the source's keeper that the field is not valid FHIR";
    /// A field that is not of the kind that FHIR says.
    BadField = Warning, "correct the field at the source";
    /// A reference to something that is neither in the import nor known.
    UnresolvedReference = Warning, "import the file that has it together with this one";
    /// A post of nobody.
    NoWorker = Warning, "name the practitioner of the role at the source";
    /// The source has deleted a record other than a worker.
    Deleted = Warning, "import all files of the source in full: what they no longer have goes with that";
    /// Two records with one id and different content.
    DuplicateId = Warning, "give each record its own id at the source; the later one was used";
    /// Two rows that are one worker.
    SameWorker = Info, "nothing to do: their posts and phones were joined";
    /// A place within itself.
    PlaceCycle = Warning, "correct which place lies within which; the first of them was put at the top";
}

impl fmt::Display for Code {
    /// The name that JSON has, such as `unreadable_phone`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One thing that an import could not use, or that needs a look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How much it takes away.
    pub severity: Severity,
    /// What kind it is.
    pub code: Code,
    /// Where it stands.
    pub place: Origin,
    /// [`crate::Worker::source_id`] of the worker it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What a person can do about it.
    pub remedy: String,
}

impl Finding {
    /// A finding with the usual remedy of its kind.
    pub fn new(code: Code, place: Origin, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            place,
            worker: None,
            message: message.into(),
            remedy: code.remedy().to_owned(),
        }
    }

    /// About a worker.
    pub fn of(mut self, worker: &str) -> Self {
        self.worker = Some(worker.to_owned());
        self
    }

    /// With a more exact remedy.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.message, self.remedy)
    }
}
