use std::path::{Path, PathBuf};

/// A built binary of this workspace: `bin("ventana")`. Looked for beside the running test executable (that is, in the
/// same profile), or in the folder that `TESTKIT_BIN_DIR` names.
///
/// Cargo builds a package's binaries only for that package's own tests, so drills need them built before:
/// `cargo xtask ci` does, by hand it is `cargo build -p ventana -p inventario`.
#[track_caller]
pub fn bin(name: &str) -> PathBuf {
    let folder = match std::env::var_os("TESTKIT_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => profile_folder(&std::env::current_exe().unwrap_or_default()),
    };
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "testkit: {} is not built: run `cargo build -p ventana -p inventario` (with `--release` if the tests run in release)",
        path.display()
    );
    path
}

/// `target/debug/deps/drill-0123` and `target/debug/xtask` both lie in the profile folder `target/debug`.
fn profile_folder(executable: &Path) -> PathBuf {
    let mut folder = executable.parent().unwrap_or(Path::new(".")).to_owned();
    if folder.ends_with("deps") || folder.ends_with("examples") {
        folder.pop();
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_and_plain_executables_share_a_profile_folder() {
        for path in [
            "/t/debug/deps/drill-01ab",
            "/t/debug/examples/x",
            "/t/debug/xtask",
        ] {
            assert_eq!(profile_folder(Path::new(path)), Path::new("/t/debug"), "{path}");
        }
    }

    #[test]
    #[should_panic(expected = "cargo build -p ventana -p inventario")]
    fn a_missing_binary_says_how_to_build_it() {
        bin("no-such-binary");
    }
}
