//! The migration that the release carries, as SQL: what `ventana` runs, tried on every text that a row may hold.

use inventario::release::MIGRATIONS;
use inventario::store::Dialect;
use toml::Value;

use super::world::{World, on_both};

/// Texts that JSON columns like to change.
const TEXTS: [&str; 16] = [
    "1.10",
    "12345678901234567890",
    "-0",
    "1e5",
    " 12",
    "true",
    "\"x\"",
    "null",
    "[]",
    " {\"a\" : 1.10, \"a\":2}\n",
    "{\"n\":12345678901234567890.10}",
    "N/D",
    "",
    "{\"cpu\": \"Xe",
    "it's \\ \"quoted\" 🙂\t\u{1}",
    "{\"_texto_original\": \"ya\"}",
];

/// The part for a dialect, with `${name:argument}` resolved.
struct Part {
    values: Value,
}

impl Part {
    fn of(dialect: Dialect) -> Self {
        let document: Value = toml::from_str::<toml::Table>(MIGRATIONS[0].1).unwrap().into();
        let name = if dialect == Dialect::Sqlite {
            "sqlite"
        } else {
            "mariadb"
        };
        Self {
            values: document[name].clone(),
        }
    }

    fn sql(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (place, after) = after.split_once('}').unwrap();
            let (name, argument) = place.split_once(':').unwrap();
            out.push_str(before);
            match name {
                "definition" => out.push_str("text DEFAULT NULL"),
                name => out.push_str(
                    &self.values["expressions"][name]
                        .as_str()
                        .unwrap()
                        .replace("{}", argument),
                ),
            }
            rest = after;
        }
        out + rest
    }

    fn list(&self, name: &str, field: &str) -> Vec<String> {
        let entries = self
            .values
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| entry.get(field))
            .map(|given| match given.as_str() {
                Some(sql) => self.sql(sql),
                None => self.sql(&counting(given)),
            })
            .collect()
    }
}

/// Conditions on the rows of `from`, each as a query of its own.
fn counting(given: &Value) -> String {
    let from = given["from"].as_str().unwrap();
    let conditions = given["when"].as_table().unwrap();
    let queries: Vec<String> = conditions
        .iter()
        .map(|(name, when)| {
            let when = when.as_str().unwrap();
            format!("SELECT '{name}', SUM(CASE WHEN {when} THEN 1 ELSE 0 END) FROM {from}")
        })
        .collect();
    queries.join(" UNION ALL ")
}

/// The numbers that a `[[count]]` answers.
async fn counts(world: &World, sql: &str) -> Vec<(String, String)> {
    let cast = if world.other.dialect() == Dialect::Sqlite {
        "TEXT"
    } else {
        "CHAR(99)"
    };
    let sql = match world.other.dialect() {
        // A name for the second column of a query that ventana reads by position.
        Dialect::Sqlite => {
            format!("WITH q(name, n) AS ({sql}) SELECT name, CAST(n AS {cast}) FROM q WHERE n > 0 ORDER BY 1")
        }
        Dialect::MySql => format!(
            "WITH q(name, n) AS ({sql}) SELECT CAST(name AS {cast}), CAST(n AS {cast}) FROM q WHERE n > 0 ORDER BY 1"
        ),
    };
    let rows = world.other.fetch(sql, &[]).await.unwrap();
    rows.into_iter()
        .map(|mut row| (row.take(0).unwrap(), row.take(1).unwrap()))
        .collect()
}

on_both!(every_byte_is_kept_and_every_row_counted_once, world, {
    let part = Part::of(world.other.dialect());
    for (at, text) in TEXTS.iter().enumerate() {
        world.store_specs(at as i64 + 1, Some(text)).await;
    }
    let mut before = Vec::new();
    for sql in part.list("count", "before") {
        before.push(counts(&world, &sql).await);
    }
    for sql in part
        .list("expand", "sql")
        .into_iter()
        .chain(part.list("sync", "sql"))
    {
        world.sql(&sql).await;
    }
    let set = part.sql(part.values["backfill"]["set"].as_str().unwrap());
    world.sql(&format!("UPDATE activos SET {set}")).await;
    for sql in part.list("proof", "query") {
        let wrong = world.stored(&format!("SELECT CAST(({sql}) AS CHAR(20))")).await;
        assert_eq!(wrong.as_deref(), Some("0"), "{sql}");
    }
    for sql in part.list("contract", "sql") {
        world.sql(&sql).await;
    }
    assert_eq!(world.get("/healthz").await.ok().json()["schema"], 2);
    let mut after = Vec::new();
    for sql in part.list("count", "after") {
        after.push(counts(&world, &sql).await);
    }
    assert_eq!(after, before);
    assert!(before[0].iter().all(|(name, _)| name != "WRONG"), "{before:?}");
    for (at, text) in TEXTS.iter().enumerate() {
        let id = at + 1;
        let kept = world
            .stored(&format!("SELECT especificaciones FROM activos WHERE id = {id}"))
            .await
            .unwrap();
        let old = world
            .stored(&format!(
                "SELECT especificaciones_v1 FROM activos WHERE id = {id}"
            ))
            .await
            .unwrap();
        assert_eq!(old, *text);
        if kept != *text {
            let wrapped: serde_json::Value = serde_json::from_str(&kept).unwrap();
            assert_eq!(wrapped, serde_json::json!({ "_texto_original": text }));
        }
    }
});
