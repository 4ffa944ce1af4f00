//! The stock client as a person uses it: one session, one statement after the other.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use testkit::MariaDb;

/// The stock client with its session open. The first error ends it, as it does a script.
pub(crate) struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Session {
    /// Opens it and waits for its first answer.
    #[track_caller]
    pub(crate) fn open(server: &MariaDb, user: &str, password: &str) -> Session {
        Session::try_open(server, user, password).unwrap()
    }

    /// [`Session::open`] where the server may be refusing.
    pub(crate) fn try_open(server: &MariaDb, user: &str, password: &str) -> Result<Session, String> {
        let mut command = server.client();
        command.args([
            "--batch",
            "--skip-column-names",
            "--unbuffered",
            "--skip-reconnect",
            "--database=inventario",
        ]);
        command.arg(format!("--user={user}")).env("MYSQL_PWD", password);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut session = Session { child, stdin, stdout };
        session.run("SELECT 1").map(|_| session)
    }

    /// Runs a statement and returns the lines of its result; `Err` is what the client said when it ended.
    pub(crate) fn run(&mut self, sql: &str) -> Result<Vec<String>, String> {
        const END: &str = "-- end of the answer --";
        let sent = self
            .stdin
            .as_mut()
            .map(|pipe| writeln!(pipe, "{sql};\nSELECT '{END}';"));
        let mut lines = Vec::new();
        if matches!(sent, Some(Ok(()))) {
            let mut line = String::new();
            while self.stdout.read_line(&mut line).is_ok_and(|read| read > 0) {
                if line.trim_end() == END {
                    return Ok(lines);
                }
                lines.push(std::mem::take(&mut line).trim_end_matches('\n').to_owned());
            }
        }
        self.stdin = None;
        let mut said = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            let _ = stderr.read_to_string(&mut said);
        }
        Err(if said.trim().is_empty() {
            "the session is over".into()
        } else {
            said.trim().to_owned()
        })
    }

    /// Sends a statement without waiting for its answer: it is meant to wait for a lock.
    #[track_caller]
    pub(crate) fn send(&mut self, sql: &str) {
        let pipe = self.stdin.as_mut().expect("an open session");
        writeln!(pipe, "{sql};").unwrap();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
