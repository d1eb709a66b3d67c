//! Entry points for the fuzz targets, which pass bytes as VK would send them. In no other build.

use reqwest::Url;
use serde_json::value::RawValue;

use super::{
    ChatInfo, CommunityInfo, LongPollSettings, PollReply, UserInfo, listing, long_poll, response,
};

/// Parses the reply of a Long Poll server.
#[must_use]
pub fn long_poll_reply(body: &[u8]) -> PollReply {
    long_poll::decode(body.to_vec())
}

/// Parses an API response as several kinds.
pub fn api_response(body: &[u8]) {
    if let Ok(response) = response::decode::<Box<RawValue>>(body) {
        let _ = listing::read::<UserInfo>(&response, &[1, 2]);
        let _ = listing::read::<CommunityInfo>(&response, &[1, 2]);
        let _ = listing::read::<ChatInfo>(&response, &[1, 2]);
    }
    let _ = response::decode::<LongPollSettings>(body);
    let _ = response::decode::<Vec<Box<RawValue>>>(body);
    if let (Ok(server), Ok(api)) =
        (response::decode::<String>(body), Url::parse("https://api.vk.ru/method/"))
        && let Ok(accepted) = long_poll::accept(&server, &api)
    {
        let host = accepted.host_str().unwrap_or_default();
        assert!(host.ends_with("vk.ru") || host.ends_with("vk.com"), "{host}");
        assert_eq!(accepted.scheme(), "https");
    }
}
