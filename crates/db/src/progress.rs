//! How long work tells how far it is. Lossy by design: nothing depends on it.

/// Rows and bytes done so far of one piece of work, and what it works on now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress<'a> {
    pub rows: u64,
    /// Rows expected in all, as the catalog estimates them; 0 when unknown.
    pub rows_total: u64,
    pub bytes: u64,
    pub table: &'a str,
}

/// Who hears of it. Called at most a few times a second by careful callers.
pub type Listener<'a> = dyn FnMut(Progress<'_>) + 'a;

/// Nobody listens.
pub fn silent() -> impl FnMut(Progress<'_>) {
    |_| {}
}
