//! A wrong configuration stops the start, and all mistakes are reported at once.

use anyhow::ensure;

use super::common::{Outcome, Scene, contains, ends_with};

#[tokio::test]
async fn three_mistakes_in_a_file_are_three_messages() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("Fetcher.toml").display().to_string();
    std::fs::write(&path, "[vk]\nwait = 25\n[bus]\nlease = \"1s\"\n[names]\nuser = 5\n")?;
    let scene = Scene::new().await?.unset("FETCHER_VK__WAIT").unset("FETCHER_BUS__LEASE");
    let service = scene.spawn_with(&["--config", &path])?;
    let output = ends_with(service, 64).await?;
    for message in [
        "3 mistakes".to_owned(),
        format!("names.user: unknown key in {path}, line 6; did you mean names.users?"),
        format!("vk.wait: found 25 in {path}, line 2; expected a unit after the number"),
        format!("bus.lease: found \"1s\" in {path}, line 4; expected a duration with its unit"),
    ] {
        contains(&output, &message)?;
    }
    ensure!(scene.vk.stats().calls.is_empty(), "something was started");
    Ok(())
}

#[tokio::test]
async fn a_missing_token_and_group_are_reported_together_with_where_to_set_them() -> Outcome {
    let scene = Scene::new().await?.unset("TOKEN").unset("GROUPID");
    let output = ends_with(scene.spawn()?, 64).await?;
    for word in ["2 mistakes", "TOKEN_FILE", "GROUPID"] {
        contains(&output, word)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_mistake_in_a_variable_names_the_variable_and_never_the_secret() -> Outcome {
    let scene = Scene::new()
        .await?
        .set("FETCHER_BUS__TIMEOUT", "soon")
        .set("FETCHER_BUS__URL", "redis://:hunter2@")
        .set("TOKEN", "vk1.a.hunter2 with blanks");
    let output = ends_with(scene.spawn()?, 64).await?;
    contains(&output, "FETCHER_BUS__TIMEOUT")?;
    ensure!(!output.contains("hunter2"), "{output}");
    Ok(())
}
