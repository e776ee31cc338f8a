//! What holds for any input.

use proptest::prelude::*;
use std::fmt::Write;

use super::{import, workers};

fn bundle(ids: &[u16]) -> String {
    let entries: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(
                r#"{{"resource": {{"resourceType": "Practitioner", "id": "{id}", "name": [{{"text": "W {id}"}}]}}}}"#
            )
        })
        .collect();
    format!("{{\"resourceType\": \"Bundle\", \"entry\": [{}]}}", entries.join(", "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        import(&[("any", &bytes)]);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "[\\[{\"a-z:,;\n\\\\}\\]0-9 ]{0,200}", start in "(\\{|\\[|name,phone\n)") {
        import(&[("any", format!("{start}{text}").as_bytes())]);
    }

    #[test]
    fn a_cut_bundle_gives_all_whole_entries(ids in proptest::collection::btree_set(0_u16..500, 1..20), cut in 0.0..1.0_f64) {
        let ids: Vec<u16> = ids.into_iter().collect();
        let whole = bundle(&ids);
        let at = (whole.len() as f64 * cut) as usize;
        let read = import(&[("cut.json", &whole.as_bytes()[..at])]);
        let complete = ids.iter().filter(|id| whole[..at].contains(&format!("\"W {id}\"}}]}}}}"))).count();
        prop_assert_eq!(read.workers.len(), complete);
        prop_assert!(!read.findings.is_empty());
    }

    #[test]
    fn a_damaged_byte_costs_one_entry_at_most(ids in proptest::collection::btree_set(100_u16..500, 3..12), at in 0.0..1.0_f64, byte in proptest::sample::select(&b"x{}[]\",:\\ "[..])) {
        let ids: Vec<u16> = ids.into_iter().collect();
        let mut text = bundle(&ids).into_bytes();
        // Within the entries: the frame of the bundle is not repaired.
        let from = 39 + ((text.len() - 45) as f64 * at) as usize;
        text[from] = byte;
        let read = import(&[("damaged.json", &text)]);
        prop_assert!(read.workers.len() + 1 >= ids.len(), "{} of {}: {:?}", read.workers.len(), ids.len(), read.findings);
    }

    #[test]
    fn rows_come_out_as_they_went_in(names in proptest::collection::btree_set("[A-Z][a-z]{2,8}( [A-Z][a-z]{2,8})?", 1..20), delimiter in proptest::sample::select(&[",", ";", "\t", "|"][..]), quoted: bool) {
        let mut text = format!("name{delimiter}phone\n");
        for (at, name) in names.iter().enumerate() {
            let name = if quoted { format!("\"{name}\"") } else { name.clone() };
            writeln!(text, "{name}{delimiter}09900{at:05}").unwrap();
        }
        let read = import(&[("t.csv", text.as_bytes())]);
        prop_assert_eq!(read.workers.len(), names.len());
        let mut expected: Vec<String> = names.iter().enumerate().map(|(at, name)| format!("{}|+2319900{at:05} {name}: +2319900{at:05}", name.to_lowercase())).collect();
        expected.sort();
        let mut got = workers(&read);
        got.sort();
        prop_assert_eq!(got, expected);
    }
}
