//! SQL as text, on a corpus and on random input.
#![allow(clippy::disallowed_methods, reason = "tests write throw-away files")]
#[path = "script/bodies.rs"]
mod bodies;
#[path = "script/canonical.rs"]
mod canonical;
#[path = "script/corpus.rs"]
mod corpus;
#[path = "script/dump.rs"]
mod dump;
#[path = "script/lexer.rs"]
mod lexer;
#[path = "script/requalify.rs"]
mod requalify;
#[path = "script/server.rs"]
mod server;
#[path = "script/split.rs"]
mod split;
#[path = "script/verbs.rs"]
mod verbs;
