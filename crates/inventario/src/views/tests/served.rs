//! The pages as a browser gets them: the whole service in process, on SQLite.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt;
use web::request_id::RequestIds;

use super::accessible;
use crate::auth::Auth;
use crate::clock::Clock;
use crate::domain::fields::Input;
use crate::fence::{Fence, Flag};
use crate::metrics::Metrics;
use crate::routes;
use crate::secret::Secret;
use crate::state::{About, AppState};
use crate::store::{Address, Store};
use crate::views::form::{FIELDS, SPECS, values_of};

const SPECIFICATIONS: &str = r#"{"ram":"8 GB","cpu":"i5","ram":"16 GB","id":12345678901234567, "x": [1.10]}"#;
const PASSWORD: &str = "una clave larga <&>";

struct Service {
    app: Router,
    state: AppState,
    cookie: String,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn location(&self) -> &str {
        self.headers
            .get(header::LOCATION)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self
            .headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        cookies
            .filter_map(|cookie| cookie.split(';').next())
            .find(|cookie| cookie.starts_with(name))
            .map(str::to_owned)
    }
}

impl Service {
    /// A service on schema 2 with one activo, and somebody logged in.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fence = Fence::new(folder.path().join("fence"));
        let address = Address::parse(&format!("sqlite://{}", folder.path().join("i.db").display())).unwrap();
        let store = Store::open(&address, fence.clone()).await.unwrap();
        store.create_newest().await.unwrap();
        let clock = Clock::new(|| jiff::Timestamp::from_second(1_770_000_000).unwrap());
        let auth = Auth::new(
            Secret::new("un secreto de prueba, bastante largo"),
            3600,
            clock.clone(),
        );
        let hash = auth.hash(Secret::new(PASSWORD)).await.unwrap();
        let usuario = store
            .create_usuario("Ana <b>Núñez</b>", "ana@empresa.example", &hash, 1)
            .await
            .unwrap();
        let sent = vec![
            ("nombre", Input::Form("Laptop <1>")),
            ("numero_serie", Input::Form("SN-1")),
            ("especificaciones", Input::Form(SPECIFICATIONS)),
        ];
        store.create_activo(&sent).await.unwrap();
        let about = About {
            release: "r9".into(),
            environment: "test".into(),
            started: Instant::now(),
            cors_allowed: Vec::new(),
        };
        let cookie = format!("sesion={}", auth.mint(usuario, 1, 3600).text.open());
        let state = AppState {
            store,
            auth,
            fence,
            about: Arc::new(about),
            metrics: Arc::new(Metrics::default()),
            clock,
        };
        let app = routes::app(state.clone(), RequestIds::new("t")).unwrap();
        Self {
            app,
            state,
            cookie,
            _folder: folder,
        }
    }

    async fn send(&self, request: axum::http::request::Builder, body: &str) -> Answer {
        let request = request
            .header(header::HOST, "inventario.example")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 4 << 20).await.unwrap();
        let answer = Answer {
            status,
            headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        if answer
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
        {
            accessible::check(&answer.body).unwrap_or_else(|what| panic!("{what}\n{}", answer.body));
            assert!(answer.headers.contains_key(header::CONTENT_SECURITY_POLICY));
        }
        answer
    }

    async fn visit(&self, address: &str) -> Answer {
        self.send(
            browser(Request::get(address)).header(header::COOKIE, &self.cookie),
            "",
        )
        .await
    }

    async fn submit(&self, address: &str, fields: &[(String, String)]) -> Answer {
        let pairs: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        // As a browser: every field, empty ones too, line breaks as CR LF.
        let body: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(&value.replace('\n', "\r\n"))))
            .collect();
        let request = browser(Request::post(address)).header(header::COOKIE, &self.cookie);
        let request = request.header("sec-fetch-site", "same-origin");
        self.send(
            request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
            &body.join("&"),
        )
        .await
    }

    /// The form of the activo, filled as it is.
    async fn filled(&self) -> Vec<(String, String)> {
        let row = self.state.store.activo(1).await.unwrap().unwrap();
        let mut fields = values_of(&row.activo);
        fields.push(("version".into(), row.version));
        fields
    }

    async fn stored(&self) -> String {
        self.state
            .store
            .activo(1)
            .await
            .unwrap()
            .unwrap()
            .activo
            .especificaciones
            .unwrap()
            .get()
            .to_owned()
    }
}

fn browser(request: axum::http::request::Builder) -> axum::http::request::Builder {
    request.header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
}

fn encoded(text: &str) -> String {
    let address = crate::views::link::to("", &[("x", text)]);
    address.strip_prefix("?x=").unwrap_or("").to_owned()
}

fn set(fields: &mut [(String, String)], name: &str, value: &str) {
    let field = fields.iter_mut().find(|(field, _)| field == name).unwrap();
    value.clone_into(&mut field.1);
}

#[tokio::test]
async fn a_visitor_is_sent_to_the_login_and_back() {
    let service = Service::start().await;
    let sent = service.send(browser(Request::get("/activos/1?x=1")), "").await;
    assert_eq!(
        (sent.status, sent.location()),
        (StatusCode::SEE_OTHER, "/login?next=%2Factivos%2F1%3Fx%3D1")
    );
    let form = service.send(browser(Request::get(sent.location())), "").await;
    assert!(
        form.body.contains("name=\"next\" value=\"/activos/1?x=1\""),
        "{}",
        form.body
    );
    let credentials = |password: &str, next: &str| {
        [
            ("email", "ana@empresa.example"),
            ("password", password),
            ("next", next),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let wrong = service
        .submit("/login", &credentials("no es", "/activos/1"))
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.body.contains("value=\"ana@empresa.example\"") && !wrong.body.contains("no es\""),
        "{}",
        wrong.body
    );
    assert!(wrong.body.contains("El correo o la contraseña no son correctos."));
    let right = service
        .submit("/login", &credentials(PASSWORD, "//evil.example"))
        .await;
    assert_eq!(
        (right.status, right.location()),
        (StatusCode::SEE_OTHER, "/activos")
    );
    let cookie = right.cookie("sesion=").unwrap();
    let list = service
        .send(
            browser(Request::get("/activos")).header(header::COOKIE, &cookie),
            "",
        )
        .await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(
        list.body.contains("Ana &#60;b&#62;Núñez") && list.body.contains("Laptop &#60;1&#62;"),
        "{}",
        list.body
    );
    assert_eq!(list.headers[header::CACHE_CONTROL], "no-store");
    let left = service.submit("/logout", &[]).await;
    assert_eq!(left.location(), "/login?fin=1");
    assert_eq!(left.cookie("sesion=").unwrap(), "sesion=");
}

#[tokio::test]
async fn what_is_not_there_is_a_page_for_a_browser_and_a_document_for_a_program() {
    let service = Service::start().await;
    for address in ["/activos/999", "/activos/1abc", "/activos/999/editar", "/nada"] {
        let page = service.visit(address).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{address}");
        assert!(
            page.body.contains("<h1>No existe</h1>") && page.body.contains("not_found"),
            "{}",
            page.body
        );
        let id = page.headers["x-request-id"].to_str().unwrap();
        assert!(page.body.contains(&format!("<code>{id}</code>")), "{}", page.body);
    }
    let refused = browser(Request::post("/activos/nuevo")).header(header::COOKIE, &service.cookie);
    let refused = service
        .send(refused.header("sec-fetch-site", "cross-site"), "nombre=x")
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.body.contains("Petición de otro sitio"),
        "{}",
        refused.body
    );
    let wrong_method = service.submit("/revision", &[]).await;
    assert_eq!(wrong_method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(wrong_method.body.starts_with("<!doctype html>"));
    let api = service.visit("/api/activos/999").await;
    assert_eq!(
        (api.status, api.headers[header::CONTENT_TYPE].to_str().unwrap()),
        (StatusCode::NOT_FOUND, web::problem::MEDIA_TYPE)
    );
}

#[tokio::test]
async fn what_is_saved_unchanged_keeps_every_byte() {
    let service = Service::start().await;
    let form = service.visit("/activos/1/editar").await;
    assert!(
        form.body.contains("&#34;ram&#34;: &#34;8 GB&#34;,\n"),
        "{}",
        form.body
    );
    let before = service.filled().await;
    let saved = service.submit("/activos/1/editar", &before).await;
    assert_eq!(
        (saved.status, saved.location()),
        (StatusCode::SEE_OTHER, "/activos/1?hecho=guardado")
    );
    assert_eq!(service.filled().await, before);
    assert_eq!(service.stored().await, SPECIFICATIONS);
    let shown = service.visit("/activos/1").await;
    assert!(
        shown.body.contains(">12345678901234567<") && shown.body.matches(">clave repetida<").count() == 2
    );
}

#[tokio::test]
async fn a_change_goes_through_the_domain() {
    let service = Service::start().await;
    let mut fields = service.filled().await;
    set(&mut fields, "responsable", "José");
    set(&mut fields, SPECS, "{\"cpu\":\"i7\",\"cpu\":\"i9\"}");
    let saved = service.submit("/activos/1/editar", &fields).await;
    assert_eq!(saved.location(), "/activos/1?hecho=guardado&aviso=duplicate_keys");
    assert_eq!(service.stored().await, "{\"cpu\":\"i7\",\"cpu\":\"i9\"}");
    let shown = service.visit(saved.location()).await;
    assert!(
        shown
            .body
            .contains("Los cambios están guardados. Hay claves repetidas"),
        "{}",
        shown.body
    );

    // The form that was open meanwhile holds an old version.
    set(&mut fields, "responsable", "Zoë");
    let late = service.submit("/activos/1/editar", &fields).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.body.contains("Alguien cambió este activo") && late.body.contains("value=\"Zoë\""),
        "{}",
        late.body
    );
    let row = service.state.store.activo(1).await.unwrap().unwrap();
    assert_eq!(row.activo.responsable.as_deref(), Some("José"));
    assert!(
        late.body
            .contains(&format!("name=\"version\" value=\"{}\"", row.version))
    );
}

#[tokio::test]
async fn what_is_refused_stays_in_the_form() {
    let service = Service::start().await;
    let mut fields: Vec<_> = FIELDS
        .into_iter()
        .chain([SPECS])
        .map(|name| (name.to_owned(), String::new()))
        .collect();
    set(&mut fields, "nombre", "Nueva");
    set(&mut fields, "precio_usd", "-1");
    set(&mut fields, SPECS, "{\n \"recoveryKey\": \"111111-222222\"\n}");
    let refused = service.submit("/activos/nuevo", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in [
        "value=\"Nueva\"",
        "value=\"-1\"",
        "no puede ser negativo",
        "es obligatorio",
        "(recoveryKey)",
        "aria-invalid",
    ] {
        assert!(refused.body.contains(part), "{part}\n{}", refused.body);
    }
    set(&mut fields, "precio_usd", "");
    set(&mut fields, SPECS, "{\"cpu\": }");
    set(&mut fields, "numero_serie", "SN-1");
    let broken = service.submit("/activos/nuevo", &fields).await;
    assert!(broken.body.contains("Línea 1, columna"), "{}", broken.body);
    set(&mut fields, SPECS, "");
    let taken = service.submit("/activos/nuevo", &fields).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert!(
        taken.body.contains("Otro activo ya tiene este número de serie."),
        "{}",
        taken.body
    );
    set(&mut fields, "numero_serie", "SN-2");
    let made = service.submit("/activos/nuevo", &fields).await;
    assert_eq!(made.location(), "/activos/2?hecho=creado");
    let list = service.visit("/activos?q=nueva&orden=-nombre").await;
    assert!(
        list.body.contains("/activos/2\"") && !list.body.contains("/activos/1\""),
        "{}",
        list.body
    );
}

#[tokio::test]
async fn during_the_fence_what_was_typed_comes_back() {
    let service = Service::start().await;
    let mut fields = service.filled().await;
    set(&mut fields, "notas", "una hora de trabajo");
    let flag = Flag {
        run: "r-77".into(),
        since: "2026-03-01T02:00:00Z".into(),
        retry_after: 41,
    };
    service.state.fence.put(&flag).unwrap();
    for address in ["/activos", "/activos/1", "/activos/1/editar", "/revision"] {
        let page = service.visit(address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        assert!(
            page.body.contains("Mantenimiento en curso") && page.body.contains("r-77"),
            "{}",
            page.body
        );
    }
    let refused = service.submit("/activos/1/editar", &fields).await;
    assert_eq!(
        (
            refused.status,
            refused.headers[header::RETRY_AFTER].to_str().unwrap()
        ),
        (StatusCode::SERVICE_UNAVAILABLE, "41")
    );
    assert!(
        refused.body.contains("una hora de trabajo") && refused.body.contains("no se guardó nada"),
        "{}",
        refused.body
    );
    let visitor = service
        .send(browser(Request::post("/activos/1/editar")), "nombre=x")
        .await;
    assert!(visitor.location().starts_with("/login?next="));
    service.state.fence.lift().unwrap();
    let saved = service.submit("/activos/1/editar", &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_language_is_remembered() {
    let service = Service::start().await;
    let page = service.visit("/revision?lang=en").await;
    assert!(
        page.body.contains("<html lang=\"en\">") && page.body.contains("Review list"),
        "{}",
        page.body
    );
    let cookie = format!("{}; {}", service.cookie, page.cookie("lang=").unwrap());
    let next = service
        .send(
            browser(Request::get("/activos/9")).header(header::COOKIE, cookie),
            "",
        )
        .await;
    assert!(next.body.contains("<h1>Not found</h1>"), "{}", next.body);
    let asked = browser(Request::get("/login")).header(header::ACCEPT_LANGUAGE, "en-GB,en;q=0.9");
    assert!(service.send(asked, "").await.body.contains("Log in"));
}
