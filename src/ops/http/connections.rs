//! The connections to the HTTP port: few, short, and never a burden on the fetching.
//!
//! A connection carries one request. It has a few seconds for the request's head and a few more until
//! all of the answer is taken. When the port is full, the oldest connection makes room for the newest: a
//! crowd of silent clients cannot keep a probe out, which needs a moment only.

use std::{collections::VecDeque, io, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

/// The most connections at once.
const CONNECTIONS: usize = 64;
/// How long a client may take for the head of its request.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may take in all.
const DEADLINE: Duration = Duration::from_secs(15);
/// The longest head of a request, in bytes.
const HEAD_CAP: usize = 16 << 10;
/// How long no connection is accepted when the process has no descriptors left.
const PAUSE: Duration = Duration::from_millis(500);

/// Serves `router` for as long as it is polled.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let mut open = Open::default();
    let mut failures: u32 = 0;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.add(stream, &router).await;
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                failures = failures.saturating_add(1);
                if failures.is_power_of_two() {
                    tracing::warn!(%error, failures, "the HTTP port cannot accept connections now; trying again");
                }
                open.close_oldest();
                sleep(PAUSE).await;
            }
        }
    }
}

/// Whether a connection was lost before it was accepted, which says nothing of this machine.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The connections, the oldest first.
#[derive(Default)]
struct Open {
    tasks: JoinSet<()>,
    oldest_first: VecDeque<AbortHandle>,
}

impl Open {
    async fn add(&mut self, stream: TcpStream, router: &Router) {
        while self.tasks.try_join_next().is_some() {}
        self.oldest_first.retain(|connection| !connection.is_finished());
        // Closed is a connection only when its task has ended, not when it was told to.
        while self.tasks.len() >= CONNECTIONS {
            self.close_oldest();
            self.tasks.join_next().await;
        }
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(HEAD_CAP)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        self.oldest_first.push_back(self.tasks.spawn(async move {
            // How it ends is the client's affair.
            let _ = timeout(DEADLINE, connection).await;
        }));
    }

    fn close_oldest(&mut self) {
        if let Some(oldest) = self.oldest_first.pop_front() {
            oldest.abort();
        }
    }
}
