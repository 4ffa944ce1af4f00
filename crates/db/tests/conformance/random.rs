//! Random schemas and rows: dump, restore, and the copy is the same, by our digest and by means that are not ours; then
//! small damages to the copy, each of which the digest tells exactly when the other means do.
//!
//! `PROPERTY_ROUNDS` asks for more schemas than the ordinary few, `PROPERTY_SEED` for others. A failure prints its seed
//! and the least part of the schema that still fails; `PROPERTY_REFUSED` prints what the server does not take.
#![allow(
    clippy::print_stdout,
    reason = "the suite tells how many damages it tried and found"
)]

mod damage;
mod draw;
mod mariadb;
pub(super) mod oracle;
mod sqlite;
mod types;
mod values;

use super::place::{Place, Spot};
use super::store::{Store, dumped, loaded};
use db::diff::{Difference, Limits, Live, compare};
use db::{Dialect, Error};
use draw::Draw;
pub(super) use mariadb::quoted;
use mariadb::{Case, Table};
use mysql::prelude::Queryable;
use std::collections::BTreeMap;

fn setting(name: &str, ordinary: u64) -> u64 {
    let given = std::env::var(name).ok().and_then(|v| v.parse().ok());
    given.unwrap_or(ordinary)
}

/// Schemas of one run; each is made from a seed of its own.
fn seeds(ordinary: u64) -> impl Iterator<Item = u64> {
    let first = setting("PROPERTY_SEED", 1);
    first..first + setting("PROPERTY_ROUNDS", ordinary)
}

#[derive(Default)]
struct Tally {
    schemas: u64,
    tables: usize,
    rows: u64,
    damages: usize,
    found: usize,
    kinds: BTreeMap<String, usize>,
}

impl Tally {
    fn print(&self, dialect: Dialect) {
        println!(
            "{}: {} schemas, {} tables, {} rows came back exactly; {} damages tried, {} found: {:?}",
            dialect.name(),
            self.schemas,
            self.tables,
            self.rows,
            self.damages,
            self.found,
            self.kinds
        );
    }
}

#[test]
fn random_schemas_of_mariadb_come_back_exactly() {
    let tally = random_schemas(&Place::mariadb());
    tally.print(Dialect::MariaDb);
    let a_third = 7 * usize::try_from(tally.schemas).expect("few") / 3;
    assert!(tally.tables > a_third, "the server refuses most of what is drawn");
    assert!(tally.found == tally.damages && tally.damages > a_third);
}

/// What is drawn for MariaDB, as far as MySQL takes it.
#[test]
fn random_schemas_of_mysql_come_back_exactly() {
    let Some(place) = Place::mysql() else { return };
    let tally = random_schemas(&place);
    tally.print(Dialect::MySql);
    let schemas = usize::try_from(tally.schemas).expect("few");
    assert!(
        tally.tables > schemas,
        "the server refuses nearly all of what is drawn"
    );
    assert!(tally.found == tally.damages && tally.damages > schemas);
}

fn random_schemas(place: &Place) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds(6) {
        let mut draw = Draw::new(seed);
        let case = mariadb::case(&mut draw);
        let case = if place.is_mysql() {
            case.in_the_words_of_mysql()
        } else {
            case
        };
        if let Err(found) = of_server(place, &case, &mut draw.clone(), &mut tally) {
            let least = reduced(case, &|c| {
                of_server(place, c, &mut draw.clone(), &mut Tally::default()).is_err()
            });
            let again = of_server(place, &least, &mut draw, &mut Tally::default());
            panic!(
                "PROPERTY_SEED={seed}: {found}\nleast:\n{}\n{again:?}",
                printed(&least)
            );
        }
    }
    tally
}

/// The case in the server, its refused parts left out; answers the tables that are there.
fn built<'c>(driver: &mut mysql::Conn, case: &'c Case) -> Vec<&'c Table> {
    let mut there = Vec::new();
    for statement in &case.before {
        let _ = driver.query_drop(statement);
    }
    for table in &case.tables {
        if let Err(why) = driver.query_drop(table.create()) {
            if std::env::var("PROPERTY_REFUSED").is_ok() {
                println!("{why}: {}", table.create());
            }
            continue;
        }
        driver.query_drop("START TRANSACTION").expect("begins");
        for insert in table.inserts() {
            if let Err(why) = driver.query_drop(&insert)
                && std::env::var("PROPERTY_REFUSED").is_ok()
            {
                println!("{why}: {insert}");
            }
        }
        driver.query_drop("COMMIT").expect("commits");
        there.push(table);
    }
    for statement in &case.after {
        if let Err(why) = driver.query_drop(statement)
            && std::env::var("PROPERTY_REFUSED").is_ok()
        {
            println!("{why}: {statement}");
        }
    }
    there
}

fn of_server(place: &Place, case: &Case, draw: &mut Draw, tally: &mut Tally) -> Result<(), String> {
    let (original, copy) = (place.empty(), place.empty());
    let port = place.server().port();
    let mut driver = oracle::connected(port, &original.name());
    let there = built(&mut driver, case);
    let schema = original.open().inspect().map_err(|e| e.to_string())?;
    if let Err(Error::Unsupported(list)) = schema.supported() {
        return Err(format!("not carried: {list:?}"));
    }
    let mut driver = oracle::connected(port, &original.name());
    let before = oracle::mariadb(&mut driver, &original.name());
    let store = round(&original, &copy)?;
    let after = oracle::mariadb(&mut driver, &copy.name());
    same(&before, &after)?;
    // MySQL has no EXCEPT ALL.
    if !place.is_mysql() {
        oracle::except(&mut driver, &original.name(), &copy.name())?;
    }
    if oracle::mariadb(&mut driver, &original.name()) != before {
        return Err("the original was changed".into());
    }
    tally.schemas += 1;
    tally.tables += there.len();
    tally.rows += store.tables.iter().map(|t| t.rows).sum::<u64>();
    if there.is_empty() {
        return Ok(());
    }
    let mut other = oracle::connected(port, &copy.name());
    other
        .query_drop("SET SESSION sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', foreign_key_checks=0")
        .expect("sets");
    damaged(&copy, before, tally, 12, |copy| {
        for statement in damage::mariadb(draw, &there) {
            let _ = other.query_drop(statement);
        }
        oracle::mariadb(&mut driver, &copy.name())
    })?;
    compared(
        &original,
        &copy,
        &oracle::mariadb(&mut driver, &original.name()),
        &oracle::mariadb(&mut driver, &copy.name()),
    )
}

/// Dumps and loads, and compares what we say of both.
fn round(original: &Spot<'_>, copy: &Spot<'_>) -> Result<Store, String> {
    let live = db::digest::compute(&mut *original.open(), None, &mut db::progress::silent())
        .map_err(|e| e.to_string())?;
    let (store, dumped) = dumped(original, None);
    if dumped.digest != live {
        return Err(format!(
            "the dump's digest is another: {:?}",
            live.differences(&dumped.digest)
        ));
    }
    let rows = loaded(&store, &mut *copy.open(), false).map_err(|e| format!("cannot be loaded: {e}"))?;
    let restored = copy.digest();
    if restored != live || rows != live.rows() {
        return Err(format!(
            "the copy's digest is another: {:?} {:?}",
            live.differences(&restored),
            (&live.counters, &restored.counters)
        ));
    }
    Ok(store)
}

fn same(before: &oracle::State, after: &oracle::State) -> Result<(), String> {
    let differing = before.differing(after);
    if !differing.is_empty() {
        let pairs: Vec<_> = differing
            .iter()
            .map(|n| (before.definitions.get(n), after.definitions.get(n)))
            .collect();
        return Err(format!(
            "the digest is the same, but {differing:?} differ: {pairs:#?}"
        ));
    }
    if before.counters != after.counters {
        return Err(format!(
            "counters: {:?} and {:?}",
            before.counters, after.counters
        ));
    }
    Ok(())
}

/// Damages the copy again and again: the digest must change with what the oracle sees, and only with it.
fn damaged(
    copy: &Spot<'_>,
    mut seen: oracle::State,
    tally: &mut Tally,
    times: usize,
    mut damage: impl FnMut(&Spot<'_>) -> oracle::State,
) -> Result<(), String> {
    let mut digest = copy.digest();
    for _ in 0..times {
        let now = damage(copy);
        let differing = seen.differing(&now);
        let after = match db::digest::compute(&mut *copy.open(), None, &mut db::progress::silent()) {
            Ok(after) => after,
            // A table that lost its last stored column, say.
            Err(Error::Unsupported(_)) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let told = digest.differences(&after);
        if differing.is_empty() != (after.digest == digest.digest) || differing.is_empty() != told.is_empty()
        {
            return Err(format!("damage {differing:?}, told {told:?}"));
        }
        if !differing.is_empty() {
            tally.damages += 1;
            // The place by its name; names are long, odd and perhaps inside others.
            let by_name = |d: &String| {
                let name = d
                    .strip_prefix("rows of ")
                    .or_else(|| d.split_once(' ').map(|(_, n)| n))
                    .unwrap_or("");
                told.iter()
                    .any(|t| t.contains(name) || t.contains(&mariadb::quoted(name)))
            };
            if !differing.iter().all(by_name) {
                return Err(format!("damage {differing:?} is not named: {told:?}"));
            }
            tally.found += 1;
            let kind = if differing[0].starts_with("rows") {
                "rows"
            } else {
                "definition"
            };
            *tally.kinds.entry(kind.into()).or_default() += 1;
        }
        (seen, digest) = (now, after);
    }
    Ok(())
}

/// What `diff` says of both, against what the oracle sees.
fn compared(
    original: &Spot<'_>,
    copy: &Spot<'_>,
    left: &oracle::State,
    right: &oracle::State,
) -> Result<(), String> {
    let mut sides = Vec::new();
    for spot in [original, copy] {
        match Live::new(spot.open()) {
            Ok(side) => sides.push(side),
            // A view over a column that was damaged away, say.
            Err(Error::Unsupported(_)) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
    }
    let [a, b] = sides.as_mut_slice() else {
        unreachable!("two sides")
    };
    let found: Difference =
        compare(a, b, Limits::default(), &mut db::progress::silent()).map_err(|e| e.to_string())?;
    if found.equal != left.differing(right).is_empty() {
        return Err(format!("diff says equal: {}", found.equal));
    }
    for (name, rows) in &left.rows {
        let theirs = right.rows.get(name);
        let told = found.tables.iter().find(|t| t.name == *name);
        let Some(told) = told else {
            return Err(format!("diff passes over table {name}"));
        };
        if theirs.is_none_or(|r| r != rows) && told.equal {
            return Err(format!("diff calls table {name} equal"));
        }
    }
    Ok(())
}

/// The case without whatever is not needed to make `fails` true.
fn reduced(mut case: Case, fails: &dyn Fn(&Case) -> bool) -> Case {
    let mut steps = 200;
    let mut attempt = |case: &mut Case, change: &dyn Fn(&mut Case)| {
        let mut less = case.clone();
        change(&mut less);
        steps -= 1;
        let still = steps > 0 && fails(&less);
        if still {
            *case = less;
        }
        still
    };
    for at in (0..case.after.len()).rev() {
        attempt(&mut case, &|c| drop(c.after.remove(at)));
    }
    for at in (0..case.tables.len()).rev() {
        attempt(&mut case, &|c| drop(c.tables.remove(at)));
    }
    for at in (0..case.before.len()).rev() {
        attempt(&mut case, &|c| drop(c.before.remove(at)));
    }
    for table in 0..case.tables.len() {
        attempt(&mut case, &|c| c.tables[table].rows.clear());
        attempt(&mut case, &|c| c.tables[table].options.clear());
        for key in (0..case.tables[table].keys.len()).rev() {
            attempt(&mut case, &|c| drop(c.tables[table].keys.remove(key)));
        }
        for column in (0..case.tables[table].columns.len()).rev() {
            attempt(&mut case, &|c| {
                let table = &mut c.tables[table];
                table.columns.remove(column);
                for row in &mut table.rows {
                    row.remove(column);
                }
            });
        }
        for row in (0..case.tables[table].rows.len()).rev() {
            attempt(&mut case, &|c| drop(c.tables[table].rows.remove(row)));
        }
    }
    case
}

fn printed(case: &Case) -> String {
    let tables = case
        .tables
        .iter()
        .flat_map(|t| std::iter::once(t.create()).chain(t.inserts()));
    let all: Vec<String> = case
        .before
        .iter()
        .cloned()
        .chain(tables)
        .chain(case.after.iter().cloned())
        .collect();
    all.join(";\n")
}

#[test]
fn random_schemas_of_sqlite_come_back_exactly() {
    let place = Place::sqlite();
    let mut tally = Tally::default();
    for seed in seeds(40) {
        let mut draw = Draw::new(seed);
        let groups = sqlite::case(&mut draw);
        if let Err(found) = of_sqlite(&place, &groups, &mut draw.clone(), &mut tally) {
            let mut least = groups;
            for at in (0..least.len()).rev() {
                let mut less = least.clone();
                less.remove(at);
                if of_sqlite(&place, &less, &mut draw.clone(), &mut Tally::default()).is_err() {
                    least = less;
                }
            }
            panic!("PROPERTY_SEED={seed}: {found}\nleast:\n{least:#?}");
        }
    }
    tally.print(Dialect::Sqlite);
    assert!(tally.tables > 3 * usize::try_from(tally.schemas).expect("few"));
    assert!(tally.found == tally.damages && tally.damages > 20);
}

fn of_sqlite(
    place: &Place,
    groups: &[Vec<String>],
    draw: &mut Draw,
    tally: &mut Tally,
) -> Result<(), String> {
    let (original, copy) = (place.empty(), place.empty());
    let database = rusqlite::Connection::open(original.path()).expect("opens");
    database
        .execute_batch("PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF")
        .expect("sets");
    for group in groups {
        for (number, statement) in group.iter().enumerate() {
            if database.execute_batch(statement).is_err() && number == 0 {
                break;
            }
        }
    }
    drop(database);
    let before = oracle::sqlite(original.path());
    let store = round(&original, &copy)?;
    same(&before, &oracle::sqlite(copy.path()))?;
    tally.schemas += 1;
    tally.tables += before.rows.len();
    tally.rows += store.tables.iter().map(|t| t.rows).sum::<u64>();
    let names: Vec<String> = before.rows.keys().cloned().collect();
    damaged(&copy, before, tally, 5, |copy| {
        let other = rusqlite::Connection::open(copy.path()).expect("opens");
        other
            .execute_batch("PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF")
            .expect("sets");
        let name = format!("\"{}\"", names[draw.below(names.len())].replace('"', "\"\""));
        let columns = format!("SELECT name FROM pragma_table_info({name})");
        let columns: Vec<String> = other
            .prepare(&columns)
            .and_then(|mut s| s.query_map([], |r| r.get(0))?.collect())
            .expect("columns");
        let column = columns.first().map_or("\"x\"".into(), |_| {
            format!("\"{}\"", columns[draw.below(columns.len())].replace('"', "\"\""))
        });
        let key = "(SELECT rowid FROM @t ORDER BY random() LIMIT 1)".replace("@t", &name);
        let statement = match draw.below(8) {
            0 | 1 => format!(
                "UPDATE OR IGNORE {name} SET {column}={} WHERE rowid={key}",
                sqlite::value(draw)
            ),
            2 => format!("UPDATE OR IGNORE {name} SET {column}={column} || ' ' WHERE rowid={key}"),
            3 => format!("DELETE FROM {name} WHERE rowid={key}"),
            4 => format!("INSERT OR IGNORE INTO {name} SELECT * FROM {name} LIMIT 1"),
            5 => format!("ALTER TABLE {name} ADD COLUMN \"added {}\" TEXT", draw.below(99)),
            6 => format!("ALTER TABLE {name} DROP COLUMN {column}"),
            _ => format!("CREATE INDEX \"new {}\" ON {name} ({column})", draw.below(99)),
        };
        let _ = other.execute_batch(&statement);
        drop(other);
        oracle::sqlite(copy.path())
    })?;
    compared(
        &original,
        &copy,
        &oracle::sqlite(original.path()),
        &oracle::sqlite(copy.path()),
    )
}
