//! The configuration as its users meet it: files, environment variables and secret files in,
//! settings or a list of mistakes out.

mod committed;
mod machine;
mod mistakes;
mod secrets;
mod sources;
