//! SQLite's writer: what shares a commit, and the write-ahead log.

use std::sync::mpsc;
use store::{Sqlite, StoreError};

/// A store with one table.
async fn open(folder: &tempfile::TempDir) -> Sqlite {
    let store = Sqlite::open(&folder.path().join("store.sqlite")).unwrap();
    store.write(|db| Ok(db.execute_batch("CREATE TABLE kept(name TEXT, filling BLOB)")?)).await.unwrap();
    store
}

async fn kept(store: &Sqlite) -> Vec<String> {
    store
        .read(|db| {
            let mut names = db.prepare("SELECT name FROM kept ORDER BY rowid")?;
            let names = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(names)
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_write_that_fails_takes_nothing_of_its_commit_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    // The writer is held until the others wait, so that they share a commit.
    let (go, wait) = mpsc::channel::<()>();
    let held = store.write(move |_| {
        wait.recv().ok();
        Ok(())
    });
    let insert = |name: &'static str| {
        store.write(move |db| {
            db.execute("INSERT INTO kept(name) VALUES (?1)", [name])?;
            match name {
                "refused" => Err(StoreError::Corrupt("on purpose".into())),
                "panics" => panic!("on purpose"),
                _ => Ok(name),
            }
        })
    };
    let release = async {
        tokio::task::yield_now().await;
        drop(go);
    };
    let (held, first, refused, panics, last, ()) =
        tokio::join!(held, insert("first"), insert("refused"), insert("panics"), insert("last"), release);
    held.unwrap();
    assert_eq!((first.unwrap(), last.unwrap()), ("first", "last"));
    assert!(matches!(refused, Err(StoreError::Corrupt(_))));
    assert!(matches!(panics, Err(StoreError::Panicked(message)) if message == "on purpose"));
    assert_eq!(kept(&store).await, ["first", "last"]);
}

#[tokio::test]
async fn the_log_does_not_grow_without_end() {
    const COMMITS: i64 = 60;
    const BYTES: i64 = 4 << 20;
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    for number in 0..COMMITS {
        store
            .write(move |db| {
                db.execute("INSERT INTO kept VALUES (?1, zeroblob(?2))", (number.to_string(), BYTES))?;
                Ok(())
            })
            .await
            .unwrap();
    }
    let log = std::fs::metadata(folder.path().join("store.sqlite-wal")).unwrap().len();
    assert!((log as i64) < COMMITS * BYTES / 2, "{log}");
    store.close().await;
    assert!(matches!(store.write(|_| Ok(())).await, Err(StoreError::Closed)));
    assert_eq!(kept(&store).await.len() as i64, COMMITS);
}
