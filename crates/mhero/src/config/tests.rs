use super::*;

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The message that a text is refused with.
fn refused(text: &str) -> String {
    format!("{:#}", parse(text, Path::new("."), &none()).expect_err(text))
}

#[test]
fn the_commented_file_is_the_defaults() {
    let text = commented(&[("region", "\"LR\"".into())]);
    let config = parse(&text, Path::new("."), &none()).unwrap();
    assert_eq!(config.region.as_deref(), Some("LR"));
    assert_eq!(config.http.listen, Http::default().listen);
    assert!(text.lines().all(|line| line.len() <= 120 && line == line.trim_end()), "{text}");
}

#[test]
fn every_key_of_the_table_exists_and_can_be_written_both_ways() {
    for key in KEYS {
        // Keys that go in pairs are set together.
        let partners: &[&str] = match key.path {
            "gate.quiet_hours.from" => &["gate.quiet_hours.to"],
            "gate.quiet_hours.to" => &["gate.quiet_hours.from"],
            "gate.per_contact_cap.messages" => &["gate.per_contact_cap.per"],
            "gate.per_contact_cap.per" => &["gate.per_contact_cap.messages"],
            _ => &[],
        };
        let mut file = String::new();
        let mut environment = none();
        for key in KEYS.iter().filter(|other| other.path == key.path || partners.contains(&other.path)) {
            let _ = writeln!(file, "{} = {}", key.path, key.shown);
            let bare = key.shown.trim_matches(['[', ']']).replace('"', "");
            environment.insert(key.variable(), bare);
        }
        let from_file = parse(&file, Path::new("."), &none()).unwrap_or_else(|error| panic!("{}: {error:#}", key.path));
        let from_environment =
            parse("", Path::new("."), &environment).unwrap_or_else(|error| panic!("{}: {error:#}", key.path));
        assert_eq!(format!("{from_file:?}"), format!("{from_environment:?}"), "{}", key.path);
    }
}

#[test]
fn no_two_keys_share_a_variable() {
    let mut names: Vec<String> = KEYS.iter().map(Key::variable).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), KEYS.len());
}

#[test]
fn errors_name_the_line_the_key_and_the_remedy() {
    let cases = [
        ("\n[gate]\nquite_hours = {}", "line 3: unknown key \"gate.quite_hours\": did you mean \"gate.quiet_hours\"?"),
        ("regoin = \"LR\"", "line 1: unknown key \"regoin\": did you mean \"region\"?"),
        ("listen = \"0.0.0.0:80\"", "line 1: unknown key \"listen\": did you mean \"http.listen\"?"),
        ("[zzz]\na = 1", "line 1: unknown key \"zzz\""),
        ("region = \"LR", "line 1: invalid basic string"),
        ("region = \"LR\"\nregion = \"GN\"", "line 2: duplicate key at region"),
        ("\n[http]\nlisten = \"here\"", "line 3: http.listen: invalid socket address"),
        ("\n[http]\nbody_limit_kb = -1", "line 3: http.body_limit_kb: invalid value"),
        ("store = \"mysql\"", "line 1: store: unknown variant `mysql`, expected `sqlite` or `postgres`"),
        ("region = \"Liberia\"", "region: the two letters of a country"),
        ("gate.countries = [\"LR\"]", "gate.countries: \"LR\" is no calling code"),
        ("ministry.languages = [\"en\"]", "ministry.languages: \"en\" is no language code"),
        ("[gate.quiet_hours]\nfrom = \"9 pm\"\nto = \"07:00\"", "line 2: gate.quiet_hours.from: \"9 pm\" is no time"),
        ("[gate.quiet_hours]\nfrom = \"21:00\"", "gate.quiet_hours: set both from and to"),
        ("[gate.quiet_hours]\ntimezone = \"Monrovia\"", "\"Monrovia\" is no time zone"),
        ("[gate.per_contact_cap]\nmessages = 3\nper = \"often\"", "line 3: gate.per_contact_cap.per: \"often\" is no"),
        ("[log]\nlevel = \"store=loud\"", "log.level: \"store=loud\" is not understood"),
        ("\n[[channels]]\nname = \"a\"\nkind = \"pigeon\"", "unknown variant `pigeon`"),
        ("[[channels]]\nkind = \"smpp\"", "missing field `name`"),
        ("[[channels]]\nname = \"a\"\nkind = \"smpp\"\nhots = \"x\"", "the channel \"a\": unknown field `hots`"),
        ("[[channels]]\nname = \"a\"\nkind = \"smpp\"", "the channel \"a\": host: it is missing"),
        (
            "[[channels]]\nname = \"a\"\nkind = \"smpp\"\n[[channels]]\nname = \"a\"\nkind = \"smpp\"",
            "two channels are called \"a\"",
        ),
        (
            "[[channels]]\nname = \"a\"\nkind = \"smpp\"\ntariff = { per_segment = \"1,2\", currency = \"USD\" }",
            "\"1,2\" is no price",
        ),
    ];
    for (text, expected) in cases {
        let message = refused(text);
        assert!(message.contains(expected), "{text:?}\n  gave     {message}\n  expected {expected}");
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = parse(
        "region = \"LR\"\nministry.languages = [\"eng\"]\n[[channels]]\nname = \"Lone-Star 1\"\nkind = \"smpp\"\n\
         host = \"operator\"\nport = 2775",
        Path::new("."),
        &variables(&[
            ("MHERO_REGION", "GN"),
            ("MHERO_MINISTRY_LANGUAGES", "fra, eng"),
            ("MHERO_CHANNELS_LONE_STAR_1_PASSWORD", "s3cret"),
            ("MHERO_CHANNELS_LONE_STAR_1_PORT", "2776"),
            ("MHERO_CHANNELS_LONE_STAR_1_SYSTEM_ID", "4711"),
            ("MHERO_CHANNELS_LONE_STAR_1_THROUGHPUT", "50"),
            ("MHERO_CHANNELS_LONE_STAR_1_TARIFF_PER_SEGMENT", "0.02"),
            ("MHERO_CHANNELS_LONE_STAR_1_TARIFF_CURRENCY", "USD"),
            ("MHERO_DATA", "somewhere"),
            ("MHERO_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("MHERO_HTTP_LISTE", "x"),
        ]),
    )
    .unwrap();
    assert_eq!(config.region.as_deref(), Some("GN"));
    assert_eq!(config.ministry.languages, ["fra", "eng"]);
    let channel = &config.channels[0];
    let ChannelKind::Smpp(settings) = &channel.kind;
    assert_eq!((settings.system_id.as_str(), settings.port, settings.throughput), ("4711", 2776, Some(50.0)));
    assert_eq!(settings.password.expose(), "s3cret");
    assert_eq!(channel.tariff.as_ref().unwrap().per_segment, "0.02");
    assert_eq!(
        config.warnings,
        [
            "the variable MHERO_HTTP_LISTE is no configuration key: did you mean MHERO_HTTP_LISTEN?",
            "the variable MHERO_PORT_8080_TCP is no configuration key",
        ]
    );
}

#[test]
fn a_wrong_variable_is_named() {
    let error = parse("", Path::new("."), &variables(&[("MHERO_HTTP_TIMEOUT_SECONDS", "soon")])).unwrap_err();
    assert_eq!(format!("{error:#}"), "MHERO_HTTP_TIMEOUT_SECONDS: not a whole number");
    let error = parse("", Path::new("."), &variables(&[("MHERO_HTTP_LISTEN", "soon")])).unwrap_err();
    assert!(format!("{error:#}").starts_with("http.listen: "), "{error:#}");
}

#[test]
fn secrets_come_from_files_and_show_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("url"), "postgres://mhero:hunter2@127.0.0.1/mhero\n").unwrap();
    std::fs::write(folder.path().join("token"), "t0ken\n").unwrap();
    std::fs::write(
        folder.path().join(FILE),
        "[postgres]\nurl_file = \"url\"\n[http]\nmetrics_token_file = \"token\"\n[[channels]]\nname = \"a\"\n\
         kind = \"smpp\"\nhost = \"h\"\nsystem_id = \"s\"\npassword_file = \"token\"\n",
    )
    .unwrap();
    let config = load(folder.path(), &none()).unwrap();
    assert_eq!(config.postgres.url.as_ref().unwrap().expose(), "postgres://mhero:hunter2@127.0.0.1/mhero");
    assert_eq!(config.metrics_token().unwrap().unwrap().expose(), "t0ken");
    let ChannelKind::Smpp(settings) = &config.channels[0].kind;
    assert_eq!(settings.password.expose(), "t0ken");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("t0ken"), "{shown}");
    assert_eq!(config.backup.folder, folder.path().join("backups"));
}

#[test]
fn a_broken_line_does_not_show_its_secret() {
    let message = refused("[postgres]\nurl = \"postgres://mhero:hunter2@127.0.0.1/mhero");
    assert!(message.contains("line 2") && message.contains("at url") && !message.contains("hunter2"), "{message}");
}

#[test]
fn a_missing_file_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = load(folder.path(), &none()).unwrap_err();
    assert!(error.to_string().contains("is no data directory"), "{error:#}");
}

#[test]
fn opt_out_words_are_added_and_removed() {
    let text = "[gate.opt_out]\nadded = [\"enough\"]\nremoved = [\"end\"]\nstart_added = [\"more\"]\n";
    let words = parse(text, Path::new("."), &none()).unwrap().gate.opt_out.words();
    let cases =
        [("STOP", Some(Wish::OptOut)), ("Enough!", Some(Wish::OptOut)), ("end", None), ("more", Some(Wish::OptIn))];
    for (message, wish) in cases {
        assert_eq!(words.wish(message), wish, "{message}");
    }
    let off = parse("gate.opt_out.enabled = false", Path::new("."), &none()).unwrap().gate.opt_out.words();
    assert_eq!(off.wish("STOP"), None);
}

#[test]
fn every_field_is_in_the_table() {
    // A key that is a field but not in the table would be refused by the file's check: write every section out and
    // compare what it accepts with what the table has.
    let mut table = toml::Table::new();
    for key in KEYS {
        set(&mut table, key.path, toml::Value::Integer(0));
    }
    for section in ["", "ministry", "http", "postgres", "log", "gate", "gate.quiet_hours", "gate.opt_out", "backup"] {
        let path = if section.is_empty() { "no_such_key".into() } else { format!("{section}.no_such_key") };
        let mut table = toml::Table::new();
        set(&mut table, &path, toml::Value::Integer(0));
        let message = toml::Value::Table(table).try_into::<Config>().unwrap_err().to_string();
        let message = message.lines().next().unwrap();
        for field in message.split('`').skip(3).step_by(2).filter(|field| *field != "channels") {
            let path = if section.is_empty() { field.to_owned() } else { format!("{section}.{field}") };
            assert!(KEYS.iter().any(|key| prefixes(key.path).any(|prefix| prefix == path)), "{path} is in no table");
        }
    }
}

#[test]
fn the_manual_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/configuration.md");
    let manual = std::fs::read_to_string(path).unwrap();
    for key in KEYS.iter().chain(CHANNEL_KEYS) {
        let row = format!("| `{}` | `{}` | {} |", key.path, key.shown, key.about);
        assert!(manual.contains(&row), "docs/src/configuration.md lacks the row\n{row}");
    }
}
