//! `ventana fence on|off|status`, for work by hand. A run puts its own fence on.

use super::{Context, Done};
use crate::error::{Failure, io};
use crate::host::lease::Lease;
use crate::steps::Raised;
use crate::world::{Start, World};
use db::Outline;
use engine::StepError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Options of `fence`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// No writes reach the data
    On,
    /// Give back exactly what `on` took
    Off,
    /// Whether it is on, and who could write past it
    Status,
}

pub fn run(cx: &Context, args: Args) -> Done {
    let start = Start {
        outline: Outline::default(),
        structure: String::new(),
        migration: None,
        already: None,
    };
    let dir = cx.config.state_dir();
    let kept = dir.join("fence.json");
    let world = World::new(
        cx.config.clone(),
        cx.config.address()?.clone(),
        start,
        "fence",
        dir.clone(),
        false,
    );
    let raised = Raised { world: &world };
    let failed = |e: StepError| {
        let mut failure = Failure::failed(&e.code, e.message);
        failure.hint = e.hint;
        failure
    };
    match args.what {
        What::Status => {
            let flag = cx.config.fence_file();
            let on = flag.as_ref().is_some_and(|f| f.exists());
            let writers = raised.unaccepted()?;
            cx.out
                .result(&json!({ "on": on, "file": flag, "writers": writers }), || {
                    let state = if on {
                        cx.out.language.pick("puesta", "on")
                    } else {
                        cx.out.language.pick("quitada", "off")
                    };
                    let writers = if writers.is_empty() {
                        "—".into()
                    } else {
                        writers.join(", ")
                    };
                    format!(
                        "{} {state}\n{}: {writers}",
                        cx.out.language.pick("valla", "fence"),
                        cx.out.language.pick("podrían escribir", "could still write")
                    )
                });
        }
        What::On => {
            let _lease = Lease::take(&dir, "fence on")?;
            by_hand(cx)?;
            world.session().may_change(world.live()?.db().dialect())?;
            let mut facts: BTreeMap<String, Value> = BTreeMap::new();
            let known = std::fs::read(&kept)
                .ok()
                .and_then(|b| serde_json::from_slice::<Value>(&b).ok());
            let path = kept.clone();
            raised
                .raise(
                    known.as_ref().and_then(|k| k.get("before")),
                    &mut |name, value| {
                        facts.insert(name.into(), value);
                        let text = json!(facts).to_string();
                        engine::durable::write(&path, text.as_bytes()).map_err(|e| {
                            StepError::maybe("io", format!("cannot write {}: {e}", path.display()))
                        })
                    },
                )
                .map_err(failed)?;
            let note = cx.out.language.pick(
                "valla puesta: se queda así después de esta orden; en SQLite solo una ejecución retiene el bloqueo de escritura",
                "fence on: it stays so after this command; on SQLite only a run holds the write lock",
            );
            cx.out.result(&json!({ "on": true }), || note.to_string());
        }
        What::Off => {
            let _lease = Lease::take(&dir, "fence off")?;
            by_hand(cx)?;
            let known = std::fs::read(&kept)
                .ok()
                .and_then(|b| serde_json::from_slice::<Value>(&b).ok());
            let facts = raised
                .lower(known.as_ref().and_then(|k| k.get("before")))
                .map_err(failed)?;
            if kept.exists() {
                std::fs::remove_file(&kept).map_err(io(format!("cannot remove {}", kept.display())))?;
            }
            cx.out.result(
                &json!({ "on": false, "accepted_at": facts["accepted_at"] }),
                || cx.out.language.pick("valla quitada", "fence off").to_string(),
            );
        }
    }
    Ok(0)
}

/// A run that is not over answers for its own fence: lifted by hand, users would write what its rollback takes away.
fn by_hand(cx: &Context) -> Result<(), Failure> {
    if cx.yes {
        return Ok(());
    }
    crate::window::runs::all_over(&cx.config).map_err(|mut failure| {
        if let Some(hint) = &mut failure.hint {
            hint.push_str("; with --yes the fence is moved all the same");
        }
        failure
    })
}
