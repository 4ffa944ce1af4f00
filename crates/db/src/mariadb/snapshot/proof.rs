//! What shows that several views are one.

use crate::mariadb::MariaDb;
use crate::{Cell, Database, Dialect, Error, Result};
use std::collections::BTreeMap;

/// Where the binary log stood when a view was opened, as the server itself remembers for the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub file: String,
    pub offset: u64,
    /// The same as a GTID, where the account may ask for it.
    pub gtid: Option<String>,
}

impl Position {
    /// Adds the position to a proof.
    pub fn describe(&self, proof: &mut BTreeMap<String, String>) {
        proof.insert("binlog_file".into(), self.file.clone());
        proof.insert("binlog_position".into(), self.offset.to_string());
        proof.extend(self.gtid.clone().map(|gtid| ("gtid".to_string(), gtid)));
    }
}

/// The position of the view that is open on this connection; `None` where nothing is logged. MariaDB only.
pub fn position(db: &mut dyn Database) -> Result<Option<Position>> {
    let Some((file, offset)) = coordinates(db)? else {
        return Ok(None);
    };
    // Asking needs a privilege that a backup does not.
    let gtid = db
        .text(&format!(
            "SELECT BINLOG_GTID_POS('{}', {offset})",
            file.replace('\\', "\\\\").replace('\'', "''")
        ))
        .unwrap_or_default()
        .filter(|gtid| !gtid.is_empty());
    Ok(Some(Position { file, offset, gtid }))
}

fn coordinates(db: &mut dyn Database) -> Result<Option<(String, u64)>> {
    let rows = db.query("SHOW STATUS LIKE 'Binlog_snapshot_%'")?;
    let value = |name: &str| {
        rows.iter()
            .find(|r| r.first().and_then(Cell::to_text).is_some_and(|n| n == name))
            .and_then(|r| r.get(1)?.to_text())
            .filter(|v| !v.is_empty())
    };
    let offset = value("Binlog_snapshot_position").and_then(|p| p.parse().ok());
    Ok(value("Binlog_snapshot_file").zip(offset))
}

/// What a MySQL says of its binary log. It is the views' position only where commits are held back meanwhile.
pub(super) fn logged(db: &mut MariaDb) -> Result<BTreeMap<String, String>> {
    let mut proof = BTreeMap::new();
    let said = match db.query("SHOW MASTER STATUS") {
        // 1227: no privilege; 1064: a version that has another word for it.
        Err(Error::Server { number: 1227, .. }) => "hidden from this account (needs REPLICATION CLIENT)",
        Err(Error::Server { number: 1064, .. }) => "this server does not tell them",
        Err(other) => return Err(other),
        Ok(rows) => {
            let field = |i: usize| rows.first()?.get(i)?.to_text().filter(|text| !text.is_empty());
            match field(0).zip(field(1).and_then(|offset| offset.parse().ok())) {
                None => "the binary log is off",
                Some((file, offset)) => {
                    // A set of several servers is printed in lines.
                    let gtid = field(4).map(|set| set.replace('\n', ""));
                    Position { file, offset, gtid }.describe(&mut proof);
                    "read while commits were held back"
                }
            }
        }
    };
    proof.insert("positions".into(), said.into());
    Ok(proof)
}

/// Compares the readers' views; false when a position differs. What was compared is told in `proof`.
pub(super) fn shared(
    db: &mut MariaDb,
    readers: &mut [MariaDb],
    proof: &mut BTreeMap<String, String>,
) -> Result<bool> {
    if db.dialect != Dialect::MariaDb {
        // A view of MySQL has no position of its own to compare, and InnoDB's report leaves those out that only read.
        return Ok(true);
    }
    let mut seen = Vec::new();
    for reader in readers.iter_mut() {
        seen.push(coordinates(reader)?);
    }
    if seen.windows(2).any(|pair| pair[0] != pair[1]) {
        return Ok(false);
    }
    match position(&mut readers[0])? {
        Some(position) => {
            position.describe(proof);
            proof.insert("positions".into(), format!("equal on {} connections", seen.len()));
        }
        None => {
            proof.insert("positions".into(), "the binary log is off".into());
        }
    }
    proof.insert("read_views".into(), read_views(db, readers)?);
    Ok(true)
}

/// Why positions of the binary log cannot prove anything here; `None` when they can.
pub(super) fn log_says_nothing(db: &mut MariaDb) -> Result<Option<String>> {
    if db.dialect != Dialect::MariaDb {
        return Ok(Some("this server does not tell a view's position".into()));
    }
    match db.query("SHOW MASTER STATUS") {
        Err(Error::Server { number: 1227, .. }) => {
            let account = crate::mariadb::account::current(db)?;
            Ok(Some(format!(
                "account {account} may not see what the binary log holds: GRANT BINLOG MONITOR ON *.* TO {account}"
            )))
        }
        Err(other) => Err(other),
        Ok(rows) => Ok(match rows.first() {
            None => Some("the binary log is off".into()),
            Some(row)
                if row
                    .iter()
                    .skip(2)
                    .filter_map(Cell::to_text)
                    .any(|f| !f.is_empty()) =>
            {
                Some("the binary log leaves schemas out".into())
            }
            Some(_) => None,
        }),
    }
}

/// What InnoDB says of the views: the transactions that none of them sees and all of them see. A witness beside the
/// positions, not in their place: a transaction that begins while commits are held back moves the first number and is
/// seen by nobody.
fn read_views(db: &mut MariaDb, readers: &[MariaDb]) -> Result<String> {
    let status = match db.query("SHOW ENGINE INNODB STATUS") {
        Err(Error::Server { number: 1227, .. }) => {
            return Ok("hidden from this account (needs PROCESS)".into());
        }
        other => other?,
    };
    let text = status
        .first()
        .and_then(|r| r.last())
        .and_then(Cell::to_text)
        .unwrap_or_default();
    let views = parse_views(&text);
    let mut ours: Vec<&str> = Vec::new();
    for reader in readers {
        match reader.connection_id().and_then(|id| views.get(&id)) {
            Some(view) => ours.push(view),
            None => return Ok("not all are told by the server".into()),
        }
    }
    ours.sort_unstable();
    ours.dedup();
    Ok(match &ours[..] {
        [view] => format!("equal: {view}"),
        several => format!(
            "differ by transactions that began meanwhile: {}",
            several.join(" / ")
        ),
    })
}

/// Views by connection, from InnoDB's own report.
fn parse_views(status: &str) -> BTreeMap<u64, &str> {
    const THREAD: &str = "thread id ";
    const VIEW: &str = "Trx read view will ";
    let mut connection = None;
    let mut views = BTreeMap::new();
    for line in status.lines() {
        if line.starts_with("---TRANSACTION") {
            connection = None;
        } else if let Some(at) = line.find(THREAD) {
            let digits = &line[at + THREAD.len()..];
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            connection = digits[..end].parse().ok();
        } else if let (Some(id), Some(view)) = (connection, line.strip_prefix(VIEW)) {
            views.insert(id, view.trim());
        }
    }
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_told_from_innodbs_report() {
        let report = "LIST OF TRANSACTIONS FOR EACH SESSION:\n---TRANSACTION (0x7f05), ACTIVE 0 sec\n0 lock struct(s)\n\
            MariaDB thread id 11, OS thread handle 139659654043328, query id 58 localhost nr \n\
            Trx read view will not see trx with id >= 35, sees < 34\n---TRANSACTION (0x7f06), not started\n\
            0 lock struct(s)\n---TRANSACTION 40, ACTIVE 1 sec\nMySQL thread id 10, OS thread handle 1, query id 64\n\
            ---TRANSACTION (0x7f07), ACTIVE 0 sec\nTrx read view will not see trx with id >= 9, sees < 9\n";
        assert_eq!(
            parse_views(report),
            BTreeMap::from([(11, "not see trx with id >= 35, sees < 34")])
        );
    }
}
