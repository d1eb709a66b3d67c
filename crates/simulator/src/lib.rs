//! A simulated VK: the API methods and the Bots Long Poll server that a fetcher of community
//! events talks to, with faults on demand.
//!
//! [`Simulator::start`] gives a handle on two servers on loopback ports. Updates are
//! [pushed](Simulator::push) one by one or [generated](Simulator::generate) from a seed, faults are
//! [injected](Simulator::inject), and what happened is [counted](Simulator::stats).
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use vk_simulator::{Fault, Options, Simulator, Target};
//!
//! let simulator = Simulator::start(Options::default()).await?;
//! simulator.inject(Target::Poll, Fault::Status(502), 2);
//! simulator.inject("users.get", Fault::Error(10), 1);
//! simulator.generate(100);
//! // With the client pointed at `simulator.api_url()`:
//! simulator.until(|stats| stats.highest_ts_served == 1100).await;
//! simulator.stop().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod control;
mod error;
mod fault;
mod generator;
mod key;
mod limit;
mod methods;
mod options;
mod poll;
mod queue;
mod server;
mod settings;
mod simulator;
mod spoil;
mod state;
mod stats;
mod world;

pub use fault::{Fault, Target, UnknownFault};
pub use options::Options;
pub use simulator::Simulator;
pub use stats::Stats;
pub use world::{CHAT_BASE, Chat, Community, Deactivated, HiddenChats, User, World};
