//! The database as `check` sees it: whether it can be reached, carried exactly, backed up, proven, and fenced.

use super::{Check, Verdict};
use crate::cli::Context;
use crate::error::Failure;
use crate::scratch;
use crate::steps::Raised;
use crate::ui::format::count;
use crate::world::{Start, World};
use db::mariadb::MariaDb;
use db::mariadb::privileges::{Purpose, lacking};
use db::mariadb::target::{self, Lack};
use db::{Address, Dialect, Identity, Outline, Schema};

pub(super) fn look(cx: &Context, checks: &mut Vec<Check>) {
    let mut push = |name, verdict| checks.push(Check { name, verdict });
    let opened = cx
        .config
        .address()
        .and_then(|address| Ok((address, db::open(address, &cx.config.session("check"))?)))
        .and_then(|(address, mut db)| Ok((address, db.identity()?, db)));
    let (address, identity, mut db) = match opened {
        Ok(found) => found,
        Err(failure) => return push("database", Verdict::of(Err(failure))),
    };
    push("database", Verdict::Good(described(&identity)));
    let schema = db.inspect().map_err(Failure::from);
    drop(db);
    let schema = schema.and_then(|schema| Ok((carried(cx, &schema)?, schema)));
    let (said, schema) = schema.map_or_else(
        |failure| (Err(failure), None),
        |(s, schema)| (Ok(s), Some(schema)),
    );
    push("schema", Verdict::of(said));
    if identity.dialect == Dialect::Sqlite {
        return;
    }
    push("privileges", Verdict::of(privileges(cx, address)));
    // What it takes depends on what there is to restore.
    if let Some(schema) = schema {
        push("proof", Verdict::of(proof(cx, address, &schema)));
    }
    push("writers", writers(cx, address));
}

fn described(identity: &Identity) -> String {
    let fields: Vec<String> = identity.fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!(
        "{} {} · {}",
        identity.dialect.name(),
        identity.version,
        fields.join(" ")
    )
}

fn carried(cx: &Context, schema: &Schema) -> Result<String, Failure> {
    schema.supported()?;
    let pick = |es, en| cx.out.language.pick(es, en);
    Ok(format!(
        "{} {}, {} {} {}, {} {}",
        schema.tables.len(),
        pick("tablas", "tables"),
        pick("unas", "about"),
        count(schema.rows_estimate()),
        pick("filas", "rows"),
        schema.objects.len(),
        pick("objetos", "objects"),
    ))
}

/// What reading everything in one state takes.
fn privileges(cx: &Context, address: &Address) -> Result<String, Failure> {
    let pick = |es, en| cx.out.language.pick(es, en);
    let mut db = MariaDb::open(address, &cx.config.session("check"))?;
    let grants = lacking(&mut db, Purpose::Backup)?;
    if grants.is_empty() {
        let enough = pick(
            "todo lo que necesita una copia por varias conexiones",
            "all that a backup over several connections needs",
        );
        return Ok(enough.into());
    }
    let message = pick(
        "a una copia por varias conexiones le faltan permisos",
        "a backup over several connections needs more",
    );
    Err(Failure::failed("privileges", message).hint(grants.join("; ")))
}

/// What restoring a backup into a scratch schema of this server takes.
fn proof(cx: &Context, address: &Address, schema: &Schema) -> Result<String, Failure> {
    let pick = |es, en| cx.out.language.pick(es, en);
    let mut db = MariaDb::open(address, &cx.config.session("check"))?;
    let copies = scratch::Names::of(&address.database());
    let lacking: Vec<Lack> = target::lacks_beside(&mut db, &copies.example, &copies.pattern, schema)?
        .into_iter()
        .filter(|lack| lack.stops)
        .collect();
    if lacking.is_empty() {
        return Ok(format!(
            "{} {}",
            pick(
                "una copia se puede restaurar de prueba en un esquema",
                "a backup can be proven in a schema"
            ),
            copies.pattern
        ));
    }
    let joined = |part: fn(&Lack) -> &str| lacking.iter().map(part).collect::<Vec<_>>().join("; ");
    let message = format!(
        "{}: {}",
        pick(
            "aquí no se puede probar una copia restaurándola",
            "a backup cannot be proven by a restore here"
        ),
        joined(|lack| &lack.what)
    );
    let elsewhere = pick(
        "o haga copias con --no-restore y pruébelas con `ventana backup verify --restore --scratch-server`",
        "or make backups with --no-restore and prove them by `ventana backup verify --restore --scratch-server`",
    );
    Err(Failure::failed("privileges", message).hint(format!("{}; {elsewhere}", joined(|lack| &lack.mend))))
}

/// Who could write past the fence: a question of windows, where some are configured.
fn writers(cx: &Context, address: &Address) -> Verdict {
    let pick = |es, en| cx.out.language.pick(es, en);
    let start = Start {
        outline: Outline::default(),
        structure: String::new(),
        migration: None,
        already: None,
    };
    let world = World::new(
        cx.config.clone(),
        address.clone(),
        start,
        "check",
        cx.config.state_dir(),
        false,
    );
    let file = &cx.config.file;
    let windows = file.release.is_some() || file.migration.is_some() || !file.fence.accounts.is_empty();
    let open = match (Raised { world: &world }).unaccepted() {
        Ok(open) if open.is_empty() => {
            let none = pick(
                "nadie más que las cuentas del servicio y las aceptadas",
                "none beside the service's accounts and the accepted ones",
            );
            return Verdict::Good(none.into());
        }
        Ok(open) => open.join(", "),
        Err(failure) if windows => return Verdict::of(Err(failure)),
        Err(failure) => return Verdict::Note(failure.message),
    };
    if !windows {
        let message = pick(
            "no hay ventana configurada; a una le importaría que pudieran escribir pese a la valla",
            "no window is configured; one would mind that these could write past the fence",
        );
        return Verdict::Note(format!("{message}: {open}"));
    }
    let message = pick("podrían escribir pese a la valla", "could write past the fence");
    let hint = pick(
        "quíteles el permiso, o acepte cada una por su nombre en [fence] accept_writers",
        "take their rights away, or accept each by name under [fence] accept_writers",
    );
    Verdict::of(Err(
        Failure::failed("writers", format!("{message}: {open}")).hint(hint)
    ))
}
