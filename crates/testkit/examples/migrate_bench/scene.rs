//! The private server and its data: filled once, then given fresh to each measurement.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::MariaDb;

use crate::{Job, say};

/// As the server was set for the numbers that ours are compared with: all in memory, every commit synced, no binary log.
const SETTINGS: [&str; 3] = [
    "--innodb-buffer-pool-size=2G",
    "--innodb-log-file-size=512M",
    "--innodb-flush-log-at-trx-commit=1",
];

/// The service's account, ventana's, and nobody else but root over the socket.
const ACCOUNTS: &str = "
    CREATE DATABASE inventario CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
    CREATE USER 'ventana'@'127.0.0.1' IDENTIFIED BY 'ventana';
    GRANT ALL PRIVILEGES ON *.* TO 'ventana'@'127.0.0.1' WITH GRANT OPTION;
    CREATE USER 'inventario'@'127.0.0.1' IDENTIFIED BY 'inventario';
    GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON inventario.* TO 'inventario'@'127.0.0.1';
    DELETE FROM mysql.global_priv WHERE User='root' AND Host<>'localhost';
    FLUSH PRIVILEGES;";

pub(crate) struct Scene {
    server: MariaDb,
    filled: TempDir,
    pub(crate) rows: u32,
    pub(crate) fill_s: f64,
    /// What the generator says that it wrote.
    pub(crate) data: Value,
}

impl Scene {
    pub(crate) fn fill(job: &Job) -> Result<Scene> {
        let mut options = MariaDb::options().inside(&job.data);
        for setting in SETTINGS {
            options = options.arg(setting);
        }
        let server = options.try_start()?;
        server
            .try_query(None, ACCOUNTS)
            .context("creating the accounts")?;
        say(&format!(
            "filling {} activos and {} mantenimientos",
            job.rows, job.mantenimientos
        ));
        let began = Instant::now();
        let mut command = Command::new(&job.inventario);
        command
            .env_clear()
            .env("DATABASE_URL", server.url("ventana", "ventana", "inventario"));
        command.args(["--json", "demo-data", "--seed", "1"]);
        command.args(["--activos", &job.rows.to_string()]);
        command.args(["--mantenimientos", &job.mantenimientos.to_string()]);
        let data: Value = serde_json::from_str(&answer(&mut command)?).context("the generator's answer")?;
        let fill_s = began.elapsed().as_secs_f64();
        say(&format!("filled in {fill_s:.0} s"));
        let filled = tempfile::Builder::new()
            .prefix("migrate-bench-")
            .tempdir()
            .context("creating a temporary folder")?;
        let scene = Scene {
            server,
            filled,
            rows: job.rows,
            fill_s,
            data: json!({ "classes": data["classes"], "findings": data["findings"] }),
        };
        scene.server.stop();
        copy(&scene.live(), &scene.kept())?;
        Ok(scene)
    }

    /// Starts the server on a fresh copy of the filled data.
    pub(crate) fn fresh(&self) -> Result<()> {
        self.server.stop();
        std::fs::remove_dir_all(self.live()).context("removing the data of the run before")?;
        copy(&self.kept(), &self.live())?;
        // What the copy left to be written must not be written while we measure.
        answer(&mut Command::new("sync"))?;
        self.server.restart();
        Ok(())
    }

    /// The service's own address.
    pub(crate) fn service(&self) -> String {
        self.server.url("inventario", "inventario", "inventario")
    }

    /// The address of ventana and of whoever looks at the data.
    pub(crate) fn admin(&self) -> String {
        self.server.url("ventana", "ventana", "inventario")
    }

    /// The server's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Where the server and its backups lay, and on which file system.
    pub(crate) fn place(&self, job: &Job) -> Result<Value> {
        let answer = answer(Command::new("df").arg("--output=fstype").arg(self.folder()))?;
        let file_system = answer.lines().last().map(str::trim);
        Ok(json!({ "folder": job.data, "file_system": file_system }))
    }

    pub(crate) fn settings(&self) -> Result<Value> {
        let version = Command::new(testkit::program::find("mariadbd")?)
            .arg("--version")
            .output()
            .context("asking mariadbd for its version")?;
        Ok(
            json!({ "version": String::from_utf8_lossy(&version.stdout).trim(), "settings": SETTINGS, "binary_log": false }),
        )
    }

    fn live(&self) -> PathBuf {
        self.server.folder().join("data")
    }

    fn kept(&self) -> PathBuf {
        self.filled.path().join("data")
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    answer(Command::new("cp").arg("-a").arg(from).arg(to)).map(drop)
}

/// What a program says on stdout; an error holds what it says on stderr.
pub(crate) fn answer(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("starting {name}"))?;
    ensure!(
        output.status.success(),
        "{name} {:?} failed ({})\n{}",
        command.get_args().collect::<Vec<_>>(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
