//! `ventana run` on a big table beside the legacy procedure, with a writer and a reader at work. The measuring is an
//! example of `testkit`, so that `xtask` needs no database library; the table is made here.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{aligned, count, record, spread};
use crate::{programs, release, workspace};

/// Rows of the second table: it is only carried along, and three times the first takes minutes to fill.
const MANTENIMIENTOS: u32 = 100_000;
/// As long as the part of a window at a million rows in which writers go on: what the disk does by itself in that time.
const QUIET_SECONDS: u32 = 60;

#[derive(Debug, PartialEq, Eq)]
struct Options {
    rows: u32,
    mantenimientos: u32,
    runs: u32,
    quiet_seconds: u32,
    /// Where the server's data and the backups lie; the machine's folder for temporary files, if none is given.
    data: Option<PathBuf>,
}

pub(super) fn run(args: &[String]) -> Result<()> {
    let options = options(args)?;
    let ventana = release::build()?;
    let needed = ["mariadbd", "mariadb-install-db", "mariadb"];
    programs::provide(&needed, programs::Talk::Stderr)?;
    let folder = testkit::Sandbox::new();
    let results = folder.path("results.json");
    let mut measure = workspace::cargo(&[
        "run",
        "--release",
        "--quiet",
        "-p",
        "testkit",
        "--example",
        "migrate_bench",
        "--",
    ]);
    measure.arg("--ventana").arg(&ventana);
    measure
        .arg("--inventario")
        .arg(ventana.with_file_name("inventario"));
    measure.args(["--rows", &options.rows.to_string()]);
    measure.args(["--mantenimientos", &options.mantenimientos.to_string()]);
    measure.args(["--runs", &options.runs.to_string()]);
    measure.args(["--quiet-seconds", &options.quiet_seconds.to_string()]);
    if let Some(folder) = &options.data {
        measure.arg("--data").arg(folder);
    }
    measure.arg("--results").arg(&results);
    workspace::succeed(&mut measure)?;
    let text = std::fs::read(&results).context("reading the results")?;
    let mut document: Value = serde_json::from_slice(&text).context("reading the results")?;
    document["bench"] = json!("migrate");
    document["command"] = json!(options.command());
    print!("{}", tables(&document));
    let path = record("migrate", document)?;
    println!("\nbench migrate: raw results in {}", workspace::relative(&path));
    Ok(())
}

impl Options {
    fn command(&self) -> String {
        let data = self.data.as_ref();
        let data = data.map_or(String::new(), |folder| format!(" --data {}", folder.display()));
        format!(
            "cargo xtask bench migrate --rows {} --mantenimientos {} --runs {} --quiet-seconds {}{data}",
            self.rows, self.mantenimientos, self.runs, self.quiet_seconds
        )
    }
}

/// `[--rows N] [--mantenimientos N] [--runs N] [--quiet-seconds N] [--data DIR]`
fn options(args: &[String]) -> Result<Options> {
    let mut options = Options {
        rows: 1_000_000,
        mantenimientos: MANTENIMIENTOS,
        runs: 1,
        quiet_seconds: QUIET_SECONDS,
        data: None,
    };
    for pair in args.chunks(2) {
        let text = pair
            .get(1)
            .with_context(|| format!("{} needs a value", pair[0]))?;
        let place = match pair[0].as_str() {
            "--rows" => &mut options.rows,
            "--mantenimientos" => &mut options.mantenimientos,
            "--runs" => &mut options.runs,
            "--quiet-seconds" => &mut options.quiet_seconds,
            "--data" => {
                let folder = std::path::absolute(text).with_context(|| format!("--data {text}"))?;
                ensure!(folder.is_dir(), "--data {text}: no such folder");
                options.data = Some(folder);
                continue;
            }
            other => bail!(
                "unknown argument `{other}`; known: --rows N, --mantenimientos N, --runs N, --quiet-seconds N, --data DIR"
            ),
        };
        *place = count(&pair[0], text)?;
    }
    Ok(options)
}

/// What is compared: label, pointer into a variant's results, digits after the point.
const COMPARED: &[(&str, &str, usize)] = &[
    (
        "longest writer stall outside the fence, ms",
        "/writer/outside_fence/longest_ms",
        1,
    ),
    (
        "longest bare fsync outside the fence, ms",
        "/control/outside_fence/longest_ms",
        1,
    ),
    (
        "longest writer stall beyond the bare fsync beside it, ms",
        "/beyond_the_disk_ms",
        1,
    ),
    ("quiet phase: longest write, ms", "/writer/quiet/longest_ms", 1),
    (
        "quiet phase: longest bare fsync, ms",
        "/control/quiet/longest_ms",
        1,
    ),
    (
        "writer stalls > 100 ms outside the fence, total ms",
        "/writer/outside_fence/total_stall_ms",
        0,
    ),
    (
        "writer p99 outside the fence, ms",
        "/writer/outside_fence/p99_ms",
        2,
    ),
    ("quiet phase: writer p99, ms", "/writer/quiet/p99_ms", 2),
    ("longest reader stall, ms", "/reader/outside_fence/longest_ms", 1),
    (
        "longest reader stall during the fence, ms",
        "/reader/fence/longest_ms",
        1,
    ),
    ("writes blocked by the fence, ms", "/blocked_ms/total", 0),
    (
        "writer errors outside the fence",
        "/writer/outside_fence/errors",
        0,
    ),
    (
        "reader errors outside the fence",
        "/reader/outside_fence/errors",
        0,
    ),
    (
        "writer errors during the fence (refused by design)",
        "/writer/fence/errors",
        0,
    ),
    ("reader errors during the fence", "/reader/fence/errors", 0),
    ("acknowledged writes", "/acknowledged_writes", 0),
    ("acknowledged writes lost", "/lost_writes", 0),
    ("rows turned NULL", "/rows/turned_null", 0),
    ("rows otherwise changed or missing", "/rows/changed", 0),
    ("rows kept as text in an object", "/rows/wrapped", 0),
    ("wall of everything, s", "/wall_s", 1),
    (
        "share of the time in which work waited for a core",
        "/machine_waiting/cpu",
        2,
    ),
    (
        "share of the time in which work waited for the disk",
        "/machine_waiting/io",
        2,
    ),
];

fn tables(document: &Value) -> String {
    let runs = document["runs"].as_array().map_or(&[][..], Vec::as_slice);
    let mut rows = vec![row(["", "ventana", "legacy procedure", "ratio"])];
    for (label, pointer, digits) in COMPARED {
        let ours = middle(runs, "window", pointer);
        let theirs = middle(runs, "legacy", pointer);
        let ratio = match (ours, theirs) {
            (Some(ours), Some(theirs)) if ours > 0.0 && theirs > 0.0 => format!("{:.4}", ours / theirs),
            _ => String::new(),
        };
        let shown = |value: Option<f64>| value.map_or("—".to_owned(), |value| format!("{value:.digits$}"));
        rows.push([(*label).to_owned(), shown(ours), shown(theirs), ratio]);
    }
    let mut text = format!(
        "{} activos, {} mantenimientos; median of {} runs; data on {}\n\n{}",
        document["rows"],
        document["mantenimientos"],
        runs.len(),
        document["data_folder"]["file_system"].as_str().unwrap_or("?"),
        aligned(&rows)
    );
    for (variant, title) in [("window", "ventana"), ("legacy", "legacy procedure")] {
        let mut rows = vec![row([
            title,
            "s",
            "longest write, ms",
            "longest read, ms",
            "longest bare fsync, ms",
        ])];
        let steps = runs.first().and_then(|run| run[variant]["steps"].as_array());
        for (at, step) in steps.into_iter().flatten().enumerate() {
            let of = |name: &str| middle(runs, variant, &format!("/steps/{at}/{name}"));
            let shown = |value: Option<f64>| value.map_or("—".to_owned(), |value| format!("{value:.1}"));
            let seconds = of("ms").map_or("—".to_owned(), |ms| format!("{:.2}", ms / 1000.0));
            let name = step["step"].as_str().unwrap_or_default().to_owned();
            rows.push([
                name,
                seconds,
                shown(of("writer_longest_ms")),
                shown(of("reader_longest_ms")),
                shown(of("control_longest_ms")),
            ]);
        }
        text.push_str(&format!("\n{}", aligned(&rows)));
    }
    let counts = runs.first().map_or(&Value::Null, |run| &run["window"]["counts"]);
    for (name, before) in counts["before"].as_object().into_iter().flatten() {
        let mut rows = vec![row([name, "at the fence", "after", ""])];
        for (class, count) in before.as_object().into_iter().flatten() {
            let after = &counts["after"][name][class];
            let same = if after == count { "equal" } else { "DIFFERS" };
            rows.push([
                class.clone(),
                count.to_string(),
                after.to_string(),
                same.to_owned(),
            ]);
        }
        text.push_str(&format!("\n{}", aligned(&rows)));
    }
    text
}

/// The median of all runs; `None` where a variant has no such number.
fn middle(runs: &[Value], variant: &str, pointer: &str) -> Option<f64> {
    let values: Vec<f64> = runs
        .iter()
        .filter_map(|run| run[variant].pointer(pointer)?.as_f64())
        .collect();
    (!values.is_empty()).then(|| spread(&values).1)
}

fn row<const N: usize>(cells: [&str; N]) -> [String; N] {
    cells.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_refuse_what_they_do_not_know() {
        let parse = |args: &[&str]| options(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        assert_eq!(parse(&[]).unwrap().rows, 1_000_000);
        let small = Options {
            rows: 50,
            mantenimientos: 9,
            runs: 3,
            quiet_seconds: 5,
            data: Some("/".into()),
        };
        let args = "--runs 3 --rows 50 --mantenimientos 9 --quiet-seconds 5 --data /";
        let args: Vec<&str> = args.split(' ').collect();
        let parsed = parse(&args).unwrap();
        assert_eq!(parsed, small);
        let typed = parsed.command();
        let again: Vec<&str> = typed.split(' ').skip(4).collect();
        assert_eq!(parse(&again).unwrap(), small, "{typed}");
        assert!(parse(&["--data", "/no/such/folder"]).is_err());
        assert!(parse(&["--rows"]).is_err() && parse(&["--size", "3"]).is_err());
    }

    #[test]
    fn the_table_holds_medians_and_ratios() {
        let run = |ours: f64| {
            json!({
                "window": { "writer": { "outside_fence": { "longest_ms": ours } }, "lost_writes": 0,
                    "steps": [{ "step": "backfill", "ms": 1500, "writer_longest_ms": 20.0, "control_longest_ms": 7.5 }],
                    "counts": { "before": { "classes": { "text": 3, "null": 2 } }, "after": { "classes": { "text": 3, "null": 1 } } } },
                "legacy": { "writer": { "outside_fence": { "longest_ms": 1000.0 } }, "lost_writes": 7 },
            })
        };
        let text =
            tables(&json!({ "rows": 10, "mantenimientos": 5, "runs": [run(10.0), run(30.0), run(20.0)] }));
        let line = |start: &str| {
            text.lines()
                .find(|line| line.starts_with(start))
                .unwrap_or_default()
        };
        let words = |start: &str| line(start).split_whitespace().rev().collect::<Vec<_>>();
        assert_eq!(
            words("longest writer stall")[..3],
            ["0.0200", "1000.0", "20.0"],
            "{text}"
        );
        assert!(line("acknowledged writes lost").ends_with('7'), "{text}");
        assert_eq!(
            words("backfill"),
            ["7.5", "—", "20.0", "1.50", "backfill"],
            "{text}"
        );
        assert!(
            line("text").ends_with("equal") && line("null").ends_with("DIFFERS"),
            "{text}"
        );
    }
}
