//! Scratch copies: a schema beside the live one, or a file in the run's folder. Made for one purpose, removed after it.

mod leftovers;

pub use leftovers::{clear, temporary, will_make};

use crate::config::Config;
use crate::error::{Failure, io};
use db::mariadb::MariaDb;
use db::sqlite::Sqlite;
use db::{Address, Database};
use std::path::Path;

/// A scratch database.
pub struct Scratch {
    pub address: Address,
    /// The address of the database that it is a copy of: where the schema is created from.
    beside: Address,
    session: db::Session,
}

impl Scratch {
    pub fn of(
        config: &Config,
        live: &Address,
        run: &str,
        run_dir: &Path,
        purpose: &str,
    ) -> Result<Scratch, Failure> {
        let address = match live {
            Address::Sqlite { .. } => Address::Sqlite {
                path: run_dir.join(format!("{purpose}.db")),
            },
            Address::MySql { database, .. } => live.with_database(&name(database, run, purpose)),
        };
        Ok(Scratch {
            address,
            beside: live.clone(),
            session: config.session(run),
        })
    }

    /// Makes it anew, empty, with the character set of the original.
    pub fn create(&self) -> Result<Box<dyn Database>, Failure> {
        self.drop()?;
        match &self.address {
            Address::Sqlite { path } => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)
                        .map_err(io(format!("cannot make folder {}", folder.display())))?;
                }
                Ok(Box::new(Sqlite::create(path)?))
            }
            Address::MySql { database, .. } => {
                let mut server = self.server()?;
                let defaults = server.query("SELECT @@character_set_database, @@collation_database")?;
                let text = |i: usize| {
                    defaults
                        .first()
                        .and_then(|r| r.get(i))
                        .and_then(db::Cell::to_text)
                        .unwrap_or_default()
                };
                let name = server.dialect().quote(database);
                server.execute(&format!(
                    "CREATE DATABASE {name} CHARACTER SET {} COLLATE {}",
                    text(0),
                    text(1)
                ))?;
                Ok(Box::new(MariaDb::open(&self.address, &self.session)?))
            }
        }
    }

    /// A session beside the copy whose work the server's replicas never see.
    fn server(&self) -> Result<MariaDb, Failure> {
        let mut server = MariaDb::open(&self.beside, &self.session)?;
        unlogged(&mut server)?;
        Ok(server)
    }

    /// Removes it; one that is not there is fine.
    pub fn drop(&self) -> Result<(), Failure> {
        match &self.address {
            Address::Sqlite { path } => {
                for suffix in ["", "-wal", "-shm", "-journal"] {
                    let mut name = path.clone().into_os_string();
                    name.push(suffix);
                    match std::fs::remove_file(&name) {
                        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                            return Err(io(format!("cannot remove the scratch copy {}", path.display()))(
                                e,
                            ));
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
            Address::MySql { database, .. } => {
                let mut server = self.server()?;
                let name = server.dialect().quote(database);
                server.execute(&format!("DROP DATABASE IF EXISTS {name}"))?;
                Ok(())
            }
        }
    }
}

/// `<database>__ventana_<run>_<purpose>`. A server takes at most 64 characters: of a long name there is a beginning, and a
/// sum that keeps two of them apart.
fn name(database: &str, run: &str, purpose: &str) -> String {
    const LONGEST: usize = 64;
    let base = database.split("__ventana_").next().unwrap_or(database);
    let end = format!("__ventana_{run}_{purpose}");
    let room = LONGEST.saturating_sub(end.chars().count());
    if base.chars().count() <= room {
        return format!("{base}{end}");
    }
    let sum = &crate::host::files::sha256(base.as_bytes())[..6];
    let short: String = base.chars().take(room.saturating_sub(7)).collect();
    format!("{short}_{sum}{end}")
}

/// What scratch schemas of a database are called, for whoever grants rights on them.
pub struct Names {
    /// One of them.
    pub example: String,
    /// All of them, as a pattern of a grant; of a long name only the beginning is theirs.
    pub pattern: String,
}

impl Names {
    pub fn of(database: &str) -> Names {
        // The longest beginning that every run and purpose leaves room for.
        const KEPT: usize = 10;
        let (kept, any) = match database.chars().count() > KEPT {
            true => (database.chars().take(KEPT).collect::<String>(), "%"),
            false => (database.to_owned(), ""),
        };
        Names {
            example: name(database, "0", "check"),
            pattern: format!(
                "{}{any}\\_\\_ventana\\_%",
                db::mariadb::privileges::escaped(&kept)
            ),
        }
    }
}

/// Keeps a session's work out of the binary log: a replica that followed it would look for a schema that it never had.
/// Where there is no binary log there is nothing to do; where there is one and the right is lacking, it is an error.
pub fn unlogged(server: &mut MariaDb) -> Result<(), Failure> {
    if server.count("SELECT @@log_bin")? == 0 {
        return Ok(());
    }
    server
        .execute("SET SESSION sql_log_bin=0")
        .map(|_| ())
        .map_err(|e| {
            Failure::from(e)
                .hint("GRANT BINLOG ADMIN ON *.* TO ventana's account: scratch copies must not be replicated")
        })
}

#[cfg(test)]
mod tests {
    use super::{Names, name};

    /// Whoever has the rights that the pattern gives has them on every scratch schema.
    #[test]
    fn the_pattern_of_a_grant_covers_all_names() {
        for database in [
            "a",
            "inventario",
            "my_app",
            "inventario_de_produccion_del_hospital_general",
        ] {
            let Names { example, pattern } = Names::of(database);
            let long = "20251106_230000-rehearsal_2";
            for one in [
                example,
                name(database, "20251106_230000_12", "verify_4194304"),
                name(database, long, "rehearsal"),
            ] {
                let (head, tail) = pattern.split_once("\\_\\_ventana\\_%").unwrap();
                assert_eq!(tail, "");
                let rest = one.strip_prefix(&head.replace(['\\', '%'], "")).unwrap();
                let at = rest.find("__ventana_").unwrap();
                assert!(head.ends_with('%') || at == 0, "{one}: {pattern}");
            }
        }
    }

    #[test]
    fn names_fit_and_are_told_apart() {
        assert_eq!(
            name("inventario", "20251106_230000", "prove"),
            "inventario__ventana_20251106_230000_prove"
        );
        // A scratch copy's own scratch copy is one of the original.
        assert_eq!(name("a__ventana_1_x", "2", "y"), "a__ventana_2_y");
        let long = |end: &str| {
            name(
                &format!("{}ñ{end}", "inventario_de_produccion_".repeat(2)),
                "20251106_230000-rehearsal_2",
                "rehearsal",
            )
        };
        assert_eq!(long("a").chars().count(), 64, "{}", long("a"));
        assert_ne!(long("a"), long("b"));
    }
}
