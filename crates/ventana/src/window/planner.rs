//! Makes the plan: configuration + inspection of the target → ordered steps with every input pinned by digest.

use super::sequence::{self, Inputs, unacknowledged};
use crate::config::Config;
use crate::error::Failure;
use crate::host::{clock, files};
use crate::world::{Already, Pinned, Start, name_of};
use db::migration::{self, Migration};
use db::schema::{Kind, Schema};
use db::{Database, Dialect};
use engine::plan::{FORMAT, Plan, PlanFile, ReleaseChange, Target};
use std::collections::BTreeMap;

/// Inspects the target and plans. Changes nothing.
pub fn make(config: &Config) -> Result<PlanFile, Failure> {
    let address = config.address()?;
    let session = config.session("plan");
    let mut db = db::open(address, &session)?;
    session.may_change(db.dialect())?;
    let schema = db.inspect()?;
    schema.supported()?;
    let identity = db.identity()?;
    let mut inputs = BTreeMap::new();
    if let Some(digest) = &config.digest {
        inputs.insert("ventana.toml".to_string(), digest.clone());
    }
    let release = release(config, &mut inputs)?;
    let (migration, already) = match pinned(config, &schema, &mut *db, &mut inputs)? {
        Found::Nothing => (None, None),
        Found::Already(already) => (None, Some(already)),
        Found::Pinned(pinned) => (Some(*pinned), None),
    };
    let start = Start {
        outline: schema.outline(),
        structure: schema.structure(),
        migration,
        already,
    };
    if start.migration.is_none() && release.is_none() {
        let done = start.already.as_ref().map_or_else(String::new, |a| {
            format!(
                "; migration {} has nothing to do: the schema is in state {}",
                a.id, a.state
            )
        });
        return Err(Failure::usage(format!(
            "there is nothing to do: neither a new release nor a migration{done}"
        ))
        .hint("name a release under [release] or a migration under [migration]"));
    }
    let steps = sequence::steps(&Inputs {
        dialect: identity.dialect,
        file: &config.file,
        release: release.as_ref().map(|r| r.to.as_str()),
        source: config
            .file
            .release
            .as_ref()
            .map(|r| r.source.display().to_string()),
        migration: start.migration.as_ref(),
    });
    let plan = Plan {
        format: FORMAT,
        service: config.service(),
        environment: config.environment.clone(),
        database: Target {
            dialect: identity.dialect.name().into(),
            database: identity.database,
            identity: identity.fields,
        },
        release,
        inputs,
        start: serde_json::to_value(&start).map_err(|e| Failure::failed("plan", e.to_string()))?,
        steps,
    };
    let mut file = PlanFile::new(plan, clock::now()).map_err(|e| Failure::failed("plan", e.to_string()))?;
    file.expected_ms = super::expected::read(config, &file.plan);
    Ok(file)
}

/// The schema's start as a plan holds it.
pub fn start_of(plan: &Plan) -> Result<Start, Failure> {
    serde_json::from_value(plan.start.clone()).map_err(|e| {
        Failure::usage(format!("the plan's start state cannot be read: {e}"))
            .hint("make the plan again with `ventana plan`")
    })
}

fn release(config: &Config, inputs: &mut BTreeMap<String, String>) -> Result<Option<ReleaseChange>, Failure> {
    let Some(release) = &config.file.release else {
        return Ok(None);
    };
    if !release.source.is_dir() {
        return Err(Failure::usage(format!(
            "the release {} is not a folder",
            release.source.display()
        ))
        .hint("[release] source names the folder of the new release"));
    }
    let to = name_of(&release.source);
    let digest = files::folder_digest(&release.source)?;
    let from = files::read_link(&release.root.join("current")).map(|t| name_of(&t));
    if from.as_deref() == Some(to.as_str()) {
        return Err(Failure::usage(format!("release {to} is deployed already"))
            .hint("name the new release in [release] source"));
    }
    inputs.insert(format!("release {to}"), digest.clone());
    Ok(Some(ReleaseChange { from, to, digest }))
}

/// What the configured migration comes to.
enum Found {
    /// None is configured.
    Nothing,
    Already(Already),
    Pinned(Box<Pinned>),
}

/// Reads the migration from the new release and pins it to the schema as it is. `None` when there is nothing to do.
fn pinned(
    config: &Config,
    schema: &Schema,
    db: &mut dyn Database,
    inputs: &mut BTreeMap<String, String>,
) -> Result<Found, Failure> {
    let Some(wanted) = &config.file.migration else {
        return Ok(Found::Nothing);
    };
    let (migration, digest) = read_migration(config, &wanted.id)?;
    inputs.insert(format!("migration {}", wanted.id), digest);
    // The start state first: placeholders may name columns that are there in no other.
    let states = migration.starts(db)?;
    let state = migration::start_state(&states, db)?.clone();
    if state.done {
        return Ok(Found::Already(Already {
            id: migration.id,
            state: state.name,
        }));
    }
    let online = migration.resolve(db)?;
    let destructive = migration::destructive(&online, schema.dialect);
    if !destructive.is_empty() {
        return Err(Failure::usage(format!(
            "the migration would destroy data inside the window: {}",
            destructive.join("; ")
        ))
        .hint("dropping belongs to `finalize`, a plan of its own"));
    }
    let triggers = update_triggers(schema, &online.table);
    let open = unacknowledged(&triggers, wanted);
    if !open.is_empty() && schema.dialect != Dialect::Sqlite {
        return Err(Failure::usage(format!(
            "the backfill would fire the service's own UPDATE triggers on {}: {}",
            online.table,
            open.join(", ")
        ))
        .hint("read them, and acknowledge them by name under [migration] accept_triggers"));
    }
    let uses = uses(schema, &online);
    Ok(Found::Pinned(Box::new(Pinned {
        id: migration.id,
        uses,
        state: state.name,
        online,
    })))
}

/// Indexes, checks, generated columns, views, routines, triggers and events whose definition names a column that changes.
fn uses(schema: &Schema, online: &migration::Online) -> Vec<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let names = |text: &str| {
        text.split(|c| !word(c))
            .any(|w| online.columns.iter().any(|column| w == column))
    };
    schema
        .objects
        .iter()
        .filter(|o| !matches!(o.kind, Kind::Table | Kind::Database) && names(&o.definition))
        .filter(|o| {
            !online
                .columns
                .iter()
                .any(|c| o.name == format!("{}.{c}", online.table))
        })
        .map(|o| format!("{:?} {}", o.kind, o.name).to_lowercase())
        .collect()
}

/// The migration file of the new release, and its digest.
pub fn read_migration(config: &Config, id: &str) -> Result<(Migration, String), Failure> {
    let folder = config
        .file
        .release
        .as_ref()
        .map(|r| r.source.join("migrations"))
        .ok_or_else(|| {
            Failure::usage("a migration lies in a release, and no [release] is configured")
                .hint("name the new release's folder in [release] source")
        })?;
    let path = folder.join(id).join("migration.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| {
        Failure::usage(format!("cannot read migration {}: {e}", path.display()))
            .hint(format!("the release must hold migrations/{id}/migration.toml"))
    })?;
    let migration = Migration::parse(&text, &path.display().to_string())?;
    if migration.id != id {
        return Err(Failure::usage(format!(
            "{} says that its id is {}",
            path.display(),
            migration.id
        )));
    }
    Ok((migration, files::sha256(text.as_bytes())))
}

fn update_triggers(schema: &Schema, table: &str) -> Vec<String> {
    let quoted = format!("\"{table}\"");
    schema
        .objects
        .iter()
        .filter(|o| {
            o.kind == Kind::Trigger && o.definition.contains("\"UPDATE\"") && o.definition.contains(&quoted)
        })
        .map(|o| o.name.clone())
        .collect()
}
