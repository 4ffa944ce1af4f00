//! What is sent of a dump, in order.

use super::DumpFile;
use super::check::{Facts, header};
use super::error::DumpError;
use super::judge::{Decision, Judge};
use super::options::{CheckOptions, Policy};
use super::part::{Part, Reason};
use super::source::Source;
use crate::script::split::Splitter;

/// A statement to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The statement without its delimiter, always UTF-8: strings of other bytes are hexadecimal literals.
    pub text: Vec<u8>,
    /// What it is about.
    pub part: Part,
    /// Its line in the dump, from 1.
    pub line: u64,
    /// Bytes of text up to its end.
    pub offset: u64,
}

/// What to do with the next statement of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send it.
    Send(Outgoing),
    /// Leave it out.
    Skip {
        /// Its line in the dump, from 1.
        line: u64,
        /// Why.
        reason: Reason,
    },
}

/// The actions of a dump in order. Ends after its first error.
pub struct Actions {
    path: std::path::PathBuf,
    splitter: Splitter<Source>,
    judge: Judge,
    expected: u64,
    started: bool,
    done: bool,
}

impl Actions {
    pub(super) fn new(
        file: &DumpFile,
        facts: &Facts,
        options: &CheckOptions,
        policy: &Policy,
    ) -> Result<Actions, DumpError> {
        let source = Source::open(file)?;
        Ok(Actions {
            path: file.path.clone(),
            splitter: Splitter::with_limit(source, options.syntax, options.longest),
            judge: Judge::new(options.clone(), policy.clone()),
            expected: facts.bytes,
            started: false,
            done: false,
        })
    }

    fn advance(&mut self) -> Result<Option<Action>, DumpError> {
        let next = self.splitter.next_statement();
        let Some(statement) = next.map_err(|error| DumpError::from_split(self.path.clone(), error))? else {
            return self.end();
        };
        if !self.started {
            self.started = true;
            self.judge.set_header(header(self.splitter.reader().head()));
        }
        let line = statement.line;
        if !statement.terminated {
            return Err(DumpError::CutOff {
                path: self.path.clone(),
                how: format!(
                    "it ends in the middle of the statement on line {line}, which it did not when it was checked"
                ),
            });
        }
        let offset = statement.offset + statement.text.len() as u64;
        let decided = self.judge.decide(statement);
        self.splitter.set_syntax(self.judge.syntax());
        match decided {
            Ok((Decision::Send { text, part }, _)) => Ok(Some(Action::Send(Outgoing {
                text,
                part,
                line,
                offset,
            }))),
            Ok((Decision::Skip(reason), _)) => Ok(Some(Action::Skip { line, reason })),
            Err(refusal) => Err(DumpError::Refused {
                path: self.path.clone(),
                refusals: vec![refusal],
                more: 0,
            }),
        }
    }

    fn end(&self) -> Result<Option<Action>, DumpError> {
        let bytes = self.splitter.bytes();
        if bytes == self.expected {
            return Ok(None);
        }
        Err(DumpError::CutOff {
            path: self.path.clone(),
            how: format!(
                "it held {} bytes of text when it was checked, and {bytes} now",
                self.expected
            ),
        })
    }
}

impl Iterator for Actions {
    type Item = Result<Action, DumpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}
