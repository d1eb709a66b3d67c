//! VK: the API client, the Long Poll client, and the data that VK sends. Independent of events and
//! Redis.

mod api;
pub mod bounds;
mod config;
mod error;
pub(crate) mod field;
#[cfg(fuzzing)]
pub mod fuzzing;
mod http;
mod id;
mod limit;
mod listing;
mod long_poll;
mod methods;
pub mod preflight;
mod response;
pub(crate) mod update;

pub use api::{Api, Permit};
pub use config::{Access, Config, Tls};
pub use error::{CallError, ErrorClass};
pub use http::RequestError;
pub use id::Identity;
pub use listing::{ChatInfo, CommunityInfo, Listed, Listing, UserInfo};
pub use long_poll::{LongPoll, LongPollServer, MAX_UPDATES, PollReply, decode};
pub use methods::{
    CALLS_AN_EXECUTE, CHATS_A_CALL, COMMUNITIES_A_CALL, LongPollSettings, MESSAGES_A_CALL, Method,
    Part, USERS_A_CALL,
};
