//! `rediss://` with a private authority on both sides.

use harness::{RedisServer, Service};
use tempfile::TempDir;
use tokio::process::Command;

use super::flow::{Flow, command};

/// Extensions of the certificates of authorities and of servers and clients.
pub(crate) const OPENSSL: &str = "\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
[end]
basicConstraints = CA:FALSE
subjectAltName = IP:127.0.0.1
";

/// A Redis that requires client certificates on a second port.
struct TlsRedis {
    redis: RedisServer,
    tls_port: u16,
    folder: TempDir,
}

impl TlsRedis {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("openssl.cnf"), OPENSSL).unwrap();
        for authority in ["ca", "other-ca"] {
            certificate(&folder, authority, &["-extensions", "authority"]).await;
        }
        for name in ["server", "client"] {
            let signed = ["-extensions", "end", "-CA", "ca.pem", "-CAkey", "ca.key"];
            certificate(&folder, name, &signed).await;
        }
        let tls_port = harness::free_port().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let options = [
            "--save",
            "",
            "--tls-port",
            &tls_port.to_string(),
            "--tls-auth-clients",
            "yes",
            "--tls-ca-cert-file",
            &file("ca.pem"),
            "--tls-cert-file",
            &file("server.pem"),
            "--tls-key-file",
            &file("server.key"),
        ];
        let redis = RedisServer::with_options(&options).await.unwrap();
        Self { redis, tls_port, folder }
    }

    /// Starts the service, which trusts `authority` and presents `certificate`.
    fn service(&self, flow: &Flow, authority: &str, certificate: &str) -> Service {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let mut variables = vec![
            ("FETCHER_BUS__TLS__CA", file(authority)),
            ("REDIS_PASSWORD", "let-me-in".to_owned()),
        ];
        if !certificate.is_empty() {
            variables.push(("FETCHER_BUS__TLS__CERTIFICATE", file(&format!("{certificate}.pem"))));
            variables.push(("FETCHER_BUS__TLS__KEY", file(&format!("{certificate}.key"))));
        }
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
        flow.service(&format!("rediss://fetcher@127.0.0.1:{}", self.tls_port), &variables)
    }

    /// Whether only this test itself has connected.
    async fn is_untouched(&self) -> bool {
        let mut connection = self.redis.connect().await.unwrap();
        redis::cmd("DBSIZE").query_async::<u64>(&mut connection).await.unwrap() == 0
    }
}

/// Creates a key and a certificate with this name.
pub(crate) async fn certificate(folder: &TempDir, name: &str, options: &[&str]) {
    let words = "req -x509 -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
                 -noenc -days 2";
    let made = Command::new("openssl")
        .args(words.split_whitespace())
        .args(["-subj", &format!("/CN={name}")])
        .args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")])
        .args(options)
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test]
async fn events_arrive_between_two_who_know_each_other() {
    let tls = TlsRedis::start().await;
    command(&tls.redis, "ACL SETUSER fetcher on >let-me-in ~* &* +@all").await;
    let mut flow = Flow::start().await;
    let mut service = tls.service(&flow, "ca.pem", "client");
    service.says("fetching").await.unwrap();
    flow.is_read().await;
    flow.push(20);
    flow.arrives(&tls.redis).await;
    assert!(service.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_redis_of_another_authority_is_not_trusted() {
    let tls = TlsRedis::start().await;
    let flow = Flow::start().await;
    let service = tls.service(&flow, "other-ca.pem", "client");
    let line = service.says("UnknownIssuer").await.unwrap();
    assert!(line.contains("waiting for it"), "{line}");
    assert!(tls.is_untouched().await);
}

#[tokio::test]
async fn a_service_without_a_certificate_is_rejected() {
    let tls = TlsRedis::start().await;
    let flow = Flow::start().await;
    let service = tls.service(&flow, "ca.pem", "");
    let line = service.says("waiting for it").await.unwrap();
    assert!(line.to_lowercase().contains("certificate"), "{line}");
    assert!(tls.is_untouched().await);
}

#[tokio::test]
async fn a_file_that_is_not_there_stops_the_start() {
    let tls = TlsRedis::start().await;
    let flow = Flow::start().await;
    let mut service = tls.service(&flow, "ca.pem", "nobody");
    assert_eq!(service.ends().await.unwrap().code(), Some(64));
    assert!(service.output().contains("nobody.pem"), "{}", service.output());
}
