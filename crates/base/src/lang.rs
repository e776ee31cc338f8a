//! Languages by their three-letter codes (ISO 639-3), from whatever form a source writes them in.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

use crate::text::fold;

/// A language: three lower-case letters such as `eng`, `fra`, `swa`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lang([u8; 3]);

/// A text that names no language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no language: use a code of ISO 639 such as eng, fra, sw or fr_CD")]
pub struct LangError(pub String);

/// ISO 639-3, ISO 639-1 (empty where there is none), English name, own name, other codes and names.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const TABLE: &[Row] = &[
    ("aar", "aa", "afar", "qafar af", &[]),
    ("afr", "af", "afrikaans", "afrikaans", &[]),
    ("aka", "ak", "akan", "akan", &[]),
    ("amh", "am", "amharic", "አማርኛ", &["amharique"]),
    ("ara", "ar", "arabic", "العربية", &["arabe"]),
    ("bam", "bm", "bambara", "bamanankan", &["bamana"]),
    ("bem", "", "bemba", "ichibemba", &[]),
    ("ben", "bn", "bengali", "বাংলা", &["bangla"]),
    ("bsq", "", "bassa", "bassa", &[]),
    ("bul", "bg", "bulgarian", "български", &[]),
    ("dag", "", "dagbani", "dagbanli", &[]),
    ("deu", "de", "german", "deutsch", &["ger", "allemand"]),
    ("din", "", "dinka", "thuonjan", &[]),
    ("dyu", "", "dyula", "julakan", &["dioula", "jula"]),
    ("eng", "en", "english", "english", &["anglais"]),
    ("ewe", "ee", "ewe", "eʋegbe", &[]),
    ("fas", "fa", "persian", "فارسی", &["per", "farsi"]),
    ("fon", "", "fon", "fɔngbe", &[]),
    ("fra", "fr", "french", "français", &["fre"]),
    ("ful", "ff", "fulah", "fulfulde", &["fula", "pular", "peul"]),
    ("gaa", "", "ga", "ga", &[]),
    ("gol", "", "gola", "gola", &[]),
    ("grb", "", "grebo", "grebo", &[]),
    ("hat", "ht", "haitian", "kreyòl ayisyen", &["haitian creole", "creole haitien"]),
    ("hau", "ha", "hausa", "hausa", &["haoussa"]),
    ("hin", "hi", "hindi", "हिन्दी", &[]),
    ("ibo", "ig", "igbo", "igbo", &[]),
    ("ind", "id", "indonesian", "bahasa indonesia", &[]),
    ("ita", "it", "italian", "italiano", &["italien"]),
    ("kau", "kr", "kanuri", "kanuri", &[]),
    ("khm", "km", "khmer", "ខ្មែរ", &[]),
    ("kik", "ki", "kikuyu", "gikuyu", &[]),
    ("kin", "rw", "kinyarwanda", "ikinyarwanda", &[]),
    ("kmb", "", "kimbundu", "kimbundu", &[]),
    ("kon", "kg", "kongo", "kikongo", &[]),
    ("kpe", "", "kpelle", "kpɛlɛwoo", &[]),
    ("kri", "", "krio", "krio", &[]),
    ("kss", "", "kisi", "kisi", &["kissi"]),
    ("ktu", "", "kituba", "kikongo ya leta", &[]),
    ("lao", "lo", "lao", "ລາວ", &[]),
    ("lin", "ln", "lingala", "lingala", &[]),
    ("lir", "", "liberian english", "liberian english", &[]),
    ("lom", "", "loma", "lɔɔma", &["lorma"]),
    ("lua", "", "luba-kasai", "tshiluba", &["ciluba"]),
    ("lub", "lu", "luba-katanga", "kiluba", &[]),
    ("lug", "lg", "ganda", "luganda", &[]),
    ("luo", "", "luo", "dholuo", &[]),
    ("man", "", "mandingo", "mandingo", &["mandinka", "malinke"]),
    ("men", "", "mende", "mɛnde yia", &[]),
    ("mey", "", "hassaniyya", "حسانية", &[]),
    ("mlg", "mg", "malagasy", "malagasy", &["malgache"]),
    ("mos", "", "mossi", "mòoré", &[]),
    ("mya", "my", "burmese", "မြန်မာ", &["bur"]),
    ("nde", "nd", "north ndebele", "isindebele", &[]),
    ("nep", "ne", "nepali", "नेपाली", &[]),
    ("nld", "nl", "dutch", "nederlands", &["dut", "neerlandais"]),
    ("nya", "ny", "chichewa", "chichewa", &["nyanja", "chinyanja"]),
    ("nyn", "", "nyankole", "runyankore", &[]),
    ("orm", "om", "oromo", "afaan oromoo", &[]),
    ("pcm", "", "nigerian pidgin", "naija", &[]),
    ("por", "pt", "portuguese", "português", &["portugais"]),
    ("pus", "ps", "pashto", "پښتو", &[]),
    ("ron", "ro", "romanian", "română", &["rum"]),
    ("run", "rn", "rundi", "ikirundi", &["kirundi"]),
    ("rus", "ru", "russian", "русский", &["russe"]),
    ("sag", "sg", "sango", "sango", &[]),
    ("sna", "sn", "shona", "chishona", &[]),
    ("som", "so", "somali", "soomaali", &[]),
    ("sot", "st", "sesotho", "sesotho", &["southern sotho"]),
    ("spa", "es", "spanish", "español", &["espagnol", "castellano"]),
    ("ssw", "ss", "swati", "siswati", &[]),
    ("sus", "", "susu", "sosoxui", &["soussou"]),
    ("swa", "sw", "swahili", "kiswahili", &["swc", "swh"]),
    ("tel", "te", "telugu", "తెలుగు", &[]),
    ("tem", "", "temne", "kʌthemnɛ", &["themne"]),
    ("tgl", "tl", "tagalog", "tagalog", &["filipino"]),
    ("tha", "th", "thai", "ไทย", &[]),
    ("tir", "ti", "tigrinya", "ትግርኛ", &[]),
    ("tsn", "tn", "tswana", "setswana", &[]),
    ("tso", "ts", "tsonga", "xitsonga", &[]),
    ("tum", "", "tumbuka", "chitumbuka", &[]),
    ("tur", "tr", "turkish", "türkçe", &["turc"]),
    ("ukr", "uk", "ukrainian", "українська", &[]),
    ("umb", "", "umbundu", "umbundu", &[]),
    ("urd", "ur", "urdu", "اردو", &[]),
    ("vai", "", "vai", "ꕙꔤ", &[]),
    ("ven", "ve", "venda", "tshivenda", &[]),
    ("vie", "vi", "vietnamese", "tiếng việt", &[]),
    ("wol", "wo", "wolof", "wolof", &[]),
    ("xho", "xh", "xhosa", "isixhosa", &[]),
    ("yor", "yo", "yoruba", "yoruba", &[]),
    ("zho", "zh", "chinese", "中文", &["chi", "chinois"]),
    ("zul", "zu", "zulu", "isizulu", &[]),
];

impl Lang {
    /// English.
    pub const ENG: Self = Self(*b"eng");
    /// French.
    pub const FRA: Self = Self(*b"fra");
    /// Swahili.
    pub const SWA: Self = Self(*b"swa");

    /// From a code (`eng`, `en`, ISO 639-2's `fre`), a locale (`fr_CD`, `en-US`, `fr_FR.UTF-8`) or a name of the
    /// language in English, in French or in itself. Three letters that the table does not know are taken as a code
    /// of ISO 639-3.
    pub fn parse(text: &str) -> Result<Self, LangError> {
        let error = || LangError(text.trim().to_owned());
        let folded = fold(text);
        let known = |row: &&Row| row.0 == folded || row.2 == folded || row.4.contains(&folded.as_str());
        if let Some(row) = TABLE.iter().find(known) {
            return Self::from_three(row.0).ok_or_else(error);
        }
        let code = folded.split(['-', '_', '.', '@']).next().unwrap_or_default();
        let found = match code.len() {
            2 => TABLE.iter().find(|row| row.1 == code).and_then(|row| Self::from_three(row.0)),
            3 => match TABLE.iter().find(|row| row.4.contains(&code)) {
                Some(row) => Self::from_three(row.0),
                None => Self::from_three(code),
            },
            _ => None,
        };
        // Own names come last: they are written with accents, and have to be folded.
        found
            .or_else(|| TABLE.iter().find(|row| fold(row.3) == folded).and_then(|row| Self::from_three(row.0)))
            .ok_or_else(error)
    }

    fn from_three(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_lowercase).then_some(Self(bytes))
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The tag of BCP 47, which prefers two letters: `en`, `fr`, `kpe`.
    pub fn bcp47(&self) -> &str {
        match TABLE.iter().find(|row| row.0 == self.as_str()) {
            Some(row) if !row.1.is_empty() => row.1,
            _ => self.as_str(),
        }
    }

    /// The English name with a capital, where the table knows it.
    pub fn english_name(&self) -> Option<String> {
        let name = TABLE.iter().find(|row| row.0 == self.as_str())?.2;
        let (first, rest) = name.split_at(1);
        Some(format!("{}{rest}", first.to_uppercase()))
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lang {
    type Err = LangError;
    fn from_str(text: &str) -> Result<Self, LangError> {
        Self::parse(text)
    }
}

impl Serialize for Lang {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Lang {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_locales_and_names() {
        for (text, code) in [
            ("eng", "eng"),
            ("EN", "eng"),
            ("en-US", "eng"),
            ("fr_CD", "fra"),
            ("fr_FR.UTF-8", "fra"),
            ("fre", "fra"),
            ("Français", "fra"),
            ("anglais", "eng"),
            (" Kiswahili ", "swa"),
            ("sw", "swa"),
            ("swh", "swa"),
            ("zh-Hant-TW", "zho"),
            ("qaa", "qaa"),
            ("tel", "tel"),
            ("Ga", "gaa"),
        ] {
            assert_eq!(Lang::parse(text).map(|lang| lang.to_string()), Ok(code.to_owned()), "{text:?}");
        }
        for text in ["", "e", "xx", "english please", "12", "e1g", "éng!", "French or English"] {
            assert_eq!(Lang::parse(text), Err(LangError(text.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn the_table_is_in_order_and_folded() {
        assert!(TABLE.is_sorted_by_key(|row| row.0));
        for row in TABLE {
            assert_eq!(Lang::parse(row.0).unwrap().as_str(), row.0);
            assert_eq!(fold(row.2), row.2);
            if !row.1.is_empty() {
                let lang = Lang::parse(row.1).unwrap();
                assert_eq!(lang.as_str(), row.0);
                assert_eq!(lang.bcp47(), row.1);
            }
        }
    }
}
