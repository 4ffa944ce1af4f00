//! `inventario serve`

pub mod secret;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use web::request_id::RequestIds;
use web::shutdown;

use super::{Answer, Failure, Session};
use crate::config::process_environment;
use crate::metrics::Metrics;
use crate::release;
use crate::routes;
use crate::state::{About, AppState};
use crate::store::create_schema::FirstAdmin;
use crate::store::schema::NEWEST;

/// How long open requests may take after the service was asked to stop.
const DEADLINE: Duration = Duration::from_secs(9);

/// The first administrator's address.
const FIRST_ADMIN: &str = "admin@inventario.local";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The port to listen on; instead of PORT
    #[arg(long)]
    pub port: Option<u16>,
}

/// Runs until SIGTERM or Ctrl-C.
///
/// # Errors
/// The port is taken, or the database cannot be used.
pub async fn run(session: Session, args: Args) -> Result<Answer, Failure> {
    start_log();
    let mut address = session.config.listen;
    if let Some(port) = args.port {
        address.set_port(port);
    }
    // The port first: whoever starts two services on one database learns it before anything else happens.
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| cannot_listen(address, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| cannot_listen(address, &error))?;
    make_data_dir(&session)?;
    let store = session.store().await?;
    let auth = session.auth()?;
    if store.schema().version == 0 {
        first_start(&session, &store, &auth).await?;
    }
    let schema = store.schema().version;
    if schema < NEWEST {
        tracing::info!("schema {schema} is served as it is; `ventana run` takes it to {NEWEST}");
    }
    let about = About {
        release: release::name(std::env::current_exe().ok().as_deref()),
        environment: session.config.environment.clone(),
        started: Instant::now(),
        cors_allowed: session.config.cors_allowed.clone(),
    };
    tracing::info!(release = %about.release, schema, database = %session.config.database, "starting");
    let state = AppState {
        store: store.clone(),
        auth,
        fence: session.fence.clone(),
        about: Arc::new(about),
        metrics: Arc::new(Metrics::default()),
        clock: session.clock.clone(),
    };
    let metrics = state.metrics.clone();
    let ids = RequestIds::new(format!("{:x}", session.clock.now().as_millisecond()));
    let app = routes::app(state, ids)?;
    let stop = async move {
        match shutdown::requested().await {
            Ok(signal) => tracing::info!("{signal}: stopping; open requests are finished"),
            Err(error) => tracing::error!(%error, "signals cannot be received; stopping"),
        }
        metrics.drain();
    };
    tracing::info!("listening on http://{address}");
    let stopped = serve_with_addresses(listener, app, stop).await;
    store.close().await;
    match stopped {
        Ok(()) => Ok(Answer {
            text: String::new(),
            json: json!({ "stopped": true }),
        }),
        Err(error) => Err(Failure::new(
            "serve",
            format!("serving on {address} failed: {error}"),
            "Start it again.",
        )),
    }
}

/// Serves until `stop`, with the client's address in every request (the login throttle counts by it).
async fn serve_with_addresses(
    listener: TcpListener,
    app: axum::Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.await;
        // The receiver lives as long as the select below.
        let _ = stopping.send(());
    });
    let deadline = async move {
        match stopped.await {
            Ok(()) => tokio::time::sleep(DEADLINE).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        served = async move { server.await } => served,
        () = deadline => {
            tracing::warn!("requests were still open at the deadline; they are cut off");
            Ok(())
        }
    }
}

/// An empty database gets the newest tables and one administrator, whose password is shown this once.
async fn first_start(
    session: &Session,
    store: &crate::store::Store,
    auth: &crate::auth::Auth,
) -> Result<(), Failure> {
    let password = secret::password().map_err(|error| {
        Failure::new(
            "random",
            format!("no randomness for a password: {error}"),
            "Check /dev/urandom.",
        )
    })?;
    let hash = auth.hash(password.clone()).await;
    let hash =
        hash.map_err(|error| Failure::new("hash", error.to_string(), "Free some memory and start again."))?;
    let admin = FirstAdmin {
        nombre: "Administrador",
        email: FIRST_ADMIN,
        hash: &hash,
    };
    let created = store.create_newest_with(Some(admin)).await;
    created.map_err(|error| session.store_failure(error))?;
    #[allow(
        clippy::print_stderr,
        reason = "shown once, to the person at the terminal, and kept out of the log"
    )]
    {
        eprintln!("The database was empty: schema {NEWEST} was created, with one administrator.");
        eprintln!("  e-mail:   {FIRST_ADMIN}\n  password: {}", password.open());
        eprintln!("This password is shown only now. Change it with `inventario user passwd {FIRST_ADMIN}`.");
    }
    Ok(())
}

fn make_data_dir(session: &Session) -> Result<(), Failure> {
    let folder = &session.config.data_dir;
    let inside = match &session.config.database {
        crate::store::Address::Sqlite { path } => path.starts_with(folder),
        crate::store::Address::MySql { .. } => session.fence.path().starts_with(folder),
    };
    if !inside && session.config.jwt_secret.is_some() {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(|error| {
        let hint =
            "Set DATA_DIR to a folder that can be written, or DATABASE_URL, JWT_SECRET and FENCE_FILE.";
        Failure::new(
            "data_dir",
            format!("the folder {} cannot be made: {error}", folder.display()),
            hint,
        )
    })
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::AddrInUse {
        format!(
            "Another program uses it. Stop that, or choose another port: PORT={} inventario serve",
            address.port() + 1
        )
    } else {
        "Check BIND and PORT.".to_owned()
    };
    Failure::new("listen", format!("cannot listen on {address}: {error}"), hint)
}

/// Log lines on standard error; JSON lines with LOG_FORMAT=json, levels by RUST_LOG.
fn start_log() {
    let filter = process_environment("RUST_LOG").and_then(|text| text.parse::<EnvFilter>().ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new("info,sqlx=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // A second start in one process keeps the first log.
    let _ = if process_environment("LOG_FORMAT").is_some_and(|format| format == "json") {
        log.json().try_init()
    } else {
        log.with_ansi(rustix::termios::isatty(io::stderr()))
            .with_target(false)
            .try_init()
    };
}
