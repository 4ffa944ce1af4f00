//! A dump made by mysqldump, mariadb-dump or the like: read whole and judged before its first statement is sent.

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
use db::script::dump::{
    Action, CheckOptions, Definer, DumpError, DumpFile, Events, Facts, NAMELESS, Part, Policy,
};
use db::{Address, Database};
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
    let mut db = hold.empty(cx, args.replace)?;
    // It cannot go on where it was cut off, but whoever looks into the schema until it is done is told.
    let marks = Marks::of(&format!("dump {}", path.display()));
    marks.begin(&mut db)?;
    death::point();
    let mut sent = 0u64;
    let mut skipped: BTreeMap<String, u64> = BTreeMap::new();
    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
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
    let digest = db::digest::compute(&mut fresh, None, &mut db::progress::silent())?;
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
    // Last: until here the schema says of itself that it is not whole.
    death::point();
    marks.end(&mut fresh)?;
    death::point();
    let events =
        fresh.count("SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA=DATABASE()")?;
    let document = json!({
        "database": args.into, "digest": digest.digest, "verified": null, "rows": digest.rows(), "statements": sent, "skipped": skipped,
        "tables": digest.tables.iter().map(|t| json!({ "name": t.name, "rows": t.rows })).collect::<Vec<_>>(), "events": events,
    });
    out.result(&document, || {
        let pick = |es, en| out.language.pick(es, en);
        let mut text = format!(
            "{target}: {}, {}\n",
            format::counted(digest.rows(), pick("fila", "row"), pick("filas", "rows")),
            format::counted(
                digest.tables.len() as u64,
                pick("tabla", "table"),
                pick("tablas", "tables")
            ),
        );
        for table in &digest.tables {
            let name = format::plain(&table.name);
            text.push_str(&format!("  {name:<24} {}\n", format::count(table.rows)));
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
        text.push_str(&format!("  digest {}\n", digest.digest));
        text.push_str(pick(
            "  sin verificar: un volcado SQL no trae con qué compararse",
            "  not verified: an SQL dump brings nothing to compare with",
        ));
        text
    });
    Ok(0)
}

/// The server did not take a statement. What the same dump would meet again is the dump's, or this server's for good; the
/// rest passes.
fn not_taken(into: &str, line: u64, error: db::Error) -> Failure {
    let passes = matches!(&error, db::Error::Lost { .. } | db::Error::Connect { .. })
        || matches!(&error, db::Error::Server { number, .. } if PASSING.contains(number));
    let failure = Failure::from(error);
    let hint = match (passes, failure.hint) {
        (true, Some(first)) => {
            format!("{first}; {into} holds a part of the dump: restore it again with --replace --yes")
        }
        (true, None) => format!("{into} holds a part of the dump: restore it again with --replace --yes"),
        (false, _) => format!(
            "this server does not take that statement, however often it is sent: see whether the dump is of a newer server or \
             another kind, and have it made anew for this one, or mend that line; {into} holds a part of the dump, which \
             --replace --yes with the mended one drops first"
        ),
    };
    Failure::failed("dump", format!("line {line}: {}", failure.message)).hint(hint)
}

/// Full disks and tables, locks, limits of the moment, a server that stops.
const PASSING: [u32; 12] = [
    1021, 1028, 1037, 1040, 1041, 1053, 1114, 1180, 1205, 1213, 1317, 1927,
];

fn refused(error: DumpError) -> Failure {
    let hint = match &error {
        DumpError::Io { .. } | DumpError::Split { .. } => None,
        DumpError::NotADump { .. } => Some(
            "name what mysqldump or mariadb-dump has written (.sql, .sql.gz, .sql.zst), or a backup (`ventana backup list`)".into(),
        ),
        DumpError::Damaged { .. } | DumpError::CutOff { .. } => {
            Some("make or fetch the dump again: what is missing is nowhere else".into())
        }
        DumpError::NoTrailer { .. } => {
            Some("--no-trailer takes it all the same; nothing then shows that it was not cut off".into())
        }
        DumpError::Several { databases, .. } | DumpError::NotInDump { databases, .. } => {
            let named: Vec<_> = databases.iter().filter(|name| *name != NAMELESS).collect();
            Some(match &named[..] {
                [] => "leave out --only: the dump names no database".into(),
                [one] => format!("--only {one}"),
                [one, ..] => format!("--only {one}, or another of them"),
            })
        }
        DumpError::Refused { .. } => Some(
            "a dump of the one database (`mariadb-dump NAME`, without --databases) has none of these; or take those lines out of it"
                .into(),
        ),
    };
    Failure {
        hint,
        ..Failure::new("dump_refused", error.to_string(), exit::FAILED)
    }
}
