//! The service as a child process, and its output.

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

use crate::signal;

/// How long the service may take to write an expected line or to exit.
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
    lines: Arc<Mutex<Vec<(Source, String)>>>,
    grew: Arc<watch::Sender<()>>,
}

/// Where a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Stdout,
    Stderr,
}

impl Service {
    /// Starts `binary` in `/`, with only `variables` in its environment.
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
            readers.spawn(log.clone().read(Source::Stdout, stdout));
        }
        if let Some(stderr) = process.stderr.take() {
            readers.spawn(log.clone().read(Source::Stderr, stderr));
        }
        Ok(Self { process, log, readers })
    }

    /// The process id; none after the process ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// The output so far, of standard output and standard error.
    #[must_use]
    pub fn output(&self) -> String {
        self.log.said(|_| true).join("\n")
    }

    /// The lines of standard output so far.
    #[must_use]
    pub fn stdout(&self) -> Vec<String> {
        self.log.said(|source| source == Source::Stdout)
    }

    /// The lines of standard error so far.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        self.log.said(|source| source == Source::Stderr)
    }

    /// Waits until a line contains `text`, and returns that line.
    pub async fn says(&self, text: &str) -> anyhow::Result<String> {
        self.says_times(text, 1).await
    }

    /// Waits until a line on standard output contains `text`, and returns that line.
    pub async fn prints(&self, text: &str) -> anyhow::Result<String> {
        self.says_on(|source| source == Source::Stdout, text, 1).await
    }

    /// Waits until `times` lines contain `text`, and returns the last of them.
    pub async fn says_times(&self, text: &str, times: usize) -> anyhow::Result<String> {
        self.says_on(|_| true, text, times).await
    }

    async fn says_on(
        &self,
        from: fn(Source) -> bool,
        text: &str,
        times: usize,
    ) -> anyhow::Result<String> {
        let mut grew = self.log.grew.subscribe();
        let nth = times.saturating_sub(1);
        let found = async {
            loop {
                let lines = self.log.said(from);
                if let Some(line) = lines.into_iter().filter(|line| line.contains(text)).nth(nth) {
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
        let pid = self.pid().context("the service has ended")?;
        signal(pid, name).await
    }

    /// The exit status; none while the service runs.
    pub fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Waits until the service exits and all its output is read.
    pub async fn ends(&mut self) -> anyhow::Result<ExitStatus> {
        let status = match timeout(DEADLINE, self.process.wait()).await {
            Ok(status) => status?,
            Err(_) => bail!("does not end; it said:\n{}", self.output()),
        };
        while self.readers.join_next().await.is_some() {}
        Ok(status)
    }

    /// Stops the service with SIGTERM and waits until it exits.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal("TERM").await?;
        self.ends().await
    }

    /// Kills the service with SIGKILL.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }
}

impl Log {
    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<(Source, String)>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn said(&self, from: impl Fn(Source) -> bool) -> Vec<String> {
        let lines = self.lines();
        let chosen = lines.iter().filter(|(source, _)| from(*source));
        chosen.map(|(_, line)| line.clone()).collect()
    }

    async fn read(self, source: Source, output: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.lines().push((source, line));
            self.grew.send_replace(());
        }
    }
}
