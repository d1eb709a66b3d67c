//! Many clients that connect to the HTTP port and send nothing, or never end a request.

use harness::{RedisServer, Service};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use vk_simulator::Options;

use super::flow::{DEADLINE, Flow, TOKEN};

/// Many more than the service's limit of open files.
const CROWD: usize = 400;

/// The service with a low limit of descriptors, on a port of its own.
fn with_few_descriptors(flow: &Flow, url: &str, address: &str) -> Service {
    let group_id = Options::default().group_id.to_string();
    let variables = [
        ("FETCHER_VK__API_URL", &*flow.vk().api_url()),
        ("FETCHER_VK__WAIT", "1s"),
        ("FETCHER_BUS__URL", url),
        ("FETCHER_BUS__TIMEOUT", "1s"),
        ("FETCHER_HTTP__LISTEN", address),
        ("FETCHER_LOG__FORMAT", "text"),
        ("GROUPID", &group_id),
        ("TOKEN", TOKEN),
    ];
    let limited = format!("ulimit -n 128; exec {}", env!("CARGO_BIN_EXE_event-fetcher"));
    Service::start("/bin/sh", &["-c", &limited], &variables).unwrap()
}

fn free_address() -> String {
    format!("127.0.0.1:{}", harness::free_port().unwrap())
}

/// The answer of the port to one request with this head.
async fn ask(address: &str, head: &str) -> String {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    timeout(DEADLINE, asked).await.unwrap().unwrap()
}

#[tokio::test]
async fn many_idle_clients_stop_neither_fetching_nor_probes() {
    let redis = RedisServer::start().await.unwrap();
    let mut flow = Flow::start().await;
    let address = free_address();
    let mut service = with_few_descriptors(&flow, &redis.url(), &address);
    flow.is_read().await;
    is_ready(&address).await;
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // Some send nothing, some never end their request; some are rejected already, which does not matter.
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nx: ").await;
        }
        crowd.push(stream);
    }
    let answer = ask(&address, "GET /readyz HTTP/1.1\r\nhost: probe.example").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // These need new connections of every kind.
    flow.vk().expire_key();
    redis_forgets_its_clients(&redis).await;
    flow.push(20);
    flow.arrives(&redis).await;
    assert!(!service.output().contains("open files"), "{}", service.output());
    drop(crowd);
    assert!(service.stop().await.unwrap().success());
}

/// Waits until the service has made its first poll.
async fn is_ready(address: &str) {
    while !ask(address, "GET /readyz HTTP/1.1\r\nhost: probe.example").await.contains("\nready: ") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn redis_forgets_its_clients(redis: &RedisServer) {
    let mut connection = redis.connect().await.unwrap();
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes");
    kill.exec_async(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_silent_client_is_sent_away_and_no_connection_is_kept() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let address = free_address();
    let _service = with_few_descriptors(&flow, &redis.url(), &address);
    flow.is_read().await;
    let answer = ask(&address, "GET /livez HTTP/1.1\r\nhost: localhost").await;
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    let huge = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nx: {}", "x".repeat(20 << 10));
    assert!(!ask(&address, &huge).await.starts_with("HTTP/1.1 200"));
    let mut silent = TcpStream::connect(&address).await.unwrap();
    let ended = timeout(DEADLINE, silent.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "still open after {DEADLINE:?}");
}

#[tokio::test]
async fn the_page_is_served_under_its_own_names_only() {
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    let address = free_address();
    let variables =
        [("FETCHER_HTTP__LISTEN", &*address), ("FETCHER_HTTP__HOSTS", "[service.event-fetcher]")];
    let _service = flow.fetching(&redis.url(), &variables).await;
    let status = async |path: &str, host: &str| -> String {
        let answer = ask(&address, &format!("GET {path} HTTP/1.1\r\nhost: {host}")).await;
        answer.split("\r\n").next().unwrap().to_owned() + &answer
    };
    for path in ["/", "/status.json"] {
        for host in ["localhost:8080", "127.0.0.1", "[::1]", "Service.Event-Fetcher:8080"] {
            let answer = status(path, host).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{path} {host}: {answer}");
        }
        let answer = status(path, "evil.example").await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
        assert!(answer.contains("http.hosts") && !answer.contains("218730916"), "{answer}");
    }
    is_ready(&address).await;
    for path in ["/livez", "/readyz", "/metrics"] {
        let answer = status(path, "evil.example").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
}
