//! `cargo xtask ci`: every check and test, in the order in which a mistake is cheapest to find.

mod steps;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use steps::STEPS;
pub(crate) use steps::docs;

pub(crate) fn run(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let chosen = match args[..] {
        [] => STEPS,
        ["--only", name] => std::slice::from_ref(&STEPS[position(name)?]),
        ["--from", name] => &STEPS[position(name)?..],
        ["--list"] => {
            STEPS
                .iter()
                .for_each(|step| println!("{:<10} {}", step.name, step.what));
            return Ok(());
        }
        _ => bail!("usage: cargo xtask ci [--only STEP | --from STEP | --list]"),
    };
    let started = Instant::now();
    let mut lines = Vec::new();
    for step in chosen {
        println!("ci: {}: {} …", step.name, step.what);
        let began = Instant::now();
        let result = (step.run)().with_context(|| {
            let repeat = format!("cargo xtask ci --only {}", step.name);
            format!(
                "ci: {} FAILED after {}; repeat with `{repeat}`",
                step.name,
                seconds(began.elapsed())
            )
        })?;
        let line = format!("{:<10} {:>8}  {result}", step.name, seconds(began.elapsed()));
        println!("ci: ok: {line}");
        lines.push(line);
    }
    println!("\nci: summary");
    lines.iter().for_each(|line| println!("ci:   {line}"));
    println!(
        "ci: all {} steps ok in {}",
        lines.len(),
        seconds(started.elapsed())
    );
    Ok(())
}

fn position(name: &str) -> Result<usize> {
    let names = || STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    STEPS
        .iter()
        .position(|step| step.name == name)
        .with_context(|| format!("no step `{name}`; steps: {}", names()))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
