//! `user`, `token`

use testkit::Sandbox;

use crate::inventario;

#[test]
fn accounts_from_the_command_line() {
    let sandbox = Sandbox::new();
    let run = |args: &[&str], stdin: &str| inventario(&sandbox).args(args).arg("--json").stdin(stdin).run();
    inventario(&sandbox).args(["user", "list"]).run().expect(1);
    std::fs::create_dir_all(sandbox.path("data")).unwrap();
    run(&["migrate"], "").ok();
    let made = run(&["user", "add", "--email", "eva@e.example", "--admin"], "")
        .ok()
        .json();
    assert_eq!(
        (made["rol"].as_str(), made["password"].as_str().map(str::len)),
        (Some("administrador"), Some(23))
    );
    let given = run(
        &["user", "add", "--email", "leo@e.example", "--password-stdin"],
        "una clave larga\n",
    )
    .ok();
    assert!(!given.stdout.contains("una clave larga"));
    let short = run(
        &["user", "add", "--email", "x@e.example", "--password-stdin"],
        "corta\n",
    )
    .expect(2);
    assert!(!short.stdout.contains("corta"));
    assert_eq!(
        run(&["user", "add", "--email", "eva@e.example"], "")
            .expect(1)
            .json()["error"]["code"],
        "refused"
    );
    run(&["user", "disable", "leo@e.example"], "").ok();
    let listed = run(&["user", "list"], "").ok().json();
    let of = |field: &str| {
        listed["usuarios"]
            .as_array()
            .unwrap()
            .iter()
            .map(|u| u[field].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("email"), ["\"eva@e.example\"", "\"leo@e.example\""]);
    assert_eq!(of("disabled"), ["false", "true"]);
    assert!(!listed.to_string().contains("argon2"));
    assert_eq!(
        run(&["token", "--email", "leo@e.example"], "").expect(1).json()["error"]["code"],
        "disabled"
    );
    run(&["user", "passwd", "leo@e.example"], "otra clave larga\n").ok();
    assert_eq!(
        run(&["token", "--email", "leo@e.example", "--expires", "5m"], "")
            .ok()
            .json()["expires_in"],
        300
    );
    assert_eq!(
        run(&["user", "disable", "nadie@e.example"], "").expect(1).json()["error"]["code"],
        "not_found"
    );
}
