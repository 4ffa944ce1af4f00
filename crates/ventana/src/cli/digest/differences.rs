//! `ventana digest --diff`: what differs, for people and as a document.

use super::damage_or;
use super::sides::Named;
use crate::cli::{Context, Done};
use crate::error::{Failure, exit};
use crate::ui::{Language, format};
use db::diff::{Both, Difference, Limits, Range, State, TableDifference, Unnamed, compare};
use serde_json::json;

pub(super) fn run(cx: &Context, pair: &[String], values: bool) -> Done {
    let out = cx.out;
    let mut named = Vec::new();
    for text in pair {
        named.push(Named::parse(cx, text)?);
    }
    let [left, right] = &named[..] else {
        return Err(Failure::usage("--diff takes two"));
    };
    let scratch = crate::scratch::temporary(&cx.config, "diff")?;
    let mut listen = out.rows("diff");
    let contents = [left.contents()?, right.contents()?];
    let limits = Limits {
        values,
        ..Limits::default()
    };
    let mut found = || -> Result<Difference, Failure> {
        let mut one = left.open(cx, contents[0].as_ref(), scratch.path(), &mut listen)?;
        let mut other = right.open(cx, contents[1].as_ref(), scratch.path(), &mut listen)?;
        Ok(compare(&mut *one, &mut *other, limits, &mut listen)?)
    };
    let found = found();
    out.progress_end();
    let found = found.map_err(|failure| {
        let backups = named.iter().filter_map(Named::backup);
        backups.fold(failure, |failure, backup| damage_or(cx, backup, failure))
    })?;
    let document = json!({
        "equal": found.equal,
        "left": { "what": left.to_string(), "digest": found.left },
        "right": { "what": right.to_string(), "digest": found.right },
        "tables": found.tables,
        "objects": found.objects,
        "counters": found.counters,
    });
    out.result(&document, || text(&found, left, right, out.language));
    Ok(if found.equal { 0 } else { exit::VERIFICATION })
}

fn text(found: &Difference, left: &Named, right: &Named, language: Language) -> String {
    let pick = |es, en| language.pick(es, en);
    let mut lines = vec![
        format!("{}  {}  {left}", pick("izquierda", "left "), found.left),
        format!("{}  {}  {right}", pick("derecha  ", "right"), found.right),
    ];
    if found.equal {
        lines.push(pick("iguales", "equal").into());
    } else {
        lines.push(
            pick(
                "distintas; «falta» y «sobra» se dicen de la derecha",
                "different; `missing` and `extra` are said of the right one",
            )
            .into(),
        );
    }
    for table in found.tables.iter().filter(|t| !t.equal) {
        self::table(table, language, &mut lines);
    }
    for object in &found.objects {
        lines.push(format!("\n{}", format::plain(&object.name)));
        for (side, text) in [
            (pick("izquierda", "left "), &object.left),
            (pick("derecha  ", "right"), &object.right),
        ] {
            let none = pick("(no está)", "(not there)").to_string();
            lines.push(format!("  {side}  {}", text.as_ref().unwrap_or(&none)));
        }
    }
    if !found.counters.is_empty() {
        lines.push(format!(
            "\n{}",
            pick("contadores (fuera del digest)", "counters (not in the digest)")
        ));
    }
    for counter in &found.counters {
        let one = |n: Option<i128>| n.map_or("-".to_string(), |n| n.to_string());
        lines.push(format!(
            "  {}: {} | {}",
            counter.name,
            one(counter.left),
            one(counter.right)
        ));
    }
    // Data and names from elsewhere: nothing of them may steer the terminal.
    lines
        .iter()
        .map(|line| format::safe(line))
        .collect::<Vec<_>>()
        .join("\n")
}

fn listed(columns: &Option<Vec<String>>) -> String {
    columns
        .as_ref()
        .map_or("-".into(), |columns| format::plain(&columns.join(", ")))
}

/// `60 | 61`, `60 | -`.
fn sides(both: &Both<u64>) -> String {
    let one = |n: Option<u64>| n.map_or("-".to_string(), format::count);
    format!("{} | {}", one(both.left), one(both.right))
}

fn table(table: &TableDifference, language: Language, lines: &mut Vec<String>) {
    let pick = |es, en| language.pick(es, en);
    let rows = pick("filas", "rows");
    lines.push(format!(
        "\n{} {}: {} {rows}",
        pick("tabla", "table"),
        format::plain(&table.name),
        sides(&table.rows)
    ));
    if table.other_columns {
        lines.push(
            pick(
                "  las columnas son distintas: se comparan las que están en los dos lados",
                "  the columns differ: those that both have are compared",
            )
            .into(),
        );
        for (side, columns) in [
            (pick("izquierda", "left "), &table.columns.left),
            (pick("derecha  ", "right"), &table.columns.right),
        ] {
            lines.push(format!("    {side}  {}", listed(columns)));
        }
    }
    match table.unnamed {
        Some(Unnamed::NoKey) => lines.push(
            pick(
                "  sin clave primaria: no se puede decir qué filas",
                "  without a primary key: which rows cannot be said",
            )
            .into(),
        ),
        Some(Unnamed::OtherKey) => lines.push(
            pick(
                "  las claves primarias son distintas: no se puede decir qué filas",
                "  the primary keys differ: which rows cannot be said",
            )
            .into(),
        ),
        Some(Unnamed::OneSide) => lines.push(pick("  solo en un lado", "  on one side only").into()),
        None => {
            let most = if table.complete {
                ""
            } else {
                pick("al menos ", "at least ")
            };
            lines.push(format!(
                "  {most}{} {}",
                format::count(table.differing),
                match table.differing {
                    1 => pick("fila distinta", "row differs"),
                    _ => pick("filas distintas", "rows differ"),
                }
            ));
        }
    }
    for range in &table.ranges {
        self::range(range, language, lines);
    }
    let named: usize = table.ranges.iter().map(|r| r.keys.len()).sum();
    if table.unnamed.is_none() && (named as u64) < table.differing {
        lines.push(format!(
            "  {} {}",
            pick("se nombran las primeras", "named are the first"),
            named
        ));
    }
}

fn range(range: &Range, language: Language, lines: &mut Vec<String>) {
    let pick = |es, en| language.pick(es, en);
    let from = match &range.from {
        Some(key) => format!("{} {key}", pick("desde", "from")),
        None => pick("desde el principio", "from the beginning").into(),
    };
    let to = match &range.to {
        Some(key) => format!("{} {key}", pick("hasta antes de", "to before")),
        None => pick("hasta el final", "to the end").into(),
    };
    let counts = sides(&Both {
        left: Some(range.rows_left),
        right: Some(range.rows_right),
    });
    lines.push(format!("  {from} {to}: {counts} {}", pick("filas", "rows")));
    lines.extend(range.chunks.iter().map(|file| format!("    {file}")));
    for key in &range.keys {
        let state = match key.state {
            State::Missing => pick("falta   ", "missing  "),
            State::Extra => pick("sobra   ", "extra    "),
            State::Different => pick("distinta", "different"),
        };
        lines.push(format!("    {state}  {}", key.key));
        for value in &key.values {
            let shown = |text: &Option<String>| text.clone().unwrap_or("-".into());
            lines.push(format!(
                "      {}: {} | {}",
                value.column,
                shown(&value.left),
                shown(&value.right)
            ));
        }
    }
}
