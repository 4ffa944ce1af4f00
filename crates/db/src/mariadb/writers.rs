//! Who and what could still change a schema while its service is fenced.

use super::MariaDb;
use super::account::{self, normal};
use crate::{Cell, Database, Dialect, Error, Result};
use std::collections::BTreeSet;

/// Privileges with which data or definitions can be changed, or with which one can get at such a privilege.
const WRITING: &str = "'INSERT','UPDATE','DELETE','CREATE','DROP','ALTER','INDEX','REFERENCES','TRIGGER','EVENT',\
    'EXECUTE','CREATE ROUTINE','ALTER ROUTINE','CREATE VIEW','DELETE HISTORY','DELETE VERSIONING ROWS','SUPER',\
    'READ_ONLY ADMIN','READ ONLY ADMIN','SET USER','CREATE USER','FILE','BINLOG REPLAY'";

/// What, beside `ventana`'s account and the service's, may change the schema's data or definition: accounts, roles and
/// PUBLIC as the catalog names them, objects of other schemas that name this one and run with their definer's rights,
/// and prepared transactions. Each must be accepted by name in the plan, or the run is refused.
pub fn writers(db: &mut MariaDb, service: &[String]) -> Result<Vec<String>> {
    let mut found = accounts(db)?;
    let ours = normal(&account::current(db)?);
    let service: BTreeSet<String> = service.iter().map(|a| normal(a)).collect();
    found.retain(|g| normal(g) != ours && !service.contains(&normal(g)));
    found.extend(objects_elsewhere(db)?);
    for row in db.query(if db.dialect == Dialect::MariaDb {
        "XA RECOVER FORMAT='SQL'"
    } else {
        "XA RECOVER"
    })? {
        found.insert(format!(
            "prepared transaction {}",
            row.last().and_then(Cell::to_text).unwrap_or_default()
        ));
    }
    Ok(found.into_iter().collect())
}

fn accounts(db: &mut MariaDb) -> Result<BTreeSet<String>> {
    // Without this right the catalog shows our own rights only, and the list would be empty and wrong.
    match db.query("SELECT 1 FROM mysql.user LIMIT 0") {
        Ok(_) => {}
        Err(Error::Server {
            number: 1044 | 1142 | 1143,
            ..
        }) => {
            let ours = account::current(db)?;
            return Err(Error::refused(
                format!("account {ours} may not see who else can write"),
                format!("GRANT SELECT ON mysql.* TO {ours}"),
            ));
        }
        Err(other) => return Err(other),
    }
    let mut found: BTreeSet<String> = BTreeSet::new();
    // In a grant a schema's name is a pattern, its own `_` and `%` escaped by a backslash. Who may write the server's
    // grant tables may write everything.
    let pattern =
        "CONVERT(? USING utf8mb3) COLLATE utf8mb3_bin LIKE TABLE_SCHEMA OR 'mysql' LIKE TABLE_SCHEMA";
    let exact = "TABLE_SCHEMA=CONVERT(? USING utf8mb3) COLLATE utf8mb3_bin OR TABLE_SCHEMA='mysql'";
    let scopes = [
        ("USER_PRIVILEGES", "1=1"),
        ("SCHEMA_PRIVILEGES", pattern),
        ("TABLE_PRIVILEGES", exact),
        ("COLUMN_PRIVILEGES", exact),
    ];
    for (view, scope) in scopes {
        let rows = db.catalog(&format!(
            "SELECT DISTINCT GRANTEE FROM information_schema.{view} WHERE ({scope}) AND PRIVILEGE_TYPE IN ({WRITING})"
        ))?;
        found.extend(rows.into_iter().filter_map(|r| r.into_iter().next().flatten()));
    }
    // Rights on single routines are in no view of the standard catalog.
    let rows = db.catalog(
        "SELECT DISTINCT User, Host FROM mysql.procs_priv WHERE Db=CONVERT(? USING utf8mb3) COLLATE utf8mb3_bin",
    )?;
    found.extend(rows.iter().map(|r| {
        let part = |i: usize| r[i].clone().unwrap_or_default();
        format!("'{}'@'{}'", part(0), part(1))
    }));
    // The server's own: locked, without a password, and definer of nothing but views on the grant tables.
    found.remove("'mariadb.sys'@'localhost'");
    Ok(found)
}

/// Stored programs elsewhere run with rights that no grant on this schema shows.
fn objects_elsewhere(db: &mut MariaDb) -> Result<Vec<String>> {
    let kinds = [
        "SELECT LOWER(ROUTINE_TYPE), ROUTINE_SCHEMA, ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES \
         WHERE ROUTINE_SCHEMA NOT IN (?, 'sys', 'mysql') AND SECURITY_TYPE='DEFINER' AND LOCATE(?, ROUTINE_DEFINITION)>0",
        "SELECT 'trigger', TRIGGER_SCHEMA, TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS \
         WHERE TRIGGER_SCHEMA NOT IN (?, 'sys', 'mysql') AND LOCATE(?, ACTION_STATEMENT)>0",
        "SELECT 'event', EVENT_SCHEMA, EVENT_NAME, DEFINER FROM information_schema.EVENTS \
         WHERE EVENT_SCHEMA<>? AND STATUS='ENABLED' AND LOCATE(?, EVENT_DEFINITION)>0",
        "SELECT 'view', TABLE_SCHEMA, TABLE_NAME, DEFINER FROM information_schema.VIEWS \
         WHERE TABLE_SCHEMA NOT IN (?, 'sys', 'mysql') AND SECURITY_TYPE='DEFINER' AND IS_UPDATABLE='YES' \
         AND LOCATE(CONCAT('`', ?, '`.'), VIEW_DEFINITION)>0",
    ];
    let mut found = Vec::new();
    for sql in kinds {
        for row in db.catalog(sql)? {
            let field = |i: usize| row[i].clone().unwrap_or_default();
            found.push(format!(
                "{} {}.{} (definer {})",
                field(0),
                field(1),
                field(2),
                field(3)
            ));
        }
    }
    Ok(found)
}
