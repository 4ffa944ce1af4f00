//! Whether a statement reaches into another schema than the one that is restored.

use super::Notes;
use super::allow::altered_database;
use crate::script::code::Code;
use crate::script::dump::options::CheckOptions;
use crate::script::names::{Reference, Role};
use crate::script::verb::{Object, Verb};

/// Schemas that hold nothing of the users'. Reading them changes nothing.
const CATALOGS: &[&str] = &["information_schema", "performance_schema"];

/// Refuses `code` when it writes to another schema than `source`, calls something there or depends on it.
pub(super) fn check(
    code: &Code<'_>,
    references: &[Reference],
    verb: &Verb,
    source: Option<&str>,
    options: &CheckOptions,
    notes: &mut Notes,
) -> Result<(), String> {
    if *verb == Verb::Alter(Object::Database)
        && altered_database(code).is_some()
        && source != Some(code.name(2).as_str())
    {
        return Err(format!("it alters the database {}", code.name(2)));
    }
    // Code that runs later may read other schemas: it fails there or it does not, and nothing is changed.
    let later = matches!(
        verb,
        Verb::Create {
            object: Object::View
                | Object::Trigger
                | Object::Procedure
                | Object::Function
                | Object::Package
                | Object::Event,
            ..
        }
    );
    for reference in references {
        let schema = reference.schema.as_str();
        if source == Some(schema) || options.accept_schemas.contains(schema) {
            continue;
        }
        if reference.guessed {
            return Err(format!(
                "it names {schema}.{}, where {schema} is no table of the statement",
                reference.name
            ));
        }
        let reads = matches!(reference.role, Role::Read | Role::Column);
        let catalog = CATALOGS.iter().any(|known| schema.eq_ignore_ascii_case(known));
        // Without a source nobody knows whether the name is the dump's own, whose copy would then read the original.
        if reads && (catalog || later && source.is_some()) {
            if !catalog && !notes.reads.iter().any(|known| known == schema) {
                notes.reads.push(schema.to_owned());
            }
        } else {
            let does = match reference.role {
                Role::Read | Role::Column => "reads",
                Role::Write => "names",
                Role::Call => "calls",
            };
            let whose = source.map_or_else(
                || "the dump does not say which database it holds: name its source".to_owned(),
                |source| format!("the dump's database is {source}"),
            );
            return Err(format!("it {does} {schema}.{}, and {whose}", reference.name));
        }
    }
    Ok(())
}
