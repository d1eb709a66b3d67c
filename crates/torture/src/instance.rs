//! One instance of the service, across restarts.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use harness::Service;

/// How an instance is started.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The service's program.
    pub(crate) binary: PathBuf,
    /// Its environment.
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// An instance that is killed and restarted.
#[derive(Debug)]
pub(crate) struct Instance<'a> {
    launch: &'a Launch,
    service: Service,
    log: PathBuf,
    /// Exits that the test did not cause.
    pub(crate) unexpected_exits: Vec<ExitStatus>,
}

impl<'a> Instance<'a> {
    /// Starts the service. Its output is appended to `log` when it exits.
    pub(crate) fn start(launch: &'a Launch, log: PathBuf) -> anyhow::Result<Self> {
        Ok(Self { launch, service: spawn(launch)?, log, unexpected_exits: Vec::new() })
    }

    /// The process id; none if the process has ended.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.service.pid()
    }

    /// The file with the output of all processes so far.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Restarts the service if it exited by itself, and records that.
    pub(crate) async fn ensure_alive(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.service.has_ended()? {
            self.unexpected_exits.push(status);
            self.finish().await?;
            self.restart()?;
        }
        Ok(())
    }

    /// Sends a signal to the process.
    pub(crate) async fn signal(&self, name: &str) -> anyhow::Result<()> {
        self.service.signal(name).await
    }

    /// Kills the process.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.service.kill().await?;
        self.finish().await?;
        Ok(())
    }

    /// Starts the next process.
    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        self.service = spawn(self.launch)?;
        Ok(())
    }

    /// Stops the service gracefully.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.ensure_alive().await?;
        self.signal("TERM").await?;
        let status = self.finish().await?;
        if !status.success() {
            self.unexpected_exits.push(status);
        }
        Ok(())
    }

    async fn finish(&mut self) -> anyhow::Result<ExitStatus> {
        let status = self.service.ends().await?;
        let mut log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        writeln!(log, "{}", self.service.output())?;
        Ok(status)
    }
}

fn spawn(launch: &Launch) -> anyhow::Result<Service> {
    let variables: Vec<_> = launch.variables.iter().map(|(key, value)| (*key, &**value)).collect();
    Service::start(&launch.binary, &["run"], &variables)
}
