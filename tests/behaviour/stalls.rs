//! A service whose work stalls by its own fault restarts it by itself and loses nothing.

use std::{sync::Arc, time::Duration};

use event_fetcher::{
    bus::Bus,
    config::{self, Loaded, Sources},
    converter::Rules,
    enrich::Enricher,
    ops::{
        health::Health,
        metrics::{LeaseTermEnd, LeaseTermEndLabels, Metrics},
    },
    pipeline::{self, Pipeline},
    vk::{Api, LongPoll, Method},
};
use harness::RedisServer;
use strum::VariantArray;
use tokio_util::sync::CancellationToken;
use vk_simulator::{Options, Simulator};

/// A time-out far above the half a minute that the test should take.
const DEADLINE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn stalled_work_is_restarted_and_nothing_is_lost() {
    let redis = RedisServer::start().await.unwrap();
    let options = Options::default();
    let vk = Simulator::start(options.clone()).await.unwrap();
    let vars = [
        ("TOKEN", options.token.clone()),
        ("GROUPID", options.group_id.to_string()),
        ("FETCHER_VK__API_URL", vk.api_url()),
        ("FETCHER_VK__WAIT", "1s".to_owned()),
        ("FETCHER_BUS__URL", redis.url()),
    ];
    let vars = vars.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let sources = Sources { vars, ..Sources::from_process(None) };
    let Loaded { config, access, .. } = config::load(&sources).unwrap();

    let health = Arc::new(Health::new(config.vk.wait));
    let metrics = Arc::new(Metrics::new(&pipeline::label_values()));
    let api = Arc::new(Api::new(config.vk.clone(), access, metrics.calls.clone()).unwrap());
    let names = Enricher::new(api.clone(), &config.names, &health, &metrics.lookups);
    let bus =
        Bus::new(&config.bus, options.group_id, health.clone(), metrics.commits.clone()).unwrap();
    let pipeline = Pipeline {
        api: api.clone(),
        long_poll: Arc::new(LongPoll::new(&config.vk).unwrap()),
        session_check: config.vk.session_check,
        enricher: names,
        health: health.clone(),
        metrics: metrics.clone(),
        history: Arc::default(),
        bus,
        rules: Rules::from(config.converter.clone()),
        unrouted: config.bus.unrouted,
    };

    // A lost task holds every permit of the rate limit: no dependency fails, and nothing moves.
    let mut permits = Vec::new();
    let places = config.vk.requests_per_second as usize;
    for method in Method::VARIANTS.iter().cycle().take(places) {
        permits.push(api.permit(*method).await);
    }
    let stop = CancellationToken::new();
    let ends = metrics
        .fetching
        .lease_term_ends
        .get_or_create_owned(&LeaseTermEndLabels { reason: LeaseTermEnd::Stalled });
    let watched = async {
        while ends.get() == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(!health.snapshot().stalled, "it has a term to show that it helped");
        drop(permits);
        let seen = harness::Bus::of(&redis, options.group_id).await.unwrap();
        seen.has_a_position().await.unwrap();
        vk.generate(200);
        seen.reaches(vk.ts()).await.unwrap();
        stop.cancel();
        seen
    };
    let run = async { tokio::join!(pipeline.run(&stop), watched) };
    let (result, seen) =
        tokio::time::timeout(DEADLINE, Box::pin(run)).await.expect("it goes on again");
    result.unwrap();
    assert_eq!(seen.position("epoch").await.unwrap(), Some(2), "a second term");
    let mut put = seen.dead_letters().await.unwrap().len();
    for stream in harness::STREAMS {
        put += seen.entries(stream).await.unwrap().len();
    }
    let skipped: u64 = seen.skipped().await.unwrap().values().sum();
    assert_eq!(put as u64 + skipped, 200);
}
