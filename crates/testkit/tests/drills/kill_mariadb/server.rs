//! `mariadbd` dies in the middle of its work, and statements outlive the client that sent them.

use testkit::{Output, Service};

use super::known::Known;
use super::{Way, at_the_start, begin};
use crate::world_mariadb::{Session, World, wait_for};

/// Sessions of `ventana` that are busy with such a statement.
fn busy_with(world: &World, statement: &str) -> Option<()> {
    let sql = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='ventana' AND INFO LIKE '{statement}%'"
    );
    (world.server.value(&sql)?.parse::<u64>().ok()? > 0).then_some(())
}

/// A window that stands in the middle of a statement, because somebody has locked what the statement needs.
struct HeldUp {
    /// The step before the one that waits.
    after: &'static str,
    /// What somebody reads in a transaction.
    read: &'static str,
    /// The beginning of the statement that waits.
    statement: &'static str,
}

/// Somebody holds a row of it.
const BACKFILL: HeldUp = HeldUp {
    after: "sync.2",
    read: "SELECT id FROM activos WHERE especificaciones IS NOT NULL ORDER BY id DESC LIMIT 1 FOR UPDATE",
    statement: "UPDATE `activos`",
};

/// Somebody reads its table, so the ALTER waits.
const CONTRACT: HeldUp = HeldUp {
    after: "contract.2",
    read: "SELECT id FROM activos LIMIT 1",
    statement: "ALTER TABLE activos CHANGE",
};

impl HeldUp {
    /// A run that died right before the statement, and the session of who is in its way.
    fn begin(&self, world: &World, known: &Known) -> Session {
        at_the_start(world);
        let seq = known.journal.seq("finished", self.after);
        world.die_at("run", &format!("after:{seq}"));
        let mut holder = world.session("root", "");
        holder.run(&format!("BEGIN; {}", self.read)).unwrap();
        holder
    }

    /// The run goes on, and waits by now.
    fn resumed(&self, world: &World) -> Service {
        let window = world.ventana(&["--json", "resume"]).spawn();
        wait_for(self.statement, || busy_with(world, self.statement));
        window
    }
}

/// The server dies under a window that is on its way; the window says that it did not come through.
#[track_caller]
fn server_dies(world: &World, context: &str, window: impl FnOnce() -> Output) {
    let output = window();
    assert!(
        !matches!(output.code, None | Some(0 | 3)),
        "{context}: a window whose server is dead claims to be whole\n{output}"
    );
    assert!(
        output.json()["error"]["message"].is_string(),
        "{context}: nobody says why\n{output}"
    );
    world.server.restart();
}

/// Goes on after the server is back: forward where the run still goes forward, else back.
#[track_caller]
fn go_on(world: &World, known: &Known, context: &str, way: Way) {
    settled(world, known, context, way, world.json(&[way.verb()]));
}

/// What a command that went on says, and what is true.
#[track_caller]
fn settled(world: &World, known: &Known, context: &str, way: Way, output: Output) {
    let document = output.json();
    match (way, document["outcome"].as_str()) {
        (Way::Resume, Some("done")) => {
            assert_eq!(output.code, Some(0), "{context}\n{output}");
            known.assert_end(world, context);
        }
        (_, Some("rolled_back" | "failed")) => {
            assert_eq!(
                output.code,
                Some(if way == Way::Resume { 3 } else { 0 }),
                "{context}\n{output}"
            );
            known.assert_start(world, context);
        }
        _ => panic!("{context}\n{output}"),
    }
}

#[test]
fn mariadbd_dies_in_the_middle() {
    let (world, known) = begin();
    for way in [Way::Resume, Way::Rollback] {
        for (what, held_up) in [("backfill", BACKFILL), ("contract", CONTRACT)] {
            let _holder = held_up.begin(&world, &known);
            let context = format!("mariadbd killed in the {what}, then {way:?}");
            server_dies(&world, &context, || {
                let window = held_up.resumed(&world);
                world.server.kill9();
                window.wait()
            });
            go_on(&world, &known, &context, way);
        }

        // The power goes when the new release is started.
        at_the_start(&world);
        let pid = world.server.pid().unwrap();
        world
            .sandbox()
            .file("before-start.sh", format!("kill -9 {pid}\nrm before-start.sh\n"));
        let context = format!("mariadbd killed in the restart, then {way:?}");
        server_dies(&world, &context, || world.json(&["run"]));
        go_on(&world, &known, &context, way);
    }
}

/// `ventana` dies while its statement waits for a lock; the server knows nothing of that and goes on waiting.
#[test]
fn a_statement_that_outlives_its_client_is_ended_first() {
    let (world, known) = begin();
    let orphans = || {
        let busy = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER='ventana' AND (INFO LIKE 'UPDATE `activos`%' OR INFO LIKE 'ALTER TABLE%')";
        world
            .server
            .query(busy)
            .into_iter()
            .flatten()
            .flatten()
            .collect::<Vec<String>>()
    };
    for way in [Way::Resume, Way::Rollback] {
        let mut holder = BACKFILL.begin(&world, &known);
        BACKFILL.resumed(&world).kill9();
        let orphan = orphans();
        assert_eq!(orphan.len(), 1, "{orphan:?}");
        let context = format!("a backfill that outlived its client, then {way:?}");
        let next = world.ventana(&["--json", way.verb()]).spawn();
        // Only then does the row become free: the orphan must not be the one that gets it.
        wait_for("the end of the orphan", || {
            (!orphans().contains(&orphan[0])).then_some(())
        });
        holder.run("COMMIT").unwrap();
        settled(&world, &known, &context, way, next.wait());

        let mut holder = CONTRACT.begin(&world, &known);
        CONTRACT.resumed(&world).kill9();
        // The table becomes free at once: the server may well run the orphan's statement now.
        holder.run("COMMIT").unwrap();
        let context = format!("a contract that outlived its client, then {way:?}");
        settled(&world, &known, &context, way, world.json(&[way.verb()]));
    }
}
