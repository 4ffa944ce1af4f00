//! The graceful stop: no new connections, running requests finish, and a deadline for those that do not.

mod door;

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

pub use door::Client;
use door::Door;

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
/// client's address (`axum::extract::ConnectInfo<Client>`).
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
    let app = app.into_make_service_with_connect_info::<Client>();
    let (door, closed) = Door::open(listener, async move {
        stop.await;
        // The receiver lives as long as this function.
        let _ = stopping.send(());
    })?;
    let server = axum::serve(door, app).with_graceful_shutdown(async move {
        // Its sender lives as long as the door.
        let _ = closed.await;
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
                get(
                    move |ConnectInfo(Client(client)): ConnectInfo<Client>| async move {
                        entered.notify_one();
                        release.notified().await;
                        format!("finished for {}", client.ip())
                    },
                ),
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

    /// Whoever was let in by the system before the stop is heard, whether the door had seen it yet or not.
    #[tokio::test]
    async fn who_came_before_the_end_is_answered() {
        for _ in 0..50 {
            let app = Router::new().route("/", get(|| async { "here" }));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut clients = Vec::new();
            for _ in 0..8 {
                // This one thread serves nobody meanwhile.
                let mut client = std::net::TcpStream::connect(address).unwrap();
                std::io::Write::write_all(
                    &mut client,
                    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                )
                .unwrap();
                clients.push(client);
            }
            let ended = serve(listener, app, async {}, Duration::from_secs(30))
                .await
                .unwrap();
            assert_eq!(ended, Stopped::Drained);
            for mut client in clients {
                let mut answer = String::new();
                std::io::Read::read_to_string(&mut client, &mut answer).unwrap();
                assert!(answer.ends_with("here"), "{answer}");
            }
        }
    }

    /// Nobody who came and says nothing keeps it from ending.
    #[tokio::test]
    async fn a_silent_client_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let ended = serve(listener, Router::new(), async {}, Duration::from_secs(30))
            .await
            .unwrap();
        assert_eq!(ended, Stopped::Drained);
        drop(client);
    }

    #[tokio::test]
    async fn the_deadline_ends_what_does_not_finish() {
        let (ended, _) = stop_with_an_open_request(Duration::from_millis(20), false).await;
        assert_eq!(ended, Stopped::DeadlinePassed);
    }
}
