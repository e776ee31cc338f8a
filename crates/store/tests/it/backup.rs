//! Backups are verified by opening them.

use crate::support::{NOW, on_both, server};
use base::Millis;
use store::backup::{restore, verify};
use store::{Sqlite, Store, StoreError, params};

fn message<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Unusable(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_backup_is_proved_by_opening_it() {
    on_both(|store| async move {
        for n in 0..50_i64 {
            store.execute("INSERT INTO setting(key, value) VALUES ($1, 'x')", params![n.to_string()]).await.unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let manifest = store.backup(folder.path(), NOW).await.unwrap();
        assert_eq!(manifest.schema_version, store::latest());
        assert_eq!(manifest.rows["setting"], 50);
        assert_eq!(manifest.made_at, "2026-11-23T08:00:00Z");
        assert!(message(store.backup(folder.path(), NOW).await).contains("there already"));
        store.execute("INSERT INTO setting(key, value) VALUES ('later', 'x')", params![]).await.unwrap();
        let later = store.backup(folder.path(), Millis(NOW.0 + 60_000)).await.unwrap();

        // A folder means its latest backup; a copy and a manifest mean themselves.
        let server = server();
        let scratch = server.as_deref();
        let sqlite = matches!(store, Store::Sqlite(_));
        let verified = verify(folder.path(), scratch).await.unwrap();
        assert_eq!((verified.manifest.rows["setting"], verified.opened), (51, true));
        let first = folder.path().join(&manifest.file);
        assert_eq!(verify(&first, None).await.unwrap().opened, sqlite);
        assert_eq!(verify(&first.with_extension("json"), scratch).await.unwrap().manifest, manifest);

        let target = folder.path().join("data.sqlite");
        if sqlite {
            restore(&first, &target).await.unwrap();
            let back = Store::Sqlite(Sqlite::open(&target).unwrap());
            let row = back.query_one("SELECT count(*) FROM setting", params![]).await.unwrap().unwrap();
            assert_eq!(row.get::<i64>(0).unwrap(), 50);
            assert!(message(restore(&first, &target).await).contains("there already"));
        } else {
            assert!(message(restore(&first, &target).await).contains("pg_restore"));
        }

        // Any other byte, and a manifest that promises other rows, are found.
        let copy = folder.path().join(&later.file);
        let mut bytes = std::fs::read(&copy).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&copy, bytes).unwrap();
        assert!(message(verify(folder.path(), scratch).await).contains("not the copy that was made"));
        if scratch.is_some() || sqlite {
            let json = first.with_extension("json");
            let text = std::fs::read_to_string(&json).unwrap().replace("\"setting\": 50", "\"setting\": 49");
            std::fs::write(&json, text).unwrap();
            assert!(message(verify(&first, scratch).await).contains("setting has 50 rows instead of 49"));
        }
        std::fs::remove_file(copy.with_extension("json")).unwrap();
        assert!(message(verify(&copy, None).await).contains("interrupted"));
        assert!(message(verify(&folder.path().join("none"), None).await).contains("manifest"));
    });
}
