//! `ventana rollback`

use super::{Context, Done};
use crate::ui::Live;
use crate::window::drive::{Act, Drive};
use crate::window::runs;
use engine::Outcome;
use engine::journal::Mode;

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
    let plan = crate::window::drive::plan_of(&runs::dir(&cx.config, &id))?;
    let drive = Drive {
        config: &cx.config,
        address: cx.config.address()?.clone(),
        plan: &plan,
        id,
        mode: Mode::Run,
        out: cx.out,
    };
    let title = cx.out.language.pick("vuelta atrás", "rollback").to_string();
    let live = Live::new(cx.out, &plan.plan, &plan.expected_ms, title);
    let ended = drive.go(Act::Rollback { reason: args.reason }, &live)?;
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
