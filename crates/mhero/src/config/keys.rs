//! The keys of `mhero.toml`, in one table: from it come the commented file, the names in the environment, the check
//! for unknown keys and the table in the manual.

/// How a key's value is read from the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Bool,
    /// Texts, in the environment apart by commas.
    List,
}

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its place in the file, such as `gate.quiet_hours.from`.
    pub(crate) path: &'static str,
    /// How it is read.
    pub(crate) kind: Kind,
    /// What the commented file shows, as TOML: the default, or an example where there is none.
    pub(crate) shown: &'static str,
    /// What it does, one sentence or two.
    pub(crate) about: &'static str,
}

impl Key {
    /// Its name in the environment: `MHERO_GATE_QUIET_HOURS_FROM`.
    pub(crate) fn variable(&self) -> String {
        format!("MHERO_{}", self.path.replace('.', "_").to_uppercase())
    }
}

const fn key(path: &'static str, kind: Kind, shown: &'static str, about: &'static str) -> Key {
    Key { path, kind, shown, about }
}

/// All keys but those of `[[channels]]`, in the order of the commented file.
pub(crate) const KEYS: &[Key] = &[
    key(
        "region",
        Kind::Text,
        "\"LR\"",
        "The country whose local phone numbers are typed without a country code: two letters, ISO 3166-1.",
    ),
    key(
        "store",
        Kind::Text,
        "\"sqlite\"",
        "Where data is kept: \"sqlite\" (a file in this directory) or \"postgres\".",
    ),
    key(
        "ministry.name",
        Kind::Text,
        "\"Ministry of Health\"",
        "Whose system this is, as workers know it: the answers to STOP and START begin with it, and `mhero doctor` shows it.",
    ),
    key(
        "ministry.languages",
        Kind::List,
        "[\"eng\"]",
        "Languages of the workers, the most used first: three letters, ISO 639-3. The first is the default.",
    ),
    key(
        "ministry.timezone",
        Kind::Text,
        "\"Africa/Monrovia\"",
        "The time zone of days and dates, by its IANA name. UTC when not set.",
    ),
    key(
        "http.listen",
        Kind::Text,
        "\"127.0.0.1:8080\"",
        "Address and port of the web server. Anything but the loopback address belongs behind a proxy with TLS.",
    ),
    key("http.body_limit_kb", Kind::Number, "1024", "The largest request body, in KiB (1024 bytes)."),
    key("http.timeout_seconds", Kind::Number, "30", "How long a request may take."),
    key(
        "http.metrics_token_file",
        Kind::Text,
        "\"metrics.token\"",
        "A file with the token that lets other machines read /metrics and the details of /readyz. Without it only this \
         machine can.",
    ),
    key(
        "postgres.url",
        Kind::Text,
        "\"postgres://mhero@127.0.0.1:5432/mhero\"",
        "The PostgreSQL database. With a password in it, prefer url_file or the environment variable.",
    ),
    key(
        "postgres.url_file",
        Kind::Text,
        "\"/etc/mhero/postgres.url\"",
        "A file that holds the URL, readable by mhero alone; read in place of url.",
    ),
    key("postgres.connections", Kind::Number, "12", "How many connections one process opens at most."),
    key("log.format", Kind::Text, "\"text\"", "\"text\" for people, \"json\" for a log collector."),
    key(
        "log.level",
        Kind::Text,
        "\"info\"",
        "error, warn, info, debug or trace; or per part of the program, as in \"info,store=debug\".",
    ),
    key(
        "gate.countries",
        Kind::List,
        "[\"231\"]",
        "Countries that messages may go to, by their calling codes. All when not set.",
    ),
    key(
        "gate.quiet_hours.from",
        Kind::Text,
        "\"21:00\"",
        "No message that nobody is waiting for leaves from this time of the day on. Off until from and to are set.",
    ),
    key("gate.quiet_hours.to", Kind::Text, "\"07:00\"", "The end of the quiet hours."),
    key(
        "gate.quiet_hours.timezone",
        Kind::Text,
        "\"Africa/Monrovia\"",
        "The time zone of the quiet hours, by its IANA name. That of the ministry when not set.",
    ),
    key(
        "gate.per_contact_cap.messages",
        Kind::Number,
        "5",
        "The most messages that one contact gets in the time below, replies not counted. No cap when not set.",
    ),
    key("gate.per_contact_cap.per", Kind::Text, "\"24h\"", "The time of the cap: 30m, 24h, 7d."),
    key(
        "gate.opt_out.enabled",
        Kind::Bool,
        "true",
        "Whether a contact who sends STOP, ARRET... is left alone until START. Keep it on: in most countries it is the \
         law.",
    ),
    key("gate.opt_out.added", Kind::List, "[]", "Words that stop messages, beside the English and French ones."),
    key(
        "gate.opt_out.removed",
        Kind::List,
        "[]",
        "Built-in words that shall not stop messages, because people answer with them: [\"end\"].",
    ),
    key("gate.opt_out.start_added", Kind::List, "[]", "Words that start messages again, beside START and the like."),
    key("backup.folder", Kind::Text, "\"backups\"", "Where `mhero backup` writes, if not told otherwise."),
    key(
        "backup.every_hours",
        Kind::Number,
        "24",
        "How old the newest backup may be before `mhero doctor` warns; 0 when backups are made by other means.",
    ),
];

/// Keys that every entry of `[[channels]]` has, whatever its kind. The others are the kind's own settings.
pub(crate) const CHANNEL_KEYS: &[Key] = &[
    key("name", Kind::Text, "\"lonestar\"", "The name by which reports and logs call it; unique."),
    key("kind", Kind::Text, "\"smpp\"", "What it is: \"smpp\", a direct connection to a mobile operator."),
    key(
        "password_file",
        Kind::Text,
        "\"/etc/mhero/lonestar.password\"",
        "A file that holds the operator's password, readable by mhero alone; read in place of password.",
    ),
    key("tariff.per_segment", Kind::Text, "\"0.012\"", "The price of one SMS segment, as a decimal number in quotes."),
    key("tariff.currency", Kind::Text, "\"USD\"", "The currency of the price: three letters, ISO 4217."),
];
