//! `run`, with the events on standard output.

use std::time::Duration;

use tempfile::tempdir;

use super::support::{TOKEN, event_fetcher, vk, with_vk, within_deadline};

#[tokio::test]
async fn a_reader_of_events_that_goes_away_ends_the_service_quietly() {
    let (vk, dir) = (vk().await, tempdir().unwrap());
    let mut command = event_fetcher(dir.path(), &["run"]);
    with_vk(&mut command, &vk, TOKEN);
    command.env("FETCHER_BUS__URL", "stdout:").env("FETCHER_HTTP__LISTEN", "");
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let writing = async {
        loop {
            vk.generate(10);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ended = within_deadline(async {
        tokio::select! {
            ended = child.wait_with_output() => ended.unwrap(),
            () = writing => unreachable!("it goes on until the process ends"),
        }
    })
    .await;
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert!(!said.contains("ERROR") && !said.contains("event-fetcher: "), "{said}");
}
