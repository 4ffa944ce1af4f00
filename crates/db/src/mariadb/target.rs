//! What a server lacks before a schema can be restored to it: found before anything is written.

mod features;

use super::MariaDb;
use super::account::{self, normal};
use super::privileges::Scope;
use crate::schema::{Kind, Object, Schema};
use crate::script::{Code, Syntax};
use crate::{Cell, Database, Dialect, Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Something that a restore needs and the server does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    pub what: String,
    /// The statement that mends it, for an account that may.
    pub mend: String,
    /// Whether the restore would fail. A definer that does not exist does not stop it, but what is his will not run.
    pub stops: bool,
}

/// Everything that `db` lacks to restore `schema` into the schema `into`, which need not be there yet. Changes nothing.
pub fn lacks(db: &mut MariaDb, into: &str, schema: &Schema) -> Result<Vec<Lack>> {
    inside(db, into, |db| {
        let accounts: Vec<String> = accounts(schema).collect();
        let mut found = rights(db, needed(schema), &accounts)?;
        settings(db, schema, &mut found)?;
        features::missing(db, schema, &mut found)?;
        Ok(found)
    })
}

/// What `db` lacks to restore something into the schema `into` that takes these privileges, each with what needs it, and that
/// these accounts, as its statements name them, define.
pub fn lacks_for(
    db: &mut MariaDb,
    into: &str,
    needed: &[(&'static str, &'static str)],
    accounts: &[String],
) -> Result<Vec<Lack>> {
    let needed = needed.iter().copied().collect();
    inside(db, into, |db| rights(db, needed, accounts))
}

/// As [`lacks`] for copies of `schema` that are made in schemas of this server and thrown away: privileges are granted on
/// all of them by `pattern`, of which `example` is one, and copies are nothing to replicas.
pub fn lacks_beside(db: &mut MariaDb, example: &str, pattern: &str, schema: &Schema) -> Result<Vec<Lack>> {
    let ours = account::current(db)?;
    let mut found = inside(db, example, |db| {
        let accounts: Vec<String> = accounts(schema).collect();
        let mut needed = needed(schema);
        for privilege in super::privileges::SEES_A_SCHEMA {
            needed.entry(privilege).or_insert("the digest");
        }
        let lacking = super::privileges::without(db, needed.keys().copied(), Scope::Schema)?;
        let mut found = Vec::new();
        if !lacking.is_empty() {
            let names = lacking.into_iter().collect::<Vec<_>>().join(", ");
            found.push(Lack {
                what: format!("account {ours} lacks {names} on the schemas of scratch copies"),
                mend: super::privileges::grant_on(db, &names, pattern, &ours)?,
                stops: true,
            });
        }
        set_user(db, &accounts, &ours, &mut found)?;
        settings(db, schema, &mut found)?;
        features::missing(db, schema, &mut found)?;
        Ok(found)
    })?;
    unlogged(db, &ours, &mut found)?;
    Ok(found)
}

/// Keeping a session's work out of the binary log is a privilege.
fn unlogged(db: &mut MariaDb, ours: &str, found: &mut Vec<Lack>) -> Result<()> {
    let any: &[&'static str] = match db.dialect {
        Dialect::MySql => &["SESSION_VARIABLES_ADMIN", "SYSTEM_VARIABLES_ADMIN", "SUPER"],
        _ => &["BINLOG ADMIN", "SUPER"],
    };
    let logged = db.count("SELECT @@log_bin")? != 0;
    if logged && super::privileges::without(db, any.iter().copied(), Scope::Server)?.len() == any.len() {
        found.push(Lack {
            what: format!("account {ours} may not keep scratch copies out of the binary log"),
            mend: format!("GRANT {} ON *.* TO {ours}", any[0]),
            stops: true,
        });
    }
    Ok(())
}

/// Privileges are those on this schema, whichever the session is in.
fn inside<T>(db: &mut MariaDb, into: &str, look: impl FnOnce(&mut MariaDb) -> Result<T>) -> Result<T> {
    let own = std::mem::replace(&mut db.database, into.to_string());
    let found = look(db);
    db.database = own;
    found
}

fn rights(
    db: &mut MariaDb,
    needed: BTreeMap<&'static str, &'static str>,
    accounts: &[String],
) -> Result<Vec<Lack>> {
    let ours = account::current(db)?;
    let mut found = Vec::new();
    privileges(db, needed, &ours, &mut found)?;
    for mend in super::privileges::hidden(db)? {
        found.push(Lack {
            what: format!(
                "account {ours} does not see everything that it is to restore, and could not compare it"
            ),
            mend,
            stops: true,
        });
    }
    set_user(db, accounts, &ours, &mut found)?;
    definers(db, accounts, &ours, &mut found)?;
    Ok(found)
}

/// Privileges that the restoring account needs on the schema itself, each with what needs it.
fn needed(schema: &Schema) -> BTreeMap<&'static str, &'static str> {
    let mut needed = BTreeMap::new();
    let mut need = |kind: &'static str, privileges: &[&'static str]| {
        for privilege in privileges {
            needed.entry(*privilege).or_insert(kind);
        }
    };
    let kinds: BTreeSet<Kind> = schema.objects.iter().map(|o| o.kind).collect();
    need("the digest", &["SELECT"]);
    // The marks of a load go when it is done, and so does what a killed one began.
    need("the load's marks", &["CREATE", "INSERT", "DROP"]);
    for kind in kinds {
        match kind {
            Kind::Database => need("the schema's defaults", &["ALTER"]),
            Kind::Table => need("tables", &["CREATE", "INSERT"]),
            Kind::Sequence => need("sequences", &["CREATE", "INSERT"]),
            // Added when the rows are there.
            Kind::Index => need("keys", &["ALTER"]),
            Kind::ForeignKey => need("foreign keys", &["REFERENCES", "ALTER"]),
            Kind::Routine | Kind::Package | Kind::PackageBody => {
                need("routines", &["CREATE ROUTINE", "ALTER ROUTINE"])
            }
            Kind::View => need("views", &["CREATE VIEW", "SHOW VIEW"]),
            Kind::Trigger => need("triggers", &["TRIGGER"]),
            Kind::Event => need("events", &["EVENT"]),
            Kind::Column | Kind::Check => {}
        }
    }
    needed
}

/// Each of these lets an account create what others define.
const SET_USER: [&str; 3] = ["SET USER", "SET_USER_ID", "SUPER"];

fn privileges(
    db: &mut MariaDb,
    needed: BTreeMap<&'static str, &'static str>,
    ours: &str,
    found: &mut Vec<Lack>,
) -> Result<()> {
    let lacking = super::privileges::without(db, needed.keys().copied(), Scope::Schema)?;
    for (privilege, kind) in needed {
        if lacking.contains(privilege) {
            found.push(Lack {
                what: format!("account {ours} lacks {privilege}, which {kind} need"),
                mend: super::privileges::grant(db, privilege, ours)?,
                stops: true,
            });
        }
    }
    Ok(())
}

/// Those that are not ours.
fn foreign<'a>(accounts: &'a [String], ours: &str) -> impl Iterator<Item = &'a String> {
    let ours = normal(ours);
    accounts.iter().filter(move |account| {
        let word = account.trim_end_matches("()");
        !word.eq_ignore_ascii_case("CURRENT_USER") && normal(account) != ours
    })
}

fn set_user(db: &mut MariaDb, accounts: &[String], ours: &str, found: &mut Vec<Lack>) -> Result<()> {
    if let Some(one) = foreign(accounts, ours).next()
        && super::privileges::without(db, SET_USER.into_iter(), Scope::Server)?.len() == SET_USER.len()
    {
        found.push(Lack {
            what: format!("account {ours} may not create what is defined by others, such as {one}"),
            mend: match db.dialect {
                Dialect::MySql => format!("GRANT SET_USER_ID ON *.* TO {ours}"),
                _ => format!("GRANT SET USER ON *.* TO {ours}"),
            },
            stops: true,
        });
    }
    Ok(())
}

/// Definers of the schema's programs, as their statements name them.
fn accounts(schema: &Schema) -> impl Iterator<Item = String> {
    let programs = schema.objects.iter().filter(|o| o.kind.is_program());
    programs.filter_map(definer).collect::<BTreeSet<_>>().into_iter()
}

/// `` `user`@`host` ``, or `` `role` ``, of an object's creating statement.
fn definer(object: &Object) -> Option<String> {
    let mode = crate::load::sql_mode(object);
    let create = object.create.iter().find(|s| s.starts_with("CREATE "))?;
    let code = Code::new(create.as_bytes(), Syntax::with_sql_mode(mode));
    let at = code.find(0, &["DEFINER"])?;
    let user = code.name(at + 2);
    let quote = |name: &str| format!("`{}`", name.replace('`', "``"));
    // The lexer takes `@host` as one token.
    let host = create
        .get(code.token(at + 3)?.start..)
        .and_then(|rest| rest.strip_prefix('@'));
    Some(match host {
        Some(_) => {
            let text = String::from_utf8_lossy(code.bytes(at + 3)).into_owned();
            let host = text
                .trim_start_matches('@')
                .trim_matches(['`', '"', '\''].as_slice())
                .to_string();
            format!("{}@{}", quote(&user), quote(&host))
        }
        None => quote(&user),
    })
}

fn definers(db: &mut MariaDb, accounts: &[String], ours: &str, found: &mut Vec<Lack>) -> Result<()> {
    let foreign: Vec<String> = foreign(accounts, ours).cloned().collect();
    if foreign.is_empty() {
        return Ok(());
    }
    let rows = match db.query("SELECT User, Host FROM mysql.user") {
        Ok(rows) => rows,
        Err(Error::Server {
            number: 1044 | 1142 | 1143,
            ..
        }) => {
            found.push(Lack {
                what: format!(
                    "account {ours} may not see whether the definers exist: {}",
                    foreign.join(", ")
                ),
                mend: format!("GRANT SELECT ON mysql.* TO {ours}"),
                stops: false,
            });
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    let there: BTreeSet<String> = rows
        .iter()
        .map(|r| {
            let part = |i: usize| r.get(i).and_then(Cell::to_text).unwrap_or_default();
            account::quoted(&format!("{}@{}", part(0), part(1)))
        })
        .map(|a| normal(&a))
        .collect();
    for account in foreign.iter().filter(|a| !there.contains(&normal(a))) {
        let role = !account.contains('@');
        found.push(Lack {
            what: format!("definer {account} does not exist on this server: what it defines cannot be run"),
            mend: if role {
                format!("CREATE ROLE {account}")
            } else {
                format!("CREATE USER {account} ACCOUNT LOCK")
            },
            stops: false,
        });
    }
    Ok(())
}

fn settings(db: &mut MariaDb, schema: &Schema, found: &mut Vec<Lack>) -> Result<()> {
    let setting = |db: &mut MariaDb, name: &str| {
        let value = db.text(&format!("SELECT @@GLOBAL.{name}"));
        match value {
            // A variable that this server does not have.
            Err(Error::Server { number: 1193, .. }) => Ok(None),
            other => other,
        }
    };
    let rows = !schema.tables.is_empty();
    if rows && setting(db, "local_infile")?.as_deref() == Some("0") {
        found.push(Lack {
            what: "the server does not take LOAD DATA LOCAL".into(),
            mend: "SET GLOBAL local_infile=ON".into(),
            stops: true,
        });
    }
    let statements = schema.objects.iter().flat_map(|o| &o.create);
    let longest = statements
        .chain(schema.tables.iter().map(|t| &t.create))
        .map(|s| s.len() as u64)
        .max()
        .unwrap_or(0)
        // The command's own byte, and what changes where an object names its schema.
        + 1024;
    let packet: u64 = setting(db, "max_allowed_packet")?
        .and_then(|v| v.parse().ok())
        .unwrap_or(u64::MAX);
    if longest > packet {
        found.push(Lack {
            what: format!("a definition has {longest} bytes, and the server takes {packet} at a time"),
            mend: format!(
                "SET GLOBAL max_allowed_packet={}",
                longest.next_multiple_of(1 << 20)
            ),
            stops: true,
        });
    }
    // A row goes in however long it is, but the server does not hand it out again for the digest.
    if let Some(table) = schema.tables.iter().max_by_key(|t| t.longest_row)
        && table.longest_row > packet
    {
        found.push(Lack {
            what: format!(
                "table {} has a row of {} bytes, and the server sends {packet} at a time: it could never be read again",
                table.name, table.longest_row
            ),
            mend: format!(
                "SET GLOBAL max_allowed_packet={}",
                (table.longest_row + 1).next_multiple_of(1 << 20)
            ),
            stops: true,
        });
    }
    if schema.tables.iter().any(|t| t.is_versioned()) {
        let name = "system_versioning_insert_history";
        if setting(db, name)?.is_none() {
            found.push(Lack {
                what: "the server cannot take history (it came with MariaDB 10.11)".into(),
                mend: "restore to MariaDB 10.11 or newer".into(),
                stops: true,
            });
        }
        match setting(db, "secure_timestamp")?.as_deref() {
            None | Some("NO") => {}
            Some(value) => found.push(Lack {
                what: format!("the server runs with secure_timestamp={value} and takes no history"),
                mend: "start it with --secure-timestamp=NO while restoring".into(),
                stops: true,
            }),
        }
    }
    Ok(())
}
