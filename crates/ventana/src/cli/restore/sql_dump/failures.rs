//! Why a dump is not restored, and what its reader types next.

use crate::error::{Failure, exit};
use db::script::dump::{DumpError, NAMELESS};

/// The server did not take a statement. What the same dump would meet again is the dump's, or this server's for good; the
/// rest passes.
pub(super) fn not_taken(into: &str, line: u64, error: db::Error) -> Failure {
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

/// Why a dump is not begun, and what to type.
pub(super) fn refused(error: DumpError) -> Failure {
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
        DumpError::Refused { refusals, .. } if refusals.iter().any(|r| r.statement.to_ascii_uppercase().contains("GTID_PURGED")) => {
            Some("make the dump anew with --set-gtid-purged=OFF; or take that line out of it".into())
        }
        DumpError::Refused { .. } => Some(
            "nothing of it was sent, for what is refused reaches elsewhere or cannot be judged. Where it names other databases, make \
             the dump of the one database (`mariadb-dump NAME`, without --databases); else take those lines out of it, and run what is \
             safe of them by hand"
                .into(),
        ),
    };
    Failure {
        hint,
        ..Failure::new("dump_refused", error.to_string(), exit::FAILED)
    }
}
