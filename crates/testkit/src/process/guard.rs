//! Ends a process when the test process ends, however it ends.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::Pid;

use crate::program;

/// `read` fails when the pipe closes without a line: then our owner is gone. A dying process may still make a file while
/// its folder is being removed, hence the second try.
const SCRIPT: &str = r#"read -r line && exit 0
kill -s KILL -- "-$1" 2>/dev/null
if [ -n "$2" ]; then rm -rf -- "$2" || { sleep 1; rm -rf -- "$2"; }; fi"#;

#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
}

impl Guard {
    /// Watches over the process group `group`, and over `folder`, which goes with it.
    pub(super) fn new(group: Pid, folder: Option<&Path>) -> Result<Guard> {
        let shell = Command::new(program::find("sh")?)
            .args(["-c", SCRIPT, "guard"])
            .arg(group.as_raw_nonzero().to_string())
            .arg(folder.unwrap_or(Path::new("")))
            .env_clear()
            .env("PATH", program::PATH)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Own group: what ends the test's group (Ctrl-C, a runner's kill) must not end its guard.
            .process_group(0)
            .spawn()
            .context("starting the guard shell")?;
        Ok(Guard { shell })
    }
}

impl Drop for Guard {
    /// The process is reaped already: the guard leaves without killing anybody.
    fn drop(&mut self) {
        if let Some(mut pipe) = self.shell.stdin.take() {
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.shell.wait();
    }
}
