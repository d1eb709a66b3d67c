//! Keeps names in Redis beside the events: read when a lease term starts, written behind.

use std::{convert::Infallible, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use crate::{bus::NameStore, enrich::Enricher, ops::retry::Outage, text};

/// How long the first batch waits for stored names. What is not read until then is looked up in VK.
const LOAD: Duration = Duration::from_secs(1);
/// The interval between two writes.
const INTERVAL: Duration = Duration::from_secs(5);
/// The interval between two searches for names beyond their TTL.
const TRIM: Duration = Duration::from_secs(24 * 3600);

/// Reads the stored names.
pub(super) async fn load(store: &NameStore, enricher: &Enricher) {
    let mut names = 0_u64;
    let started = Instant::now();
    let read = store.load(|stored| {
        names += 1;
        enricher.use_stored(&stored.field, &stored.name, stored.age);
    });
    match timeout(LOAD, read).await {
        Ok(Ok(())) => {
            let milliseconds = started.elapsed().as_millis();
            tracing::info!(names, milliseconds, "names read from Redis");
        }
        Ok(Err(error)) => {
            let error = text::excerpt(&error.to_string());
            tracing::warn!(%error, "no names can be read from Redis: they are looked up in VK again");
        }
        Err(_) => tracing::warn!(
            names,
            "Redis did not return all names in time: the others are looked up in VK again"
        ),
    }
}

/// Writes changed names for as long as it is polled.
pub(super) async fn keep(store: &NameStore, enricher: &Enricher) -> Infallible {
    let mut outage = Outage::default();
    let mut trimmed = Instant::now();
    loop {
        sleep(INTERVAL).await;
        let mut result = save(store, enricher).await;
        if trimmed.elapsed() > TRIM {
            trimmed = Instant::now();
            result = result.and(store.trim().await);
        }
        match result {
            Ok(()) => drop(outage.end()),
            Err(error) => {
                if let Some(failures) = outage.fail() {
                    let error = text::excerpt(&error.to_string());
                    tracing::warn!(
                        %error, failures,
                        "names are not stored in Redis: after a restart they are looked up in VK again. If this \
                         lasts, check the Redis user's rights, or set names.persist = false"
                    );
                }
            }
        }
    }
}

/// Writes the names that changed since the last time.
pub(super) async fn save(store: &NameStore, enricher: &Enricher) -> redis::RedisResult<()> {
    let names = enricher.changed_names();
    if names.is_empty() { Ok(()) } else { store.save(&names).await }
}
