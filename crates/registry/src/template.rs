//! Tables to fill in and import.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

/// The kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateFormat {
    /// UTF-8 with a byte order mark, which spreadsheet programs need to show accents.
    Csv,
    /// A workbook with a sheet of explanations.
    Xlsx,
}

/// The language of headers and explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateLanguage {
    /// English.
    English,
    /// French.
    French,
}

/// Header, example and explanation.
type Column = (&'static str, &'static str, &'static str);

const ENGLISH: &[Column] = &[
    (
        "id",
        "LR-0001",
        "The worker's number in your system. Keep it the same in every import. Leave it empty if there is none.",
    ),
    ("name", "Ama Kollie", "Needed. The whole name."),
    (
        "phone",
        "+231 990 000 001",
        "Needed. Several numbers can stand in one cell, separated by commas; the first is preferred.",
    ),
    ("cadre", "Registered midwife", "The cadre or job."),
    ("facility", "Suakoko Clinic", "Where the worker serves."),
    ("county", "Bong", "You can also use the headers country, region, province, subdistrict and community."),
    ("district", "Suakoko", "The district within the county."),
    (
        "skills",
        "Emergency obstetric care; Vaccination",
        "Qualifications and specialities, separated by commas or semicolons.",
    ),
    ("language", "English", "The language to write in: a name, or a code such as eng, fra or sw."),
    ("gender", "female", "female, male, other or unknown."),
    ("status", "active", "active or left. Workers who left get no messages."),
    ("end date", "", "The last day of a worker who left, as year-month-day."),
];

const FRENCH: &[Column] = &[
    (
        "matricule",
        "LR-0001",
        "Le numéro de l'agent dans votre système, le même à chaque import. Laissez vide s'il n'y en a pas.",
    ),
    ("nom complet", "Ama Kollie", "Obligatoire. Le nom entier."),
    (
        "téléphone",
        "+231 990 000 001",
        "Obligatoire. Une cellule peut contenir plusieurs numéros, séparés par des virgules; le premier est préféré.",
    ),
    ("fonction", "Sage-femme", "Le cadre ou l'emploi."),
    ("établissement", "Clinique de Suakoko", "Où l'agent travaille."),
    (
        "province",
        "Bong",
        "Vous pouvez aussi utiliser les en-têtes pays, région, département, aire de santé et village.",
    ),
    ("zone de santé", "Suakoko", "La zone ou le district dans la province."),
    (
        "compétences",
        "Soins obstétricaux; Vaccination",
        "Qualifications et spécialités, séparées par des virgules ou des points-virgules.",
    ),
    ("langue", "français", "La langue des messages: un nom, ou un code comme fra, eng ou sw."),
    ("sexe", "femme", "femme, homme, autre ou inconnu."),
    ("statut", "actif", "actif ou parti. Les agents partis ne reçoivent pas de messages."),
    ("date de fin", "", "Le dernier jour d'un agent parti, en année-mois-jour."),
];

/// The bytes of a table with headers and one example row, which is about nobody. Read back, every column is known.
pub fn template(format: TemplateFormat, language: TemplateLanguage) -> Result<Vec<u8>, XlsxError> {
    let columns = match language {
        TemplateLanguage::English => ENGLISH,
        TemplateLanguage::French => FRENCH,
    };
    match format {
        TemplateFormat::Csv => Ok(csv(columns)),
        TemplateFormat::Xlsx => xlsx(columns, language),
    }
}

fn csv(columns: &[Column]) -> Vec<u8> {
    let mut out = vec![0xef, 0xbb, 0xbf];
    for cells in
        [columns.iter().map(|column| column.0).collect::<Vec<_>>(), columns.iter().map(|column| column.1).collect()]
    {
        // None of the cells has a comma or a quotation mark.
        out.extend_from_slice(cells.join(",").as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn xlsx(columns: &[Column], language: TemplateLanguage) -> Result<Vec<u8>, XlsxError> {
    let (workers, help, header, example, meaning) = match language {
        TemplateLanguage::English => ("Workers", "Help", "Column", "Example", "Meaning"),
        TemplateLanguage::French => ("Agents", "Aide", "Colonne", "Exemple", "Signification"),
    };
    let bold = Format::new().set_bold();
    // Text, so that the spreadsheet leaves phone numbers and ids as they are typed.
    let text = Format::new().set_num_format("@");
    let mut workbook = Workbook::new();
    // The same template is the same bytes.
    let created = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 1, 1)?;
    workbook.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&created));
    let sheet = workbook.add_worksheet().set_name(workers)?;
    sheet.set_freeze_panes(1, 0)?;
    for (at, (name, cell, _)) in (0_u16..).zip(columns) {
        sheet.set_column_format(at, &text)?;
        sheet.set_column_width(at, 20)?;
        sheet.write_string_with_format(0, at, *name, &bold)?;
        sheet.write_string_with_format(1, at, *cell, &text)?;
    }
    let sheet = workbook.add_worksheet().set_name(help)?;
    sheet.set_column_width(0, 20)?;
    sheet.set_column_width(1, 36)?;
    sheet.set_column_width(2, 100)?;
    for (at, title) in (0_u16..).zip([header, example, meaning]) {
        sheet.write_string_with_format(0, at, title, &bold)?;
    }
    for (row, (name, cell, explanation)) in (1_u32..).zip(columns) {
        for (at, text) in (0_u16..).zip([name, cell, explanation]) {
            sheet.write_string(row, at, *text)?;
        }
    }
    workbook.save_to_buffer()
}
