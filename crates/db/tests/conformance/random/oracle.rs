//! What a database holds, found without the crate under test: by a driver and the server's own SQL, or by SQLite's library.

use super::mariadb::quoted;
use mysql::prelude::Queryable;
use std::collections::BTreeMap;

/// Rows of each table as bytes, in an order of their own; the text of each definition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) rows: BTreeMap<String, Vec<Vec<u8>>>,
    pub(crate) definitions: BTreeMap<String, String>,
    /// What is told beside the digest, and is not part of it.
    pub(crate) counters: BTreeMap<String, String>,
}

impl State {
    /// Names of what differs: tables by their rows, anything by its definition.
    pub(crate) fn differing(&self, other: &State) -> Vec<String> {
        let rows = self
            .rows
            .iter()
            .filter(|(n, r)| other.rows.get(*n).is_some_and(|o| o != *r));
        let lost = |a: &State, b: &State| -> Vec<String> {
            let gone = a.definitions.keys().filter(|n| !b.definitions.contains_key(*n));
            gone.cloned().collect()
        };
        let changed = self
            .definitions
            .iter()
            .filter(|(n, d)| other.definitions.get(*n).is_some_and(|o| o != *d));
        let mut names: Vec<String> = rows.map(|(n, _)| format!("rows of {n}")).collect();
        names.extend(changed.map(|(n, _)| n.clone()));
        names.extend(lost(self, other));
        names.extend(lost(other, self));
        names
    }
}

pub(crate) fn connected(port: u16, schema: &str) -> mysql::Conn {
    let options = mysql::OptsBuilder::new()
        .ip_or_hostname(Some("127.0.0.1"))
        .tcp_port(port)
        .prefer_socket(false)
        .user(Some("root"))
        .db_name(Some(schema));
    let mut driver = mysql::Conn::new(options).expect("the driver connects");
    driver
        .query_drop("SET NAMES utf8mb4, time_zone='+00:00', sql_mode='ALLOW_INVALID_DATES'")
        .expect("sets");
    driver
}

/// A table's columns as expressions that no two different values share; floating-point numbers come as they are, and are
/// told apart by their bits.
pub(crate) fn exact_columns(
    driver: &mut mysql::Conn,
    schema: &str,
    table: &str,
    floats: bool,
) -> Vec<String> {
    let columns: Vec<(String, String)> = driver
        .exec(
            "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? AND EXTRA NOT LIKE '%VIRTUAL%' ORDER BY ORDINAL_POSITION",
            (schema, table),
        )
        .expect("columns");
    let exact = |(name, data_type): (String, String)| {
        let name = quoted(&name);
        match data_type.as_str() {
            "enum" | "set" | "bit" => format!("{name}+0"),
            "float" | "double" if floats => name,
            "float" | "double" => format!("CAST({name} AS DOUBLE)"),
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "year" | "date"
            | "datetime" | "timestamp" | "time" => {
                format!("CAST({name} AS CHAR)")
            }
            "uuid" | "inet4" | "inet6" => format!("HEX(CAST({name} AS CHAR))"),
            "geometry" | "point" | "linestring" | "polygon" => {
                format!("CONCAT(ST_SRID({name}), ' ', HEX(ST_AsWKB({name})))")
            }
            _ => format!("HEX({name})"),
        }
    };
    columns.into_iter().map(exact).collect()
}

/// Tables of a schema, each with what must follow its name to see all its rows, and columns that no catalog lists.
pub(crate) fn tables(driver: &mut mysql::Conn, schema: &str) -> Vec<(String, bool)> {
    driver
        .exec_map(
            "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1",
            (schema,),
            |(name, kind): (String, String)| (name, kind == "SYSTEM VERSIONED"),
        )
        .expect("tables")
}

/// The query for all rows of a table, exactly.
pub(crate) fn all_rows(
    driver: &mut mysql::Conn,
    schema: &str,
    table: &(String, bool),
    floats: bool,
) -> String {
    let mut columns = exact_columns(driver, schema, &table.0, floats);
    let mut history = "";
    if table.1 {
        history = " FOR SYSTEM_TIME ALL";
        columns.extend(["row_start", "row_end"].map(|c| format!("CAST({c} AS CHAR)")));
    }
    format!(
        "SELECT {} FROM {}.{}{history}",
        columns.join(", "),
        quoted(schema),
        quoted(&table.0)
    )
}

pub(crate) fn mariadb(driver: &mut mysql::Conn, schema: &str) -> State {
    let mut state = State::default();
    for table in tables(driver, schema) {
        let sql = all_rows(driver, schema, &table, true);
        let rows: Vec<mysql::Row> = driver.exec(&sql, ()).unwrap_or_else(|e| panic!("{e}: {sql}"));
        let mut rows: Vec<Vec<u8>> = rows.into_iter().map(bytes).collect();
        rows.sort_unstable();
        state.rows.insert(table.0, rows);
    }
    definitions(driver, schema, &mut state);
    state
}

fn bytes(row: mysql::Row) -> Vec<u8> {
    let mut out = Vec::new();
    for value in row.unwrap() {
        match value {
            mysql::Value::Float(v) => out.extend_from_slice(format!("f{:08x} ", v.to_bits()).as_bytes()),
            mysql::Value::Double(v) => out.extend_from_slice(format!("d{:016x} ", v.to_bits()).as_bytes()),
            mysql::Value::Bytes(b) => {
                out.extend_from_slice(&(b.len() as u64).to_le_bytes());
                out.extend_from_slice(&b);
            }
            other => out.extend_from_slice(format!("{other:?} ").as_bytes()),
        }
    }
    out
}

fn definitions(driver: &mut mysql::Conn, schema: &str, state: &mut State) {
    // A view's text names its schema when it is asked for from another.
    driver
        .query_drop(format!("USE {}", quoted(schema)))
        .expect("uses");
    let mut names: Vec<(String, String)> = driver
        .query(
            "SELECT CASE TABLE_TYPE WHEN 'VIEW' THEN 'VIEW' WHEN 'SEQUENCE' THEN 'SEQUENCE' ELSE 'TABLE' END, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=@s
             UNION ALL SELECT 'TRIGGER', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=@s
             UNION ALL SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA=@s
             UNION ALL SELECT 'EVENT', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA=@s"
                .replace("@s", &format!("'{schema}'")),
        )
        .expect("names");
    names.push(("DATABASE".into(), schema.into()));
    for (kind, name) in names {
        let of = if kind == "DATABASE" {
            quoted(&name)
        } else {
            format!("{}.{}", quoted(schema), quoted(&name))
        };
        let row: Option<mysql::Row> = driver
            .query_first(format!("SHOW CREATE {kind} {of}"))
            .expect("a definition");
        let row = row.expect("one row");
        // The last column of a trigger is the moment of its creation.
        let fields = row.len() - usize::from(kind == "TRIGGER");
        let mut text = String::new();
        for at in 1..fields {
            let field: Option<Vec<u8>> = row.get(at).expect("a field");
            let field = String::from_utf8_lossy(&field.unwrap_or_default()).replace(schema, "SCHEMA");
            // MySQL adds the character set that a collation has anyway when it is told its own statement.
            text.push_str(&field.replace(" CHARACTER SET utf8mb4 COLLATE ", " COLLATE "));
            text.push('\n');
        }
        let label = if kind == "DATABASE" {
            "database".into()
        } else {
            format!("{} {name}", kind.to_lowercase())
        };
        if kind == "SEQUENCE" {
            let now: Option<mysql::Row> = driver
                .query_first(format!("SELECT * FROM {of}"))
                .expect("a sequence");
            let now = now.map(bytes).unwrap_or_default();
            state
                .counters
                .insert(label.clone(), String::from_utf8_lossy(&now).into_owned());
        }
        if let Some((head, tail)) = text.rsplit_once(" AUTO_INCREMENT=").filter(|_| kind == "TABLE") {
            let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
            state.counters.insert(label.clone(), tail[..digits].to_string());
            text = format!("{head}{}", &tail[digits..]);
        }
        state.definitions.insert(label, text);
    }
}

/// Whether the server itself finds a row in one of two schemas that the other has not.
pub(crate) fn except(driver: &mut mysql::Conn, one: &str, other: &str) -> Result<(), String> {
    for table in tables(driver, one) {
        for (a, b) in [(one, other), (other, one)] {
            let (a, b) = (
                all_rows(driver, a, &table, false),
                all_rows(driver, b, &table, false),
            );
            let sql = format!("SELECT COUNT(*) FROM ({a} EXCEPT ALL {b}) d");
            let more: Option<u64> = driver.query_first(&sql).map_err(|e| format!("{e}: {sql}"))?;
            if more != Some(0) {
                return Err(format!("{more:?} rows of {} are on one side only", table.0));
            }
        }
    }
    Ok(())
}

pub(crate) fn sqlite(path: &std::path::Path) -> State {
    use rusqlite::types::ValueRef;
    let db = rusqlite::Connection::open(path).expect("opens");
    let mut state = State::default();
    let master = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let mut statement = db.prepare(master).expect("prepares");
    let found = statement.query_map([], |r| {
        Ok((
            r.get::<_, String>(0)?,
            r.get::<_, String>(1)?,
            r.get::<_, String>(3)?,
        ))
    });
    for entry in found.expect("entries") {
        let (kind, name, sql) = entry.expect("an entry");
        if kind == "table" {
            state.rows.insert(name.clone(), Vec::new());
        }
        state.definitions.insert(format!("{kind} {name}"), sql);
    }
    for (name, rows) in &mut state.rows {
        let quote = |n: &str| format!("\"{}\"", n.replace('"', "\"\""));
        let sql = format!(
            "SELECT name FROM pragma_table_xinfo({}) WHERE hidden<>2",
            quote(name)
        );
        let columns = db.prepare(&sql).and_then(|mut s| {
            s.query_map([], |r| r.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()
        });
        let columns: Vec<String> = columns.expect("columns").iter().map(|c| quote(c)).collect();
        let mut select = db
            .prepare(&format!("SELECT {} FROM {}", columns.join(", "), quote(name)))
            .expect("prepares");
        let mut found = select.query([]).expect("rows");
        while let Some(row) = found.next().expect("a row") {
            let mut out = String::new();
            for at in 0..columns.len() {
                out.push_str(&match row.get_ref(at).expect("a value") {
                    ValueRef::Real(v) => format!("r{:016x} ", v.to_bits()),
                    other => format!("{other:?} "),
                });
            }
            rows.push(out.into_bytes());
        }
        rows.sort_unstable();
    }
    for pragma in ["user_version", "application_id"] {
        let value: i64 = db
            .query_row(&format!("PRAGMA {pragma}"), [], |r| r.get(0))
            .expect("a pragma");
        state.definitions.insert(pragma.into(), value.to_string());
    }
    if let Ok(mut statement) = db.prepare("SELECT name, seq FROM sqlite_sequence") {
        let found = statement.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?)));
        for entry in found.expect("counters") {
            let (name, value) = entry.expect("a counter");
            state.counters.insert(name, value.to_string());
        }
    }
    state
}
