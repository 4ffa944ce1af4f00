//! A service with sixty activos, on a database of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use inventario::auth::Auth;
use inventario::clock::Clock;
use inventario::demo_data::{Size, fill};
use inventario::domain::change::Cell;
use inventario::fence::{Fence, Flag};
use inventario::metrics::Metrics;
use inventario::routes;
use inventario::secret::Secret;
use inventario::state::{About, AppState};
use inventario::store::{Address, Db, Store};
use serde_json::Value;
use tower::ServiceExt;
use web::request_id::RequestIds;

pub(crate) const ANA: (&str, &str) = ("ana@empresa.example", "Cambiar-2025");
pub(crate) const JOSE: (&str, &str) = ("jose@empresa.example", "tecnico-77");
pub(crate) const NOW: &str = "2025-11-06T23:00:00Z";
pub(crate) const SECRET: &str = "clave-de-pruebas";

/// Runs the body once on SQLite and once on MariaDB.
macro_rules! on_both {
    ($name:ident, $world:ident, $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn body($world: $crate::api::world::World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                body($crate::api::world::World::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                body($crate::api::world::World::mariadb().await).await;
            }
        }
    };
}
pub(crate) use on_both;

/// The service and its surroundings.
pub(crate) struct World {
    pub(crate) state: AppState,
    app: Router,
    /// A second pool, as another program has it.
    pub(crate) other: Db,
    pub(crate) folder: tempfile::TempDir,
    /// Dropped with the world.
    schema: Option<testkit::mariadb::Schema<'static>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is a problem of `status` and `code`, and gives it.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        for field in ["type", "title", "detail", "hint", "error", "request_id"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field} in {problem}"
            );
        }
        problem
    }

    /// Asserts success.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text);
        self
    }
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("inventario.db");
        Self::on(folder, &Address::Sqlite { path }, None).await
    }

    pub(crate) async fn mariadb() -> Self {
        // Starting the shared server blocks.
        let schema = tokio::task::spawn_blocking(|| testkit::MariaDb::shared().schema("inventario_api"));
        Self::on_schema(schema.await.unwrap()).await
    }

    /// On a server of its own, for a test that makes accounts and ends sessions. It ends with the process.
    pub(crate) async fn own_mariadb() -> Self {
        let start = || Box::leak(Box::new(testkit::MariaDb::start())).schema("inventario_api");
        Self::on_schema(tokio::task::spawn_blocking(start).await.unwrap()).await
    }

    async fn on_schema(schema: testkit::mariadb::Schema<'static>) -> Self {
        let address = Address::parse(&schema.url()).unwrap();
        Self::on(tempfile::tempdir().unwrap(), &address, Some(schema)).await
    }

    async fn on(
        folder: tempfile::TempDir,
        address: &Address,
        schema: Option<testkit::mariadb::Schema<'static>>,
    ) -> Self {
        let other = Db::connect(address).await.unwrap();
        fill(
            &other,
            Size {
                activos: 60,
                mantenimientos: 40,
                seed: 3,
            },
        )
        .await
        .unwrap();
        let fence = Fence::new(folder.path().join("fence"));
        let clock = Clock::new(|| NOW.parse().unwrap());
        let about = About {
            release: "r1".into(),
            environment: "test".into(),
            started: Instant::now(),
            cors_allowed: vec!["https://panel.example".into()],
        };
        let state = AppState {
            store: Store::open(address, fence.clone()).await.unwrap(),
            auth: Auth::new(Secret::new(SECRET), 3600, clock.clone()),
            fence,
            about: Arc::new(about),
            metrics: Arc::new(Metrics::default()),
            clock,
        };
        let app = routes::app(state.clone(), RequestIds::new("t")).unwrap();
        Self {
            state,
            app,
            other,
            folder,
            schema,
        }
    }

    /// The same database, served with another account of the server.
    pub(crate) async fn with_account(mut self, user: &str, password: &str) -> Self {
        let Some(schema) = &self.schema else {
            panic!("only a server has accounts")
        };
        let url = schema.server().url(user, password, schema.name());
        let store = Store::open(&Address::parse(&url).unwrap(), self.state.fence.clone())
            .await
            .unwrap();
        self.state.store = store;
        self.app = routes::app(self.state.clone(), RequestIds::new("t")).unwrap();
        self
    }

    /// A token of an account, without its password.
    pub(crate) fn token(&self, usuario_id: i64) -> String {
        self.state.auth.mint(usuario_id, 2, 600).text.open().to_owned()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A request with more headers, by an administrator.
    pub(crate) async fn with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "inventario.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token(1)));
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.with("GET", path, &[], "").await
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> Answer {
        self.with("PUT", path, &[], body).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.with("POST", path, &[], body).await
    }

    /// Without any token.
    pub(crate) async fn anonymous(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        let body = serde_json::json!({ "email": email, "password": password });
        self.anonymous("POST", "/api/usuarios/login", &body.to_string())
            .await
    }

    /// Another program's statement.
    pub(crate) async fn sql(&self, sql: &str) {
        let mut tx = self.other.begin().await.unwrap();
        tx.script(sql.to_owned()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// One stored text, as another program reads it.
    pub(crate) async fn stored(&self, sql: &str) -> Option<String> {
        self.other.fetch(sql, &[]).await.unwrap().remove(0).take(0)
    }

    /// Stores a text as `especificaciones` of an activo behind the service's back.
    pub(crate) async fn store_specs(&self, id: i64, text: Option<&str>) {
        let mut tx = self.other.begin().await.unwrap();
        let cells = [Cell::from(text), Cell::Int(id)];
        tx.execute("UPDATE activos SET especificaciones = ? WHERE id = ?", &cells)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) fn fence_on(&self) {
        let flag = Flag {
            run: "r-1".into(),
            since: NOW.into(),
            retry_after: 17,
        };
        self.state.fence.put(&flag).unwrap();
    }
}
