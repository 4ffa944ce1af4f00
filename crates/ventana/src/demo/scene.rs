//! The scene: a scratch folder with a legacy database, two releases, a configuration, and the service running.

use super::server::Server;
use super::{Args, Kind, write};
use crate::cli::Context;
use crate::config::Config;
use crate::error::{Failure, io};
use crate::host::process::Service;
use crate::host::{clock, files};
use crate::steps::wait_healthy;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

/// The secret of the demo's tokens: the folder is scratch, and so is this.
const JWT_SECRET: &str = "demo-secret-of-a-scratch-folder";

/// Everything that the demo built.
pub struct Scene {
    pub folder: PathBuf,
    pub port: u16,
    pub generated: Value,
    config: Config,
    pub server: Option<Server>,
    kept: AtomicBool,
}

impl Scene {
    /// Builds it and starts release 1.
    pub fn build(cx: &Context, args: &Args) -> Result<Scene, Failure> {
        let folder = folder(args)?;
        let inventario = binary(args)?;
        let port = free_port(cx, args.port)?;
        let server = match args.database {
            Kind::Sqlite => None,
            Kind::Mariadb => Some(Server::start(&folder)?),
        };
        cx.out.say(
            "scene",
            &format!(
                "{} {}",
                cx.out.language.pick("carpeta", "folder"),
                folder.display()
            ),
        );
        let (admin_url, service_url) = match &server {
            None => {
                let url = format!("sqlite://{}", folder.join("inventario.db").display());
                (url.clone(), url)
            }
            Some(server) => (
                server.url("ventana", "ventana"),
                server.url("inventario", "inventario"),
            ),
        };
        for release in ["r1", "r2"] {
            let from = folder.join("build").join(release);
            let made = command(&inventario)
                .args(["release", &from.display().to_string(), "--name", release])
                .output();
            said("inventario release", made)?;
        }
        let counts = [
            args.rows.to_string(),
            (args.rows * 3).to_string(),
            args.seed.to_string(),
        ];
        let generated = command(&inventario)
            .args([
                "--json",
                "demo-data",
                "--activos",
                &counts[0],
                "--mantenimientos",
                &counts[1],
                "--seed",
                &counts[2],
            ])
            .env("DATABASE_URL", &admin_url)
            .output();
        let generated: Value =
            serde_json::from_str(&said("inventario demo-data", generated)?).unwrap_or(Value::Null);
        let text = configuration(&folder, port, &admin_url, &service_url, server.as_ref(), args);
        write(&folder.join("ventana.toml"), &text)?;
        let mut vars = cx.config.vars.clone();
        for name in [
            "DATABASE_URL",
            "DB_HOST",
            "DB_PORT",
            "DB_USER",
            "DB_NAME",
            "DB_DATABASE",
            "DB_PASS",
            "DB_PASSWORD",
            "BACKUP_DIR",
        ] {
            vars.unset(name);
        }
        vars.set("JWT_SECRET", JWT_SECRET);
        vars.set("DATABASE_URL_SERVICE", &service_url);
        let config = Config::load(&folder.join("ventana.toml"), true, "production", vars)?;
        let app = folder.join("app");
        files::copy_folder(&folder.join("build/r1"), &app.join("releases/r1"))?;
        files::point_link(&app.join("current"), Path::new("releases/r1"))?;
        std::fs::create_dir_all(folder.join("fence")).map_err(io("cannot make the fence's folder"))?;
        std::fs::create_dir_all(config.state_dir()).map_err(io("cannot make the state folder"))?;
        let scene = Scene {
            folder,
            port,
            generated,
            config,
            server,
            kept: AtomicBool::new(false),
        };
        Service::of(&scene.config).map_or(Ok(()), |s| s.restart())?;
        wait_healthy(&scene.config, Some("r1"), &|| false)?;
        cx.out.say(
            "service",
            &format!(
                "{} r1 {} {} · ana@empresa.example / Cambiar-2025",
                cx.out.language.pick("versión", "release"),
                cx.out.language.pick("en", "at"),
                scene.url()
            ),
        );
        Ok(scene)
    }

    /// The demo's own context: its configuration, the caller's output.
    pub fn context(&self, cx: &Context) -> Result<Context, Failure> {
        Ok(Context {
            config: self.config.clone(),
            out: cx.out,
            yes: cx.yes,
            accept_untested: cx.accept_untested,
        })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn database_url(&self) -> String {
        self.config
            .database
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn document(&self) -> Value {
        json!({ "folder": self.folder, "config": self.folder.join("ventana.toml"), "database_url": self.database_url(), "url": self.url(),
            "classes": self.generated.get("classes"), "findings": self.generated.get("findings") })
    }

    /// What to type next, for `--prepare-only`.
    pub fn ready(&self, cx: &Context) -> String {
        format!(
            "{}\n  cd {}\n  export JWT_SECRET={JWT_SECRET}\n  ventana plan && ventana rehearse && ventana run",
            cx.out.language.pick("listo; siga con", "ready; go on with"),
            self.folder.display()
        )
    }

    /// Leaves service and server running when the demo ends.
    pub fn keep(&self) {
        self.kept.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    /// Stops the service and the private server; the folder stays.
    pub fn stop(&self) -> Result<(), Failure> {
        if self.kept.load(std::sync::atomic::Ordering::SeqCst) {
            return Ok(());
        }
        if let Some(service) = Service::of(&self.config) {
            service.stop()?;
        }
        if let Some(server) = &self.server {
            server.stop();
        }
        Ok(())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // On the way out of a failure too: nothing of the demo may go on running.
        let _ = self.stop();
    }
}

fn folder(args: &Args) -> Result<PathBuf, Failure> {
    let path = match &args.folder {
        Some(folder) => std::path::absolute(folder).map_err(io("cannot resolve --folder"))?,
        None => std::env::temp_dir().join(format!("ventana-demo-{}-{}", clock::stamp(), std::process::id())),
    };
    if path.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::usage(format!("{} is not empty", path.display())).hint("name a fresh folder"));
    }
    std::fs::create_dir_all(&path).map_err(io(format!("cannot make {}", path.display())))?;
    Ok(path)
}

fn binary(args: &Args) -> Result<PathBuf, Failure> {
    let path = match &args.inventario {
        Some(path) => path.clone(),
        None => std::env::current_exe()
            .map_err(io("cannot find ventana's own file"))?
            .with_file_name("inventario"),
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(
        Failure::usage(format!("the service's binary is not at {}", path.display()))
            .hint("build it (`cargo build --release -p inventario`) or name it with --inventario FILE"),
    )
}

/// The port asked for, or the next free one, said clearly.
fn free_port(cx: &Context, first: u16) -> Result<u16, Failure> {
    for port in first..first.saturating_add(200) {
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            if port != first {
                cx.out.say(
                    "port",
                    &format!(
                        "{first} {} {port}",
                        cx.out.language.pick("está ocupado; se usa", "is taken; using")
                    ),
                );
            }
            return Ok(port);
        }
    }
    Err(Failure::failed("port", format!("no free port from {first} on")).hint("name one with --port"))
}

/// A command of the demo's service with an empty environment.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command
}

/// What a program said on stdout, or the failure with what it said on stderr.
fn said(what: &str, output: std::io::Result<std::process::Output>) -> Result<String, Failure> {
    let output = output.map_err(io(format!("cannot run {what}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Failure::failed(
        "demo",
        format!(
            "{what} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    ))
}

fn configuration(
    folder: &Path,
    port: u16,
    admin: &str,
    service: &str,
    server: Option<&Server>,
    args: &Args,
) -> String {
    let fence = match server {
        None => String::new(),
        Some(_) => {
            "accounts = [\"'inventario'@'127.0.0.1'\"]\naccept_writers = [\"'root'@'localhost'\"]\n".into()
        }
    };
    // A service that never becomes healthy need not be waited for long.
    let within = if args.fail_at.is_some() { 3 } else { 30 };
    format!(
        r#"# Made by `ventana demo`.
service = "inventario"

[database]
url = "{admin}"

[state]
dir = "state"

[backup]
dir = "backups"
off_site = "off-site"

[fence]
file = "{folder}/fence/inventario.fence"
{fence}
[release]
root = "app"
source = "build/r2"

[process]
exec = ["{{current}}/inventario", "serve"]
environment = {{ PORT = "{port}", FENCE_FILE = "{folder}/fence/inventario.fence", DATABASE_URL = "{service}" }}
pass_on = ["JWT_SECRET"]

[migration]
id = "0002_especificaciones_json"

[smoke]
url = "http://127.0.0.1:{port}"
within = {within}
token = {{ secret_env = "JWT_SECRET", claims = {{ usuario = {{ id = 1, rol_id = 1 }} }} }}

[[smoke.check]]
name = "health"
path = "/healthz"
token = false
expect = {{ "/release" = "{{release}}", "/database" = "ok" }}

[[smoke.check]]
name = "list of assets"
path = "/api/activos?limit=1"
not_empty = ""
save = {{ serial = "/0/numero_serie" }}

[[smoke.check]]
name = "without a token nothing is shown"
path = "/api/activos?limit=1"
token = false
status = 401

# Reaches the database and is refused there by the unique serial: writes work, and nothing is left behind.
[[smoke.check]]
name = "a write reaches the database"
method = "POST"
path = "/api/activos"
body = {{ nombre = "smoke", numero_serie = "{{serial}}" }}
status = 409
write = true
"#,
        folder = folder.display()
    )
}
