//! `ventana smoke`

use super::{Context, Done};
use crate::error::Failure;
use crate::steps::{ask_all, wait_healthy};
use serde_json::json;

/// Options of `smoke`.
#[derive(clap::Args)]
pub struct Args {
    /// Ask the checks that write, too
    #[arg(long)]
    write: bool,
}

pub fn run(cx: &Context, args: Args) -> Done {
    if cx.config.file.smoke.is_none() {
        return Err(Failure::usage("no smoke checks are configured")
            .hint("write [smoke] url = \"http://…\" and [[smoke.check]] in ventana.toml"));
    }
    let health = wait_healthy(&cx.config, None, &|| false)?;
    let checks = ask_all(&cx.config, None, args.write)?;
    cx.out.result(&json!({ "health": health, "checks": checks }), || {
        let lines: Vec<String> = checks
            .iter()
            .map(|c| {
                format!(
                    "✓ {} ({}, {} bytes)",
                    c["check"].as_str().unwrap_or(""),
                    c["status"],
                    c["bytes"]
                )
            })
            .collect();
        format!("✓ healthz {health}\n{}", lines.join("\n"))
    });
    Ok(0)
}
