//! What VK and Redis write is quoted on one line, bounded, and obeyed by no terminal.

use std::path::PathBuf;

use harness::{RedisServer, Service, free_port};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::scene::{PROGRAM, Scene};

/// More of VK's text than may be quoted.
const BOUND: usize = 300;
/// The most that a line may have beside it.
const FRAME: usize = 700;

/// Would clear a terminal, forge a line, and reverse what follows.
const HOSTILE: &str = "\\u001b[2J\\u001b]0;title\\u0007\\r\\n2026-01-01T00:00:00Z ERROR forged line\\u2028\\u202e\\u0085\\u0000";

/// An API that answers everything with an error of this code and a long hostile text.
async fn hostile_api(code: i64) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/method/", listener.local_addr().unwrap());
    let text = format!("{HOSTILE}{}", "long ".repeat(100_000));
    let body = format!(r#"{{"error":{{"error_code":{code},"error_msg":"{text}"}}}}"#);
    let head =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    let answer = [head, body].concat();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let _ = client.read(&mut vec![0; 64 << 10]).await;
                let _ = client.write_all(answer.as_bytes()).await;
                let _ = client.shutdown().await;
            });
        }
    });
    url
}

fn start(api: &str, redis: &str, format: &str) -> Service {
    let variables = [
        ("TOKEN", "vk1.a.simulated-token"),
        ("GROUPID", "218730916"),
        ("FETCHER_VK__API_URL", api),
        ("FETCHER_BUS__URL", redis),
        ("FETCHER_HTTP__LISTEN", ""),
        ("FETCHER_LOG__FORMAT", format),
        ("FETCHER_LOG__LEVEL", "debug"),
    ];
    Service::start(PathBuf::from(PROGRAM), &[], &variables).unwrap()
}

fn assert_harmless(line: &str) {
    let obeyed = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}');
    assert!(!line.contains(obeyed), "{line:?}");
    assert!(line.chars().count() < BOUND + FRAME, "{} characters", line.chars().count());
    assert!(!line.starts_with("2026-01-01T00:00:00Z ERROR forged"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn vks_errors_are_quoted_on_one_bounded_line_in_text_and_json() {
    let redis = RedisServer::start().await.unwrap();
    for format in ["text", "json"] {
        // One that passes, and one that ends the service.
        for (code, said) in [(10, "VK named no Long Poll server"), (5, "TOKEN_FILE")] {
            let api = hostile_api(code).await;
            let mut service = start(&api, &redis.url(), format);
            let line = service.says(said).await.unwrap();
            assert!(line.contains(&format!("error {code}")), "{line}");
            assert!(line.contains("forged line"), "VK is quoted: {line}");
            if code == 5 {
                service.ends().await.unwrap();
            } else {
                service.stop().await.unwrap();
            }
            for line in service.output().lines() {
                assert_harmless(line);
                if format == "json" {
                    let object: serde_json::Value = serde_json::from_str(line).unwrap();
                    for text in object.as_object().unwrap().values().filter_map(|it| it.as_str()) {
                        assert_harmless(text);
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_redis_is_quoted_on_one_bounded_line() {
    let scene = Scene::new().await;
    let port = free_port().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        let error = format!("-ERRX \u{1b}[2J\u{202e}forged line {}\r\n", "long ".repeat(100_000));
        while let Ok((mut client, _)) = listener.accept().await {
            let error = error.clone();
            tokio::spawn(async move {
                let mut read = vec![0; 64 << 10];
                while let Ok(length @ 1..) = client.read(&mut read).await {
                    let commands = String::from_utf8_lossy(&read[..length]).into_owned();
                    let number = commands.lines().filter(|line| line.starts_with('*')).count();
                    if client.write_all(error.repeat(number).as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    let redis = format!("redis://127.0.0.1:{port}");
    for format in ["text", "json"] {
        let mut service = start(&scene.vk.api_url(), &redis, format);
        service.says("forged line").await.unwrap();
        service.stop().await.unwrap();
        for line in service.output().lines() {
            assert_harmless(line);
        }
    }
}
