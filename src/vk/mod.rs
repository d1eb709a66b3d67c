//! VK: the API client and the Long Poll request. Knows nothing of events or Redis.

mod api;
mod backoff;
mod error;
mod http;
mod limit;
mod long_poll;
mod methods;
mod ts;

pub use api::{Access, Api, Settings, Turn};
pub use backoff::Backoff;
pub use error::{CallError, Class};
pub use long_poll::{LongPoll, Reply, Server};
pub use methods::{
    CHATS_A_CALL, COMMUNITIES_A_CALL, ChatInfo, CommunityInfo, LongPollSettings, MESSAGES_A_CALL,
    Method, USERS_A_CALL, UserInfo,
};
pub use ts::Ts;
