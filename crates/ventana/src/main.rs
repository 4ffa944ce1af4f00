//! `ventana`: maintenance windows that end on the new release with every row accounted for, or exactly where they began.
#![allow(unreachable_pub, reason = "a binary: nothing is reached from outside")]

mod cli;
mod config;
mod demo;
mod error;
mod host;
mod replicas;
mod report;
mod scratch;
mod steps;
mod transfer;
mod ui;
mod window;
mod world;

fn main() -> std::process::ExitCode {
    cli::main()
}
