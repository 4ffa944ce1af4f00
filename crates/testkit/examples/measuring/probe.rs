//! The service's users: a writer and a reader, one statement each per 10 ms, each on a connection and in a thread of
//! its own. Every statement is measured; every acknowledged write is remembered. Beside them the control measures the
//! disk alone.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use mysql::prelude::Queryable as _;
use mysql::{Conn, Error, Opts};

use crate::control::Control;

/// Time from the start of one statement to the start of the next, unless the first takes longer.
const EVERY: Duration = Duration::from_millis(10);

/// One statement, from the moment it was wanted to its answer, a reconnect included; or one bare fsync.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Microseconds since 1970, to be laid beside the journal's times.
    pub(crate) from_us: i64,
    pub(crate) took_us: i64,
    /// What the server, or the lack of it, answered instead of a result.
    pub(crate) error: Option<String>,
    /// Sessions that were found ended and opened again.
    pub(crate) reconnects: u32,
}

impl Sample {
    pub(crate) fn to_us(&self) -> i64 {
        self.from_us + self.took_us
    }
}

/// What the writer knows.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Row → number of the last acknowledged write.
    pub(crate) acknowledged: HashMap<u32, u64>,
    /// Row → numbers of later writes that failed and may have happened all the same.
    pub(crate) unsure: HashMap<u32, Vec<u64>>,
    /// How many writes were acknowledged.
    pub(crate) count: u64,
}

/// What the three did.
pub(crate) struct Log {
    pub(crate) writer: Vec<Sample>,
    pub(crate) reader: Vec<Sample>,
    pub(crate) control: Vec<Sample>,
    pub(crate) written: Written,
}

/// A running probe.
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    writer: JoinHandle<(Vec<Sample>, Written)>,
    reader: Option<JoinHandle<Vec<Sample>>>,
    control: JoinHandle<Vec<Sample>>,
    opts: Opts,
    rows: u32,
}

/// The document of write `number`: valid JSON, about as long as a usual one.
pub(crate) fn document(number: u64) -> String {
    format!(
        r#"{{"procesador": "Intel Core i7-1265U", "memoria": "32 GB DDR5", "disco": "1 TB NVMe", "pantalla": "14 pulgadas", "sistema": "Windows 11 Pro", "red": {{"mac": "00:1a:2b:3c:4d:5e", "ip": "10.0.0.{}"}}, "sonda": {number}}}"#,
        number % 256
    )
}

/// How long the probe goes on afterwards.
pub(crate) const AFTER: Duration = Duration::from_secs(3);

impl Probe {
    /// Starts the writer on rows 1 to `rows`, connected as `url` says, and the control in `folder`. The two alone show
    /// what a write costs on this machine and this disk when nothing else happens.
    pub(crate) fn start(url: &str, rows: u32, folder: &Path) -> Result<Probe> {
        let stop = Arc::new(AtomicBool::new(false));
        let opts = Opts::from_url(url).context("the probe's address")?;
        // Everything is opened before anything is measured.
        let (mut writer, mut control) = (Session::open(&opts)?, Control::open(folder)?);
        let halt = Arc::clone(&stop);
        let write = std::thread::spawn(move || {
            let mut written = Written::default();
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
            let mut number = 0;
            let samples = at_intervals(&halt, || {
                number += 1;
                let id = dice.roll(rows);
                let text = document(number);
                let asked = writer.ask(&format!(
                    "UPDATE activos SET especificaciones='{text}' WHERE id={id}"
                ));
                match &asked.answer {
                    Ok(()) => {
                        written.count += 1;
                        written.acknowledged.insert(id, number);
                        written.unsure.remove(&id);
                    }
                    Err(_) => written.unsure.entry(id).or_default().push(number),
                }
                asked
            });
            (samples, written)
        });
        let halt = Arc::clone(&stop);
        let control = std::thread::spawn(move || {
            at_intervals(&halt, || Asked {
                answer: control.sync().map_err(|error| error.to_string()),
                reconnects: 0,
            })
        });
        Ok(Probe {
            stop,
            writer: write,
            reader: None,
            control,
            opts,
            rows,
        })
    }

    /// Starts the reader too.
    pub(crate) fn read(&mut self) -> Result<()> {
        let mut reader = Session::open(&self.opts)?;
        let (halt, rows) = (Arc::clone(&self.stop), self.rows);
        self.reader = Some(std::thread::spawn(move || {
            let mut dice = Dice(0xd1b5_4a32_d192_ed03);
            at_intervals(&halt, || {
                let id = dice.roll(rows);
                reader.ask(&format!(
                    "SELECT id, nombre, estado, especificaciones FROM activos WHERE id={id}"
                ))
            })
        }));
        Ok(())
    }

    /// Stops all after what they are at.
    pub(crate) fn finish(self) -> Result<Log> {
        self.stop.store(true, Ordering::SeqCst);
        let gone = |_| anyhow!("a thread of the probe ended by itself");
        let (writer, written) = self.writer.join().map_err(gone)?;
        let reader = self.reader.map_or(Ok(Vec::new()), JoinHandle::join);
        Ok(Log {
            writer,
            reader: reader.map_err(gone)?,
            control: self.control.join().map_err(gone)?,
            written,
        })
    }
}

struct Asked {
    answer: Result<(), String>,
    reconnects: u32,
}

fn at_intervals(stop: &AtomicBool, mut ask: impl FnMut() -> Asked) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut next = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        let (wall, began) = (SystemTime::now(), Instant::now());
        let asked = ask();
        let took = began.elapsed();
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        samples.push(Sample {
            from_us: micros(wall.duration_since(UNIX_EPOCH).unwrap_or_default()),
            took_us: micros(took),
            error: asked.answer.err(),
            reconnects: asked.reconnects,
        });
        next = (next + EVERY).max(Instant::now());
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    samples
}

/// A connection as a pool keeps one: a session that was ended is opened again and the statement sent once more, which
/// changes nothing here, since each sets one row to one value.
struct Session {
    opts: Opts,
    conn: Option<Conn>,
}

impl Session {
    fn open(opts: &Opts) -> Result<Session> {
        let conn = Conn::new(opts.clone()).context("connecting the probe")?;
        Ok(Session {
            opts: opts.clone(),
            conn: Some(conn),
        })
    }

    fn ask(&mut self, sql: &str) -> Asked {
        let mut reconnects = 0;
        loop {
            let answer = self.once(sql);
            let ended = answer.as_ref().err().is_some_and(ended);
            if ended {
                self.conn = None;
            }
            if !ended || reconnects > 0 {
                return Asked {
                    answer: answer.map_err(|error| name(&error)),
                    reconnects,
                };
            }
            reconnects += 1;
        }
    }

    fn once(&mut self, sql: &str) -> Result<(), Error> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            None => self.conn.insert(Conn::new(self.opts.clone())?),
        };
        conn.query_drop(sql)
    }
}

/// Whether the error says that the session is no more: it was killed (1927), or the server went away.
fn ended(error: &Error) -> bool {
    match error {
        Error::MySqlError(error) => matches!(error.code, 1053 | 1927),
        _ => true,
    }
}

/// The server's number with the start of its words, or the driver's words.
fn name(error: &Error) -> String {
    match error {
        Error::MySqlError(error) => {
            let words: Vec<&str> = error.message.split_whitespace().take(3).collect();
            format!("{} {}", error.code, words.join(" "))
        }
        other => format!("connection: {other}"),
    }
}

/// Numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    /// 1 to `last`.
    fn roll(&mut self, last: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // Below `last`, so it fits.
        1 + u32::try_from(self.0 % u64::from(last.max(1))).unwrap_or(0)
    }
}
