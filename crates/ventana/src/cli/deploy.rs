//! `ventana deploy`: the release alone, without a migration. A window deploys by itself.

use super::{Context, Done};
use crate::error::{Failure, exit};
use crate::host::files;
use crate::host::lease::Lease;
use crate::host::process::Service;
use crate::steps::wait_healthy;
use crate::world::name_of;
use serde_json::json;
use std::path::Path;

/// Options of `deploy`.
#[derive(clap::Args)]
pub struct Args {
    /// Say what would be done; change nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(cx: &Context, args: Args) -> Done {
    let release = cx.config.file.release.as_ref().ok_or_else(|| {
        Failure::usage("no release is configured").hint("write [release] root and source in ventana.toml")
    })?;
    if cx.config.file.migration.is_some() && !args.dry_run {
        return Err(Failure::usage(
            "this release comes with a migration: deploying it alone would leave the schema behind",
        )
        .hint("use `ventana plan` and `ventana run`; `deploy --dry-run` shows what would be deployed"));
    }
    let to = name_of(&release.source);
    let digest = files::folder_digest(&release.source)?;
    // Held to the end: nobody else points the link elsewhere meanwhile.
    let _lease = if args.dry_run {
        None
    } else {
        let lease = Lease::take(&cx.config.state_dir(), "deploy")?;
        crate::window::runs::all_over(&cx.config)?;
        Some(lease)
    };
    let link = release.root.join("current");
    let from = files::read_link(&link);
    let target = Path::new("releases").join(&to);
    let document = json!({ "from": from.as_ref().map(|f| name_of(f)), "to": to, "digest": digest, "dry_run": args.dry_run,
        "staged": release.root.join(&target).is_dir() });
    if !args.dry_run {
        let staged = release.root.join(&target);
        if !staged.exists() {
            files::copy_folder(&release.source, &staged)?;
        }
        if files::folder_digest(&staged)? != digest {
            return Err(Failure::failed(
                "release_changed",
                format!(
                    "{} holds other files than {}",
                    staged.display(),
                    release.source.display()
                ),
            )
            .hint("remove the stale folder, or give the release another name"));
        }
        files::point_link(&link, &target)?;
        if let Some(service) = Service::of(&cx.config) {
            let healthy = service
                .restart()
                .and_then(|()| wait_healthy(&cx.config, Some(&to), &|| false));
            if let Err(failure) = healthy {
                return Err(take_back(cx, &service, &link, from.as_deref(), &failure));
            }
        }
    }
    cx.out.result(&document, || {
        let from = from.as_ref().map_or("—".into(), |f| name_of(f));
        format!(
            "{from} → {to}\n  digest {digest}{}",
            if args.dry_run {
                "\n  dry run: nothing was changed"
            } else {
                ""
            }
        )
    });
    Ok(0)
}

/// Brings back what was there before `deploy`, and says so only when it answers.
fn take_back(
    cx: &Context,
    service: &Service<'_>,
    link: &Path,
    from: Option<&Path>,
    why: &Failure,
) -> Failure {
    let back = match from {
        Some(from) => files::point_link(link, from)
            .and_then(|()| service.restart())
            .and_then(|()| wait_healthy(&cx.config, Some(&name_of(from)), &|| false))
            .map(|_| "the release before is back"),
        None => service
            .stop()
            .and_then(|()| {
                std::fs::remove_file(link)
                    .map_err(crate::error::io(format!("cannot remove {}", link.display())))
            })
            .map(|()| "nothing is deployed, as before"),
    };
    match back {
        Ok(end) => Failure::new(
            "rolled_back",
            format!("{}; {end}", why.message),
            exit::ROLLED_BACK,
        ),
        Err(other) => Failure::new(
            "rollback_failed",
            format!(
                "{}; and the release before did not come back: {}",
                why.message, other.message
            ),
            exit::ROLLBACK_FAILED,
        )
        .hint("start the service by hand; its log says why it does not"),
    }
}
