//! A TCP proxy that injects faults into its connections.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    select,
    sync::watch,
    task::JoinSet,
};

/// The size of the copy buffer, in bytes.
const BUFFER_SIZE: usize = 64 * 1024;

/// What passes through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Everything.
    Free,
    /// Replies; requests wait.
    HoldRequests,
    /// Requests; replies wait.
    HoldReplies,
    /// Nothing; both wait.
    HoldBoth,
    /// Requests; a reply resets its connection, so that the client cannot know whether its request was
    /// executed.
    LoseReplies,
}

impl Flow {
    fn lets_requests(self) -> bool {
        !matches!(self, Self::HoldRequests | Self::HoldBoth)
    }

    fn lets_replies(self) -> bool {
        !matches!(self, Self::HoldReplies | Self::HoldBoth)
    }
}

/// A proxy on a free port of 127.0.0.1 that forwards to another port. Dropping it closes its connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: watch::Sender<State>,
    _listening: JoinSet<()>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    flow: Flow,
    /// How often all connections were reset.
    cuts: u64,
}

impl Proxy {
    /// A proxy for the server on `target`, which need not run yet.
    pub async fn before(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let state = watch::Sender::new(State { flow: Flow::Free, cuts: 0 });
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, target, state.subscribe()));
        Ok(Self { port, state, _listening: listening })
    }

    /// The port that clients connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets what passes from now on. Data held before is delayed, not lost.
    pub fn set(&self, flow: Flow) {
        self.state.send_modify(|state| state.flow = flow);
    }

    /// Resets all connections.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

async fn listen(listener: TcpListener, target: u16, state: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        select! {
            // Fails if the client disconnected before it was accepted.
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(converse(client, target, state.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// How a connection ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

async fn converse(mut client: TcpStream, target: u16, state: watch::Receiver<State>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await else {
        let _ = client.set_zero_linger();
        return;
    };
    let end = {
        let (requests, to_client) = client.split();
        let (replies, to_server) = server.split();
        select! {
            () = cut(state.clone()) => End::Reset,
            end = pump(requests, to_server, state.clone(), Flow::lets_requests, false) => end,
            end = pump(replies, to_client, state, Flow::lets_replies, true) => end,
        }
    };
    if end == End::Reset {
        let _ = client.set_zero_linger();
        let _ = server.set_zero_linger();
    }
}

/// Returns at the next cut, or when the proxy is dropped.
async fn cut(mut state: watch::Receiver<State>) {
    let cuts = state.borrow().cuts;
    let _ = state.wait_for(|state| state.cuts > cuts).await;
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    passes: fn(Flow) -> bool,
    are_replies: bool,
) -> End {
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        let Ok(flow) = state.wait_for(|state| passes(state.flow)).await.map(|state| state.flow)
        else {
            return End::Closed;
        };
        let read = select! {
            _ = state.changed() => continue,
            read = from.read(&mut buffer) => read.unwrap_or_default(),
        };
        if read == 0 {
            return End::Closed;
        }
        if are_replies && flow == Flow::LoseReplies {
            return End::Reset;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return End::Closed;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// An echo server that reports how many bytes it received.
    async fn echo() -> (u16, watch::Receiver<usize>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (got, received) = watch::channel(0);
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            while let Ok(byte) = socket.read_u8().await {
                got.send_modify(|got| *got += 1);
                let _ = socket.write_u8(byte).await;
            }
        });
        (port, received)
    }

    async fn connected() -> (Proxy, TcpStream, watch::Receiver<usize>) {
        let (port, received) = echo().await;
        let proxy = Proxy::before(port).await.unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        client.write_u8(1).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), 1);
        (proxy, client, received)
    }

    async fn nothing_comes(client: &mut TcpStream) {
        assert!(timeout(Duration::from_millis(50), client.read_u8()).await.is_err());
    }

    #[tokio::test]
    async fn held_data_is_delayed() {
        let (proxy, mut client, mut received) = connected().await;
        proxy.set(Flow::HoldRequests);
        client.write_u8(2).await.unwrap();
        nothing_comes(&mut client).await;
        assert_eq!(*received.borrow_and_update(), 1);
        proxy.set(Flow::HoldReplies);
        received.wait_for(|got| *got == 2).await.unwrap();
        nothing_comes(&mut client).await;
        proxy.set(Flow::Free);
        assert_eq!(client.read_u8().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn the_request_of_a_lost_reply_arrives() {
        let (proxy, mut client, mut received) = connected().await;
        proxy.set(Flow::LoseReplies);
        client.write_u8(2).await.unwrap();
        let error = client.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        received.wait_for(|got| *got == 2).await.unwrap();
    }

    #[tokio::test]
    async fn a_cut_resets_connections() {
        let (proxy, mut client, _) = connected().await;
        proxy.cut();
        let error = client.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
