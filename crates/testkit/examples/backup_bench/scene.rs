//! The private servers: one that holds the data, and a fresh one for each restore.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::{MariaDb, program};

use crate::measured::run;
use crate::{Job, say};

/// As the servers were set for the numbers that ours are compared with: all in memory, every commit synced, pages
/// written twice, no binary log.
pub(crate) const SETTINGS: [&str; 4] = [
    "--innodb-buffer-pool-size=2G",
    "--innodb-log-file-size=512M",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-doublewrite=1",
];

/// The service's account, and ventana's, which comes over the socket as its peers do.
const ACCOUNTS: &str = "
    CREATE USER 'ventana'@'localhost' IDENTIFIED BY 'ventana';
    GRANT ALL PRIVILEGES ON *.* TO 'ventana'@'localhost' WITH GRANT OPTION;
    CREATE USER 'inventario'@'127.0.0.1' IDENTIFIED BY 'inventario';
    GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON inventario.* TO 'inventario'@'127.0.0.1';";

/// The database that is backed up.
pub(crate) const LIVE: &str = "inventario";

/// A private server in a folder of its own, removed at the end.
pub(crate) struct Server(MariaDb);

impl Server {
    /// An empty server with the accounts.
    pub(crate) fn fresh(job: &Job) -> Result<Server> {
        let mut options = MariaDb::options().inside(&job.data);
        for setting in SETTINGS {
            options = options.arg(setting);
        }
        let server = options.try_start()?;
        server
            .try_query(None, ACCOUNTS)
            .context("creating the accounts")?;
        Ok(Server(server))
    }

    /// A server with the data, and how long it took to fill, in seconds.
    pub(crate) fn filled(job: &Job, rows: u32, mantenimientos: u32) -> Result<(Server, f64)> {
        let server = Server::fresh(job)?;
        server.sql("CREATE DATABASE inventario CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")?;
        say(&format!(
            "filling {rows} activos and {mantenimientos} mantenimientos"
        ));
        let began = Instant::now();
        let mut command = Command::new(&job.inventario);
        command.env_clear().env("DATABASE_URL", server.address());
        command.args(["--json", "demo-data", "--seed", "1"]);
        command.args(["--activos", &rows.to_string()]);
        command.args(["--mantenimientos", &mantenimientos.to_string()]);
        run(vec![command], None).context("the generator")?;
        let took = began.elapsed().as_secs_f64();
        say(&format!("filled in {took:.0} s"));
        // A restart writes what is left to write, so that it is not written while we measure.
        server.0.restart();
        server.checksums(LIVE)?;
        Ok((server, took))
    }

    pub(crate) fn pid(&self) -> Option<i32> {
        self.0.pid()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.folder()
    }

    /// The address at which ventana finds the live database.
    fn address(&self) -> String {
        let socket = self.0.socket();
        format!(
            "mysql://ventana:ventana@localhost/{LIVE}?socket={}",
            socket.display()
        )
    }

    /// The service's own address.
    pub(crate) fn service(&self) -> String {
        self.0.url("inventario", "inventario", LIVE)
    }

    /// `ventana` as a person with a `DATABASE_URL` types it, with all its defaults; its backups in `backups`.
    pub(crate) fn ventana(&self, job: &Job, backups: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(&job.ventana);
        command
            .env_clear()
            .env("PATH", program::PATH)
            .env("HOME", backups)
            .env("TZ", "UTC")
            .current_dir(backups);
        command.env("DATABASE_URL", self.address());
        command
            .env("BACKUP_DIR", backups)
            .env("VENTANA_STATE_DIR", backups.join("state"));
        command.arg("--json").args(args);
        command
    }

    /// A stock client as root over the socket.
    pub(crate) fn client(&self, name: &str) -> Result<Command> {
        let mut command = stock(name)?;
        if name != "mydumper" {
            command.args(["--no-defaults", "--default-character-set=utf8mb4"]);
        }
        command
            .arg(format!("--socket={}", self.0.socket().display()))
            .arg("--user=root");
        Ok(command)
    }

    pub(crate) fn sql(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.0.try_query(None, sql)
    }

    /// `CHECKSUM TABLE` of every table of a schema. It reads all of it, hence into the buffer pool.
    pub(crate) fn checksums(&self, schema: &str) -> Result<Vec<(String, String)>> {
        let mut sums = Vec::new();
        for table in self.tables(schema)? {
            let rows = self.sql(&format!("CHECKSUM TABLE `{schema}`.`{table}`"))?;
            let sum = rows.first().and_then(|row| row.get(1).cloned().flatten());
            sums.push((table, sum.context("a table without a checksum")?));
        }
        ensure!(!sums.is_empty(), "{schema} has no tables");
        Ok(sums)
    }

    /// The peer of `digest`: one statement per table, each over all of its columns.
    pub(crate) fn crc_queries(&self) -> Result<String> {
        let mut sql = String::new();
        for table in self.tables(LIVE)? {
            let columns = self.sql(&format!(
                "SELECT column_name FROM information_schema.columns WHERE table_schema='{LIVE}' AND table_name='{table}' ORDER BY ordinal_position"
            ))?;
            let columns: Vec<String> = columns
                .iter()
                .filter_map(|row| row[0].as_ref())
                .map(|c| format!("`{c}`"))
                .collect();
            sql.push_str(&format!(
                "SELECT '{table}', COUNT(*), BIT_XOR(CRC32(CONCAT_WS('#', {}))) FROM `{LIVE}`.`{table}`;",
                columns.join(", ")
            ));
        }
        Ok(sql)
    }

    fn tables(&self, schema: &str) -> Result<Vec<String>> {
        let rows = self.sql(&format!(
            "SELECT table_name FROM information_schema.tables WHERE table_schema='{schema}' AND table_type='BASE TABLE' ORDER BY table_name"
        ))?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }
}

/// A program with nothing of our environment.
pub(crate) fn stock(name: &str) -> Result<Command> {
    let mut command = Command::new(program::find(name)?);
    command.env_clear().env("PATH", program::PATH).env("TZ", "UTC");
    Ok(command)
}

/// What was compared, in the words of the programs themselves.
pub(crate) fn versions() -> Result<Value> {
    let mut versions = json!({});
    for name in ["mariadbd", "mariadb-dump", "mydumper", "zstd"] {
        let took = run(vec![version(name)?], None)?;
        versions[name] = json!(took.stdout.lines().next().unwrap_or_default().trim());
    }
    Ok(versions)
}

fn version(name: &str) -> Result<Command> {
    let mut command = stock(name)?;
    command.arg("--version");
    Ok(command)
}

/// Bytes of a file, or of all files below a folder.
pub(crate) fn size(path: &Path) -> Result<u64> {
    let about = std::fs::symlink_metadata(path).with_context(|| format!("looking at {}", path.display()))?;
    if !about.is_dir() {
        return Ok(about.len());
    }
    let mut total = 0;
    for entry in std::fs::read_dir(path).with_context(|| format!("reading {}", path.display()))? {
        total += size(&entry?.path())?;
    }
    Ok(total)
}
