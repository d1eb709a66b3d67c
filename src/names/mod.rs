//! Who is who: names of users, communities and chats, looked up in batches and cached.

mod known;

pub use known::{Community, Known, MessagePlace, Needs, Person};
