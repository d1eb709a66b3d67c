//! All faults together, in an order drawn from a seed: in the end every event is there, once, in order.

use std::time::Duration;

use anyhow::ensure;
use harness::{RedisServer, Service};
use vk_simulator::{Fault, Options, Target};

use super::common::{Outcome, Scene, stop};

const ROUNDS: usize = 10;

/// Two instances, each in any role at any time.
struct Pair {
    scene: Scene,
    services: Vec<Service>,
    random: u64,
}

/// Starts an instance and waits until it fetches or stands by.
async fn spawn(scene: &Scene) -> anyhow::Result<Service> {
    let service = scene.spawn()?;
    service.says("for this community").await?;
    Ok(service)
}

impl Pair {
    async fn new(seed: u64) -> anyhow::Result<Self> {
        let options = Options {
            seed,
            max_updates_per_reply: 15,
            poll_latency: Duration::from_millis(2),
            ..Options::default()
        };
        let redis = RedisServer::with_options(&[
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ])
        .await?;
        let scene = Scene::on(redis, options).await?.set("FETCHER_BUS__TIMEOUT", "300ms");
        let services = vec![spawn(&scene).await?, spawn(&scene).await?];
        scene.bus().await?.has_a_position().await?;
        Ok(Self { scene, services, random: seed })
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    /// Injects one fault and repairs it.
    async fn round(&mut self) -> Outcome {
        let from = self.scene.vk.ts();
        self.scene.vk.generate(60);
        let (who, what) = (usize::try_from(self.draw(2))?, self.draw(9));
        let progress = from + self.draw(50);
        match what {
            0 => {
                self.scene.bus().await?.reaches(progress).await?;
                self.services[who].kill().await?;
                self.services[who] = spawn(&self.scene).await?;
            }
            1 => {
                let status = self.services[who].stop().await?;
                ensure!(status.code() == Some(0), "{status}:\n{}", self.services[who].output());
                self.services[who] = spawn(&self.scene).await?;
            }
            2 => {
                self.services[who].signal("STOP").await?;
                self.scene.bus().await?.reaches(progress).await?;
                self.services[who].signal("CONT").await?;
            }
            3 => {
                self.scene.bus().await?.reaches(progress).await?;
                self.scene.redis.kill().await?;
                self.scene.redis.start_again().await?;
            }
            4 => {
                self.scene.redis.signal("STOP").await?;
                let said = self.services[who].output().matches("Redis does not serve").count();
                let ignored = self.services[who].says_times("Redis does not serve", said + 1);
                // Later failures in a row are not all logged.
                let _ = tokio::time::timeout(Duration::from_secs(1), ignored).await;
                self.scene.redis.signal("CONT").await?;
            }
            5 => self.scene.vk.expire_key(),
            6 => self.scene.vk.inject(Target::Poll, Fault::CutText, 4),
            7 => self.scene.vk.inject(Target::Poll, Fault::ResetAfter, 2),
            _ => self.scene.vk.inject(Target::Api, Fault::Error(10), 3),
        }
        Ok(())
    }
}

async fn survives_everything(seed: u64) -> Outcome {
    let mut pair = Pair::new(seed).await?;
    for _ in 0..ROUNDS {
        pair.round().await?;
    }
    pair.scene.all_arrived().await?;
    ensure!(pair.scene.bus().await?.position("gaps").await?.is_none(), "a gap");
    for service in pair.services {
        stop(service).await?;
    }
    Ok(())
}

#[tokio::test]
async fn whatever_is_killed_cut_or_stopped_each_event_arrives_once_and_in_order() -> Outcome {
    survives_everything(1).await
}

#[tokio::test]
async fn with_another_seed_each_event_arrives_once_and_in_order() -> Outcome {
    survives_everything(2).await
}
