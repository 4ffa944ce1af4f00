//! People who go on working during a window: writers that remember what was acknowledged, readers that count every
//! failure. Each keeps to rows of its own, so that the last word on a row is known.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use testkit::http;

use crate::world_mariadb::{Session, World};

/// Between two statements of one person.
const PACE: Duration = Duration::from_millis(10);

/// One attempt to write.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// The row: an id, or the serial of a new one.
    pub(crate) row: String,
    /// What was written: `notas`, and `especificaciones`.
    pub(crate) notas: String,
    pub(crate) text: String,
    /// `Err`: what the writer was told.
    pub(crate) answer: Result<(), String>,
}

impl Try {
    /// A connection that broke says nothing about whether the write was done.
    fn in_doubt(&self) -> bool {
        let words = [
            "1142",
            "1044",
            "1227",
            "1370",
            "fenced",
            "503",
            "refused the connection",
        ];
        self.answer
            .as_ref()
            .is_err_and(|said| !words.iter().any(|word| said.contains(word)))
    }

    /// The session was ended, by the fence or by the lift.
    pub(crate) fn connection_lost(&self) -> bool {
        let codes = ["ERROR 2006", "ERROR 2013", "ERROR 1927", "ERROR 4031"];
        self.answer
            .as_ref()
            .is_err_and(|said| codes.iter().any(|code| said.contains(code)))
    }

    pub(crate) fn took(&self) -> Duration {
        self.end.duration_since(self.start).unsigned_abs()
    }
}

/// What the rows must hold after these writes: row → the acceptable (`notas`, `especificaciones`), and whether it may
/// also be missing.
pub(crate) fn expected(tries: &[Try]) -> BTreeMap<String, Vec<Option<(String, String)>>> {
    let mut rows: BTreeMap<String, Vec<Option<(String, String)>>> = BTreeMap::new();
    for one in tries {
        let value = Some((one.notas.clone(), one.text.clone()));
        if one.answer.is_ok() {
            rows.insert(one.row.clone(), vec![value]);
        } else if one.in_doubt() {
            // What was there before stays acceptable; a row of which nothing is known may be as it was.
            rows.entry(one.row.clone())
                .or_insert_with(|| vec![None])
                .push(value);
        }
    }
    rows
}

/// Set once everybody should go home.
#[derive(Default)]
pub(crate) struct Bell(AtomicBool);

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn silent(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }
}

/// Rings when dropped: a test that fails must not wait for ever for those it started.
pub(crate) struct Ringer<'b>(pub(crate) &'b Bell);

impl Drop for Ringer<'_> {
    fn drop(&mut self) {
        self.0.ring();
    }
}

/// Writes as the service's account straight on SQL: rows `id % 5 = 1`, all kinds of text until the first refusal, JSON
/// from then on; every fifth statement is a new row. With `stop_when_refused` the first refusal is the last statement.
pub(crate) fn sql_writer<'s>(
    scope: &'s Scope<'s, '_>,
    world: &'s World,
    bell: &'s Bell,
    stop_when_refused: bool,
) -> ScopedJoinHandle<'s, Vec<Try>> {
    scope.spawn(move || {
        let ids = ids(world, 1);
        let mut session = None;
        let mut tries: Vec<Try> = Vec::new();
        let mut refused = false;
        for n in 0_usize.. {
            if !bell.silent() || (stop_when_refused && refused) {
                break;
            }
            let text = match n % 4 {
                0 => format!("texto {n} ñ"),
                1 => format!("{{\"n\": {n}, \"cortado\": \"🙂"),
                2 => format!("[{n}]"),
                _ => format!("{{\"n\": {n}, \"a\": 1, \"a\": 12345678901234567}}"),
            };
            let text = if refused { format!("{{\"n\": {n}}}") } else { text };
            let notas = format!("sql {n}");
            let (row, sql) = if n % 5 == 4 {
                let serial = format!("NUEVO-{n}");
                let sql = format!("INSERT INTO activos (nombre, numero_serie, notas, especificaciones) VALUES ('nuevo', '{serial}', '{notas}', '{text}')");
                (serial, sql)
            } else {
                let id = &ids[n % ids.len()];
                (id.clone(), format!("UPDATE activos SET notas='{notas}', especificaciones='{text}' WHERE id={id}"))
            };
            let start = Timestamp::now();
            let answer = in_session(&mut session, world, &sql);
            refused |= answer.is_err();
            tries.push(Try { start, end: Timestamp::now(), row, notas, text, answer });
            std::thread::sleep(PACE);
        }
        tries
    })
}

/// A session that broke is opened again for the next statement.
fn in_session(session: &mut Option<Session>, world: &World, sql: &str) -> Result<(), String> {
    if session.is_none() {
        // Nothing was sent: there is no doubt.
        let opened = Session::try_open(&world.server, "inventario", "del servicio");
        *session = Some(opened.map_err(|said| format!("refused the connection: {said}"))?);
    }
    let answer = session
        .as_mut()
        .map_or(Ok(Vec::new()), |session| session.run(sql));
    if answer.is_err() {
        *session = None;
    }
    answer.map(drop)
}

/// Writes through the service's API: rows `id % 5 = 2`.
pub(crate) fn http_writer<'s>(
    scope: &'s Scope<'s, '_>,
    world: &'s World,
    bell: &'s Bell,
    token: &'s str,
) -> ScopedJoinHandle<'s, Vec<Try>> {
    scope.spawn(move || {
        let ids = ids(world, 2);
        let mut tries = Vec::new();
        for n in 0_usize.. {
            if !bell.silent() {
                break;
            }
            let row = ids[n % ids.len()].clone();
            let (notas, text) = (format!("api {n}"), format!("{{\"n\":{n}}}"));
            let request = http::put(world.url(&format!("/api/activos/{row}"))).bearer(token);
            let body = json!({ "notas": notas, "especificaciones": { "n": n } });
            let start = Timestamp::now();
            let answer = match request.json(&body).send() {
                Ok(answer) if answer.status == 200 => Ok(()),
                Ok(answer) => Err(format!("{} {}", answer.status, answer.text())),
                Err(error) => Err(connection(&error)),
            };
            tries.push(Try {
                start,
                end: Timestamp::now(),
                row,
                notas,
                text,
                answer,
            });
            std::thread::sleep(PACE);
        }
        tries
    })
}

/// While the service is restarted nobody listens: nothing was sent, so there is no doubt.
fn connection(error: &anyhow::Error) -> String {
    let refused = error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
    });
    if refused {
        "refused the connection".into()
    } else {
        format!("{error:#}")
    }
}

/// What a reader saw: how many answers, and every failure with its time.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) answers: usize,
    pub(crate) failures: Vec<(Timestamp, String)>,
    pub(crate) longest: Duration,
}

impl Read {
    fn note(&mut self, start: Timestamp, answer: Result<(), String>) {
        self.longest = self
            .longest
            .max(Timestamp::now().duration_since(start).unsigned_abs());
        match answer {
            Ok(()) => self.answers += 1,
            Err(said) => self.failures.push((Timestamp::now(), said)),
        }
    }
}

/// Reads one row after the other over SQL, with an account that is not the service's, in one session.
pub(crate) fn sql_reader<'s>(
    scope: &'s Scope<'s, '_>,
    world: &'s World,
    bell: &'s Bell,
) -> ScopedJoinHandle<'s, Read> {
    scope.spawn(move || {
        let mut session = world.session("lector", "de lectura");
        let ids = ids(world, 3);
        let mut read = Read::default();
        for id in ids.iter().cycle() {
            if !bell.silent() {
                break;
            }
            let start = Timestamp::now();
            let answer = match session.run(&format!(
                "SELECT id, especificaciones FROM activos WHERE id={id}; SELECT * FROM activos_por_estado"
            )) {
                Ok(lines) if lines.len() > 1 && lines[0].starts_with(id.as_str()) => Ok(()),
                Ok(lines) => Err(format!("{lines:?}")),
                Err(said) => {
                    session = world.session("lector", "de lectura");
                    Err(said)
                }
            };
            read.note(start, answer);
            std::thread::sleep(PACE);
        }
        read
    })
}

/// Reads over HTTP: a row, a page, the health.
pub(crate) fn http_reader<'s>(
    scope: &'s Scope<'s, '_>,
    world: &'s World,
    bell: &'s Bell,
    token: &'s str,
) -> ScopedJoinHandle<'s, Read> {
    scope.spawn(move || {
        let ids = ids(world, 3);
        let mut read = Read::default();
        for (n, id) in ids.iter().cycle().enumerate() {
            if !bell.silent() {
                break;
            }
            let path = match n % 3 {
                0 => format!("/api/activos/{id}"),
                1 => "/api/activos?limit=20&sort=-id".to_owned(),
                _ => "/healthz".to_owned(),
            };
            let start = Timestamp::now();
            let answer = match http::get(world.url(&path)).bearer(token).send() {
                Ok(answer) if answer.status == 200 => Ok(()),
                Ok(answer) => Err(format!("{path}: {} {}", answer.status, answer.text())),
                Err(error) => Err(connection(&error)),
            };
            read.note(start, answer);
            std::thread::sleep(PACE);
        }
        read
    })
}

/// Ids of a person's own rows.
fn ids(world: &World, class: u32) -> Vec<String> {
    let rows = world.server.query(&format!("SELECT id FROM inventario.activos WHERE id%5={class} AND especificaciones NOT LIKE '%recovery%' ORDER BY id LIMIT 40"));
    rows.into_iter().flatten().flatten().collect()
}
