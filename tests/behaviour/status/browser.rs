//! The page in a browser. Pictures are left in the build's folder for temporary files.

use std::path::Path;

use serde_json::json;
use vk_simulator::{Fault, Options, Target};

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

/// Whether the tile of this id shows a number, and not the dash of the unknown.
fn has_number(id: &str) -> String {
    format!("/^\\d/.test(document.getElementById('{id}').innerText)")
}

const TILES_ARE_EMPTY: &str = "['rate', 'latency', 'dead'] \
    .every((id) => document.getElementById(id).innerText.startsWith('–'))";

/// Looks at a state of the page on a desk and on a phone, once this is the case.
async fn look(browser: &mut Browser, scene: &Scene, state: &str, is: &str) {
    for (width, scheme) in [(1280, "light"), (390, "light"), (390, "dark")] {
        browser.open(&format!("http://{}/", scene.address), width, scheme).await;
        browser.until(is).await;
        browser.until(&format!("document.documentElement.scrollWidth <= {width}")).await;
        assert_eq!(browser.value(OBSTACLES).await, json!([]), "{state} {width} {scheme}");
        let file = format!("page-{state}-{width}-{scheme}.png");
        browser.picture(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(file)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_how_events_do() {
    let Some(mut browser) = browser().await else { return };
    let scene = Scene::with(Options { unconvertible: 0.0, ..Options::default() }).await;
    let _service = scene.service(&[]).await;
    browser.speak("en").await;
    look(&mut browser, &scene, "idle", &says("flowing", "Events flow.")).await;
    assert_eq!(browser.value("document.title").await, "Events flow · event-fetcher");

    let () = scene.redis_cli("XGROUP CREATE {toaster}:message handler 0 MKSTREAM").await;
    scene.vk.generate(3000);
    scene.until("events were counted", |it| it["service"]["events_a_minute"] != 0).await;
    let busy = ["rate", "latency", "slowest"].map(has_number).join(" && ");
    look(&mut browser, &scene, "busy", &busy).await;

    scene.vk.push(&json!({"type": "message_new", "object": {}}));
    let in_groups = "/\\d × from_id is missing/.test(document.getElementById('letters').innerText) \
        && document.getElementById('command').innerText.includes('event-fetcher dead-letters list')";
    look(&mut browser, &scene, "dead-letters", &format!("{in_groups} && {}", has_number("dead")))
        .await;
    browser.value("document.querySelector('#command button').click()").await;
    browser.until("getSelection().toString() === 'event-fetcher dead-letters list'").await;

    // More than came in the last minutes, so that the group is slow.
    let entries =
        "for i = 1, 20000 do redis.call('XADD', '{toaster}:message', '*', 'data', '{}') end";
    let mut connection = scene.redis.connect().await.unwrap();
    let mut add = redis::cmd("EVAL");
    add.arg(entries).arg(0).exec_async(&mut connection).await.unwrap();
    let slow = "document.getElementById('slowest').parentElement.dataset.tone === 'warn' \
        && document.querySelector('tr.slow').innerText.includes('▲') \
        && document.getElementById('slowest').innerText.includes('handler')";
    look(&mut browser, &scene, "lagging", slow).await;

    browser.speak("ru").await;
    look(&mut browser, &scene, "russian", &says("flowing", "События идут.")).await;
    assert_eq!(browser.value("document.documentElement.lang").await, "ru");
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
    let oldest = "document.querySelector('#events text').getAttribute('x')";
    assert_eq!(browser.value(oldest).await, "58", "time begins at the left");
    browser.press("Tab").await;
    assert_eq!(browser.value("document.activeElement.id").await, "events");
    browser.press("ArrowLeft").await;
    browser.until("document.querySelector('#events .at') !== null").await;
    browser.press("Escape").await;
    browser.until("document.querySelector('#events .at') === null").await;
    assert_eq!(browser.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_who_is_at_fault_and_that_it_is_over() {
    let Some(mut browser) = browser().await else { return };
    let mut scene = Scene::new().await;
    let mut service = scene.service(&[]).await;
    scene.write(1, "Hi!").await;
    browser.speak("en").await;
    browser.open(&format!("http://{}/", scene.address), 390, "dark").await;
    browser.until(&format!("{} && {}", says("flowing", "Events flow."), has_number("rate"))).await;

    scene.redis.kill().await.unwrap();
    let away = says("stopped", "Redis does not answer");
    look(&mut browser, &scene, "redis-down", &format!("{away} && {TILES_ARE_EMPTY}")).await;
    assert_eq!(browser.value("document.getElementById('verdict').dataset.fault").await, "redis");
    let remediation = "document.getElementById('remediation').innerText";
    browser.until(&format!("{remediation}.startsWith('What to do: Start Redis')")).await;
    browser.until("document.getElementById('slowest').innerText.startsWith('–')").await;

    browser.speak("ru").await;
    let russian = format!(
        "{} && {remediation}.startsWith('Что делать: Запустите')",
        says("stopped", "Redis не отвечает")
    );
    look(&mut browser, &scene, "redis-down-russian", &russian).await;
    browser
        .until("/^Сбой длится \\d+.с: /.test(document.getElementById('detail').innerText)")
        .await;
    browser.speak("en").await;
    scene.redis.start_again().await.unwrap();
    browser.open(&format!("http://{}/", scene.address), 390, "dark").await;
    browser.until(&says("flowing", "Events flow.")).await;

    service.kill().await.unwrap();
    browser
        .until(&format!("{} && {TILES_ARE_EMPTY}", says("silent", "does not answer this page")))
        .await;
    browser
        .until("/Since \\d\\d:\\d\\d:\\d\\d/.test(document.getElementById('detail').innerText)")
        .await;
    assert_eq!(browser.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_that_vk_is_down() {
    let Some(mut browser) = browser().await else { return };
    let scene = Scene::new().await;
    let _service = scene.service(&[]).await;
    let () = scene.redis_cli("XGROUP CREATE {toaster}:message handler 0 MKSTREAM").await;
    scene.write(1, "Hi!").await;
    scene.vk.inject(Target::Poll, Fault::Status(502), 1000);
    browser.speak("en").await;
    let is = format!(
        "{} && {TILES_ARE_EMPTY} && {}",
        says("stopped", "Long Poll answers with errors"),
        has_number("slowest")
    );
    look(&mut browser, &scene, "vk-down", &is).await;
    assert_eq!(browser.complaints(), [""; 0]);
}
