//! The graceful stop: no new connections, running requests finish, and a deadline for those that do not.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Every request was answered.
    Drained,
    /// The deadline passed with requests still open; they were cut off.
    DeadlinePassed,
}

/// Resolves with the signal's name when the process is asked to stop (SIGTERM, or Ctrl-C).
///
/// # Errors
/// The system refuses the signal handler.
pub async fn requested() -> io::Result<&'static str> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => Ok("SIGTERM"),
        _ = int.recv() => Ok("SIGINT"),
    }
}

/// Serves `app` until `stop` resolves, then gives open requests `deadline` to finish. Every request carries its
/// client's address (`axum::extract::ConnectInfo<SocketAddr>`).
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()> + Send + 'static,
    deadline: Duration,
) -> io::Result<Stopped> {
    let (stopping, stopped) = oneshot::channel();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        // The receiver lives as long as this function.
        let _ = stopping.send(());
    });
    let deadline = async move {
        match stopped.await {
            Ok(()) => tokio::time::sleep(deadline).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        served = async move { server.await } => served.map(|()| Stopped::Drained),
        () = deadline => Ok(Stopped::DeadlinePassed),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::extract::ConnectInfo;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;

    use super::*;

    /// A service with one request inside its handler when the stop comes; `finish` lets that request end.
    async fn stop_with_an_open_request(deadline: Duration, finish: bool) -> (Stopped, String) {
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let app = {
            let (entered, release) = (entered.clone(), release.clone());
            Router::new().route(
                "/",
                get(move |ConnectInfo(client): ConnectInfo<SocketAddr>| async move {
                    entered.notify_one();
                    release.notified().await;
                    format!("finished for {}", client.ip())
                }),
            )
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, asked) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, app, async { asked.await.unwrap() }, deadline));
        let mut client = TcpStream::connect(address).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        entered.notified().await;
        stop.send(()).unwrap();
        if finish {
            release.notify_one();
        }
        let ended = server.await.unwrap().unwrap();
        let mut answer = String::new();
        if finish {
            client.read_to_string(&mut answer).await.unwrap();
        }
        (ended, answer)
    }

    #[tokio::test]
    async fn an_open_request_is_answered_before_the_end() {
        let (ended, answer) = stop_with_an_open_request(Duration::from_secs(30), true).await;
        assert_eq!(ended, Stopped::Drained);
        assert!(answer.ends_with("finished for 127.0.0.1"), "{answer}");
    }

    #[tokio::test]
    async fn the_deadline_ends_what_does_not_finish() {
        let (ended, _) = stop_with_an_open_request(Duration::from_millis(20), false).await;
        assert_eq!(ended, Stopped::DeadlinePassed);
    }
}
