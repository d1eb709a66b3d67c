//! What is made of what is known.

mod history;
mod verdict;
