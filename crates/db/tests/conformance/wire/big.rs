//! Values far longer than any buffer, there and back.

use super::*;

/// Bytes of the long value.
const LENGTH: u64 = 40 << 20;
/// What the test may need beside what it had: buffers, blocks, slack of the allocator.
const SPARE: u64 = 12 << 20;

/// Letters without end, with no short period.
struct Letters(Vec<u8>, usize);

impl Letters {
    fn new() -> Letters {
        let letters = (0..65_521u32)
            .map(|at| b'a' + u8::try_from(at.wrapping_mul(2_654_435_761) >> 28).expect("small"));
        Letters(letters.collect(), 0)
    }
}

impl Read for Letters {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        // Uneven pieces, as a decompressor gives them.
        let n = into.len().min(self.0.len() - self.1);
        into[..n].copy_from_slice(&self.0[self.1..self.1 + n]);
        self.1 = (self.1 + n) % self.0.len();
        Ok(n)
    }
}

/// A chunk with one row, made up as it is read: `1`, tab, [`LENGTH`] letters, tab, `end`.
fn one_row() -> impl Read {
    (&b"1\t"[..])
        .chain(Letters::new().take(LENGTH))
        .chain(&b"\tend\n"[..])
}

/// The same, but it cannot be read to its end.
fn torn_row() -> impl Read {
    struct Damage;
    impl Read for Damage {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("frame 7 is damaged"))
        }
    }
    one_row().take(LENGTH / 4 * 3).chain(Damage)
}

/// Hashes what it is shown and remembers the longest piece.
#[derive(Default)]
struct Summed {
    hasher: blake3::Hasher,
    length: u64,
    cells: Vec<Cell>,
}

impl Visit for Summed {
    fn value(&mut self, _: usize, value: Value<'_>) -> Result<()> {
        self.cells.push(value.to_cell());
        Ok(())
    }

    fn long(&mut self, _: usize, _: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        let mut piece = vec![0; 100_000];
        loop {
            match data.read(&mut piece).expect("reads") {
                0 => break,
                n => {
                    self.hasher.update(&piece[..n]);
                    self.length += n as u64;
                }
            }
        }
        assert_eq!(self.length, length);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The most memory that this process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("reads");
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("a peak");
    let kib: u64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number");
    kib << 10
}

const LOAD: &str =
    "LOAD DATA LOCAL INFILE 'rows' INTO TABLE h.t CHARACTER SET binary FIELDS ESCAPED BY '' (id, b, s)";

/// A server that takes rows this long, and a table for them.
fn server() -> MariaDb {
    let server = MariaDb::options()
        .arg("--max-allowed-packet=64M")
        .arg("--innodb-log-file-size=256M")
        .start();
    server.query("CREATE DATABASE h; CREATE TABLE h.t (id INT PRIMARY KEY, b LONGBLOB, s VARCHAR(9))");
    server
}

#[test]
fn a_value_of_40_mib_goes_there_and_back_in_little_memory() {
    let server = server();
    let mut wire = connected(server.port(), None);
    let before = peak();
    wire.execute("START TRANSACTION").expect("starts");
    let rows = wire.load_local(LOAD, "rows", &mut one_row()).expect("loads");
    assert_eq!(rows, 1);
    wire.execute("COMMIT").expect("commits");
    let mut summed = Summed::default();
    let count = wire
        .stream("SELECT id, b, s FROM h.t", &mut summed)
        .expect("streams");
    let grown = peak() - before;
    assert_eq!((count, summed.length), (1, LENGTH));
    assert_eq!(summed.cells, [Cell::Int(1), Cell::Bytes(b"end".to_vec())]);
    let mut expected = blake3::Hasher::new();
    std::io::copy(&mut Letters::new().take(LENGTH), &mut expected).expect("hashes");
    assert_eq!(summed.hasher.finalize(), expected.finalize());
    assert!(grown < SPARE, "{grown} bytes more");
    wire.execute("DO 1").expect("the connection goes on");
}

#[test]
fn data_that_is_torn_is_told_and_can_be_taken_back() {
    let server = server();
    let mut wire = connected(server.port(), None);
    let fault = wire
        .load_local(LOAD, "rows", &mut torn_row())
        .expect_err("no transaction");
    assert!(matches!(fault, Fault::Refused(_)), "{fault:?}");
    wire.execute("START TRANSACTION").expect("starts");
    let fault = wire.load_local(LOAD, "rows", &mut torn_row()).expect_err("torn");
    assert!(
        matches!(&fault, Fault::Data(text) if text == "frame 7 is damaged"),
        "{fault:?}"
    );
    wire.execute("ROLLBACK").expect("takes back");
    assert_eq!(
        wire.query("SELECT * FROM h.t").expect("counts"),
        Vec::<Vec<Cell>>::new()
    );
}

/// Rows without end, until something breaks.
struct Endless(u32, Vec<u8>, usize);

fn endless() -> Endless {
    Endless(0, Vec::new(), 0)
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.2 == self.1.len() {
            let ids = self.0 + 1..=self.0 + 5000;
            self.0 += 5000;
            (self.1, self.2) = (
                ids.map(|id| format!("{id}\tx\ty\n"))
                    .collect::<String>()
                    .into_bytes(),
                0,
            );
        }
        let n = into.len().min(self.1.len() - self.2);
        into[..n].copy_from_slice(&self.1[self.2..self.2 + n]);
        self.2 += n;
        Ok(n)
    }
}

#[test]
fn a_load_that_is_cut_leaves_no_row() {
    let server = server();
    let proxy = Proxy::to(server.port());
    let mut wire = connected(proxy.port(), None);
    let id = wire.connection_id();
    wire.execute("START TRANSACTION").expect("starts");
    proxy.set(Rule::CutAfter(5_000_000));
    let fault = wire.load_local(LOAD, "rows", &mut endless()).expect_err("cut");
    assert!(matches!(fault, Fault::Lost(_)), "{fault:?}");
    let alive = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID={id}");
    while server.query(&alive) != [[Some("0".to_string())]] {}
    assert_eq!(
        server.query("SELECT COUNT(*) FROM h.t"),
        [[Some("0".to_string())]]
    );
}

#[test]
fn small_packets_of_a_server_are_respected() {
    let server = MariaDb::options().arg("--max-allowed-packet=16384").start();
    server.query("CREATE DATABASE h; CREATE TABLE h.t (id INT PRIMARY KEY, b LONGBLOB, s VARCHAR(9))");
    let mut wire = connected(server.port(), None);
    let data: String = (0..20_000).map(|i| format!("{i}\tx\ty\n")).collect();
    wire.execute("START TRANSACTION").expect("starts");
    let rows = wire.load_local(LOAD, "rows", &mut data.as_bytes());
    assert_eq!(rows.expect("loads"), 20_000);
}

#[test]
fn a_load_that_the_server_refuses_half_way_is_its_error() {
    let server = server();
    server.query("DELIMITER //\nCREATE TRIGGER h.no BEFORE INSERT ON h.t FOR EACH ROW IF NEW.id = 3 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no threes'; END IF//");
    let mut wire = connected(server.port(), None);
    wire.execute("START TRANSACTION").expect("starts");
    // The third row already is wrong, and megabytes come after it.
    let mut data = endless().take(9_000_000);
    let fault = wire.load_local(LOAD, "rows", &mut data).expect_err("a three");
    assert!(
        matches!(&fault, Fault::Server { number: 1644, message } if message == "no threes"),
        "{fault:?}"
    );
    wire.execute("ROLLBACK").expect("takes back");
    wire.execute("START TRANSACTION").expect("the connection goes on");
    let rows = wire.load_local(LOAD, "rows", &mut &b"1\tx\ty\n2\tx\tz\n"[..]);
    assert_eq!(rows.expect("loads"), 2);
}
