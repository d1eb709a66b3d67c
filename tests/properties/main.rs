//! What is true of every update and of every event: the converter, the JSON Schema, VK's own schema; and
//! that each promise in the documents has its test.

mod cases;
mod converter;
mod example;
mod guarantees;
mod official_schema;
mod outcome;
mod schema;
