//! LOAD DATA from a stream.

use super::{MariaDb, encode};
use crate::schema::Table;
use crate::{Cell, Database, Error, Result};
use mysql::prelude::Queryable;
use std::io::{Read, Write};
use std::sync::{Mutex, PoisonError, mpsc};

/// Bytes handed on at a time.
const BLOCK: usize = 256 << 10;

impl MariaDb {
    /// Sends `data` to the server as rows of `table`; refuses the outcome when the server changed a value on the way.
    pub(super) fn load_rows(&mut self, table: &Table, data: &mut (dyn Read + Send)) -> Result<u64> {
        let sql = encode::load_statement(table, "ventana");
        // The driver wants a 'static handler; the data is only borrowed. A bounded channel of blocks joins the two:
        // the handler pulls blocks while a scoped thread reads them. When reading fails the handler sees the end of the
        // stream, because a handler that fails leaves the connection in the middle of a packet.
        let (send, receive) = mpsc::sync_channel::<Vec<u8>>(4);
        let receive = Mutex::new(receive);
        let torn = Mutex::new(None);
        self.conn
            .set_local_infile_handler(Some(mysql::LocalInfileHandler::new(move |name, writer| {
                if name != b"ventana" {
                    return Err(std::io::Error::other(
                        "the server asked for another file than the one it was offered",
                    ));
                }
                let blocks = receive.lock().map_err(|_| std::io::Error::other("reader died"))?;
                for block in blocks.iter() {
                    writer.write_all(&block)?;
                }
                Ok(())
            })));
        let result = std::thread::scope(|scope| {
            scope.spawn(|| read_blocks(data, send, &torn));
            let result = self.conn.query_drop(&sql);
            // Dropping the handler closes the channel, so the reading thread ends even if it was never asked.
            self.conn.set_local_infile_handler(None);
            result
        });
        let rows = self.conn.affected_rows();
        if let Some(message) = torn.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(Error::io(
                format!("reading a chunk of table {}", table.name),
                message,
            ));
        }
        result.map_err(|e| match Self::error(&sql, e) {
            Error::Server {
                number: 1148 | 4166, ..
            } => Error::refused(
                "the server does not take LOAD DATA LOCAL",
                "SET GLOBAL local_infile=ON on the server that is restored to",
            ),
            other => other,
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

fn read_blocks(data: &mut (dyn Read + Send), send: mpsc::SyncSender<Vec<u8>>, torn: &Mutex<Option<String>>) {
    loop {
        let mut block = vec![0; BLOCK];
        match data.read(&mut block) {
            Ok(0) => return,
            Ok(n) => block.truncate(n),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                *torn.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                return;
            }
        }
        // A closed channel means that the server refused the statement; its error is the one reported.
        if send.send(block).is_err() {
            return;
        }
    }
}
