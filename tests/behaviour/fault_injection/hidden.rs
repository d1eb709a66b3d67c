//! Other processes of the same user cannot read the service's memory.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use harness::{RedisServer, Service};
use vk_simulator::Options;

use super::flow::{Flow, TOKEN};

/// A user that is not root, because root may read everything.
const NOBODY: u32 = 65534;

/// The owner of the file with the environment of a process.
fn owner_of_environment(service: &Service) -> u32 {
    fs::metadata(format!("/proc/{}/environ", service.pid().unwrap())).unwrap().uid()
}

/// Runs a command as a user that is not root.
fn as_plain_user(program: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Service {
    if own_uid() != 0 {
        return Service::start(program, arguments, variables).unwrap();
    }
    let uid = format!("--reuid={NOBODY}");
    let program = program.display().to_string();
    let command = [&[uid.as_str(), "--clear-groups", &program], arguments].concat();
    Service::start("/usr/bin/setpriv", &command, variables).unwrap()
}

fn own_uid() -> u32 {
    fs::metadata("/proc/self").unwrap().uid()
}

#[tokio::test]
async fn neither_environment_nor_memory_can_be_read_by_the_same_user() {
    if own_uid() == 0 && !Path::new("/usr/bin/setpriv").exists() {
        harness::skipped("there is no setpriv here to run the service as somebody else");
        return;
    }
    let redis = RedisServer::start().await.unwrap();
    let flow = Flow::start().await;
    // The copy is readable: the memory of an unreadable program is hidden anyway.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("event-fetcher");
    fs::copy(env!("CARGO_BIN_EXE_event-fetcher"), &program).unwrap();
    let usual = as_plain_user(Path::new("/bin/sh"), &[], &["-c", "echo runs; exec sleep 600"]);
    usual.says("runs").await.unwrap();
    assert_ne!(owner_of_environment(&usual), 0);
    let (api, url) = (flow.vk().api_url(), redis.url());
    let group_id = Options::default().group_id.to_string();
    let variables = [
        ("FETCHER_VK__API_URL", &*api),
        ("FETCHER_BUS__URL", &url),
        ("FETCHER_HTTP__LISTEN", ""),
        ("GROUPID", &group_id),
        ("TOKEN", TOKEN),
    ];
    let mut service = as_plain_user(&program, &variables, &[]);
    flow.is_read().await;
    assert_eq!(owner_of_environment(&service), 0);
    assert!(service.stop().await.unwrap().success());
}
