//! Login and accounts.

use serde_json::json;

use super::world::{ANA, Answer, JOSE, NOW, SECRET, on_both};

fn claims_of(token: &str) -> inventario::auth::jwt::Claims {
    let now: jiff::Timestamp = NOW.parse().unwrap();
    inventario::auth::jwt::verify(
        token,
        &inventario::secret::Secret::new(SECRET),
        now.as_second() as u64,
    )
    .unwrap()
}

on_both!(a_legacy_account_logs_in, world, {
    let answer = world.login(ANA.0, ANA.1).await.ok().json();
    let token = answer["token"].as_str().unwrap();
    let claims = claims_of(token);
    assert_eq!(
        (claims.usuario.id, claims.usuario.rol_id, claims.exp - claims.iat),
        (1, 1, 3600)
    );
    let bearer = format!("Bearer {token}");
    world
        .with("GET", "/api/categorias", &[("authorization", &bearer)], "")
        .await
        .ok();
    // The same token as a browser's cookie.
    let request = axum::http::Request::get("/api/categorias").header("cookie", format!("sesion={token}"));
    world
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await
        .ok();
    world.login("zoe@empresa.example", "contraseña ñ").await.ok();
});

on_both!(a_wrong_login_does_not_say_what_was_wrong, world, {
    let wrong = world.login(ANA.0, "Cambiar-2024").await;
    let unknown = world.login("nadie@empresa.example", "Cambiar-2024").await;
    let text = |answer: &Answer| {
        let mut problem = answer.problem(401, "wrong_credentials");
        problem["request_id"] = json!(null);
        problem.to_string()
    };
    assert_eq!(text(&wrong), text(&unknown));
    for body in [
        "{}",
        r#"{"email":"a@b.c"}"#,
        r#"{"email":1,"password":{}}"#,
        r#"{"email":"a@b.c","password":""}"#,
    ] {
        let problem = world
            .anonymous("POST", "/api/usuarios/login", body)
            .await
            .problem(422, "invalid");
        assert!(
            problem["errors"]
                .as_array()
                .is_some_and(|errors| !errors.is_empty()),
            "{problem}"
        );
    }
});

on_both!(guessing_is_slowed_down, world, {
    for _ in 0..10 {
        world
            .login(JOSE.0, "adivinar-1")
            .await
            .problem(401, "wrong_credentials");
    }
    let answer = world.login(JOSE.0, JOSE.1).await;
    answer.problem(429, "too_many_logins");
    assert_eq!(answer.header("retry-after"), "300");
    world.login(ANA.0, ANA.1).await.ok();
});

on_both!(only_an_administrator_makes_accounts, world, {
    let body =
        json!({ "nombre": "Eva", "email": "eva@empresa.example", "password": "una-larga-ñ", "rol_id": 1 })
            .to_string();
    world
        .anonymous("POST", "/api/usuarios/registro", &body)
        .await
        .problem(401, "no_token");
    let usuario = format!("Bearer {}", world.token(2));
    world
        .with(
            "POST",
            "/api/usuarios/registro",
            &[("authorization", &usuario)],
            &body,
        )
        .await
        .problem(403, "not_admin");
    let answer = world.post("/api/usuarios/registro", &body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["usuarioId"], 4);
    let hash = world
        .stored("SELECT password FROM usuarios WHERE id = 4")
        .await
        .unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    world.login("eva@empresa.example", "una-larga-ñ").await.ok();
    assert_eq!(
        world
            .post("/api/usuarios/registro", &body)
            .await
            .problem(409, "duplicate")["errors"][0]["path"],
        "email"
    );
    let cases = [
        (
            json!({ "nombre": "E", "email": "e@e.e", "password": "corta" }),
            "password",
        ),
        (
            json!({ "nombre": "E", "email": "no", "password": "larga-larga" }),
            "email",
        ),
        (
            json!({ "nombre": "E", "email": "e@e.e", "password": "larga-larga", "rol_id": 99 }),
            "rol_id",
        ),
        (json!({ "email": "e@e.e", "password": "larga-larga" }), "nombre"),
    ];
    for (body, field) in cases {
        let problem = world
            .post("/api/usuarios/registro", &body.to_string())
            .await
            .problem(422, "invalid");
        assert_eq!(problem["errors"][0]["path"], field, "{problem}");
        assert!(!problem.to_string().contains("corta"));
    }
    let body = json!({ "nombre": "F", "email": "f@e.example", "password": "larga-larga" });
    world.post("/api/usuarios/registro", &body.to_string()).await.ok();
    assert_eq!(
        world
            .stored("SELECT CAST(rol_id AS CHAR(9)) FROM usuarios WHERE email = 'f@e.example'")
            .await
            .unwrap(),
        "2"
    );
});

on_both!(a_disabled_account_is_out_at_once, world, {
    let bearer = format!("Bearer {}", world.token(2));
    let get = async || {
        world
            .with("GET", "/api/categorias", &[("authorization", &bearer)], "")
            .await
    };
    get().await.ok();
    world.state.store.disable_usuario(JOSE.0).await.unwrap();
    get().await.problem(401, "bad_token");
    world
        .login(JOSE.0, JOSE.1)
        .await
        .problem(401, "wrong_credentials");
    let listed = world.state.store.usuarios().await.unwrap();
    assert_eq!(
        listed.iter().map(|usuario| usuario.disabled).collect::<Vec<_>>(),
        [false, true, false]
    );
    let hash = world
        .state
        .auth
        .hash(inventario::secret::Secret::new("otra-clave"))
        .await
        .unwrap();
    world.state.store.set_password(JOSE.0, &hash).await.unwrap();
    world.login(JOSE.0, "otra-clave").await.ok();
});

on_both!(tokens_end, world, {
    let old = world.state.auth.mint(1, 1, 0);
    let bearer = format!("Bearer {}", old.text.open());
    let problem = world
        .with("GET", "/api/activos", &[("authorization", &bearer)], "")
        .await
        .problem(401, "bad_token");
    assert!(problem["detail"].as_str().unwrap().contains("expired"));
    let gone = format!("Bearer {}", world.token(77));
    world
        .with("GET", "/api/activos", &[("authorization", &gone)], "")
        .await
        .problem(401, "bad_token");
});
