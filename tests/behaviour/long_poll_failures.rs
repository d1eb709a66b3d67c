//! Whatever the Long Poll server answers, fetching continues, and nothing is lost or duplicated.

use std::time::Duration;

use anyhow::ensure;
use harness::{Bus, Service};
use serde_json::json;
use vk_simulator::{Fault, Options, Target};

use super::common::{Outcome, Scene, message, stop};

/// Polls fail with `fault` while updates arrive; everything is delivered.
async fn survives(fault: Fault, times: u32) -> Outcome {
    let scene = Scene::new().await?;
    let service = survives_in(&scene, &fault, times).await?;
    no_gap(&scene.bus().await?).await?;
    stop(service).await
}

async fn survives_in(scene: &Scene, fault: &Fault, times: u32) -> anyhow::Result<Service> {
    scene.vk.inject(Target::Poll, fault.clone(), times);
    let service = scene.start().await?;
    let name = fault.to_string();
    scene.vk.until(|stats| stats.faults.contains_key(&name)).await;
    scene.vk.generate(100);
    scene.vk.until(|stats| stats.faults[&name] == u64::from(times)).await;
    scene.vk.generate(100);
    scene.all_arrived().await?;
    Ok(service)
}

async fn no_gap(bus: &Bus) -> Outcome {
    ensure!(bus.position("gaps").await?.is_none(), "a gap where there was none");
    Ok(())
}

async fn gap_of(bus: &Bus, missed: u64) -> Outcome {
    let counted = (bus.position("gaps").await?, bus.position("updates_lost").await?);
    ensure!(counted == (Some(1), Some(missed)), "gaps and updates_lost are {counted:?}");
    Ok(())
}
#[tokio::test]
async fn failed_1_is_a_gap_and_fetching_continues_from_the_replys_ts() -> Outcome {
    let scene = Scene::with(Options { retention: 20, ..Options::default() }).await?;
    let service = scene.start().await?;
    scene.vk.generate(10);
    scene.all_arrived().await?;
    stop(service).await?;
    let from = scene.vk.ts();
    let lost = scene.vk.generate(50);
    let to = scene.vk.ts();

    let service = scene.start().await?;
    service.says("VK lost updates").await?;
    scene.bus().await?.stands_at(to).await?;
    scene.vk.generate(15);
    scene.all_arrived_but(|ts| lost.contains(&ts)).await?;
    gap_of(&scene.bus().await?, to - from).await?;
    stop(service).await
}
#[tokio::test]
async fn failed_2_requests_a_new_key_and_keeps_the_position() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.generate(10);
    scene.settled().await?;
    scene.vk.until(|stats| stats.polls_held == 1).await;
    scene.vk.expire_key();
    scene.vk.generate(50);
    scene.all_arrived().await?;
    no_gap(&scene.bus().await?).await?;
    ensure!(scene.vk.stats().calls["groups.getLongPollServer"] == 2);
    stop(service).await
}

#[tokio::test]
async fn failed_3_takes_the_new_ts_and_is_a_gap_even_where_ts_goes_back() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.generate(10);
    scene.all_arrived().await?;
    scene.vk.reset_queue(5);
    service.says("VK lost updates").await?;
    scene.settled().await?;
    gap_of(&scene.bus().await?, 0).await?;
    scene.vk.generate(50);
    scene.settled().await?;
    scene.all_arrived().await?;
    stop(service).await
}

#[tokio::test]
async fn unknown_failed_codes_keep_the_ts() -> Outcome {
    survives(Fault::Failed(4), 1).await?;
    survives(Fault::Failed(77), 1).await
}
#[tokio::test]
async fn an_empty_object_is_a_transient_error() -> Outcome {
    survives(Fault::NoKeys, 1).await
}
#[tokio::test]
async fn an_error_object_is_a_transient_error() -> Outcome {
    survives(Fault::Error(10), 1).await
}
#[tokio::test]
async fn gateway_errors_are_transient_errors() -> Outcome {
    survives(Fault::Status(502), 1).await?;
    survives(Fault::Status(504), 1).await
}
#[tokio::test]
async fn html_in_place_of_json_is_a_transient_error() -> Outcome {
    survives(Fault::Html, 2).await
}
#[tokio::test]
async fn an_empty_body_is_a_transient_error() -> Outcome {
    survives(Fault::Empty, 2).await
}

/// A body that is intact on the next attempt is not salvaged.
#[tokio::test]
async fn a_body_cut_off_is_fetched_again() -> Outcome {
    survives(Fault::CutText, 1).await
}
#[tokio::test]
async fn a_connection_cut_in_the_middle_is_a_transient_error() -> Outcome {
    survives(Fault::CutConnection, 2).await
}
#[tokio::test]
async fn a_reset_before_the_request_is_a_transient_error() -> Outcome {
    survives(Fault::ResetBefore, 2).await
}

/// VK answered, but the answer was lost.
#[tokio::test]
async fn a_reset_after_the_request_loses_and_duplicates_nothing() -> Outcome {
    survives(Fault::ResetAfter, 2).await
}

/// Every answer has the comma.
#[tokio::test]
async fn a_trailing_comma_that_stays_costs_nothing() -> Outcome {
    let scene = Scene::new().await?;
    scene.vk.inject(Target::Poll, Fault::TrailingComma, 1000);
    let service = scene.start().await?;
    scene.vk.generate(100);
    scene.settled().await?;
    scene.vk.generate(50);
    scene.all_arrived().await?;
    no_gap(&scene.bus().await?).await?;
    stop(service).await
}
#[tokio::test]
async fn a_body_that_stays_cut_off_costs_only_what_is_cut() -> Outcome {
    survives(Fault::CutText, 4).await
}
#[tokio::test]
async fn a_malformed_update_costs_none_of_its_neighbours() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.generate(20);
    scene.vk.push_raw(r#"{"type":"message_new","object":oops}"#.to_owned());
    scene.vk.generate(20);
    scene.all_arrived().await?;
    no_gap(&scene.bus().await?).await?;
    stop(service).await
}

/// Its brackets match, but it is not valid UTF-8.
#[tokio::test]
async fn an_unreadable_update_costs_none_of_its_neighbours() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.generate(20);
    let half = message(1, json!({"text": "half"})).to_string();
    scene.vk.push_raw(half.replace("half", r"\ud83d"));
    scene.vk.generate(20);
    scene.all_arrived().await?;
    ensure!(!service.output().contains("poll failed"), "{}", service.output());
    stop(service).await
}

/// The only test that waits until a deadline.
#[tokio::test]
async fn a_poll_that_hangs_is_given_up() -> Outcome {
    survives(Fault::Stall(None), 1).await
}

#[tokio::test]
async fn a_compressed_answer_is_decoded() -> Outcome {
    survives(Fault::Gzip, 2).await
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() -> Outcome {
    let scene = Scene::new().await?;
    let service = survives_in(&scene, &Fault::Drip(Duration::from_secs(2)), 1).await?;
    // The poll was not given up and retried: the first answer with updates was the slow one.
    ensure!(!service.output().contains("poll failed"), "{}", service.output());
    stop(service).await
}

#[tokio::test]
async fn the_content_type_does_not_matter() -> Outcome {
    survives(Fault::ContentType, 2).await
}
#[tokio::test]
async fn a_ts_may_be_a_number() -> Outcome {
    let scene = Scene::new().await?;
    scene.vk.inject("groups.getLongPollServer", Fault::NumberTs, 1);
    let service = survives_in(&scene, &Fault::NumberTs, 3).await?;
    stop(service).await
}
#[tokio::test]
async fn a_huge_body_is_not_read_to_its_end() -> Outcome {
    let scene = Scene::new().await?;
    let service = survives_in(&scene, &Fault::Huge(1 << 40), 1).await?;
    service.says("the answer is larger than").await?;
    stop(service).await
}

#[tokio::test]
async fn an_early_empty_reply_is_asked_again() -> Outcome {
    survives(Fault::EarlyEmpty, 3).await
}
#[tokio::test]
async fn a_duplicate_update_is_dropped_and_counted() -> Outcome {
    let scene = Scene::new().await?;
    let service = scene.start().await?;
    scene.vk.until(|stats| stats.polls_held == 1).await;
    scene.vk.inject(Target::Poll, Fault::Duplicate, 1);
    scene.vk.push(&message(1, json!({})));
    scene.vk.until(|stats| stats.faults.contains_key("duplicate")).await;
    scene.vk.push(&message(2, json!({})));
    scene.all_arrived().await?;
    ensure!(scene.vk.stats().updates_served == 3, "the simulator repeated nothing");
    ensure!(scene.bus().await?.position("duplicates").await? == Some(1));
    stop(service).await
}
