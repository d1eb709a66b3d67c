//! The configuration as an operator uses it: files, environment variables and secret files are the input, and
//! settings or a list of mistakes the output.

mod committed;
mod machine;
mod mistakes;
mod secrets;
mod sources;
