//! Operations: the state of the service, and how people and programs see it.
//!
//! Stages report to [`health`], which records each failing [`dependency`] with its cause. Only [`verdict`]
//! judges that state. [`status`] combines the verdict, the history of the last hour and the state of the bus;
//! [`http`], [`systemd`] and [`gauges`] export them. No module here imports a stage.

pub mod dependency;
pub mod gauges;
pub mod health;
pub mod http;
pub mod metrics;
pub mod preflight;
pub mod process;
pub mod retry;
pub mod status;
pub mod systemd;
pub mod telemetry;
pub mod verdict;
