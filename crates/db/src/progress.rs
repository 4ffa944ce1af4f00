//! How long work tells how far it is, and hears that it is to stop. Lossy by design: nothing depends on what is told.

use crate::error::{Error, Result};
use std::ops::ControlFlow;

/// Rows and bytes done so far of one piece of work, and what it works on now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress<'a> {
    pub rows: u64,
    /// Rows expected in all, as the catalog estimates them and what was read corrects it; 0 when unknown.
    pub rows_total: u64,
    pub bytes: u64,
    pub table: &'a str,
    /// What is waited for, in a sentence; empty while the work goes on.
    pub waiting: &'a str,
}

impl<'a> Progress<'a> {
    /// Nothing is done yet, because of this.
    pub fn waiting(waiting: &'a str) -> Progress<'a> {
        Progress {
            waiting,
            ..Progress::default()
        }
    }
}

/// Who hears of it, and says whether the work is to go on. Called at most a few times a second by careful callers.
pub type Listener<'a> = dyn FnMut(Progress<'_>) -> ControlFlow<()> + 'a;

/// Nobody listens.
pub fn silent() -> impl FnMut(Progress<'_>) -> ControlFlow<()> {
    |_| ControlFlow::Continue(())
}

/// Tells the listener; an error where the work is not to go on.
pub(crate) fn tell(listen: &mut Listener<'_>, progress: Progress<'_>) -> Result<()> {
    match listen(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Interrupted),
    }
}
