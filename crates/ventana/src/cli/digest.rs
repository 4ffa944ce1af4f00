//! `ventana digest`

use super::{Context, Done};
use crate::ui::{format, table};
use crate::world::session;

/// Options of `digest`.
#[derive(clap::Args)]
pub struct Args {}

pub fn run(cx: &Context, _args: Args) -> Done {
    let address = cx.config.address()?;
    let mut db = db::open(address, &session(&cx.config, "digest"))?;
    let out = cx.out;
    let digest = db::digest::compute(&mut *db, None, &mut |p| {
        out.progress("digest", p.rows, p.rows_total, "rows", p.table)
    })?;
    out.progress_end();
    out.result(&digest, || {
        let mut rows = vec![
            [
                out.language.pick("tabla", "table"),
                out.language.pick("filas", "rows"),
                "digest",
            ]
            .map(str::to_string)
            .to_vec(),
        ];
        for t in &digest.tables {
            rows.push(vec![t.name.clone(), format::count(t.rows), t.digest.clone()]);
        }
        format!(
            "{}\n{}  {address}",
            table::render(&rows, out.columns),
            digest.digest
        )
    });
    Ok(0)
}
