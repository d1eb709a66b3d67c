//! How the service does, and who is shown it.
//!
//! Stages report to [`health`], which keeps what fails as a [`dependency`] with a cause. [`verdict`]
//! judges that, and is the only one that does. [`status`] puts the verdict, the last hour and the bus
//! into one view. Nothing here knows a stage.

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
