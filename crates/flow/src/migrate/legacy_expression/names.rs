//! Names of the old context.

use super::{ATOM, Kind, Options, Translated};
use base::Scheme;

/// Properties of a contact that are still its own; any other is a field or an address.
const CONTACT: [&str; 6] = ["uuid", "id", "name", "first_name", "language", "created_on"];

/// What a dotted name in lower case has become. A name that isn't known stays.
pub(super) fn lookup(name: &str, options: Options) -> Translated {
    let parts: Vec<&str> = name.split('.').collect();
    let (root, rest) = (parts[0], &parts[1..]);
    let unknown = |text: String| Translated { text, kind: Kind::Unknown, level: ATOM };
    match (root, rest) {
        ("contact", rest) | ("flow" | "step", ["contact", rest @ ..]) => unknown(contact("", rest)),
        ("parent" | "child", ["contact", rest @ ..]) => unknown(contact(&format!("{root}."), rest)),
        ("flow", rest) => unknown(results("results", rest)),
        ("parent" | "child", rest) => unknown(results(&format!("{root}.results"), rest)),
        ("extra", ["flow", rest @ ..]) => unknown(results("parent.results", rest)),
        ("extra", rest) => unknown(path("legacy_extra", rest)),
        ("step", rest) => unknown(step(rest)),
        ("channel", [] | ["address" | "tel" | "tel_e164"]) => unknown("contact.channel.address".to_owned()),
        ("channel", rest) => unknown(path("contact.channel", rest)),
        ("date", rest) => date(rest, options).unwrap_or_else(|| unknown(path("date", rest))),
        _ => unknown(path(root, rest)),
    }
}

/// A path; a name that starts with a digit is looked up as text.
fn path(root: &str, names: &[&str]) -> String {
    let mut out = root.to_owned();
    for name in names {
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            out.extend(["[\"", name, "\"]"]);
        } else {
            out.push('.');
            out.push_str(name);
        }
    }
    out
}

fn contact(owner: &str, names: &[&str]) -> String {
    let urn = |scheme: &str| format!("{owner}urns.{scheme}");
    match names {
        [] => format!("{owner}contact"),
        ["groups"] => format!("join({owner}contact.groups, \",\")"),
        ["tel"] => format!("format_urn({})", urn("tel")),
        ["tel_e164"] => format!("default(urn_parts({}).path, \"\")", urn("tel")),
        [name] if CONTACT.contains(name) => format!("{owner}contact.{name}"),
        [scheme] if Scheme::NAMES.contains(scheme) => format!("default(urn_parts({}).path, \"\")", urn(scheme)),
        [scheme, "display"] if Scheme::NAMES.contains(scheme) => format!("format_urn({})", urn(scheme)),
        [scheme, "urn"] if Scheme::NAMES.contains(scheme) => urn(scheme),
        [scheme, part @ ("path" | "scheme")] if Scheme::NAMES.contains(scheme) => {
            format!("urn_parts({}).{part}", urn(scheme))
        }
        names => path(&format!("{owner}fields"), names),
    }
}

fn results(root: &str, names: &[&str]) -> String {
    match names {
        [name, last] => {
            let last = match *last {
                "category" => "category_localized",
                "text" => "input",
                "time" => "created_on",
                other => other,
            };
            path(root, &[name, last])
        }
        names => path(root, names),
    }
}

fn step(names: &[&str]) -> String {
    match names {
        [] | ["value"] => "input".to_owned(),
        ["time"] => "input.created_on".to_owned(),
        ["attachments"] => "foreach(foreach(input.attachments, attachment_parts), extract, \"url\")".to_owned(),
        ["attachments", index] if index.bytes().all(|b| b.is_ascii_digit()) => {
            format!("attachment_parts(input.attachments[{index}]).url")
        }
        names => path("input", names),
    }
}

fn date(names: &[&str], options: Options) -> Option<Translated> {
    let day = |days: &str| {
        let added = format!("datetime_add(now(), {days}, \"D\")");
        if options.raw_dates {
            Translated::atom(added, Kind::DateTime)
        } else {
            Translated::atom(format!("format_date({added})"), Kind::Date)
        }
    };
    Some(match names {
        [] | ["now"] => Translated::atom("now()", Kind::DateTime),
        ["today"] if options.raw_dates => Translated::atom("today()", Kind::Date),
        ["today"] => Translated::atom("format_date(today())", Kind::Date),
        ["tomorrow"] => day("1"),
        ["yesterday"] => day("-1"),
        _ => return None,
    })
}
