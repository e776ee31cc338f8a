//! Queries on one contact.

use audience::{Unchecked, parse};

use crate::model::{Contact, Datum, ama, environment, names};

fn check(contact: &Contact, cases: &[(&str, bool)]) {
    let (env, names) = (environment(), names());
    for (text, want) in cases {
        let query = parse(text, &env, &names).unwrap_or_else(|e| panic!("{}", e.render(text)));
        assert_eq!(query.compile(&env).unwrap().matches(contact), *want, "{text}");
    }
}

#[test]
fn texts_are_compared_without_case_and_space() {
    check(
        &ama(),
        &[
            ("uuid = 0190a000-0000-7000-8000-00000000000a", true),
            ("ref = k7yqrz", true),
            ("id = 12345", false),
            (r#"name = " AMA serwaa KOLLIE-mensah ""#, true),
            ("name = ama", false),
            ("name != ama", true),
            ("language = ENG", true),
            ("status = Active", true),
            ("fields.nickname = ZOÉ", true),
            ("nickname = zoe", false),
            ("home = \"old town\"", true),
            ("group = testers", true),
            ("group = \"Night Shift\"", false),
            ("flow = registration", false),
            ("history != registration", true),
        ],
    );
}

#[test]
fn name_contains_compares_the_beginnings_of_words() {
    check(
        &ama(),
        &[
            ("name ~ ser", true),
            ("name ~ waa", false),
            ("ama", true),
            ("kollie mensah", true),
            ("kollie asante", false),
            (r#"name ~ "asante kol""#, true),
            // Words are cut to eight characters on both sides.
            ("name ~ serwaaxx", false),
            ("kollie-mensah", true),
            ("mensahxxx", false),
        ],
    );
    let long = Contact::default().with("name", "Bartholomew");
    check(&long, &[("bartholomeus", true), ("barthol", true), ("barthoX", false)]);
}

#[test]
fn several_values() {
    check(
        &ama(),
        &[
            ("urn = +231990000001", true),
            ("tel = +231990000001", true),
            ("tel = +231990000002", false),
            ("tel != +231990000001", false),
            ("urn != ama@example.org", false),
            ("urn != ben@example.org", true),
            ("urn ~ EXAMPLE", true),
            ("tel ~ example", false),
            ("990000", true),
            ("telegram != 123", true),
            ("skill = vaccination", true),
            ("skill != vaccination", false),
            ("skill ~ stetric", true),
        ],
    );
}

#[test]
fn set_and_not_set() {
    check(
        &ama(),
        &[
            (r#"name != """#, true),
            (r#"name = """#, false),
            (r#"telegram = """#, true),
            (r#"group != """#, true),
            (r#"flow = """#, true),
            (r#"age != """#, true),
            (r#"joined = """#, true),
            (r#"within != """#, true),
            (r#"cadre = """#, false),
        ],
    );
    check(
        &Contact::default(),
        &[
            (r#"name = """#, true),
            (r#"within = """#, true),
            ("name = x", false),
            ("name != x", true),
            ("age != 1", true),
            ("age < 1", false),
            ("last_seen_on != 2026-01-01", true),
            ("last_seen_on < 2026-01-01", false),
            ("within = Bong", false),
            ("within != Bong", true),
            ("cadre != nurse", true),
        ],
    );
}

#[test]
fn numbers_and_days() {
    check(
        &ama(),
        &[
            ("age = 36", true),
            ("age = 36.00", true),
            ("age != 36", false),
            ("age > 36", false),
            ("age >= 36", true),
            ("age < 36.5", true),
            ("tickets = 0", true),
            ("tickets > 0", false),
            // One second before midnight where the environment is.
            ("created_on = 2026-03-07", true),
            ("created_on = 2026-03-08", false),
            ("created_on = 2026-03-08T00:00:00Z", true),
            ("created_on != 2026-03-07", false),
            ("created_on > 2026-03-07", false),
            ("created_on > 2026-03-06", true),
            ("created_on >= 2026-03-07", true),
            ("created_on < 2026-03-07", false),
            ("created_on <= 2026-03-07", true),
            ("created_on < 2026-03-08", true),
            (r#"last_seen_on = "7 days ago""#, true),
            (r#"last_seen_on > "7 days ago""#, false),
            (r#"last_seen_on < "1 week ago""#, false),
            ("last_seen_on < today", true),
            ("created_on > 2026-03-06 AND created_on < 2026-03-08", true),
            ("created_on > 2026-03-07 AND created_on < 2026-03-09", false),
        ],
    );
}

#[test]
fn workers() {
    check(
        &ama(),
        &[
            ("cadre = \"registered  nurse\"", true),
            ("cadre = nurse", false),
            ("cadre ~ nurse", true),
            ("cadre = rn-2", true),
            ("worker.cadre != RN-2", false),
            ("facility = \"hopital de bong\"", true),
            ("facility ~ HÔPITAL", true),
            ("place = \"Old Town\"", true),
            ("gender = Female", true),
            ("worker.status = active", true),
            ("worker.status = left", false),
            ("within = Bong", true),
            ("within = bg", true),
            ("within = \"Bong > Old  Town\"", true),
            ("within = \"liberia>bong>old town\"", true),
            ("within = nimba", false),
            ("within != nimba", true),
            ("within = Liberia", true),
            ("within = nimba OR within = BG-2", true),
            ("within = BG-1 OR within = NI", false),
        ],
    );
    let two_posts = Contact::default().with("worker.within", Datum::Place(3)).with("worker.within", Datum::Place(6));
    check(
        &two_posts,
        &[("within = Bong AND within = Nimba", true), ("within != Bong", false), ("within = BG-1", false)],
    );
}

#[test]
fn and_or_and_their_order() {
    check(
        &ama(),
        &[
            ("age = 1 OR age = 36 AND name ~ ama", true),
            ("(age = 1 OR age = 36) AND name ~ ben", false),
            ("age = 36 OR ama ben", true),
            ("tickets = 1 ama OR language = eng", true),
        ],
    );
}

#[test]
fn plans_bring_together_what_one_look_up_answers() {
    let (env, names) = (environment(), names());
    for (text, want) in [
        ("cadre = nurse", r#"worker.cadre in ["nurse"]"#),
        ("cadre != Nurse", r#"not worker.cadre in ["nurse"]"#),
        ("cadre = nurse OR cadre = Aide OR age = 1", r#"(worker.cadre in ["aide", "nurse"] or fields.age in [1, 1])"#),
        ("cadre != nurse AND cadre != aide", r#"not worker.cadre in ["aide", "nurse"]"#),
        ("cadre = nurse AND cadre = aide", r#"(worker.cadre in ["nurse"] and worker.cadre in ["aide"])"#),
        ("cadre = nurse AND cadre = NURSE", r#"worker.cadre in ["nurse"]"#),
        ("within = Bong OR within = Nimba", "worker.within in 1..=6"),
        ("within = BG-1 OR within = NI-1", "worker.within in 2..=2 5..=5"),
        ("within != Bong", "not worker.within in 1..=3"),
        ("age > 3", "fields.age in (3, ...)"),
        ("age <= 3", "fields.age in (..., 3]"),
        ("age > 3 AND age >= 3 AND age < 9 AND age <= 20", "fields.age in (3, 9)"),
        (
            "last_seen_on > 2026-01-01 AND last_seen_on < 2026-02-01",
            "last_seen_on in [2026-01-02T05:00:00Z, 2026-02-01T05:00:00Z)",
        ),
        ("group = testers", r#"group in ["9a1c"]"#),
        ("ama OR ben", r#"name has a word beginning with ["ama", "ben"]"#),
        (r#"name = """#, "not name is set"),
        (r#"name != """#, "name is set"),
        ("tel ~ 0990", r#"urns.tel contains "0990""#),
    ] {
        let query = parse(text, &env, &names).unwrap();
        assert_eq!(query.compile(&env).unwrap().plan().to_string(), want, "{text}");
    }
}

#[test]
fn without_definitions_there_is_nothing_to_run() {
    let env = environment();
    for text in ["age = 1", "ama AND group = x", "flow = x", "worker.within = Bong"] {
        let error = parse(text, &env, &Unchecked).unwrap().compile(&env).unwrap_err();
        assert_eq!(error.code.as_str(), "unresolved", "{text}");
    }
    assert!(parse("ama worker.cadre ~ nurse", &env, &Unchecked).unwrap().compile(&env).unwrap().matches(&ama()));
}
