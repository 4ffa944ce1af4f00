//! The scene of a drill: the service `inventario` on release r1 with a legacy SQLite database, and a `ventana.toml`
//! that takes it to r2. Everything runs from the built binaries, in a sandbox of its own.

#[path = "world/configuration.rs"]
mod configuration;
#[path = "world/data.rs"]
pub(crate) mod data;
#[path = "world/pairs.rs"]
pub(crate) mod pairs;
#[path = "world/writer.rs"]
pub(crate) mod writer;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::port::Port;
use testkit::process::{Signal, TIMEOUT};
use testkit::{Output, Process, Sandbox, Service, bin, http};

/// Signs the service's tokens.
pub(crate) const SECRET: &str = "secret-of-a-drill";

/// What scenes are made from, once for a whole drill: two release folders and a legacy database.
#[derive(Debug)]
pub(crate) struct Fixture {
    sandbox: Sandbox,
}

impl Fixture {
    /// About 300 activos with every class of dirt, and 900 mantenimientos.
    pub(crate) fn new() -> Arc<Fixture> {
        let fixture = Fixture {
            sandbox: Sandbox::new(),
        };
        for name in ["r1", "r2"] {
            let folder = fixture.release(name);
            fixture
                .inventario()
                .args(["release", folder.to_str().unwrap(), "--name", name])
                .run()
                .ok();
        }
        fixture
            .inventario()
            .args([
                "demo-data",
                "--activos",
                "300",
                "--mantenimientos",
                "900",
                "--seed",
                "7",
            ])
            .env(
                "DATABASE_URL",
                format!("sqlite://{}", fixture.database().display()),
            )
            .run()
            .ok();
        // Scenes copy this one file, so nothing may be left beside it.
        assert!(
            !fixture.sandbox.path("legacy.db-wal").exists(),
            "demo-data has closed its database"
        );
        Arc::new(fixture)
    }

    /// The legacy database that every scene begins with.
    pub(crate) fn database(&self) -> PathBuf {
        self.sandbox.path("legacy.db")
    }

    /// A release folder as `inventario release` writes it.
    pub(crate) fn release(&self, name: &str) -> PathBuf {
        self.sandbox.path(name)
    }

    fn inventario(&self) -> Process {
        Process::within(&self.sandbox, bin("inventario"))
    }
}

/// How a release lies in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Releases {
    /// The whole folder, as large as the program.
    Whole,
    /// The folder with a launcher of the fixture's program: enough where the release itself is not what is drilled, and
    /// a hundred scenes need no gigabytes.
    Launched,
}

/// A scratch folder with a database, two releases, a configuration; the service runs once [`Scene::start`] was called.
#[derive(Debug)]
pub(crate) struct Scene {
    // Dropped first: the service must be gone before its port is given back.
    sandbox: Sandbox,
    port: Port,
    fixture: Arc<Fixture>,
}

impl Scene {
    /// A scene whose service runs release r1.
    pub(crate) fn new(fixture: &Arc<Fixture>) -> Scene {
        let scene = Scene::prepare(fixture, Releases::Launched);
        scene.start();
        scene
    }

    /// Everything in its place, the service not started yet.
    pub(crate) fn prepare(fixture: &Arc<Fixture>, releases: Releases) -> Scene {
        let scene = Scene {
            sandbox: Sandbox::new(),
            port: Port::reserve().unwrap(),
            fixture: Arc::clone(fixture),
        };
        std::fs::copy(fixture.database(), scene.database()).unwrap();
        std::fs::create_dir(scene.path("fence")).unwrap();
        scene.lay_release("r1", "build/r1", releases);
        scene.lay_release("r2", "build/r2", releases);
        let text = configuration::text(scene.folder(), scene.port.number(), "r2");
        scene.sandbox.file(
            "ventana.toml",
            format!("{text}\n[migration]\nid = \"0002_especificaciones_json\"\n"),
        );
        scene.sandbox.file(
            "first.toml",
            configuration::text(scene.folder(), scene.port.number(), "r1"),
        );
        scene
    }

    /// Deploys r1 the way an operator does who has no migration to run.
    pub(crate) fn start(&self) {
        self.ventana_with("first.toml", ["deploy"]).run().ok();
        assert_eq!(self.current(), "r1");
    }

    /// Appends to `ventana.toml`.
    pub(crate) fn add_to_configuration(&self, text: &str) {
        let path = self.path("ventana.toml");
        let mut whole = std::fs::read_to_string(&path).unwrap();
        whole.push_str(&format!("\n{text}"));
        std::fs::write(&path, whole).unwrap();
    }

    fn lay_release(&self, name: &str, at: &str, releases: Releases) {
        let from = self.fixture.release(name);
        let migration = "migrations/0002_especificaciones_json/migration.toml";
        for file in ["RELEASE", migration] {
            let bytes = std::fs::read(from.join(file)).unwrap();
            self.sandbox.file(format!("{at}/{file}"), bytes);
        }
        let program = self.path(&format!("{at}/inventario"));
        if releases == Releases::Whole {
            std::fs::copy(from.join("inventario"), &program).unwrap();
            return;
        }
        let launcher = format!("#!/bin/sh\nexec {}/inventario \"$@\"\n", from.display());
        std::fs::write(&program, launcher).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The working folder.
    pub(crate) fn folder(&self) -> &Path {
        self.sandbox.work()
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.sandbox.path(relative)
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    pub(crate) fn fixture(&self) -> &Fixture {
        &self.fixture
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("inventario.db")
    }

    /// The flag file of the fence.
    pub(crate) fn flag(&self) -> PathBuf {
        self.path("fence/inventario.fence")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port.number())
    }

    /// `ventana --json` on this scene's configuration.
    pub(crate) fn ventana<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Process {
        self.ventana_with("ventana.toml", args)
    }

    fn ventana_with<'a>(&self, config: &str, args: impl IntoIterator<Item = &'a str>) -> Process {
        Process::within(&self.sandbox, bin("ventana"))
            .arg("--config")
            .arg(self.path(config))
            .arg("--json")
            .args(args)
            .env("JWT_SECRET", SECRET)
    }

    /// Runs a verb to its end.
    pub(crate) fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Output {
        self.ventana(args).run()
    }

    /// Ends the service that `ventana` keeps, and starts the deployed release as somebody does who never heard of it.
    pub(crate) fn exchange_service(&self) -> Service {
        stop_all(&self.sandbox);
        let service = Process::within(&self.sandbox, self.path("app/current/inventario"))
            .arg("serve")
            .env("PORT", self.port.number().to_string())
            .env("FENCE_FILE", self.flag())
            .env("DATABASE_URL", format!("sqlite://{}", self.database().display()))
            .env("JWT_SECRET", SECRET)
            .spawn();
        service.wait_url(&self.url("/healthz"));
        service
    }

    /// A token of the administrator.
    pub(crate) fn token(&self) -> String {
        let output = Process::within(&self.sandbox, bin("inventario"))
            .args(["token", "--email", "ana@empresa.example"])
            .env("JWT_SECRET", SECRET)
            .env("DATABASE_URL", format!("sqlite://{}", self.database().display()))
            .run()
            .ok();
        output.stdout.trim().to_owned()
    }

    /// Changes one field of an activo through the API.
    pub(crate) fn put(&self, token: &str, id: u32, body: &Value) -> http::Response {
        let url = self.url(&format!("/api/activos/{id}"));
        http::put(url)
            .bearer(token)
            .json(body)
            .send()
            .unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// The release that `current` points at.
    pub(crate) fn current(&self) -> String {
        let target = std::fs::read_link(self.path("app/current")).expect("`current` is a link");
        let name = target
            .strip_prefix("releases")
            .expect("`current` points into releases/");
        name.display().to_string()
    }

    /// The folder of the newest run.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.runs().pop().expect("there is a run")
    }

    /// Every run's folder, oldest first; rehearsals do not count.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path("state/runs")).into_iter().flatten();
        let mut runs: Vec<PathBuf> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.to_string_lossy().contains("rehearsal"))
            .collect();
        runs.sort();
        runs
    }

    /// The records of the newest run.
    pub(crate) fn journal(&self) -> Vec<Value> {
        data::journal(&self.run_dir().join("journal.jsonl"))
    }

    /// The service runs `release` and nothing else runs; `current` says the same; no fence; nothing left over.
    #[track_caller]
    pub(crate) fn assert_stands_at(&self, release: &str) {
        let schema = if release == "r1" { 1 } else { 2 };
        assert_eq!(self.current(), release, "the link `current`");
        let health = http::get(self.url("/healthz")).expect(200).json();
        assert_eq!(
            (&health["release"], &health["schema"], &health["database"]),
            (&release.into(), &schema.into(), &"ok".into()),
            "{health}"
        );
        assert!(
            !self.flag().exists(),
            "the flag file is there: {}",
            self.flag().display()
        );
        let residents = self.sandbox.processes();
        assert_eq!(residents.len(), 1, "the service and nobody else: {residents:?}");
        let remains = self.remains();
        assert!(remains.is_empty(), "left over: {remains:?}");
    }

    /// What no finished run may leave behind: scratch databases, half-made backups and releases.
    pub(crate) fn remains(&self) -> Vec<PathBuf> {
        let scratch = ["prove.db", "preflight.db", "rollback.db", "rehearsal.db"];
        let half = [".partial", ".part"];
        let mut found = data::files_below(self.folder());
        found.retain(|path| {
            let path = path.to_string_lossy();
            scratch.iter().any(|name| path.contains(name))
                || half
                    .iter()
                    .any(|end| path.split('/').any(|part| part.ends_with(end)))
        });
        found
    }
}

/// Ends in good order whatever runs in `sandbox`, as an operator does who knows of it.
pub(crate) fn stop_all(sandbox: &Sandbox) {
    let end = Instant::now() + TIMEOUT;
    while let Some(resident) = sandbox.processes().first() {
        assert!(Instant::now() < end, "does not end: {resident:?}");
        if let Some(pid) = rustix::process::Pid::from_raw(resident.pid) {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
