//! What keeps the rooms apart, checked by a program.

mod arrows;
mod clock;
mod lengths;
mod links;
mod names;

use anyhow::{Result, bail};

/// All of them; every fault is printed before the step fails.
pub(crate) fn check() -> Result<String> {
    let mut faults = arrows::faults()?;
    faults.extend(names::faults()?);
    faults.extend(clock::faults()?);
    faults.extend(links::faults()?);
    for warning in lengths::warnings()? {
        println!("warning: {warning}");
    }
    report(&faults)?;
    Ok("arrows, names, clocks and links hold".to_owned())
}

/// Only the links of the documents.
pub(crate) fn check_links() -> Result<String> {
    report(&links::faults()?)?;
    Ok("links hold".to_owned())
}

fn report(faults: &[String]) -> Result<()> {
    for fault in faults {
        println!("error: {fault}");
    }
    if !faults.is_empty() {
        bail!("{} borders crossed", faults.len());
    }
    Ok(())
}
