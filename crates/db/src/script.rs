//! SQL as text: lexer, splitter, verbs, names, canonical form, and dump files made by others.
//!
//! Nothing here talks to a server. Everything fails closed: a statement that is not understood is
//! [`verb::Verb::Unknown`], dangerous, and refused in a dump.
//!
//! - [`lexer`] cuts text into tokens that cover it exactly; code in MySQL's conditional comments is code.
//! - [`split`] cuts a stream into statements with bounded memory, knowing `DELIMITER` and SQLite's triggers.
//! - [`verb`] says what a statement does, [`mod@lint`] what must be acknowledged before it is run.
//! - [`names`] finds names qualified by a schema; [`mod@canonical`] and [`mod@requalify`] stand on it.
//! - [`dump`] checks a dump file whole before anything is sent, then yields what to send into another schema.

mod block;
pub mod canonical;
mod code;
mod keyword;
pub mod lexer;
pub mod lint;
pub mod names;
mod reading;
pub mod requalify;
pub mod split;
mod syntax;
pub mod verb;

pub mod dump;

pub use canonical::canonical;
pub use code::Code;
pub use lexer::{Kind, Lexer, Reading, Token};
pub use lint::{Class, Danger, danger, dangers, lint};
pub use requalify::{Literals, Unsafe, requalify, requalify_bytes};
pub use split::{SplitError, Splitter, Statement};
pub use syntax::{Family, Syntax};
pub use verb::{Change, Object, Verb, classify};
