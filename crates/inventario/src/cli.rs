//! The command line: a file per verb.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or configuration. With `--json` standard output is one JSON document,
//! a failure's too.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the terminal is this module's face"
)]

pub mod check;
pub mod demo_data;
pub mod migrate;
pub mod release;
pub mod serve;
pub mod token;
pub mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use crate::auth::Auth;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, process_environment};
use crate::fence::Fence;
use crate::store::{Store, StoreError};

/// IT asset inventory: HTTP API and pages in one binary.
///
/// Without any configuration it keeps an SQLite database in ./data. Environment: PORT, BIND, DATABASE_URL or DB_HOST,
/// DB_PORT, DB_USER, DB_NAME, DB_PASS, JWT_SECRET, JWT_EXPIRES_IN, FENCE_FILE, DATA_DIR, CORS_ALLOWED.
#[derive(Debug, Parser)]
#[command(name = "inventario", version, max_term_width = 100)]
pub struct Cli {
    /// sqlite:///path/to/file.db or mysql://user@host:port/database; instead of the environment's
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// One JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the service
    Serve(serve::Args),
    /// Create the tables in an empty database, or say what a window has to do
    Migrate(migrate::Args),
    /// Accounts: add, passwd, list, disable
    User(user::Args),
    /// Print a token for an account
    Token(token::Args),
    /// Fill an empty database with made-up data in the legacy schema
    DemoData(demo_data::Args),
    /// Check configuration and database, changing nothing
    Check(check::Args),
    /// Write a release folder: this program, its name, its migrations
    Release(release::Args),
}

/// A failure: what, on what, and what to type next.
#[derive(Debug)]
pub struct Failure {
    pub code: &'static str,
    pub message: String,
    pub hint: String,
    /// The exit code.
    pub exit: u8,
}

impl Failure {
    pub fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: hint.into(),
            exit: 1,
        }
    }

    pub fn usage(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            exit: 2,
            ..Self::new(code, message, hint)
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage("config", error.problem, error.hint)
    }
}

/// What a verb answers: the same facts for people and for programs.
#[derive(Debug)]
pub struct Answer {
    pub text: String,
    pub json: Value,
}

/// What every verb works with.
#[derive(Debug)]
pub struct Session {
    pub config: Config,
    pub fence: Fence,
    pub clock: Clock,
    pub json: bool,
}

impl Session {
    /// Connects to the database.
    ///
    /// # Errors
    /// It cannot be reached, or is none of ours.
    pub async fn store(&self) -> Result<Store, Failure> {
        if let crate::store::Address::Sqlite { path } = &self.config.database
            && let Some(folder) = path.parent()
            && !folder.as_os_str().is_empty()
            && !folder.exists()
        {
            let hint = format!(
                "Create it with `mkdir -p {}`, or correct DATABASE_URL.",
                folder.display()
            );
            return Err(Failure::new(
                "database",
                format!("the folder {} does not exist", folder.display()),
                hint,
            ));
        }
        Store::open(&self.config.database, self.fence.clone())
            .await
            .map_err(|error| self.store_failure(error))
    }

    /// Keys and clock of authentication; makes the secret when there is none.
    ///
    /// # Errors
    /// The secret cannot be read or written.
    pub fn auth(&self) -> Result<Auth, Failure> {
        let secret = match &self.config.jwt_secret {
            Some(secret) => secret.clone(),
            None => serve::secret::kept(&self.config.data_dir).map_err(|error| {
                let place = self.config.data_dir.join(serve::secret::FILE);
                let message = format!(
                    "the secret in {} cannot be read or made: {error}",
                    place.display()
                );
                Failure::new("secret", message, "Set JWT_SECRET, or make the folder writable.")
            })?,
        };
        Ok(Auth::new(secret, self.config.jwt_seconds, self.clock.clone()))
    }

    /// A failure of the store, with the database it happened on.
    pub fn store_failure(&self, error: StoreError) -> Failure {
        let place = &self.config.database;
        let (code, hint) = match &error {
            StoreError::Fenced { .. } => (
                "fenced",
                format!(
                    "Wait for the window to end; the flag is {}.",
                    self.fence.path().display()
                ),
            ),
            StoreError::WriteDenied(_) => (
                "write_denied",
                "Wait for the window to end, or check the account's grants.".into(),
            ),
            StoreError::Busy(_) => ("database_busy", "Another program holds a lock; try again.".into()),
            StoreError::Unreachable(_) | StoreError::ConnectionLost(_) => (
                "database",
                "Check that the server runs, and the address, user and password.".into(),
            ),
            StoreError::NotOurs(_) => (
                "not_ours",
                "Name another database with --database-url or DATABASE_URL.".into(),
            ),
            StoreError::Refused(_) | StoreError::Duplicate(_) => ("refused", "Send another value.".into()),
            StoreError::NotFound => ("not_found", "`inventario user list` shows the accounts.".into()),
            _ => ("database", "`inventario check` says more.".into()),
        };
        Failure::new(code, format!("{place}: {error}"), hint)
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let as_json = cli.json;
    match run(cli) {
        Ok(answer) => {
            if as_json {
                println!("{}", answer.json);
            } else if !answer.text.is_empty() {
                println!("{}", answer.text);
            }
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let Failure {
                code,
                message,
                hint,
                exit,
            } = failure;
            if as_json {
                println!(
                    "{}",
                    json!({ "error": { "code": code, "message": message, "hint": hint } })
                );
            } else {
                eprintln!("error: {message}\n       {hint}");
            }
            ExitCode::from(exit)
        }
    }
}

fn run(cli: Cli) -> Result<Answer, Failure> {
    // A release folder is made without any database.
    if let Verb::Release(args) = cli.verb {
        return release::run(&args);
    }
    let config = Config::read(cli.database_url.as_deref(), &process_environment)?;
    let fence = Fence::new(&config.fence_file);
    let session = Session {
        config,
        fence,
        clock: Clock::system(),
        json: cli.json,
    };
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = threads
        .map_err(|error| Failure::new("system", format!("no threads: {error}"), "Check the limits."))?;
    runtime.block_on(async {
        match cli.verb {
            Verb::Serve(args) => serve::run(session, args).await,
            Verb::Migrate(args) => migrate::run(&session, &args).await,
            Verb::User(args) => user::run(&session, args).await,
            Verb::Token(args) => token::run(&session, &args).await,
            Verb::DemoData(args) => demo_data::run(&session, &args).await,
            Verb::Check(args) => check::run(&session, &args).await,
            Verb::Release(args) => release::run(&args),
        }
    })
}
