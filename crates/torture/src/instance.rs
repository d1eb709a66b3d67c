//! One instance of the service, over all its lives.

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

/// An instance that is killed and started again.
#[derive(Debug)]
pub(crate) struct Instance<'a> {
    launch: &'a Launch,
    service: Service,
    log: PathBuf,
    /// Ends that nobody asked for.
    pub(crate) unasked_ends: Vec<ExitStatus>,
}

impl<'a> Instance<'a> {
    /// Starts it; what its lives say is appended to `log`.
    pub(crate) fn start(launch: &'a Launch, log: PathBuf) -> anyhow::Result<Self> {
        Ok(Self { launch, service: spawn(launch)?, log, unasked_ends: Vec::new() })
    }

    /// The process of its present life; none once that has ended.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.service.pid()
    }

    /// Where its lives' words are.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Starts it again, should it have ended by itself, which it must not.
    pub(crate) async fn is_alive(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.service.has_ended()? {
            self.unasked_ends.push(status);
            self.finish().await?;
            self.revive()?;
        }
        Ok(())
    }

    /// Sends a signal.
    pub(crate) async fn signal(&self, name: &str) -> anyhow::Result<()> {
        self.service.signal(name).await
    }

    /// Ends this life as a crash would.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.service.kill().await?;
        self.finish().await?;
        Ok(())
    }

    /// Begins the next life.
    pub(crate) fn revive(&mut self) -> anyhow::Result<()> {
        self.service = spawn(self.launch)?;
        Ok(())
    }

    /// Asks it to stop for good.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.is_alive().await?;
        self.signal("TERM").await?;
        let status = self.finish().await?;
        if !status.success() {
            self.unasked_ends.push(status);
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
