//! Normal forms, refusals and where they point.

use audience::{Attribute, Environment, FieldType, NoProject, Unchecked, WorkerAttribute, parse};

use crate::model::{environment, names, reference};

#[test]
fn normal_forms() {
    let (env, names) = (environment(), names());
    for (text, want) in [
        ("cadre=nurse", r#"worker.cadre = "nurse""#),
        ("WORKER.Cadre HAS nur", r#"worker.cadre ~ "nur""#),
        ("within is Bong", r#"worker.within = "Bong""#),
        (
            "facility=A place=B skill=C gender=D worker.status=E",
            concat!(
                r#"worker.facility = "A" AND worker.place = "B" AND worker.skill = "C" AND "#,
                r#"worker.gender = "D" AND worker.status = "E""#
            ),
        ),
        ("status = active", r#"status = "active""#),
        (r#"gender = """#, r#"worker.gender = """#),
        ("a1 b1 AND c1 OR d1", r#"(name ~ "a1" AND name ~ "b1" AND name ~ "c1") OR name ~ "d1""#),
        ("(a1 OR b1) c1", r#"(name ~ "a1" OR name ~ "b1") AND name ~ "c1""#),
        (
            "((a1)) AND (b1 AND (c1 OR (d1 OR e1)))",
            concat!(r#"name ~ "a1" AND name ~ "b1" AND "#, r#"(name ~ "c1" OR name ~ "d1" OR name ~ "e1")"#),
        ),
        ("\n 0990 000 001 ", r#"urns.tel = "+231990000001""#),
        ("last_seen_on > today", r#"last_seen_on > "today""#),
        (r#"nickname = "\\""#, r#"fields.nickname = "\\""#),
        (r#"nickname="a \"b\" c:\d""#, r#"fields.nickname = "a \"b\" c:\\d""#),
        (
            "a1 OR b1 c1 AND d1 e1 OR f1",
            r#"name ~ "a1" OR (name ~ "b1" AND name ~ "c1" AND name ~ "d1" AND name ~ "e1") OR name ~ "f1""#,
        ),
        ("tel:+231990000001 0990", r#"urns.tel = "+231990000001" AND urns.tel ~ 0990"#),
        ("urns.nothing = 5", "urns.nothing = 5"),
    ] {
        let query = parse(text, &env, &names).unwrap_or_else(|e| panic!("{}", e.render(text)));
        assert_eq!(query.to_string(), want, "{text}");
        assert_eq!(parse(want, &env, &names).unwrap(), query, "{want}");
    }
}

/// Rules of attributes are not rules of fields that happen to be called like them.
#[test]
fn a_field_may_be_called_like_an_attribute() {
    let names = names().with_fields(["name", "language", "status", "id"].map(|key| (key.to_owned(), FieldType::Text)));
    for (text, want) in [
        ("fields.language = xx", Ok(r#"fields.language = "xx""#)),
        ("fields.status = \"\"", Ok(r#"fields.status = """#)),
        ("fields.id != \"\"", Ok(r#"fields.id != """#)),
        ("fields.name ~ ama", Err("unsupported_contains")),
        ("language = xx", Err("invalid_language")),
        ("id = \"\"", Err("unsupported_setcheck")),
    ] {
        let have = parse(text, &environment(), &names).map(|query| query.to_string());
        assert_eq!(have.as_deref().map_err(|error| error.code.as_str()), want, "{text}");
    }
}

#[test]
fn without_definitions_every_name_is_a_field() {
    let env = environment();
    for (text, want) in [
        ("cadre = nurse", r#"fields.cadre = "nurse""#),
        ("worker.cadre = nurse", r#"worker.cadre = "nurse""#),
        ("age ~ 5", "fields.age ~ 5"),
        ("group = Nobody", r#"group = "Nobody""#),
        ("worker.within = Nowhere", r#"worker.within = "Nowhere""#),
    ] {
        assert_eq!(parse(text, &env, &Unchecked).unwrap().to_string(), want, "{text}");
    }
}

/// Each refusal with its code and the text it points at.
#[test]
fn refusals_point_at_the_fault() {
    let names = names();
    let hidden = Environment { redact_urns: true, ..environment() };
    for (text, code, at) in [
        ("", "syntax", ""),
        ("name =", "syntax", ""),
        ("name = and", "syntax", "and"),
        ("name = )", "syntax", ")"),
        ("(a1 OR b1", "syntax", "("),
        ("a1)", "syntax", ")"),
        ("OR a1", "syntax", "OR"),
        ("a1 AND", "syntax", ""),
        ("(", "syntax", ""),
        ("()", "syntax", ")"),
        ("\"age\" = 5", "syntax", "="),
        ("a/b = 5", "syntax", "="),
        ("age = \"5", "syntax", "\""),
        ("é $", "syntax", "$"),
        ("age = x", "invalid_number", "x"),
        ("tickets > \"\"", "invalid_number", "\"\""),
        ("joined = soon", "invalid_date", "soon"),
        ("created_on = 2026-02-30", "invalid_date", "2026-02-30"),
        ("language = engl", "invalid_language", "engl"),
        ("status = left", "invalid_status", "left"),
        ("group = Gone", "invalid_group", "Gone"),
        ("flow = Gone", "invalid_flow", "Gone"),
        ("history = Gone", "invalid_flow", "Gone"),
        ("name ~ a", "invalid_partial_name", "a"),
        ("tel ~ 12", "invalid_partial_urn", "12"),
        ("---- a1", "invalid_partial_urn", "----"),
        ("age ~ 5", "unsupported_contains", "age"),
        ("within ~ Bo", "unsupported_contains", "within"),
        ("cadre > nurse", "unsupported_comparison", "cadre"),
        ("within < Bong", "unsupported_comparison", "within"),
        ("status = \"\"", "unsupported_setcheck", "status"),
        ("tickets != \"\"", "unsupported_setcheck", "tickets"),
        ("foo.age = 5", "unknown_property_type", "foo.age"),
        ("beers = 5", "unknown_property", "beers"),
        ("worker.beers = 5", "unknown_property", "worker.beers"),
        ("within = Atlantis", "invalid_place", "Atlantis"),
        ("within = \"old town\"", "ambiguous_place", "\"old town\""),
        ("skill ~ \" \"", "invalid_partial_text", "\" \""),
    ] {
        let error = parse(text, &environment(), &names).expect_err(text);
        assert_eq!((error.code.as_str(), &text[error.span.clone()]), (code, at), "{text}");
        assert!(error.render(text).contains(&error.message));
    }
    for text in ["tel = 123", "urn ~ 1234", "age = 36 tel = 5"] {
        assert_eq!(parse(text, &hidden, &names).unwrap_err().code.as_str(), "redacted_urns", "{text}");
    }
    assert_eq!(parse("tel = \"\"", &hidden, &names).unwrap().to_string(), "urns.tel = \"\"");
}

#[test]
fn limits() {
    let (env, names) = (environment(), names());
    let code = |text: &str| parse(text, &env, &names).err().map(|error| error.code.as_str());
    let nested = |depth: usize| format!("{}a1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(code(&nested(100)), None);
    assert_eq!(code(&nested(101)), Some("too_complex"));
    assert_eq!(code(&"(".repeat(9_999)), Some("too_complex"));
    let many = |count: usize| vec!["é1"; count].join(" OR ");
    assert_eq!(code(&many(250)), None);
    assert_eq!(code(&many(251)), Some("too_complex"));
    assert_eq!(code(&"é".repeat(10_000)), None);
    assert_eq!(code(&"é".repeat(10_001)), Some("too_complex"));
    assert_eq!(code(&format!("{}a1{}", " ".repeat(20_000), " ".repeat(20_000))), None);
}

#[test]
fn errors_are_shown_with_the_line() {
    let (env, names) = (environment(), names());
    let show = |text: &str| parse(text, &env, &names).unwrap_err().render(text);
    assert_eq!(
        show("cadre = nurse AND\n  (within = Bong"),
        "  (within = Bong\n  ^ unclosed bracket\nhint: add ')' where the group ends"
    );
    assert_eq!(
        show("e\u{301}a AND cadr = x"),
        "e\u{301}a AND cadr = x\n       ^^^^ can't resolve 'cadr' to attribute, scheme or field\nhint: did you mean cadre?"
    );
    let long = format!("{} age = x {}", "aa ".repeat(40), "bb ".repeat(40));
    let shown = show(&long);
    assert!(shown.starts_with("...") && shown.lines().next().unwrap().len() < 120, "{shown}");
    let column = |line: &str, what: &str| line.find(what).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(column(lines[0], "x"), column(lines[1], "^"), "{shown}");
    let error = parse("a1 AND\né1 )", &env, &names).unwrap_err();
    assert_eq!(error.position("a1 AND\né1 )"), (2, 4));
    assert_eq!(
        show("within = \"Old Town\"").lines().last(),
        Some("hint: write the path of one of them: \"Liberia > Bong > Old Town\", \"Liberia > Nimbâ > Old Town\"")
    );
}

#[test]
fn inspection() {
    let (env, names) = (environment(), names());
    let inspect = |text: &str| parse(text, &env, &names).unwrap().inspect();
    let all = inspect("name ~ ama AND tel != \"\" OR group = testers age > 3 AND cadre = nurse AND age < 5");
    assert_eq!(all.attributes, [Attribute::Name, Attribute::Group]);
    assert_eq!(all.schemes, ["tel"]);
    assert_eq!(all.fields, ["age"]);
    assert_eq!(all.groups, [reference("9a1c", "Testers")]);
    assert_eq!(all.worker, [WorkerAttribute::Cadre]);
    assert!(!all.allow_as_group && !all.depends_on_time);
    for (text, allowed) in [
        ("cadre = nurse", true),
        ("worker.status = active", true),
        ("created_on > 2026-01-01", true),
        ("id = 5", false),
        ("ref = K7YQRZ", false),
        ("group = \"\"", false),
        ("flow = registration", false),
        ("history = \"\"", false),
        ("cadre = nurse AND status = active", false),
    ] {
        assert_eq!(inspect(text).allow_as_group, allowed, "{text}");
    }
    assert!(inspect("last_seen_on < \"30 days ago\" OR ama").depends_on_time);
    let unchecked = parse("group = Nobody", &env, &Unchecked).unwrap().inspect();
    assert_eq!(unchecked.groups, [reference("", "Nobody")]);
}

#[test]
fn errors_and_inspections_as_json() {
    let (env, names) = (environment(), names());
    let error = parse("age > 5 cadr = x", &env, &names).unwrap_err();
    assert_eq!(
        serde_json::to_value(&error).unwrap(),
        serde_json::json!({
            "code": "unknown_property",
            "message": "can't resolve 'cadr' to attribute, scheme or field",
            "span": { "start": 8, "end": 12 },
            "hint": "did you mean cadre?",
            "extra": { "property": "cadr" },
        })
    );
    let inspection = parse("name ~ ama AND cadre = nurse", &env, &names).unwrap().inspect();
    let json = serde_json::to_value(&inspection).unwrap();
    assert_eq!((&json["attributes"][0], &json["worker"][0]), (&"name".into(), &"cadre".into()));
}

#[test]
fn a_project_need_not_be_at_hand() {
    let env = environment();
    let text = "cadre = nurse AND within = Bong AND age = x AND group = y";
    assert_eq!(
        parse(text, &env, &NoProject).unwrap().to_string(),
        r#"worker.cadre = "nurse" AND worker.within = "Bong" AND fields.age = "x" AND group = "y""#
    );
    let query = parse("within = Atlantis", &env, &names().accept_any_place()).unwrap();
    assert_eq!(query.to_string(), "worker.within = \"Atlantis\"");
    assert_eq!(query.compile(&env).unwrap_err().code.as_str(), "unresolved");
}
