//! The service on a private MariaDB as an operator would have it: a legacy dump loaded by the stock client, an account
//! for `ventana` and one for the service, release r1 deployed and running, release r2 waiting in its folder.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use testkit::mariadb::Rows;
use testkit::port::Port;
use testkit::{MariaDb, Output, Process, Sandbox, bin, fixtures, http};

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
        let world = World {
            sandbox: Sandbox::new(),
            server: MariaDb::start(),
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
        let drops = schemas.into_iter().flatten().flatten().map(|name| format!("DROP DATABASE `{name}`;"));
        self.server.query(&drops.collect::<String>());
        self.server.query(&format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {SERVICE}"));
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
            for pid in residents.iter().filter_map(|resident| rustix::process::Pid::from_raw(resident.pid)) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            std::thread::yield_now();
        }
    }

    /// `ventana.toml` of this world.
    pub(crate) fn configuration(&self) -> String {
        let fence = self.path("fence/inventario.fence");
        let service = self.server.url("inventario", "del%20servicio", "inventario");
        format!(
            r#"service = "inventario"

[database]
url = "{admin}"

[state]
dir = "state"

[backup]
dir = "backups"
off_site = "off-site"

[fence]
file = "{fence}"
accounts = ["{SERVICE}"]
accept_writers = ["'root'@'localhost'", "'root'@'127.0.0.1'", "'root'@'{host}'", "'mariadb.sys'@'localhost'"]

[release]
root = "app"
source = "build/r2"

[process]
exec = ["/bin/sh", "{start}", "{{current}}"]
environment = {{ PORT = "{port}", FENCE_FILE = "{fence}", DATABASE_URL = "{service}", RUST_LOG = "warn" }}
pass_on = ["JWT_SECRET"]

[migration]
id = "0002_especificaciones_json"

[smoke]
url = "http://127.0.0.1:{port}"
within = 10
token = {{ secret_env = "JWT_SECRET", claims = {{ usuario = {{ id = 1, rol_id = 1 }} }} }}

[[smoke.check]]
name = "health"
path = "/healthz"
token = false
expect = {{ "/release" = "{{release}}", "/database" = "ok" }}

[[smoke.check]]
name = "list"
path = "/api/activos?limit=1"
not_empty = ""
save = {{ serial = "/0/numero_serie" }}

[[smoke.check]]
name = "a write reaches the database"
method = "POST"
path = "/api/activos"
body = {{ nombre = "smoke", numero_serie = "{{serial}}" }}
status = 409
write = true
"#,
            admin = self.server.url("ventana", "de%20ventana", "inventario"),
            host = self.server.value("SELECT @@hostname").unwrap(),
            start = self.path("start.sh").display(),
            fence = fence.display(),
            port = self.port.number(),
        )
    }

    /// Writes `ventana.toml` and the folders that an operator makes.
    #[track_caller]
    pub(crate) fn configure(&self, text: &str) {
        self.sandbox.file("ventana.toml", text);
        // A wrapper, as services have them; a drill can put something into `before-start.sh`.
        let start = "[ -e before-start.sh ] && . ./before-start.sh\nexec \"$1/inventario\" serve\n";
        self.sandbox.file("start.sh", format!("cd {}\n{start}", self.sandbox.work().display()));
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
        Process::within(&self.sandbox, bin("ventana")).args(args).env("JWT_SECRET", SECRET)
    }

    /// Runs `ventana --json …` to its end.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Output {
        self.ventana(&["--json", "--lang", "en"]).args(args).run()
    }

    /// `ventana run` that dies by SIGKILL at `place` of its journal, such as `after:33`.
    #[track_caller]
    pub(crate) fn die_at(&self, verb: &str, place: &str) -> Output {
        let output = self.ventana(&["--json", verb]).env("VENTANA_TEST_KILL", place).run();
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
        let refused = request.json(&serde_json::json!({ "notas": "through the fence" })).expect(503);
        assert!(refused.header("Retry-After").is_some_and(|wait| wait.parse::<u32>().is_ok()));
        assert_eq!(refused.json()["code"], "fenced");
    }

    /// The newest run's journal.
    #[track_caller]
    pub(crate) fn journal(&self) -> Journal {
        let runs = std::fs::read_dir(self.path("state/runs")).unwrap().flatten().map(|entry| entry.path());
        let newest = runs.filter(|run| run.join("journal.jsonl").is_file()).max();
        let text = std::fs::read_to_string(newest.expect("a run").join("journal.jsonl")).unwrap();
        Journal {
            records: text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        }
    }

    /// Statements as the service's account, in a session of its own.
    pub(crate) fn as_service(&self, sql: &str) -> Result<Rows, String> {
        self.server.query_as("inventario", "del servicio", "inventario", sql)
    }

    /// The service's grants as the server prints them.
    #[track_caller]
    pub(crate) fn grants(&self) -> Rows {
        self.server.query(&format!("SHOW GRANTS FOR {SERVICE}"))
    }

    /// Whether the fence is off in every way: flag file, grants, events.
    #[track_caller]
    pub(crate) fn assert_unfenced(&self, grants: &Rows, context: &str) {
        assert!(!self.path("fence/inventario.fence").exists(), "{context}: the flag file is still there");
        assert_eq!(&self.grants(), grants, "{context}: the service's grants");
        let events = "SELECT CONCAT_WS(' ', EVENT_NAME, DEFINER, STATUS) FROM information_schema.EVENTS WHERE EVENT_SCHEMA='inventario' AND STATUS<>'ENABLED'";
        assert_eq!(self.server.query(events), Rows::new(), "{context}: events that are off");
    }

    /// That no schema is left beside the live one.
    #[track_caller]
    pub(crate) fn assert_no_scratch(&self, context: &str) {
        let schemas = self.server.query("SHOW DATABASES LIKE 'inventario%'");
        assert_eq!(schemas, [[Some("inventario".to_owned())]], "{context}: schemas left behind");
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
    let answer = http::post(format!("{base}/api/usuarios/login")).json(&body).expect(200).json();
    answer["token"].as_str().expect("a token").to_owned()
}

/// A run's journal as it stands in the file.
pub(crate) struct Journal {
    pub(crate) records: Vec<Value>,
}

impl Journal {
    fn find(&self, event: &str, step: &str) -> Option<&Value> {
        self.records.iter().rfind(|record| record["event"] == event && record["step"] == step)
    }

    /// Number of the last record of this event and step.
    #[track_caller]
    pub(crate) fn seq(&self, event: &str, step: &str) -> u64 {
        let found = self.find(event, step).unwrap_or_else(|| panic!("no record {event} {step}"));
        found["seq"].as_u64().expect("a number")
    }

    /// When the last record of this event and step was written.
    #[track_caller]
    pub(crate) fn at(&self, event: &str, step: &str) -> Timestamp {
        let found = self.find(event, step).unwrap_or_else(|| panic!("no record {event} {step}"));
        found["at"].as_str().and_then(|at| at.parse().ok()).expect("a time")
    }

    /// What a finished step found out.
    #[track_caller]
    pub(crate) fn facts(&self, step: &str) -> &Value {
        &self.find("finished", step).unwrap_or_else(|| panic!("{step} has not finished"))["facts"]
    }
}

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
        dump.args(["--routines", "--triggers", "--events", "--skip-comments", "--skip-extended-insert"]);
        dump.args(["--order-by-primary", "--single-transaction", "--complete-insert"]).arg(schema);
        let output = dump.output().expect("mariadb-dump runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut lines: Vec<String> = text.lines().map(without_counter).collect();
        let floats = server.query_in(schema, "SELECT CONCAT('costo ', id, ' ', CAST(costo AS DOUBLE)) FROM mantenimientos ORDER BY id");
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
        self.lines.iter().filter(|line| !line.starts_with("INSERT INTO") && !line.starts_with("costo ")).collect()
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
            lines.map(|line| line.chars().take(400).collect::<String>()).collect::<Vec<_>>().join("\n  ")
        };
        panic!("{context}: the database differs\nexpected:\n  {}\nfound:\n  {}", only(expected, self), only(self, expected));
    }
}

/// ` AUTO_INCREMENT=17` goes: a refused insert moves it.
fn without_counter(line: &str) -> String {
    let Some((head, rest)) = line.split_once(" AUTO_INCREMENT=") else { return line.to_owned() };
    format!("{head}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// The stock client with its session open. The first error ends it, as it does a script.
pub(crate) struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Session {
    /// Opens it and waits for its first answer.
    #[track_caller]
    pub(crate) fn open(server: &MariaDb, user: &str, password: &str) -> Session {
        Session::try_open(server, user, password).unwrap()
    }

    /// [`Session::open`] where the server may be refusing.
    pub(crate) fn try_open(server: &MariaDb, user: &str, password: &str) -> Result<Session, String> {
        let mut command = server.client();
        command.args(["--batch", "--skip-column-names", "--unbuffered", "--skip-reconnect", "--database=inventario"]);
        command.arg(format!("--user={user}")).env("MYSQL_PWD", password);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut session = Session { child, stdin, stdout };
        session.run("SELECT 1").map(|_| session)
    }

    /// Runs a statement and returns the lines of its result; `Err` is what the client said when it ended.
    pub(crate) fn run(&mut self, sql: &str) -> Result<Vec<String>, String> {
        const END: &str = "-- end of the answer --";
        let sent = self.stdin.as_mut().map(|pipe| writeln!(pipe, "{sql};\nSELECT '{END}';"));
        let mut lines = Vec::new();
        if matches!(sent, Some(Ok(()))) {
            let mut line = String::new();
            while self.stdout.read_line(&mut line).is_ok_and(|read| read > 0) {
                if line.trim_end() == END {
                    return Ok(lines);
                }
                lines.push(std::mem::take(&mut line).trim_end_matches('\n').to_owned());
            }
        }
        self.stdin = None;
        let mut said = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            let _ = stderr.read_to_string(&mut said);
        }
        Err(if said.trim().is_empty() { "the session is over".into() } else { said.trim().to_owned() })
    }

    /// Sends a statement without waiting for its answer: it is meant to hang or to hold a lock.
    #[track_caller]
    pub(crate) fn send(&mut self, sql: &str) {
        let pipe = self.stdin.as_mut().expect("an open session");
        writeln!(pipe, "{sql};").unwrap();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
