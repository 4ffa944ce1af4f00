//! A backup that was interrupted at any moment never passes for one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use backup::{Backup, Error, State, find, list, partial_of, verify};
use testkit::Process;

use crate::sample::{self, Dialect, STAMP, Stage, UNFINISHED};

const NAME: &str = "demo_20250102_030405";

fn is_incomplete(folder: &Path) {
    let error = Backup::open(folder).unwrap_err();
    assert!(matches!(error, Error::Incomplete { .. }), "{error}");
    assert!(error.to_string().contains("incomplete backup"), "{error}");
    assert!(
        verify(folder, &mut |_, _| ())
            .unwrap_err()
            .to_string()
            .contains("incomplete backup")
    );
}

#[test]
fn a_writer_dropped_at_any_stage_leaves_an_incomplete_backup() {
    for last in UNFINISHED {
        let root = tempfile::tempdir().unwrap();
        assert!(
            sample::write_until(root.path(), Dialect::MariaDb, 9, last, &mut |_| ())
                .unwrap()
                .is_none()
        );
        assert!(!root.path().join(NAME).exists(), "{last:?}");
        is_incomplete(&root.path().join(partial_of(NAME)));
        let entries = list(root.path(), "demo").unwrap();
        assert_eq!(entries.len(), 1, "{last:?}");
        assert!(matches!(entries[0].state, State::Incomplete { .. }), "{last:?}");
        assert!(
            matches!(find(root.path(), "demo", "latest"), Err(Error::NotFound { .. })),
            "{last:?}"
        );
        assert!(
            matches!(find(root.path(), "demo", NAME), Err(Error::Incomplete { .. })),
            "{last:?}"
        );
        // The next one takes another name and is whole.
        let next = sample::write(root.path(), Dialect::MariaDb, 9);
        assert_eq!(next.manifest().name, format!("{NAME}_2"));
        assert_eq!(find(root.path(), "demo", "latest").unwrap().id(), next.id());
    }
}

/// The last steps of `finish` cannot be dropped into; what each of them leaves is made by hand.
#[test]
fn a_finish_interrupted_at_any_step_leaves_an_incomplete_backup() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 9);
    let partial = root.path().join(partial_of(NAME));
    let complete = backup.path().to_path_buf();
    fs::rename(&complete, &partial).unwrap();
    is_incomplete(&partial);
    for file in ["SHA256SUMS", "manifest.json", "restore.sh", "README.txt"] {
        fs::remove_file(partial.join(file)).unwrap();
        is_incomplete(&partial);
        // Even with its name: no order in which a disk may lose these makes it complete.
        fs::rename(&partial, &complete).unwrap();
        let error = Backup::open(&complete).unwrap_err();
        assert!(
            matches!(error, Error::Damaged { .. } | Error::NoBackup { .. }),
            "{file}: {error}"
        );
        fs::rename(&complete, &partial).unwrap();
    }
}

/// Not a test by itself: the process that is killed or runs out of room below.
#[test]
fn child() {
    let Some(root) = std::env::var_os("CHILD_ROOT").map(PathBuf::from) else {
        return;
    };
    let mut stages = 0;
    loop {
        let result = sample::write_until(&root, Dialect::MariaDb, 2000, Stage::Finished, &mut |_| {
            stages += 1;
            let mut out = std::io::stdout().lock();
            writeln!(out, "stage {stages}.")
                .and_then(|()| out.flush())
                .unwrap();
        });
        if let Err(error) = result {
            println!("failed: {error}");
            return;
        }
    }
}

fn child_process(root: &Path) -> Process {
    let program = std::env::current_exe().unwrap();
    Process::new(program)
        .args(["--exact", "crash::child", "--nocapture"])
        .env("CHILD_ROOT", root)
}

#[test]
fn a_killed_writer_never_leaves_a_complete_backup_that_is_not_whole() {
    let (mut complete, mut incomplete) = (0, 0);
    for kill_at in 1..=24 {
        let root = tempfile::tempdir().unwrap();
        let child = child_process(root.path()).spawn();
        child.wait_line(&format!("stage {kill_at}."));
        child.kill9();
        for entry in list(root.path(), "demo").unwrap() {
            match entry.state {
                State::Complete(_) => {
                    verify(&entry.path, &mut |_, _| ()).unwrap();
                    complete += 1;
                }
                State::Incomplete { .. } => {
                    is_incomplete(&entry.path);
                    incomplete += 1;
                }
                State::Unreadable { why } => panic!("killed at {kill_at}: {}: {why}", entry.path.display()),
            }
        }
    }
    println!(
        "24 writers killed: {complete} complete backups, all whole; {incomplete} incomplete, all seen as such"
    );
    assert!(complete > 0 && incomplete > 0, "{complete} {incomplete}");
}

#[test]
fn a_write_that_fails_names_the_file_and_leaves_an_incomplete_backup() {
    let root = tempfile::tempdir().unwrap();
    let output = child_process(root.path()).file_size_limit(20_000).run().expect(0);
    let partial = root.path().join(partial_of(NAME));
    let failed = output
        .stdout
        .lines()
        .find(|line| line.starts_with("failed: "))
        .unwrap_or_default();
    assert!(
        failed.contains("0002-a-o-raro-x-y.0001.tsv.zst") && failed.contains("File too large"),
        "{output}"
    );
    is_incomplete(&partial);
}

#[test]
fn a_folder_that_is_being_written_is_locked() {
    let root = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 5);
    let writer = backup::Writer::create(other.path(), "demo", STAMP).unwrap();
    let error = backup::replicate(&backup, other.path(), &mut |_, _| ()).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    drop(writer);
    backup::replicate(&backup, other.path(), &mut |_, _| ()).unwrap();
}
