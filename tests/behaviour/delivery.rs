//! Updates become events on the bus as configured.

use anyhow::{Context, ensure};
use futures::StreamExt;
use harness::Bus;
use redis::{AsyncCommands, Client, aio::PubSub};
use serde_json::{Value, json};
use vk_simulator::{Fault, Options};

use super::common::{Outcome, Scene, Titles, message, stop};

/// The raw update of the specification.
const RAW: &str = r#"{"group_id":218730916,"type":"message_new","event_id":"d31e92e8ccde1fa2cde93eeaf9cbdf6d0cd0a936","v":"5.199","object":{"message":{"date":1709107598,"from_id":206295116,"id":0,"out":0,"version":10012065,"attachments":[],"conversation_message_id":2707,"fwd_messages":[],"important":false,"is_hidden":false,"peer_id":2000000002,"random_id":0,"text":"Hi!","is_unavailable":true},"client_info":{"button_actions":["text","vkpay","open_app","location","open_link","callback","intent_subscribe","intent_unsubscribe"],"keyboard":true,"inline_keyboard":true,"carousel":true,"lang_id":0}}}"#;

/// Its event in the specification, byte for byte.
const AS_DICT: &str = r#"{"event_type":"message","event_id":"d31e92e8ccde1fa2cde93eeaf9cbdf6d0cd0a936","user":{"uuid":206295116,"name":"Руслан Башинский","firstname":"Руслан","lastname":"Башинский","nick":"oidaho"},"peer":{"bpid":2000000002,"cid":2,"name":"FUNCKA | TOASTER | DEV | CHAT"},"message":{"cmid":2707,"text":"Hi!","reply":null,"forward":[],"attachments":[]}}"#;

async fn listen(scene: &Scene, channels: &[&str]) -> anyhow::Result<PubSub> {
    let mut listener = Client::open(scene.redis.url())?.get_async_pubsub().await?;
    listener.subscribe(channels).await?;
    Ok(listener)
}

/// The next message of any channel, with the channel.
async fn heard(listener: &mut PubSub) -> anyhow::Result<(String, String)> {
    let message = listener.on_message().next().await.context("the subscription ended")?;
    Ok((message.get_channel_name().to_owned(), message.get_payload()?))
}

#[tokio::test]
async fn the_specifications_update_arrives_as_the_specification_has_it() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let mut listener = listen(&scene, &["message", "command"]).await?;
    let ts = scene.vk.push_raw(RAW.to_owned());
    let bus = scene.settled().await?;

    let entries = bus.entries("{toaster}:message").await?;
    let expected = [
        ("data", AS_DICT),
        ("event_id", "d31e92e8ccde1fa2cde93eeaf9cbdf6d0cd0a936"),
        ("event_type", "message"),
        ("group_id", "218730916"),
        ("ts", &ts.to_string()),
    ]
    .map(|(field, value)| (field.to_owned(), value.to_owned()));
    ensure!(entries == [expected.into()], "{entries:?}");
    ensure!(heard(&mut listener).await? == ("message".to_owned(), AS_DICT.to_owned()));
    stop(service).await
}

#[tokio::test]
async fn a_message_that_begins_with_a_prefix_is_a_command() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let mut listener = listen(&scene, &["message", "command"]).await?;
    scene.vk.push_raw(RAW.replace("Hi!", "/command"));
    let bus = scene.settled().await?;

    let expected = AS_DICT.replace("Hi!", "/command").replace(r#""message","#, r#""command","#);
    let entries = bus.entries("{toaster}:command").await?;
    ensure!(entries.len() == 1 && entries[0]["data"] == expected, "{entries:?}");
    ensure!(entries[0]["event_type"] == "command");
    ensure!(bus.entries("{toaster}:message").await?.is_empty());
    ensure!(heard(&mut listener).await? == ("command".to_owned(), expected));
    stop(service).await
}

#[tokio::test]
async fn with_streams_alone_nothing_is_published() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__DELIVERY", "[stream]");
    let service = scene.start().await?;
    let mut listener = listen(&scene, &["message", "end"]).await?;
    scene.say("Hi!");
    scene.all_arrived().await?;
    let () = scene.connect().await?.publish("end", "of the test").await?;
    ensure!(heard(&mut listener).await?.0 == "end");
    stop(service).await
}

#[tokio::test]
async fn with_channels_alone_no_stream_is_written_but_the_position_is_kept() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__DELIVERY", "[pubsub]");
    let service = scene.start().await?;
    let mut listener = listen(&scene, &["message"]).await?;
    let id = scene.say("Hi!");
    let (_, data) = heard(&mut listener).await?;
    ensure!(serde_json::from_str::<Value>(&data)?["event_id"] == id);
    let bus = scene.settled().await?;
    stop(service).await?;
    for kind in ["message", "command", "button", "reaction"] {
        ensure!(bus.entries(&bus.key(kind)).await?.is_empty());
    }

    let missed_by_none = scene.say("while the service is down");
    let service = scene.start().await?;
    let (_, data) = heard(&mut listener).await?;
    ensure!(serde_json::from_str::<Value>(&data)?["event_id"] == missed_by_none);
    stop(service).await
}

#[tokio::test]
async fn streams_channels_and_namespace_can_be_renamed() -> Outcome {
    let scene = Scene::new()
        .await?
        .set("FETCHER_BUS__NAMESPACE", "kettle")
        .set("FETCHER_BUS__STREAMS__MESSAGE", "incoming")
        .set("FETCHER_BUS__CHANNELS__MESSAGE", "kettle.messages");
    let service = scene.spawn()?;
    let bus = Bus::within(&scene.redis, "kettle", Options::default().group_id).await?;
    bus.has_a_position().await?;
    let mut listener = listen(&scene, &["kettle.messages"]).await?;
    let id = scene.say("Hi!");
    let (_, data) = heard(&mut listener).await?;
    bus.stands_at(scene.vk.ts()).await?;
    let events = bus.events("{kettle}:incoming").await?;
    ensure!(events.len() == 1 && events[0]["event_id"] == id, "{events:?}");
    ensure!(events[0] == serde_json::from_str::<Value>(&data)?);
    let keys: Vec<String> = scene.connect().await?.keys("{toaster}*").await?;
    ensure!(keys.is_empty(), "{keys:?}");
    stop(service).await
}

#[tokio::test]
async fn updates_that_are_not_routed_are_counted_and_kept_on_demand() -> Outcome {
    let scene = Scene::new().await?.set("FETCHER_BUS__UNROUTED", "dead-letter");
    let service = scene.start().await?;
    let update = json!({"type": "wall_post_new", "event_id": "7", "object": {"text": "Пост"}});
    let raw = update.to_string();
    scene.vk.push(&update);
    scene.say("Hi!");
    let bus = scene.settled().await?;
    ensure!(bus.skipped().await? == [("wall_post_new".to_owned(), 1)].into());
    let letters = bus.dead_letters().await?;
    ensure!(letters.len() == 1 && letters[0]["raw"] == raw, "{letters:?}");
    ensure!(letters[0]["reason"].contains("wall_post_new"), "{letters:?}");
    ensure!(bus.events("{toaster}:message").await?.len() == 1);
    stop(service).await
}

#[tokio::test]
async fn an_update_of_another_community_is_a_dead_letter() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let foreign = RAW.replace("218730916", "5");
    scene.vk.push_raw(foreign.clone());
    scene.say("Hi!");
    let bus = scene.settled().await?;
    let letters = bus.dead_letters().await?;
    ensure!(letters.len() == 1 && letters[0]["raw"] == foreign, "{letters:?}");
    ensure!(letters[0]["reason"] == "group_id is 5, while vk.group_id is 218730916", "{letters:?}");
    ensure!(bus.events("{toaster}:message").await?.len() == 1);
    stop(service).await
}

/// Nesting deeper than a parser of JSON values accepts.
#[tokio::test]
async fn unknown_fields_of_any_depth_do_not_matter() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    scene
        .vk
        .push_raw(RAW.replace(r#""text":"Hi!""#, &format!(r#""text":"Hi!","hologram":{deep}"#)));
    let bus = scene.settled().await?;
    let entries = bus.entries("{toaster}:message").await?;
    ensure!(entries.len() == 1 && entries[0]["data"] == AS_DICT, "{entries:?}");
    stop(service).await
}

#[tokio::test]
async fn batches_that_waited_together_are_committed_together() -> Outcome {
    const QUEUED: u64 = 60;
    let scene = Scene::with(Options { max_updates_per_reply: 1, ..Options::default() }).await?;
    let service = scene.start().await?;
    // Look-ups fail for a while, and batches gather.
    scene.vk.inject("users.get", Fault::Error(10), 3);
    let updates: Vec<_> = (1..=QUEUED).map(|number| message(number, json!({}))).collect();
    scene.vk.push_all(&updates);
    scene.settled().await?;
    let bus = scene.bus().await?;
    let events = bus.events("{toaster}:message").await?;
    let cmids = events.iter().filter_map(|event| event["message"]["cmid"].as_u64());
    ensure!(cmids.eq(1..=QUEUED), "not all, or not in order");
    let commits: u64 = bus.whole_position().await?["generation"].parse()?;
    ensure!(commits < QUEUED / 2, "{commits} commits");
    stop(service).await
}

/// Every variant of updates that VK sends, and rare ones.
#[tokio::test]
async fn a_busy_day_arrives_whole_in_order_and_at_few_calls() -> Outcome {
    const UPDATES: usize = 20_000;
    let scene = Scene::with(Options { max_updates_per_reply: 300, ..Options::default() }).await?;
    let service = scene.start().await?;
    let mut pushed = 0;
    let mut random = 20_240_228_u64;
    while pushed < UPDATES {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = usize::try_from(random >> 33)? % 400;
        let size = size.min(UPDATES - pushed).max(1);
        pushed += scene.vk.generate(size).len();
        // Every other time the batch is fetched before the next is pushed.
        if random & (1 << 40) != 0 {
            let ts = scene.vk.ts();
            scene.vk.until(|stats| stats.highest_ts_served == ts).await;
        }
    }
    let bus = scene.settled().await?;
    stop(service).await?;

    let expected = scene.expected();
    expected.compare(&bus, Titles::Exact).await?;
    let (events, letters) = (expected.events(), expected.dead_letters.len());
    let skipped: u64 = expected.skipped.values().sum();
    ensure!(events + letters + usize::try_from(skipped)? == UPDATES);
    ensure!(expected.streams.values().all(|events| events.len() > 500), "too few of a kind");
    ensure!(letters > 50 && skipped > 500, "too few of a kind");

    let stats = scene.vk.stats();
    let calls: u64 = stats.calls.values().sum();
    ensure!(calls * 10 <= events as u64, "{calls} calls for {events} events: {:?}", stats.calls);
    ensure!(stats.peak_calls_per_second <= 20, "{} in a second", stats.peak_calls_per_second);
    ensure!(!stats.api_errors.contains_key(&6), "{:?}", stats.api_errors);
    Ok(())
}
