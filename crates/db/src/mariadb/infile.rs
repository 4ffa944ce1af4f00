//! LOAD DATA from a stream.

use super::wire::Fault;
use super::{MariaDb, encode};
use crate::schema::Table;
use crate::{Cell, Database, Error, Result};
use std::io::Read;

/// What the data is called to the server; no file has to do with it.
const OFFERED: &str = "ventana";

impl MariaDb {
    /// Sends `data` to the server as rows of `table`; refuses the outcome when the server changed a value on the way.
    pub(super) fn load_rows(&mut self, table: &Table, data: &mut (dyn Read + Send)) -> Result<u64> {
        let sql = encode::load_statement(table, OFFERED);
        let loaded = self.wire.load_local(&sql, OFFERED, data);
        let rows = loaded.map_err(|fault| match fault {
            Fault::Data(text) => Error::io(format!("reading a chunk of table {}", table.name), text),
            Fault::Server {
                number: 1148 | 4166, ..
            } => Error::refused(
                "the server does not take LOAD DATA LOCAL",
                "SET GLOBAL local_infile=ON on the server that is restored to",
            ),
            other => self.error(&sql, other),
        })?;
        for warning in self.query("SHOW WARNINGS")? {
            let text: Vec<String> = warning.iter().filter_map(Cell::to_text).collect();
            if !encode::expected(table, &text) {
                return Err(Error::Differs(format!(
                    "loading table {} changed a value: {}",
                    table.name,
                    text.join(" ")
                )));
            }
        }
        Ok(rows)
    }
}
