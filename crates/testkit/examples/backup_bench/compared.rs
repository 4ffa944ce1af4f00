//! Ours and the peers', turn by turn. Every run also shows that its result is right.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::measured::{Took, run};
use crate::scene::{LIVE, Server, size, stock};
use crate::{Job, figures, probe};

/// Where the copies lie that restores take; each takes the place of the one before.
pub(crate) struct Copies {
    ours: Option<PathBuf>,
    digest: String,
    folder: tempfile::TempDir,
}

impl Copies {
    pub(crate) fn none(job: &Job) -> Result<Copies> {
        Ok(Copies {
            ours: None,
            digest: String::new(),
            folder: job.folder()?,
        })
    }

    fn backups(&self) -> Result<PathBuf> {
        let folder = self.folder.path().join("backups");
        std::fs::create_dir_all(&folder).context("creating the folder of backups")?;
        Ok(folder)
    }

    fn dump(&self) -> PathBuf {
        self.folder.path().join("dump.sql.zst")
    }

    /// `ventana backup --no-restore`: it writes, syncs and re-reads.
    pub(crate) fn ours(&mut self, job: &Job, server: &Server) -> Result<Value> {
        if let Some(before) = self.ours.take() {
            remove(&before)?;
        }
        let command = server.ventana(job, &self.backups()?, &["backup", "--no-restore"]);
        let took = run(vec![command], server.pid())?;
        let document = document(&took)?;
        let path = PathBuf::from(document["path"].as_str().context("a backup without a path")?);
        ensure!(
            document["verified"] == "files",
            "the backup was not re-read: {document}"
        );
        self.digest = document["digest"].as_str().unwrap_or_default().to_owned();
        let manifest = std::fs::read(path.join("manifest.json")).context("reading the manifest")?;
        let manifest: Value = serde_json::from_slice(&manifest).context("reading the manifest")?;
        let mut figures = took.figures();
        // Progress tells of the re-reading shortly after it begins.
        figures["until_re_reading_s"] = json!(took.first("verify"));
        figures["bytes"] = json!(size(&path)?);
        figures["digest"] = json!(self.digest);
        figures["snapshot"] = manifest["source"]["snapshot"].clone();
        self.ours = Some(path);
        Ok(figures)
    }

    /// `mariadb-dump | zstd -3`
    pub(crate) fn dumped(&self, server: &Server) -> Result<Value> {
        let mut dump = server.client("mariadb-dump")?;
        dump.args(["--single-transaction", "--routines", "--triggers", "--events"]);
        dump.args(["--databases", LIVE]);
        let mut zstd = stock("zstd")?;
        zstd.args(["-3", "-q", "-f", "-o"]).arg(self.dump());
        let mut figures = run(vec![dump, zstd], server.pid())?.figures();
        figures["bytes"] = json!(size(&self.dump())?);
        Ok(figures)
    }

    /// Debian's mydumper with two threads and gzip.
    pub(crate) fn mydumped(&self, server: &Server) -> Result<Value> {
        let folder = self.folder.path().join("mydumper");
        let mut command = server.client("mydumper")?;
        command.args([
            "-B",
            LIVE,
            "-t",
            "2",
            "-r",
            "100000",
            "-G",
            "-E",
            "-R",
            "--trx-consistency-only",
            "-c",
        ]);
        command.arg("-o").arg(&folder);
        let mut figures = run(vec![command], server.pid())?.figures();
        figures["bytes"] = json!(size(&folder)?);
        ensure!(
            folder.join("metadata").is_file(),
            "mydumper did not finish: no file `metadata`"
        );
        remove(&folder)?;
        Ok(figures)
    }

    /// What restores need, should no backup have been measured.
    pub(crate) fn prepare(&mut self, job: &Job, server: &Server) -> Result<()> {
        if self.ours.is_none() {
            self.ours(job, server)?;
        }
        if !self.dump().exists() {
            self.dumped(server)?;
        }
        Ok(())
    }

    /// `ventana restore` into a fresh server.
    pub(crate) fn restored(&self, job: &Job, sums: &[(String, String)]) -> Result<Value> {
        let server = Server::fresh(job)?;
        let path = self.ours.as_deref().context("no backup to restore")?;
        let name = path.to_string_lossy();
        let into = "restaurada";
        let command = server.ventana(job, &self.backups()?, &["restore", &name, "--into", into]);
        let took = run(vec![command], server.pid())?;
        let document = document(&took)?;
        ensure!(
            document["verified"] == true && document["digest"] == self.digest.as_str(),
            "the restore is not the backup: {document}, expected {}",
            self.digest
        );
        same(&server, into, sums)?;
        let mut figures = took.figures();
        // The files are re-read before anything is loaded.
        figures["until_loading_s"] = json!(took.first("restore"));
        Ok(figures)
    }

    /// `zstdcat | mariadb` into a fresh server.
    pub(crate) fn loaded(&self, job: &Job, sums: &[(String, String)]) -> Result<Value> {
        let server = Server::fresh(job)?;
        let mut zstd = stock("zstdcat")?;
        zstd.arg(self.dump());
        let took = run(vec![zstd, server.client("mariadb")?], server.pid())?;
        same(&server, LIVE, sums)?;
        Ok(took.figures())
    }

    /// `ventana digest` of the live server.
    pub(crate) fn digested(&mut self, job: &Job, server: &Server) -> Result<Value> {
        let command = server.ventana(job, &self.backups()?, &["digest"]);
        let took = run(vec![command], server.pid())?;
        let digest = document(&took)?["digest"].as_str().unwrap_or_default().to_owned();
        ensure!(
            !digest.is_empty() && (self.digest.is_empty() || self.digest == digest),
            "the digest of the live server is {digest:?}, that before {:?}",
            self.digest
        );
        self.digest = digest;
        Ok(took.figures())
    }

    /// A backup beside the probe's writer, which changes the data.
    pub(crate) fn stalled(&mut self, job: &Job, server: &Server, rows: u32) -> Result<Value> {
        let probe = probe::Probe::start(&server.service(), rows, server.folder())?;
        let quiet = figures::Span::quiet(job.quiet);
        let from_us = figures::now_us();
        let made = self.ours(job, server);
        let to_us = figures::now_us();
        let log = probe.finish()?;
        let mut measured = made?;
        let backup = figures::Span {
            name: "backup".to_owned(),
            from_us,
            to_us,
        };
        let spans = [quiet, backup];
        let [quiet, backup] = &spans;
        let during = |sample: &probe::Sample| backup.touches(sample);
        measured["writer"] = json!({ "quiet": figures::figures(&log.writer, |s| quiet.touches(s)), "backup": figures::figures(&log.writer, during) });
        measured["control"] = json!({ "quiet": figures::figures(&log.control, |s| quiet.touches(s)), "backup": figures::figures(&log.control, during) });
        measured["beyond_the_disk_ms"] = json!(figures::beyond_the_disk(&log, during));
        measured["worst_writes"] = figures::worst(&log, &spans, from_us, during);
        let errors = &measured["writer"]["backup"]["errors"];
        ensure!(
            errors == 0,
            "{errors} writes failed: {}",
            measured["writer"]["backup"]
        );
        Ok(measured)
    }
}

/// The CRC of all columns of all tables, over one connection.
pub(crate) fn crc(server: &Server, sql: &str, before: &mut Option<String>) -> Result<Value> {
    let mut command = server.client("mariadb")?;
    command.args(["--batch", "--skip-column-names", "-e", sql]);
    let took = run(vec![command], server.pid())?;
    let first = before.get_or_insert_with(|| took.stdout.clone());
    ensure!(
        *first == took.stdout,
        "the CRC changed from {first:?} to {:?}",
        took.stdout
    );
    Ok(took.figures())
}

fn same(server: &Server, schema: &str, sums: &[(String, String)]) -> Result<()> {
    let restored = server.checksums(schema)?;
    ensure!(
        restored == sums,
        "CHECKSUM TABLE after the restore: {restored:?}, expected {sums:?}"
    );
    Ok(())
}

fn document(took: &Took) -> Result<Value> {
    serde_json::from_str(&took.stdout).with_context(|| format!("ventana's document: {:?}", took.stdout))
}

fn remove(folder: &Path) -> Result<()> {
    std::fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
}
