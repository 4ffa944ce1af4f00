//! Many rows over several connections: every table is divided into parts, each reader takes the next one.

use crate::progress::{Listener, Progress, tell};
use crate::row::{Value, Visit};
use crate::schema::{Schema, Table};
use crate::throttle::Throttle;
use crate::{Database, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

/// A part of a table: the rows whose `column` is greater than `after` and not greater than `until`, both SQL literals.
/// The ranges of a table follow each other without a gap; the first has no `after`, the last no `until`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The column, quoted.
    pub column: String,
    pub after: Option<String>,
    pub until: Option<String>,
}

impl Range {
    /// The rows as an SQL condition; `None` where the part is the whole table.
    pub fn condition(&self) -> Option<String> {
        let column = &self.column;
        match (&self.after, &self.until) {
            (None, None) => None,
            (Some(after), None) => Some(format!("{column}>{after}")),
            (None, Some(until)) => Some(format!("{column}<={until}")),
            (Some(after), Some(until)) => Some(format!("{column}>{after} AND {column}<={until}")),
        }
    }
}

/// A part that a reader has taken.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Index of the table in the schema.
    pub(crate) table: usize,
    pub(crate) range: Range,
}

/// What is left to read. The next part is always one of the table that has most left for each of its readers, so that
/// readers keep to tables of their own while there are enough, and all of them share the last big one.
pub(crate) struct Queue {
    tables: Mutex<Vec<Waiting>>,
    throttle: Mutex<Throttle>,
}

struct Waiting {
    table: usize,
    /// In reverse order: the next one is the last.
    parts: Vec<Range>,
    /// Rows of one part, about.
    weight: u64,
    readers: u64,
}

impl Queue {
    /// A queue of the `wanted` tables; `parts` has an entry for each table of the schema.
    pub(crate) fn of(schema: &Schema, parts: &[Vec<Range>], wanted: impl Fn(&Table) -> bool) -> Queue {
        let tables = schema
            .tables
            .iter()
            .zip(parts)
            .enumerate()
            .filter(|(_, (table, parts))| wanted(table) && !parts.is_empty())
            .map(|(index, (table, parts))| Waiting {
                table: index,
                parts: parts.iter().rev().cloned().collect(),
                weight: table.rows_estimate / parts.len() as u64 + 1,
                readers: 0,
            })
            .collect();
        Queue {
            tables: Mutex::new(tables),
            throttle: Mutex::new(Throttle::new(None)),
        }
    }

    /// Its readers together read no faster than this.
    pub(crate) fn throttled(mut self, throttle: Throttle) -> Queue {
        self.throttle = Mutex::new(throttle);
        self
    }

    /// The next part for a reader that has just read one of table `done`. `begin` runs before anybody else can take a part:
    /// what it numbers is numbered in the order of the parts.
    fn next<B>(
        &self,
        done: Option<usize>,
        begin: impl FnOnce(&Part) -> Result<B>,
    ) -> Option<Result<(Part, B)>> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        for table in tables.iter_mut().filter(|t| Some(t.table) == done) {
            table.readers -= 1;
        }
        let next = tables
            .iter_mut()
            .filter(|t| !t.parts.is_empty())
            // Of equals the first: tables are then read in their order.
            .rev()
            .max_by_key(|t| t.weight * t.parts.len() as u64 / (t.readers + 1))?;
        next.readers += 1;
        let part = Part {
            table: next.table,
            range: next.parts.pop().unwrap_or_default(),
        };
        Some(begin(&part).map(|begun| (part, begun)))
    }
}

/// Compares how many rows were read of each table that was divided by a key with how many there are in the same view: a row
/// that lies in no part, or in two, would be missing or doubled in a dump and in its digest alike. Not asked where whole
/// numbers alone leave no doubt. `read` has the rows of each part with its table.
pub(crate) fn counted(
    db: &mut dyn Database,
    schema: &Schema,
    parts: &[Vec<Range>],
    read: impl Iterator<Item = (usize, u64)>,
) -> Result<()> {
    let mut rows: BTreeMap<usize, (usize, u64)> = BTreeMap::new();
    for (table, part) in read {
        let (parts, rows) = rows.entry(table).or_default();
        *parts += 1;
        *rows += part;
    }
    for (index, (times, rows)) in rows {
        let planned = &parts[index];
        if planned.len() < 2 || (times == planned.len() && leaves_none_out(planned)) {
            continue;
        }
        let table = &schema.tables[index];
        let there = db.count(&crate::mariadb::encode::count_statement(table))?;
        if u64::try_from(there) != Ok(rows) {
            return Err(Error::Differs(format!(
                "table {}: {rows} rows were read in {times} parts of its key, and it has {there}",
                table.name,
            )));
        }
    }
    Ok(())
}

/// Whether every whole number lies in exactly one of these ranges, by what is written in them: how a server compares texts
/// is its own affair.
fn leaves_none_out(ranges: &[Range]) -> bool {
    let number = |cut: &Option<String>| cut.as_ref().and_then(|cut| cut.parse::<i128>().ok());
    let closed = ranges.windows(2).all(|pair| {
        let (until, after) = (number(&pair[0].until), number(&pair[1].after));
        until.is_some() && until == after && pair[0].column == pair[1].column
    });
    let ascending = ranges
        .windows(2)
        .all(|pair| number(&pair[0].until) < number(&pair[1].until) || pair[1].until.is_none());
    let open = |range: Option<&Range>, end: fn(&Range) -> &Option<String>| {
        range.is_some_and(|range| end(range).is_none())
    };
    let ends = open(ranges.first(), |r| &r.after) && open(ranges.last(), |r| &r.until);
    closed && ascending && ends
}

/// Rows and bytes that a reader has read since it last told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) table: usize,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// How a reader tells how far it is, and hears that another one failed.
pub(crate) struct Told<'a> {
    steps: mpsc::Sender<Step>,
    failed: &'a AtomicBool,
    throttle: &'a Mutex<Throttle>,
}

impl Told<'_> {
    /// Tells a step; an error when there is no use in going on.
    pub(crate) fn step(&self, step: Step) -> Result<()> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Error::refused("another connection failed", ""));
        }
        // Progress is lossy: that nobody hears it is no error.
        let _ = self.steps.send(step);
        let pause = self
            .throttle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pause(step.bytes);
        std::thread::sleep(pause);
        Ok(())
    }
}

/// Reads every part of the queue with all `readers`; answers what `read` made of each, with its table.
pub(crate) fn run<T: Send>(
    readers: Vec<&mut dyn Database>,
    queue: &Queue,
    schema: &Schema,
    listen: &mut Listener<'_>,
    read: impl Fn(&mut dyn Database, &Part, &Told<'_>) -> Result<T> + Sync,
) -> Result<Vec<(usize, T)>> {
    run_begun(
        readers,
        queue,
        schema,
        listen,
        |_| Ok(()),
        |db, part, told, ()| read(db, part, told),
    )
}

/// [`run`], with something begun for each part in the order of the parts.
pub(crate) fn run_begun<B, T: Send>(
    readers: Vec<&mut dyn Database>,
    queue: &Queue,
    schema: &Schema,
    listen: &mut Listener<'_>,
    begin: impl Fn(&Part) -> Result<B> + Sync,
    read: impl Fn(&mut dyn Database, &Part, &Told<'_>, B) -> Result<T> + Sync,
) -> Result<Vec<(usize, T)>> {
    let failed = AtomicBool::new(false);
    let first = Mutex::new(None);
    let (send, steps) = mpsc::channel();
    let (begin, read) = (&begin, &read);
    std::thread::scope(|scope| {
        let handles: Vec<_> = readers
            .into_iter()
            .map(|db| {
                let told = Told {
                    steps: send.clone(),
                    failed: &failed,
                    throttle: &queue.throttle,
                };
                let first = &first;
                scope.spawn(move || {
                    let _panicking = Panicking(told.failed);
                    let mut out = Vec::new();
                    let mut done = None;
                    while !told.failed.load(Ordering::Relaxed) {
                        let Some(next) = queue.next(done, begin) else {
                            break;
                        };
                        let read = next.and_then(|(part, begun)| {
                            done = Some(part.table);
                            Ok((part.table, read(&mut *db, &part, &told, begun)?))
                        });
                        match read {
                            Ok(read) => out.push(read),
                            Err(error) => {
                                let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                                // Readers that stop because of it have nothing to tell.
                                if !told.failed.swap(true, Ordering::Relaxed) {
                                    *first = Some(error);
                                }
                            }
                        }
                    }
                    out
                })
            })
            .collect();
        drop(send);
        if let Err(interrupted) = hear(&steps, schema, listen) {
            // The readers stop at their next step, and throw away what they tell until then.
            failed.store(true, Ordering::Relaxed);
            first
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(interrupted);
        }
        let mut out = Vec::new();
        for handle in handles {
            match handle.join() {
                Ok(read) => out.extend(read),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        match first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(out),
        }
    })
}

/// Tells the other readers when this one panics: nobody will use what they would go on to read.
struct Panicking<'a>(&'a AtomicBool);

impl Drop for Panicking<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Hands on the readers' steps until all of them are done, or the listener stops them.
fn hear(steps: &mpsc::Receiver<Step>, schema: &Schema, listen: &mut Listener<'_>) -> Result<()> {
    let mut all = Progress {
        rows_total: schema.rows_estimate(),
        ..Progress::default()
    };
    let mut read = vec![0; schema.tables.len()];
    for step in steps {
        all.rows += step.rows;
        // A table that has more rows than the catalog guessed makes all of them more, not the work done before its end.
        let (read, guess) = (&mut read[step.table], schema.tables[step.table].rows_estimate);
        let beyond = |rows: u64| rows.saturating_sub(guess);
        all.rows_total += beyond(*read + step.rows) - beyond(*read);
        *read += step.rows;
        all.bytes += step.bytes;
        all.table = &schema.tables[step.table].name;
        tell(listen, all)?;
    }
    all.table = "";
    tell(listen, all)
}

/// A visitor that tells how many rows went through it.
pub(crate) struct Counting<'a, V> {
    inner: V,
    told: &'a Told<'a>,
    table: usize,
    rows: u64,
    bytes: u64,
}

/// Rows and bytes after which a reader tells, whichever come first: few enough bytes that a throttled reader's pauses are
/// short.
pub(crate) const TELL_ROWS: u64 = 16 << 10;
pub(crate) const TELL_BYTES: u64 = 1 << 20;

impl<'a, V: Visit> Counting<'a, V> {
    pub(crate) fn new(inner: V, told: &'a Told<'a>, table: usize) -> Counting<'a, V> {
        Counting {
            inner,
            told,
            table,
            rows: 0,
            bytes: 0,
        }
    }

    /// Tells the rest.
    pub(crate) fn finish(mut self) -> Result<V> {
        self.tell()?;
        Ok(self.inner)
    }

    fn tell(&mut self) -> Result<()> {
        self.told.step(Step {
            table: self.table,
            rows: std::mem::take(&mut self.rows),
            bytes: std::mem::take(&mut self.bytes),
        })
    }
}

impl<V: Visit> Visit for Counting<'_, V> {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        self.bytes += value.width();
        self.inner.value(column, value)
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        self.bytes += length;
        self.inner.long(column, text, length, data)
    }

    fn end(&mut self) -> Result<()> {
        self.inner.end()?;
        self.rows += 1;
        if self.rows >= TELL_ROWS || self.bytes >= TELL_BYTES {
            self.tell()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    fn ranges(cuts: &[(Option<&str>, Option<&str>)]) -> Vec<super::Range> {
        cuts.iter()
            .map(|(after, until)| super::Range {
                column: "`id`".into(),
                after: after.map(str::to_string),
                until: until.map(str::to_string),
            })
            .collect()
    }

    #[test]
    fn ranges_of_numbers_without_a_gap_leave_none_out() {
        let whole = [
            (None, Some("-5")),
            (Some("-5"), Some("18446744073709551615")),
            (Some("18446744073709551615"), None),
        ];
        assert!(super::leaves_none_out(&ranges(&whole)));
        for doubtful in [
            [(None, Some("5")), (Some("6"), None)],
            [(None, Some("5")), (Some("4"), None)],
            [(Some("0"), Some("5")), (Some("5"), None)],
            [(None, Some("5")), (Some("5"), Some("9"))],
            [(None, Some("5")), (Some("5"), Some("5"))],
            [(None, Some("'a'")), (Some("'a'"), None)],
            [(None, None), (None, None)],
        ] {
            assert!(!super::leaves_none_out(&ranges(&doubtful)), "{doubtful:?}");
        }
        let back = [(None, Some("5")), (Some("5"), Some("3")), (Some("3"), None)];
        assert!(!super::leaves_none_out(&ranges(&back)));
    }

    use super::*;
    use crate::Dialect;
    use crate::sqlite::Sqlite;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicU64;

    /// Steps after which a reader that nobody stopped ends by itself.
    const MANY: u64 = 1 << 22;

    #[test]
    fn a_reader_that_panics_stops_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut readers: Vec<Sqlite> = ["a", "b"]
            .iter()
            .map(|name| Sqlite::create(&folder.path().join(name)).unwrap())
            .collect();
        let table = |name: &str| Table {
            name: name.into(),
            columns: Vec::new(),
            key: Vec::new(),
            rows_estimate: 1,
            bytes_estimate: 0,
            longest_row: 0,
            create: String::new(),
        };
        let schema = Schema {
            dialect: Dialect::Sqlite,
            database: String::new(),
            tables: vec![table("a"), table("b")],
            objects: Vec::new(),
            counters: BTreeMap::new(),
            unsupported: Vec::new(),
        };
        let queue = Queue::of(&schema, &vec![vec![Range::default()]; 2], |_| true);
        let (begun, steps) = (AtomicBool::new(false), AtomicU64::new(0));
        let connections = readers.iter_mut().map(|r| r as &mut dyn Database).collect();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            run(
                connections,
                &queue,
                &schema,
                &mut crate::progress::silent(),
                |_, part, told| {
                    if part.table == 0 {
                        while !begun.load(Ordering::SeqCst) {
                            std::thread::yield_now();
                        }
                        panic!("a bug in reading");
                    }
                    begun.store(true, Ordering::SeqCst);
                    for _ in 0..MANY {
                        told.step(Step {
                            table: 1,
                            rows: 0,
                            bytes: 0,
                        })?;
                        steps.fetch_add(1, Ordering::SeqCst);
                    }
                    Ok(())
                },
            )
        }));
        assert!(ran.is_err(), "the panic is handed on");
        assert!(
            steps.load(Ordering::SeqCst) < MANY,
            "the other one went on to its end"
        );
    }
}
