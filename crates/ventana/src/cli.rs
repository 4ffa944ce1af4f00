//! The command line: global options, one file per verb, and the one place where a failure becomes an exit code.

mod backup;
mod check;
mod demo;
mod deploy;
mod digest;
mod fence;
mod init;
mod migrate;
mod note;
mod plan;
mod rehearse;
mod report;
mod restore;
mod resume;
mod rollback;
mod run;
mod smoke;
mod status;

pub use rehearse::rehearse;
pub use run::{begin_with, text as run_text};

use crate::config::{Config, Environment};
use crate::error::Failure;
use crate::host::{death, interrupt};
use crate::ui::{Language, Output};
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs maintenance windows on services that keep their data in MySQL, MariaDB or SQLite.
#[derive(Parser)]
#[command(
    name = "ventana",
    version,
    about,
    propagate_version = true,
    max_term_width = 110
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Options of every command.
#[derive(clap::Args)]
struct Global {
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = "./ventana.toml")]
    config: PathBuf,
    /// Environment: lays [env.NAME] of the configuration over the rest
    #[arg(
        long = "env",
        global = true,
        value_name = "NAME",
        default_value = crate::config::PRODUCTION
    )]
    environment: String,
    /// One JSON document on stdout, progress as JSON lines on stderr
    #[arg(long, global = true)]
    json: bool,
    /// Language of what is printed
    #[arg(long, global = true, value_enum, value_name = "es|en")]
    lang: Option<Language>,
    /// File with an age secret key: reads encrypted backups
    #[arg(long, global = true, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Answer yes to every question (never to a `confirm` step)
    #[arg(long, global = true)]
    yes: bool,
    /// Go on with what was never tested: MySQL other than 8.0, and windows on any MySQL
    #[arg(long, global = true)]
    accept_untested: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Write an annotated ventana.toml
    Init(init::Args),
    /// Check configuration, database, privileges and the service; change nothing
    Check(check::Args),
    /// Make the plan of a window: ordered steps with every input pinned
    Plan(plan::Args),
    /// Run the plan's database steps, forward and back, on a restored copy of production
    Rehearse(rehearse::Args),
    /// Run the window
    Run(run::Args),
    /// Go on with a run that was interrupted, held, or left by a dead process
    Resume(resume::Args),
    /// Say where the latest run stands
    Status(status::Args),
    /// Take a run back: the service is exactly where it was, and proven so
    Rollback(rollback::Args),
    /// Make a backup, or list, verify and copy backups
    Backup(backup::Args),
    /// Load a backup or an SQL dump
    Restore(restore::Args),
    /// Content digest of the database
    Digest(digest::Args),
    /// Show a release's deployment, or switch to it
    Deploy(deploy::Args),
    /// Show a migration's state; `--finalize` drops what its contract kept
    Migrate(migrate::Args),
    /// Ask the running service the configured questions
    Smoke(smoke::Args),
    /// Put the fence on, lift it, or show it
    Fence(fence::Args),
    /// Write a run's report again, or verify it
    Report(report::Args),
    /// Add a remark to the latest run
    Note(note::Args),
    /// A whole window on a scratch copy of the IT inventory
    Demo(demo::Args),
}

/// What every command is given.
pub struct Context {
    pub config: Config,
    pub out: Output,
    pub yes: bool,
    pub accept_untested: bool,
}

/// A command's end: its exit code. What it had to say has been said.
pub type Done = Result<u8, Failure>;

pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            let printed = error.print();
            let lost = printed.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
            return ExitCode::from(if lost { crate::error::exit::FAILED } else { 0 });
        }
        Err(error) => {
            // Nothing was parsed, and still whoever asked for documents gets one.
            if std::env::args_os().any(|argument| argument == "--json") {
                Output::new(true, Language::En).failure(&misuse(&error));
            } else {
                let _ = error.print();
            }
            return ExitCode::from(crate::error::exit::USAGE);
        }
    };
    let vars = Environment::of_process();
    let language = cli.global.lang.unwrap_or_else(|| Language::of(&vars));
    let out = Output::new(cli.global.json, language);
    // What these did stands in the journal; their exit code is about the window alone.
    let journaled = matches!(cli.verb, Verb::Run(_) | Verb::Resume(_) | Verb::Rollback(_));
    let code = match run(cli, vars, out) {
        // Whoever asked was not told.
        Ok(0) if !journaled && crate::ui::lost() => crate::error::exit::FAILED,
        Ok(code) => code,
        Err(failure) => {
            out.failure(&failure);
            failure.exit
        }
    };
    ExitCode::from(code)
}

/// What is wrong with the call: the parser's message, and its usage as what to do next.
fn misuse(error: &clap::Error) -> Failure {
    use clap::error::ErrorKind;
    let text = error.render().to_string();
    let lines = || text.lines().map(str::trim);
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::usage("a command is missing").hint("`--help` lists the commands");
    }
    let message: Vec<&str> = lines().take_while(|line| !line.is_empty()).collect();
    let next: Vec<&str> = lines()
        .filter(|line| line.starts_with("tip:") || line.starts_with("Usage:"))
        .chain(["see `--help`"])
        .collect();
    Failure::usage(message.join(" ").trim_start_matches("error: ")).hint(next.join("; "))
}

fn run(cli: Cli, vars: Environment, out: Output) -> Done {
    let named = cli.global.config != Path::new("./ventana.toml");
    // Verbs that need no configuration must work beside a broken one.
    let config = match &cli.verb {
        Verb::Init(_) | Verb::Demo(_) => Config::load(
            &PathBuf::new(),
            false,
            &cli.global.environment,
            Environment::default(),
        )
        .map(|mut config| {
            config.vars = vars;
            config
        })?,
        _ => Config::load(&cli.global.config, named, &cli.global.environment, vars)?,
    };
    let mut cx = Context {
        config,
        out,
        yes: cli.global.yes,
        accept_untested: cli.global.accept_untested,
    };
    cx.config.file.database.accept_untested |= cx.accept_untested;
    death::arm(&cx.config.vars);
    cx.config.identity = cli.global.identity;
    if matches!(cli.verb, Verb::Backup(_) | Verb::Restore(_) | Verb::Digest(_)) {
        interrupt::watch(out)?;
    }
    let reads_backups = matches!(
        cli.verb,
        Verb::Backup(_)
            | Verb::Restore(_)
            | Verb::Digest(_)
            | Verb::Run(_)
            | Verb::Resume(_)
            | Verb::Rollback(_)
            | Verb::Rehearse(_)
            | Verb::Migrate(_)
    );
    if let Some(warning) = cx.config.exposed_identity(out.language).filter(|_| reads_backups) {
        out.say("warning", &warning);
    }
    match cli.verb {
        Verb::Init(args) => init::run(&cx, args),
        Verb::Check(args) => check::run(&cx, args),
        Verb::Plan(args) => plan::run(&cx, args),
        Verb::Rehearse(args) => rehearse::run(&cx, args),
        Verb::Run(args) => run::run(&cx, args),
        Verb::Resume(args) => resume::run(&cx, args),
        Verb::Status(args) => status::run(&cx, args),
        Verb::Rollback(args) => rollback::run(&cx, args),
        Verb::Backup(args) => backup::run(&cx, args),
        Verb::Restore(args) => restore::run(&cx, args),
        Verb::Digest(args) => digest::run(&cx, args),
        Verb::Deploy(args) => deploy::run(&cx, args),
        Verb::Migrate(args) => migrate::run(&cx, args),
        Verb::Smoke(args) => smoke::run(&cx, args),
        Verb::Fence(args) => fence::run(&cx, args),
        Verb::Report(args) => report::run(&cx, args),
        Verb::Note(args) => note::run(&cx, args),
        Verb::Demo(args) => demo::run(&cx, args),
    }
}
