//! A child process with captured output, an awaited end and no race between signal and reaping.

use std::io::{Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use super::Output;
use super::guard::Guard;

#[derive(Debug)]
pub(crate) struct Running {
    pid: Pid,
    label: String,
    started: Instant,
    state: Arc<State>,
    stdin: Mutex<Option<std::process::ChildStdin>>,
    _guard: Guard,
}

#[derive(Debug, Default)]
struct State {
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Now {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    open_pipes: usize,
    status: Option<ExitStatus>,
    elapsed: Duration,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Now> {
        // Each holder only appends or assigns, so a panicking one leaves nothing half done.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done` says so or `limit` passes; the last look decides.
    fn wait_until(&self, limit: Duration, mut done: impl FnMut(&Now) -> bool) -> bool {
        let now = self.lock();
        let wait = self.changed.wait_timeout_while(now, limit, |now| !done(now));
        let (now, _) = wait.unwrap_or_else(PoisonError::into_inner);
        done(&now)
    }
}

impl Running {
    /// Starts `command` as the leader of a group of its own; `folder` is removed should this process die first.
    pub(crate) fn spawn(mut command: Command, label: &str, folder: Option<&Path>) -> Result<Running> {
        let started = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let pid = Pid::from_child(&child);
        let state = Arc::new(State::default());
        let stdin = Mutex::new(child.stdin.take());
        state.lock().open_pipes = 2;
        if let Some(pipe) = child.stdout.take() {
            follow(pipe, &state, |now| &mut now.stdout);
        }
        if let Some(pipe) = child.stderr.take() {
            follow(pipe, &state, |now| &mut now.stderr);
        }
        reap(child, pid, started, &state);
        let guard = Guard::new(pid, folder);
        let guard = guard.inspect_err(|_| {
            let _ = kill_process_group(pid, Signal::KILL);
        })?;
        Ok(Running {
            pid,
            label: label.to_owned(),
            started,
            state,
            stdin,
            _guard: guard,
        })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state.lock().status.is_none()
    }

    /// Writes standard input beside the process, then closes it.
    pub(crate) fn feed(&self, bytes: Vec<u8>) {
        let pipe = self.stdin.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut pipe) = pipe {
            // A process that does not read all of its input is no error.
            thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
    }

    /// Sends a signal to the process alone; `false` when it has ended already.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        let now = self.state.lock();
        now.status.is_none() && kill_process(self.pid, signal).is_ok()
    }

    /// Kills what is left of the process's group.
    pub(crate) fn kill_group(&self) {
        let now = self.state.lock();
        // After the leader was reaped its number stays taken as long as the group has members, so this hits
        // the group or nobody, unless the number was given to a new process in that very moment.
        let _ = kill_process_group(self.pid, Signal::KILL);
        drop(now);
    }

    pub(crate) fn wait(&self, limit: Duration) -> Option<ExitStatus> {
        self.state.wait_until(limit, |now| now.status.is_some());
        self.state.lock().status
    }

    /// Waits until a whole line of stdout or stderr satisfies `wanted`; `None` when time or the process ended first.
    pub(crate) fn wait_line(&self, limit: Duration, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut found = None;
        self.state.wait_until(limit, |now| {
            for bytes in [&now.stdout, &now.stderr] {
                let text = String::from_utf8_lossy(bytes);
                // The piece behind the last line feed is a line only once its pipe has ended.
                let whole = if now.open_pipes == 0 {
                    text.len()
                } else {
                    text.rfind('\n').map_or(0, |end| end + 1)
                };
                if let Some(line) = text[..whole].lines().find(|line| wanted(line)) {
                    found = Some(line.to_owned());
                    return true;
                }
            }
            now.status.is_some() && now.open_pipes == 0
        });
        found
    }

    /// What it has written so far, its exit code if it has ended.
    pub(crate) fn output(&self) -> Output {
        let now = self.state.lock();
        Output {
            label: self.label.clone(),
            code: now.status.and_then(|status| status.code()),
            signal: now.status.and_then(|status| status.signal()),
            stdout: String::from_utf8_lossy(&now.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&now.stderr).into_owned(),
            elapsed: if now.status.is_some() {
                now.elapsed
            } else {
                self.started.elapsed()
            },
        }
    }

    /// The output after the end; a grandchild that keeps the pipes open is waited for at most `limit`.
    pub(crate) fn finish(&self, limit: Duration) -> Output {
        self.state
            .wait_until(limit, |now| now.status.is_some() && now.open_pipes == 0);
        self.output()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill_group();
        self.wait(Duration::from_secs(10));
    }
}

fn follow(mut pipe: impl Read + Send + 'static, state: &Arc<State>, buffer: fn(&mut Now) -> &mut Vec<u8>) {
    let state = Arc::clone(state);
    thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = pipe.read(&mut piece) {
            buffer(&mut state.lock()).extend_from_slice(&piece[..length]);
            state.changed.notify_all();
        }
        state.lock().open_pipes -= 1;
        state.changed.notify_all();
    });
}

/// Waits for the end without reaping, then reaps under the lock that signals are sent under: no signal can reach a
/// stranger that was given the same number.
fn reap(mut child: Child, pid: Pid, started: Instant, state: &Arc<State>) {
    let state = Arc::clone(state);
    thread::spawn(move || {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), ended), Err(rustix::io::Errno::INTR)) {}
        let elapsed = started.elapsed();
        let mut now = state.lock();
        now.status = child
            .wait()
            .context("reaping")
            .ok()
            .or_else(|| Some(ExitStatus::from_raw(-1)));
        now.elapsed = elapsed;
        drop(now);
        state.changed.notify_all();
    });
}
