//! Replicas on real far sides: what is promised holds for a folder, for SFTP and for a bucket alike.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use testkit::fault::{self, Rule};
use testkit::{Process, Sandbox, program};

use super::far::{Far, FolderFar, S3_KEY, S3_SECRET, S3Far, SshFar};
use super::scene::Scene;

mod cut;

fn scene(far: &dyn Far) -> Scene {
    let scene = Scene::data();
    scene.configure_more(&far.configuration());
    scene.env("AWS_ACCESS_KEY_ID", S3_KEY);
    scene.env("AWS_SECRET_ACCESS_KEY", S3_SECRET);
    scene
}

/// A backup: its folder and its name.
fn made(scene: &Scene) -> (PathBuf, String) {
    let path = PathBuf::from(scene.json("backup --no-restore").expect(0).text("path"));
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    (path, name)
}

fn keeps_its_promises(far: &dyn Far) {
    let scene = scene(far);
    let (path, name) = made(&scene);
    let copied = scene.json("backup copy").expect(0);
    assert_eq!(copied.document["already"], false);
    assert_eq!(copied.document["copies"][0]["replica"], "far");

    // Byte for byte, and nothing else.
    let original = |file: &String| std::fs::read(path.join(file.strip_prefix(&format!("{name}/")).unwrap()));
    let there = far.files();
    assert!(there.len() > 5, "{:?}", there.keys());
    for (file, content) in &there {
        assert!(original(file).unwrap() == *content, "{file}");
    }
    assert!(there.contains_key(&format!("{name}/SHA256SUMS")));
    assert!(!there.contains_key(&format!("{name}/proven.jsonl")));
    assert_eq!(scene.json("backup copy").expect(0).document["already"], true);

    // Proven there, and known here.
    scene.json("backup verify --replica far").expect(0);
    let restored = scene
        .json("backup verify latest --replica far --restore")
        .expect(0);
    assert_eq!(restored.text("verified"), "restore");
    assert!(
        !scene
            .path("state/scratch")
            .read_dir()
            .is_ok_and(|mut left| left.next().is_some()),
        "what was fetched is gone"
    );
    let known = scene.json("backup list").expect(0).document["backups"][0]["replicas"][0].clone();
    assert_eq!(
        (&known["replica"], &known["how"]),
        (&"far".into(), &"restore".into())
    );

    // A byte that flips there is found, in a file of each kind, and never written over.
    for kind in ["manifest.json", "SHA256SUMS", "README.txt", ".sql", ".zst"] {
        let (file, content) = there.iter().find(|(file, _)| file.ends_with(kind)).unwrap();
        let mut damaged = content.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x10;
        far.put(file, &damaged);
        let found = scene.json("backup verify --replica far");
        assert_eq!(found.said.output.code, Some(12), "{file}: {}", found.said.output);
        if kind == ".zst" {
            let refused = scene.json("backup copy").fails(12, "verification_failed");
            let file = file.strip_prefix(&format!("{name}/")).unwrap();
            assert!(
                refused.message.contains(file) && refused.message.contains("left alone"),
                "{refused:?}"
            );
        }
        assert!(far.files()[file] == damaged, "{file}");
        far.put(file, content);
    }
    scene.json("backup verify --all --replica far").expect(0);

    // Whoever copies onto damage finds it too, also in what says which backup it is, and it is remembered.
    for kind in ["manifest.json", "SHA256SUMS", ".zst"] {
        let (file, content) = there.iter().find(|(file, _)| file.ends_with(kind)).unwrap();
        let mut damaged = content.clone();
        damaged[content.len() / 2] ^= 0x10;
        far.put(file, &damaged);
        scene.json("backup copy").fails(12, "verification_failed");
        let known = scene.json("backup list").expect(0).document["backups"][0]["replicas"][0].clone();
        assert_eq!(known["how"], "damaged", "{file}");
        far.put(file, content);
        scene.json("backup verify --replica far").expect(0);
    }

    // One file missing, one too many.
    let readme = format!("{name}/README.txt");
    far.remove(&readme);
    assert_eq!(
        scene.json("backup verify --replica far").said.output.code,
        Some(12)
    );
    far.put(&readme, &there[&readme]);
    let stray = format!("{name}/data/0099-stray.0001.sql.zst");
    far.put(&stray, b"x");
    assert_eq!(
        scene.json("backup verify --replica far").said.output.code,
        Some(12)
    );
    far.remove(&stray);

    // Damage was found there: that one stays until somebody has looked.
    scene.configure_more("[replica.far.keep]\nlast = 1\n");
    let reasons = |at: usize| {
        let dry = scene.json("backup prune --replica far --dry-run").expect(0);
        dry.document["decisions"][at]["reasons"].clone()
    };
    assert_eq!(reasons(0), serde_json::json!(["unreadable"]));

    // Without one of the files that make it a backup it is no remains of an interrupted copy: it was complete.
    for file in ["SHA256SUMS", "manifest.json"].map(|file| format!("{name}/{file}")) {
        far.remove(&file);
        let found = scene.json("backup verify --all --replica far");
        assert_eq!(found.said.output.code, Some(12), "{file}: {}", found.said.output);
        assert_eq!(found.document["backups"][0]["state"], "failed", "{file}");
        assert_eq!(reasons(0), serde_json::json!(["unreadable"]), "{file}");
        far.put(&file, &there[&file]);
    }
    // Nor does a place pass for whole, or for a new one, where nothing is left of what was copied there.
    for file in far.files().keys() {
        far.remove(file);
    }
    let found = scene.json("backup verify --all --replica far");
    assert_eq!(found.said.output.code, Some(12), "{}", found.said.output);
    assert_eq!(found.document["backups"][0]["error"]["code"], "lost");
    let refused = scene.json("backup copy").fails(1, "replica");
    assert!(
        refused.hint.contains("prune --replica far --forget"),
        "{refused:?}"
    );
    assert!(far.files().is_empty());
    let dry = scene
        .json("backup prune --replica far --forget --dry-run")
        .expect(0);
    let forgotten = scene.json("backup prune --replica far --forget").expect(0);
    assert_eq!(
        [&dry.document["forgotten"], &forgotten.document["forgotten"]],
        [&serde_json::json!([name]), &serde_json::json!([name])]
    );
    scene.json("backup verify --all --replica far").fails(2, "usage");
    scene.json("backup copy").expect(0);
    scene.json("backup verify --replica far --restore").expect(0);

    // Pruned there, and only there.
    let (_, newer) = made(&scene);
    scene.json("backup copy").expect(0);
    // The older one was proven by a restore, the newer one was not yet.
    assert_eq!(reasons(1), serde_json::json!(["newest_proven"]));
    scene
        .json("backup verify latest --replica far --restore")
        .expect(0);
    let gone = scene.json("--yes backup prune --replica far").expect(0);
    assert_eq!(gone.document["deleted"], serde_json::json!([name]));
    assert!(
        far.files().keys().all(|file| file.starts_with(&newer)),
        "{:?}",
        far.files().keys()
    );
    assert!(path.is_dir());
    let name = newer;
    let path = path.with_file_name(&name);

    // Lost here: fetched from there, and whole. What is damaged there does not come, and is remembered.
    std::fs::remove_dir_all(&path).unwrap();
    let there = far.files();
    let (file, content) = there.iter().find(|(file, _)| file.ends_with(".zst")).unwrap();
    far.put(file, &content[1..]);
    scene
        .json(&format!("backup copy {name} --from far"))
        .fails(12, "verification_failed");
    assert!(!path.exists());
    assert_eq!(reasons(0), serde_json::json!(["unreadable"]));
    far.put(file, content);
    scene.json(&format!("backup copy {name} --from far")).expect(0);
    scene.json(&format!("backup verify {name} --restore")).expect(0);
}

#[test]
fn in_a_folder() {
    keeps_its_promises(&FolderFar(tempfile::tempdir().unwrap()));
}

#[test]
fn over_sftp() {
    keeps_its_promises(&SshFar::start());
}

/// A disk that is not mounted on the far side.
#[test]
fn over_sftp_nothing_above_the_replica_is_made() {
    let far = SshFar::start();
    let above = far.known_hosts().with_file_name("copies");
    std::fs::remove_dir(&above).unwrap();
    let scene = scene(&far);
    made(&scene);
    let failed = scene.json("backup copy").fails(1, "backup");
    assert!(failed.message.contains("there is no folder"), "{failed:?}");
    assert!(!above.exists());
    std::fs::create_dir(&above).unwrap();
    scene.json("backup copy").expect(0);
}

#[test]
fn in_a_bucket() {
    keeps_its_promises(&S3Far::start());
}

fn another_of_that_name_is_left_alone(far: &dyn Far) {
    let first = scene(far);
    let (path, name) = made(&first);
    first.json("backup copy").expect(0);
    let there = far.files();
    // Another machine, another backup, the same name by chance.
    let second = scene(far);
    second.sqlite("UPDATE activos SET nombre = 'other' WHERE id = 1");
    let (other, _) = made(&second);
    let folder = second.path(format!("backups/{name}"));
    if other != folder {
        std::fs::rename(&other, &folder).unwrap();
    }
    let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let old = other.file_name().unwrap().to_str().unwrap();
    // Its own name inside, and sums that fit.
    let (text, was) = (text.replace(old, &name), digest(&folder.join("manifest.json")));
    std::fs::write(folder.join("manifest.json"), text).unwrap();
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let sums = sums.replace(&was, &digest(&folder.join("manifest.json")));
    std::fs::write(folder.join("SHA256SUMS"), sums).unwrap();
    let refused = second.json(&format!("backup copy {name}")).fails(1, "backup");
    assert!(
        refused.message.contains("another backup of the same name"),
        "{refused:?}"
    );
    assert!(far.files() == there, "nothing there was touched");
    assert!(path.is_dir());
}

fn digest(file: &std::path::Path) -> String {
    let said = Process::new(program::find("sha256sum").unwrap())
        .arg(file)
        .run()
        .ok();
    said.stdout[..64].to_owned()
}

/// Another backup than the one that was copied does not come back in its place.
#[test]
fn what_was_replaced_there_is_not_fetched() {
    let far = FolderFar(tempfile::tempdir().unwrap());
    let scene = scene(&far);
    let (path, name) = made(&scene);
    scene.json("backup copy").expect(0);
    // Whole, and of another moment.
    let manifest = far.0.path().join(&name).join("manifest.json");
    let was = digest(&manifest);
    let text = std::fs::read_to_string(&manifest).unwrap();
    far.put(
        &format!("{name}/manifest.json"),
        text.replace("\"notes\": []", "\"notes\": [\"x\"]").as_bytes(),
    );
    let sums = std::fs::read_to_string(far.0.path().join(&name).join("SHA256SUMS")).unwrap();
    assert_ne!(was, digest(&manifest));
    far.put(
        &format!("{name}/SHA256SUMS"),
        sums.replace(&was, &digest(&manifest)).as_bytes(),
    );
    std::fs::remove_dir_all(&path).unwrap();
    let refused = scene
        .json(&format!("backup copy {name} --from far"))
        .fails(12, "verification_failed");
    assert!(
        refused.message.contains("not the one of this backup"),
        "{refused:?}"
    );
    assert!(!path.exists());
}

#[test]
fn another_backup_of_that_name_is_never_written_over() {
    another_of_that_name_is_left_alone(&FolderFar(tempfile::tempdir().unwrap()));
    another_of_that_name_is_left_alone(&SshFar::start());
    another_of_that_name_is_left_alone(&S3Far::start());
}

#[test]
fn a_far_side_without_room_says_so() {
    let disk = fault::SmallDisk::mount(96 * 1024);
    let far = SshFar::at(Sandbox::new(), disk.path().join("copies"));
    let scene = scene(&far);
    made(&scene);
    disk.fill();
    let failed = scene.json("backup copy");
    assert_eq!(failed.said.output.code, Some(1), "{}", failed.said.output);
    let message = failed.document["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("disk is full") || message.contains("room"),
        "{message}"
    );
}

#[test]
fn a_machine_that_is_not_known_is_not_trusted() {
    let far = SshFar::start();
    let scene = scene(&far);
    made(&scene);
    let known = std::fs::read_to_string(far.known_hosts()).unwrap();
    std::fs::write(far.known_hosts(), "").unwrap();
    let unknown = scene.json("backup copy").fails(1, "replica");
    assert!(
        unknown.message.contains("Host key verification failed"),
        "{unknown:?}"
    );
    // Another key than the known one.
    let client = std::fs::read_to_string(far.known_hosts().with_file_name("client.pub")).unwrap();
    std::fs::write(far.known_hosts(), format!("* {client}")).unwrap();
    scene.json("backup copy").fails(1, "replica");
    assert!(far.files().is_empty());
    std::fs::write(far.known_hosts(), known).unwrap();
    scene.configure(&far.proxy.port().to_string(), &far.port().to_string());
    scene.json("backup copy").expect(0);
}

#[test]
fn nobody_there_is_a_clear_failure() {
    for far in [&SshFar::start() as &dyn Far, &S3Far::start()] {
        let scene = scene(far);
        made(&scene);
        let text = scene.read("ventana.toml");
        let port = text.split("127.0.0.1:").nth(1).unwrap();
        let port: String = match text.contains("port = ") {
            true => text
                .split("port = ")
                .nth(1)
                .unwrap()
                .lines()
                .next()
                .unwrap()
                .to_owned(),
            false => port.chars().take_while(char::is_ascii_digit).collect(),
        };
        scene.configure(&port, "1");
        let failed = scene.json("backup copy");
        assert_eq!(failed.said.output.code, Some(1), "{}", failed.said.output);
        let message = failed.document["error"]["message"].as_str().unwrap();
        assert!(message.to_lowercase().contains("refused"), "{message}");
        assert!(!message.contains("X-Amz"), "{message}");
    }
}

#[test]
fn the_buckets_keys_are_nowhere() {
    let far = S3Far::start();
    let scene = scene(&far);
    made(&scene);
    let mut said = String::new();
    for line in [
        "backup copy",
        "backup verify --replica far",
        "check",
        "backup list",
        "backup verify nothing --replica far",
    ] {
        said.push_str(&scene.run(line).everything());
        said.push_str(&scene.run(&format!("--json {line}")).everything());
    }
    said.extend(
        scene
            .files()
            .values()
            .map(|content| String::from_utf8_lossy(content).into_owned()),
    );
    for secret in [S3_SECRET, S3_KEY, "X-Amz-Signature"] {
        assert!(!said.contains(secret), "{secret}");
    }
    scene.env("AWS_SECRET_ACCESS_KEY", "");
    let lacking = scene.json("backup copy").fails(2, "usage");
    assert!(lacking.message.contains("AWS_SECRET_ACCESS_KEY"), "{lacking:?}");
}

/// A window copies to every replica; one that is away keeps no other from its copy.
#[test]
fn several_at_once() {
    let (near, away) = (tempfile::tempdir().unwrap(), SshFar::start());
    let scene = scene(&away);
    scene.configure(
        "dir = \"backups\"",
        &format!("dir = \"backups\"\noff_site = \"{}\"", near.path().display()),
    );
    let (_, name) = made(&scene);
    let copies = scene.json("backup copy").expect(0);
    let names: Vec<&str> = copies.document["copies"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|c| c["replica"].as_str())
        .collect();
    assert_eq!(names, ["off_site", "far"]);
    made(&scene);
    away.proxy.set(Rule::Refuse);
    let one = scene.json("backup copy");
    assert_eq!(one.said.output.code, Some(1), "{}", one.said.output);
    assert_eq!(near.path().read_dir().unwrap().count(), 2);
    assert_eq!(
        away.files()
            .keys()
            .filter(|file| !file.starts_with(&name))
            .count(),
        0
    );
    assert!(
        one.document["copies"][1]["error"]["message"].is_string(),
        "{}",
        one.said.output
    );
    let error = &one.document["error"];
    assert!(
        error["code"] == "replica" && error["message"].as_str().unwrap().starts_with("far: "),
        "{error}"
    );
}

#[test]
fn a_window_copies_to_all_and_reports_them() {
    let (near, bucket) = (tempfile::tempdir().unwrap(), S3Far::start());
    let scene = Scene::served();
    scene.configure(
        "dir = \"backups\"",
        &format!("dir = \"backups\"\noff_site = \"{}\"", near.path().display()),
    );
    scene.configure_more(&bucket.configuration());
    scene.env("AWS_ACCESS_KEY_ID", S3_KEY);
    scene.env("AWS_SECRET_ACCESS_KEY", S3_SECRET);
    scene.json("run").expect(0);
    let journal = std::fs::read_to_string(scene.run_dir().join("journal.jsonl")).unwrap();
    let report = std::fs::read_to_string(scene.run_dir().join("report.md")).unwrap();
    for text in ["s3://copies/site/inventario/", near.path().to_str().unwrap()] {
        assert!(
            journal.matches(&format!("\"path\":\"{text}")).count() >= 2,
            "{text}"
        );
        assert!(report.contains(text), "{text}\n{report}");
    }
    assert!(!journal.contains(S3_SECRET) && !report.contains(S3_SECRET));
    let list = scene.json("backup list").expect(0);
    for backup in list.document["backups"].as_array().unwrap() {
        let replicas = backup["replicas"].as_array().unwrap();
        assert_eq!(replicas.len(), 2, "{backup}");
    }
    scene.json("backup verify --all --replica far").expect(0);
    scene.json("backup verify --all --replica off_site").expect(0);
}

/// What ssh started may keep its error output open for as long as it lives: nobody waits for that.
#[test]
fn an_ssh_that_leaves_somebody_behind_does_not_hang() {
    let far = SshFar::start();
    let scene = scene(&far);
    made(&scene);
    let ssh = scene.file(
        "bin/ssh",
        "#!/bin/sh\nsleep 1000 </dev/null >/dev/null &\necho 'no route to anybody' >&2\nexit 255\n",
    );
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    scene.env(
        "PATH",
        format!("{}:{}", scene.path("bin").display(), program::PATH),
    );
    let failed = scene.json("backup copy").fails(1, "replica");
    assert!(failed.message.contains("no route to anybody"), "{failed:?}");
}
