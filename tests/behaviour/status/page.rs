//! The page and its JSON, as a browser would ask for them.

use std::time::Instant;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_one_file_that_lets_the_browser_do_no_more_than_it_needs() {
    let scene = Scene::new().await;
    let _service = scene.service(&[]).await;
    let page = scene.get("/").await;
    let header = |name: &str| page.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'sha256-",
        "style-src 'sha256-",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(!html.contains("<style></style>") && !html.contains("<script></script>"));
    let outside = html.replace("http://www.w3.org/2000/svg", "");
    for sign in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!outside.contains(sign), "{sign} is on the page");
    }
    assert!(html.contains("href=\"favicon.ico\""), "{html}");
    let icon = scene.get("/favicon.ico").await;
    assert_eq!(
        (icon.status().as_u16(), &icon.headers()["content-type"]),
        (200, &"image/svg+xml".parse().unwrap())
    );
    let json = scene.get("/status.json").await;
    assert_eq!(json.headers()["content-type"], "application/json");
    assert_eq!(json.headers()["cache-control"], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_can_be_switched_off() {
    let scene = Scene::new().await;
    let off = [("FETCHER_HTTP__PAGE", "false")];
    let _service = scene.service(&off).await;
    for path in ["/", "/status.json"] {
        assert_eq!(scene.get(path).await.status(), 404);
    }
    scene.is_ready().await;
    let shown = scene.run(&["status"], &off).await;
    assert!(shown.out.contains("http.page"), "{}", shown.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_secrets_nor_people_nor_their_words_are_shown() {
    let scene = Scene::new().await;
    let _service = scene.service(&[]).await;
    scene.write(1, "a word nobody else may read").await;
    scene.vk.push(&serde_json::json!({"type": "message_new", "object": {"text": "nor this"}}));
    let status = scene
        .until("the dead letter is seen", |it| {
            it["redis"]["snapshot"]["dead_letters"]["count"] == 1
        })
        .await
        .to_string();
    let name = scene.bus().await.events("{toaster}:message").await.unwrap()[0]["user"]["firstname"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!name.is_empty());
    let token = vk_simulator::Options::default().token;
    for secret in [&token, &name, "a word nobody", "nor this"] {
        assert!(!status.contains(secret), "{secret} is in {status}");
    }
    for key in scene.vk.keys() {
        assert!(!status.contains(&key));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_at_the_page_costs_redis_nothing() {
    let scene = Scene::new().await;
    let _service = scene.service(&[]).await;
    scene.until("Redis was asked", |it| it["redis"]["snapshot"].is_object()).await;
    let commands = async || -> u64 {
        let info: redis::InfoDict = scene.redis_cli("INFO stats").await;
        info.get("total_commands_processed").unwrap()
    };
    let (before, began) = (commands().await, Instant::now());
    for _ in 0..200 {
        scene.get("/status.json").await;
    }
    let asked = commands().await - before;
    // The service's own work asks some, and the more the longer it all takes.
    let own = 100 + 10 * began.elapsed().as_secs();
    assert!(asked < own, "{asked} commands while 200 looked");
}
