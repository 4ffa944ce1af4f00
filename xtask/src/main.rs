//! The commands of the README: `cargo xtask demo|ci|bench|docs|fixtures`.
#![allow(
    clippy::disallowed_methods,
    reason = "a build tool starts processes and reads the environment and the clock"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a build tool talks to the terminal"
)]

mod bench;
mod borders;
mod ci;
mod demo;
mod programs;
mod release;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask <COMMAND>

  demo [ARGS…]        build release binaries and run `ventana demo ARGS…`
  ci [--only STEP]    every check and test; installs missing programs (Debian, Ubuntu)
     [--from STEP]    go on from a step; `cargo xtask ci --list` names the steps
  bench demo [--runs N] [-- ARGS…]
                      measure `ventana demo --once ARGS…`, raw results to bench/
  bench migrate [--rows N] [--mantenimientos N] [--runs N]
                      a window on a big table under a probe, beside the legacy SQL
  bench backup [--rows N,…] [--mantenimientos-per-row N] [--runs N] [--data DIR]
        [--quiet-seconds N] [--only backup|restore|digest|stall]
                      backup, restore and digest beside mariadb-dump, mydumper and CRC32
  docs                check links and build the API documentation
  fixtures            make the small legacy dump again from the full one
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = args.split_first() else {
        eprint!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    match command.as_str() {
        "demo" => return demo::run(rest),
        "ci" => ci::run(rest)?,
        "bench" => bench::run(rest)?,
        "docs" => ci::docs()?,
        "fixtures" => println!("wrote {}", testkit::fixtures::remake_small_dump()?.display()),
        "help" | "--help" | "-h" => print!("{USAGE}"),
        other => bail!("unknown command `{other}`\n\n{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}
