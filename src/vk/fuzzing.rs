//! Doors for the fuzz targets, which begin with the bytes that VK sends. Not in any other build.

use reqwest::Url;
use serde_json::value::RawValue;

use super::{
    ChatInfo, CommunityInfo, LongPollSettings, PollReply, UserInfo, api, listing, long_poll,
};

/// Understands a Long Poll server's answer.
#[must_use]
pub fn long_poll_answer(body: &[u8]) -> PollReply {
    long_poll::decode(body.to_vec())
}

/// Understands an answer of the API as several kinds of response.
pub fn api_answer(body: &[u8]) {
    if let Ok(response) = api::decode::<Box<RawValue>>(body) {
        let _ = listing::read::<UserInfo>(&response, &[1, 2]);
        let _ = listing::read::<CommunityInfo>(&response, &[1, 2]);
        let _ = listing::read::<ChatInfo>(&response, &[1, 2]);
    }
    let _ = api::decode::<LongPollSettings>(body);
    let _ = api::decode::<Vec<Box<RawValue>>>(body);
    if let (Ok(server), Ok(api)) =
        (api::decode::<String>(body), Url::parse("https://api.vk.ru/method/"))
        && let Ok(accepted) = long_poll::Hosts::beside(&api).accept(&server)
    {
        let host = accepted.host_str().unwrap_or_default();
        assert!(host.ends_with("vk.ru") || host.ends_with("vk.com"), "{host}");
        assert_eq!(accepted.scheme(), "https");
    }
}
