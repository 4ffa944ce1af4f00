//! A dump of the stock client is restored, and something breaks. A dump cannot go on where it was cut off: what is there says
//! that it is not whole, the next attempt says what to type, and nothing beside the target is ever written.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use testkit::fault::SmallDisk;
use testkit::mariadb::Rows;
use testkit::{Output, Process, program};

use super::killed::{KILLS, at_points};
use super::place::{COPY, LIVE, Place};
use super::{killed, network, server};

/// A place with the same dump in each form, and what an undisturbed restore of it is.
struct Dumps {
    place: Place,
    files: Vec<PathBuf>,
    digest: Value,
    /// All that lies beside the target.
    beside: Rows,
}

impl Dumps {
    fn new() -> Dumps {
        Dumps::of(Place::new())
    }

    fn of(place: Place) -> Dumps {
        place
            .server
            .query("CREATE DATABASE ajena; CREATE TABLE ajena.t (a INT); INSERT INTO ajena.t VALUES (1)");
        let dumped = place
            .server
            .dump_client()
            .args(["--single-transaction", "--routines", "--events", LIVE])
            .output()
            .expect("mariadb-dump runs");
        assert!(dumped.status.success(), "{dumped:?}");
        let plain = place.sandbox.file("volcado.sql", dumped.stdout);
        let mut files = vec![plain.clone()];
        for (tool, end) in [("gzip", "gz"), ("zstd", "zst")] {
            let packed = Command::new(program::find(tool).expect("there"))
                .arg("-c")
                .arg(&plain)
                .output()
                .expect("runs");
            assert!(packed.status.success(), "{packed:?}");
            files.push(place.sandbox.file(format!("volcado.sql.{end}"), packed.stdout));
        }
        let mut dumps = Dumps {
            place,
            files,
            digest: Value::Null,
            beside: Rows::new(),
        };
        dumps.beside = dumps.beside();
        for form in 0..3 {
            let digest = dumps.restore(form).run().ok().json()["digest"].clone();
            assert!(form == 0 || dumps.digest == digest, "form {form}");
            dumps.digest = digest;
            dumps.place.forget_copy();
        }
        dumps
    }

    /// The restore of one of the forms, taken in turn.
    fn restore(&self, form: usize) -> Process {
        let file = &self.files[form % self.files.len()];
        self.place.restore(file.to_str().expect("plain"))
    }

    /// Schemas, accounts, and the rows of what is not restored into.
    fn beside(&self) -> Rows {
        self.place.server.query(&format!(
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME<>'{COPY}' ORDER BY 1;
             SELECT User, Host, Priv FROM mysql.global_priv ORDER BY 1, 2;
             SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ('{LIVE}', 'ajena') ORDER BY 1, 2;
             SELECT ROUTINE_SCHEMA, ROUTINE_NAME, LAST_ALTERED FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA<>'{COPY}' AND ROUTINE_SCHEMA<>'sys' ORDER BY 1, 2;
             CHECKSUM TABLE ajena.t, {LIVE}.activos, {LIVE}.mantenimientos, {LIVE}.usuarios, {LIVE}.roles, {LIVE}.categorias EXTENDED"
        ))
    }

    /// After a restore was broken.
    #[track_caller]
    fn assert_broken(&self, form: usize, context: &str) {
        let place = &self.place;
        place.assert_let_go(context);
        assert_eq!(self.beside(), self.beside, "{context}: what is beside the target");
        let marks = format!("TABLES WHERE TABLE_SCHEMA='{COPY}' AND TABLE_NAME='__ventana_restore'");
        let others = format!("TABLES WHERE TABLE_SCHEMA='{COPY}' AND TABLE_NAME<>'__ventana_restore'");
        let mut again = self.restore(form);
        if place.is_there(&marks) {
            let refused = place.on_schema(COPY, &["digest"]).run();
            assert!(
                refused.code == Some(2)
                    && refused
                        .stdout
                        .contains("a restore into this schema is not finished"),
                "{context}\n{refused}"
            );
            let refused = self.restore(form).run();
            let error = refused.json()["error"].clone();
            let (message, hint) = (error["message"].to_string(), error["hint"].to_string());
            assert!(
                refused.code == Some(2)
                    && message.contains("holds a part of the SQL dump")
                    && message.contains("volcado.sql")
                    && hint.contains("--replace --yes"),
                "{context}: what is there, and what to type?\n{refused}"
            );
            again = again.args(["--replace", "--yes"]);
        } else if place.is_there(&others) {
            // Broken between its last word to the server and its end.
            let found = place.on_schema(COPY, &["digest"]).run().ok().json();
            assert_eq!(found["digest"], self.digest, "{context}: it claims to be ready");
            return place.forget_copy();
        }
        let again = again.run();
        assert_eq!(again.code, Some(0), "{context}: the next attempt\n{again}");
        assert_eq!(again.json()["digest"], self.digest, "{context}");
        assert_eq!(self.beside(), self.beside, "{context}: what is beside the target");
        place.forget_copy();
    }

    /// The bytes that it takes when nothing disturbs it.
    fn bytes(&self) -> u64 {
        let bytes = self.place.bytes_of(self.restore(0));
        self.place.forget_copy();
        bytes
    }
}

/// It says what failed and what to type, and does not die of it.
#[track_caller]
fn assert_says_why(output: &Output, context: &str) {
    assert_eq!(output.code, Some(1), "{context}\n{output}");
    let hint = output.json()["error"]["hint"].to_string();
    assert!(hint.contains("server"), "{context}: what to do?\n{output}");
}

#[test]
fn killed_after_so_many_bytes() {
    let dumps = Dumps::new();
    let whole = dumps.bytes();
    let mut died = 0;
    for (form, bytes) in killed::moments(20_251_126, whole).into_iter().enumerate() {
        let killed = dumps.place.killed_after(bytes, dumps.restore(form));
        died += u64::from(killed.is_some());
        dumps.assert_broken(form, &format!("a restore killed after {bytes} of {whole} bytes"));
    }
    assert!(died >= KILLS - 2, "only {died} of {KILLS} were killed in time");
}

#[test]
fn killed_at_points_of_its_work() {
    let dumps = Dumps::new();
    let mut form = 0;
    at_points(20_251_127, 1, |at| {
        form += 1;
        let output = dumps.restore(form).env("VENTANA_TEST_KILL", at).run();
        dumps.assert_broken(form, &format!("a restore killed at {at}"));
        output
    });
}

#[test]
fn the_server_is_killed() {
    let dumps = Dumps::new();
    let whole = dumps.bytes();
    for (form, bytes) in server::moments(9, whole).into_iter().enumerate() {
        let context = format!("the server killed after {bytes} of {whole} bytes");
        let output = server::server_dies_after(&dumps.place, bytes, dumps.restore(form));
        assert_says_why(&output, &context);
        dumps.assert_broken(form, &context);
    }
}

#[test]
fn the_way_to_the_server_is_cut() {
    let dumps = Dumps::new();
    let whole = dumps.bytes();
    for (form, rule) in network::cases(13, whole).into_iter().enumerate() {
        let context = format!("{whole} bytes, {rule:?}");
        let output = network::broken(&dumps.place, rule, dumps.restore(form));
        assert_says_why(&output, &context);
        dumps.assert_broken(form, &context);
    }
}

#[test]
fn the_servers_disk_is_full() {
    let Ok(disk) = SmallDisk::try_mount(256 << 20) else {
        // Nothing else fills a server's disk and not everybody else's.
        return;
    };
    let dumps = Dumps::of(Place::inside(disk.path()));
    for (form, left) in [64 << 10, 256 << 10, 384 << 10].into_iter().enumerate() {
        let context = format!("{left} bytes left on the server's disk");
        let filler = disk.fill();
        testkit::fault::cut_tail(&filler, left);
        let output = dumps.restore(form).run();
        assert_eq!(output.code, Some(1), "{context}\n{output}");
        let hint = output.json()["error"]["hint"].to_string();
        assert!(hint.contains("df -h"), "{context}: nobody says why\n{output}");
        std::fs::remove_file(filler).expect("makes room");
        dumps.assert_broken(form, &context);
    }
}

/// What would write beside the target, in the midst of a dump that is whole otherwise: refused before anything is written.
#[test]
fn a_dump_that_reaches_for_another_schema() {
    let dumps = Dumps::new();
    let text = std::fs::read_to_string(&dumps.files[0]).expect("text");
    let at = text.find("UNLOCK TABLES;\n").expect("there") + "UNLOCK TABLES;\n".len();
    for (number, reach) in [
        "USE `ajena`;\nDROP TABLE t;\n",
        "CREATE DATABASE `otra`;\nUSE `otra`;\nCREATE TABLE t (a INT);\n",
        "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `ajena`;\n",
        "INSERT INTO `ajena`.`t` VALUES (2);\n",
        "INSERT INTO ajena . t VALUES (2);\n",
        "/*!50003 DROP TABLE `ajena`.`t` */;\n",
        "DROP DATABASE ajena;\n",
        "RENAME TABLE roles TO ajena.roles;\n",
        "CREATE TRIGGER ajena.malo BEFORE INSERT ON ajena.t FOR EACH ROW SET NEW.a=0;\n",
        "SET GLOBAL event_scheduler=ON;\n",
        "GRANT ALL ON *.* TO 'x'@'%';\n",
        "INSERT INTO mysql.global_priv VALUES ('%', 'x', '{}');\n",
    ]
    .into_iter()
    .enumerate()
    {
        let changed = format!("{}{reach}{}", &text[..at], &text[at..]);
        let file = dumps.place.sandbox.file(format!("reach-{number}.sql"), changed);
        let refused = dumps.place.restore(file.to_str().expect("plain")).run();
        assert!(
            refused.code == Some(1) && refused.json()["error"]["code"] == "dump_refused",
            "{reach}\n{refused}"
        );
        assert_eq!(dumps.beside(), dumps.beside, "{reach}: what is beside the target");
        let there = format!("SCHEMATA WHERE SCHEMA_NAME='{COPY}'");
        assert!(!dumps.place.is_there(&there), "{reach}: begun");
    }
}
