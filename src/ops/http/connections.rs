//! The connections to the HTTP port. Their number and duration are bounded, so that they never slow down
//! fetching.
//!
//! A connection carries one request. The client has a few seconds to send the head of the request and a few
//! more to receive the response. At the limit, a new connection replaces the oldest one, so that many idle
//! clients cannot lock out a probe.

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

use crate::{ops::retry::Outage, text};

/// The maximum of simultaneous connections.
const CONNECTIONS: usize = 64;
/// How long a client may take to send the head of its request.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may take in all.
const DEADLINE: Duration = Duration::from_secs(15);
/// The maximum size of the head of a request, in bytes.
const HEAD_CAP: usize = 16 << 10;
/// The pause before the next attempt to accept a connection, if the process has no descriptors left.
const PAUSE: Duration = Duration::from_millis(500);

/// Serves `router` until it is dropped.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let mut open = Open::default();
    // It never ends: after a failure, closing a connection lets the next attempt succeed.
    let mut outage = Outage::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.add(stream, &router).await;
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                if let Some(failures) = outage.fail() {
                    let error = text::cause(&error);
                    tracing::warn!(
                        error,
                        failures,
                        "the HTTP port cannot accept connections; retrying"
                    );
                }
                open.close_oldest();
                sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the client closed the connection before it was accepted, which is no failure of this machine.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The open connections.
#[derive(Default)]
struct Open {
    tasks: JoinSet<()>,
    oldest_first: VecDeque<AbortHandle>,
}

impl Open {
    async fn add(&mut self, stream: TcpStream, router: &Router) {
        while self.tasks.try_join_next().is_some() {}
        self.oldest_first.retain(|connection| !connection.is_finished());
        // The descriptor is free only when the aborted task has ended.
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
            // An error here concerns only the client.
            let _ = timeout(DEADLINE, connection).await;
        }));
    }

    fn close_oldest(&mut self) {
        if let Some(oldest) = self.oldest_first.pop_front() {
            oldest.abort();
        }
    }
}
