//! Which crate may depend on which, and what every crate's manifest has.

use super::{Breaches, SourceFile};

/// The edges of the house. A crate that is not here does not exist; an edge that is not here is a change of the
/// architecture.
const EDGES: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("net", &["base"]),
    ("fhir", &["base"]),
    ("audience", &["base"]),
    ("flow", &["base", "audience"]),
    ("registry", &["base", "fhir"]),
    ("gateway", &["base", "net"]),
    ("exchange", &["base", "net", "fhir", "registry", "flow"]),
    ("store", &["base", "audience", "flow", "fhir", "registry"]),
    ("app", &["base", "net", "fhir", "audience", "flow", "registry", "gateway", "exchange", "store"]),
    ("server", &["base", "app"]),
    // The binary wires everything together, and gives the tools of each crate a command.
    (
        "mhero",
        &["base", "net", "fhir", "audience", "flow", "registry", "gateway", "exchange", "store", "app", "server"],
    ),
    ("xtask", &[]),
];

/// Crates that do no input or output and read no clock, randomness or environment.
pub(super) const PURE: &[&str] = &["base", "fhir", "audience", "flow", "registry"];

/// Dependencies that a pure crate has no use for.
const IMPURE: &[&str] =
    &["deadpool-postgres", "getrandom", "rand", "reqwest", "rusqlite", "rustix", "tempfile", "tokio", "tokio-postgres"];

pub(super) fn check(files: &[SourceFile], breaches: &mut Breaches) {
    for file in files {
        let name = file.path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml"));
        if let (Some(name), Some(text)) = (name, &file.text) {
            manifest(&file.path, name, text, breaches);
        }
    }
}

fn manifest(path: &str, folder: &str, text: &str, breaches: &mut Breaches) {
    let Ok(manifest) = text.parse::<toml::Table>() else {
        return breaches.add(path, 0, "cannot be read as TOML");
    };
    let line_of = |name: &str| {
        text.lines()
            .position(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '='])))
            .map_or(0, |at| at + 1)
    };
    let package = manifest.get("package").and_then(toml::Value::as_table);
    let field = |name: &str| package.and_then(|package| package.get(name)).and_then(toml::Value::as_str);
    if field("name") != Some(folder) {
        breaches.add(path, line_of("name"), format!("the crate is not named after its folder, {folder}"));
    }
    if field("description").is_none_or(|text| text.trim().is_empty()) {
        breaches.add(path, 0, "has no description");
    }
    if manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) != Some(true) {
        breaches.add(path, 0, "does not take the lints of the workspace: add [lints] workspace = true");
    }
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == folder) else {
        return breaches.add(path, 0, "is not in the table of crates: crates/xtask/src/tidy/crates.rs");
    };
    for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
        let dependencies = manifest.get(section).and_then(toml::Value::as_table);
        for name in dependencies.into_iter().flat_map(toml::Table::keys) {
            if EDGES.iter().any(|(other, _)| other == name) && !allowed.contains(&name.as_str()) {
                breaches.add(path, line_of(name), format!("{folder} may not depend on {name}"));
            }
            if section == "dependencies" && PURE.contains(&folder) && IMPURE.contains(&name.as_str()) {
                breaches.add(path, line_of(name), format!("{folder} is pure and has no use for {name}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::breaches_of;

    const HEAD: &str = "[package]\nname = \"flow\"\ndescription = \"Flows\"\n[lints]\nworkspace = true\n";

    #[test]
    fn edges_follow_the_table() {
        let cases = [
            ("[dependencies]\nbase.workspace = true\nserde = \"1\"\n", vec![]),
            (
                "[dependencies]\nbase.workspace = true\nstore = { path = \"../store\" }\n",
                vec!["crates/flow/Cargo.toml:8: flow may not depend on store"],
            ),
            (
                "[dev-dependencies]\ngateway.workspace = true\n",
                vec!["crates/flow/Cargo.toml:7: flow may not depend on gateway"],
            ),
            (
                "[dependencies]\ntokio.workspace = true\n",
                vec!["crates/flow/Cargo.toml:7: flow is pure and has no use for tokio"],
            ),
            ("[dev-dependencies]\ntempfile.workspace = true\n", vec![]),
        ];
        for (rest, expected) in cases {
            let text = format!("{HEAD}{rest}");
            assert_eq!(breaches_of(check, &[("crates/flow/Cargo.toml", &text)]), expected, "{rest}");
        }
    }

    #[test]
    fn manifests_say_what_the_crate_is() {
        let text = "[package]\nname = \"flows\"\n";
        assert_eq!(breaches_of(check, &[("crates/flow/Cargo.toml", text)]).len(), 3);
        let unknown = HEAD.replace("\"flow\"", "\"other\"");
        assert_eq!(
            breaches_of(check, &[("crates/other/Cargo.toml", &unknown)]),
            ["crates/other/Cargo.toml: is not in the table of crates: crates/xtask/src/tidy/crates.rs"]
        );
    }

    #[test]
    fn the_table_has_no_circle() {
        // A crate's dependencies stand before it.
        for (at, (name, allowed)) in EDGES.iter().enumerate() {
            for other in *allowed {
                let place = EDGES.iter().position(|(name, _)| name == other);
                assert!(place.is_some_and(|place| place < at), "{name} -> {other}");
            }
        }
    }
}
