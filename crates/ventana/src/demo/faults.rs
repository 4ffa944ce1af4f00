//! Real faults for `--fail-at`: each one happens to the scene right when its step begins, as it would to an operator.

use super::scene::Scene;
use super::{Kind, write};
use crate::error::Failure;
use crate::host::process::Service;
use crate::ui::Live;
use engine::StepError;
use engine::journal::Found;
use engine::plan::StepSpec;
use engine::runner::{Progress, Watcher};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Mutex;

/// What is done to which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The release's folder changes after it was planned.
    ReleaseChanged,
    /// A file stands where the backup folder was.
    BackupFolderGone,
    /// One bit flips in a chunk of the backup.
    BackupDamaged,
    /// A file stands where the off-site folder was.
    OffSiteGone,
    /// A file stands where the fence file's folder was.
    FenceFileBlocked,
    /// A row arrives for which the migration's expression is not total.
    ExpressionNotTotal,
    /// Somebody drops the new column.
    ColumnDropped,
    /// Somebody drops a sync trigger and writes past it.
    TriggerDropped,
    /// A session holds a lock on the table for long.
    TableLocked,
    /// Somebody with rights past the fence changes a row.
    WrittenPastFence,
    /// A folder stands where the link `current` was.
    LinkBlocked,
    /// The new release's program does not work.
    ReleaseBroken,
    /// The service dies.
    ServiceKilled,
}

/// The table of docs/DEMO.md: step → fault.
const TABLE: &[(&str, What, Option<Kind>)] = &[
    ("preflight", What::ReleaseChanged, None),
    ("backup_a", What::BackupFolderGone, None),
    ("prove_a", What::BackupDamaged, None),
    ("off_site_a", What::OffSiteGone, None),
    ("stage", What::ReleaseChanged, None),
    ("expand.1", What::TableLocked, Some(Kind::Mariadb)),
    ("sync.2", What::TableLocked, Some(Kind::Mariadb)),
    ("backfill", What::ColumnDropped, Some(Kind::Mariadb)),
    ("proof", What::TriggerDropped, Some(Kind::Mariadb)),
    ("fence", What::FenceFileBlocked, None),
    ("backup_b", What::BackupFolderGone, None),
    ("verify_b", What::BackupDamaged, None),
    ("proof_fenced", What::WrittenPastFence, Some(Kind::Mariadb)),
    ("migrate", What::ExpressionNotTotal, Some(Kind::Sqlite)),
    ("contract.3", What::TableLocked, Some(Kind::Mariadb)),
    ("switch", What::LinkBlocked, None),
    ("restart", What::ReleaseBroken, None),
    ("smoke", What::ServiceKilled, None),
    ("invariants", What::WrittenPastFence, Some(Kind::Mariadb)),
    ("smoke_write", What::ServiceKilled, None),
    ("off_site_b", What::OffSiteGone, None),
];

/// A fault waiting for its step.
#[derive(Clone, Debug)]
pub struct Fault {
    pub step: String,
    pub what: What,
}

impl Fault {
    pub fn at(step: &str, kind: Kind) -> Result<Fault, Failure> {
        let fits = |only: &Option<Kind>| only.is_none_or(|k| k == kind);
        let found = TABLE.iter().find(|(name, _, only)| *name == step && fits(only));
        let known: Vec<&str> = TABLE
            .iter()
            .filter(|(_, _, only)| fits(only))
            .map(|(name, _, _)| *name)
            .collect();
        found
            .map(|(name, what, _)| Fault {
                step: (*name).into(),
                what: *what,
            })
            .ok_or_else(|| {
                Failure::usage(format!("no fault is known for step {step}"))
                    .hint(format!("steps that can be made to fail: {}", known.join(", ")))
            })
    }

    /// The step before whose start it must happen: some faults cannot happen under the fence.
    fn moment(&self) -> &str {
        match self.what {
            What::ExpressionNotTotal => "fence",
            _ => &self.step,
        }
    }
}

/// The live view, with a fault that strikes when its step begins.
pub struct Watched<'a> {
    pub live: &'a Live,
    pub fault: Option<Fault>,
    pub scene: &'a Scene,
}

/// Sessions that hold a lock, ended when the demo mends what it broke.
static HOLDERS: Mutex<Vec<Child>> = Mutex::new(Vec::new());

impl Watched<'_> {
    fn strike(&self, what: What) -> Result<(), Failure> {
        let folder = &self.scene.folder;
        match what {
            What::ReleaseChanged => write(&folder.join("build/r2/RELEASE"), "r2-changed\n"),
            What::BackupFolderGone => blocked(&folder.join("backups")),
            What::OffSiteGone => blocked(&folder.join("off-site")),
            What::FenceFileBlocked => blocked(&folder.join("fence")),
            What::BackupDamaged => damage(&folder.join("backups")),
            What::ExpressionNotTotal => self.sqlite("UPDATE activos SET especificaciones=X'00FF' WHERE id=(SELECT MAX(id) FROM activos)"),
            What::ColumnDropped => self.root(&[
                "DROP TRIGGER inventario.activos_especificaciones_v2_insert",
                "DROP TRIGGER inventario.activos_especificaciones_v2_update",
                "ALTER TABLE inventario.activos DROP COLUMN especificaciones_v2",
            ]),
            What::TriggerDropped => self.root(&[
                "DROP TRIGGER inventario.activos_especificaciones_v2_update",
                "UPDATE inventario.activos SET especificaciones='{\"late\": true}', actualizado_en=actualizado_en WHERE id=1",
            ]),
            What::TableLocked => {
                let held = self.scene.server.as_ref().and_then(|s| {
                    s.hold("BEGIN; SELECT id FROM activos LIMIT 1; SELECT SLEEP(600)")
                });
                if let (Some(child), Ok(mut holders)) = (held, HOLDERS.lock()) {
                    holders.push(child);
                }
                // The lock counts once the server runs the sleep.
                crate::host::clock::pause(300);
                Ok(())
            }
            What::WrittenPastFence => self.root(&[
                "UPDATE inventario.activos SET notas='past the fence', actualizado_en=actualizado_en WHERE id=2",
                // After the swap the same hand damages a migrated value.
                "UPDATE inventario.activos SET especificaciones='{}', actualizado_en=actualizado_en WHERE id=3",
            ]),
            What::LinkBlocked => {
                let link = folder.join("app/current");
                std::fs::rename(&link, folder.join("app/current.aside")).map_err(crate::error::io("cannot move the link"))?;
                make_dir(&link.join("in-the-way"))
            }
            What::ReleaseBroken => {
                let program = folder.join("app/releases/r2/inventario");
                std::fs::remove_file(&program).map_err(crate::error::io("cannot remove the program"))?;
                write(&program, "#!/bin/sh\necho 'this build is broken' >&2\nexit 3\n")?;
                use std::os::unix::fs::PermissionsExt;
                std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))
                    .map_err(crate::error::io("cannot make the program executable"))
            }
            What::ServiceKilled => {
                let pid = Service::of(self.scene.config()).and_then(|s| s.pid()).and_then(|p| rustix::process::Pid::from_raw(p as i32));
                if let Some(pid) = pid {
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
                Ok(())
            }
        }
    }

    fn root(&self, statements: &[&str]) -> Result<(), Failure> {
        self.scene.server.as_ref().map_or(Ok(()), |s| s.sql(statements))
    }

    fn sqlite(&self, sql: &str) -> Result<(), Failure> {
        let mut db = db::sqlite::Sqlite::open(&self.scene.folder.join("inventario.db"))?;
        db::Database::execute(&mut db, sql)?;
        Ok(())
    }

    /// Ends what a fault left running.
    pub fn mend(&self) {
        if let Ok(mut holders) = HOLDERS.lock() {
            for mut child in holders.drain(..) {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

/// A file where a folder was: nothing can be written below it, by root neither.
fn blocked(folder: &Path) -> Result<(), Failure> {
    let aside: PathBuf = folder.with_extension("aside");
    if folder.exists() {
        std::fs::rename(folder, &aside).map_err(crate::error::io("cannot move the folder"))?;
    }
    write(folder, "not a folder\n")
}

fn make_dir(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(crate::error::io(format!("cannot make {}", path.display())))
}

/// Flips one bit in the middle of the newest backup's first chunk.
fn damage(backups: &Path) -> Result<(), Failure> {
    let io = || crate::error::io("cannot damage the backup");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(backups)
        .map_err(io())?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.is_dir())
        .collect();
    folders.sort();
    let newest = folders.pop().unwrap_or_default().join("data");
    let mut chunks: Vec<PathBuf> = std::fs::read_dir(&newest)
        .map_err(io())?
        .flatten()
        .map(|e| e.path())
        .collect();
    chunks.sort();
    let Some(chunk) = chunks.first() else {
        return Ok(());
    };
    let mut bytes = std::fs::read(chunk).map_err(io())?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(chunk, bytes).map_err(io())
}

impl Watcher for Watched<'_> {
    fn on_step_started(&self, spec: &StepSpec, attempt: u32) {
        self.live.on_step_started(spec, attempt);
        if let Some(fault) = &self.fault
            && fault.moment() == spec.id
            && attempt == 1
        {
            self.live
                .on_log(spec, &format!("--fail-at {}: {:?}", fault.step, fault.what));
            if let Err(failure) = self.strike(fault.what) {
                self.live
                    .on_log(spec, &format!("the fault itself failed: {}", failure.message));
            }
        }
    }

    fn on_step_finished(&self, spec: &StepSpec, ms: u64, facts: &Value, adopted: bool) {
        self.live.on_step_finished(spec, ms, facts, adopted);
    }

    fn on_step_failed(&self, spec: &StepSpec, ms: u64, error: &StepError) {
        self.live.on_step_failed(spec, ms, error);
        // A held lock would keep the way back waiting too; the person who held it goes home.
        self.mend();
        if self.fault.as_ref().is_some_and(|f| f.what == What::LinkBlocked) {
            let link = self.scene.folder.join("app/current");
            let _ = std::fs::remove_dir_all(&link);
            let _ = std::fs::rename(self.scene.folder.join("app/current.aside"), &link);
        }
    }

    fn on_probed(&self, spec: &StepSpec, found: Found, detail: &str) {
        self.live.on_probed(spec, found, detail);
    }

    fn on_undo_started(&self, spec: &StepSpec) {
        self.live.on_undo_started(spec);
    }

    fn on_undo_finished(&self, spec: &StepSpec, ms: u64, facts: &Value) {
        self.live.on_undo_finished(spec, ms, facts);
    }

    fn on_undo_failed(&self, spec: &StepSpec, ms: u64, error: &StepError) {
        self.live.on_undo_failed(spec, ms, error);
    }

    fn on_progress(&self, spec: &StepSpec, progress: &Progress) {
        self.live.on_progress(spec, progress);
    }

    fn on_log(&self, spec: &StepSpec, line: &str) {
        self.live.on_log(spec, line);
    }

    fn on_held(&self, step: Option<&str>, reason: &str, hint: Option<&str>) {
        self.live.on_held(step, reason, hint);
    }

    fn on_interrupted(&self) {
        self.live.on_interrupted();
    }

    fn on_closed(&self, outcome: engine::Outcome, exit_code: u8) {
        self.live.on_closed(outcome, exit_code);
    }
}
