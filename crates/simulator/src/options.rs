//! What a simulated VK is told at its start.

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
    /// Everything drawn at random comes from this number: the world, the updates, the keys.
    pub seed: u64,
    /// How many users the world has.
    pub users: u32,
    /// How many communities the world has beside the own one.
    pub communities: u32,
    /// How many chats the community is in.
    pub chats: u32,
    /// API calls accepted in any second, more are answered with error 6; 0 = no limit.
    pub requests_per_second: u32,
    /// Time that an API answer takes.
    pub api_latency: Duration,
    /// Time that a poll is on its way: half of it there, half of it back.
    pub poll_latency: Duration,
    /// Most updates in one Long Poll reply (VK's own number is not documented).
    pub max_updates_per_reply: usize,
    /// How many updates the queue keeps; a `ts` before them is answered with `failed: 1`.
    pub retention: usize,
    /// The `ts` of the empty queue; the first update gets the next number.
    pub first_ts: u64,
    /// How long a Long Poll key is good; afterwards `failed: 2`.
    pub key_life: Duration,
    /// Whether [`Simulator::updates`](crate::Simulator::updates) remembers every update. Off, a
    /// long run needs no more memory than `retention` asks for.
    pub history: bool,
    /// Share (0 to 1) of generated updates that no event can be made of.
    pub unconvertible: f64,
    /// Whether some generated messages lack a part that the API has to be asked for.
    pub cropped: bool,
    /// The address of this machine to serve at; it is also what the servers are named by.
    pub host: IpAddr,
    /// Port of the API; 0 = any free one.
    pub api_port: u16,
    /// Port of the Long Poll server; 0 = any free one.
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
            cropped: true,
            host: Ipv4Addr::LOCALHOST.into(),
            api_port: 0,
            poll_port: 0,
        }
    }
}
