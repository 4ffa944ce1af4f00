//! `ventana backup`, `restore` and `digest` beside what people use instead, turn by turn on one private server. The
//! measuring is an example of `testkit`, so that `xtask` needs no database library; the table is made here.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{aligned, count, record, spread};
use crate::{programs, release, workspace};

const PARTS: [&str; 4] = ["backup", "restore", "digest", "stall"];
/// How long the writer works alone before each backup of `stall`.
const QUIET_SECONDS: u32 = 5;
const NEEDED: [&str; 6] = [
    "mariadbd",
    "mariadb-install-db",
    "mariadb",
    "mariadb-dump",
    "mydumper",
    "zstd",
];

#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// Activos, one size after the other.
    rows: Vec<u32>,
    mantenimientos_per_row: u32,
    runs: u32,
    quiet_seconds: u32,
    /// Some of the parts, divided by commas.
    only: Option<String>,
    /// Where the servers' data and the backups lie; the machine's folder for temporary files, if none is given.
    data: Option<PathBuf>,
}

pub(super) fn run(args: &[String]) -> Result<()> {
    let options = options(args)?;
    let ventana = release::build()?;
    programs::provide(&NEEDED, programs::Talk::Stderr)?;
    let folder = testkit::Sandbox::new();
    let results = folder.path("results.json");
    let mut measure = workspace::cargo(&["run", "--release", "--quiet", "-p", "testkit"]);
    measure.args(["--example", "backup_bench", "--"]);
    measure.arg("--ventana").arg(&ventana);
    measure
        .arg("--inventario")
        .arg(ventana.with_file_name("inventario"));
    measure.args(options.flags()).arg("--results").arg(&results);
    workspace::succeed(&mut measure)?;
    let text = std::fs::read(&results).context("reading the results")?;
    let mut document: Value = serde_json::from_slice(&text).context("reading the results")?;
    document["bench"] = json!("backup");
    document["command"] = json!(format!("cargo xtask bench backup {}", options.flags().join(" ")));
    print!("{}", tables(&document));
    let path = record("backup", document)?;
    println!("\nbench backup: raw results in {}", workspace::relative(&path));
    Ok(())
}

impl Options {
    /// As typed, and as the measuring program takes them.
    fn flags(&self) -> Vec<String> {
        let rows: Vec<String> = self.rows.iter().map(u32::to_string).collect();
        let mut flags = vec!["--rows".to_owned(), rows.join(",")];
        let mut flag = |name: &str, value: String| flags.extend([name.to_owned(), value]);
        flag(
            "--mantenimientos-per-row",
            self.mantenimientos_per_row.to_string(),
        );
        flag("--runs", self.runs.to_string());
        flag("--quiet-seconds", self.quiet_seconds.to_string());
        if let Some(only) = &self.only {
            flag("--only", only.clone());
        }
        if let Some(folder) = &self.data {
            flag("--data", folder.display().to_string());
        }
        flags
    }
}

/// `[--rows N,…] [--mantenimientos-per-row N] [--runs N] [--quiet-seconds N] [--only PART,…] [--data DIR]`
fn options(args: &[String]) -> Result<Options> {
    let mut options = Options {
        rows: vec![1_000_000],
        mantenimientos_per_row: 3,
        runs: 5,
        quiet_seconds: QUIET_SECONDS,
        only: None,
        data: None,
    };
    for pair in args.chunks(2) {
        let text = pair
            .get(1)
            .with_context(|| format!("{} needs a value", pair[0]))?;
        match pair[0].as_str() {
            "--rows" => {
                let rows = text.split(',').map(|rows| count("--rows", rows));
                options.rows = rows.collect::<Result<_>>()?;
            }
            "--mantenimientos-per-row" => options.mantenimientos_per_row = count(&pair[0], text)?,
            "--runs" => options.runs = count(&pair[0], text)?,
            "--quiet-seconds" => options.quiet_seconds = count(&pair[0], text)?,
            "--only" => {
                ensure!(
                    text.split(',').all(|part| PARTS.contains(&part)),
                    "--only {text}: some of {}",
                    PARTS.join(",")
                );
                options.only = Some(text.clone());
            }
            "--data" => {
                let folder = std::path::absolute(text).with_context(|| format!("--data {text}"))?;
                ensure!(folder.is_dir(), "--data {text}: no such folder");
                options.data = Some(folder);
            }
            other => bail!(
                "unknown argument `{other}`; known: --rows N,…, --mantenimientos-per-row N, --runs N, --quiet-seconds N, --only PART,…, --data DIR"
            ),
        }
    }
    Ok(options)
}

/// One promise: what is measured, where, and how much of the peer's it may be.
struct Row {
    label: &'static str,
    part: &'static str,
    ours: &'static str,
    /// Pointer into the same run; without a peer the promise is about the number itself.
    peer: Option<&'static str>,
    at_most: f64,
    aim: f64,
    /// What the raw number is divided by to be shown.
    unit: f64,
    digits: usize,
}

impl Row {
    const fn ratio(
        label: &'static str,
        part: &'static str,
        ours: &'static str,
        peer: &'static str,
        limits: (f64, f64),
    ) -> Row {
        Row {
            label,
            part,
            ours,
            peer: Some(peer),
            at_most: limits.0,
            aim: limits.1,
            unit: 1.0,
            digits: 2,
        }
    }

    const fn number(
        label: &'static str,
        part: &'static str,
        ours: &'static str,
        limits: (f64, f64),
        unit: f64,
    ) -> Row {
        Row {
            label,
            part,
            ours,
            peer: None,
            at_most: limits.0,
            aim: limits.1,
            unit,
            digits: 1,
        }
    }
}

const MIB: f64 = 1_048_576.0;
const RESIDENT: &str = "/ventana/client_rss_bytes";

const PROMISED: &[Row] = &[
    Row::ratio(
        "backup | mariadb-dump, zstd -3, s",
        "backup",
        "/ventana/wall_s",
        "/mariadb_dump/wall_s",
        (0.60, 0.45),
    ),
    Row::ratio(
        "backup | mydumper, 2 threads, gzip, s",
        "backup",
        "/ventana/wall_s",
        "/mydumper/wall_s",
        (0.48, 0.33),
    ),
    Row::ratio(
        "restore | zstdcat, mariadb, s",
        "restore",
        "/ventana/wall_s",
        "/zstdcat_mariadb/wall_s",
        (0.42, 0.33),
    ),
    Row::ratio(
        "digest | BIT_XOR(CRC32()), s",
        "digest",
        "/ventana/wall_s",
        "/crc32/wall_s",
        (1.0, 0.7),
    ),
    Row {
        unit: 1e6,
        digits: 1,
        ..Row::ratio(
            "size | mariadb-dump, zstd -3, MB",
            "backup",
            "/ventana/bytes",
            "/mariadb_dump/bytes",
            (1.0, 0.9),
        )
    },
    Row::number("resident, backup, MiB", "backup", RESIDENT, (128.0, 64.0), MIB),
    Row::number("resident, restore, MiB", "restore", RESIDENT, (128.0, 64.0), MIB),
    Row::number("resident, digest, MiB", "digest", RESIDENT, (128.0, 64.0), MIB),
    Row::number(
        "longest write beside a backup, ms",
        "stall",
        "/ventana/writer/backup/longest_ms",
        (100.0, 20.0),
        1.0,
    ),
];

/// What the promises do not speak of: label, part, pointer, what it is divided by, digits.
const BESIDES: &[(&str, &str, &str, f64, usize)] = &[
    (
        "backup until it is re-read, s",
        "backup",
        "/ventana/until_re_reading_s",
        1.0,
        2,
    ),
    ("backup, client CPU s", "backup", "/ventana/client_cpu_s", 1.0, 2),
    ("backup, server CPU s", "backup", "/ventana/server_cpu_s", 1.0, 2),
    (
        "mariadb-dump | zstd, client CPU s",
        "backup",
        "/mariadb_dump/client_cpu_s",
        1.0,
        2,
    ),
    (
        "mariadb-dump | zstd, server CPU s",
        "backup",
        "/mariadb_dump/server_cpu_s",
        1.0,
        2,
    ),
    (
        "mydumper, client CPU s",
        "backup",
        "/mydumper/client_cpu_s",
        1.0,
        2,
    ),
    (
        "mydumper, server CPU s",
        "backup",
        "/mydumper/server_cpu_s",
        1.0,
        2,
    ),
    ("mydumper, MB", "backup", "/mydumper/bytes", 1e6, 1),
    (
        "restore until it loads, s",
        "restore",
        "/ventana/until_loading_s",
        1.0,
        2,
    ),
    (
        "restore, client CPU s",
        "restore",
        "/ventana/client_cpu_s",
        1.0,
        2,
    ),
    (
        "restore, server CPU s",
        "restore",
        "/ventana/server_cpu_s",
        1.0,
        2,
    ),
    (
        "zstdcat | mariadb, server CPU s",
        "restore",
        "/zstdcat_mariadb/server_cpu_s",
        1.0,
        2,
    ),
    ("digest, client CPU s", "digest", "/ventana/client_cpu_s", 1.0, 2),
    ("digest, server CPU s", "digest", "/ventana/server_cpu_s", 1.0, 2),
    (
        "CRC32 query, server CPU s",
        "digest",
        "/crc32/server_cpu_s",
        1.0,
        2,
    ),
    (
        "commits held back by the snapshot, ms",
        "stall",
        "/ventana/snapshot/commits_blocked_ms",
        1.0,
        2,
    ),
    (
        "writer p99 beside a backup, ms",
        "stall",
        "/ventana/writer/backup/p99_ms",
        1.0,
        2,
    ),
    (
        "writer p99 alone, ms",
        "stall",
        "/ventana/writer/quiet/p99_ms",
        1.0,
        2,
    ),
    (
        "longest write alone, ms",
        "stall",
        "/ventana/writer/quiet/longest_ms",
        1.0,
        1,
    ),
    (
        "longest bare fsync beside a backup, ms",
        "stall",
        "/ventana/control/backup/longest_ms",
        1.0,
        1,
    ),
    (
        "longest write beyond the bare fsync beside it, ms",
        "stall",
        "/ventana/beyond_the_disk_ms",
        1.0,
        1,
    ),
];

fn tables(document: &Value) -> String {
    let sizes = document["sizes"].as_array().map_or(&[][..], Vec::as_slice);
    let mut text = format!(
        "medians (least–most); data on {}\n",
        document["data_folder"]["file_system"].as_str().unwrap_or("?")
    );
    for size in sizes {
        let mut rows = vec![["", "ventana", "peer", "ratio", "at most", "aim", "verdict"].map(str::to_owned)];
        rows.extend(PROMISED.iter().filter_map(|row| promised(row, size)));
        text.push_str(&format!(
            "\n{} activos, {} mantenimientos\n{}",
            size["rows"],
            size["mantenimientos"],
            aligned(&rows)
        ));
        let besides = BESIDES.iter().filter_map(|(label, part, pointer, unit, digits)| {
            let values = all(size, part, pointer)?;
            Some([(*label).to_owned(), shown(&values, *unit, *digits)])
        });
        text.push_str(&format!("\n{}", aligned(&besides.collect::<Vec<_>>())));
    }
    if sizes.len() > 1 {
        text.push_str(&format!("\n{}", growth(sizes)));
    }
    text
}

/// `None` where the part was not measured.
fn promised(row: &Row, size: &Value) -> Option<[String; 7]> {
    let ours = all(size, row.part, row.ours)?;
    let peer = row.peer.map(|peer| all(size, row.part, peer).unwrap_or_default());
    let middle = |values: &[f64]| spread(values).1;
    let ratio = peer.as_ref().map(|peer| middle(&ours) / middle(peer));
    // A number that is missing is above every limit.
    let value = ratio.unwrap_or(middle(&ours) / row.unit);
    let verdict = if value <= row.aim {
        "aim"
    } else if value <= row.at_most {
        "kept"
    } else {
        "MISSED"
    };
    Some([
        row.label.to_owned(),
        shown(&ours, row.unit, row.digits),
        peer.map_or(String::new(), |peer| shown(&peer, row.unit, row.digits)),
        ratio.map_or(String::new(), |ratio| format!("{ratio:.3}")),
        row.at_most.to_string(),
        row.aim.to_string(),
        verdict.to_owned(),
    ])
}

/// Microseconds per activo of each size: the same for all where cost grows linearly.
fn growth(sizes: &[Value]) -> String {
    let mut rows = vec![["µs per activo", "backup", "restore", "digest"].map(str::to_owned)];
    for size in sizes {
        let per_row = |part: &str| {
            let values = all(size, part, "/ventana/wall_s")?;
            Some(format!("{:.2}", spread(&values).1 * 1e6 / size["rows"].as_f64()?))
        };
        let cell = |part: &str| per_row(part).unwrap_or("—".to_owned());
        rows.push([
            size["rows"].to_string(),
            cell("backup"),
            cell("restore"),
            cell("digest"),
        ]);
    }
    aligned(&rows)
}

/// The number in every run of a part; a number may be written as text.
fn all(size: &Value, part: &str, pointer: &str) -> Option<Vec<f64>> {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let runs = size[part].as_array()?;
    let values: Vec<f64> = runs
        .iter()
        .filter_map(|run| number(run.pointer(pointer)?))
        .collect();
    (!values.is_empty()).then_some(values)
}

/// The median, and the least and most where there are several.
fn shown(values: &[f64], unit: f64, digits: usize) -> String {
    let (least, middle, most) = spread(values);
    let [least, middle, most] = [least, middle, most].map(|value| format!("{:.digits$}", value / unit));
    if values.len() > 1 {
        format!("{middle} ({least}–{most})")
    } else {
        middle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_are_typed_again_as_they_were() {
        let parse = |args: &[&str]| options(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        assert_eq!(parse(&[]).unwrap().rows, [1_000_000]);
        let args = "--rows 50000,1000000 --mantenimientos-per-row 2 --runs 1 --quiet-seconds 2 --only stall --data /";
        let args: Vec<&str> = args.split(' ').collect();
        let parsed = parse(&args).unwrap();
        assert_eq!(parsed.rows, [50_000, 1_000_000]);
        assert_eq!(parsed.flags(), args);
        assert!(parse(&["--only", "everything"]).is_err() && parse(&["--rows", "5,0"]).is_err());
        assert!(parse(&["--rows"]).is_err() && parse(&["--size", "3"]).is_err());
    }

    #[test]
    fn the_verdict_is_of_the_medians() {
        let run = |ours: f64, stall: f64| {
            json!({
                "ventana": { "wall_s": ours, "bytes": 90, "client_rss_bytes": 100 << 20,
                    "writer": { "backup": { "longest_ms": stall } }, "snapshot": { "commits_blocked_ms": "1.5" } },
                "mariadb_dump": { "wall_s": 10.0, "bytes": 100 },
                "mydumper": { "wall_s": 10.0 },
            })
        };
        let runs = [run(4.0, 130.0), run(9.0, 110.0), run(5.0, 15.0)];
        let size = json!({ "rows": 10, "mantenimientos": 30, "backup": runs, "stall": runs });
        let text = tables(&json!({ "sizes": [size] }));
        let last = |start: &str| {
            let line = text.lines().find(|line| line.starts_with(start));
            line.and_then(|line| line.split_whitespace().last().map(str::to_owned))
        };
        assert_eq!(last("backup | mariadb-dump").as_deref(), Some("kept"), "{text}");
        assert_eq!(last("backup | mydumper").as_deref(), Some("MISSED"), "{text}");
        assert_eq!(last("size").as_deref(), Some("aim"), "{text}");
        assert_eq!(last("resident, backup").as_deref(), Some("kept"), "{text}");
        assert_eq!(last("longest write beside").as_deref(), Some("MISSED"), "{text}");
        assert!(
            last("restore |").is_none(),
            "a part that was not measured is left out: {text}"
        );
        assert!(
            text.contains("snapshot, ms  1.50 ("),
            "a number as text counts: {text}"
        );
    }
}
