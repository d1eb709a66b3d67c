//! The page in a browser. Pictures are left in the build's folder for temporary files.

use std::path::Path;

use serde_json::json;

use super::{chromium::Browser, scene::Scene};

/// A browser; none where there is no Chromium, which is said.
#[expect(clippy::print_stderr, reason = "whoever runs the tests should know what was not tested")]
async fn browser() -> Option<Browser> {
    let browser = Browser::start().await;
    if browser.is_none() {
        eprintln!("SKIPPED: the page was not looked at, since there is no Chromium here");
    }
    browser
}

/// What keeps people from using the page, one a line.
const OBSTACLES: &str = include_str!("obstacles.js");

/// Whether the page says so about the state of events.
fn says(state: &str, words: &str) -> String {
    format!(
        "document.getElementById('verdict').dataset.state === '{state}' \
         && document.getElementById('summary').innerText.includes('{words}')"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_how_events_do() {
    let Some(mut browser) = browser().await else { return };
    let scene = Scene::new().await;
    let () = scene.redis_cli("XGROUP CREATE {toaster}:message handler 0 MKSTREAM").await;
    let _service = scene.service(&[]).await;
    scene.vk.push(&json!({"type": "message_new", "object": {}}));
    scene.write(2, "Hi!").await;
    scene
        .until("Redis was asked since", |it| it["redis"]["snapshot"]["dead_letters"]["count"] == 1)
        .await;
    let url = format!("http://{}/", scene.address);
    for width in [360, 1200] {
        for scheme in ["light", "dark"] {
            browser.open(&url, width, scheme).await;
            browser.until(&says("flowing", "Events flow.")).await;
            browser.until("document.title === 'Events flow · event-fetcher'").await;
            let text = browser.value("document.body.innerText").await.to_string();
            for told in ["handler", "message_new", "from_id is missing", "since "] {
                assert!(text.contains(told), "{told}: {text}");
            }
            browser.until(&format!("document.documentElement.scrollWidth <= {width}")).await;
            assert_eq!(browser.value(OBSTACLES).await, json!([]), "{width} {scheme}");
            let file = format!("page-{width}-{scheme}.png");
            browser.picture(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(file)).await;
        }
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_charts_are_read_by_keyboard() {
    let Some(mut browser) = browser().await else { return };
    let scene = Scene::new().await;
    let _service = scene.service(&[]).await;
    scene.write(1, "Hi!").await;
    browser.open(&format!("http://{}/", scene.address), 1200, "light").await;
    // Of the first ten seconds there is no rate.
    browser.until("document.querySelectorAll('#events rect').length > 0").await;
    let label = "document.getElementById('events').getAttribute('aria-label')";
    browser.until(&format!("/Events a minute: now \\d+/.test({label})")).await;
    browser.press("Tab").await;
    assert_eq!(browser.value("document.activeElement.id").await, "events");
    browser.press("ArrowLeft").await;
    let caption = "document.getElementById('events-caption').innerText";
    browser.until(&format!("/^\\d\\d:\\d\\d:/.test({caption})")).await;
    browser.press("Escape").await;
    browser.until(&format!("{caption}.startsWith('Last:')")).await;
    assert_eq!(browser.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_who_is_at_fault_and_that_it_is_over() {
    let Some(mut browser) = browser().await else { return };
    let mut scene = Scene::new().await;
    let mut service = scene.service(&[]).await;
    browser.open(&format!("http://{}/", scene.address), 360, "dark").await;
    browser.until(&says("flowing", "Events flow.")).await;
    scene.redis.kill().await.unwrap();
    browser.until(&says("stopped", "Redis does not answer")).await;
    assert_eq!(browser.value("document.getElementById('verdict').dataset.fault").await, "redis");
    let remediation = "document.getElementById('remediation').innerText";
    browser.until(&format!("{remediation}.startsWith('What to do: Start Redis')")).await;
    assert_eq!(browser.value(OBSTACLES).await, json!([]));
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-redis-away.png");
    browser.picture(&file).await;
    scene.redis.start_again().await.unwrap();
    browser.until(&says("flowing", "Events flow.")).await;
    service.kill().await.unwrap();
    browser.until(&says("silent", "does not answer this page")).await;
    browser
        .until("/Since \\d\\d:\\d\\d:\\d\\d/.test(document.getElementById('detail').innerText)")
        .await;
    assert_eq!(browser.complaints(), [""; 0]);
}
