//! The service as a child process, and what it says.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

/// How long anything awaited of the service may take: far beyond what it should.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running event-fetcher. Dropping it kills the process.
#[derive(Debug)]
pub struct Service {
    process: Child,
    log: Log,
    readers: JoinSet<()>,
}

#[derive(Debug, Clone)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    grew: Arc<watch::Sender<()>>,
}

impl Service {
    /// Starts `binary` with no environment but `variables`, in an empty folder of its own choice.
    pub fn start(
        binary: impl AsRef<Path>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut process = Command::new(binary.as_ref())
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.as_ref().display()))?;
        let log = Log { lines: Arc::default(), grew: Arc::new(watch::channel(()).0) };
        let mut readers = JoinSet::new();
        if let Some(stdout) = process.stdout.take() {
            readers.spawn(log.clone().read(stdout));
        }
        if let Some(stderr) = process.stderr.take() {
            readers.spawn(log.clone().read(stderr));
        }
        Ok(Self { process, log, readers })
    }

    /// The process id; none once it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// All that it said so far, on standard output and standard error.
    #[must_use]
    pub fn output(&self) -> String {
        self.log.lines().join("\n")
    }

    /// Waits until a line contains `text`, and returns that line.
    pub async fn says(&self, text: &str) -> anyhow::Result<String> {
        let mut grew = self.log.grew.subscribe();
        let found = async {
            loop {
                let line = self.log.lines().iter().find(|line| line.contains(text)).cloned();
                if let Some(line) = line {
                    return line;
                }
                // The sender lives as long as `self`.
                let _ = grew.changed().await;
            }
        };
        match timeout(DEADLINE, found).await {
            Ok(line) => Ok(line),
            Err(_) => bail!("never said {text:?}, but:\n{}", self.output()),
        }
    }

    /// Sends a signal by its name, such as `TERM`, `STOP` or `CONT`.
    pub async fn signal(&self, name: &str) -> anyhow::Result<()> {
        crate::signal(self.pid().context("the service has ended")?, name).await
    }

    /// Waits for the end and for all that was said before it.
    pub async fn ends(&mut self) -> anyhow::Result<ExitStatus> {
        let status = match timeout(DEADLINE, self.process.wait()).await {
            Ok(status) => status?,
            Err(_) => bail!("does not end; it said:\n{}", self.output()),
        };
        while self.readers.join_next().await.is_some() {}
        Ok(status)
    }

    /// Asks the service to stop and waits for its end.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal("TERM").await?;
        self.ends().await
    }

    /// Kills the service without asking.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }
}

impl Log {
    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(self, output: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.lines().push(line);
            self.grew.send_replace(());
        }
    }
}
