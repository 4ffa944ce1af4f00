//! Dying by SIGKILL in the middle of something, where a drill says so: how the drills kill a command at every point that
//! it passes. Nobody else sets `VENTANA_TEST_KILL`, and without it a point is nothing.

use crate::config::Environment;
use std::sync::atomic::{AtomicU64, Ordering};

/// Points that are still passed alive; 0 is all of them.
static LEFT: AtomicU64 = AtomicU64::new(0);

/// Reads `VENTANA_TEST_KILL=point:12`: this process dies at its twelfth point.
pub fn arm(vars: &Environment) {
    let point = vars
        .get("VENTANA_TEST_KILL")
        .and_then(|at| at.strip_prefix("point:"));
    if let Some(point) = point.and_then(|point| point.parse().ok()) {
        LEFT.store(point, Ordering::SeqCst);
    }
}

/// One point: something has just been done, and something else is about to be.
pub fn point() {
    let left = LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if left == Ok(1) {
        now();
    }
}

/// Dies, as by `kill -9`.
pub fn now() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
