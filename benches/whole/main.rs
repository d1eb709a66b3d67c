//! Measures the service as a process between a simulated VK and a real Redis, and its bounds. Prints the tables of docs/performance.md.
#![expect(clippy::print_stdout, reason = "a program that prints its results")]

mod bounds;
mod growth;
mod latency;
mod process;
mod scene;
mod service;
mod table;

use clap::{Parser, ValueEnum};
use vk_simulator::Options;

use crate::table::Table;

/// Measures event-fetcher as a process.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often each figure is measured; prints median, minimum and maximum
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Updates in the backlog at VK's pace
    #[arg(long, default_value_t = 15_000)]
    backlog: usize,
    /// Updates in the backlog without limits
    #[arg(long, default_value_t = 300_000)]
    unlimited: usize,
    /// Measures one kind of figures only
    #[arg(long)]
    only: Option<Kind>,
    /// Also measures how cost and memory grow, which takes minutes
    #[arg(long)]
    growth: bool,
    /// The argument that `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Latency,
    Throughput,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut table = Table::new(&["", "median", "min", "max"]);
    for _ in 0..arguments.runs {
        if arguments.only != Some(Kind::Throughput) {
            latency::measure(&mut table).await?;
        }
        if arguments.only == Some(Kind::Latency) {
            continue;
        }
        service::start(&mut table).await?;
        service::backlog(&mut table, arguments.backlog).await?;
        service::unlimited(&mut table, &without_limits(), arguments.unlimited).await?;
        bounds::pass_through(&mut table, "at VK's pace", at_vks_pace(), arguments.backlog).await?;
        bounds::pass_through(&mut table, "no limits", without_limits(), arguments.unlimited)
            .await?;
        bounds::redis_benchmark(&mut table).await?;
    }
    println!("{table}");
    if arguments.growth {
        println!("{}", growth::table().await?);
    }
    Ok(())
}

/// VK's pace: 20 calls a second, 60 ms for a call and for a poll, 100 updates a reply.
fn at_vks_pace() -> Options {
    let latency = std::time::Duration::from_millis(60);
    Options {
        requests_per_second: 20,
        api_latency: latency,
        poll_latency: latency,
        cropped: true,
        ..without_limits()
    }
}

/// A VK that answers at once and crops no message: the service itself keeps to 20 calls a second.
fn without_limits() -> Options {
    Options {
        requests_per_second: 0,
        max_updates_per_reply: 100,
        retention: usize::MAX,
        history: false,
        cropped: false,
        ..Options::default()
    }
}
