//! Runs two instances of event-fetcher against a real Redis and a simulated VK, while processes and
//! connections are killed, stopped, cut and stalled at random. In the end every update has to be on
//! the bus, exactly once and in order.
#![expect(clippy::print_stdout, reason = "the report goes to standard output")]

mod faults;
mod gaps;
mod ground;
mod instance;
mod oracle;
mod phases;
mod schedule;
mod soak;
mod table;
mod tally;
mod update;
mod watch;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use clap::Parser;

use crate::{
    phases::{Phase, Plan, Report},
    table::{Table, sum},
    tally::Group,
};

/// Injects faults around event-fetcher and counts lost and duplicated events
#[derive(Debug, Parser)]
enum Command {
    /// Injects random faults and prints a table; exits with 1 if anything was lost, duplicated or out
    /// of order
    Run {
        /// How long faults are injected, for all phases together
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// The seed of the random schedule; random by default
        #[arg(long)]
        seed: Option<u64>,
        /// Updates a second
        #[arg(long, default_value_t = 1000)]
        rate: u32,
    },
    /// Runs one instance without faults, and fails if its memory keeps growing
    Soak {
        /// How many updates it fetches
        #[arg(long, default_value_t = 1_000_000)]
        updates: u64,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let binary = service_binary()?;
    let holds = match Command::parse() {
        Command::Run { seconds, seed, rate } => {
            let seed = seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
            torture(binary, seconds, seed, rate).await?
        }
        Command::Soak { updates } => soak::soak(binary, updates).await?,
    };
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The service's binary, in the folder of this program.
fn service_binary() -> anyhow::Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("event-fetcher");
    if !binary.exists() {
        bail!("{} is not there; build it first", binary.display());
    }
    Ok(binary)
}

async fn torture(binary: PathBuf, seconds: u64, seed: u64, rate: u32) -> anyhow::Result<bool> {
    println!("Seed {seed}: `make torture SECONDS={seconds} SEED={seed}` has the same schedule.\n");
    let logs = tempfile::tempdir()?;
    let phases = u32::try_from(Phase::ALL.len())?;
    let time = Duration::from_secs(seconds) / phases;
    let plan = Plan { binary: &binary, logs: logs.path(), seed, time, rate };
    let mut reports = Vec::new();
    for phase in Phase::ALL {
        let report =
            phases::run(phase, &plan).await.with_context(|| format!("phase {}", phase.name()));
        match report {
            Ok(report) => reports.push(report),
            Err(error) => {
                println!("{error:#}\nThe logs are in {}", logs.keep().display());
                return Ok(false);
            }
        }
    }
    println!("{}", Table(&reports));
    let problems = problems(&reports, seconds);
    if problems.is_empty() {
        println!("Nothing was lost and nothing was duplicated.");
        return Ok(true);
    }
    println!("{}\nThe logs are in {}", problems.join("\n"), logs.keep().display());
    Ok(false)
}

/// The violations. A run also fails with too few faults: at least two kills or pauses, and two faults of
/// the network or VK, are required per three seconds.
fn problems(reports: &[Report], seconds: u64) -> Vec<String> {
    let mut problems = Vec::new();
    for report in reports {
        if report.unexpected_exits > 0 || !report.verdict.holds() {
            problems.push(format!("Phase {} failed.", report.phase.name()));
        }
        problems.extend(report.verdict.examples.iter().cloned());
    }
    let done = |group| reports.iter().map(|report| sum(&report.faults, group)).sum::<u64>();
    let (processes, answers) = (done(Group::Process), done(Group::Network) + done(Group::Vk));
    if processes.min(answers) < seconds * 2 / 3 {
        problems.push("Fewer faults were injected than required.".into());
    }
    problems
}
