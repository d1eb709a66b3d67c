//! A listener whose connections can be reset from within a request.

use std::{io, net::IpAddr, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// Resets the connection of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cutter(CancellationToken);

impl Cutter {
    /// Resets the connection without a further answer.
    pub(crate) async fn reset<T>(&self) -> T {
        self.0.cancel();
        std::future::pending().await
    }
}

/// Waits for a latency. A sleep of zero would still last until the timer's next tick.
pub(crate) async fn latency(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// Listens on an address of this machine; port 0 means any free port.
pub(crate) async fn listen(host: IpAddr, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((host, port)).await
}

/// Serves a listener's connections until `stop`, which closes them at once.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    loop {
        let accepted = select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // An error means that the client disconnected before it was accepted.
        if let Ok((socket, _)) = accepted {
            let cutter = Cutter::default();
            let router = router.clone().layer(Extension(cutter.clone()));
            tokio::spawn(stop.clone().run_until_cancelled_owned(converse(socket, router, cutter)));
        }
    }
}

async fn converse(socket: TcpStream, router: Router, cutter: Cutter) {
    let _ = socket.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    select! {
        // Errors of a closing connection do not matter.
        _ = &mut connection => {}
        () = cutter.0.cancelled() => {
            let socket = connection.into_parts().io.into_inner();
            let _ = socket.set_zero_linger();
        }
    }
}
