//! Hermetic runs of built binaries: empty environment, own home, own working folder, time limit, no orphans.
//!
//! Every process is the leader of its own group and has a guard: a shell that waits on a pipe held by the test. When
//! the test process ends in any way, `kill -9` included, the pipe closes and the guard kills the group and removes
//! the folder.

mod bin;
mod guard;
mod output;
mod running;
mod sandbox;
mod service;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub use bin::bin;
pub use output::Output;
pub(crate) use running::Running;
pub use rustix::process::Signal;
pub use sandbox::{Resident, Sandbox};
pub use service::Service;

use crate::{must, program};

/// Default time limit of [`Process::run`] and of waiting on a [`Service`].
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// A command to run in a [`Sandbox`] with nothing of the caller's environment.
#[derive(Debug, Clone)]
pub struct Process {
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    sandbox: Sandbox,
    cwd: Option<PathBuf>,
    stdin: Vec<u8>,
    timeout: Duration,
    file_size_limit: Option<u64>,
}

impl Process {
    /// `program` in a sandbox of its own. See [`bin`] for the workspace's binaries and [`program::find`] for others.
    #[track_caller]
    pub fn new(program: impl Into<PathBuf>) -> Process {
        Process::within(&Sandbox::new(), program)
    }

    /// `program` in `sandbox`, which several processes can share.
    pub fn within(sandbox: &Sandbox, program: impl Into<PathBuf>) -> Process {
        let sandbox = sandbox.clone();
        let mut env = BTreeMap::new();
        for (name, value) in [("PATH", program::PATH), ("LANG", "C.UTF-8"), ("TZ", "UTC")] {
            env.insert(name.into(), value.into());
        }
        env.insert("HOME".into(), sandbox.home().into());
        env.insert("TMPDIR".into(), sandbox.temp().into());
        Process {
            program: program.into(),
            args: Vec::new(),
            env,
            sandbox,
            cwd: None,
            stdin: Vec::new(),
            timeout: TIMEOUT,
            file_size_limit: None,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Process {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Process {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Process {
        self.env
            .insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Working folder, instead of the sandbox's.
    pub fn cwd(mut self, folder: impl Into<PathBuf>) -> Process {
        self.cwd = Some(folder.into());
        self
    }

    /// Bytes for standard input, which is empty otherwise.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Process {
        self.stdin = bytes.into();
        self
    }

    /// Time limit of [`Process::run`]; the whole group is killed and the test fails when it passes.
    pub fn timeout(mut self, limit: Duration) -> Process {
        self.timeout = limit;
        self
    }

    /// No file can be written beyond `bytes`: the write fails with EFBIG, much as on a full disk.
    pub fn file_size_limit(mut self, bytes: u64) -> Process {
        self.file_size_limit = Some(bytes);
        self
    }

    /// The folder world of this process.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Runs it to its end, whatever the exit code (see [`Output::code`]).
    #[track_caller]
    pub fn run(self) -> Output {
        must(self.try_run())
    }

    /// [`Process::run`] for callers that are not tests.
    pub fn try_run(self) -> Result<Output> {
        let (limit, label) = (self.timeout, self.label());
        // Its folders must outlive the process, and `start` consumes `self`.
        let _sandbox = self.sandbox.clone();
        let running = self.start()?;
        if running.wait(limit).is_none() {
            running.kill_group();
            let output = running.finish(Duration::from_secs(5));
            bail!("`{label}` did not end within {limit:?} and was killed\n{output}");
        }
        Ok(running.finish(Duration::from_secs(5)))
    }

    /// Starts a long-running process; it is killed with its group when the [`Service`] is dropped.
    #[track_caller]
    pub fn spawn(self) -> Service {
        let sandbox = self.sandbox.clone();
        Service::new(must(self.start()), sandbox)
    }

    fn start(self) -> Result<Running> {
        let label = self.label();
        let mut command = self.command()?;
        command.stdin(if self.stdin.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        });
        let running = Running::spawn(command, &label, None)
            .with_context(|| format!("starting `{label}` in {}", self.folder().display()))?;
        running.feed(self.stdin);
        Ok(running)
    }

    fn command(&self) -> Result<Command> {
        let mut command = match self.file_size_limit {
            None => Command::new(&self.program),
            Some(bytes) => {
                // SIGXFSZ is ignored across exec, so that the write fails instead of the process dying.
                let mut shell = Command::new(program::find("sh")?);
                shell
                    .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
                    .arg(program::find("prlimit")?);
                shell.arg(format!("--fsize={bytes}")).arg("--").arg(&self.program);
                shell
            }
        };
        command
            .args(&self.args)
            .env_clear()
            .envs(&self.env)
            .current_dir(self.folder());
        Ok(command)
    }

    fn folder(&self) -> &Path {
        self.cwd.as_deref().unwrap_or(self.sandbox.work())
    }

    fn label(&self) -> String {
        let name = self
            .program
            .file_name()
            .unwrap_or(self.program.as_os_str())
            .to_string_lossy();
        let args = self.args.iter().map(|arg| arg.to_string_lossy());
        std::iter::once(name).chain(args).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests;
