//! The service on a private MariaDB as an operator would have it: a legacy dump loaded by the stock client, an account
//! for `ventana` and one for the service, release r1 deployed and running, release r2 waiting in its folder.

#[path = "world_mariadb/configuration.rs"]
mod configuration;
#[path = "world_mariadb/journal.rs"]
mod journal;
#[path = "world_mariadb/session.rs"]
mod session;
#[path = "world_mariadb/state.rs"]
mod state;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::mariadb::{Options, Rows};
use testkit::port::Port;
use testkit::{MariaDb, Output, Process, Sandbox, bin, fixtures, http};

pub(crate) use journal::Journal;
pub(crate) use session::Session;
pub(crate) use state::State;

/// The service's account, as grants name it.
pub(crate) const SERVICE: &str = "'inventario'@'127.0.0.1'";
const SECRET: &str = "a-secret-of-the-drills-0123456789";

/// A server, a service and everything that `ventana` needs for a window. The service goes before the server.
pub(crate) struct World {
    sandbox: Sandbox,
    pub(crate) server: MariaDb,
    port: Port,
}

impl World {
    /// Everything in place, r1 running on `dump`.
    #[track_caller]
    pub(crate) fn new(dump: &Path) -> World {
        let world = World::bare();
        world.load(dump);
        world.deploy();
        world
    }

    /// The server with its accounts and an empty schema; no release is deployed yet.
    #[track_caller]
    pub(crate) fn bare() -> World {
        World::on(&MariaDb::options())
    }

    /// [`World::bare`] on a server with other settings.
    #[track_caller]
    pub(crate) fn on(options: &Options) -> World {
        let world = World {
            sandbox: Sandbox::new(),
            server: options.start(),
            port: Port::reserve().unwrap(),
        };
        for release in ["r1", "r2"] {
            world.release(release);
        }
        world.server.query(
            "DROP USER IF EXISTS 'root'@'::1';
             CREATE USER 'ventana'@'127.0.0.1' IDENTIFIED BY 'de ventana';
             GRANT ALL PRIVILEGES ON *.* TO 'ventana'@'127.0.0.1' WITH GRANT OPTION;
             CREATE USER 'inventario'@'127.0.0.1' IDENTIFIED BY 'del servicio';
             CREATE USER 'lector'@'127.0.0.1' IDENTIFIED BY 'de lectura'",
        );
        world.configure(&world.configuration());
        world
    }

    /// Writes a release folder, as the builders of the service hand it over.
    #[track_caller]
    pub(crate) fn release(&self, name: &str) {
        let folder = self.path("build").join(name);
        Process::within(&self.sandbox, bin("inventario"))
            .arg("release")
            .arg(folder)
            .args(["--name", name])
            .run()
            .ok();
    }

    /// From now on a release is a launcher of the program that [`World::release`] wrote: drills that go through many
    /// windows need not copy and hash it each time. Takes effect with the next [`World::reset`].
    pub(crate) fn lighten_releases(&self) {
        for name in ["r1", "r2"] {
            let (light, whole) = (self.path("build").join(name), self.path("whole").join(name));
            std::fs::create_dir_all(self.path("whole")).unwrap();
            std::fs::rename(&light, &whole).unwrap();
            std::fs::create_dir(&light).unwrap();
            let copied = std::process::Command::new("/bin/cp")
                .arg("-r")
                .args([whole.join("RELEASE"), whole.join("migrations"), light.clone()])
                .status();
            assert!(copied.unwrap().success());
            let launcher = format!("#!/bin/sh\nexec {}/inventario \"$@\"\n", whole.display());
            let program = light.join("inventario");
            std::fs::write(&program, launcher).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(program, mode).unwrap();
        }
    }

    /// The schema `inventario` from `dump` and the accounts' rights on it. An event is added: dumps of this kind have
    /// none.
    #[track_caller]
    pub(crate) fn load(&self, dump: &Path) {
        self.server.load(dump);
        self.server.query(
            "GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON inventario.* TO 'inventario'@'127.0.0.1';
             GRANT SELECT ON inventario.* TO 'lector'@'127.0.0.1';
             CREATE DEFINER='root'@'localhost' EVENT inventario.limpieza ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00'
               DO UPDATE inventario.mantenimientos SET observaciones=TRIM(observaciones) WHERE id=-1",
        );
    }

    /// Deploys r1 as an operator does the first time, and waits until it is healthy.
    #[track_caller]
    pub(crate) fn deploy(&self) {
        let first = self
            .configuration()
            .replace("source = \"build/r2\"", "source = \"build/r1\"")
            .replace("[migration]\nid = \"0002_especificaciones_json\"\n", "");
        self.sandbox.file("first.toml", first);
        self.ventana(&["--config", "first.toml", "deploy"]).run().ok();
        assert_eq!(self.health(), ("r1".into(), 1));
    }

    /// Back to where [`World::new`] left it, with the data of `dump`; the server stays.
    #[track_caller]
    pub(crate) fn reset(&self, dump: &Path) {
        self.end_service();
        for folder in ["state", "backups", "off-site", "app", "fence"] {
            let path = self.path(folder);
            if path.exists() {
                std::fs::remove_dir_all(path).unwrap();
            }
        }
        let schemas = self.server.query("SHOW DATABASES LIKE 'inventario%'");
        let drops = schemas
            .into_iter()
            .flatten()
            .flatten()
            .map(|name| format!("DROP DATABASE `{name}`;"));
        self.server.query(&drops.collect::<String>());
        self.server
            .query(&format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {SERVICE}"));
        self.configure(&self.configuration());
        self.load(dump);
        self.deploy();
    }

    /// Ends what runs in the sandbox: the service, whoever started it.
    #[track_caller]
    pub(crate) fn end_service(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let residents = self.sandbox.processes();
            if residents.is_empty() {
                return;
            }
            assert!(Instant::now() < end, "the service does not end: {residents:?}");
            for pid in residents
                .iter()
                .filter_map(|resident| rustix::process::Pid::from_raw(resident.pid))
            {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            std::thread::yield_now();
        }
    }

    /// Writes `ventana.toml` and the folders that an operator makes.
    #[track_caller]
    pub(crate) fn configure(&self, text: &str) {
        self.sandbox.file("ventana.toml", text);
        // A wrapper, as services have them; a drill can put something into `before-start.sh`.
        let start = "[ -e before-start.sh ] && . ./before-start.sh\nexec \"$1/inventario\" serve\n";
        self.sandbox.file(
            "start.sh",
            format!("cd {}\n{start}", self.sandbox.work().display()),
        );
        for folder in ["state", "fence"] {
            std::fs::create_dir_all(self.path(folder)).unwrap();
        }
    }

    /// A file or folder of the operator's.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.sandbox.path(relative)
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The built `ventana`, in the operator's folder.
    pub(crate) fn ventana(&self, args: &[&str]) -> Process {
        Process::within(&self.sandbox, bin("ventana"))
            .args(args)
            .env("JWT_SECRET", SECRET)
    }

    /// Runs `ventana --json …` to its end.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Output {
        self.ventana(&["--json", "--lang", "en"]).args(args).run()
    }

    /// `ventana run` that dies by SIGKILL at `place` of its journal, such as `after:33`.
    #[track_caller]
    pub(crate) fn die_at(&self, verb: &str, place: &str) -> Output {
        let output = self
            .ventana(&["--json", verb])
            .env("VENTANA_TEST_KILL", place)
            .run();
        assert_eq!(output.signal, Some(9), "at {place}\n{output}");
        output
    }

    /// An address of the service.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port.number())
    }

    /// Release and schema version that the running service names.
    #[track_caller]
    pub(crate) fn health(&self) -> (String, u64) {
        let health = http::get(self.url("/healthz")).expect(200).json();
        let release = health["release"].as_str().unwrap_or_default().to_owned();
        (release, health["schema"].as_u64().unwrap_or_default())
    }

    /// A token of the first user of the dump, by its password.
    #[track_caller]
    pub(crate) fn login(&self) -> String {
        let (email, password, _) = fixtures::LOGINS[0];
        login(&self.url(""), email, password)
    }

    /// Asserts that an HTTP write is refused as the fence does.
    #[track_caller]
    pub(crate) fn fenced_over_http(&self, token: &str) {
        let request = http::put(self.url("/api/activos/1")).bearer(token);
        let refused = request
            .json(&serde_json::json!({ "notas": "through the fence" }))
            .expect(503);
        assert!(
            refused
                .header("Retry-After")
                .is_some_and(|wait| wait.parse::<u32>().is_ok())
        );
        assert_eq!(refused.json()["code"], "fenced");
    }

    /// The newest run's journal.
    #[track_caller]
    pub(crate) fn journal(&self) -> Journal {
        let runs = std::fs::read_dir(self.path("state/runs"))
            .unwrap()
            .flatten()
            .map(|entry| entry.path());
        let newest = runs.filter(|run| run.join("journal.jsonl").is_file()).max();
        let text = std::fs::read_to_string(newest.expect("a run").join("journal.jsonl")).unwrap();
        Journal {
            records: text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect(),
        }
    }

    /// Statements as the service's account, in a session of its own.
    pub(crate) fn as_service(&self, sql: &str) -> Result<Rows, String> {
        self.server
            .query_as("inventario", "del servicio", "inventario", sql)
    }

    /// The service's grants as the server prints them.
    #[track_caller]
    pub(crate) fn grants(&self) -> Rows {
        self.server.query(&format!("SHOW GRANTS FOR {SERVICE}"))
    }

    /// Whether the fence is off in every way: flag file, grants, events.
    #[track_caller]
    pub(crate) fn assert_unfenced(&self, grants: &Rows, context: &str) {
        assert!(
            !self.path("fence/inventario.fence").exists(),
            "{context}: the flag file is still there"
        );
        assert_eq!(&self.grants(), grants, "{context}: the service's grants");
        let events = "SELECT CONCAT_WS(' ', EVENT_NAME, DEFINER, STATUS) FROM information_schema.EVENTS WHERE EVENT_SCHEMA='inventario' AND STATUS<>'ENABLED'";
        assert_eq!(
            self.server.query(events),
            Rows::new(),
            "{context}: events that are off"
        );
    }

    /// That no schema is left beside the live one.
    #[track_caller]
    pub(crate) fn assert_no_scratch(&self, context: &str) {
        let schemas = self.server.query("SHOW DATABASES LIKE 'inventario%'");
        assert_eq!(
            schemas,
            [[Some("inventario".to_owned())]],
            "{context}: schemas left behind"
        );
    }

    /// Data and definitions of the live schema through the stock client.
    #[track_caller]
    pub(crate) fn state(&self) -> State {
        State::of(&self.server, "inventario")
    }

    /// A session of the stock client that stays open.
    #[track_caller]
    pub(crate) fn session(&self, user: &str, password: &str) -> Session {
        Session::open(&self.server, user, password)
    }
}

/// A token of an account by its password.
#[track_caller]
pub(crate) fn login(base: &str, email: &str, password: &str) -> String {
    let body = serde_json::json!({ "email": email, "password": password });
    let answer = http::post(format!("{base}/api/usuarios/login"))
        .json(&body)
        .expect(200)
        .json();
    answer["token"].as_str().expect("a token").to_owned()
}

/// Waits until `look` gives a value. Fails after a minute.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < end, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(3));
    }
}
