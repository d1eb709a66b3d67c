//! VK with a certificate of an authority that this machine does not trust.

use std::sync::{Arc, Mutex};

use harness::RedisServer;
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use vk_simulator::Simulator;

use super::{
    flow::Flow,
    front::{ask, request},
    tls::{OPENSSL, certificate},
};

/// A TLS proxy on one port for a simulated VK's API and Long Poll, until it is dropped.
struct TlsVk {
    port: u16,
    folder: TempDir,
    _tasks: JoinSet<()>,
}

/// The addresses behind it: the API, and the Long Poll server once the API has returned it.
struct Behind {
    api: String,
    poll: Mutex<String>,
    port: u16,
}

impl TlsVk {
    async fn before(vk: &Simulator) -> Self {
        event_fetcher::ops::process::install_tls_provider();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("openssl.cnf"), OPENSSL).unwrap();
        certificate(&folder, "ca", &["-extensions", "authority"]).await;
        let signed = ["-extensions", "end", "-CA", "ca.pem", "-CAkey", "ca.key"];
        certificate(&folder, "server", &signed).await;
        let shown = CertificateDer::from_pem_file(folder.path().join("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.path().join("server.key")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![shown], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let api = vk.api_url().replace("http://", "").replace("/method/", "");
        let behind = Arc::new(Behind { api, poll: Mutex::default(), port });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), Arc::clone(&behind));
                // Errors of a closing connection do not matter.
                conversations.spawn(async move { converse(&acceptor, client, &behind).await.ok() });
            }
        });
        Self { port, folder, _tasks: tasks }
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}/method/", self.port)
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

async fn converse(
    acceptor: &TlsAcceptor,
    client: TcpStream,
    behind: &Behind,
) -> std::io::Result<()> {
    let mut client = acceptor.accept(client).await?;
    let request = request(&mut client).await?;
    let address = if request.contains(" /method/") {
        behind.api.clone()
    } else {
        behind.poll.lock().unwrap().clone()
    };
    let answer = ask(&address, &request).await?;
    let mut answer = String::from_utf8_lossy(&answer).into_owned();
    if request.contains("getLongPollServer")
        && let Some((_, rest)) = answer.split_once("http://")
        && let Some((address, _)) = rest.split_once('/')
    {
        let address = address.to_owned();
        let here = format!("https://127.0.0.1:{}", behind.port);
        answer = answer.replace(&format!("http://{address}"), &here);
        *behind.poll.lock().unwrap() = address;
        // The length has changed; the body ends with the connection.
        answer = answer.replace("content-length", "x-former-length");
    }
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

#[tokio::test]
async fn an_authority_of_our_own_is_trusted_for_the_api_and_for_long_poll() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let vk = TlsVk::before(flow.vk()).await;
    let (url, ca) = (vk.url(), vk.file("ca.pem"));
    let mut service = flow
        .fetching(&redis.url(), &[("FETCHER_VK__API_URL", &*url), ("FETCHER_VK__TLS__CA", &*ca)])
        .await;
    flow.push(20);
    flow.arrives(&redis).await;
    assert!(service.stop().await.unwrap().success());
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted_and_the_log_says_what_to_set() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let vk = TlsVk::before(flow.vk()).await;
    let service = flow.service(&redis.url(), &[("FETCHER_VK__API_URL", &*vk.url())]);
    let line = service.says("vk.tls.ca").await.unwrap();
    assert!(line.contains("UnknownIssuer") && line.contains("trying again"), "{line}");
    assert!(flow.vk().stats().calls.is_empty());
}

#[tokio::test]
async fn a_file_without_authorities_stops_the_start() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let folder = tempfile::tempdir().unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (name, content) in
        [("missing.pem", None), ("empty.pem", Some("no PEM")), ("broken.pem", Some(broken))]
    {
        let path = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let ca = path.display().to_string();
        let mut service = flow.service(&redis.url(), &[("FETCHER_VK__TLS__CA", &*ca)]);
        assert_eq!(service.ends().await.unwrap().code(), Some(64), "{name}");
        let said = format!("vk.tls.ca: {ca}: ");
        assert!(service.output().contains(&said), "{name}: {}", service.output());
    }
}
