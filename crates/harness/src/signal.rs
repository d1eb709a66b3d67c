//! Signals to child processes.

use anyhow::bail;
use tokio::process::Command;

/// Sends a signal by its name, such as `TERM`, `STOP` or `CONT`, to a child process.
pub async fn signal(pid: u32, name: &str) -> anyhow::Result<()> {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().await?;
    if !sent.success() {
        bail!("signal {name} was not sent");
    }
    Ok(())
}
