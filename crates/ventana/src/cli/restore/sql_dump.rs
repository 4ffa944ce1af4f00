//! A dump made by mysqldump, mariadb-dump or the like: read whole and judged before its first statement is sent.

mod failures;

use super::server::{Hold, accepted};
use super::{Args, not_live, target};
use crate::cli::{Context, Done};
use crate::error::{Failure, exit};
use crate::host::death;
use crate::transfer;
use crate::ui::format;
use db::mariadb::MariaDb;
use db::mariadb::target::lacks_for;
use db::marks::Marks;
use db::script::dump::{Action, CheckOptions, Definer, DumpFile, Events, Facts, Part, Policy};
use db::{Address, Database};
use failures::{not_taken, refused};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Refuses before anything is written what the server would refuse in the middle: a statement too long for it, privileges,
/// definers that it does not have or that this account may not name.
fn preflight(cx: &Context, args: &Args, facts: &Facts, server: &mut MariaDb) -> Result<(), Failure> {
    let packet = server.count("SELECT @@GLOBAL.max_allowed_packet")?;
    if facts.longest >= packet.unsigned_abs() {
        let enough = (facts.longest + 1).next_multiple_of(1 << 20);
        let what = format!(
            "a statement of the dump has {} bytes, and the server takes {packet} at a time",
            facts.longest
        );
        return Err(
            Failure::failed("preflight", what).hint(format!("SET GLOBAL max_allowed_packet={enough}"))
        );
    }
    let mut needed = vec![
        ("SELECT", "the digest"),
        ("CREATE", "tables"),
        ("INSERT", "rows"),
        ("DROP", "the restore's marks"),
    ];
    for (count, privilege, kind) in [
        (facts.views, "CREATE VIEW", "views"),
        (facts.triggers, "TRIGGER", "triggers"),
        (facts.routines, "CREATE ROUTINE", "routines"),
        (facts.events, "EVENT", "events"),
    ] {
        if count > 0 {
            needed.push((privilege, kind));
        }
    }
    let definers: Vec<String> = match &args.definer {
        Some(account) => vec![account.clone()],
        None => facts.definers.iter().map(|d| d.name.clone()).collect(),
    };
    let found = lacks_for(server, &args.into, &needed, &definers)?;
    let refused = transfer::refuse(&found).and_then(|()| accepted(cx, &found));
    refused.map_err(|failure| match &failure.hint {
        Some(hint) if !definers.is_empty() => {
            let hint = format!("{hint}; or name another account with --definer USER@HOST");
            failure.hint(hint)
        }
        _ => failure,
    })
}

pub(super) fn run(cx: &Context, path: &Path, args: &Args) -> Done {
    let target = target(cx, args)?;
    if matches!(target, Address::Sqlite { .. }) {
        return Err(Failure::usage("an SQL dump is restored into MySQL or MariaDB")
            .hint(
                "for a dump of a server set DATABASE_URL=mysql://… (or the DB_* variables); one that `sqlite3 FILE .dump` made goes into a \
                 new file with `sqlite3 NEW.db < DUMP.sql`",
            ));
    }
    let out = cx.out;
    let file = DumpFile::open(path).map_err(refused)?;
    let options = CheckOptions {
        only: args.only.clone(),
        allow_missing_trailer: args.no_trailer,
        ..CheckOptions::default()
    };
    let facts = file
        .check(&options, &mut |p| {
            out.progress("check", p.read, p.size, "bytes", "")
        })
        .map_err(refused)?;
    out.progress_end();
    let policy = Policy {
        into: args.into.clone(),
        definer: args.definer.clone().map_or(Definer::Keep, Definer::Map),
        events: if args.keep_events {
            Events::Keep
        } else {
            Events::Disable
        },
    };
    not_live(cx, &target)?;
    let mut hold = Hold::of(cx, &target)?;
    preflight(cx, args, &facts, &mut hold.server)?;
    let defaults = defaults(&mut hold, &facts)?;
    let mut db = hold.empty(cx, args.replace, &defaults)?;
    // It cannot go on where it was cut off, but whoever looks into the schema until it is done is told.
    let marks = Marks::of(&format!("dump {}", path.display()));
    marks.begin(&mut db)?;
    death::point();
    let mut sent = 0u64;
    let mut skipped: BTreeMap<String, u64> = BTreeMap::new();
    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
    let mut changed = Changed::default();
    for action in file.statements(&facts, &options, &policy).map_err(refused)? {
        match action.map_err(refused)? {
            Action::Send(outgoing) => {
                let text = String::from_utf8(outgoing.text).map_err(|_| {
                    Failure::failed(
                        "dump",
                        format!("the statement on line {} is not UTF-8", outgoing.line),
                    )
                    .hint("dump again with --default-character-set=utf8mb4 and --hex-blob")
                })?;
                let affected = db
                    .execute(&text)
                    .map_err(|error| not_taken(&args.into, outgoing.line, error))?;
                if let Part::Rows { table, .. } = outgoing.part {
                    *rows.entry(table).or_default() += affected;
                    changed.note(outgoing.line, db.warnings()?);
                }
                sent += 1;
                if sent.is_multiple_of(16) {
                    out.progress("restore", sent, facts.statements, "statements", "");
                }
            }
            Action::Skip { reason, .. } => *skipped.entry(format!("{reason:?}")).or_default() += 1,
        }
    }
    out.progress_end();
    // The dump switched off what it switched off for its session only; the digest wants a session of its own.
    drop(db);
    death::point();
    let mut fresh = hold.open()?;
    let digest = match db::digest::compute(&mut fresh, None, &mut out.rows("digest")) {
        Ok(digest) => Some(digest),
        // The dump is somebody else's, and may hold more than a backup of ours can.
        Err(db::Error::Unsupported(found)) => {
            let none = out.language.pick("no hay digest", "there is no digest");
            out.say("note", &format!("{none}: {}", found.join("; ")));
            None
        }
        Err(error) => return Err(error.into()),
    };
    out.progress_end();
    let short: Vec<String> = facts
        .rows
        .iter()
        .filter(|(name, promised)| promised.exact && rows.get(*name).copied().unwrap_or(0) != promised.rows)
        .map(|(name, promised)| {
            format!(
                "{name}: {} of {} rows",
                rows.get(name).copied().unwrap_or(0),
                promised.rows
            )
        })
        .collect();
    if !short.is_empty() {
        return Err(Failure::new(
            "verification_failed",
            format!(
                "the server took fewer rows than the dump holds: {}",
                short.join("; ")
            ),
            exit::VERIFICATION,
        ));
    }
    changed.judge(args)?;
    // Last: until here the schema says of itself that it is not whole.
    death::point();
    marks.end(&mut fresh)?;
    death::point();
    let events =
        fresh.count("SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA=DATABASE()")?;
    let counts: Vec<(&str, u64)> = match &digest {
        Some(digest) => digest.tables.iter().map(|t| (t.name.as_str(), t.rows)).collect(),
        None => rows.iter().map(|(name, rows)| (name.as_str(), *rows)).collect(),
    };
    let total = counts.iter().map(|(_, rows)| rows).sum();
    let document = json!({
        "database": args.into, "digest": digest.as_ref().map(|d| &d.digest), "verified": null, "rows": total, "statements": sent,
        "skipped": skipped, "tables": counts.iter().map(|(name, rows)| json!({ "name": name, "rows": rows })).collect::<Vec<_>>(),
        "events": events, "warnings": changed.warnings,
    });
    out.result(&document, || {
        let pick = |es, en| out.language.pick(es, en);
        let mut text = format!(
            "{target}: {}, {}\n",
            format::counted(total, pick("fila", "row"), pick("filas", "rows")),
            format::counted(
                counts.len() as u64,
                pick("tabla", "table"),
                pick("tablas", "tables")
            ),
        );
        for (name, rows) in &counts {
            text.push_str(&format!(
                "  {:<24} {}\n",
                format::plain(name),
                format::count(*rows)
            ));
        }
        if events > 0 && !args.keep_events {
            let off = pick(
                "creados apagados (--keep-events los deja como estaban)",
                "created switched off (--keep-events leaves them as they were)",
            );
            let count = format::counted(
                events.unsigned_abs(),
                pick("evento", "event"),
                pick("eventos", "events"),
            );
            text.push_str(&format!("  {count}: {off}\n"));
        }
        if let Some(digest) = &digest {
            text.push_str(&format!("  digest {}\n", digest.digest));
        }
        text.push_str(pick(
            "  sin verificar: un volcado SQL no trae con qué compararse",
            "  not verified: an SQL dump brings nothing to compare with",
        ));
        text
    });
    Ok(0)
}

/// The defaults of the new schema, the best first: those that the dump itself gives it, else what the target has already; the
/// server's own come last.
fn defaults(hold: &mut Hold, facts: &Facts) -> Result<Vec<String>, Failure> {
    let named = |value: &Option<String>| {
        value
            .clone()
            .filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
    };
    let created = facts
        .databases
        .iter()
        .find(|d| Some(&d.name) == facts.source.as_ref());
    Ok(
        match created.map(|d| (named(&d.character_set), named(&d.collation))) {
            Some((Some(set), Some(collation))) => vec![
                format!("CHARACTER SET {set} COLLATE {collation}"),
                format!("CHARACTER SET {set}"),
            ],
            Some((Some(set), None)) => vec![format!("CHARACTER SET {set}")],
            Some((None, Some(collation))) => vec![format!("COLLATE {collation}")],
            _ => hold.defaults()?.into_iter().collect(),
        },
    )
}

/// Rows that the server took, but not as they stand in the dump.
#[derive(Default)]
struct Changed {
    statements: u64,
    /// The first of them.
    warnings: Vec<String>,
}

impl Changed {
    fn note(&mut self, line: u64, warnings: Vec<String>) {
        self.statements += u64::from(!warnings.is_empty());
        for warning in warnings {
            if self.warnings.len() < 10 {
                self.warnings.push(format!("line {line}: {warning}"));
            }
        }
    }

    fn judge(&self, args: &Args) -> Result<(), Failure> {
        if self.warnings.is_empty() || args.accept_warnings {
            return Ok(());
        }
        let what = format!(
            "the server took {} of the dump with warnings, and may have changed values: {}",
            format::counted(self.statements, "statement", "statements"),
            self.warnings.join("; ")
        );
        Err(
            Failure::new("verification_failed", what, exit::VERIFICATION).hint(format!(
                "make the dump anew with `--default-character-set=utf8mb4` from a server of this kind; or take it as the server \
                 makes it: --accept-warnings --replace --yes. {} holds all of it until then, marked as unfinished",
                args.into
            )),
        )
    }
}
