//! How words and location names are compared.

use unicode_normalization::UnicodeNormalization;

use crate::environment::Collation;

/// A text in the form that equal texts share.
pub(crate) fn transform(collation: Collation, text: &str) -> String {
    match collation {
        Collation::Default => text.to_lowercase(),
        Collation::Confusables => unicode_security::skeleton(text).collect::<String>().to_lowercase(),
        Collation::ArabicVariants => text.nfkc().map(arabic_form).collect::<String>().to_lowercase(),
    }
}

/// One form for letters and digits that are typed in several.
fn arabic_form(c: char) -> char {
    match c {
        // Arabic-Indic digits to the extended ones.
        '\u{0660}'..='\u{0669}' => char::from_u32(u32::from(c) - 0x0660 + 0x06F0).unwrap_or(c),
        // Alef with madda.
        'آ' => 'ا',
        // Alef maksura, and yeh in its forms.
        'ى' | 'ي' | 'ې' | 'ۍ' | 'ئ' | 'ێ' => 'ی',
        // Forms of kaf.
        'ك' | 'ګ' | 'ڪ' => 'ک',
        // Letters with a ring, as Pashto has them.
        'ټ' => 'ت',
        'ډ' => 'د',
        'ړ' => 'ر',
        'ڼ' => 'ن',
        // Pashto sheen.
        'ښ' => 'ش',
        other => other,
    }
}
