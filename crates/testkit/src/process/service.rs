use std::thread;
use std::time::{Duration, Instant};

use super::{Output, Running, Sandbox, Signal, TIMEOUT};
use crate::http;

/// A process that runs beside the test. Dropping it kills its group.
#[derive(Debug)]
pub struct Service {
    running: Running,
    sandbox: Sandbox,
}

impl Service {
    pub(super) fn new(running: Running, sandbox: Sandbox) -> Service {
        Service { running, sandbox }
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.running.pid().as_raw_nonzero().get()
    }

    /// Its folder world.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        self.running.is_running()
    }

    /// What it has written so far.
    pub fn output(&self) -> Output {
        self.running.output()
    }

    /// Waits until a line of stdout or stderr contains `text`, and returns that line.
    #[track_caller]
    pub fn wait_line(&self, text: &str) -> String {
        match self.running.wait_line(TIMEOUT, |line| line.contains(text)) {
            Some(line) => line,
            None => panic!(
                "testkit: no line with {text:?} within {TIMEOUT:?}\n{}",
                self.output()
            ),
        }
    }

    /// Waits until a GET of `url` is answered with 2xx.
    #[track_caller]
    pub fn wait_url(&self, url: &str) -> http::Response {
        let end = Instant::now() + TIMEOUT;
        loop {
            let answer = http::get(url).timeout(Duration::from_secs(5)).send();
            match answer {
                Ok(response) if (200..300).contains(&response.status) => return response,
                Ok(_) | Err(_) if self.is_running() && Instant::now() < end => {
                    thread::sleep(Duration::from_millis(10));
                }
                other => panic!(
                    "testkit: {url} is not ready: {other:?}\n{}",
                    self.running.finish(Duration::ZERO)
                ),
            }
        }
    }

    /// Sends `signal` to the process alone; `false` when it has ended already.
    pub fn signal(&self, signal: Signal) -> bool {
        self.running.signal(signal)
    }

    /// `kill -9` of the process alone (what it started lives on until the drop), then its output.
    pub fn kill9(&self) -> Output {
        self.signal(Signal::KILL);
        self.wait()
    }

    /// SIGTERM, then waits for its end.
    #[track_caller]
    pub fn terminate(&self) -> Output {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for its end by itself.
    #[track_caller]
    pub fn wait(&self) -> Output {
        if self.running.wait(TIMEOUT).is_none() {
            panic!("testkit: still running after {TIMEOUT:?}\n{}", self.output());
        }
        // A killed leader's children may hold the pipes for as long as they live.
        self.running.finish(Duration::from_millis(500))
    }
}
