//! VK: the API client, the Long Poll request, and the shapes of what VK sends. Knows nothing of
//! events or Redis.

mod api;
pub mod bounds;
mod config;
mod credential;
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
pub(crate) mod update;
mod updates;

pub use api::{Api, Permit};
pub use config::{Access, Config, Tls};
pub use error::{CallError, ErrorClass};
pub use http::RequestError;
pub use id::Identity;
pub use listing::{ChatInfo, CommunityInfo, Element, Elements, Listed, Listing, UserInfo};
pub use long_poll::{LongPoll, LongPollServer, PollReply, decode};
pub use methods::{
    CALLS_AN_EXECUTE, CHATS_A_CALL, COMMUNITIES_A_CALL, LongPollSettings, MESSAGES_A_CALL, Method,
    Part, USERS_A_CALL,
};
pub use updates::UPDATES_AN_ANSWER;
