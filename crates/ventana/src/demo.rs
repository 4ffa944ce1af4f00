//! The main job on the embedded default: a service with legacy data, taken through a whole window, and back again when
//! something is made to fail.
#![allow(
    clippy::disallowed_methods,
    reason = "the demo is its own operator: it starts programs and writes configuration"
)]

mod faults;
mod scene;
mod server;
mod summary;

use crate::cli::{Context, Done};
use crate::error::{Failure, io};
use crate::ui::Live;
use crate::window::planner;
use faults::Fault;
use scene::Scene;
use std::path::PathBuf;

/// Which database the demo's service keeps its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Sqlite,
    Mariadb,
}

/// Options of `demo`.
#[derive(clap::Args, Clone)]
pub struct Args {
    /// Assets in the generated inventory; three times as many maintenance records
    #[arg(long, default_value_t = 10_000)]
    pub rows: u64,
    /// Seed of the generator
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Database of the service; `mariadb` starts a private server
    #[arg(long, value_enum, default_value = "sqlite")]
    pub database: Kind,
    /// Make this step really fail, by a real fault (docs/DEMO.md lists them)
    #[arg(long, value_name = "STEP")]
    pub fail_at: Option<String>,
    /// Stop the service at the end and keep the folder
    #[arg(long)]
    pub once: bool,
    /// Folder to work in; a fresh one when left out
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// First port to try for the service
    #[arg(long, default_value_t = 3001)]
    pub port: u16,
    /// The `inventario` binary; the one beside `ventana` when left out
    #[arg(long, value_name = "FILE")]
    pub inventario: Option<PathBuf>,
    /// Skip the rehearsal
    #[arg(long)]
    pub no_rehearsal: bool,
    /// Prepare everything and stop before the window: for trying the verbs by hand
    #[arg(long)]
    pub prepare_only: bool,
}

pub fn run(cx: &Context, args: Args) -> Done {
    let fault = args
        .fail_at
        .as_deref()
        .map(|step| Fault::at(step, args.database))
        .transpose()?;
    let scene = Scene::build(cx, &args)?;
    let cx = scene.context(cx)?;
    if args.prepare_only {
        cx.out.result(&scene.document(), || scene.ready(&cx));
        scene.keep();
        if let Some(server) = &scene.server {
            server.keep();
        }
        return Ok(0);
    }
    let plan = planner::make(&cx.config)?;
    plan.save(&cx.config.state_dir().join(crate::window::PLAN))?;
    if !args.no_rehearsal {
        let rehearsed = crate::cli::rehearse(&cx, &plan)?;
        if !rehearsed.passed() {
            return Err(Failure::verification(
                "the rehearsal did not pass: the window is not begun",
            ));
        }
    }
    // Planned again, so that the view knows the times of the rehearsal; the digest is the same.
    let plan = planner::make(&cx.config)?;
    let title = cx
        .out
        .language
        .pick("ventana de mantenimiento", "maintenance window")
        .to_string();
    let live = Live::new(cx.out, &plan.plan, &plan.expected_ms, title);
    let watcher = faults::Watched {
        live: &live,
        fault,
        scene: &scene,
    };
    let ended = crate::cli::begin_with(&cx, &plan, &watcher)?;
    watcher.mend();
    let document = summary::document(&scene, &ended);
    cx.out.result(&document, || summary::text(&cx, &scene, &ended));
    if !args.once {
        wait(&cx, &scene)?;
    }
    scene.stop()?;
    Ok(ended.exit_code())
}

/// The service stays up until Ctrl-C.
fn wait(cx: &Context, scene: &Scene) -> Result<(), Failure> {
    cx.out.say(
        "waiting",
        &format!(
            "{} {}  (Ctrl-C {})",
            cx.out
                .language
                .pick("el servicio sigue en", "the service stays up at"),
            scene.url(),
            cx.out.language.pick("lo detiene", "stops it")
        ),
    );
    let flag = crate::window::drive::interrupts()?;
    while !flag.load(std::sync::atomic::Ordering::SeqCst) {
        crate::host::clock::pause(100);
    }
    Ok(())
}

/// Writes a file of the scene.
fn write(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(io(format!("cannot write {}", path.display())))
}
