//! Many cases of one drill, two at a time (the scenes are independent; more would only wait for the disk).

use std::any::Any;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Plays every case, whatever becomes of the others, and tells all that went wrong.
#[track_caller]
pub(crate) fn in_pairs<C: Debug + Sync>(cases: &[C], play: impl Fn(&C) + Sync) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| play(case))) {
                        wrong
                            .lock()
                            .unwrap()
                            .push(format!("{case:?}: {}", message(&*panic)));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic")
        .to_owned()
}
