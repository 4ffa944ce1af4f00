//! `serve`

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use testkit::{Sandbox, Service};

use crate::inventario;

/// The address in the ready line.
fn url(service: &Service) -> String {
    let line = service.wait_line("listening on http://");
    line.split("listening on ").nth(1).unwrap().trim().to_owned()
}

/// One request over a connection of its own, the whole answer as text.
fn ask(url: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn with_nothing_configured_it_starts_and_shows_its_first_password_once() {
    let sandbox = Sandbox::new();
    let service = inventario(&sandbox).arg("serve").env("PORT", "0").spawn();
    let line = service.wait_line("password:");
    let password = line.split("password:").nth(1).unwrap().trim().to_owned();
    let base = url(&service);
    assert!(
        service
            .wait_url(&format!("{base}/healthz"))
            .text()
            .contains("\"schema\":2")
    );
    let body = format!("{{\"email\":\"admin@inventario.local\",\"password\":\"{password}\"}}");
    let answer = ask(&base, "POST", "/api/usuarios/login", "", &body);
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("\"token\""),
        "{answer}"
    );
    let mode = |path: &str| {
        std::fs::metadata(sandbox.path(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("data/jwt_secret"), 0o600);
    let end = service.terminate().expect(0);
    assert!(end.stderr.contains("SIGTERM"), "{}", end.stderr);

    // A second start keeps the secret and makes no second administrator; a token of the command line opens it.
    let service = inventario(&sandbox).arg("serve").env("PORT", "0").spawn();
    let base = url(&service);
    assert!(!service.output().stderr.contains("password:"));
    let token = inventario(&sandbox)
        .args(["token", "--email", "admin@inventario.local"])
        .run()
        .ok()
        .stdout;
    let header = format!("Authorization: Bearer {}\r\n", token.trim());
    let answer = ask(&base, "GET", "/api/categorias", &header, "");
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("Laptop"),
        "{answer}"
    );
    service.terminate().expect(0);
}

#[test]
fn a_taken_port_is_said_and_touches_nothing() {
    let sandbox = Sandbox::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let failed = inventario(&sandbox)
        .arg("serve")
        .env("PORT", &port)
        .run()
        .expect(1);
    assert!(
        failed
            .stderr
            .contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{}",
        failed.stderr
    );
    assert!(failed.stderr.contains("PORT="), "{}", failed.stderr);
    assert!(!sandbox.path("data").exists());
}

#[test]
fn a_restart_behind_the_fence_reads_on() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("a.db");
    let database = format!("sqlite://{}", path.display());
    inventario(&sandbox)
        .args([
            "demo-data",
            "--activos",
            "30",
            "--mantenimientos",
            "0",
            "--database-url",
            &database,
        ])
        .run()
        .ok();
    sandbox.file(
        "a.db.fence",
        r#"{"run":"r-1","since":"2025-11-06T23:00:00Z","retry_after":9}"#,
    );
    // `ventana` holds the write lock the while, in another process.
    let lock = testkit::Process::within(&sandbox, testkit::program::find("sqlite3").unwrap())
        .arg(&path)
        .stdin("BEGIN IMMEDIATE;\nUPDATE activos SET marca = 'x' WHERE id = 1;\nSELECT 'locked';\n.shell sleep 60\n")
        .spawn();
    lock.wait_line("locked");
    let service = inventario(&sandbox)
        .arg("serve")
        .env("PORT", "0")
        .env("DATABASE_URL", &database)
        .spawn();
    let base = url(&service);
    let token = inventario(&sandbox)
        .args([
            "token",
            "--email",
            "ana@empresa.example",
            "--database-url",
            &database,
        ])
        .run();
    let header = format!("Authorization: Bearer {}\r\n", token.ok().stdout.trim());
    assert!(ask(&base, "GET", "/api/activos/1", &header, "").starts_with("HTTP/1.1 200"));
    let refused = ask(&base, "PUT", "/api/activos/1", &header, "{}");
    assert!(
        refused.starts_with("HTTP/1.1 503") && refused.to_lowercase().contains("retry-after: 9"),
        "{refused}"
    );
    let login = r#"{"email":"ana@empresa.example","password":"Cambiar-2025"}"#;
    assert!(ask(&base, "POST", "/api/usuarios/login", "", login).starts_with("HTTP/1.1 200"));
    let disable = [
        "user",
        "disable",
        "jose@empresa.example",
        "--json",
        "--database-url",
        &database,
    ];
    assert_ne!(inventario(&sandbox).args(disable).run().code, Some(0));
    service.terminate().expect(0);
    lock.kill9();
}
