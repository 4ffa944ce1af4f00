//! Commands with what they took: wall time, CPU of client and server, resident memory.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde_json::{Value, json};

/// How often the resident memory of a process is looked at; the kernel keeps the peak in between.
const LOOK: Duration = Duration::from_millis(10);
/// Ticks per second in `/proc/<pid>/stat`: Linux tells every program the same.
const TICKS: f64 = 100.0;

/// What a pipeline took and said.
pub(crate) struct Took {
    pub(crate) stdout: String,
    /// The lines of stderr of all commands, each with the seconds since the start.
    stderr: Vec<(f64, String)>,
    wall_s: f64,
    client_cpu_s: f64,
    server_cpu_s: f64,
    /// The peaks of all commands added up.
    rss_bytes: u64,
}

impl Took {
    pub(crate) fn figures(&self) -> Value {
        json!({
            "wall_s": self.wall_s,
            "client_cpu_s": self.client_cpu_s,
            "server_cpu_s": self.server_cpu_s,
            "client_rss_bytes": self.rss_bytes,
        })
    }

    /// When progress in `what` was told first, in seconds from the start.
    pub(crate) fn first(&self, what: &str) -> Option<f64> {
        let named = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|line| line["what"] == what);
        let line = self.stderr.iter().find(|(_, line)| named(line));
        line.map(|(at, _)| *at)
    }
}

/// Runs `commands`, the output of each being the input of the next, beside the server with process id `server`.
pub(crate) fn run(commands: Vec<Command>, server: Option<i32>) -> Result<Took> {
    let server_before = server.map_or(0.0, cpu);
    let began = Instant::now();
    let last = commands.len().saturating_sub(1);
    let mut started = Vec::new();
    let mut input = Stdio::null();
    let mut output = None;
    for (at, mut command) in commands.into_iter().enumerate() {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let pipe = child.stdout.take().context("a pipe that was asked for")?;
        let talk = child.stderr.take().context("a pipe that was asked for")?;
        input = if at == last {
            output = Some(pipe);
            Stdio::null()
        } else {
            pipe.into()
        };
        started.push(Started::watch(name, child, talk, began));
    }
    let mut stdout = String::new();
    if let Some(mut pipe) = output {
        pipe.read_to_string(&mut stdout).context("reading what it said")?;
    }
    let mut took = Took {
        stdout,
        stderr: Vec::new(),
        wall_s: 0.0,
        client_cpu_s: 0.0,
        server_cpu_s: 0.0,
        rss_bytes: 0,
    };
    let mut failures = Vec::new();
    for started in started {
        failures.extend(started.end(&mut took)?);
    }
    took.server_cpu_s = server.map_or(0.0, cpu) - server_before;
    if !failures.is_empty() {
        bail!("{}\n{}", failures.join("\n"), took.stdout);
    }
    Ok(took)
}

/// A command that runs, watched by two threads.
struct Started {
    name: String,
    child: Child,
    began: Instant,
    ended: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    watch: thread::JoinHandle<()>,
    talk: thread::JoinHandle<Vec<(f64, String)>>,
}

impl Started {
    fn watch(name: String, child: Child, talk: ChildStderr, began: Instant) -> Started {
        let (ended, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (over, seen, pid) = (Arc::clone(&ended), Arc::clone(&peak), child.id());
        let watch = thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                seen.fetch_max(resident(pid).unwrap_or(0), Ordering::SeqCst);
                thread::sleep(LOOK);
            }
        });
        let talk = thread::spawn(move || {
            let lines = BufReader::new(talk).lines().map_while(Result::ok);
            lines.map(|line| (began.elapsed().as_secs_f64(), line)).collect()
        });
        Started {
            name,
            child,
            began,
            ended,
            peak,
            watch,
            talk,
        }
    }

    /// Waits for the end and adds to `took`; what it has to say if it failed.
    fn end(mut self, took: &mut Took) -> Result<Option<String>> {
        let number = i32::try_from(self.child.id()).context("a process id")?;
        let pid = Pid::from_raw(number).context("a process id")?;
        // Left unreaped, it still tells what CPU it took.
        waitid(
            WaitId::Pid(pid),
            WaitIdOptions::EXITED.union(WaitIdOptions::NOWAIT),
        )
        .context("waiting")?;
        took.wall_s = took.wall_s.max(self.began.elapsed().as_secs_f64());
        took.client_cpu_s += cpu(number);
        let status = self.child.wait().context("waiting")?;
        self.ended.store(true, Ordering::SeqCst);
        // A thread that only reads numbers has nothing to fail with.
        let _ = self.watch.join();
        took.rss_bytes += self.peak.load(Ordering::SeqCst);
        let lines = self.talk.join().unwrap_or_default();
        let failure = (!status.success()).then(|| {
            let said: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
            let tail = said[said.len().saturating_sub(20)..].join("\n");
            format!("{} failed ({status})\n{tail}", self.name)
        });
        took.stderr.extend(lines);
        Ok(failure)
    }
}

/// CPU seconds of a process and of those of its children that it waited for: ticks of 10 ms, user and system.
fn cpu(pid: i32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The program's name may hold blanks and brackets; the numbers follow its last one, from the third field on.
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields = fields.split(' ').skip(11).take(4);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / TICKS
}

/// Most bytes that were ever resident.
fn resident(pid: u32) -> Option<u64> {
    let mut text = String::new();
    File::open(format!("/proc/{pid}/status"))
        .ok()?
        .read_to_string(&mut text)
        .ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
