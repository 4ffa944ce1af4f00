//! A backup's files as a dump fills them: tables announced, chunks written side by side and finished behind their readers.

use crate::host::death;
use backup::{Backup, ChunkWriter, Content, Error, Phase, TableId, TableSpec, Writer};
use db::Dialect;
use db::dump::{Chunk, ChunkEnd, Sink};
use db::schema::{Carry, Table};
use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Chunks that are finished at once behind those that are filled; as many wait in memory.
const AT_ONCE: usize = 2;
/// As many more, while all of them together are no larger than this: of small ones the disk makes several durable in the
/// time of one.
const SMALL_AT_ONCE: usize = 16;
const SMALL_BYTES: u64 = 4 << 20;

pub(super) struct Files {
    // Dropped first: what is under way needs the folder that the writer holds.
    finishing: Finishing,
    writer: Writer,
    /// The writer's tables, in the order of the schema.
    tables: Mutex<Vec<TableId>>,
    dialect: Dialect,
}

impl Files {
    pub(super) fn of(writer: Writer, dialect: Dialect) -> Files {
        Files {
            finishing: Finishing::default(),
            writer,
            tables: Mutex::new(Vec::new()),
            dialect,
        }
    }

    /// Removes what was written.
    pub(super) fn abandon(self) -> backup::Result<()> {
        // Why it is abandoned is known already; nobody writes there any more.
        let _ = self.finishing.settle();
        self.writer.abandon()
    }

    pub(super) fn attach(&self, name: &str, bytes: &[u8]) -> backup::Result<()> {
        self.writer.attach(name, bytes).map(drop)
    }

    pub(super) fn finish(self, content: Content) -> backup::Result<Backup> {
        self.finishing.settle()?;
        death::point_of("finish");
        self.writer.finish_by(content, &mut || death::point_of("finish"))
    }

    fn tables(&self) -> MutexGuard<'_, Vec<TableId>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table_id(&self, table: usize) -> db::Result<TableId> {
        self.tables()
            .get(table)
            .copied()
            .ok_or_else(|| db::Error::io("writing the backup", "a chunk without a table"))
    }
}

/// Chunks that are compressed and made durable while their readers go on: a reader that waited for the disk would leave
/// its connection idle.
#[derive(Default)]
struct Finishing(Mutex<VecDeque<Pending>>);

struct Pending {
    thread: JoinHandle<backup::Result<()>>,
    /// Content of the chunk.
    bytes: u64,
}

impl Finishing {
    /// Begins to finish a chunk; waits for the oldest where there are enough. The error may be that of another chunk.
    fn add(&self, chunk: ChunkWriter, bytes: u64, end: backup::ChunkEnd) -> backup::Result<()> {
        let file = chunk.file().to_owned();
        let thread = thread::Builder::new()
            .spawn(move || chunk.finish(end).map(drop))
            .map_err(|source| Error::Io {
                doing: "begin a thread that writes",
                path: file.into(),
                source,
            })?;
        let mut pending = self.pending();
        pending.push_back(Pending { thread, bytes });
        let oldest = too_many(&mut pending);
        drop(pending);
        let done: Vec<_> = oldest.into_iter().map(joined).collect();
        done.into_iter().collect()
    }

    /// Waits for all; the first error is the one to tell.
    fn settle(&self) -> backup::Result<()> {
        let all = std::mem::take(&mut *self.pending());
        let done: Vec<_> = all.into_iter().map(joined).collect();
        done.into_iter().collect()
    }

    fn pending(&self) -> MutexGuard<'_, VecDeque<Pending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        // Whoever fails tells its own error.
        let _ = self.settle();
    }
}

/// Takes out the oldest of those that are more than may be under way.
fn too_many(pending: &mut VecDeque<Pending>) -> Vec<Pending> {
    let mut held: u64 = pending.iter().map(|p| p.bytes).sum();
    let mut out = Vec::new();
    while pending.len()
        > if held <= SMALL_BYTES {
            SMALL_AT_ONCE
        } else {
            AT_ONCE
        }
    {
        let Some(oldest) = pending.pop_front() else {
            break;
        };
        held -= oldest.bytes;
        out.push(oldest);
    }
    out
}

fn joined(pending: Pending) -> backup::Result<()> {
    match pending.thread.join() {
        Ok(finished) => finished,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn failed(error: Error) -> db::Error {
    db::Error::io("writing the backup", error)
}

impl Sink for Files {
    fn schema(&self, phase: db::dump::Phase, stem: &str, sql: &str) -> db::Result<()> {
        let phase = match phase {
            db::dump::Phase::BeforeRows => Phase::BeforeData,
            db::dump::Phase::AfterRows => Phase::AfterData,
        };
        self.writer.schema(phase, stem, sql).map(|_| ()).map_err(failed)
    }

    fn table(&self, table: &Table, load_sql: &str) -> db::Result<()> {
        let columns = table
            .columns
            .iter()
            .map(|c| backup::Column {
                name: c.name.clone(),
                type_name: c.declared.clone(),
                load: carry(c.carry).into(),
            })
            .collect();
        let count_sql = match self.dialect {
            Dialect::Sqlite => format!("SELECT COUNT(*) FROM {}", self.dialect.quote(&table.name)),
            _ => db::mariadb::encode::count_statement(table),
        };
        let spec = TableSpec {
            name: table.name.clone(),
            columns,
            load_sql: (!load_sql.is_empty()).then(|| load_sql.to_string()),
            count_sql: Some(count_sql),
        };
        let id = self.writer.table(spec).map_err(failed)?;
        self.tables().push(id);
        Ok(())
    }

    fn chunk(&self, table: usize) -> db::Result<Box<dyn Chunk + '_>> {
        let extension = if self.dialect == Dialect::Sqlite {
            "sql"
        } else {
            "tsv"
        };
        let writer = self
            .writer
            .chunk(self.table_id(table)?, extension)
            .map_err(failed)?;
        Ok(Box::new(File {
            writer,
            bytes: 0,
            finishing: &self.finishing,
        }))
    }

    fn table_done(&self, table: usize, rows: u64, digest: &str) -> db::Result<()> {
        // What the table holds is known, and written.
        self.finishing.settle().map_err(failed)?;
        self.writer
            .finish_table(self.table_id(table)?, rows, digest)
            .map_err(failed)
    }
}

/// A chunk's file.
struct File<'a> {
    writer: ChunkWriter,
    bytes: u64,
    finishing: &'a Finishing,
}

impl Write for File<'_> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.writer.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

impl Chunk for File<'_> {
    fn finish(self: Box<Self>, end: &ChunkEnd) -> db::Result<()> {
        let column = &end.range.column;
        let end = backup::ChunkEnd {
            rows: end.sum.rows,
            digest: Some(end.sum.to_string()),
            first_key: end.range.after.as_ref().map(|after| format!("{column}>{after}")),
            last_key: end.range.until.as_ref().map(|until| format!("{column}<={until}")),
        };
        self.finishing.add(self.writer, self.bytes, end).map_err(failed)
    }
}

fn carry(carry: Carry) -> &'static str {
    match carry {
        Carry::Text => "text",
        Carry::Raw => "raw",
        Carry::Hex => "hex",
        Carry::Number => "number",
        Carry::History => "history",
        Carry::Discarded => "discarded",
        Carry::Generated => "generated",
        Carry::Virtual => "virtual",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_chunks_may_wait_and_few_large_ones() {
        let pending = |bytes| Pending {
            thread: thread::spawn(|| Ok(())),
            bytes,
        };
        let mut waiting: VecDeque<Pending> = (0..17).map(|_| pending(100)).collect();
        assert_eq!(too_many(&mut waiting).len(), 1);
        assert_eq!(too_many(&mut waiting).len(), 0);
        waiting.push_back(pending(SMALL_BYTES));
        let oldest = too_many(&mut waiting);
        assert_eq!(oldest.len(), 15, "until only two are left");
        assert_eq!(waiting.back().map(|p| p.bytes), Some(SMALL_BYTES));
    }
}
