//! Rows counted by name: by a query of the migration's own, or by conditions that are all tried on each row in one pass.

use super::Online;
use crate::{Cell, Database, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts by name, for each `[[count]]` by its name.
pub type Counts = BTreeMap<String, BTreeMap<String, i64>>;

/// How rows are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a query that answers rows of (name, number), or `from` and `when`"
)]
pub enum Counting {
    /// Answers rows of (name, count).
    Query(String),
    Conditions(Conditions),
}

/// Conditions that may overlap. One reading of the table under the fence instead of one for each of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// What stands behind FROM: a table, and a WHERE that all conditions share.
    pub from: String,
    /// Name → condition of the rows that are counted under it.
    pub when: BTreeMap<String, String>,
}

impl Conditions {
    /// One row with a number for each name, in the order of the names.
    fn sql(&self) -> String {
        let columns: Vec<String> = self
            .when
            .values()
            .map(|condition| format!("COUNT(CASE WHEN {condition} THEN 1 END)"))
            .collect();
        format!("SELECT {} FROM {}", columns.join(", "), self.from)
    }
}

impl Counting {
    /// Every piece of SQL in it.
    pub(super) fn each(&mut self, visit: &mut dyn FnMut(&mut String) -> Result<()>) -> Result<()> {
        match self {
            Counting::Query(query) => visit(query),
            Counting::Conditions(conditions) => {
                visit(&mut conditions.from)?;
                conditions.when.values_mut().try_for_each(visit)
            }
        }
    }

    fn count(&self, db: &mut dyn Database) -> Result<BTreeMap<String, i64>> {
        let number = |cell: Option<&Cell>| cell.and_then(Cell::as_i64).unwrap_or(0);
        let mut named: BTreeMap<String, i64> = match self {
            Counting::Query(query) => db
                .query(query)?
                .iter()
                .map(|row| {
                    let name = row.first().and_then(Cell::to_text).unwrap_or_default();
                    (name, number(row.get(1)))
                })
                .collect(),
            Counting::Conditions(conditions) if conditions.when.is_empty() => BTreeMap::new(),
            Counting::Conditions(conditions) => {
                let rows = db.query(&conditions.sql())?;
                let row = rows.first().map_or(&[][..], Vec::as_slice);
                let names = conditions.when.keys().cloned();
                names
                    .enumerate()
                    .map(|(at, name)| (name, number(row.get(at))))
                    .collect()
            }
        };
        // A class without rows is not reported by GROUP BY; zero and absent are the same.
        named.retain(|_, n| *n != 0);
        Ok(named)
    }
}

/// Rows by class and finding, before (`after` false) or after the contract.
pub fn counts(online: &Online, after: bool, db: &mut dyn Database) -> Result<Counts> {
    let mut out = Counts::new();
    for count in &online.count {
        let counting = if after { &count.after } else { &count.before };
        out.insert(count.name.clone(), counting.count(db)?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Address;

    #[derive(Deserialize)]
    struct File {
        of: Counting,
    }

    fn read(text: &str) -> std::result::Result<Counting, toml::de::Error> {
        toml::from_str::<File>(text).map(|file| file.of)
    }

    #[test]
    fn conditions_count_what_a_query_for_each_would() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let address = Address::parse(&format!("sqlite://{}", path.display())).unwrap();
        std::fs::File::create(&path).unwrap();
        let mut db = crate::open(&address, &crate::Session::default()).unwrap();
        db.execute("CREATE TABLE t (a INTEGER)").unwrap();
        db.execute("INSERT INTO t VALUES (1), (2), (3), (4), (NULL)")
            .unwrap();
        let conditions = read(
            "of.from = 't WHERE a > 1'\n[of.when]\neven = 'a % 2 = 0'\nbig = 'a > 3 OR a = 2'\nnone = 'a > 9'",
        );
        let query = read(
            "of = \"SELECT 'even', COUNT(*) FROM t WHERE a > 1 AND a % 2 = 0 UNION ALL SELECT 'big', COUNT(*) FROM t WHERE a > 1 AND (a > 3 OR a = 2)\"",
        );
        let counted = conditions.unwrap().count(&mut *db).unwrap();
        assert_eq!(
            counted,
            BTreeMap::from([("big".to_owned(), 2), ("even".to_owned(), 2)])
        );
        assert_eq!(query.unwrap().count(&mut *db).unwrap(), counted);
        let empty = Counting::Conditions(Conditions {
            from: "t".into(),
            when: BTreeMap::new(),
        });
        assert!(empty.count(&mut *db).unwrap().is_empty());
    }

    #[test]
    fn anything_else_is_refused_where_it_stands() {
        for text in [
            "of = 3",
            "of.from = 't'",
            "[of]\nfrom = 't'\nwhen = {}\nwhere = 'x'",
        ] {
            let error = read(text).unwrap_err();
            assert!(
                error.message().contains("`from` and `when`") && error.span().is_some(),
                "{error}"
            );
        }
    }
}
