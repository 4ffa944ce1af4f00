//! `release`

use testkit::{Process, Sandbox};

use crate::inventario;

#[test]
fn a_release_folder_runs_and_names_itself() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("releases/r7");
    let done = inventario(&sandbox)
        .arg("release")
        .arg(&folder)
        .args(["--name", "r7", "--json"])
        .run()
        .ok()
        .json();
    assert_eq!(done["release"], "r7");
    assert_eq!(std::fs::read_to_string(folder.join("RELEASE")).unwrap(), "r7\n");
    let migration = folder.join("migrations/0002_especificaciones_json/migration.toml");
    assert!(
        std::fs::read_to_string(migration)
            .unwrap()
            .contains("0002_especificaciones_json")
    );
    std::os::unix::fs::symlink(&folder, sandbox.path("current")).unwrap();
    let service = Process::within(&sandbox, sandbox.path("current/inventario"))
        .arg("serve")
        .env("PORT", "0")
        .spawn();
    let line = service.wait_line("listening on http://");
    let url = line.split("listening on ").nth(1).unwrap().trim().to_owned();
    assert!(
        service
            .wait_url(&format!("{url}/healthz"))
            .text()
            .contains("\"release\":\"r7\"")
    );
    service.terminate().expect(0);
    inventario(&sandbox)
        .arg("release")
        .arg(&folder)
        .args(["--name", "r7"])
        .run()
        .expect(1);
    for name in ["", "../x", "a b", ".x"] {
        inventario(&sandbox)
            .arg("release")
            .arg(sandbox.path("x"))
            .args(["--name", name])
            .run()
            .expect(2);
    }
}
