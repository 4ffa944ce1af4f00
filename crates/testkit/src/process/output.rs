use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// What a process wrote and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// Program and arguments, for messages.
    pub label: String,
    /// Exit code; `None` while it runs and after a death by signal.
    pub code: Option<i32>,
    /// Number of the signal that killed it.
    pub signal: Option<i32>,
    /// Standard output, bytes that are not UTF-8 replaced.
    pub stdout: String,
    /// Standard error, bytes that are not UTF-8 replaced.
    pub stderr: String,
    /// From start to end.
    pub elapsed: Duration,
}

impl Output {
    /// Asserts the exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Output {
        assert!(
            self.code == Some(code),
            "testkit: exit code {code} expected\n{self}"
        );
        self
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub fn ok(self) -> Output {
        self.expect(0)
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("testkit: stdout is not one JSON document: {error}\n{self}"),
        }
    }

    /// The lines of standard error that are JSON objects (progress in `--json` mode).
    pub fn json_lines(&self) -> Vec<Value> {
        let lines = self.stderr.lines();
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(Value::is_object)
            .collect()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.label)?;
        match (self.code, self.signal) {
            (Some(code), _) => writeln!(f, "exited with code {code} after {:?}", self.elapsed)?,
            (None, Some(signal)) => writeln!(f, "was killed by signal {signal} after {:?}", self.elapsed)?,
            (None, None) => writeln!(f, "is running since {:?}", self.elapsed)?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if text.is_empty() {
                writeln!(f, "--- {name}: nothing")?;
            } else {
                writeln!(f, "--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}
