//! `ventana rollback`

use super::{Context, Done};
use crate::window::drive::Act;
use crate::window::runs;
use engine::Outcome;

/// Options of `rollback`.
#[derive(clap::Args)]
pub struct Args {
    /// The run; the latest one when left out
    run: Option<String>,
    /// Why, for the journal
    #[arg(long, default_value = "asked for")]
    reason: String,
}

pub fn run(cx: &Context, args: Args) -> Done {
    let id = runs::find(&cx.config, args.run.as_deref())?;
    super::run::not_a_rehearsal(&id)?;
    let title = cx.out.language.pick("vuelta atrás", "rollback");
    let back = Act::Rollback { reason: args.reason };
    let ended = super::run::go_on(cx, id, back, title)?;
    // Asked for and verified is a success of this command, whatever the run was.
    let code = match ended.outcome() {
        Some(Outcome::RolledBack | Outcome::Failed) => 0,
        _ => ended.exit_code(),
    };
    let mut document = ended.document();
    document["exit_code"] = code.into();
    cx.out.result(&document, || super::run::text(cx, &ended));
    Ok(code)
}
