//! The Long Poll server without faults.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use vk_simulator::Options;

use crate::client::{Session, Vk, json as body, soon};

#[tokio::test]
async fn each_session_has_a_fresh_key_for_another_port() {
    let vk = Vk::new().await;
    let (first, second) = (vk.session().await, vk.session().await);
    assert_ne!(first.key, second.key);
    assert_eq!(first.key.split('.').count(), 3);
    assert!(first.key.contains('-') && first.key.contains('_'));
    assert!(first.server.ends_with(&format!("/whp/{}", vk.options.group_id)));
    let port = |url: &str| reqwest::Url::parse(url).expect("an address").port();
    assert_ne!(port(&first.server), port(&vk.simulator.api_url()));
    vk.simulator.push(&json!(1));
    for session in [first, second] {
        let reply = vk.poll(&session, vk.options.first_ts, 25).await;
        assert_eq!(reply["updates"], json!([1]));
    }
}

#[tokio::test]
async fn a_key_not_percent_encoded_is_a_wrong_one() {
    let vk = Vk::new().await;
    let Session { key, server, ts } = vk.session().await;
    let address = format!("{server}?act=a_check&key={key}&ts={ts}&wait=1");
    let reply = body(vk.http.get(address).send().await.expect("an answer")).await;
    assert_eq!(reply, json!({"failed": 2}));
}

#[tokio::test]
async fn get_and_post_poll_alike() {
    let vk = Vk::new().await;
    let session = vk.session().await;
    vk.simulator.push(&json!({"type": "first"}));
    let got = vk.poll(&session, session.ts, 25).await;
    assert_eq!(got, json!({"ts": "1001", "updates": [{"type": "first"}]}));
    let ts = session.ts.to_string();
    let query = [("act", "a_check"), ("key", &session.key), ("ts", &ts), ("wait", "25")];
    let with_query = vk.http.post(&session.server).query(&query).send().await;
    assert_eq!(body(with_query.expect("an answer")).await, got);
    let with_form = vk.http.post(&session.server).form(&query).send().await;
    assert_eq!(body(with_form.expect("an answer")).await, got);
}

#[tokio::test]
async fn a_held_poll_wakes_at_once_for_every_reader() {
    let vk = Vk::new().await;
    let session = vk.session().await;
    let readers = join_all((0..10).map(|_| vk.poll(&session, session.ts, 90)));
    let push = async {
        vk.simulator.until(|stats| stats.polls_held == 10).await;
        vk.simulator.push(&json!("новое"));
    };
    let (replies, ()) = soon(async { tokio::join!(readers, push) }).await;
    assert!(replies.iter().all(|reply| *reply == json!({"ts": "1001", "updates": ["новое"]})));
    let stats = vk.simulator.stats();
    assert_eq!((stats.updates_served, stats.highest_ts_served, stats.polls_held), (10, 1001, 0));
    assert_eq!(stats.polls["updates"], 10);
}

#[tokio::test]
async fn when_the_wait_runs_out_the_reply_is_empty_with_the_same_ts() {
    let vk = Vk::new().await;
    let session = vk.session().await;
    let start = Instant::now();
    let reply = vk.poll(&session, session.ts, 0).await;
    assert_eq!(reply, json!({"ts": "1000", "updates": []}));
    assert!(start.elapsed() >= Duration::from_secs(1), "a wait of 0 is one of 1");
    assert_eq!(vk.simulator.stats().polls["empty"], 1);
}

#[tokio::test]
async fn the_same_ts_gives_the_same_updates_in_pages_of_the_size_set() {
    let vk = Vk::with(Options { max_updates_per_reply: 3, ..Options::default() }).await;
    let session = vk.session().await;
    vk.simulator.generate(8);
    let all: Vec<_> = vk.simulator.updates();
    let mut ts = session.ts;
    let mut seen = Vec::new();
    while ts < vk.simulator.ts() {
        let reply = vk.poll(&session, ts, 25).await;
        assert_eq!(vk.poll(&session, ts, 25).await, reply);
        let updates = reply["updates"].as_array().expect("updates");
        assert!(updates.len() <= 3);
        ts += updates.len() as u64;
        assert_eq!(reply["ts"], ts.to_string());
        seen.extend(updates.iter().cloned());
    }
    let expected: Vec<serde_json::Value> =
        all.iter().map(|(_, update)| serde_json::from_str(update).expect("JSON")).collect();
    assert_eq!(seen, expected);

    vk.poll(&session, session.ts, 25).await;
    let stats = vk.simulator.stats();
    assert_eq!(stats.highest_ts_served, 1008, "an older page changes nothing");
    assert_eq!(stats.updates_served, 8 + 8 + 3);
}

#[tokio::test]
async fn a_lost_or_future_ts_gets_failed_1_with_the_newest_as_a_number() {
    let vk = Vk::with(Options { retention: 2, ..Options::default() }).await;
    let session = vk.session().await;
    vk.simulator.generate(5);
    assert_eq!(vk.poll(&session, 1002, 25).await, json!({"failed": 1, "ts": 1005}));
    assert_eq!(vk.poll(&session, 1006, 25).await, json!({"failed": 1, "ts": 1005}));
    let query = [("act", "a_check"), ("key", &*session.key), ("ts", "1003.5")];
    let odd = vk.http.get(&session.server).query(&query).send().await;
    assert_eq!(body(odd.expect("an answer")).await, json!({"failed": 1, "ts": 1005}));
    assert_eq!(vk.poll(&session, 1003, 25).await["ts"], "1005");
    assert_eq!(vk.simulator.stats().polls["failed-1"], 3);
}

#[tokio::test]
async fn an_expired_key_gets_failed_2_and_the_ts_goes_on_with_a_new_one() {
    let vk = Vk::new().await;
    let session = vk.session().await;
    let expire = async {
        vk.simulator.until(|stats| stats.polls_held == 1).await;
        vk.simulator.expire_key();
    };
    let (reply, ()) = soon(async { tokio::join!(vk.poll(&session, 1000, 90), expire) }).await;
    assert_eq!(reply, json!({"failed": 2}));
    vk.simulator.push(&json!(1));
    assert_eq!(vk.poll(&session, 1000, 25).await, json!({"failed": 2}));
    let new = vk.session().await;
    assert_eq!(vk.poll(&new, 1000, 25).await["updates"], json!([1]));
}

#[tokio::test]
async fn a_key_expires() {
    let vk = Vk::with(Options { key_life: Duration::ZERO, ..Options::default() }).await;
    let session = vk.session().await;
    assert_eq!(vk.poll(&session, 1000, 25).await, json!({"failed": 2}));
}

#[tokio::test]
async fn a_reset_queue_gets_failed_3_and_counts_anew() {
    let vk = Vk::new().await;
    let session = vk.session().await;
    vk.simulator.generate(3);
    vk.simulator.reset_queue(50);
    assert_eq!(vk.poll(&session, 1000, 25).await, json!({"failed": 3}));
    let new = vk.session().await;
    assert_eq!(new.ts, 50);
    assert_eq!(vk.simulator.push(&json!(1)), 51);
    assert_eq!(vk.poll(&new, 50, 25).await, json!({"ts": "51", "updates": [1]}));
    assert_eq!(vk.simulator.updates().len(), 4);
}

#[tokio::test]
async fn anything_else_is_forbidden() {
    let vk = Vk::new().await;
    let Session { key, server, ts } = vk.session().await;
    let url = reqwest::Url::parse(&server).expect("an address");
    let origin = url.origin().ascii_serialization();
    let ts = ts.to_string();
    let query = [("act", "a_check"), ("key", &*key), ("ts", &ts), ("wait", "1")];
    for address in [format!("{origin}/"), format!("{origin}/whp/1"), format!("{server}/more")] {
        let response = vk.http.get(&address).query(&query).send().await.expect("an answer");
        assert_eq!(response.status(), 403, "{address}");
    }
    let response = vk.http.get(&server).query(&query[1..]).send().await.expect("an answer");
    assert_eq!(response.status(), 403, "no act");
}

#[tokio::test]
async fn raw_text_is_served_as_it_is() {
    let vk = Vk::new().await;
    let session = vk.session().await;
    vk.simulator.push_raw("{broken".to_owned());
    vk.simulator.push(&json!(2));
    let response = vk.try_poll(&session, session.ts, 25).await.expect("an answer");
    assert_eq!(response.text().await.expect("a body"), r#"{"ts":"1002","updates":[{broken,2]}"#);
}

#[tokio::test]
async fn stopping_ends_held_polls_and_frees_the_ports() {
    let vk = Vk::new().await;
    let session = vk.session().await;
    let stream = vk.raw_poll(&session, session.ts).await;
    vk.simulator.until(|stats| stats.polls_held == 1).await;
    let api = reqwest::Url::parse(&vk.simulator.api_url()).expect("an address");
    soon(vk.simulator.stop()).await;
    let (text, _) = soon(crate::client::read_all(stream)).await;
    assert_eq!(text, "");
    let address = ("127.0.0.1", api.port().expect("a port"));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn latencies_are_kept() {
    let latency = Duration::from_millis(50);
    let options = Options { api_latency: latency, poll_latency: latency, ..Options::default() };
    let vk = Vk::with(options).await;
    vk.simulator.push(&json!(1));
    let start = Instant::now();
    let session = vk.session().await;
    assert!(start.elapsed() >= latency);
    let start = Instant::now();
    vk.poll(&session, 1000, 25).await;
    assert!(start.elapsed() >= latency);
}
