//! Copies of a store that can be restored.

use crate::{Sqlite, StoreError, StoreResult};
use std::path::Path;

/// Writes a consistent copy of a SQLite store to `path` while it is in use.
pub(crate) async fn copy_sqlite(store: &Sqlite, path: &Path) -> StoreResult<()> {
    let (from, to) = (store.path().to_owned(), path.to_owned());
    tokio::task::spawn_blocking(move || {
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| StoreError::Unusable(format!("{} cannot be made: {error}", folder.display())))?;
        }
        let text = to.to_str().ok_or_else(|| {
            StoreError::Unusable(format!("{}: the path of a backup must be valid UTF-8", to.display()))
        })?;
        let connection = rusqlite::Connection::open(&from)?;
        connection.busy_timeout(std::time::Duration::from_secs(30))?;
        connection.execute("VACUUM INTO ?1", [text])?;
        Ok(())
    })
    .await
    .map_err(|error| StoreError::Panicked(error.to_string()))?
}
