//! The query facade.

use crate::support::on_both;
use store::query::{Column, Rows, Unit, Value};
use store::{Store, StoreError, params};

async fn table(store: &Store) {
    // Through the only door that takes any statement: a unit.
    let create = "CREATE TABLE probe(id bigint NOT NULL PRIMARY KEY, small smallint, name text, bytes bytea, x float8)";
    store.execute(create, params![]).await.unwrap();
}

#[test]
fn values_come_back_as_they_went() {
    on_both(|store| async move {
        table(&store).await;
        let insert = "INSERT INTO probe(id, small, name, bytes, x) VALUES ($2, $1, $4, $3, $5)";
        let bytes: &[u8] = &[0, 255];
        store.execute(insert, params![7_i64, i64::MIN, bytes, "Zoë ' \" $1 ?", 0.5]).await.unwrap();
        let nothing: Option<i64> = None;
        store.execute(insert, params![nothing, 2_i64, None::<Vec<u8>>, None::<&str>, None::<f64>]).await.unwrap();
        let rows = store.query("SELECT * FROM probe ORDER BY id", params![]).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].get::<i64>("id").unwrap(), i64::MIN);
        assert_eq!(rows[0].get::<i64>("small").unwrap(), 7);
        assert_eq!(rows[0].text("name").unwrap(), "Zoë ' \" $1 ?");
        assert_eq!(rows[0].get::<Vec<u8>>("bytes").unwrap(), [0, 255]);
        assert!((rows[0].get::<f64>("x").unwrap() - 0.5).abs() < f64::EPSILON);
        assert_eq!(rows[1].get::<Option<String>>(2).unwrap(), None);
        assert_eq!(rows[1].values()[1..], [Value::Null, Value::Null, Value::Null, Value::Null]);
        for (error, message) in [
            (rows[1].get::<String>("name").unwrap_err(), "column name: expected a text, found null"),
            (rows[0].get::<i64>("name").unwrap_err(), "column name: expected an integer, found text"),
            (rows[0].get::<i64>("nome").unwrap_err(), "column nome: expected an integer, found no such column"),
            (rows[0].get::<i64>(9).unwrap_err(), "column 9: expected an integer, found no such column"),
        ] {
            assert_eq!(error.to_string(), message);
        }
        let found = store.query("SELECT id = $1 AS same FROM probe WHERE id = $1", params![2_i64]).await.unwrap();
        assert!(found[0].get::<bool>("same").unwrap());
    });
}

#[test]
fn texts_sort_by_their_bytes() {
    on_both(|store| async move {
        let insert = "INSERT INTO setting(key, value) VALUES ($1, '')";
        for key in ["b", "a", "B", "é", "Z", "-"] {
            store.execute(insert, params![key]).await.unwrap();
        }
        let rows = store.query("SELECT key FROM setting ORDER BY key", params![]).await.unwrap();
        let keys: Vec<&str> = rows.iter().map(|row| row.text(0).unwrap()).collect();
        assert_eq!(keys, ["-", "B", "Z", "a", "b", "é"]);
    });
}

#[test]
fn a_unit_is_kept_whole_or_not_at_all() {
    on_both(|store| async move {
        table(&store).await;
        let mut unit = Unit::new();
        unit.add("INSERT INTO probe(id, name) VALUES ($1, $2)", params![1_i64, "a"]);
        unit.expect(1, "UPDATE probe SET name = $2 WHERE id = $1", params![1_i64, "b"]);
        let at = unit.add("INSERT INTO probe(id) VALUES ($1) RETURNING id, name", params![2_i64]);
        let done = store.run(unit).await.unwrap();
        assert_eq!(done.iter().map(|done| done.changed).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(done[at].rows[0].get::<i64>("id").unwrap(), 2);

        let mut unit = Unit::new();
        unit.add("INSERT INTO probe(id) VALUES ($1)", params![3_i64]);
        unit.expect(1, "UPDATE probe SET name = $2 WHERE id = $1", params![99_i64, "b"]);
        let error = store.run(unit).await.unwrap_err();
        assert!(error.to_string().starts_with("the statement changed 0 rows instead of 1"), "{error}");

        let mut unit = Unit::new();
        unit.add("INSERT INTO probe(id) VALUES ($1)", params![4_i64]);
        unit.add("INSERT INTO probe(id) VALUES ($1)", params![1_i64]);
        assert!(matches!(store.run(unit).await, Err(StoreError::Sqlite(_) | StoreError::Postgres(_))));
        let count = store.query_one("SELECT count(*) FROM probe", params![]).await.unwrap().unwrap();
        assert_eq!(count.get::<i64>(0).unwrap(), 2);
        let error = store.execute("DELETE FROM probe WHERE id = $2", params![1_i64]).await.unwrap_err();
        assert!(matches!(error, StoreError::Query(_)), "{error}");
    });
}

#[test]
fn many_rows_are_one_statement() {
    const ID: Column = Column::Int("id");
    const NAME: Column = Column::Text("name");
    const BYTES: Column = Column::Bytes("bytes");
    on_both(|store| async move {
        table(&store).await;
        let upsert = "ON CONFLICT (id) DO UPDATE SET name = excluded.name";
        let mut rows = Rows::insert("probe", &[ID, Column::Int("small"), NAME, BYTES], upsert);
        for id in 0..1_000_i64 {
            rows.push(params![id, (id % 7 != 0).then_some(id % 7), format!("n{id}"), None::<Vec<u8>>]);
        }
        let mut unit = Unit::new();
        unit.rows(rows);
        assert_eq!(store.run(unit).await.unwrap()[0].changed, 1_000);

        let mut unit = Unit::new();
        let mut update = Rows::update("probe", &[ID], &[NAME, BYTES]);
        let mut delete = Rows::delete("probe", &[ID, NAME]);
        for id in 0..10_i64 {
            update.push(params![id, "new", vec![1_u8]]);
            delete.push(params![id + 990, format!("n{}", if id < 5 { id + 990 } else { 0 })]);
        }
        unit.rows(update);
        unit.rows(delete);
        unit.rows(Rows::delete("probe", &[ID]));
        let done = store.run(unit).await.unwrap();
        assert_eq!(done.iter().map(|done| done.changed).collect::<Vec<_>>(), [10, 5]);
        let row = "SELECT count(*) AS n, CAST(sum(small) AS bigint) AS s, count(bytes) AS b,
                   count(CASE WHEN name = 'new' THEN 1 END) AS new FROM probe";
        let row = store.query_one(row, params![]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 995);
        assert_eq!(row.get::<i64>("b").unwrap(), 10);
        assert_eq!(row.get::<i64>("new").unwrap(), 10);
        let mut short = Rows::delete("probe", &[ID, NAME]);
        short.push(params![1_i64]);
        let mut unit = Unit::new();
        unit.rows(short);
        assert!(matches!(store.run(unit).await, Err(StoreError::Query(_))));
    });
}

#[test]
fn rows_are_passed_one_by_one() {
    on_both(|store| async move {
        table(&store).await;
        for id in 0..5_i64 {
            store.execute("INSERT INTO probe(id) VALUES ($1)", params![id]).await.unwrap();
        }
        let sql = "SELECT id FROM probe WHERE id >= $1 ORDER BY id";
        let sum = store
            .query_each(sql, params![2_i64], 0, |sum, row| {
                *sum += row.get::<i64>(0)?;
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(sum, 9);
        let stopped = store.query_each(sql, params![0_i64], (), |(), _| Err(StoreError::Closed)).await;
        assert!(matches!(stopped, Err(StoreError::Closed)));
    });
}
