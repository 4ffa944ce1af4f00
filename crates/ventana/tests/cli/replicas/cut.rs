//! Copies that are cut off, and what becomes of the half that is there.

use std::time::Duration;

use testkit::fault::{self, Rule};
use testkit::process::Signal;

use super::{made, scene};
use crate::cli::far::{Far, S3_KEY, S3_SECRET, S3Far, SshFar};
use crate::cli::scene::Scene;

/// The line is cut after a growing number of bytes; what came whole stays, and the copy is finished in the end.
fn goes_on_after_a_cut(far: &dyn Far, proxy: &fault::Proxy, start: u64) {
    let scene = scene(far);
    let (path, name) = made(&scene);
    let all: u64 = std::fs::read_to_string(path.join("SHA256SUMS"))
        .unwrap()
        .lines()
        .count() as u64;
    let mut limit = start;
    let mut cuts = 0;
    let mut most = 0;
    let copied = loop {
        proxy.set(Rule::CutAfter(limit));
        let copy = scene.json("backup copy");
        if copy.said.output.code == Some(0) {
            break copy;
        }
        assert_eq!(copy.said.output.code, Some(1), "{}", copy.said.output);
        cuts += 1;
        assert!(cuts < 500, "{}", copy.said.output);
        let there = far.files();
        assert!(
            !there.contains_key(&format!("{name}/SHA256SUMS")),
            "not complete after a cut"
        );
        most = most.max(there.len() as u64);
        limit += start;
    };
    proxy.set(Rule::Pass);
    assert!(cuts >= 1, "{cuts} cuts");
    assert!(
        most > 2 && most <= all + 1,
        "{most} of {all} files were there after a cut"
    );
    let sizes: u64 = far.files().values().map(|content| content.len() as u64).sum();
    let written = copied.document["bytes"].as_u64().unwrap();
    assert!(
        written < sizes,
        "the last attempt wrote {written} of {sizes} bytes"
    );
    scene.json("backup verify --replica far --restore").expect(0);
}

#[test]
fn an_upload_over_sftp_that_is_cut_goes_on() {
    let far = SshFar::start();
    goes_on_after_a_cut(&far, &far.proxy, 30_000);
}

#[test]
fn an_upload_to_a_bucket_that_is_cut_goes_on() {
    let far = S3Far::start();
    goes_on_after_a_cut(&far, &far.proxy, 30_000);
}

/// A window that is killed while it copies, and taken back: nobody goes on with that copy. It goes, unless somebody reads
/// or copies backups at that moment.
fn a_half_copy_is_nobodys(far: &dyn Far, proxy: &fault::Proxy) {
    for others in [false, true] {
        let scene = Scene::served();
        scene.configure_more(&far.configuration());
        scene.env("AWS_ACCESS_KEY_ID", S3_KEY);
        scene.env("AWS_SECRET_ACCESS_KEY", S3_SECRET);
        // So slow that the moment is not missed.
        proxy.set(Rule::Latency(Duration::from_millis(30)));
        let killed = scene.ventana("run").spawn();
        while far.files().len() < 2 {
            assert!(killed.is_running(), "{}", killed.output());
            std::thread::yield_now();
        }
        killed.signal(Signal::KILL);
        killed.wait();
        proxy.set(Rule::Pass);
        let complete = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
            files.keys().any(|file| file.ends_with("SHA256SUMS"))
        };
        assert!(!complete(&far.files()), "{:?}", far.files().keys());
        std::fs::write(scene.path("state/lease.backups"), "backup copy").unwrap();
        let lease = std::fs::File::open(scene.path("state/lease.backups")).unwrap();
        if others {
            lease.lock_shared().unwrap();
        }
        let back = scene.json("rollback").expect(0);
        assert_eq!(back.text("outcome"), "rolled_back");
        let warned = back.said.output.stderr.contains("for `ventana backup prune`");
        assert_eq!(
            (far.files().is_empty(), warned),
            (!others, others),
            "{}",
            back.said.output
        );
    }
}

#[test]
fn a_half_copy_over_sftp_is_nobodys() {
    let far = SshFar::start();
    a_half_copy_is_nobodys(&far, &far.proxy);
}

#[test]
fn a_half_copy_in_a_bucket_is_nobodys() {
    let far = S3Far::start();
    a_half_copy_is_nobodys(&far, &far.proxy);
}
