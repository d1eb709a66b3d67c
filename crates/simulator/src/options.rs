//! The options of a simulated VK.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

/// The size, pace and limits of a simulated VK.
#[derive(Debug, Clone)]
pub struct Options {
    /// The community whose events are served; positive.
    pub group_id: i64,
    /// The access token that the API accepts at first.
    pub token: String,
    /// Seed of everything random: the world, the updates, the keys.
    pub seed: u64,
    /// Number of users.
    pub users: u32,
    /// Number of communities in addition to the own one.
    pub communities: u32,
    /// Number of chats of the community.
    pub chats: u32,
    /// API calls accepted in any second; further calls get error 6; 0 = no limit.
    pub requests_per_second: u32,
    /// Latency of an API call.
    pub api_latency: Duration,
    /// Network latency of a poll: half for the request, half for the answer.
    pub poll_latency: Duration,
    /// Maximum number of updates in one Long Poll reply (VK's own is undocumented).
    pub max_updates_per_reply: usize,
    /// Number of updates that the queue keeps; an older `ts` gets `failed: 1`.
    pub retention: usize,
    /// The `ts` of the empty queue; the first update gets the next number.
    pub first_ts: u64,
    /// Lifetime of a Long Poll key; an expired key gets `failed: 2`.
    pub key_life: Duration,
    /// Whether [`Simulator::updates`](crate::Simulator::updates) keeps every update. Turn it
    /// off to bound the memory of a long run by `retention`.
    pub history: bool,
    /// Share (0 to 1) of generated updates that cannot become events.
    pub unconvertible: f64,
    /// Share (0 to 1) of generated authors and peers that VK does not know.
    pub unknown_users: f64,
    /// Whether some generated messages are cropped, as VK crops long ones.
    pub cropped: bool,
    /// The address to listen on, which also appears in the URLs of the servers.
    pub host: IpAddr,
    /// Port of the API; 0 = any free port.
    pub api_port: u16,
    /// Port of the Long Poll server; 0 = any free port.
    pub poll_port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            group_id: 218_730_916,
            token: "vk1.a.simulated-token".to_owned(),
            seed: 1,
            users: 5000,
            communities: 50,
            chats: 200,
            requests_per_second: 20,
            api_latency: Duration::ZERO,
            poll_latency: Duration::ZERO,
            max_updates_per_reply: 1000,
            retention: 100_000,
            first_ts: 1000,
            key_life: Duration::from_secs(3600),
            history: true,
            unconvertible: 0.01,
            unknown_users: 0.02,
            cropped: true,
            host: Ipv4Addr::LOCALHOST.into(),
            api_port: 0,
            poll_port: 0,
        }
    }
}
