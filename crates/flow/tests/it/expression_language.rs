//! The language: templates, operators, types, conversions, limits.

use std::sync::Arc;

use flow::environment::{Collation, DateFormat, Environment, NumberFormat, TimeFormat, timezone};
use flow::expression::{Context, Members, Object, Scope, Template, Value, functions, regex};
use proptest::prelude::*;

/// A context with a contact, some results and a deprecated root.
struct Session;

/// Members that are made when asked for.
struct Contact;

impl Members for Contact {
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "name" => Some("Ama Kollie".into()),
            "id" => Some("12".into()),
            _ => None,
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        ["name", "id"].map(Arc::from).to_vec()
    }

    fn default_value(&self) -> Option<Value> {
        Some("Ama".into())
    }

    fn warning(&self, name: &str) -> Option<String> {
        (name == "id").then(|| "id is old".to_owned())
    }
}

impl Context for Session {
    fn root(&self, name: &str) -> Option<Value> {
        match name {
            "contact" => Some(Object::lazy(Contact).into()),
            "results" => Some(Value::object([("2factor", Value::from("yes")), ("age", Value::from(23_i64))])),
            "locals" => Some(Value::array(vec!["a".into(), "b".into(), "c".into()])),
            "input" => Some(Value::Null),
            "legacy_extra" => Some(Value::object([("0", Value::from("zero"))])),
            _ => None,
        }
    }

    fn path(&self, root: &str, property: &str) -> Option<Value> {
        (root == "contact" && property == "language").then(|| "eng".into())
    }

    fn warning(&self, name: &str) -> Option<String> {
        (name == "legacy_extra").then(|| "legacy_extra is old".to_owned())
    }
}

const NOW: &str = "2018-04-11T18:24:30.123456Z";

fn liberia() -> Environment {
    Environment {
        date_format: DateFormat::DayMonthYear,
        timezone: timezone("Africa/Monrovia").unwrap(),
        default_country: Some("LR".to_owned()),
        ..Environment::default()
    }
}

/// What a template gives: the text, then each problem after ` !! `, then each warning after ` ?? `.
fn evaluate(env: &Environment, source: &str) -> String {
    let mut random = || 0.25;
    let mut scope = Scope::new(env, &Session, NOW.parse().unwrap(), &mut random);
    let mut text = Template::parse(source).text(&mut scope);
    for problem in &scope.errors {
        let reason = problem.text.strip_prefix("Error evaluating expression: ").unwrap();
        text.extend([" !! ", reason]);
    }
    for warning in &scope.warnings {
        text.extend([" ?? ", warning]);
    }
    text
}

fn check_in(env: &Environment, cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(evaluate(env, source), *expected, "{source}");
    }
}

fn check(cases: &[(&str, &str)]) {
    check_in(&liberia(), cases);
}

#[test]
fn templates_are_split_into_text_identifiers_and_expressions() {
    check(&[
        ("", ""),
        ("Hi @contact!", "Hi Ama!"),
        ("Hi @CONTACT.Name.", "Hi Ama Kollie."),
        ("@contact.language", "eng"),
        ("bob@example.com", "bob@example.com"),
        ("@@contact @ @", "@contact @ @"),
        ("@results.2factor", "yes"),
        ("@(results.2factor)", "yes"),
        ("@locals[0]", "[a, b, c][0]"),
        ("@locals.1", "b"),
        ("@(\")\" & \"(\")", ")("),
        ("@(\"\\\")\")", "\")"),
        ("a @(1 + 2 and @contact", "a @(1 + 2 and @contact"),
        ("@(1)@(2)", "12"),
        ("@(1 / 0)x@contact", "xAma !! division by zero"),
        ("@contact.nothing", " !! object has no property 'nothing'"),
        ("@contact.id @contact.id", "12 12 ?? id is old"),
        ("@legacy_extra.0", "zero ?? legacy_extra is old"),
        ("@()", " !! syntax error at "),
    ]);
}

#[test]
fn a_template_of_one_expression_has_its_type() {
    let env = liberia();
    let mut random = || 0.25;
    let mut scope = Scope::new(&env, &Session, NOW.parse().unwrap(), &mut random);
    let mut value = |source: &str| Template::parse(source).value(&mut scope);
    assert!(matches!(value(" @(1 + 2)\n"), Value::Number(_)));
    assert!(matches!(value("@locals"), Value::Array(_)));
    assert!(matches!(value("@input"), Value::Null));
    assert!(matches!(value("@(1 / 0)"), Value::Error(_)));
    assert!(matches!(value("@(1) @(2)"), Value::Text(_)));
    assert!(matches!(value("x"), Value::Text(_)));
    assert!(matches!(value("@@"), Value::Text(_)));
    assert_eq!(scope.errors.len(), 1);
    assert_eq!(scope.errors[0].expression, "@(1 / 0)");
    assert_eq!(scope.errors[0].code, "expression");
}

#[test]
fn inserted_values_can_be_escaped() {
    let env = liberia();
    let mut random = || 0.25;
    let mut scope = Scope::new(&env, &Session, NOW.parse().unwrap(), &mut random);
    let template = Template::parse("name = @contact.name OR @(1 / 0)");
    assert_eq!(template.text_escaped(&mut scope, &|text| format!("\"{text}\"")), "name = \"Ama Kollie\" OR ");
}

#[test]
fn long_texts_are_cut() {
    let env = liberia();
    let mut random = || 0.25;
    let mut scope = Scope::new(&env, &Session, NOW.parse().unwrap(), &mut random);
    let template = Template::parse("ab@(repeat(\"é\", 10000))");
    let text = template.text(&mut scope);
    assert_eq!(text.chars().count(), 10_000);
    assert!(text.ends_with("é..."));
    assert_eq!(template.text_uncut(&mut scope).chars().count(), 10_002);
}

#[test]
fn operators_bind_and_convert() {
    check(&[
        ("@(2 ^ 2 ^ 3)", "64"),
        ("@(-2 ^ 2)", "4"),
        ("@(--2)", "2"),
        ("@(1 + 2 * 3)", "7"),
        ("@(1 & 2 + 3)", "15"),
        ("@(1 & 2 = 2)", "1true"),
        ("@(1 < 2 = true)", "true"),
        ("@(1 < 2 < 3)", " !! unable to convert true to a number"),
        ("@(\"a\" = \"A\")", "false"),
        ("@(1.0 = 1)", "true"),
        ("@(\"2\" * \" .5 \")", "1"),
        ("@(10 / 3)", "3.3333333333333333"),
        ("@(2 / 3)", "0.6666666666666667"),
        ("@(2 ^ 0.5)", "1.4142136"),
        ("@(2 ^ -2)", "0.25"),
        ("@(2 ^ 101)", " !! exponent out of range"),
        ("@(9 ^ 99)", " !! number value out of range"),
        ("@(123456789012345678901234567890123456 * 10 + 1)", " !! number value out of range"),
        (
            "@(1234567890123456789012345678901234567)",
            " !! number 1234567890123456789012345678901234567 is out of range",
        ),
        ("@(contact & \"!\")", "Ama!"),
        ("@(null + 1)", " !! unable to convert null to a number"),
        ("@(array(1) + 1)", " !! unable to convert array to a number"),
        ("@(today() + 1)", " !! unable to convert date to a number"),
        ("@(\"x\" + 1)", " !! unable to convert \"x\" to a number"),
    ]);
}

#[test]
fn lookups_and_calls() {
    check(&[
        ("@(locals[-1])", "c"),
        ("@(locals[3])", " !! index 3 out of range for 3 items"),
        ("@(locals[\"x\"])", " !! unable to convert \"x\" to a number"),
        ("@(results[\"AGE\"])", "23"),
        ("@(results[\"nothing\"])", ""),
        ("@(results.nothing)", " !! object has no property 'nothing'"),
        ("@(input.text)", " !! null doesn't support lookups"),
        ("@((\"abc\").x)", " !! \"abc\" doesn't support lookups"),
        ("@(\"abc\".x)", " !! syntax error at .x"),
        ("@(foo)", " !! context has no property 'foo'"),
        ("@(contact(1))", " !! object is not a function"),
        ("@(upper)", "upper"),
        ("@(array(upper)[0](\"a\"))", "A"),
        ("@(((x) => x & contact)(1))", "1Ama"),
        ("@(((upper) => upper)(1))", "1"),
        ("@(((x) => (y) => x & y)(1)(2))", "12"),
        ("@(((x, y) => x)(1))", " !! error calling <anon>(...): need 2 argument(s), got 1"),
        ("@(upper())", " !! error calling upper(...): need 1 argument(s), got 0"),
        ("@(max())", " !! error calling max(...): need at least 1 argument(s), got 0"),
        ("@(round(1, 2, 3))", " !! error calling round(...): need 1 to 2 argument(s), got 3"),
        ("@(upper(foo))", " !! error calling upper(...): context has no property 'foo'"),
        ("@(1 2)", " !! syntax error at 2"),
        ("@(1 +)", " !! syntax error at "),
        ("@(foo bar baz qux)", " !! syntax error at bar baz qu"),
    ]);
}

#[test]
fn literals() {
    check(&[
        (r#"@("a\tb\u00e9\x41\\\"")"#, "a\tbéA\\\""),
        (r#"@("\d+\n")"#, r"\d+\n"),
        ("@(\"two\nlines\")", "two\nlines"),
        ("@(TRUE & False & NULL)", "truefalse"),
        ("@(1.50)", "1.5"),
        ("@(.5)", " !! syntax error at .5"),
        ("@(1e5)", " !! syntax error at e5"),
    ]);
}

#[test]
fn values_as_text_truth_and_json() {
    check(&[
        ("@(array(1, \"x\", null, array()))", "[1, x, , []]"),
        ("@(object(\"b\", 1, \"a\", object()))", "{a: {}, b: 1}"),
        ("@(boolean(array()) & boolean(object()) & boolean(\"False\") & boolean(contact))", "falsefalsefalsetrue"),
        ("@(boolean(time(\"00:00\")) & boolean(today()) & boolean(upper))", "falsetruetrue"),
        ("@(json(contact))", r#"{"id":"12","name":"Ama Kollie"}"#),
        ("@(json(array(upper, 1.10, \"é\\n\")))", r#"[null,1.1,"é\n"]"#),
        (
            "@(parse_json(\"{\\\"a\\\": [1.50, 1e2, 12345678901234567890.12, null]}\").a)",
            "[1.5, 100, 12345678901234567890.12, ]",
        ),
        ("@(json(parse_json(\"\\\"\\\\ud83d\\\\ude00 \\\\ud83d\\\"\")))", "\"😀 \u{fffd}\""),
        ("@(parse_json(\"[1,]\"))", " !! error calling parse_json(...): invalid JSON"),
        ("@(parse_json(\"\"))", ""),
        ("@(format(object(\"a\", 1000, \"b\", array(\"x\", \"y\"))))", "a: 1,000\nb: x, y"),
        ("@(format(object(\"a\", object(\"x\", 1, \"y\", 2))))", "a:\n  x: 1\n  y: 2"),
        ("@(format(array(object(\"x\", 1, \"y\", 2), 3)))", "- x: 1\n  y: 2\n- 3"),
        ("@(format(-1234567.5))", "-1,234,567.5"),
    ]);
}

#[test]
fn dates_and_times_in_text() {
    check(&[
        ("@(date(\"born on 5.6.98, I think\"))", "1998-06-05"),
        ("@(date(\"5/6/18\"))", "2018-06-05"),
        ("@(date(\"5/6/19\"))", "1919-06-05"),
        ("@(date(\"31/2/2010 or 1/3/2010\"))", "2010-03-01"),
        ("@(date(\"2010-05-10 or so\"))", "2010-05-10"),
        ("@(datetime(\"10/05/2010 at 3:45 pm\"))", "2010-05-10T15:45:00.000000Z"),
        ("@(datetime(\"2010-05-10T15:45+02:00\"))", "2010-05-10T15:45:00.000000+02:00"),
        ("@(datetime(\"2010-05-10T15:45:01.5\"))", "2010-05-10T15:45:01.500000Z"),
        ("@(datetime(\"2010-05-10T15:45:01.5Z\"))", "2010-05-10T15:45:01.500000Z"),
        (
            "@(time(\"24:00:00\") & \" \" & time(\"1245\") & \" \" & time(\"12 am\"))",
            "00:00:00.000000 12:45:00.000000 00:00:00.000000",
        ),
        ("@(time(\"25 or 7pm\"))", "19:00:00.000000"),
        ("@(time(24))", "00:00:00.000000"),
        ("@(time(25))", " !! error calling time(...): unable to convert 25 to a time"),
        ("@(date(\"soon\"))", " !! error calling date(...): unable to convert \"soon\" to a date"),
        ("@(datetime(date(\"2010-05-10\")))", "2010-05-10T00:00:00.000000Z"),
        ("@(today())", "2018-04-11"),
        ("@(datetime_add(\"31/01/2017\", 1, \"M\"))", "2017-03-03T00:00:00.000000Z"),
        ("@(datetime_add(\"29/02/2016\", 1, \"Y\"))", "2017-03-01T00:00:00.000000Z"),
        ("@(datetime_diff(\"31/01/2017\", \"01/02/2017\", \"M\"))", "1"),
        ("@(tz(\"2017-01-15T02:15:18+05:30\") & tz_offset(\"2017-01-15T02:15:18+05:30\"))", "+0530"),
        ("@(date_from_parts(2017, 2, 30))", "2017-03-02"),
    ]);
    let american = Environment { timezone: timezone("America/New_York").unwrap(), ..Environment::default() };
    check_in(
        &american,
        &[
            // An offset that the local timezone has at that time is the local timezone's.
            ("@(tz(\"2017-01-15T02:15:18-05:00\"))", "America/New_York"),
            ("@(datetime_add(\"2019-03-09T12:00:00-05:00\", 1, \"D\"))", "2019-03-10T12:00:00.000000-04:00"),
            ("@(datetime_add(\"2019-03-09T12:00:00-05:00\", 24, \"h\"))", "2019-03-10T13:00:00.000000-04:00"),
            ("@(date(\"15/01/02\"))", "2015-01-02"),
        ],
    );
}

#[test]
fn layouts() {
    let at = "2010-05-09T00:07:03.123456789Z";
    let cases = [
        ("YY-M-D", "10-5-9"),
        ("EEE, D MMM YYYY", "Sun, 9 May 2010"),
        ("EEEE DD MMMM", "Sunday 09 May"),
        ("t:m:s", ":7:3"),
        ("h:mm aa hh AA", "12:07 am 12 AM"),
        ("ss.fff ffffff fffffffff", "03.123 123456 123456789"),
        ("ttT_Z ZZZ", "00T_Z +00:00"),
    ];
    for (layout, expected) in cases {
        check(&[(&format!("@(format_datetime(\"{at}\", \"{layout}\"))"), expected)]);
    }
    check(&[
        (
            "@(format_date(\"2010-05-09\", \"YYYYY\"))",
            " !! error calling format_date(...): 'YYYYY' is not valid in a date formatting layout",
        ),
        (
            "@(format_time(\"10:30\", \"YYYY\"))",
            " !! error calling format_time(...): 'YYYY' is not valid in a time formatting layout",
        ),
        (
            "@(parse_datetime(\"May\", \"MMM\"))",
            " !! error calling parse_datetime(...): 'MMM' is not valid in a datetime parsing layout",
        ),
        (
            "@(parse_datetime(\"2010-x\", \"YYYY-MM\"))",
            " !! error calling parse_datetime(...): cannot parse 'x' as 'MM'",
        ),
        ("@(parse_datetime(\"2010-05-09 7:03:04.25 pm\", \"YYYY-MM-DD h:mm:ss aa\"))", "2010-05-09T19:03:04.250000Z"),
        ("@(parse_datetime(\"2010-05-09 07:03:04.250\", \"YYYY-MM-DD tt:mm:ss.fff\"))", "2010-05-09T07:03:04.250000Z"),
        ("@(parse_datetime(\"2010-05-09T07:03+02:00\", \"YYYY-MM-DDTtt:mmZ\"))", "2010-05-09T07:03:00.000000+02:00"),
        ("@(parse_time(\"7:03\", \"tt:mm\"))", "07:03:00.000000"),
    ]);
    let french = Environment { allowed_languages: vec!["fra".to_owned()], ..liberia() };
    check_in(&french, &[("@(format_date(\"2010-08-09\", \"EEEE D MMMM\"))", "lundi 9 août")]);
}

#[test]
fn formats_of_the_environment() {
    let env = Environment {
        time_format: TimeFormat::HourMinuteSecondAmPm,
        timezone: timezone("Africa/Lagos").unwrap(),
        number_format: NumberFormat { decimal_symbol: ",".to_owned(), digit_grouping_symbol: ".".to_owned() },
        ..liberia()
    };
    check_in(
        &env,
        &[
            ("@(format(now()))", "11-04-2018 7:24:30 pm"),
            ("@(format_number(1234567.891, 2))", "1.234.567,89"),
            ("@(format_number(-1234.5, 3, false))", "-1234,500"),
            ("@(has_number(\"it costs 1.234,50\").match)", "1234.5"),
        ],
    );
    let json: Environment = serde_json::from_str(
        r#"{"date_format": "MM-DD-YYYY", "time_format": "h:mm aa", "timezone": "Africa/Kigali", "default_country": null,
            "allowed_languages": ["eng"], "redaction_policy": "urns", "input_collation": "arabic_variants"}"#,
    )
    .unwrap();
    assert_eq!(json.date_format, DateFormat::MonthDayYear);
    assert_eq!(json.input_collation, Collation::ArabicVariants);
    let again: Environment = serde_json::from_str(&serde_json::to_string(&json).unwrap()).unwrap();
    assert_eq!(again, json);
    assert!(serde_json::from_str::<Environment>(r#"{"timezone": "Atlantis"}"#).is_err());
}

#[test]
fn words_are_compared_by_the_collation() {
    let test = |collation, text: &str, words: &str| {
        let env = Environment { input_collation: collation, ..Environment::default() };
        evaluate(&env, &format!("@(has_any_word(\"{text}\", \"{words}\"))")) == "true"
    };
    assert!(test(Collation::Default, "YES please", "yes"));
    assert!(!test(Collation::Default, "уеѕ", "yes"));
    assert!(test(Collation::Confusables, "уеѕ", "yes"));
    assert!(!test(Collation::Default, "بلى", "بلی"));
    assert!(test(Collation::ArabicVariants, "بلى", "بلی"));
    assert!(test(Collation::ArabicVariants, "٤٢", "۴۲"));
}

#[test]
fn patterns_are_those_of_re2() {
    check(&[
        (r#"@(has_pattern("x\ny", "^Y$").match)"#, "y"),
        (r#"@(has_pattern("a1é", "^\w+$"))"#, "false"),
        (r#"@(has_pattern("٣", "\d"))"#, "false"),
        (r#"@(has_pattern("a[b", "[[]b").match)"#, "[b"),
        (r#"@(has_pattern("a{b", "a{b").match)"#, "a{b"),
        (r#"@(has_pattern("<b>", "\<b\>").match)"#, "<b>"),
        (r#"@(has_pattern("a.b", "\Qa.b\E").match)"#, "a.b"),
        (r#"@(has_pattern("aXb", "\Qa.b\E"))"#, "false"),
        (r#"@(has_pattern("a&&b", "[&&]+").match)"#, "&&"),
        (r#"@(has_pattern("ab12", "([a-z]+)(?P<n>\d+)(x)?").extra)"#, "{0: ab12, 1: ab, 2: 12, 3: }"),
        (r#"@(is_error(has_pattern("a", "a**")))"#, "true"),
        (r#"@(is_error(has_pattern("a", "(?=a)")))"#, "true"),
        (r#"@(is_error(has_pattern("a", "\1")))"#, "true"),
        (r#"@(is_error(has_pattern("a", "[a")))"#, "true"),
        (r#"@(has_pattern("-]", "[]\-]+").match)"#, "-]"),
    ]);
}

#[test]
fn numbers_in_text() {
    check(&[
        ("@(has_number(\"paid 1,250.50 today\").match)", "1250.5"),
        ("@(has_number(\"costs .75\").match)", "0.75"),
        ("@(has_number(\"v.75\").match)", "75"),
        ("@(has_number(\"-5\").match)", "-5"),
        ("@(has_number(\"+5\").match)", "5"),
        ("@(has_number(\"৪২\").match)", "42"),
        ("@(has_number_gt(\"1 or 2 or 3\", 2).match)", "3"),
        ("@(has_number(\"none\"))", "false"),
    ]);
}

#[test]
fn an_evaluation_has_a_budget() {
    let too_complex = " !! expression is too complex to evaluate";
    let thousand = "split(repeat(\"x \", 1000))";
    let nested = format!("@(foreach({thousand}, (a) => foreach({thousand}, (b) => repeat(\"y\", 5000))))");
    let recursive = "@(((f) => f(f))((f) => f(f)))";
    let doubling = format!("@({}1{})", "((x) => array(x, x))(".repeat(40), ")".repeat(40));
    let wrapped = format!("@(((f, x) => f(f, x))((f, x) => f(f, {}x{}), 1))", "array(".repeat(80), ")".repeat(80));
    for source in [nested.as_str(), recursive, &doubling, &wrapped] {
        let given = evaluate(&liberia(), source);
        assert!(given.ends_with(too_complex), "{given}");
    }
    // The budget isn't spent for ever.
    let env = liberia();
    let mut random = || 0.25;
    let mut scope = Scope::new(&env, &Session, NOW.parse().unwrap(), &mut random);
    assert_eq!(Template::parse(&nested).text(&mut scope), "");
    assert_eq!(scope.errors[0].code, "expression:too_complex");
    assert_eq!(Template::parse("@(1 + 1)").text(&mut scope), "2");
}

#[test]
fn nesting_is_limited_and_length_is_not() {
    let nested = |depth: usize| format!("@({}1{})", "(".repeat(depth), ")".repeat(depth));
    check(&[(&nested(100), "1"), (&nested(101), " !! expression nesting too deep")]);
    check(&[(&nested(5000), " !! expression nesting too deep")]);
    check(&[(&format!("@({}1)", "1 + ".repeat(5000)), "5001")]);
    check(&[(&format!("@({}1)", "-".repeat(5001)), "-1")]);
    check(&[(&format!("@(upper{})", ".x".repeat(5000)), " !! upper doesn't support lookups")]);
    check(&[(&format!("@({}1)", "(x) => ".repeat(2000)), " !! expression nesting too deep")]);
    check(&[(&format!("@({}", "(".repeat(5000)), &format!("@({}", "(".repeat(5000)))]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_template(source in "\\PC{0,80}") {
        evaluate(&liberia(), &source);
    }

    #[test]
    fn anything_that_looks_like_an_expression_is_evaluated(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "(", ")", "[", "]", ".", ",", "+", "-", "*", "/", "^", "&", "=", "!=", "<", ">=", "=>", "x", "upper",
                "contact", "locals", "foreach", "array", "object", "1", "0", "2.5", "-1", "\"a\"", "\"1/2/2010\"",
                "null", "true", " ", "format", "datetime", "text_slice", "replace", "has_number", "split", "word_slice",
                "format_datetime", "field", "(x)", "repeat", "regex_match", "slice", "name", "sort",
            ]),
            0..30,
        )
    ) {
        evaluate(&liberia(), &format!("@({})", tokens.concat()));
    }

    #[test]
    fn functions_take_anything(
        function in prop::sample::select(
            functions().chain(flow::router::test::all()).map(|f| f.name).collect::<Vec<_>>()
        ),
        arguments in prop::collection::vec(
            prop::sample::select(vec![
                "0", "1", "-1", "3", "100", "2147483647", "-2147483648", "0.0000001", "123456789012345678901234567890",
                "\"\"", "\" \"", "\"a b\"", "\"é😁\"", "\"2020-02-29\"", "\"10:30\"", "\"D\"", "\"M\"", "\"YYYY-MM-DD\"",
                "\"(\"", "\"tel:+231990000001\"", "\"0000-00-00\"", "\"9999-12-31T23:59:59.999999999Z\"", "null", "true", "array()", "array(1, 2)",
                "array(\"b\", \"a\")", "object()", "object(\"a\", 1)", "contact", "upper", "(x) => x", "(1 / 0)", "today()",
                "now()", "time(10)",
            ]),
            0..4,
        )
    ) {
        evaluate(&liberia(), &format!("@({function}({}))", arguments.join(", ")));
    }

    #[test]
    fn numbers_keep_their_digits(a in -1_000_000_000_i64..1_000_000_000, b in -1_000_000_i64..1_000_000, places in 0_usize..6) {
        let scale = 10_i128.pow(u32::try_from(places).unwrap());
        let decimal = |n: i64| {
            let (sign, n) = (if n < 0 { "-" } else { "" }, i128::from(n.abs()));
            format!("{sign}{}.{:0places$}", n / scale, n % scale).trim_end_matches('.').to_owned()
        };
        let (x, y) = (if places == 0 { a.to_string() } else { decimal(a) }, if places == 0 { b.to_string() } else { decimal(b) });
        let scaled = i128::from(a) * i128::from(b);
        let env = liberia();
        prop_assert_eq!(evaluate(&env, &format!("@(({x}) * ({y}) * {} = {scaled})", scale * scale)), "true");
        prop_assert_eq!(evaluate(&env, &format!("@((({x}) + ({y})) * {scale} = {})", a + b)), "true");
        prop_assert_eq!(evaluate(&env, &format!("@(({x}) < ({y}))")), (a < b).to_string());
    }

    #[test]
    fn any_text_may_be_a_pattern(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "a", "é", "[", "]", "^", "$", "(", ")", "?", "*", "+", "{", "}", "2", ",", "\\", "\\d", "\\b", "\\x4", "\\x{e9}", "\\Q",
                "\\E", "\\p{L}", "\\07", "|", "-", "&&", "[:alpha:]", "(?i)", "(?P<n>", "(?:", ".", ":", "<", "\\<", "\\é",
            ]),
            0..12,
        )
    ) {
        if let Some(regex) = regex::compile(&parts.concat()) {
            regex.is_match("aé2 b");
        }
    }

    #[test]
    fn any_text_may_be_a_layout(
        parts in prop::collection::vec(
            prop::sample::select(vec!["YYYY", "MM", "D", "tt", "h", "mm", "ss", "fff", "aa", "Z", "ZZZ", "-", "é", "T", ".", ",", "x"]),
            0..8,
        ),
        text in "[-0-9T:. apmZ+é]{0,24}",
    ) {
        evaluate(&liberia(), &format!("@(parse_datetime(\"{text}\", \"{}\"))", parts.concat()));
        evaluate(&liberia(), &format!("@(format_datetime(now(), \"{}\"))", parts.concat()));
        evaluate(&liberia(), &format!("@(datetime(\"{text}\"))"));
    }

    #[test]
    fn json_is_read_as_by_others(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"\"", "\"\\u00e9\\n\"", "\"é\"", "0", "-1", "1.50", "1e2 ", "01", "1.", "true", "null",
                " ", "\n", "\"\\x\"", "x", "[1]", "{\"a\":2}",
            ]),
            0..10,
        )
    ) {
        let text = parts.concat();
        let theirs = serde_json::from_str::<serde_json::Value>(&text).ok();
        let ours = Value::parse_json(&text);
        prop_assert_eq!(ours.is_some(), theirs.is_some(), "{}", text);
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            prop_assert!(ours.same(&Value::from_json(&theirs)), "{} {:?}", text, ours);
        }
    }
}
