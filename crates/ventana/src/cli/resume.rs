//! `ventana resume`

use super::{Context, Done};
use crate::ui::Live;
use crate::window::drive::{Act, Drive};
use crate::window::runs;
use engine::journal::Mode;

/// Options of `resume`.
#[derive(clap::Args)]
pub struct Args {
    /// The run; the latest one when left out
    run: Option<String>,
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
        language: cx.out.language,
    };
    let title = cx
        .out
        .language
        .pick("se reanuda la ventana", "the window goes on")
        .to_string();
    let live = Live::new(cx.out, &plan.plan, &plan.expected_ms, title);
    let ended = drive.go(Act::Resume, &live)?;
    cx.out.result(&ended.document(), || super::run::text(cx, &ended));
    Ok(ended.exit_code())
}
