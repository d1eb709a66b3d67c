//! How the service does, and who is told.
//!
//! Stages report to [`health`]; [`verdict`] judges the report; [`status`] puts the verdict, the last
//! hour and the bus into one view. Nothing here knows a stage.

pub mod health;
pub mod status;
pub mod verdict;
