//! Tests of the service as a process, between a simulated VK and a Redis of its own.

mod common;

mod api_errors;
mod chaos;
mod cli_commands;
mod configuration;
mod consumers;
mod cropped;
mod delivery;
mod duplicates;
mod fault_injection;
mod full_streams;
mod going_back;
mod hanging;
mod hot_loops;
mod lease;
mod logs;
mod long_poll_failures;
mod metrics;
mod names;
mod pressure;
mod readiness;
mod redis_access;
mod refusals;
mod reload;
mod restarting;
mod secrets;
mod silent_sessions;
mod stalls;
mod start_up_check;
mod status;
mod stdout_bus;
mod stopping;
mod systemd;
mod token_checks;
mod unresolved;
