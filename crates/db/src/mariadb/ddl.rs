//! Definitions changed on a live table: the wait for its lock is short, because while it lasts everybody else waits too.

use crate::{Cell, Database, Dialect, Error, Result};
use std::time::Duration;

/// Between two tries, so that the statements that queued behind the first one get through.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs one statement that needs a table's metadata lock. It waits at most a second for it and tries again up to
/// `retries` times; then the error names the sessions that may hold the table, by id, account and age, never by their
/// text.
pub fn ddl(db: &mut dyn Database, sql: &str, retries: u32) -> Result<u64> {
    if db.dialect() == Dialect::Sqlite {
        return db.execute(sql);
    }
    let usual = db.count("SELECT @@SESSION.lock_wait_timeout")?;
    db.execute("SET SESSION lock_wait_timeout=1")?;
    let done = attempts(db, sql, retries);
    let reset = db.execute(&format!("SET SESSION lock_wait_timeout={usual}"));
    let rows = done?;
    reset?;
    Ok(rows)
}

fn attempts(db: &mut dyn Database, sql: &str, retries: u32) -> Result<u64> {
    let mut tries = 0;
    loop {
        match db.execute(sql) {
            Err(Error::Server {
                number: 1205, what, ..
            }) => {
                if tries == retries {
                    let tries = tries + 1;
                    return Err(Error::refused(
                        format!(
                            "{what}: the table was not free within {tries} tries of a second each{}",
                            holders(db)
                        ),
                        "wait for those sessions, or end them with KILL <id>, then resume",
                    ));
                }
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            other => return other,
        }
    }
}

/// Sessions in a transaction or a statement now, oldest first: one of them holds the table.
fn holders(db: &mut dyn Database) -> String {
    let rows = db.query(
        "SELECT p.ID, p.USER, p.HOST, IF(t.trx_id IS NULL, p.COMMAND, 'open transaction'), \
         GREATEST(p.TIME, COALESCE(TIMESTAMPDIFF(SECOND, t.trx_started, SYSDATE()), 0)) \
         FROM information_schema.PROCESSLIST p LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id=p.ID \
         WHERE p.ID<>CONNECTION_ID() AND p.COMMAND NOT IN ('Daemon', 'Binlog Dump') AND (t.trx_id IS NOT NULL OR p.COMMAND<>'Sleep') \
         ORDER BY t.trx_started IS NULL, t.trx_started, p.TIME DESC LIMIT 5",
    );
    // Without the PROCESS privilege the list is empty or refused: the failure is told all the same.
    let named: Vec<String> = rows
        .unwrap_or_default()
        .iter()
        .map(|row| {
            let field = |i: usize| row.get(i).and_then(Cell::to_text).unwrap_or_default();
            format!(
                "{} ({}@{}, {}, {} s)",
                field(0),
                field(1),
                field(2),
                field(3),
                field(4)
            )
        })
        .collect();
    if named.is_empty() {
        String::new()
    } else {
        format!("; sessions that may hold it: {}", named.join(", "))
    }
}
