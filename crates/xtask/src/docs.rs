//! `docs`: the documentation of the code, and the manual.

use anyhow::Result;

use crate::project::{self, Project};

/// Builds the documentation of the code without a warning, and the manual if `mdbook` is there. The links of the
/// manual are checked by `tidy`, which needs no mdbook.
pub(crate) fn run(project: &Project) -> Result<()> {
    project::run(
        project
            .cargo(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"])
            // What is private is documented too, so links to it lead somewhere.
            .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"),
    )?;
    if project::has("mdbook") {
        project::run(project.command("mdbook").args(["build", "docs"]))?;
    } else {
        eprintln!("The manual is not built: mdbook is not installed (cargo install mdbook)");
    }
    Ok(())
}
