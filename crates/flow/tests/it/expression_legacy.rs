//! The conformance cases of legacy expressions, and what they leave open.

use flow::migrate::legacy_expression::{Options, migrate};

use crate::expression_conformance::family;

#[test]
fn conformance() {
    let Some(document) = family("legacy_expr") else { return };
    let mut failures = Vec::new();
    for case in document["cases"].as_array().expect("cases") {
        let old = case["flow"]["action_sets"][0]["actions"][0]["msg"]["eng"].as_str().expect("text");
        let new = migrate(old, &Options::default());
        if case["expect"][0]["value"].as_str() != Some(&new) {
            failures.push(format!("{old}\n  expected {}\n  got      {new}", case["expect"][0]["value"]));
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

fn check(options: Options, cases: &[(&str, &str)]) {
    for (old, new) in cases {
        assert_eq!(migrate(old, &options), *new, "{old}");
    }
}

#[test]
fn functions_are_renamed_and_rewritten() {
    check(
        Options::default(),
        &[
            (r#"@(CONCATENATE("a", contact.age) = "a1")"#, r#"@(("a" & fields.age) = "a1")"#),
            (r#"@(LEN(CONCATENATE("a", "b")))"#, r#"@(text_length("a" & "b"))"#),
            ("@(SUM(1, 2) * 3)", "@((1 + 2) * 3)"),
            ("@(POWER(2, 3))", "@(2 ^ 3)"),
            ("@(EXP(2))", "@(2.718281828459045 ^ 2)"),
            ("@(DAY(contact.dob))", r#"@(format_date(fields.dob, "D"))"#),
            ("@(DAYS(date.now, contact.dob))", r#"@(datetime_diff(fields.dob, now(), "D"))"#),
            (r#"@(DATEDIF(contact.dob, date.now, "y"))"#, r#"@(datetime_diff(fields.dob, now(), "Y"))"#),
            ("@(EDATE(date.now, 2))", r#"@(datetime_add(now(), 2, "M"))"#),
            ("@(LEFT(contact.name, 2))", "@(text_slice(contact.name, 0, 2))"),
            ("@(RIGHT(contact.name, 2))", "@(text_slice(contact.name, -2))"),
            ("@(FIXED(1.234))", "@(format_number(1.234, 2))"),
            ("@(FIXED(1.234, 1, TRUE))", "@(format_number(1.234, 1, false))"),
            ("@(WEEKDAY(date.now))", "@(weekday(now()) + 1)"),
            ("@(WEEKDAY(date.now) * 2)", "@((weekday(now()) + 1) * 2)"),
            ("@(WORD(flow.name, 2))", "@(word(results.name, 1))"),
            ("@(WORD(flow.name, -1))", "@(word(results.name, -1))"),
            ("@(WORD(flow.name, flow.n, TRUE))", r#"@(word(results.name, results.n - 1, " \t"))"#),
            ("@(WORD_SLICE(flow.name, 2, 4, FALSE))", "@(word_slice(results.name, 1, 3, NULL))"),
            (r#"@(FIELD(flow.name, 2, ","))"#, r#"@(field(results.name, 1, ","))"#),
            ("@(FIRST_WORD(step.value))", "@(word(input, 0))"),
            (r#"@(IF(contact.age <> 5, "say ""hi""", FALSE()))"#, r#"@(if(fields.age != 5, "say \"hi\"", false))"#),
            ("@(UNHEARD.OF(1))", "@(unheard.of(1))"),
        ],
    );
}

#[test]
fn dates_are_added_to() {
    check(
        Options::default(),
        &[
            ("@(TODAY() + 5)", r#"@(format_date(datetime_add(today(), 5, "D")))"#),
            ("@(5 + date.now)", r#"@(datetime_add(now(), 5, "D"))"#),
            (r#"@(TODAY() + TIMEVALUE("10:30"))"#, r#"@(replace_time(today(), time("10:30")))"#),
            (
                "@(NOW() - TIME(1, 30, 0))",
                "@(datetime_add(now(), -(format_time(time_from_parts(1, 30, 0), \"tt\") * 60 + \
                 format_time(time_from_parts(1, 30, 0), \"m\")), \"m\"))",
            ),
            ("@(contact.age - 3)", "@(legacy_add(fields.age, -3))"),
            ("@(1.5 - 2)", "@(1.5 - 2)"),
        ],
    );
    check(
        Options { raw_dates: true, ..Options::default() },
        &[
            ("@date.today", "@(today())"),
            ("@date.yesterday", r#"@(datetime_add(now(), -1, "D"))"#),
            ("@(date.today + 10)", r#"@(datetime_add(today(), 10, "D"))"#),
        ],
    );
}

#[test]
fn what_cannot_be_parsed_stays() {
    check(
        Options::default(),
        &[
            ("@(contact.age +)", "@(contact.age +)"),
            ("@(\"open)", "@(\"open)"),
            ("bob@example.com @@contact @ @contact.", "bob@example.com @@contact @ @contact."),
            ("a@(\"\")b", "ab"),
        ],
    );
}

#[test]
fn values_are_encoded_or_default_to_themselves() {
    check(
        Options { url_encode: true, ..Options::default() },
        &[(
            "http://example.com/?a=@contact.age&b=@flow",
            "http://example.com/?a=@(url_encode(fields.age))&b=@(url_encode(results))",
        )],
    );
    check(
        Options { default_to_self: true, ..Options::default() },
        &[("@extra.0.city", r#"@(if(is_error(legacy_extra["0"].city), "@extra.0.city", legacy_extra["0"].city))"#)],
    );
}
