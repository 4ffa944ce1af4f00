//! `ventana init`: an annotated `ventana.toml`.

use super::{Context, Done};
use crate::error::{Failure, io};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Every key with its meaning, default and unit; the tests below hold it against the configuration's own types.
const EXAMPLE: &str = include_str!("../../../../docs/ventana.example.toml");
const FILE: &str = "ventana.toml";

/// Options of `init`.
#[derive(clap::Args)]
pub struct Args {
    /// Print it instead of writing ./ventana.toml
    #[arg(long)]
    stdout: bool,
}

pub fn run(cx: &Context, args: Args) -> Done {
    if args.stdout {
        cx.out
            .result(&json!({ "content": EXAMPLE }), || EXAMPLE.to_owned());
        return Ok(0);
    }
    let path = std::path::absolute(FILE).map_err(io(format!("cannot find {FILE}")))?;
    create(&path)?;
    cx.out.result(&json!({ "path": path }), || {
        let next = cx.out.language.pick("edítelo; después", "edit it; then");
        format!("{}\n{next} `ventana check`", path.display())
    });
    Ok(0)
}

/// Never over a file that is there: it may be the only copy of somebody's configuration.
fn create(path: &Path) -> Result<(), Failure> {
    let what = format!("cannot write {}", path.display());
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::usage(format!(
                "{} is there already and is not overwritten",
                path.display()
            ))
            .hint("compare with `ventana init --stdout`, or move it aside"));
        }
        file => file.map_err(io(&what))?,
    };
    file.write_all(EXAMPLE.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(io(&what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment, File};
    use std::collections::BTreeSet;

    /// The example with what is commented out, and nothing else: `#key = …` and `#[table]`, no blank behind the `#`.
    fn whole() -> String {
        EXAMPLE
            .lines()
            .map(|line| {
                line.strip_prefix('#')
                    .filter(|rest| !rest.starts_with([' ', '#']) && !rest.is_empty())
                    .unwrap_or(line)
            })
            .fold(String::new(), |mut text, line| {
                text.push_str(line);
                text.push('\n');
                text
            })
    }

    fn parse(text: &str, environment: &str) -> File {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        engine::durable::write(&path, text.as_bytes()).unwrap();
        Config::load(&path, true, environment, Environment::default())
            .unwrap_or_else(|failure| panic!("{failure}"))
            .file
    }

    #[test]
    fn it_is_valid_as_it_stands_and_with_everything_in_it() {
        let plain = parse(EXAMPLE, "production");
        assert_eq!(plain.service, "inventario");
        let all = parse(&whole(), "staging");
        assert!(
            all.release.is_some() && all.process.is_some() && all.migration.is_some() && all.smoke.is_some()
        );
        assert_ne!(all.database, plain.database, "[env.staging] lies over it");
    }

    /// serde names the keys that it knows when it meets one that it does not.
    fn keys(table: &str) -> BTreeSet<String> {
        let text = match table {
            "" => "no_such_key = 1".to_owned(),
            _ => format!("{table}\nno_such_key = 1"),
        };
        let error = toml::from_str::<File>(&text)
            .expect_err("an unknown key")
            .to_string();
        let list = error
            .split("expected")
            .nth(1)
            .unwrap_or_else(|| panic!("{error}"));
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_key_appears_with_its_meaning() {
        let text = whole();
        let table: toml::Table = text.parse().unwrap();
        let check = table["smoke"]["check"].as_array().unwrap();
        let checks: BTreeSet<String> = check
            .iter()
            .filter_map(|c| c.as_table())
            .flat_map(|c| c.keys().cloned())
            .collect();
        let of = |path: &[&str]| -> BTreeSet<String> {
            let inner = path
                .iter()
                .fold(&table, |table, key| table[*key].as_table().unwrap());
            inner.keys().cloned().collect()
        };
        assert_eq!(keys(""), of(&[]));
        for name in [
            "database",
            "state",
            "backup",
            "fence",
            "release",
            "process",
            "migration",
            "smoke",
            "watch",
        ] {
            assert_eq!(keys(&format!("[{name}]")), of(&[name]), "[{name}]");
        }
        assert_eq!(keys("[smoke]\nurl=\"x\"\n[smoke.token]"), of(&["smoke", "token"]));
        assert_eq!(keys("[smoke]\nurl=\"x\"\n[[smoke.check]]"), checks);
        let replicas: BTreeSet<String> = of(&["replica"])
            .iter()
            .flat_map(|name| of(&["replica", name]))
            .collect();
        assert_eq!(keys("[replica.x]"), replicas);
        assert_eq!(
            keys("[replica.x.s3]\nbucket = \"abc\""),
            of(&["replica", "cloud", "s3"])
        );
        assert_eq!(keys("[backup.keep]"), of(&["backup", "keep"]));
        // A comment stands above every key: at least one before the first key of each block.
        let mut explained = false;
        for line in EXAMPLE.lines() {
            match line {
                "" => explained = false,
                line if line.starts_with("# ") => explained = true,
                line if line.contains('=') && !line.starts_with(['"', ' ', '}', ']']) => {
                    assert!(explained, "not explained: {line}")
                }
                _ => {}
            }
        }
    }

    #[test]
    fn it_never_overwrites() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        create(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), EXAMPLE);
        let failure = create(&path).unwrap_err();
        assert!(failure.exit == 2 && failure.hint.is_some(), "{failure:?}");
    }
}
