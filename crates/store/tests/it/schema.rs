//! Versions of the schema.

use crate::support::{Database, NOW, on_both, server};
use store::query::Unit;
use store::{Migrated, Sqlite, Store, StoreError, latest, params};

#[test]
fn a_schema_is_made_once_and_a_newer_one_refused() {
    on_both(|store| async move {
        assert_eq!(store.schema_version().await.unwrap(), latest());
        let folder = tempfile::tempdir().unwrap();
        let again = store.migrate(folder.path(), NOW).await.unwrap();
        assert_eq!(again, Migrated { from: latest(), to: latest(), backup: None });
        let insert = "INSERT INTO schema_version(version, name, applied_on) VALUES ($1, $2, $3)";
        store.execute(insert, params![latest() + 1, "tomorrow", NOW]).await.unwrap();
        match store.migrate(folder.path(), NOW).await {
            Err(StoreError::Unusable(message)) => {
                assert!(message.contains(&format!("schema version {}", latest() + 1)), "{message}");
            }
            other => panic!("{other:?}"),
        }
    });
}

#[tokio::test]
async fn an_older_sqlite_schema_is_backed_up_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let backups = folder.path().join("backups");
    let store = Store::Sqlite(Sqlite::open(&path).unwrap());
    assert_eq!(store.schema_version().await.unwrap(), 0);
    store.migrate(&backups, NOW).await.unwrap();
    // Back to the first version.
    let mut unit = Unit::new();
    unit.add("DELETE FROM schema_version WHERE version > $1", params![1_i64]);
    let Store::Sqlite(sqlite) = &store else { unreachable!() };
    sqlite
        .write(|db| {
            let mut names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
            let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let second = include_str!("../../migrations/sqlite/0002_registry.sql");
            for name in names.iter().filter(|name| second.contains(&format!("CREATE TABLE {name}("))) {
                db.execute_batch(&format!("DROP TABLE {name}"))?;
            }
            db.execute_batch("ALTER TABLE segment DROP COLUMN coding; ALTER TABLE segment DROP COLUMN octets;")?;
            Ok(())
        })
        .await
        .unwrap();
    store.run(unit).await.unwrap();
    let migrated = store.migrate(&backups, NOW).await.unwrap();
    assert_eq!((migrated.from, migrated.to), (1, latest()));
    let backup = migrated.backup.unwrap();
    let copy = Store::Sqlite(Sqlite::open(&backup).unwrap());
    assert_eq!(copy.schema_version().await.unwrap(), 1);
    assert_eq!(store.schema_version().await.unwrap(), latest());
}

/// The columns of a schema, each as `table.name`, with ` not null` where it must hold something.
async fn columns(store: &Store, sql: &str) -> Vec<String> {
    let rows = store.query(sql, params![]).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn both_engines_have_the_same_columns() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Store::Sqlite(Sqlite::open(&folder.path().join("store.sqlite")).unwrap());
    sqlite.migrate(folder.path(), NOW).await.unwrap();
    let database = Database::create(&server).await;
    let postgres = database.open(1).await;
    postgres.migrate(folder.path(), NOW).await.unwrap();
    let of_sqlite = "SELECT t.name || '.' || c.name || CASE WHEN c.\"notnull\" = 1 THEN ' not null' ELSE '' END AS c
        FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY c";
    let of_postgres = "SELECT CAST(table_name || '.' || column_name ||
          CASE WHEN is_nullable = 'NO' THEN ' not null' ELSE '' END AS text) AS c
        FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY c";
    let only_postgres = ["lease.", "process."];
    let mut there = columns(&postgres, of_postgres).await;
    there.retain(|column| !only_postgres.iter().any(|table| column.starts_with(table)));
    there.sort();
    let mut here = columns(&sqlite, of_sqlite).await;
    here.sort();
    let only = |a: &[String], b: &[String]| -> Vec<String> { a.iter().filter(|x| !b.contains(x)).cloned().collect() };
    assert_eq!(only(&here, &there), only(&there, &here));
    assert!(here.len() > 100, "{here:?}");
    database.drop().await;
}
