//! `init`, `doctor`, `completions`, `man`, and how errors look.

use crate::command::{Place, run};

#[test]
fn init_makes_a_directory_once_and_says_what_is_next() {
    let place = Place::empty();
    let done = place.run(&["init", "--region", "lr"]).ok();
    assert!(done.stdout.contains("mhero serve --data"), "{done:?}");
    let again = place.run(&["init"]);
    assert_eq!(again.code, 1);
    assert_eq!(again.stdout, "");
    assert!(again.stderr.starts_with("error: ") && again.stderr.contains("\nhint: "), "{again:?}");
}

#[test]
fn init_takes_the_directory_as_an_argument() {
    let place = Place::empty();
    let other = place.data.with_file_name("other");
    let done = place.run(&["--json", "init", other.to_str().unwrap()]).ok();
    assert_eq!(done.json()["config"], other.join("mhero.toml").to_str().unwrap());
}

#[test]
fn doctor_finds_a_new_installation_sound() {
    let place = Place::new();
    let done = place.run(&["doctor", "--json"]).ok();
    let report = done.json();
    let state = |name: &str| {
        let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
        check.unwrap_or_else(|| panic!("no check {name} in {report}"))["state"].as_str().unwrap().to_owned()
    };
    for name in ["clock", "data directory", "configuration", "http", "running server"] {
        assert_eq!(state(name), "ok", "{report}");
    }
    assert_eq!(state("channels"), "warn");
    assert!(place.run(&["doctor"]).ok().stdout.contains("What to do:"));
}

#[test]
fn doctor_fails_with_remedies() {
    let place = Place::empty();
    let done = place.run(&["doctor"]);
    assert_eq!(done.code, 1);
    assert!(done.stdout.contains("data directory: make one with `mhero init DIR`"), "{done:?}");
    let place = Place::new();
    place.configure("[gaet]\n");
    let done = place.run(&["doctor"]);
    assert_eq!(done.code, 1);
    assert!(done.stdout.contains("unknown key \"gaet\": did you mean \"gate\"?"), "{done:?}");
}

#[test]
fn a_wrong_command_line_is_its_own_exit_code() {
    let done = Place::empty().run(&["doctor", "--no-such-option"]);
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
}

#[test]
fn shells_and_man_get_their_files() {
    let place = Place::empty();
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.run(&["completions", shell]).ok().stdout.contains("operator-sim"), "{shell}");
    }
    assert!(place.run(&["man"]).ok().stdout.contains(".TH mhero 1"));
    let pages = place.data.with_file_name("man");
    place.run(&["man", "--out", pages.to_str().unwrap()]).ok();
    let page = std::fs::read_to_string(pages.join("mhero-doctor.1")).unwrap();
    assert!(page.contains("mhero\\-doctor"), "{page}");
}

#[test]
fn the_environment_configures_and_its_errors_are_named() {
    let place = Place::new();
    let done = run(place.command(&["doctor"]).env("MHERO_HTTP_LISTEN", "nowhere"));
    assert_eq!(done.code, 1);
    assert!(done.stdout.contains("http.listen"), "{done:?}");
    let done = run(place.command(&["doctor"]).env("MHERO_REGOIN", "LR")).ok();
    assert!(done.stdout.contains("did you mean MHERO_REGION?"), "{done:?}");
}
