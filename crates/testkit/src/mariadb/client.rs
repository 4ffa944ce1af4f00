//! The stock `mariadb` client: tests look at data through the database itself, not through our drivers.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::MariaDb;
use crate::{must, program};

/// Rows of text values; `None` is NULL.
pub type Rows = Vec<Vec<Option<String>>>;

impl MariaDb {
    /// The stock client, connected as `root` over TCP, to which arguments can be added.
    #[track_caller]
    pub fn client(&self) -> Command {
        must(self.try_client("mariadb"))
    }

    /// The stock `mariadb-dump`, connected as `root` over TCP, to which arguments can be added.
    #[track_caller]
    pub fn dump_client(&self) -> Command {
        must(self.try_client("mariadb-dump"))
    }

    fn try_client(&self, name: &str) -> Result<Command> {
        let mut command = self.brand.client(name)?;
        command.args([
            "--no-defaults",
            "--protocol=tcp",
            "--host=127.0.0.1",
            "--user=root",
        ]);
        command
            .arg(format!("--port={}", self.port))
            .arg("--default-character-set=utf8mb4");
        Ok(command)
    }

    /// Runs statements (separated by `;`, or as `DELIMITER` says) and returns the rows of all their results. Values
    /// that are not UTF-8 fail: ask for `HEX(…)`.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Rows {
        must(self.try_query(None, sql))
    }

    /// [`query`](MariaDb::query) with `schema` as the default one.
    #[track_caller]
    pub fn query_in(&self, schema: &str, sql: &str) -> Rows {
        must(self.try_query(Some(schema), sql))
    }

    /// The single value of a query with one row and one column; NULL is `None`.
    #[track_caller]
    pub fn value(&self, sql: &str) -> Option<String> {
        match &self.query(sql)[..] {
            [row] if row.len() == 1 => row[0].clone(),
            rows => panic!("testkit: one value expected from `{sql}`, got {rows:?}"),
        }
    }

    /// [`query`](MariaDb::query) as any user: `Err` holds what the server answered, such as a refused write.
    pub fn query_as(&self, user: &str, password: &str, schema: &str, sql: &str) -> Result<Rows, String> {
        let run = || {
            let mut command = self.try_client("mariadb")?;
            command
                .arg(format!("--user={user}"))
                .arg(format!("--database={schema}"))
                .env("MYSQL_PWD", password);
            read(command, sql)
        };
        run().map_err(|error: anyhow::Error| format!("{error:#}"))
    }

    /// [`query`](MariaDb::query) for callers that expect it to fail.
    pub fn try_query(&self, schema: Option<&str>, sql: &str) -> Result<Rows> {
        let mut command = self.try_client("mariadb")?;
        command.args(schema.map(|schema| format!("--database={schema}")));
        read(command, sql)
    }

    /// Loads an SQL dump as a person does: `zstd -dc DUMP | mariadb`. It goes where the dump itself says.
    #[track_caller]
    pub fn load(&self, dump: &Path) {
        must(
            self.try_load(dump)
                .with_context(|| format!("loading {}", dump.display())),
        );
    }

    fn try_load(&self, dump: &Path) -> Result<()> {
        let sql = Command::new(program::find("zstd")?)
            .args(["-dcq"])
            .arg(dump)
            .output()?;
        ensure!(
            sql.status.success(),
            "zstd: {}",
            String::from_utf8_lossy(&sql.stderr)
        );
        pipe(self.try_client("mariadb")?, sql.stdout).map(drop)
    }
}

/// `` `name` `` with backticks doubled.
pub(super) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn read(mut command: Command, sql: &str) -> Result<Rows> {
    // XML is the one output of this client that tells NULL from the text "NULL".
    command.args(["--xml", "--quick"]);
    let output =
        pipe(command, sql.as_bytes().to_vec()).with_context(|| format!("running `{}`", shorten(sql)))?;
    parse(&String::from_utf8(output).context("the result is not UTF-8: ask for HEX(…)")?)
}

fn pipe(mut command: Command, input: Vec<u8>) -> Result<Vec<u8>> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().context("starting the client")?;
    let stdin = child.stdin.take();
    let writer = std::thread::spawn(move || stdin.map(|mut pipe| pipe.write_all(&input)));
    let output = child.wait_with_output()?;
    // A client that stops at an error does not read the rest; its message says why.
    let _ = writer.join();
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

fn shorten(sql: &str) -> String {
    if sql.chars().count() > 300 {
        format!("{}…", sql.chars().take(300).collect::<String>())
    } else {
        sql.to_owned()
    }
}

/// Reads `<row>` elements of `<field name="…">value</field>` and `<field name="…" xsi:nil="true" />`.
fn parse(xml: &str) -> Result<Rows> {
    let mut rows = Rows::new();
    let mut rest = xml;
    loop {
        let (row, field) = (rest.find("<row>"), rest.find("<field name="));
        rest = match (row, field) {
            (Some(row), field) if field.is_none_or(|field| row < field) => {
                rows.push(Vec::new());
                &rest[row + 5..]
            }
            (_, Some(field)) => {
                let tag = &rest[field..];
                let end = tag.find('>').context("an open tag in the client's XML")?;
                let row = rows
                    .last_mut()
                    .context("a field outside of a row in the client's XML")?;
                if tag[..end].ends_with('/') {
                    row.push(None);
                    &tag[end + 1..]
                } else {
                    let close = tag
                        .find("</field>")
                        .context("an open field in the client's XML")?;
                    row.push(Some(unescape(&tag[end + 1..close])));
                    &tag[close + 8..]
                }
            }
            _ => return Ok(rows),
        };
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}
