//! Dying by SIGKILL in the middle of something, where a drill says so: how the drills kill a command at every point that
//! it passes. Nobody else sets `VENTANA_TEST_KILL`, and without it a point is nothing.

use crate::config::Environment;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Points that are still passed alive; 0 is all of them.
static LEFT: AtomicU64 = AtomicU64::new(0);

/// The kind of point that is counted; every kind where it is none.
static KIND: OnceLock<String> = OnceLock::new();

/// Reads `VENTANA_TEST_KILL=point:12`: this process dies at its twelfth point; or `finish:3`, at the third of that kind.
pub fn arm(vars: &Environment) {
    let Some((kind, point)) = vars.get("VENTANA_TEST_KILL").and_then(|at| at.split_once(':')) else {
        return;
    };
    // The journal's records are counted where they are written.
    if let (true, Ok(point)) = (matches!(kind, "point" | "finish"), point.parse()) {
        if kind != "point" {
            let _ = KIND.set(kind.into());
        }
        LEFT.store(point, Ordering::SeqCst);
    }
}

/// One point of a kind that can be asked for by itself.
pub fn point_of(kind: &str) {
    if KIND.get().is_none_or(|wanted| wanted == kind) {
        count();
    }
}

/// One point: something has just been done, and something else is about to be.
pub fn point() {
    if KIND.get().is_none() {
        count();
    }
}

fn count() {
    let left = LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if left == Ok(1) {
        now();
    }
}

/// Dies, as by `kill -9`.
pub fn now() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
