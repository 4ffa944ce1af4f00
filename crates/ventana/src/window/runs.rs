//! The runs of a state folder: which there are, which is meant, and what their journals say. Reads only.

use crate::config::Config;
use crate::error::{Failure, exit, io};
use crate::host::lease::Lease;
use engine::evidence::{Evidence, evidence};
use engine::journal::{self, JournalError, Reading};
use engine::plan::PlanFile;
use engine::state::{RunState, StateError, fold};
use std::path::{Path, PathBuf};

/// How many runs an error lists.
const LISTED: usize = 8;

/// A run as read from disk, its plan's digest and its journal's chain verified.
#[derive(Debug)]
pub struct Loaded {
    pub id: String,
    pub dir: PathBuf,
    pub plan: PlanFile,
    pub reading: Reading,
}

impl Loaded {
    /// Where the run stands.
    pub fn state(&self) -> Result<RunState, Failure> {
        fold(&self.reading.records).map_err(story)
    }

    /// The account of the run up to its last record.
    pub fn evidence(&self) -> Result<Evidence, Failure> {
        evidence(&self.plan.plan, &self.reading.records, &self.reading.head).map_err(story)
    }
}

/// A run that is not over must be brought to an end before another one begins: its fence may be on.
pub fn none_open(config: &Config) -> Result<(), Failure> {
    Lease::free(&config.state_dir())?;
    all_over(config)
}

/// The same for whoever has the lease already.
pub fn all_over(config: &Config) -> Result<(), Failure> {
    let Some(id) = latest(config)? else {
        return Ok(());
    };
    let state = read(config, &id)?.state()?;
    if state.closed.is_some() && !state.resumable() {
        return Ok(());
    }
    Err(Failure::new("open_run", format!("run {id} is not over"), exit::HELD)
        .hint("go on with it (`ventana resume`) or take it back (`ventana rollback`); `ventana status` says where it stands"))
}

/// The folder of run `id`.
pub fn dir(config: &Config, id: &str) -> PathBuf {
    folder(config).join(id)
}

/// The journal in a run's folder.
pub fn journal_of(run_dir: &Path) -> PathBuf {
    run_dir.join("journal.jsonl")
}

/// The newest run; rehearsals do not count.
pub fn latest(config: &Config) -> Result<Option<String>, Failure> {
    Ok(list(config)?.into_iter().rfind(|id| !is_rehearsal(id)))
}

/// The run that is meant: by its id, by a beginning of it that only one has, or the newest for `None` or `latest`.
pub fn find(config: &Config, named: Option<&str>) -> Result<String, Failure> {
    let Some(named) = named.filter(|named| *named != "latest") else {
        return latest(config)?.ok_or_else(|| none_yet(config));
    };
    let known = list(config)?;
    if known.iter().any(|id| id == named) {
        return Ok(named.to_owned());
    }
    let alike: Vec<&String> = known
        .iter()
        .filter(|id| !named.is_empty() && id.starts_with(named))
        .collect();
    match (alike.as_slice(), known.is_empty()) {
        ([one], _) => Ok((*one).clone()),
        (_, true) => Err(none_yet(config)),
        ([], _) => Err(
            Failure::usage(format!("there is no run {named} in {}", folder(config).display()))
                .hint(format!("known runs, newest first: {}", newest(known.iter()))),
        ),
        (several, _) => Err(
            Failure::usage(format!("{} runs begin with {named}", several.len()))
                .hint(format!("name one of them: {}", newest(several.iter().copied()))),
        ),
    }
}

/// Every run with a journal, oldest first.
pub fn list(config: &Config) -> Result<Vec<String>, Failure> {
    let folder = folder(config);
    let what = || format!("cannot read the folder of runs {}", folder.display());
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io(what()))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io(what()))?;
        // A folder without a complete record is what a process leaves that died before its run began.
        if let (Ok(name), true) = (entry.file_name().into_string(), begun(&journal_of(&entry.path()))) {
            found.push(name);
        }
    }
    found.sort_by_cached_key(|id| order(id));
    Ok(found)
}

/// Whether a journal has at least one complete record.
fn begun(journal: &Path) -> bool {
    use std::io::BufRead;
    let first = |file| {
        let mut line = Vec::new();
        std::io::BufReader::new(file)
            .read_until(b'\n', &mut line)
            .map(|_| line.ends_with(b"\n"))
    };
    std::fs::File::open(journal).and_then(first).unwrap_or(false)
}

/// Reads a run and verifies its plan's digest and its journal's chain.
pub fn read(config: &Config, id: &str) -> Result<Loaded, Failure> {
    read_dir(&dir(config, id))
}

/// [`read`] for a folder that may lie anywhere.
pub fn read_dir(dir: &Path) -> Result<Loaded, Failure> {
    let reading = journal::read(&journal_of(dir)).map_err(|error| match error {
        JournalError::Corrupt { .. } => Failure::verification(error.to_string()),
        error => error.into(),
    })?;
    let Some(first) = reading.records.first() else {
        return Err(JournalError::Empty {
            path: journal_of(dir),
        }
        .into());
    };
    let plan = PlanFile::load(&dir.join("plan.json"))?;
    Ok(Loaded {
        id: first.run.clone(),
        dir: dir.to_path_buf(),
        plan,
        reading,
    })
}

/// Whether the id is that of a rehearsal: `<moment>-rehearsal`, perhaps with `_2`.
pub fn is_rehearsal(id: &str) -> bool {
    split(id).0.ends_with("-rehearsal")
}

fn folder(config: &Config) -> PathBuf {
    config.state_dir().join("runs")
}

/// By moment, then by number: `_10` after `_9`.
fn order(id: &str) -> (String, u32, String) {
    let (base, number) = split(id);
    let moment = base.trim_end_matches("-rehearsal").to_owned();
    (moment, number, id.to_owned())
}

/// An id without its `_2`, and that number. The moment itself has a `_` too, before six digits.
fn split(id: &str) -> (&str, u32) {
    match id.rsplit_once('_') {
        Some((base, digits)) if base.contains('_') && digits.len() < 6 => (base, digits.parse().unwrap_or(1)),
        _ => (id, 1),
    }
}

fn newest<'a>(ids: impl DoubleEndedIterator<Item = &'a String>) -> String {
    let all: Vec<&str> = ids.rev().map(String::as_str).collect();
    let more = if all.len() > LISTED { ", …" } else { "" };
    format!("{}{more}", all[..all.len().min(LISTED)].join(", "))
}

fn none_yet(config: &Config) -> Failure {
    Failure::usage(format!("there is no run yet in {}", folder(config).display()))
        .hint("`ventana plan` shows what a window would do, `ventana run` runs it")
}

fn story(error: StateError) -> Failure {
    Failure::verification(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, File};

    fn config(state: &Path) -> Config {
        let mut file = File::default();
        file.state.dir = Some(state.to_path_buf());
        Config {
            file,
            environment: "production".into(),
            database: None,
            database_origin: crate::config::Origin::Default,
            database_parts: Vec::new(),
            vars: Environment::default(),
            identity: None,
            digest: None,
        }
    }

    fn with_runs(ids: &[&str]) -> (tempfile::TempDir, Config) {
        let state = tempfile::tempdir().unwrap();
        for id in ids {
            let folder = state.path().join("runs").join(id);
            std::fs::create_dir_all(&folder).unwrap();
            engine::durable::write(&journal_of(&folder), b"{}\n").unwrap();
        }
        let config = config(state.path());
        (state, config)
    }

    #[test]
    fn no_state_folder_is_no_run() {
        let (state, config) = with_runs(&[]);
        assert_eq!(latest(&config).unwrap(), None);
        let failure = find(&config, Some("x")).unwrap_err();
        assert!(
            failure.message.contains(&state.path().display().to_string()) && failure.exit == 2,
            "{failure}"
        );
    }

    #[test]
    fn the_newest_run_is_not_a_rehearsal() {
        let ids = [
            "20251106_230000",
            "20251106_230000_2",
            "20251106_230000_10",
            "20251106_230000_9",
            "20251107_000000-rehearsal",
            "20251107_000000-rehearsal_2",
        ];
        let (state, config) = with_runs(&ids);
        std::fs::create_dir(state.path().join("runs/20251108_000000")).unwrap(); // died before it began
        assert_eq!(latest(&config).unwrap().as_deref(), Some("20251106_230000_10"));
        assert!(is_rehearsal("20251107_000000-rehearsal_2") && !is_rehearsal("20251106_230000_2"));
        assert_eq!(find(&config, None).unwrap(), "20251106_230000_10");
    }

    #[test]
    fn a_run_is_named_by_a_beginning_that_only_one_has() {
        let (_state, config) = with_runs(&["20251106_230000", "20251107_230000", "20251107_231500"]);
        assert_eq!(find(&config, Some("20251106")).unwrap(), "20251106_230000");
        let several = find(&config, Some("20251107")).unwrap_err();
        assert_eq!(
            several.hint.as_deref(),
            Some("name one of them: 20251107_231500, 20251107_230000")
        );
        let unknown = find(&config, Some("../../etc")).unwrap_err();
        assert!(
            unknown
                .hint
                .as_deref()
                .is_some_and(|hint| hint.contains("20251106_230000")),
            "{unknown:?}"
        );
    }

    #[test]
    fn a_journal_without_a_record_is_no_run() {
        let (state, config) = with_runs(&["20251106_230000"]);
        engine::durable::write(&journal_of(&state.path().join("runs/20251106_230000")), b"").unwrap();
        assert_eq!(latest(&config).unwrap(), None);
        assert!(
            read(&config, "20251106_230000")
                .unwrap_err()
                .message
                .contains("never began")
        );
    }
}
