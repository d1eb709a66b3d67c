//! What systemd hears from the service on its notification socket.
#![expect(clippy::expect_used, reason = "what is expected here is what is tested")]

use std::{
    os::unix::net::UnixDatagram,
    path::PathBuf,
    time::{Duration, Instant},
};

use harness::{RedisServer, Service};
use tempfile::TempDir;
use vk_simulator::{Options, Simulator};

const PROGRAM: &str = env!("CARGO_BIN_EXE_event-fetcher");
/// How long anything awaited may take: far beyond what it should.
const DEADLINE: Duration = Duration::from_secs(30);

/// systemd's end of the socket.
struct Systemd {
    socket: UnixDatagram,
    folder: TempDir,
}

impl Systemd {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        socket.set_read_timeout(Some(DEADLINE)).expect("a time-out");
        Self { socket, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("notify")
    }

    /// All that is said until a line begins with `awaited`, that line included.
    fn hears(&self, awaited: &str) -> Vec<String> {
        let end = Instant::now() + DEADLINE;
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        while !heard.iter().any(|line: &String| line.starts_with(awaited)) {
            assert!(Instant::now() < end, "{awaited} was not said, but {heard:?}");
            let length = self.socket.recv(&mut buffer).expect("something is said");
            heard.extend(String::from_utf8_lossy(&buffer[..length]).lines().map(String::from));
        }
        heard
    }

    fn start(&self, bus_url: &str, vk: &Simulator, options: &Options) -> Service {
        let (socket, group) = (self.path().display().to_string(), options.group_id.to_string());
        let variables = [
            ("NOTIFY_SOCKET", socket.as_str()),
            ("WATCHDOG_USEC", "1000000"),
            ("TOKEN", &options.token),
            ("GROUPID", &group),
            ("FETCHER_VK__API_URL", &vk.api_url()),
            ("FETCHER_BUS__URL", bus_url),
            ("FETCHER_HTTP__LISTEN", "127.0.0.1:0"),
        ];
        Service::start(PROGRAM, &["run"], &variables).expect("a start")
    }
}

fn has(heard: &[String], line: &str) -> bool {
    heard.iter().any(|said| said == line)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reports_its_state_a_reload_and_its_stop() {
    let redis = RedisServer::start().await.expect("a Redis");
    let options = Options::default();
    let vk = Simulator::start(options.clone()).await.expect("a simulator");
    let systemd = Systemd::new();
    let mut service = systemd.start(&redis.url(), &vk, &options);
    systemd.hears("READY=1");
    systemd.hears("WATCHDOG=1");
    systemd.hears("STATUS=ready: fetching");

    service.signal("HUP").await.expect("a signal");
    let heard = systemd.hears("RELOADING=1");
    assert!(heard.last().is_some_and(|it| it.starts_with("MONOTONIC_USEC=")), "{heard:?}");
    systemd.hears("READY=1");

    let other = Systemd::new();
    let standby = other.start(&redis.url(), &vk, &options);
    other.hears("STATUS=ready: standby; Standing by: another instance fetches.");
    drop(standby);

    assert!(service.stop().await.expect("an end").success());
    systemd.hears("STOPPING=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_its_start_is_complete_and_its_status_says_that_no_event_flows() {
    let port = harness::free_port().expect("a port");
    let options = Options::default();
    let vk = Simulator::start(options.clone()).await.expect("a simulator");
    let systemd = Systemd::new();
    let _service = systemd.start(&format!("redis://127.0.0.1:{port}"), &vk, &options);
    let heard =
        systemd.hears("STATUS=not ready: starting; Events do not flow: Redis does not answer.");
    assert_eq!(heard.first().map(String::as_str), Some("READY=1"), "{heard:?}");
    let status = heard.last().expect("a status");
    assert!(status.ends_with("Fault: redis (unreachable)"), "{status}");
    assert!(has(&systemd.hears("WATCHDOG=1"), "WATCHDOG=1"));
}
