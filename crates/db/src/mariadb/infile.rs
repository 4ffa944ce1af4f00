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
        for text in self.show_warnings()? {
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

    /// What the server says of the last statement beside notes, as `Warning 1264 Out of range value …`.
    pub fn warnings(&mut self) -> Result<Vec<String>> {
        if !self.wire.warned() {
            return Ok(Vec::new());
        }
        let mut warnings = self.show_warnings()?;
        warnings.retain(|warning| warning.first().is_some_and(|level| level != "Note"));
        Ok(warnings.iter().map(|warning| warning.join(" ")).collect())
    }

    /// Level, number and message each.
    fn show_warnings(&mut self) -> Result<Vec<Vec<String>>> {
        let rows = self.query("SHOW WARNINGS")?;
        let texts = |row: &Vec<Cell>| row.iter().filter_map(Cell::to_text).collect();
        Ok(rows.iter().map(texts).collect())
    }
}
