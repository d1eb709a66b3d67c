//! How long commands wait for a VK or a Redis that is out of reach.

use std::process::Stdio;

use harness::free_port;
use tempfile::tempdir;

use super::{
    streams,
    support::{GROUP_ID, TOKEN, event_fetcher, run},
};

const UPDATE: &str = concat!(
    r#"{"group_id":218730916,"type":"message_new","event_id":"aa","v":"5.199","object":{"message":{"#,
    r#""date":1,"from_id":1,"id":0,"out":0,"attachments":[],"conversation_message_id":1,"#,
    r#""fwd_messages":[],"peer_id":1,"text":"Hi!"}}}"#,
);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_reached_is_given_up_unless_it_is_to_be_waited_for() {
    let dir = tempdir().unwrap();
    let redis = streams::redis(&[]).await;
    let mut connection = redis.connect().await.unwrap();
    let mut letter = redis::cmd("XADD");
    letter.arg("{toaster}:dead-letter").arg("*").arg("group_id").arg(GROUP_ID);
    letter.arg("raw").arg(UPDATE).exec_async(&mut connection).await.unwrap();

    let nobody = format!("127.0.0.1:{}", free_port().unwrap());
    let command = |arguments: &[&str], redis: &str| {
        let mut command = event_fetcher(dir.path(), arguments);
        command.env("FETCHER_VK__API_URL", format!("http://{nobody}/method/"));
        command.env("FETCHER_BUS__URL", redis).env("GROUPID", GROUP_ID).env("TOKEN", TOKEN);
        command
    };
    let no_redis = format!("redis://{nobody}");
    let mut patient = command(&["tail", "--wait"], &no_redis);
    let mut patient = patient.stderr(Stdio::null()).spawn().unwrap();
    let (tail, convert, requeue) = tokio::join!(
        run(command(&["tail"], &no_redis), ""),
        run(command(&["convert"], &no_redis), UPDATE),
        run(command(&["dead-letters", "requeue", "--all"], &redis.url()), ""),
    );
    assert!(patient.try_wait().unwrap().is_none(), "it waits");
    let last = |text: &str| text.lines().last().unwrap().to_owned();
    let said = last(&tail.err);
    assert!(said.starts_with("event-fetcher: Redis does not answer: Connection refused"), "{said}");
    for (ended, check) in [(tail, "bus.url"), (convert, "vk.api_url"), (requeue, "vk.api_url")] {
        assert_eq!((ended.code, ended.out.as_str()), (Some(69), ""), "{ended:?}");
        let said = last(&ended.err);
        assert!(said.contains("Connection refused") && said.contains(check), "{said}");
        assert!(said.contains("--wait") && !ended.err.contains("os error"), "{}", ended.err);
    }
}
