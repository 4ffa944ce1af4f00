//! A service with a legacy database and the configuration that takes it to the next release, in a sandbox of its own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::port::Port;
use testkit::{Output, Process, Sandbox, program};

use super::fixture::fixture;
use super::mask::mask;

/// Signs the service's tokens. No output and no file of ours may hold it.
pub(crate) const SECRET: &str = "jwt-secret-that-nobody-may-see";

pub(crate) const MIGRATION: &str = "0002_especificaciones_json";

/// Where commands are typed, and what was said there.
pub(crate) struct Scene {
    // Dropped first: the service must be gone before its port is given back.
    sandbox: Sandbox,
    port: Option<Port>,
    env: RefCell<BTreeMap<String, String>>,
}

impl Scene {
    /// An empty folder.
    pub(crate) fn empty() -> Scene {
        Scene {
            sandbox: Sandbox::new(),
            port: None,
            env: RefCell::default(),
        }
    }

    /// A legacy database, release r1 deployed, r2 and its migration to come; no service runs.
    pub(crate) fn data() -> Scene {
        let scene = Scene::empty();
        scene.lay_out();
        scene.file("ventana.toml", &scene.configuration("r2", true));
        scene
    }

    /// The same with the service running release r1, and smoke checks.
    pub(crate) fn served() -> Scene {
        let mut scene = Scene::empty();
        scene.port = Some(Port::reserve().unwrap());
        scene.lay_out();
        std::fs::remove_file(scene.path("app/current")).unwrap();
        scene.env("JWT_SECRET", SECRET);
        scene.file("first.toml", &scene.configuration("r1", false));
        scene.file("ventana.toml", &scene.configuration("r2", true));
        scene.run("--config first.toml deploy").expect(0);
        scene
    }

    fn lay_out(&self) {
        std::fs::copy(fixture().join("legacy.db"), self.database()).unwrap();
        for name in ["r1", "r2"] {
            self.lay_release(&format!("build/{name}"), name);
        }
        self.lay_release("app/releases/r1", "r1");
        symlink("releases/r1", self.path("app/current")).unwrap();
    }

    /// A release folder whose program is a launcher of the fixture's: scenes are many, and programs large.
    fn lay_release(&self, at: &str, name: &str) {
        let from = fixture().join(name);
        for file in [
            "RELEASE".to_owned(),
            format!("migrations/{MIGRATION}/migration.toml"),
        ] {
            let bytes = std::fs::read(from.join(&file)).unwrap();
            self.sandbox.file(format!("{at}/{file}"), bytes);
        }
        let launcher = format!("#!/bin/sh\nexec {}/inventario \"$@\"\n", from.display());
        let program = self.file(&format!("{at}/inventario"), &launcher);
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// `ventana.toml` for a window to `release`, with or without the migration.
    pub(crate) fn configuration(&self, release: &str, migration: bool) -> String {
        let folder = self.sandbox.work().display();
        let mut text = format!(
            r#"service = "inventario"

[database]
url = "sqlite://{folder}/inventario.db"

[state]
dir = "state"

[backup]
dir = "backups"

[release]
root = "app"
source = "build/{release}"
"#
        );
        if migration {
            text.push_str(&format!("\n[migration]\nid = \"{MIGRATION}\"\n"));
        }
        if let Some(port) = &self.port {
            let database = format!("sqlite://{folder}/inventario.db");
            let environment = [("DATABASE_URL", database.as_str())];
            text.push_str(&testkit::fixtures::service(
                &["{current}/inventario", "serve"],
                &environment,
                port.number(),
            ));
        }
        text
    }

    /// Sets a variable of every command from here on; an empty value takes it away.
    pub(crate) fn env(&self, name: &str, value: impl Into<String>) {
        self.env.borrow_mut().insert(name.to_owned(), value.into());
    }

    /// Writes a file of the working folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        self.sandbox.file(name, text)
    }

    /// Changes `ventana.toml`; what is to be replaced must be there.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let text = self.read("ventana.toml");
        assert!(text.contains(from), "ventana.toml has no {from:?}");
        self.file("ventana.toml", &text.replacen(from, to, 1));
    }

    /// Appends to `ventana.toml`.
    pub(crate) fn configure_more(&self, more: &str) {
        let text = self.read("ventana.toml");
        self.file("ventana.toml", &format!("{text}\n{more}"));
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.sandbox.path(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("inventario.db")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let port = self.port.as_ref().expect("a scene with a service").number();
        format!("http://127.0.0.1:{port}{path}")
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The stock client: the data as the database itself shows them.
    pub(crate) fn sqlite(&self, sql: &str) -> String {
        let client = program::find("sqlite3").unwrap();
        let output = Process::within(&self.sandbox, client)
            .arg(self.database())
            .arg(sql)
            .run()
            .ok();
        output.stdout.trim_end().to_owned()
    }

    /// The release that `current` names.
    pub(crate) fn current(&self) -> String {
        let target = std::fs::read_link(self.path("app/current")).unwrap();
        target.file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// `ventana` with these arguments, separated by blanks; `'…'` keeps blanks together.
    pub(crate) fn ventana(&self, line: &str) -> Process {
        let mut process = Process::within(&self.sandbox, env!("CARGO_BIN_EXE_ventana")).args(words(line));
        for (name, value) in self.env.borrow().iter().filter(|(_, value)| !value.is_empty()) {
            process = process.env(name, value);
        }
        process
    }

    /// Types a command.
    pub(crate) fn run(&self, line: &str) -> Said {
        let output = self.ventana(line).run();
        Said {
            masked: self.masked(line, &output),
            output,
        }
    }

    /// Types a command with `--json`: stdout is one document, stderr JSON lines, whatever the exit code.
    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> Json {
        let said = self.run(&format!("--json {line}"));
        let document: Value = said.output.json();
        assert!(document.is_object(), "{}", said.output);
        for line in said.output.stderr.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|error| {
                panic!("stderr has a line that is not JSON: {error}\n{}", said.output)
            });
            assert!(event["event"].is_string(), "no event: {line}");
        }
        Json { said, document }
    }

    fn masked(&self, line: &str, output: &Output) -> String {
        let places = [
            (self.sandbox.work(), "[work]"),
            (self.sandbox.temp(), "[tmp]"),
            (fixture(), "[fixture]"),
        ];
        let code = output.code.map_or_else(
            || format!("signal {:?}", output.signal),
            |code| format!("exit {code}"),
        );
        let mut text = format!("$ ventana {line}\n{}", output.stdout);
        if !output.stderr.is_empty() && !line.starts_with("--json") {
            text.push_str(&format!("--- stderr\n{}", output.stderr));
        }
        text.push_str(&format!("--- {code}\n"));
        mask(&text, &places)
    }

    /// Every file below the working folder with its content, to show that nothing was changed.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        below(self.sandbox.work(), &mut found);
        found
    }

    /// The folder of the newest run that is no rehearsal.
    pub(crate) fn run_dir(&self) -> PathBuf {
        let mut runs: Vec<PathBuf> = std::fs::read_dir(self.path("state/runs"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.to_string_lossy().contains("rehearsal"))
            .collect();
        runs.sort();
        runs.pop().expect("a run")
    }
}

fn below(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = std::fs::symlink_metadata(&path).unwrap();
        if about.is_dir() {
            found.insert(path.clone(), Vec::new());
            below(&path, found);
        } else if about.is_symlink() {
            let target = std::fs::read_link(&path).unwrap();
            found.insert(path, target.to_string_lossy().into_owned().into_bytes());
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
}

fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    quoted
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

/// A command and what it said. Displayed with everything masked that differs from run to run.
pub(crate) struct Said {
    pub(crate) output: Output,
    masked: String,
}

impl Said {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Said {
        assert!(
            self.output.code == Some(code),
            "exit code {code} expected\n{}",
            self.output
        );
        self
    }

    /// All that was said, unmasked.
    pub(crate) fn everything(&self) -> String {
        format!("{}{}", self.output.stdout, self.output.stderr)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked)
    }
}

/// A command's document.
pub(crate) struct Json {
    pub(crate) said: Said,
    pub(crate) document: Value,
}

impl Json {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Json {
        Json {
            said: self.said.expect(code),
            document: self.document,
        }
    }

    /// Asserts that it is a failure's document and nothing else: code, message, and what to do next.
    #[track_caller]
    pub(crate) fn fails(self, exit: i32, code: &str) -> Failed {
        let Json { said, document } = self.expect(exit);
        let error = &document["error"];
        assert_eq!(error["code"], code, "{}", said.output);
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        let message = text("message").unwrap_or_else(|| panic!("no message\n{}", said.output));
        assert_eq!(document.as_object().unwrap().len(), 1, "{}", said.output);
        Failed {
            message,
            hint: text("hint").unwrap_or_default(),
        }
    }

    /// A text of the document.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        let value = self.document[name].as_str();
        value
            .unwrap_or_else(|| panic!("{name} is no text\n{}", self.said.output))
            .to_owned()
    }

    /// The events of stderr as `event step`, without those whose number is a matter of speed.
    pub(crate) fn events(&self) -> String {
        let lines = self.said.output.json_lines();
        lines
            .iter()
            .filter(|line| line["event"] != "progress" && line["event"] != "log")
            .map(|line| {
                let about = ["step", "on", "outcome"]
                    .into_iter()
                    .find(|name| !line[*name].is_null());
                let about = about.map_or_else(String::new, |name| match &line[name] {
                    Value::String(text) => format!(" {text}"),
                    other => format!(" {name}={other}"),
                });
                format!("{}{about}\n", line["event"].as_str().unwrap_or_default())
            })
            .collect()
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said.fmt(f)
    }
}

/// A failure as its document tells it.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) message: String,
    pub(crate) hint: String,
}
