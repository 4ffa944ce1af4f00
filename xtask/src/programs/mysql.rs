//! MySQL 8.0, which Debian has not: packages of Ubuntu's archive, each known by its SHA-256, unpacked into a folder of our
//! own. Nothing of it is installed; it runs with the libraries beside it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace;

const ARCHIVE: &str = "http://archive.ubuntu.com/ubuntu/pool/main";

/// As Ubuntu 22.04 was released: these stay in the archive, while its updates are replaced by the next ones. Path, SHA-256.
const PACKAGES: [(&str, &str); 10] = [
    (
        "m/mysql-8.0/mysql-server-core-8.0_8.0.28-0ubuntu4_amd64.deb",
        "69a97fa36a94ce981cf4a5fd6eb674003fa42559b442ba9807309c69d1b90fdb",
    ),
    (
        "m/mysql-8.0/mysql-client-core-8.0_8.0.28-0ubuntu4_amd64.deb",
        "2659942ab2c31551e4cd634f65f65b56786848b628e8ff2ceb5d30f0e51eea30",
    ),
    (
        "liba/libaio/libaio1_0.3.112-13build1_amd64.deb",
        "2dcfe0b49d7cccfbf1bd6a3f627cf44bea9f51fb32f7e0e552a0df75698e0d27",
    ),
    (
        "libe/libevent/libevent-core-2.1-7_2.1.12-stable-1build3_amd64.deb",
        "9317ae74915b9e4372f7506fbd16ae2a021e0ead79a8d88f96dad49b87d94508",
    ),
    (
        "libe/libevent/libevent-pthreads-2.1-7_2.1.12-stable-1build3_amd64.deb",
        "078211a125a9ef5a9c7d24eb441761cefde8812b69889f7cee96824b0dc66831",
    ),
    (
        "i/icu/libicu70_70.1-2_amd64.deb",
        "58a154f6307289813da2276f900498ef536ae7c0522d2cf31a3c3c5cf62dfd9a",
    ),
    (
        "m/mecab/libmecab2_0.996-14build9_amd64.deb",
        "cb25c996ff0ed53158bc6b9cda66f68f003ff3824f8276ddfa0ad20d60e1411a",
    ),
    (
        "n/numactl/libnuma1_2.0.14-3ubuntu2_amd64.deb",
        "0721c89001fbbd1ada23e89da5d60e762763c1a7b3dc814a2e9a518480a8043d",
    ),
    (
        "p/protobuf/libprotobuf-lite23_3.12.4-1ubuntu7_amd64.deb",
        "74213165bb99962044366f56d43eaebf7f7ffd7903d60820abd8373f6fe067c0",
    ),
    (
        "libt/libtirpc/libtirpc3_1.3.2-2build1_amd64.deb",
        "e5af8cc79ce2cd14a716922f7936d2a7c26d1e90642aaa7810afe4fcdc1cf2dc",
    ),
];

/// Fetches and unpacks it where it is not there yet.
pub(super) fn provide() -> Result<()> {
    let place = Path::new(testkit::program::MYSQL);
    if place.is_dir() {
        return Ok(());
    }
    println!("fetching MySQL 8.0 from {ARCHIVE} into {}", place.display());
    let target = place.parent().context("the place has a folder")?;
    std::fs::create_dir_all(target).context("making the target folder")?;
    let scratch = tempfile::tempdir_in(target).context("making a temporary folder")?;
    let root = scratch.path().join("root");
    for (path, sha256) in PACKAGES {
        let package = scratch.path().join("package.deb");
        fetch(&format!("{ARCHIVE}/{path}"), &package, sha256)?;
        workspace::succeed(Command::new("dpkg").arg("--extract").args([&package, &root]))?;
        std::fs::remove_file(&package).context("removing a package")?;
    }
    // All of it or nothing.
    std::fs::rename(&root, place).with_context(|| format!("renaming to {}", place.display()))
}

/// Through apt's own helper, which checks the sum and tries again.
fn fetch(url: &str, to: &Path, sha256: &str) -> Result<()> {
    let output = Command::new("/usr/lib/apt/apt-helper")
        .args(["-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20"])
        .args(["download-file", url])
        .arg(to)
        .arg(format!("SHA256:{sha256}"))
        .stdin(Stdio::null())
        .output()
        .context("starting apt-helper")?;
    ensure!(
        output.status.success() && to.is_file(),
        "{url}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
