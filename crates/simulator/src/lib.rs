//! A simulated VK with faults on demand: the API methods and the Bots Long Poll server that a fetcher of
//! community events uses.
//!
//! [`Simulator::start`] returns a handle on two servers on loopback ports. Tests [push](Simulator::push)
//! updates one by one or [generate](Simulator::generate) them from a seed, [inject](Simulator::inject)
//! faults, and read [statistics](Simulator::stats).
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
