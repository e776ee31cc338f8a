//! The manual's chapter on audiences: every query in it can be used, and means what stands beside it.

use audience::{NoProject, parse};
use std::path::Path;

use crate::model::environment;

#[test]
fn queries_of_the_manual_mean_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/audiences.md");
    let manual = std::fs::read_to_string(path).expect("the manual is there");
    let env = environment();
    let (mut read, mut compared) = (0, 0);
    for row in manual.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [left, right] = cells[..] else { panic!("not two cells: {row}") };
        let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let meant = code(right);
        for text in code(left) {
            let query = parse(&text, &env, &NoProject).unwrap_or_else(|e| panic!("{}", e.render(&text)));
            read += 1;
            let is_query = |code: &&String| code.contains(['=', '~']) && code.starts_with(char::is_alphabetic);
            if let Some(meant) = meant.iter().find(is_query) {
                assert_eq!(query.to_string(), *meant, "{row}");
                compared += 1;
            }
        }
    }
    assert!(read > 20 && compared > 1, "{read} queries, {compared} compared");
}
