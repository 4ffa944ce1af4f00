//! How long a writer waits while a snapshot is taken beside it: one commit every 10 ms, the longest one during each snapshot.
//!
//! `cargo run --release -p db --example snapshot_stall [-- ROUNDS [TABLES…]]` starts a private server and prints a line per setting
//! (the catalog of 5,000 tables takes the server many seconds to tell, so this takes long):
//! method, readers, tables, then median and maximum over the rounds in milliseconds of the longest commit beside a
//! snapshot, of what the snapshot itself says commits were held back, and of the longest commit in as long a time without
//! a snapshot; last, how long taking the snapshot took.
#![allow(clippy::print_stdout, reason = "an example prints what it measures")]

use db::snapshot::{self, Method, Terms};
use db::{Address, Session};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::mariadb::MariaDb;

/// When a commit was sent, and how long it took.
type Commits = Arc<Mutex<Vec<(Instant, Duration)>>>;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|n| n.parse::<usize>().ok());
    let rounds = numbers.next().unwrap_or(20);
    let mut sizes: Vec<usize> = numbers.collect();
    if sizes.is_empty() {
        sizes = vec![1, 100, 5000];
    }
    let server = MariaDb::options().binary_log().start();
    println!(
        "method readers tables | beside: median max | held: median max | without: median max | took: median max (ms, {rounds} rounds)"
    );
    for tables in sizes {
        let schema = server.schema("stall");
        let created: String = (0..tables)
            .map(|n| format!("CREATE TABLE t{n} (id INT PRIMARY KEY, v INT NOT NULL);"))
            .collect();
        schema.query(&created);
        schema.query("INSERT INTO t0 VALUES (1, 0)");
        for (method, readers) in [
            (Method::BackupStage, 2),
            (Method::BackupStage, 4),
            (Method::FlushTables, 4),
            (Method::Positions, 4),
            (Method::OneConnection, 1),
        ] {
            measure(&schema.url(), method, readers, tables, rounds);
        }
    }
}

fn measure(url: &str, method: Method, readers: usize, tables: usize, rounds: usize) {
    let address = Address::parse(url).expect("an address");
    let stop = Arc::new(AtomicBool::new(false));
    let commits: Commits = Arc::default();
    let writer = std::thread::spawn({
        let (address, stop, commits) = (address.clone(), stop.clone(), commits.clone());
        move || write(&address, &stop, &commits)
    });
    let terms = Terms {
        method: Some(method),
        ..Terms::readers(readers)
    };
    let mut db = db::open(&address, &Session::default()).expect("opens");
    let (mut beside, mut held, mut without, mut took) = (vec![], vec![], vec![], vec![]);
    for round in 0..=rounds {
        std::thread::sleep(Duration::from_millis(50));
        let begun = Instant::now();
        let view = snapshot::open(&mut *db, &terms, &mut |_| Ok(())).expect("a snapshot");
        assert_eq!(view.proof["method"], method.name(), "{:?}", view.proof);
        let blocked = view.proof.get("commits_blocked_ms").and_then(|v| v.parse().ok());
        let done = Instant::now();
        view.end().expect("ends");
        std::thread::sleep(done - begun);
        let over = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
        let commits = std::mem::take(&mut *commits.lock().expect("the writer lives"));
        // The first round opens the tables for the first time.
        if round > 0 {
            beside.push(longest(&commits, begun, done));
            without.push(longest(&commits, done, over));
            held.push(blocked.unwrap_or(0.0));
            took.push((done - begun).as_secs_f64() * 1000.0);
        }
    }
    stop.store(true, Ordering::SeqCst);
    writer.join().expect("the writer");
    println!(
        "{} {readers} {tables} | {} | {} | {} | {}",
        method.name(),
        summary(beside),
        summary(held),
        summary(without),
        summary(took)
    );
}

fn write(address: &Address, stop: &AtomicBool, commits: &Commits) {
    let mut db = db::open(address, &Session::default()).expect("opens");
    while !stop.load(Ordering::SeqCst) {
        let sent = Instant::now();
        db.execute("UPDATE t0 SET v=v+1 WHERE id=1").expect("writes");
        let took = sent.elapsed();
        commits.lock().expect("the reader lives").push((sent, took));
        std::thread::sleep(Duration::from_millis(10).saturating_sub(took));
    }
}

/// The longest commit, in milliseconds, that was under way between the two moments.
fn longest(commits: &[(Instant, Duration)], from: Instant, to: Instant) -> f64 {
    commits
        .iter()
        .filter(|(sent, took)| *sent <= to && *sent + *took >= from)
        .map(|(_, took)| took.as_secs_f64() * 1000.0)
        .fold(0.0, f64::max)
}

fn summary(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    format!("{:.1} {:.1}", values[values.len() / 2], values[values.len() - 1])
}
