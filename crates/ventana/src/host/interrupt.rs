//! SIGINT and SIGTERM to a command that is not a run. Work that keeps something of its own elsewhere, such as a scratch copy,
//! is asked to stop and takes that away; other work ends at once. A second signal ends everything at once.

use crate::error::{Failure, exit, io};
use crate::ui::Output;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Pieces of work under way that ask whether to stop.
static ASKING: AtomicUsize = AtomicUsize::new(0);

static STOP: AtomicBool = AtomicBool::new(false);

/// Listens to both signals from now on.
#[allow(
    clippy::disallowed_methods,
    reason = "a process that is told to end at once does not come back to main"
)]
pub fn watch(out: Output) -> Result<(), Failure> {
    let signals = Signals::new([SIGINT, SIGTERM]);
    let mut signals = signals.map_err(io("cannot listen to signals"))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let name = if signal == SIGINT { "SIGINT" } else { "SIGTERM" };
            if ASKING.load(Ordering::SeqCst) > 0 && !STOP.swap(true, Ordering::SeqCst) {
                let stopping = out.language.pick(
                    "deteniéndose; otra señal termina en el acto",
                    "stopping; another one ends it at once",
                );
                out.say("stopping", &format!("{name}: {stopping}"));
                continue;
            }
            out.failure(&interrupted(name));
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
    });
    Ok(())
}

fn interrupted(signal: &str) -> Failure {
    Failure::new(
        "interrupted",
        format!("interrupted by {signal}"),
        exit::INTERRUPTED,
    )
    .hint("give the same command again: it starts anew or goes on, and takes away what this one has left")
}

/// Work that asks [`Asking::stop`] now and then, as long as this lives.
pub struct Asking(());

impl Asking {
    pub fn begin() -> Asking {
        ASKING.fetch_add(1, Ordering::SeqCst);
        Asking(())
    }

    /// Whether the work is to stop.
    pub fn stop(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        ASKING.fetch_sub(1, Ordering::SeqCst);
    }
}
