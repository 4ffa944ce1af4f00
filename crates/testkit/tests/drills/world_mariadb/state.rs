//! A schema as the stock client sees it.

use testkit::MariaDb;
use testkit::mariadb::Rows;

/// Everything in a schema that must come back: rows, FLOAT bits, definitions, rights of stored programs, event states.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct State {
    lines: Vec<String>,
    /// Next AUTO_INCREMENT of each table; not part of equality between two states.
    pub(crate) counters: Rows,
}

impl State {
    /// Taken by `mariadb-dump`, a row on a line, without its counters; FLOATs apart, of which a dump has six digits.
    #[track_caller]
    pub(crate) fn of(server: &MariaDb, schema: &str) -> State {
        let mut dump = server.dump_client();
        dump.args([
            "--routines",
            "--triggers",
            "--events",
            "--skip-comments",
            "--skip-extended-insert",
        ]);
        dump.args(["--order-by-primary", "--single-transaction", "--complete-insert"])
            .arg(schema);
        let output = dump.output().expect("mariadb-dump runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut lines: Vec<String> = text.lines().map(without_counter).collect();
        let floats = server.query_in(
            schema,
            "SELECT CONCAT('costo ', id, ' ', CAST(costo AS DOUBLE)) FROM mantenimientos ORDER BY id",
        );
        lines.extend(floats.into_iter().flatten().flatten());
        let counters = server.query(&format!(
            "SELECT TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA='{schema}' AND AUTO_INCREMENT IS NOT NULL ORDER BY 1"
        ));
        State { lines, counters }
    }

    /// Whether rows and definitions are the same.
    pub(crate) fn same(&self, other: &State) -> bool {
        self.lines == other.lines
    }

    /// The dump without its rows.
    pub(crate) fn definitions(&self) -> Vec<&String> {
        self.lines
            .iter()
            .filter(|line| !line.starts_with("INSERT INTO") && !line.starts_with("costo "))
            .collect()
    }

    /// For comparing what was restored: the server prints a name in a trigger as the statement that made it did.
    pub(crate) fn without_backticks(&self) -> State {
        State {
            lines: self.lines.iter().map(|line| line.replace('`', "")).collect(),
            counters: self.counters.clone(),
        }
    }

    /// Fails with the lines that differ.
    #[track_caller]
    pub(crate) fn assert_same(&self, expected: &State, context: &str) {
        if self.same(expected) {
            return;
        }
        let only = |a: &State, b: &State| {
            let there: std::collections::BTreeSet<&String> = b.lines.iter().collect();
            let lines = a.lines.iter().filter(|line| !there.contains(line)).take(6);
            lines
                .map(|line| line.chars().take(400).collect::<String>())
                .collect::<Vec<_>>()
                .join("\n  ")
        };
        panic!(
            "{context}: the database differs\nexpected:\n  {}\nfound:\n  {}",
            only(expected, self),
            only(self, expected)
        );
    }
}

/// ` AUTO_INCREMENT=17` goes: a refused insert moves it.
fn without_counter(line: &str) -> String {
    let Some((head, rest)) = line.split_once(" AUTO_INCREMENT=") else {
        return line.to_owned();
    };
    format!("{head}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}
