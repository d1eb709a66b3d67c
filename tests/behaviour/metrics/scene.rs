//! A service at work, and its `/metrics`.

use std::{collections::BTreeMap, time::Duration};

use harness::{Bus, RedisServer, Service};
use tokio::time::{Instant, sleep};
use vk_simulator::{Options, Simulator};

/// How long anything awaited may take: far beyond what it should.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) redis: RedisServer,
    pub(crate) vk: Simulator,
    _service: Service,
    address: String,
}

impl Scene {
    pub(crate) async fn new(variables: &[(&str, &str)]) -> Self {
        let options = Options::default();
        let vk = Simulator::start(options.clone()).await.unwrap();
        let redis = RedisServer::start().await.unwrap();
        let address = format!("127.0.0.1:{}", harness::free_port().unwrap());
        let (group, api) = (options.group_id.to_string(), vk.api_url());
        let url = redis.url();
        let mut all = vec![
            ("TOKEN", options.token.as_str()),
            ("GROUPID", &group),
            ("FETCHER_VK__API_URL", &api),
            ("FETCHER_VK__WAIT", "1s"),
            ("FETCHER_BUS__URL", &url),
            ("FETCHER_HTTP__LISTEN", &address),
        ];
        all.extend(variables);
        let service = Service::start(env!("CARGO_BIN_EXE_event-fetcher"), &[], &all).unwrap();
        Bus::of(&redis, options.group_id).await.unwrap().has_a_position().await.unwrap();
        Self { redis, vk, _service: service, address }
    }

    /// All series and their values now.
    pub(crate) async fn metrics(&self) -> Metrics {
        Metrics::read(&self.text("application/openmetrics-text").await)
    }

    /// The text of this media type.
    pub(crate) async fn text(&self, kind: &str) -> String {
        event_fetcher::ops::process::install_tls_provider();
        let url = format!("http://{}/metrics", self.address);
        let end = Instant::now() + DEADLINE;
        loop {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            match client.get(&url).header("accept", kind).send().await {
                Ok(response) => {
                    let answered = response.headers()["content-type"].to_str().unwrap().to_owned();
                    assert!(answered.starts_with(kind), "{answered}");
                    return response.text().await.unwrap();
                }
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a series has this value.
    pub(crate) async fn until(&self, series: &str, is: impl Fn(f64) -> bool) -> Metrics {
        let end = Instant::now() + DEADLINE;
        loop {
            let metrics = self.metrics().await;
            if metrics.0.get(series).is_some_and(|&value| is(value)) {
                return metrics;
            }
            assert!(Instant::now() < end, "{series} is {:?}", metrics.0.get(series));
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Series with their labels, as written, and their values.
#[derive(Debug)]
pub(crate) struct Metrics(pub(crate) BTreeMap<String, f64>);

impl Metrics {
    fn read(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.map(|line| line.rsplit_once(' ').expect(line));
        Self(series.map(|(name, value)| (name.to_owned(), value.parse().expect(value))).collect())
    }

    #[track_caller]
    pub(crate) fn value(&self, series: &str) -> f64 {
        *self.0.get(&format!("event_fetcher_{series}")).unwrap_or_else(|| panic!("no {series}"))
    }
}
