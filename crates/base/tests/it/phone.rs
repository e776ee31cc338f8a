//! What people type, and what becomes of it.

use base::phone::{Kind, PhoneField, Reason, is_region, mask, national, parse, parse_field, region_of};
use proptest::prelude::*;

/// The field in one line: numbers, then `!` and what was refused.
fn show(field: &PhoneField) -> String {
    let mut parts: Vec<String> = field.numbers.iter().map(ToString::to_string).collect();
    parts.extend(field.unreadable.iter().map(|refused| format!("!{}", refused.text)));
    parts.join(" ")
}

fn check(region: Option<&str>, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(show(&parse_field(text, region)), *expected, "{text:?} in {region:?}");
    }
}

#[test]
fn liberia() {
    check(
        Some("LR"),
        &[
            ("0886609940/0770875423", "+231886609940 +231770875423"),
            ("00231886609940", "+231886609940"),
            ("(+231) 0886-609-940", "+231886609940"),
            ("+2310886609940", "+231886609940"),
            ("+231(0)886609940", "+231886609940"),
            ("231886609940", "+231886609940"),
            ("2310886609940", "+231886609940"),
            ("886609940", "+231886609940"),
            ("0886609940", "+231886609940"),
            ("00886609940", "+231886609940"),
            ("0886.609.940", "+231886609940"),
            ("886609940.0", "+231886609940"),
            ("'0886609940", "+231886609940"),
            ("\u{200e}+231\u{a0}886\u{2011}609\u{2011}940\u{202c}", "+231886609940"),
            ("٠٨٨٦٦٠٩٩٤٠", "+231886609940"),
            ("＋２３１８８６６０９９４０", "+231886609940"),
            ("886,609,940", "+231886609940"),
            ("Tel: 0886609940 (mobile)", "+231886609940"),
            ("Orange 0770875423 or Lonestar 0886609940", "+231770875423 +231886609940"),
            ("0886609940, 0770875423;0555123456", "+231886609940 +231770875423 +231555123456"),
            ("0886609940 & 0770875423", "+231886609940 +231770875423"),
            ("0886609940\n0770875423", "+231886609940 +231770875423"),
            ("0886609940  0770875423", "+231886609940 +231770875423"),
            ("0886609940 0770875423", "+231886609940 +231770875423"),
            ("0886 609 940 0770 875 423", "+231886609940 +231770875423"),
            ("0886609940 - 0770875423", "+231886609940 +231770875423"),
            ("+231886609940+231770875423", "+231886609940 +231770875423"),
            ("0886609940 ou 0770875423", "+231886609940 +231770875423"),
            ("0886609940/0886609940", "+231886609940"),
            ("0886609940 ext. 12", "+231886609940 ext. 12"),
            ("0886609940x12", "+231886609940 ext. 12"),
            ("0886609940 poste 7", "+231886609940 ext. 7"),
            ("C: 0886609940 H: 0770875423", "+231886609940 +231770875423"),
            ("886 609 940 (Lonestar), 770 875 423 (Orange)", "+231886609940 +231770875423"),
            ("0886609940(0770875423)", "+231886609940 +231770875423"),
            ("0886609940 0770875423 0555123456", "+231886609940 +231770875423 +231555123456"),
            ("wa.me/231886609940", "+231886609940"),
            ("(0886) 609940.", "+231886609940"),
            ("tel:+231-886-609-940;ext=5", "+231886609940 ext. 5"),
            ("0990000001", "+231990000001"),
            ("+231 990 000 001", "+231990000001"),
            ("+254712345678", "+254712345678"),
            ("254712345678", "+254712345678"),
            ("4321", "4321"),
            ("144", "144"),
            ("4321, 144", "4321 144"),
            ("", ""),
            (" - ", ""),
            ("N/A", ""),
            ("none", ""),
            ("0886609940 / none", "+231886609940"),
        ],
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    for (text, region, reason) in [
        ("8.8661E+08", Some("LR"), Reason::ScientificNotation),
        ("8,8661E+08", Some("LR"), Reason::ScientificNotation),
        ("2.31887E11", Some("LR"), Reason::ScientificNotation),
        ("08866O9940", Some("LR"), Reason::Letter { letter: 'O' }),
        ("O886609940", Some("LR"), Reason::Letter { letter: 'O' }),
        ("0886***940", Some("LR"), Reason::Star),
        ("*144#", Some("LR"), Reason::Star),
        ("12", Some("LR"), Reason::TooShort { digits: 2 }),
        ("00000000", Some("LR"), Reason::TooShort { digits: 8 }),
        ("08866099401", Some("LR"), Reason::TooLong { digits: 11 }),
        ("08866099400770875423", Some("LR"), Reason::TooLong { digits: 20 }),
        ("+999123456789", Some("LR"), Reason::CallingCode),
        ("0886609940", None, Reason::NoRegion),
        ("0886609940", Some("ZZ"), Reason::NoRegion),
        ("ask at the desk", Some("LR"), Reason::NoDigits),
    ] {
        let refused = parse(text, region).unwrap_err();
        assert_eq!(refused.reason, reason, "{text:?}");
        assert_eq!(refused.text, text);
        assert!(!refused.reason.remedy().is_empty() && !refused.reason.to_string().is_empty());
    }
}

#[test]
fn a_fragment_is_never_a_short_code() {
    let field = parse_field("0886609940/941", Some("LR"));
    assert_eq!(show(&field), "+231886609940 !941");
    assert_eq!(field.unreadable[0].reason, Reason::Fragment { digits: 3 });
    let field = parse_field("0886609940 41", Some("LR"));
    assert!(field.numbers.is_empty(), "{field:?}");
}

#[test]
fn other_countries() {
    check(Some("IT"), &[("06 698 12345", "+390669812345"), ("+39 06 698 12345", "+390669812345")]);
    check(
        Some("CD"),
        &[("0812345678/0991234567", "+243812345678 +243991234567"), ("00243 812 345 678", "+243812345678")],
    );
    check(Some("ke"), &[("000254712345678", "+254712345678"), ("0712 345 678", "+254712345678")]);
    check(Some("CI"), &[("0701020304", "+2250701020304"), ("+225 07 01 02 03 04", "+2250701020304")]);
    check(Some("US"), &[("(202) 456-1111", "+12024561111"), ("1-202-456-1111", "+12024561111")]);
    check(
        None,
        &[("+231886609940", "+231886609940"), ("00231886609940", "+231886609940"), ("231886609940", "+231886609940")],
    );
}

#[test]
fn possible_is_enough_and_valid_is_noted() {
    let number = parse("+12025550", Some("US"));
    assert!(number.is_err(), "{number:?}");
    assert!(parse("0886609940", Some("LR")).unwrap().valid);
    let possible = parse("0110000001", Some("LR")).unwrap();
    assert_eq!(
        (possible.number.as_str(), possible.valid, possible.kind),
        ("+231110000001", false, Kind::International)
    );
    assert_eq!(parse("4321", Some("LR")).unwrap().kind, Kind::ShortCode);
}

#[test]
fn shown_and_masked() {
    let number = parse("0886609940", Some("LR")).unwrap();
    assert_eq!(number.to_urn().to_string(), "tel:+231886609940");
    assert_eq!(number.mask(), "+231*****940");
    assert_eq!(number.region().as_deref(), Some("LR"));
    assert_eq!(mask("tel:+231886609940"), "tel:+231*****940");
    assert_eq!(mask("4321"), "4321");
    assert_eq!(mask("1234567"), "*****67");
    assert_eq!(mask("é"), "*****");
    assert_eq!(national("+12024561111").as_deref(), Some("(202) 456-1111"));
    assert_eq!(national("4321"), None);
    assert_eq!(region_of("+390612345678").as_deref(), Some("IT"));
    assert_eq!(region_of("4321"), None);
    assert!(is_region("LR") && is_region("lr") && !is_region("ZZ") && !is_region("Liberia") && !is_region("001"));
}

const REGIONS: &[&str] = &["LR", "SL", "GN", "KE", "UG", "TZ", "CD", "SN", "ML", "NG", "IN", "GB"];

/// The digits from 1 to 9 of a text: zeros come and go with prefixes.
fn digits(text: &str) -> String {
    text.chars().filter(|c| ('1'..='9').contains(c)).collect()
}

/// Whether the signs of one text occur in the other, in the same order.
fn is_subsequence(of: &str, text: &str) -> bool {
    let mut rest = of.chars();
    text.chars().all(|c| rest.any(|other| other == c))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn never_panics(text in ".{0,60}", region in proptest::option::of("[A-Z]{2}")) {
        parse_field(&text, region.as_deref());
    }

    #[test]
    fn its_own_output_stays(text in "[-+0-9 ()/,.x]{0,40}", region in proptest::sample::select(REGIONS)) {
        for number in parse_field(&text, Some(region)).numbers {
            let again = parse_field(&number.to_string(), Some(region));
            prop_assert_eq!(again.numbers, vec![number]);
            prop_assert!(again.unreadable.is_empty());
        }
    }

    #[test]
    fn no_digit_disappears(numbers in proptest::collection::vec("[+]?0{0,2}[1-9][0-9]{4,13}", 1..4), region in proptest::sample::select(&REGIONS[..9])) {
        let field = parse_field(&numbers.join(" / "), Some(region));
        // Other countries have other prefixes to drop, such as 8 in Russia.
        prop_assume!(field.numbers.iter().all(|number| number.region().is_some_and(|of| REGIONS.contains(&of.as_str()))));
        let mut out: Vec<String> = field.numbers.iter().map(|number| digits(&number.number)).collect();
        out.extend(field.unreadable.iter().map(|refused| digits(&refused.text)));
        for number in &numbers {
            prop_assert!(out.iter().any(|out| is_subsequence(out, &digits(number))), "{} not in {:?}", number, out);
        }
    }

    #[test]
    fn a_national_number_is_read_however_it_is_typed(number in "77[0-9]{7}", prefix in proptest::sample::select(&["", "0", "+231", "00231", "231", "+2310", "(+231) 0", "+231 (0)", "Tel: 0", "'0"][..]), gap in proptest::sample::select(&["", " ", "-", ".", "\u{a0}", "\u{2013}"][..])) {
        let text = format!("{prefix}{}{gap}{}{gap}{}", &number[..2], &number[2..5], &number[5..]);
        let field = parse_field(&text, Some("LR"));
        prop_assert_eq!(show(&field), format!("+231{}", number));
    }
}
