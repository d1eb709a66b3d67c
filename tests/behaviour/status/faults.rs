//! Whatever fails, every surface names the same dependency and says the same about it.

use std::{mem, path::PathBuf};

use harness::{RedisServer, Service};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::UnixDatagram, sync::watch, task::JoinHandle};
use vk_simulator::{Fault, Options, Simulator, Target};

use super::{
    no_disk::NoDisk,
    scene::{DEADLINE, Scene},
};

/// The metric that tells for how long each dependency has failed, up to the word.
const FAILING: &str = "event_fetcher_dependency_failing_seconds{dependency=";
/// More often than anything is asked for in a test.
const FOREVER: u32 = 10_000;

/// What every surface shows: the words, and a part of each sentence.
struct Expected {
    fault: &'static str,
    cause: &'static str,
    summary: &'static str,
    detail: &'static str,
    remediation: &'static str,
}

/// systemd's end of the notification socket.
struct Systemd {
    folder: TempDir,
    status: watch::Receiver<String>,
    listening: JoinHandle<()>,
}

impl Systemd {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        let (last, status) = watch::channel(String::new());
        let listening = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(length) = socket.recv(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if let Some(status) = text.lines().find_map(|line| line.strip_prefix("STATUS=")) {
                    last.send_replace(status.to_owned());
                }
            }
        });
        Self { folder, status, listening }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("notify")
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// A service that systemd listens to.
async fn start(scene: &Scene, systemd: &Systemd, variables: &[(&str, &str)]) -> Service {
    let socket = systemd.socket().display().to_string();
    let mut all = vec![("NOTIFY_SOCKET", socket.as_str())];
    all.extend(variables);
    scene.service(&all).await
}

impl Expected {
    /// Waits until the service is not ready, and looks at everything that shows why.
    async fn is_shown_everywhere(&self, scene: &Scene, mut systemd: Systemd) {
        let stopped = scene.until(self.fault, |it| it["state"] == "stopped").await;
        let text = |key: &str| stopped[key].as_str().unwrap_or_default().to_owned();
        let (summary, remediation) = (text("summary"), text("remediation"));
        assert_eq!((&*text("fault"), &*text("cause")), (self.fault, self.cause), "{stopped:#}");
        assert_eq!(stopped["ready"], false);
        assert!(summary.contains(self.summary), "{stopped:#}");
        assert!(text("detail").contains(self.detail), "{stopped:#}");
        assert!(remediation.contains(self.remediation), "{stopped:#}");
        let failure = &stopped["service"]["failures"][0];
        assert_eq!(
            (&failure["dependency"], &failure["cause"]),
            (&json!(self.fault), &json!(self.cause))
        );

        let words = format!("{} ({})", self.fault, self.cause);
        let (fault, what) = (format!("Fault: {words}"), format!("What to do: {remediation}"));
        let has_it_all = |text: &str| {
            for line in [&summary, &fault, &what] {
                assert!(text.lines().any(|it| it == line), "{line} is not in {text}");
            }
        };

        let ready = scene.get("/readyz").await;
        assert_eq!(ready.status(), 503);
        let ready = ready.text().await.unwrap();
        assert_eq!(ready.lines().next(), Some("not ready: fetching"));
        has_it_all(&ready);

        for (command, first) in [("health", "not ready: fetching"), ("status", &summary)] {
            let shown = scene.run(&[command], &[]).await;
            assert_eq!(shown.status.code(), Some(1), "{shown:?}");
            assert_eq!(shown.out.lines().next(), Some(first));
            has_it_all(&shown.out);
        }

        let told = scene.told().await;
        for key in ["state", "ready", "fault", "cause", "summary", "remediation"] {
            assert_eq!(told[key], stopped[key], "{key}");
        }

        let metrics = scene.get("/metrics").await.text().await.unwrap();
        let value = |series: &str| -> f64 {
            let line = metrics.lines().find_map(|line| line.strip_prefix(series)).unwrap();
            line.trim().parse().unwrap()
        };
        assert!(value("event_fetcher_ready ") < 0.5, "{metrics}");
        assert!(value(&format!("{FAILING}\"{}\"}} ", self.fault)) >= 10.0, "{metrics}");
        let failing = stopped["service"]["failures"].as_array().unwrap();
        for line in metrics.lines().filter_map(|line| line.strip_prefix(FAILING)) {
            let word = line.split('"').nth(1).unwrap();
            let fails = !line.ends_with(" 0") && !line.ends_with(" 0.0");
            let known = failing.iter().any(|it| it["dependency"] == word);
            assert_eq!(fails, known, "{word}: {metrics}");
        }

        let line = systemd.status.wait_for(|it| {
            it.starts_with(&format!("not ready: fetching; {summary}")) && it.ends_with(&fault)
        });
        let line =
            tokio::time::timeout(DEADLINE, line).await.expect("systemd hears of it").unwrap();
        assert!(line.contains(&remediation), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_replica() {
    let (scene, systemd) = (Scene::new().await, Systemd::new());
    let _service = start(&scene, &systemd, &[("FETCHER_BUS__DURABILITY", "replicas=1")]).await;
    let expected = Expected {
        fault: "durability",
        cause: "replicas",
        summary: "too few replicas of Redis acknowledge commits",
        detail: "bus.durability = \"replicas=1\", but 0 of 1 replicas",
        remediation: "Connect a replica",
    };
    expected.is_shown_everywhere(&scene, systemd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_never_confirms_a_commit() {
    let (scene, systemd) = (Scene::new().await, Systemd::new());
    let redis = NoDisk::before(scene.redis.port()).await;
    let variables = [("FETCHER_BUS__DURABILITY", "aof"), ("FETCHER_BUS__URL", &*redis.url())];
    let _service = start(&scene, &systemd, &variables).await;
    let expected = Expected {
        fault: "durability",
        cause: "disk",
        summary: "Redis does not write commits to its disk",
        detail: "bus.durability = \"aof\"",
        remediation: "free space",
    };
    expected.is_shown_everywhere(&scene, systemd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_for_which_redis_rejects_writes() {
    let redis = RedisServer::with_options(&["--save", "3600 1"]).await.unwrap();
    // A folder in the place of the file fails every snapshot, whoever the server runs as.
    std::fs::create_dir(redis.folder().join("dump.rdb")).unwrap();
    let (scene, systemd) = (Scene { redis, ..Scene::new().await }, Systemd::new());
    let _service = start(&scene, &systemd, &[]).await;
    let () = scene.redis_cli("BGSAVE").await;
    let _: Value = scene.until("Redis fails", |it| it["fault"] == "redis").await;
    let expected = Expected {
        fault: "redis",
        cause: "disk",
        summary: "Redis rejects writes, because it cannot write to its disk",
        detail: "MISCONF",
        remediation: "free space",
    };
    expected.is_shown_everywhere(&scene, systemd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_redis() {
    let (mut scene, systemd) = (Scene::new().await, Systemd::new());
    let _service = start(&scene, &systemd, &[]).await;
    scene.redis.kill().await.unwrap();
    let expected = Expected {
        fault: "redis",
        cause: "unreachable",
        summary: "Redis does not answer",
        detail: "refused",
        remediation: "Start Redis",
    };
    expected.is_shown_everywhere(&scene, systemd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_that_answers_with_errors() {
    let (scene, systemd) = (Scene::new().await, Systemd::new());
    let _service = start(&scene, &systemd, &[]).await;
    scene.vk.inject(Target::Poll, Fault::Status(502), FOREVER);
    let expected = Expected {
        fault: "long_poll",
        cause: "error",
        summary: "VK's Long Poll answers with errors",
        detail: "502",
        remediation: "VK is reached",
    };
    expected.is_shown_everywhere(&scene, systemd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vk_that_cannot_be_reached() {
    let (mut scene, systemd) = (Scene::new().await, Systemd::new());
    let _service = start(&scene, &systemd, &[]).await;
    let other = Simulator::start(Options::default()).await.unwrap();
    mem::replace(&mut scene.vk, other).stop().await;
    let expected = Expected {
        fault: "long_poll",
        cause: "unreachable",
        summary: "VK's Long Poll cannot be reached",
        detail: "refused",
        remediation: "DNS",
    };
    expected.is_shown_everywhere(&scene, systemd).await;
}

/// Long Poll goes on meanwhile.
async fn look_ups_of_users_fail(fault: Fault, detail: &'static str) {
    let (scene, systemd) = (Scene::new().await, Systemd::new());
    let _service = start(&scene, &systemd, &[("FETCHER_VK__TIMEOUT", "1s")]).await;
    scene.vk.inject("users.get", fault, FOREVER);
    scene.push(1, "Hi!");
    let expected = Expected {
        fault: "users",
        cause: "error",
        summary: "VK's API does not answer look-ups of users",
        detail,
        remediation: "VK is reached",
    };
    expected.is_shown_everywhere(&scene, systemd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_answers_with_errors() {
    look_ups_of_users_fail(Fault::Status(502), "502").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_hangs() {
    look_ups_of_users_fail(Fault::Stall(None), "users.get").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_group_that_does_not_keep_up() {
    let (scene, systemd) = (Scene::new().await, Systemd::new());
    let () = scene.redis_cli("XGROUP CREATE {toaster}:message slow 0 MKSTREAM").await;
    let _service = start(&scene, &systemd, &[("FETCHER_BUS__STREAM_LENGTH", "1000")]).await;
    for cmid in 1..=3000 {
        scene.push(cmid, "Hi!");
    }
    let expected = Expected {
        fault: "consumers",
        cause: "backlog",
        summary: "a stream is full, because a consumer group does not keep up",
        detail: "group slow is too far behind in stream {toaster}:message",
        remediation: "XGROUP DESTROY",
    };
    expected.is_shown_everywhere(&scene, systemd).await;
}

/// Redis loses the position and the group at once: the next term never finds the stream full.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_that_is_gone_with_the_lease_term_is_no_fault() {
    let scene = Scene::new().await;
    let () = scene.redis_cli("XGROUP CREATE {toaster}:message slow 0 MKSTREAM").await;
    let _service = scene.service(&[("FETCHER_BUS__STREAM_LENGTH", "1000")]).await;
    for cmid in 1..=3000 {
        scene.push(cmid, "Hi!");
    }
    scene.until("the stream is full", |it| it["fault"] == "consumers").await;
    let position = format!("{{toaster}}:position:{}", Options::default().group_id);
    let mut both = redis::pipe();
    both.atomic().del(position).cmd("XGROUP").arg(&["DESTROY", "{toaster}:message", "slow"]);
    both.exec_async(&mut scene.redis.connect().await.unwrap()).await.unwrap();
    let flowing = scene.until("events flow", |it| it["state"] == "flowing").await;
    assert_eq!(flowing["service"]["failures"], json!([]));
}
