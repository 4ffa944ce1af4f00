//! Sessions that move amounts between two tables, one transaction after the other, as fast as they can.

use db::Address;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use testkit::mariadb::Schema;

/// What both tables hold in all, at any moment.
pub(super) const SUM: i64 = 16_000;

/// Writers until [`Writers::stop`].
pub(super) struct Writers {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Writers {
    /// Makes the tables and starts writing.
    pub(super) fn start(schema: &Schema<'_>, count: usize) -> Writers {
        schema.query(
            "CREATE TABLE a (id INT PRIMARY KEY, v INT NOT NULL, n BIGINT NOT NULL DEFAULT 0);
             CREATE TABLE b LIKE a;
             INSERT INTO a (id, v) VALUES (1, 1000), (2, 1000), (3, 1000), (4, 1000), (5, 1000), (6, 1000), (7, 1000), (8, 1000);
             INSERT INTO b (id, v) SELECT id, v FROM a",
        );
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let threads = (0..count)
            .map(|_| {
                let (stop, done, url) = (stop.clone(), done.clone(), schema.url());
                std::thread::spawn(move || {
                    let address = Address::parse(&url).expect("an address");
                    let mut db = db::open(&address, &super::session()).expect("opens");
                    while !stop.load(Ordering::SeqCst) {
                        let next = done.load(Ordering::SeqCst);
                        let from = next % 8 + 1;
                        // Both counters are one number; row 1 of `a` is locked first by all, so that nobody deadlocks.
                        let transfer = [
                            "START TRANSACTION".to_string(),
                            "SELECT @n := MAX(n) + 1 FROM a WHERE id=1 FOR UPDATE".to_string(),
                            "UPDATE a SET n=@n WHERE id=1".to_string(),
                            format!("UPDATE a SET v=v-1 WHERE id={from}"),
                            format!("UPDATE b SET v=v+1 WHERE id={from}"),
                            "UPDATE b SET n=@n WHERE id=1".to_string(),
                            "COMMIT".to_string(),
                        ];
                        for statement in &transfer {
                            db.query(statement).expect("writes");
                        }
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let mut writers = Writers { stop, done, threads };
        writers.further();
        writers
    }

    /// Waits until more was committed.
    pub(super) fn further(&mut self) {
        let before = self.done.load(Ordering::SeqCst);
        while self.done.load(Ordering::SeqCst) < before + 5 {
            assert!(
                self.threads.iter().all(|t| !t.is_finished()),
                "a writer has failed"
            );
            std::thread::yield_now();
        }
    }

    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().expect("a writer");
        }
    }
}
