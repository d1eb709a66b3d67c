//! The token and the log's level change while the service runs.

use std::{fs, os::unix::fs::symlink};

use anyhow::ensure;
use tempfile::TempDir;
use vk_simulator::{Fault, Options};

use crate::common::{AUTHOR, Outcome, Scene, contains, stop};

const NEW: &str = "vk1.a.the-token-made-later";
const OTHER: &str = "vk1.a.a-token-of-somebody-else";

/// A folder with a token as container engines mount it: a link to a link to the file.
struct Mounted(TempDir);

impl Mounted {
    fn new() -> anyhow::Result<Self> {
        let folder = Self(TempDir::new()?);
        symlink("data/token", folder.0.path().join("token"))?;
        folder.put(&Options::default().token)?;
        Ok(folder)
    }

    /// Replaces all at once, as an engine does.
    fn put(&self, token: &str) -> Outcome {
        let (folder, version) = (self.0.path(), format!("version-{}", token.len()));
        fs::create_dir_all(folder.join(&version))?;
        fs::write(folder.join(&version).join("token"), format!("{token}\n"))?;
        symlink(&version, folder.join("next"))?;
        Ok(fs::rename(folder.join("next"), folder.join("data"))?)
    }

    fn path(&self) -> String {
        self.0.path().join("token").display().to_string()
    }
}

async fn with_token_file() -> anyhow::Result<(Scene, Mounted)> {
    let mounted = Mounted::new()?;
    Ok((Scene::new().await?.unset("TOKEN").set("TOKEN_FILE", mounted.path()), mounted))
}

#[tokio::test]
async fn a_token_that_vk_takes_is_in_use_from_the_next_call_on() -> Outcome {
    let (scene, mounted) = with_token_file().await?;
    let service = scene.start().await?;
    service.says("preflight check of VK").await?;
    scene.vk.accept_token(NEW);
    mounted.put(NEW)?;
    service.says("the new token is in use").await?;
    scene.vk.revoke_token(&Options::default().token);
    scene.say("asked for my name with the new one");
    scene.all_arrived().await?;
    ensure!(scene.vk.stats().api_errors.is_empty(), "{:?}", scene.vk.stats());
    ensure!(!service.output().contains(NEW));
    stop(service).await
}

#[tokio::test]
async fn a_token_that_vk_refuses_leaves_the_old_one_in_use() -> Outcome {
    let (scene, mounted) = with_token_file().await?;
    let service = scene.start().await?;
    mounted.put(OTHER)?;
    let refusal = service.says("the old one stays in use").await?;
    contains(&refusal, "ERROR VK rejected the new token")?;
    contains(&refusal, "error 5")?;
    scene.say("asked for my name with the old one");
    scene.all_arrived().await?;

    // Made good at VK: shown again when asked for.
    scene.vk.accept_token(OTHER);
    service.signal("HUP").await?;
    service.says("the new token is in use").await?;
    ensure!(scene.vk.stats().api_errors == [(5, 1)].into(), "{:?}", scene.vk.stats());
    ensure!(!service.output().contains(OTHER));
    stop(service).await
}

#[tokio::test]
async fn while_vk_does_not_answer_a_new_token_waits() -> Outcome {
    let (scene, mounted) = with_token_file().await?;
    let service = scene.start().await?;
    scene.vk.accept_token(NEW);
    scene.vk.inject("groups.getLongPollServer", Fault::Status(502), 1);
    mounted.put(NEW)?;
    let waits = service.says("VK did not validate the new token").await?;
    contains(&waits, "WARN")?;
    service.says("the new token is in use").await?;
    stop(service).await
}

#[tokio::test]
async fn a_hangup_changes_the_level_and_names_what_needs_a_restart() -> Outcome {
    let folder = TempDir::new()?;
    let file = folder.path().join("Fetcher.toml");
    fs::write(&file, "[log]\nlevel = \"info\"\n")?;
    let scene = Scene::new().await?.set("FETCHER_CONFIG", file.display().to_string());
    let service = scene.start().await?;
    scene.push_message(serde_json::json!({"from_id": AUTHOR, "text": "before"}));
    scene.all_arrived().await?;
    ensure!(!service.output().contains("event committed"));

    let settings = "[converter]\ncommand_prefixes = [\"?\"]\n[log]\nlevel = \"debug\"\n";
    fs::write(&file, settings)?;
    service.signal("HUP").await?;
    service.says("take effect only after a restart: converter.command_prefixes").await?;
    scene.say("after");
    service.says("event committed").await?;

    fs::write(&file, "[log]\nlevel = \"info\"\nno_such_key = 1\n")?;
    service.signal("HUP").await?;
    let mistake = service.says("ERROR the configuration is not reloaded").await?;
    contains(&format!("{mistake}{}", service.output()), "no_such_key")?;
    scene.say("still here");
    service.says_times("event committed", 2).await?;
    stop(service).await
}
