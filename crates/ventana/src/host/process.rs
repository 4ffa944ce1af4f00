//! The service's process: started by ventana with a pid file, or restarted by the operator's own command.
#![allow(clippy::disallowed_methods, reason = "the one place that starts processes")]

use super::clock::{deadline, pause};
use crate::config::{Config, Process};
use crate::error::{Failure, io};
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How long a service may take to end after SIGTERM before it is killed, in seconds.
const GRACE: u64 = 15;

/// Variable in the environment of every process that ventana starts.
const MARK: &str = "VENTANA_SERVICE";

/// The service under `[process]`.
pub struct Service<'a> {
    config: &'a Config,
    process: &'a Process,
}

impl<'a> Service<'a> {
    pub fn of(config: &'a Config) -> Option<Service<'a>> {
        config
            .file
            .process
            .as_ref()
            .map(|process| Service { config, process })
    }

    fn pid_file(&self) -> PathBuf {
        self.config.state_dir().join("service.pid")
    }

    /// The pid of the running service that ventana started. A pid that was given to another program since is told by
    /// its start time.
    pub fn pid(&self) -> Option<u32> {
        self.written_pid().or_else(|| self.marked_pid())
    }

    fn written_pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.pid_file()).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        let pid: u32 = pid.parse().ok()?;
        (start_time(pid)? == started).then_some(pid)
    }

    /// A process that ventana started and died before it could write down: told by the mark in its environment.
    fn marked_pid(&self) -> Option<u32> {
        let mark = format!("{MARK}={}", self.mark());
        let marked = |pid: u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|b| *b == 0)
                .any(|entry| entry == mark.as_bytes())
                && start_time(pid).is_some()
        };
        let pids = std::fs::read_dir("/proc")
            .ok()?
            .flatten()
            .filter_map(|e| e.file_name().to_str()?.parse().ok());
        pids.filter(|pid| marked(*pid)).min()
    }

    /// What tells this service's processes from every other's: its state folder.
    fn mark(&self) -> String {
        let folder = self.config.state_dir();
        folder.canonicalize().unwrap_or(folder).display().to_string()
    }

    /// Whether ventana started it and it is gone by itself. A service that the operator's own command starts is not known.
    pub fn has_ended(&self) -> bool {
        self.process.restart.is_empty() && self.pid_file().exists() && self.pid().is_none()
    }

    /// Stops what runs and starts the release that `current` names.
    pub fn restart(&self) -> Result<(), Failure> {
        if !self.process.restart.is_empty() {
            return self.run(&self.process.restart);
        }
        self.stop()?;
        self.start()
    }

    /// Ends the service: SIGTERM, and SIGKILL when it does not end in time.
    pub fn stop(&self) -> Result<(), Failure> {
        let late = deadline(GRACE);
        let mut told = std::collections::BTreeSet::new();
        while let Some(pid) = self.pid() {
            let Some(target) = rustix::process::Pid::from_raw(pid as i32) else {
                break;
            };
            if late() {
                let _ = rustix::process::kill_process_group(target, rustix::process::Signal::KILL);
            } else if told.insert(pid) {
                let _ = rustix::process::kill_process(target, rustix::process::Signal::TERM);
            }
            pause(10);
        }
        let _ = std::fs::remove_file(self.pid_file());
        Ok(())
    }

    fn start(&self) -> Result<(), Failure> {
        let current = self.current();
        let fill = |text: &String| text.replace("{current}", &current.display().to_string());
        let Some((program, arguments)) = self.process.exec.split_first() else {
            return Err(Failure::usage("[process] has neither exec nor restart")
                .hint("say how the service is started, e.g. exec = [\"{current}/inventario\", \"serve\"]"));
        };
        let log = self.log_file();
        for file in [&log, &self.pid_file()] {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)
                    .map_err(io(format!("cannot make folder {}", folder.display())))?;
            }
        }
        let out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(io(format!("cannot open the service's log {}", log.display())))?;
        let err = out
            .try_clone()
            .map_err(io("cannot open the service's log twice"))?;
        let mut command = Command::new(fill(program));
        command
            .args(arguments.iter().map(fill))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err);
        for name in ["PATH", "HOME", "LANG", "TZ"] {
            if let Some(value) = self.config.vars.get(name) {
                command.env(name, value);
            }
        }
        command.envs(self.process.environment.iter().map(|(k, v)| (k, fill(v))));
        for name in &self.process.pass_on {
            command.env(name, self.config.secret(name)?.open());
        }
        command.env(MARK, self.mark());
        // A group of its own: the terminal's Ctrl-C is for ventana, and the service outlives it.
        command.process_group(0);
        let child = command
            .spawn()
            .map_err(io(format!("cannot start {}", fill(program))))?;
        let pid = child.id();
        let started = start_time(pid).unwrap_or_default();
        engine::durable::write(&self.pid_file(), format!("{pid} {started}\n").as_bytes())
            .map_err(io(format!("cannot write {}", self.pid_file().display())))
    }

    fn run(&self, command: &[String]) -> Result<(), Failure> {
        let Some((program, arguments)) = command.split_first() else {
            return Ok(());
        };
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(io(format!("cannot run {program}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = said.lines().rev().take(3).collect();
        Err(Failure::failed(
            "restart",
            format!(
                "{} failed ({}): {}",
                command.join(" "),
                output.status,
                last.join(" / ")
            ),
        ))
    }

    fn current(&self) -> PathBuf {
        self.config
            .file
            .release
            .as_ref()
            .map_or_else(PathBuf::new, |r| r.root.join("current"))
    }

    pub fn log_file(&self) -> PathBuf {
        self.process
            .log
            .clone()
            .unwrap_or_else(|| self.config.state_dir().join("service.log"))
    }

    /// The last lines that the service wrote, for an error.
    pub fn last_lines(&self, count: usize) -> String {
        let text = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }
}

/// Start time of a live process in clock ticks since boot; `None` for one that is gone or only waits to be reaped.
fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so fields are counted from its end.
    let rest = stat.rsplit_once(')')?.1;
    let mut fields = rest.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18).map(str::to_string)
}
