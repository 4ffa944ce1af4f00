//! The door that clients come in by. Told to stop, it lets in whoever knocked before, closes, and waits until each of them has
//! been heard: a connection that is dropped with its request unread is reset, and its client learns nothing.

use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// How long a client that came in may take to say its first word once the door is closed.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Where a client comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub SocketAddr);

impl Connected<IncomingStream<'_, Door>> for Client {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Client(*stream.remote_addr())
    }
}

/// A listener that stops as described above.
pub(super) struct Door {
    state: State,
    address: SocketAddr,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    stopped: Option<oneshot::Sender<()>>,
    /// Held by each client until its first word; ours is dropped when the door closes.
    unheard: Option<mpsc::Sender<()>>,
    heard: mpsc::Receiver<()>,
}

enum State {
    Open(TcpListener),
    /// What was let in last.
    Closing(Vec<(TcpStream, SocketAddr)>),
}

impl Door {
    /// Closes when `stop` resolves; what is returned resolves when all who came in were heard.
    pub(super) fn open(
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<(Door, oneshot::Receiver<()>)> {
        let (stopped, closed) = oneshot::channel();
        let (unheard, heard) = mpsc::channel(1);
        let door = Door {
            address: listener.local_addr()?,
            state: State::Open(listener),
            stop: Box::pin(stop),
            stopped: Some(stopped),
            unheard: Some(unheard),
            heard,
        };
        Ok((door, closed))
    }

    fn close(&mut self) {
        // Whoever is in the system's queue has a connection already, and would be reset.
        let State::Open(listener) = std::mem::replace(&mut self.state, State::Closing(Vec::new())) else {
            return;
        };
        let Ok(listener) = listener.into_std() else { return };
        let mut last = Vec::new();
        while let Ok((stream, address)) = listener.accept() {
            let stream = stream
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(stream));
            last.extend(stream.ok().map(|stream| (stream, address)));
        }
        self.state = State::Closing(last);
    }

    fn came(&self, stream: TcpStream) -> Came {
        Came {
            stream,
            unheard: self.unheard.clone(),
        }
    }
}

impl Listener for Door {
    type Io = Came;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Came, SocketAddr) {
        loop {
            match &mut self.state {
                State::Open(listener) => tokio::select! {
                    (stream, address) = Listener::accept(listener) => return (self.came(stream), address),
                    () = &mut self.stop => self.close(),
                },
                State::Closing(last) => {
                    if let Some((stream, address)) = last.pop() {
                        return (self.came(stream), address);
                    }
                    self.unheard = None;
                    // Nobody sends anything: it ends when the last of them is dropped. Who stays silent is not waited for.
                    let _ = tokio::time::timeout(FIRST_WORD, self.heard.recv()).await;
                    if let Some(stopped) = self.stopped.take() {
                        let _ = stopped.send(());
                    }
                    return pending().await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A client's connection.
pub(super) struct Came {
    stream: TcpStream,
    unheard: Option<mpsc::Sender<()>>,
}

impl AsyncRead for Came {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if read.is_ready() {
            self.unheard = None;
        }
        read
    }
}

impl AsyncWrite for Came {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
