//! What the columns of a table mean: by their headers, in English and French, or by a mapping file.

use base::text::fold;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A level of the jurisdiction tree, from the top down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Level {
    Country,
    Region,
    County,
    District,
    Subdistrict,
    Community,
    /// A place of any level, perhaps with those above it: `Liberia > Bong`.
    Place,
}

impl Level {
    /// The code, such as `county`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Region => "region",
            Self::County => "county",
            Self::District => "district",
            Self::Subdistrict => "subdistrict",
            Self::Community => "community",
            Self::Place => "place",
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Field {
    Id,
    Name,
    Given,
    Family,
    /// Phones; there may be several such columns.
    Phone,
    Email,
    Cadre,
    CadreCode,
    Facility,
    FacilityId,
    At(Level),
    /// Skills, separated by commas, semicolons or bars.
    Skills,
    Language,
    Gender,
    Status,
    BirthDate,
    StartDate,
    EndDate,
    /// Why the worker left.
    Reason,
    /// Nothing of interest, and no finding about it.
    Ignore,
}

/// Name in a mapping file, field, headers (folded, words only).
type Names = (&'static str, Field, &'static [&'static str]);

const NAMES: &[Names] = &[
    (
        "id",
        Field::Id,
        &[
            "id",
            "worker id",
            "staff id",
            "employee id",
            "employee number",
            "person id",
            "hrh id",
            "ihris id",
            "matricule",
            "identifiant",
            "numero matricule",
            "no matricule",
            "payroll number",
            "national id",
            "uid",
            "uuid",
        ],
    ),
    (
        "name",
        Field::Name,
        &[
            "name",
            "full name",
            "fullname",
            "worker",
            "worker name",
            "staff name",
            "employee name",
            "health worker",
            "health worker name",
            "name of worker",
            "name of staff",
            "nom complet",
            "nom et prenom",
            "nom et prenoms",
            "noms et prenoms",
            "nom prenom",
            "noms",
            "nom de l agent",
            "agent",
        ],
    ),
    (
        "given",
        Field::Given,
        &[
            "given",
            "given name",
            "given names",
            "first name",
            "firstname",
            "forename",
            "other names",
            "prenom",
            "prenoms",
        ],
    ),
    (
        "family",
        Field::Family,
        &["family", "family name", "last name", "lastname", "surname", "nom de famille", "nom", "postnom"],
    ),
    (
        "phone",
        Field::Phone,
        &[
            "phone",
            "phones",
            "phone number",
            "phone numbers",
            "phone no",
            "telephone",
            "telephone number",
            "tel",
            "mobile",
            "mobile phone",
            "mobile number",
            "mobile no",
            "cell",
            "cell phone",
            "cellphone",
            "cell number",
            "contact",
            "contact number",
            "contact no",
            "contacts",
            "phone contact",
            "msisdn",
            "numero de telephone",
            "no de telephone",
            "no telephone",
            "numero telephone",
            "n de telephone",
            "n telephone",
            "portable",
            "numero",
            "gsm",
            "whatsapp",
            "alternate phone",
            "alternative phone",
            "other phone",
            "second phone",
            "autre telephone",
            "work phone",
        ],
    ),
    (
        "email",
        Field::Email,
        &["email", "e mail", "mail", "email address", "courriel", "adresse email", "adresse e mail"],
    ),
    (
        "cadre",
        Field::Cadre,
        &[
            "cadre",
            "job",
            "job title",
            "position",
            "title",
            "role",
            "designation",
            "profession",
            "occupation",
            "post",
            "fonction",
            "poste",
            "emploi",
            "categorie",
            "categorie professionnelle",
            "titre",
        ],
    ),
    (
        "cadre_code",
        Field::CadreCode,
        &["cadre code", "job code", "position code", "code cadre", "code emploi", "code fonction"],
    ),
    (
        "facility",
        Field::Facility,
        &[
            "facility",
            "health facility",
            "facility name",
            "hospital",
            "clinic",
            "duty station",
            "workplace",
            "work place",
            "place of work",
            "station",
            "site",
            "health center",
            "health centre",
            "etablissement",
            "formation sanitaire",
            "fosa",
            "structure",
            "structure sanitaire",
            "centre de sante",
            "hopital",
            "lieu de travail",
            "lieu d affectation",
        ],
    ),
    (
        "facility_id",
        Field::FacilityId,
        &["facility id", "facility code", "mfl code", "code etablissement", "code fosa", "code structure", "dhis2 id"],
    ),
    ("country", Field::At(Level::Country), &["country", "pays"]),
    ("region", Field::At(Level::Region), &["region", "province", "state", "division provinciale", "dps"]),
    ("county", Field::At(Level::County), &["county", "prefecture", "department", "departement"]),
    (
        "district",
        Field::At(Level::District),
        &["district", "health district", "district sanitaire", "zone de sante", "health zone", "lga", "cercle", "zs"],
    ),
    (
        "subdistrict",
        Field::At(Level::Subdistrict),
        &[
            "subdistrict",
            "sub district",
            "sub county",
            "subcounty",
            "ward",
            "chiefdom",
            "commune",
            "aire de sante",
            "health area",
        ],
    ),
    (
        "community",
        Field::At(Level::Community),
        &["community", "village", "town", "city", "ville", "localite", "communaute"],
    ),
    (
        "place",
        Field::At(Level::Place),
        &["place", "location", "jurisdiction", "lieu", "localisation", "address", "adresse"],
    ),
    (
        "skills",
        Field::Skills,
        &[
            "skill",
            "skills",
            "qualification",
            "qualifications",
            "speciality",
            "specialty",
            "specialities",
            "specialties",
            "training",
            "trainings",
            "competence",
            "competences",
            "specialite",
            "specialites",
            "diplome",
            "diplomes",
            "formation",
            "formations",
        ],
    ),
    (
        "language",
        Field::Language,
        &["language", "languages", "preferred language", "langue", "langues", "langue preferee"],
    ),
    ("gender", Field::Gender, &["gender", "sex", "sexe", "genre"]),
    (
        "status",
        Field::Status,
        &["status", "employment status", "active", "actif", "statut", "etat", "state of employment"],
    ),
    (
        "birth_date",
        Field::BirthDate,
        &["birth date", "birthdate", "date of birth", "dob", "date de naissance", "naissance"],
    ),
    (
        "start_date",
        Field::StartDate,
        &[
            "start date",
            "date started",
            "date of hire",
            "hire date",
            "since",
            "date de debut",
            "date d affectation",
            "date d embauche",
        ],
    ),
    (
        "end_date",
        Field::EndDate,
        &["end date", "date left", "left on", "date of departure", "until", "date de fin", "date de depart"],
    ),
    (
        "reason",
        Field::Reason,
        &["reason", "reason for leaving", "departure reason", "raison", "motif", "motif de depart"],
    ),
    (
        "ignore",
        Field::Ignore,
        &["no", "nr", "s n", "sn", "serial", "serial number", "index", "row", "numero d ordre", "n"],
    ),
];

impl Field {
    /// The field that a mapping file names.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _, _)| *known == name).map(|(_, field, _)| *field)
    }

    /// The name in a mapping file.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, field, _)| *field == self).map_or("ignore", |(name, _, _)| name)
    }

    /// The names that a mapping file can use.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _, _)| *name)
    }

    /// The field of a header.
    fn from_header(header: &str) -> Option<Self> {
        let words = words(header);
        let find =
            |words: &str| NAMES.iter().find(|(_, _, headers)| headers.contains(&words)).map(|(_, field, _)| *field);
        // `Phone 2`, `phone_no_1`, `tel (2)`.
        find(&words).or_else(|| {
            let counted = words.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
            if counted.is_empty() { None } else { find(counted) }
        })
    }
}

/// A header as single words: `Phone No.` becomes `phone no`.
fn words(header: &str) -> String {
    let folded = fold(header);
    let mut out = String::with_capacity(folded.len());
    for word in folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A mapping file (TOML): what the columns of a table mean that the usual headers do not tell.
///
/// ```toml
/// sheet = "Staff 2026"         # of a workbook; otherwise the first one with known columns
/// header_row = 3               # from 1; otherwise the first row with known columns
/// delimiter = ";"              # of a CSV file; otherwise found
///
/// [columns]                    # header = field
/// "Agent de santé" = "name"
/// "Contact 1" = "phone"
/// "Observations" = "ignore"
///
/// [cadres]                     # words in the cadre column = code
/// "RN" = "nurse"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    pub(crate) sheet: Option<String>,
    pub(crate) header_row: Option<u32>,
    pub(crate) delimiter: Option<u8>,
    columns: BTreeMap<String, Field>,
    cadres: BTreeMap<String, String>,
}

/// Why a text is no mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// It is not TOML, or has a key that is not known; the message has line and column.
    #[error("the mapping cannot be read: {0}")]
    Toml(String),
    /// A column is mapped to a field that does not exist.
    #[error("the column '{column}' is mapped to '{field}', which is no field: use one of {}", Field::names().collect::<Vec<_>>().join(", "))]
    Field {
        /// The header.
        column: String,
        /// What it is mapped to.
        field: String,
    },
    /// The delimiter is not one ASCII character.
    #[error("the delimiter '{0}' is not one ASCII character: use \",\", \";\", \"|\" or \"\\t\"")]
    Delimiter(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    sheet: Option<String>,
    header_row: Option<u32>,
    delimiter: Option<String>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
    #[serde(default)]
    cadres: BTreeMap<String, String>,
}

impl Mapping {
    /// Reads a mapping file.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let file: MappingFile = toml::from_str(text).map_err(|error| MappingError::Toml(error.to_string()))?;
        let delimiter = match file.delimiter {
            None => None,
            Some(text) => match text.as_bytes() {
                [byte] if byte.is_ascii() && *byte != b'"' => Some(*byte),
                _ => return Err(MappingError::Delimiter(text)),
            },
        };
        let mut columns = BTreeMap::new();
        for (column, field) in file.columns {
            match Field::from_name(&field) {
                Some(known) => columns.insert(words(&column), known),
                None => return Err(MappingError::Field { column, field }),
            };
        }
        let cadres = file.cadres.into_iter().map(|(label, code)| (fold(&label), code)).collect();
        Ok(Self { sheet: file.sheet, header_row: file.header_row, delimiter, columns, cadres })
    }

    /// The code for the words in a cadre column.
    pub(crate) fn cadre(&self, label: &str) -> Option<&str> {
        self.cadres.get(&fold(label)).map(String::as_str)
    }
}

/// The columns of one table.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// The headers as they stand.
    pub(crate) headers: Vec<String>,
    /// What each column holds, where that is known.
    pub(crate) fields: Vec<Option<Field>>,
}

impl Columns {
    /// From a row of headers. A field that only one column can have goes to the first.
    pub(crate) fn of(headers: &[&str], mapping: Option<&Mapping>) -> Self {
        let mapped = |header: &str| mapping.and_then(|mapping| mapping.columns.get(&words(header)).copied());
        let mut fields: Vec<Option<Field>> = headers.iter().map(|header| mapped(header)).collect();
        for (at, header) in headers.iter().enumerate() {
            if fields[at].is_none()
                && let Some(field) = Field::from_header(header)
                && (matches!(field, Field::Phone | Field::Ignore | Field::Skills) || !fields.contains(&Some(field)))
            {
                fields[at] = Some(field);
            }
        }
        // `Nom` beside `Prénom` is the family name; alone it is the whole name.
        if !fields.contains(&Some(Field::Name))
            && !fields.contains(&Some(Field::Given))
            && let Some(at) = fields.iter().position(|field| *field == Some(Field::Family))
        {
            fields[at] = Some(Field::Name);
        }
        Self { headers: headers.iter().map(|header| base::text::collapse(header).into_owned()).collect(), fields }
    }

    pub(crate) fn has(&self, field: Field) -> bool {
        self.fields.contains(&Some(field))
    }

    /// What is missing for a table of workers.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if !self.has(Field::Name) && !self.has(Field::Given) && !self.has(Field::Family) {
            missing.push("name");
        }
        if !self.has(Field::Phone) {
            missing.push("phone");
        }
        missing
    }

    /// How many columns are known.
    pub(crate) fn known(&self) -> usize {
        self.fields.iter().flatten().count()
    }
}
