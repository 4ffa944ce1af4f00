//! Where a test keeps its databases: a SQLite file in a temporary folder, or a schema of its own on a MariaDB server.

use db::{Address, Database, Session};
use std::path::PathBuf;
use tempfile::TempDir;
use testkit::mariadb::{Brand, MariaDb, Schema};

/// Runs each named function as a test of its own in SQLite, on MariaDB and on MySQL.
macro_rules! in_every_dialect {
    ($($name:ident),* $(,)?) => {
        crate::conformance::place::in_sqlite_and_mariadb!($($name),*);
        mod in_mysql {
            $(#[test] fn $name() {
                if let Some(place) = crate::conformance::place::Place::mysql() {
                    super::$name(place);
                }
            })*
        }
    };
}
pub(super) use in_every_dialect;

/// The same for what is not promised on MySQL.
macro_rules! in_sqlite_and_mariadb {
    ($($name:ident),* $(,)?) => {
        mod in_sqlite {
            $(#[test] fn $name() { super::$name(crate::conformance::place::Place::sqlite()); })*
        }
        mod in_mariadb {
            $(#[test] fn $name() { super::$name(crate::conformance::place::Place::mariadb()); })*
        }
    };
}
pub(super) use in_sqlite_and_mariadb;

/// A server of the test's own, for what reaches beyond a schema. Its temporary files lie in a folder of their own, since
/// a server that starts removes those of all others from the folder that they share.
pub(super) struct OwnServer {
    server: MariaDb,
    _scratch: TempDir,
}

impl OwnServer {
    pub(super) fn start() -> OwnServer {
        Self::start_with(MariaDb::options())
    }

    pub(super) fn start_with(options: testkit::mariadb::Options) -> OwnServer {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let server = options
            .arg(format!("--tmpdir={}", scratch.path().display()))
            .start();
        OwnServer {
            server,
            _scratch: scratch,
        }
    }
}

impl std::ops::Deref for OwnServer {
    type Target = MariaDb;

    fn deref(&self) -> &MariaDb {
        &self.server
    }
}

/// A dialect, and where its databases are made.
pub(super) enum Place {
    Sqlite,
    MariaDb(&'static MariaDb),
}

/// One database, gone with its value.
pub(super) enum Spot<'p> {
    Sqlite { _folder: TempDir, path: PathBuf },
    MariaDb(Schema<'p>),
}

impl Place {
    pub(super) fn sqlite() -> Place {
        Place::Sqlite
    }

    pub(super) fn mariadb() -> Place {
        Place::MariaDb(MariaDb::shared())
    }

    /// `None` where this machine has no MySQL, and whoever started the tests has said so.
    pub(super) fn mysql() -> Option<Place> {
        MariaDb::shared_mysql().map(Place::MariaDb)
    }

    pub(super) fn is_sqlite(&self) -> bool {
        matches!(self, Place::Sqlite)
    }

    /// The server on which its schemas are.
    pub(super) fn server(&self) -> &'static MariaDb {
        match self {
            Place::MariaDb(server) => server,
            Place::Sqlite => panic!("a file has no server"),
        }
    }

    /// The same protocol as MariaDB, and another server.
    pub(super) fn is_mysql(&self) -> bool {
        matches!(self, Place::MariaDb(server) if server.brand() == Brand::MySql)
    }

    /// A schema with something of everything that the dialect has.
    pub(super) fn everything(&self) -> &'static str {
        if self.is_mysql() {
            return include_str!("mysql.sql");
        }
        self.pick(include_str!("sqlite.sql"), include_str!("mariadb.sql"))
    }

    /// Of two texts the one for this dialect; the second is for both servers.
    pub(super) fn pick<'t>(&self, sqlite: &'t str, mariadb: &'t str) -> &'t str {
        if self.is_sqlite() { sqlite } else { mariadb }
    }

    /// An empty database.
    pub(super) fn empty(&self) -> Spot<'_> {
        match self {
            Place::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let path = folder.path().join("test.db");
                std::fs::write(&path, "").expect("an empty file is an empty database");
                Spot::Sqlite {
                    _folder: folder,
                    path,
                }
            }
            Place::MariaDb(server) => Spot::MariaDb(server.schema("h_db")),
        }
    }

    /// A database after `sql`.
    pub(super) fn with(&self, sql: &str) -> Spot<'_> {
        let spot = self.empty();
        spot.run(sql);
        spot
    }
}

impl Spot<'_> {
    pub(super) fn address(&self) -> Address {
        match self {
            Spot::Sqlite { path, .. } => Address::Sqlite { path: path.clone() },
            Spot::MariaDb(schema) => Address::parse(&schema.url()).expect("testkit's URL"),
        }
    }

    pub(super) fn open(&self) -> Box<dyn Database> {
        db::open(
            &self.address(),
            &Session {
                connections: 2,
                // So that tables of a test's size are divided too.
                chunk_bytes: 64 << 10,
                accept_untested: true,
                ..Session::default()
            },
        )
        .expect("opens")
    }

    /// The schema's name, or the file's path.
    pub(super) fn name(&self) -> String {
        self.address().database()
    }

    pub(super) fn path(&self) -> &PathBuf {
        match self {
            Spot::Sqlite { path, .. } => path,
            Spot::MariaDb(_) => panic!("a schema has no path"),
        }
    }

    /// Runs statements through the database's own library or client, not through the crate under test.
    pub(super) fn run(&self, sql: &str) {
        match self {
            Spot::Sqlite { path, .. } => {
                let connection = rusqlite::Connection::open(path).expect("opens");
                // Bundled SQLite has it on; the stock one has not, and fixtures hold cycles.
                connection
                    .execute_batch("PRAGMA foreign_keys=OFF")
                    .expect("pragma");
                connection
                    .execute_batch(sql)
                    .unwrap_or_else(|e| panic!("{e} in {sql}"));
            }
            Spot::MariaDb(schema) => {
                schema.query(sql);
            }
        }
    }

    pub(super) fn digest(&self) -> db::Digest {
        db::digest::compute(&mut *self.open(), None, &mut db::progress::silent()).expect("a digest")
    }
}
