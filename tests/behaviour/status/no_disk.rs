//! A Redis whose disk never confirms a commit: a proxy before it that answers `WAITAOF` itself, so that
//! any version of Redis will do.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// The beginning of the command on the wire.
const WAITAOF: &[u8] = b"*4\r\n$7\r\nWAITAOF\r\n";
/// Neither the server's own disk nor a replica's has it.
const NOT_WRITTEN: &[u8] = b"*2\r\n:0\r\n:0\r\n";
/// Redis would take the time-out of the command.
const PAUSE: Duration = Duration::from_millis(100);

/// Ends with the value.
pub(crate) struct NoDisk {
    port: u16,
    _proxy: JoinSet<()>,
}

impl NoDisk {
    /// Before the Redis on `target`.
    pub(crate) async fn before(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut proxy = JoinSet::new();
        proxy.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", target)).await?;
                    converse(client, server).await
                });
            }
        });
        Self { port, _proxy: proxy }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

/// A commit and the wait for it follow each other on one connection, so a `WAITAOF` comes alone.
async fn converse(mut client: TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    let (mut request, mut reply) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            length = client.read(&mut request) => match &request[..length?] {
                [] => return Ok(()),
                command if command.starts_with(WAITAOF) => {
                    sleep(PAUSE).await;
                    client.write_all(NOT_WRITTEN).await?;
                }
                other => server.write_all(other).await?,
            },
            length = server.read(&mut reply) => match &reply[..length?] {
                [] => return Ok(()),
                answer => client.write_all(answer).await?,
            },
        }
    }
}
