//! The fuzzers' corpus, replayed: what they found once stays found.

use std::path::Path;

/// Feeds every file of the corpus of `target` to `body`, and names it first: a body that panics does not know which file it was
/// given. A corpus of fewer than five files is none.
#[track_caller]
#[allow(clippy::print_stderr, reason = "shown only with a test that fails")]
pub fn replay(target: &str, body: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let list = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files: Vec<_> = list.map(|entry| entry.expect("an entry").path()).collect();
    for file in &files {
        eprintln!("{}", file.display());
        let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        body(&bytes);
    }
    assert!(files.len() >= 5, "{} files in {}", files.len(), folder.display());
}
