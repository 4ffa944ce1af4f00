//! Dump files: complete ones, cut ones, and ones that would write elsewhere.

#[path = "dump/cut.rs"]
mod cut;
#[path = "dump/databases.rs"]
mod databases;
#[path = "dump/elsewhere.rs"]
mod elsewhere;
#[path = "dump/session.rs"]
mod session;
#[path = "dump/whole.rs"]
mod whole;

use std::fs;
use std::path::{Path, PathBuf};

use db::script::dump::{Action, CheckOptions, Definer, DumpError, DumpFile, Events, Facts, Policy};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures/inventario_20251106_230000.sql.zst")
}

fn fixture_text() -> Vec<u8> {
    zstd::decode_all(fs::File::open(fixture()).unwrap()).unwrap()
}

fn check(path: &Path) -> Result<Facts, DumpError> {
    check_with(path, &CheckOptions::default())
}

fn check_with(path: &Path, options: &CheckOptions) -> Result<Facts, DumpError> {
    DumpFile::open(path)?.check(options, &mut |_| {})
}

fn policy() -> Policy {
    Policy {
        into: "staging".to_owned(),
        definer: Definer::Keep,
        events: Events::Disable,
    }
}

fn actions(path: &Path, options: &CheckOptions, policy: &Policy) -> Vec<Action> {
    let file = DumpFile::open(path).unwrap();
    let facts = file
        .check(options, &mut |_| {})
        .unwrap_or_else(|error| panic!("{error}"));
    file.statements(&facts, options, policy)
        .unwrap()
        .map(|action| action.unwrap())
        .collect()
}

fn sent(actions: &[Action]) -> Vec<String> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Send(one) => Some(String::from_utf8_lossy(&one.text).trim_end().to_owned()),
            Action::Skip { .. } => None,
        })
        .collect()
}

/// A dump of the database `own` around these statements.
fn dump(body: &str) -> Vec<u8> {
    format!(
        "-- MariaDB dump 10.19  Distrib 10.11.14-MariaDB\n--\n-- Host: localhost    Database: own\n\
         -- ------------------------------------------------------\n-- Server version\t10.11.14-MariaDB\n\n\
         CREATE DATABASE /*!32312 IF NOT EXISTS*/ `own` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci */;\n\
         USE `own`;\n{body}\n\n-- Dump completed on 2025-11-06 23:00:01\n"
    )
    .into_bytes()
}
