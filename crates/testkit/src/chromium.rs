//! Pages as a person sees them, through Debian's headless Chromium.

use std::path::Path;
use std::time::Duration;

use crate::process::{Process, Sandbox};
use crate::{must, program};

/// No sandbox (tests run as root), no talk with anybody but the page's server.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
];

/// Draws `url` in a window of `width` × `height` and writes the picture (PNG) to `picture`.
#[track_caller]
pub fn screenshot(url: &str, picture: &Path, width: u32, height: u32) {
    let output = browser()
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(url)
        .run()
        .ok();
    assert!(
        picture.is_file(),
        "testkit: Chromium drew nothing at {}\n{output}",
        picture.display()
    );
}

/// The document of `url` after its scripts ran, as HTML.
#[track_caller]
pub fn dump_dom(url: &str) -> String {
    browser().arg("--dump-dom").arg(url).run().ok().stdout
}

#[track_caller]
fn browser() -> Process {
    let sandbox = Sandbox::new();
    let profile = format!("--user-data-dir={}", sandbox.path("profile").display());
    Process::within(&sandbox, must(program::find("chromium")))
        .args(FLAGS)
        .arg(profile)
        .timeout(Duration::from_secs(90))
}

#[cfg(test)]
mod tests;
