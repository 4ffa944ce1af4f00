//! `ventana report`: writes a run's report again, or verifies it.

use super::{Context, Done};
use crate::error::exit;
use crate::report::{self, Verified};
use crate::ui::{Output, format};
use crate::window::runs;
use serde_json::json;

/// Options of `report`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// The run; the latest one when left out
    run: Option<String>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Read the run's folder again and compare everything in it with its journal
    Verify {
        /// The run; the latest one when left out
        run: Option<String>,
    },
}

pub fn run(cx: &Context, args: Args) -> Done {
    match args.what {
        None => write(cx, args.run.as_deref()),
        Some(What::Verify { run }) => verify(cx, run.as_deref()),
    }
}

fn write(cx: &Context, named: Option<&str>) -> Done {
    let id = runs::find(&cx.config, named)?;
    let loaded = runs::read(&cx.config, &id)?;
    let evidence = loaded.evidence()?;
    let written = report::write(&loaded.dir, &evidence, &loaded.plan.plan, cx.out.language)?;
    let document = json!({ "run": id, "outcome": evidence.outcome, "report": written.html, "markdown": written.markdown,
        "evidence": written.evidence, "journal_head": evidence.journal.head });
    cx.out.result(&document, || {
        let verdict = report::verdict(&evidence, &loaded.plan.plan, cx.out.language);
        format!(
            "{}: {}\n  {}\n  {}\n  {}",
            verdict.head,
            format::plain(&verdict.sentence),
            written.html.display(),
            written.markdown.display(),
            written.evidence.display()
        )
    });
    Ok(0)
}

fn verify(cx: &Context, named: Option<&str>) -> Done {
    let id = runs::find(&cx.config, named)?;
    let verified = report::verify(&runs::dir(&cx.config, &id))?;
    cx.out.result(&verified, || text(&verified, cx.out));
    Ok(if verified.verified { 0 } else { exit::VERIFICATION })
}

fn text(verified: &Verified, out: Output) -> String {
    let pick = |es, en| out.language.pick(es, en);
    let mut text = String::new();
    for check in &verified.checks {
        let sign = if check.ok { "✓" } else { "✗" };
        text.push_str(&format!(
            "{sign} {:<14} {}\n",
            format::plain(&check.what),
            format::plain(&check.detail)
        ));
    }
    let verdict = if verified.verified {
        pick(
            "todo coincide con el diario",
            "everything agrees with the journal",
        )
    } else {
        pick("NO coincide con el diario", "it does NOT agree with the journal")
    };
    let keep = pick(
        "compárela con una copia guardada en otro lugar",
        "compare it with a copy kept elsewhere",
    );
    text.push_str(&format!(
        "\n{}: {verdict}\n{} {} ({keep})\n",
        verified.run,
        pick("cabeza del diario", "journal head"),
        verified.head
    ));
    text
}
