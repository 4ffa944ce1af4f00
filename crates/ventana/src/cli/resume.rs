//! `ventana resume`

use super::{Context, Done};
use crate::error::Failure;
use crate::window::drive::Act;
use crate::window::runs;

/// Options of `resume`.
#[derive(clap::Args)]
pub struct Args {
    /// The run; the latest one when left out
    run: Option<String>,
}

pub fn run(cx: &Context, args: Args) -> Done {
    let id = runs::find(&cx.config, args.run.as_deref())?;
    super::run::not_a_rehearsal(&id)?;
    not_over(cx, &id)?;
    let title = cx
        .out
        .language
        .pick("se reanuda la ventana", "the window goes on");
    let ended = super::run::go_on(cx, id, Act::Resume, title)?;
    cx.out.result(&ended.document(), || super::run::text(cx, &ended));
    Ok(ended.exit_code())
}

/// Said before anything is announced.
fn not_over(cx: &Context, id: &str) -> Result<(), Failure> {
    let state = runs::read(&cx.config, id)?.state()?;
    match state.closed {
        Some(ending) if !state.resumable() => Err(Failure::usage(format!(
            "run {id} is over ({}): there is nothing to go on with",
            ending.outcome
        ))
        .hint("`ventana status` says what can follow; `ventana rollback` takes a run back that is done")),
        _ => Ok(()),
    }
}
