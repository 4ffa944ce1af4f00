//! `ventana status`: where a run stands, whether the fence is on, and which command goes on. Changes nothing.

mod document;

use super::{Context, Done};
use crate::error::Failure;
use crate::window::runs;
use document::Standing;
use serde_json::json;
use std::path::Path;

/// Options of `status`.
#[derive(clap::Args)]
pub struct Args {
    /// The run; the latest one when left out (rehearsals do not count)
    run: Option<String>,
}

pub fn run(cx: &Context, args: Args) -> Done {
    let flag = cx.config.fence_file();
    if args.run.is_none() && runs::latest(&cx.config)?.is_none() {
        return none(cx, flag.as_deref());
    }
    let id = runs::find(&cx.config, args.run.as_deref())?;
    let loaded = runs::read(&cx.config, &id)?;
    let standing = Standing::of(&loaded, flag.as_deref(), holder(&cx.config.state_dir())?)?;
    cx.out.result(&standing, || standing.text(cx.out));
    Ok(0)
}

/// Before the first run. A flag file may be there all the same: the service refuses writes, and no run knows why.
fn none(cx: &Context, flag: Option<&Path>) -> Done {
    let up = flag.is_some_and(Path::exists);
    let document = json!({
        "run": null,
        "outcome": null,
        "fence": { "journal": "off", "flag_file": flag, "flag_present": up },
        "next": if up { "ventana fence off" } else { "ventana plan" },
    });
    cx.out.result(&document, || {
        let pick = |es, en| cx.out.language.pick(es, en);
        let mut text = format!(
            "{} {}\n",
            pick("todavía no hay ninguna ejecución en", "there is no run yet in"),
            cx.config.state_dir().display()
        );
        if let (true, Some(flag)) = (up, flag) {
            let why = pick(
                "la valla está puesta sin que ninguna ejecución lo sepa",
                "the fence is on and no run knows why",
            );
            text.push_str(&format!(
                "{why}: {}\n{} `ventana fence off`\n",
                flag.display(),
                pick("siguiente:", "next:")
            ));
        } else {
            text.push_str(&format!("{} `ventana plan`\n", pick("siguiente:", "next:")));
        }
        text
    });
    Ok(0)
}

/// Who holds the lease, if anybody does: then the run is at work. Looked at through a shared lock that is given back at
/// once, so that a command that begins at the same moment is not kept out.
fn holder(state_dir: &Path) -> Result<Option<String>, Failure> {
    use std::fs::{File, TryLockError};
    let path = state_dir.join("lease");
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(crate::error::io(format!(
            "cannot read the lease {}",
            path.display()
        )))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let who = std::fs::read_to_string(&path).unwrap_or_default();
            Ok(Some(who.trim().to_owned()))
        }
        Err(TryLockError::Error(error)) => Err(crate::error::io(format!(
            "cannot look at the lease {}",
            path.display()
        ))(error)),
    }
}
