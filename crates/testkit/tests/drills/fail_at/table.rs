//! The table of faults, from the code and from the page that explains it.

/// The demo's own table of faults, and the page that explains it.
const CODE: &str = include_str!("../../../../ventana/src/demo/faults.rs");
const PAGE: &str = include_str!("../../../../../docs/DEMO.md");

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) step: String,
    pub(super) fault: String,
    pub(super) sqlite: Option<u8>,
    pub(super) mariadb: Option<u8>,
}

/// What WINDOW §6 promises for a failure at `step`: the exit code follows from where it stands between the first effect
/// and the lift.
fn promised(step: &str, mariadb: bool) -> u8 {
    match step {
        "preflight" | "backup_a" | "prove_a" | "off_site_a" | "stage" => 1,
        // The first effect itself, and it did not happen.
        "expand.1" => 1,
        "fence" if !mariadb => 1,
        "smoke_write" | "watch" | "off_site_b" => 4,
        _ => 3,
    }
}

/// The lines of the table in the code, with the promised exit codes. A fault's text is the comment at its variant.
pub(super) fn table_in_code() -> Vec<Line> {
    let table = CODE.split("const TABLE").nth(1).expect("the table is there");
    let table = table.split("];").next().unwrap();
    let rows = table
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(\"")?.strip_suffix("),"));
    rows.map(|row| {
        let (step, rest) = row.split_once("\", What::").unwrap();
        let (what, only) = rest.split_once(", ").unwrap();
        let on = |kind: &str| only == "None" || only.contains(kind);
        Line {
            step: step.to_owned(),
            fault: comment_of(what),
            sqlite: on("Sqlite").then(|| promised(step, false)),
            mariadb: on("Mariadb").then(|| promised(step, true)),
        }
    })
    .collect()
}

fn comment_of(variant: &str) -> String {
    let before = CODE
        .split(&format!("\n    {variant},"))
        .next()
        .unwrap_or_default();
    let comment = before.lines().last().unwrap_or_default();
    comment
        .trim()
        .strip_prefix("/// ")
        .expect("each fault has a comment")
        .to_owned()
}

/// The lines of the table in docs/DEMO.md: step, fault, exit code on SQLite, on MariaDB.
pub(super) fn table_in_docs() -> Vec<Line> {
    let code = |cell: &str| cell.parse().ok();
    PAGE.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            Line {
                step: cells[0].trim_matches('`').to_owned(),
                fault: cells[1].to_owned(),
                sqlite: code(cells[2]),
                mariadb: code(cells[3]),
            }
        })
        .collect()
}
