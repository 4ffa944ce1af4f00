use std::path::Path;

use anyhow::{Context, Result};
use testkit::MariaDb;
use testkit::mariadb::{ABSENT, Brand, SHARED, SHARED_MYSQL};

use crate::workspace::{cargo, succeed};
use crate::{borders, programs};

/// One step: prints as it goes, returns its result in one line.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) run: fn() -> Result<String>,
}

pub(super) const STEPS: &[Step] = &[
    Step {
        name: "programs",
        what: "programs that checks and tests need",
        run: programs::provide_all,
    },
    Step {
        name: "fmt",
        what: "formatting",
        run: fmt,
    },
    Step {
        name: "borders",
        what: "arrows between crates, names of the service, file lengths, links",
        run: borders::check,
    },
    Step {
        name: "clippy",
        what: "lints",
        run: clippy,
    },
    Step {
        name: "docs",
        what: "API documentation",
        run: doc,
    },
    Step {
        name: "build",
        what: "binaries and all test targets",
        run: build,
    },
    Step {
        name: "doctest",
        what: "examples in the API documentation",
        run: doctest,
    },
    // Last, so that its closing line is the one that counts the tests.
    Step {
        name: "test",
        what: "all tests, on a private MariaDB and a private MySQL",
        run: test,
    },
];

/// `cargo xtask docs`.
pub(crate) fn docs() -> Result<()> {
    println!("docs: {}", borders::check_links()?);
    println!("docs: {}", doc()?);
    Ok(())
}

fn fmt() -> Result<String> {
    succeed(&mut cargo(&["fmt", "--all", "--check"])).context("run `cargo fmt --all`")?;
    Ok("formatted".to_owned())
}

fn clippy() -> Result<String> {
    succeed(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok("no warnings".to_owned())
}

/// Once, in the profile that tests use: drills run the binaries of this very build.
fn build() -> Result<String> {
    succeed(&mut cargo(&["build", "--workspace", "--all-targets"]))?;
    Ok("built".to_owned())
}

fn doctest() -> Result<String> {
    succeed(cargo(&["test", "--workspace", "--doc", "--quiet"]).env("CI", "1"))?;
    Ok("examples ok".to_owned())
}

fn test() -> Result<String> {
    // Drills find the binaries of this profile and do not build them.
    succeed(&mut cargo(&["build", "--workspace", "--bins"]))?;
    let server = MariaDb::options()
        .try_start()
        .context("starting the private MariaDB of the tests")?;
    let mysql = Path::new(testkit::program::MYSQL).is_dir();
    let mysql = mysql.then(|| MariaDb::options().brand(Brand::MySql).try_start());
    let mysql = mysql
        .transpose()
        .context("starting the private MySQL of the tests")?;
    let nextest = testkit::program::find("cargo-nextest").is_ok();
    let mut tests = match nextest {
        true => cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]),
        false => cargo(&[
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
        ]),
    };
    // A changed snapshot is a failure, never a new snapshot.
    tests
        .env(SHARED, server.address())
        .env(
            SHARED_MYSQL,
            mysql.as_ref().map_or_else(|| ABSENT.to_owned(), MariaDb::address),
        )
        .env("INSTA_UPDATE", "no")
        .env("CI", "1");
    succeed(&mut tests)?;
    Ok(format!(
        "all tests passed ({}){}",
        if nextest { "cargo nextest" } else { "cargo test" },
        if mysql.is_some() {
            ""
        } else {
            "; NOT on MySQL, which is not there"
        }
    ))
}

fn doc() -> Result<String> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    succeed(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok("API documentation built without warnings".to_owned())
}
