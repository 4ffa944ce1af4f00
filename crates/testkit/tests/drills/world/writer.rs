//! People who go on working while a window runs: one writes, one reads, and both remember what they were told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use testkit::http;

/// One request and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) sent: SystemTime,
    pub(crate) answered: SystemTime,
    /// `Err`: there was no answer, or one that broke off.
    pub(crate) status: Result<u16, String>,
    pub(crate) retry_after: Option<String>,
}

/// What a worker has seen when it stops.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) asked: Vec<Asked>,
    /// The last acknowledged value of each activo, by its id.
    pub(crate) acknowledged: BTreeMap<u32, Value>,
    /// Ids with a write that was sent and never answered: nobody knows which value counts.
    pub(crate) unknown: Vec<u32>,
}

impl Seen {
    pub(crate) fn with_status(&self, status: u16) -> impl Iterator<Item = &Asked> + Clone {
        self.asked
            .iter()
            .filter(move |asked| asked.status.as_ref() == Ok(&status))
    }

    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &Asked> {
        self.asked.iter().filter(|asked| asked.status.is_err())
    }
}

/// A thread that works until it is stopped.
#[derive(Debug)]
pub(crate) struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Seen>>,
    count: Arc<std::sync::atomic::AtomicU64>,
}

impl Worker {
    /// Writes notes and especificaciones of the activos 1 to `ids`, one after the other, one request every `pace`.
    pub(crate) fn writing(base: String, token: String, ids: u32, pace: Duration) -> Worker {
        let mut number = 0_u32;
        Worker::spawn(pace, move |seen| {
            number += 1;
            let id = number % ids + 1;
            let body = json!({ "notas": format!("write {number}"), "especificaciones": { "write": number } });
            let request = http::put(format!("{base}/api/activos/{id}"))
                .bearer(&token)
                .json(&body);
            match ask(seen, &request) {
                Some(200) => {
                    seen.acknowledged.insert(id, body);
                }
                // Refused connections reached nobody; anything else that broke off may have been written.
                None if !refused(seen) => seen.unknown.push(id),
                _ => {}
            }
        })
    }

    /// Reads, one request every `pace`: the whole list, one activo, the health, in turn.
    pub(crate) fn reading(base: String, token: String, pace: Duration) -> Worker {
        let paths = [
            "/api/activos",
            "/api/activos/250",
            "/healthz",
            "/api/activos?limit=5",
        ];
        let mut number = 0;
        Worker::spawn(pace, move |seen| {
            number += 1;
            let path = paths[number % paths.len()];
            ask(seen, &http::get(format!("{base}{path}")).bearer(&token));
        })
    }

    fn spawn(pace: Duration, mut turn: impl FnMut(&mut Seen) + Send + 'static) -> Worker {
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (stopped, counter) = (Arc::clone(&stop), Arc::clone(&count));
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while !stopped.load(Ordering::SeqCst) {
                turn(&mut seen);
                std::sync::atomic::AtomicU64::fetch_add(&counter, 1, Ordering::SeqCst);
                // The pace of a person, not a wait for something.
                std::thread::park_timeout(pace);
            }
            seen
        });
        Worker {
            stop,
            thread: Some(thread),
            count,
        }
    }

    /// Waits until it has asked `more` times from now on.
    pub(crate) fn turns(&self, more: u64) {
        let until = self.count.load(Ordering::SeqCst) + more;
        while self.count.load(Ordering::SeqCst) < until {
            assert!(
                !self.thread.as_ref().is_some_and(JoinHandle::is_finished),
                "the worker died"
            );
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Ends it and returns what it has seen.
    pub(crate) fn stop(mut self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        let thread = self.thread.take().expect("stopped once");
        thread.join().expect("the worker does not panic")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

fn ask(seen: &mut Seen, request: &http::Request) -> Option<u16> {
    let sent = SystemTime::now();
    let answer = request.send();
    let answered = SystemTime::now();
    let retry_after = answer
        .as_ref()
        .ok()
        .and_then(|answer| answer.header("Retry-After"))
        .map(str::to_owned);
    let status = answer
        .map(|answer| answer.status)
        .map_err(|error| format!("{error:#}"));
    let code = status.as_ref().ok().copied();
    seen.asked.push(Asked {
        sent,
        answered,
        status,
        retry_after,
    });
    code
}

/// Whether the last request found nobody listening.
fn refused(seen: &Seen) -> bool {
    let last = seen.asked.last().map(|asked| &asked.status);
    matches!(last, Some(Err(error)) if error.contains("Connection refused"))
}
