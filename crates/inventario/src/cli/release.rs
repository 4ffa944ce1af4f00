//! `inventario release`

use std::path::PathBuf;

use serde_json::json;

use super::{Answer, Failure};
use crate::release;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write; it must not exist
    pub dir: PathBuf,
    /// The release's name
    #[arg(long)]
    pub name: String,
}

/// Writes a release folder from this very program.
///
/// # Errors
/// The folder exists or cannot be written.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let good = !args.name.is_empty()
        && args
            .name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte))
        && !args.name.starts_with('.');
    if !good {
        let hint = "Use letters, digits, dots, hyphens and underscores, such as --name r2.";
        return Err(Failure::usage(
            "name",
            "the release's name cannot be a folder's name",
            hint,
        ));
    }
    let failed = |error: std::io::Error| {
        let hint = "Choose a folder that does not exist yet, in one that can be written.";
        Failure::new("release", format!("{}: {error}", args.dir.display()), hint)
    };
    let executable = std::env::current_exe().map_err(failed)?;
    release::write(&args.dir, &args.name, &executable).map_err(failed)?;
    let json = json!({ "path": args.dir.display().to_string(), "release": args.name });
    Ok(Answer {
        text: format!("{}: release {}", args.dir.display(), args.name),
        json,
    })
}
