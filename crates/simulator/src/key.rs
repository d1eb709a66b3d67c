//! Long Poll keys, with which clients read a community's queue.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rand::{SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// `{"alg":"EdDSA","typ":"JWT"}`
const JWT_HEADER: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9";

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    /// Unknown or expired.
    Expired,
    /// Valid, but for a queue that has been reset since.
    OtherQueue,
    /// Valid, but polls with it return nothing.
    Silent,
}

#[derive(Debug)]
struct Key {
    until: Instant,
    queue: u64,
    silent: bool,
}

/// The keys issued so far.
#[derive(Debug)]
pub(crate) struct Keys {
    random: ChaCha8Rng,
    life: Duration,
    queue: u64,
    all_silent: bool,
    issued: HashMap<String, Key>,
    /// Every key issued so far, so that tests can search for leaks.
    all: Vec<String>,
}

impl Keys {
    pub(crate) fn new(seed: u64, life: Duration) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let (issued, all) = (HashMap::new(), Vec::new());
        Self { random, life, queue: 0, all_silent: false, issued, all }
    }

    /// Issues a new key; earlier keys stay valid until they expire.
    ///
    /// It resembles VK's: a JWT with the queue and the expiry in nanoseconds. Its signature ends with `+/==`, as
    /// plain base64 may, so that a client which does not percent-encode the key sends a wrong one.
    pub(crate) fn give(&mut self, group_id: i64, now: Instant) -> String {
        self.issued.retain(|_, key| key.until > now);
        let until = SystemTime::now() + self.life;
        let until = until.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let claims = format!(r#"{{"queue_id":"{group_id}","until":{until}}}"#);
        let signature: String = (0..80)
            .filter_map(|_| ALPHABET.choose(&mut self.random))
            .map(|&letter| char::from(letter))
            .collect();
        let text = format!("{JWT_HEADER}.{}.-_{signature}+/==", base64url(claims.as_bytes()));
        self.all.push(text.clone());
        let key = Key { until: now + self.life, queue: self.queue, silent: false };
        self.issued.insert(text.clone(), key);
        text
    }

    /// Every key issued so far, including expired ones.
    pub(crate) fn all(&self) -> &[String] {
        &self.all
    }

    pub(crate) fn check(&self, text: &str, now: Instant) -> Verdict {
        match self.issued.get(text) {
            Some(key) if key.until <= now => Verdict::Expired,
            Some(key) if key.queue != self.queue => Verdict::OtherQueue,
            Some(key) if key.silent || self.all_silent => Verdict::Silent,
            Some(_) => Verdict::Good,
            None => Verdict::Expired,
        }
    }

    /// Expires every key issued so far.
    pub(crate) fn expire(&mut self) {
        self.issued.clear();
    }

    /// Silences every key issued so far: its polls return nothing.
    pub(crate) fn silence(&mut self) {
        self.issued.values_mut().for_each(|key| key.silent = true);
    }

    /// Silences all keys, including future ones, or ends that.
    pub(crate) fn silence_all(&mut self, silent: bool) {
        self.all_silent = silent;
    }

    /// Assigns every key issued so far to another queue.
    pub(crate) fn change_queue(&mut self) {
        self.queue += 1;
    }
}

fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        for index in 0..=chunk.len() {
            let sextet = (bits >> (18 - 6 * index)) & 0x3f;
            text.push(char::from(ALPHABET[sextet as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_has_no_padding() {
        assert_eq!(base64url(br#"{"alg":"EdDSA","typ":"JWT"}"#), JWT_HEADER);
        assert_eq!(base64url(b"a"), "YQ");
        assert_eq!(base64url(b"ab"), "YWI");
        assert_eq!(base64url(&[0xfb, 0xff, 0xfe]), "-__-");
    }

    #[test]
    fn a_key_is_good_until_its_life_ends() {
        let now = Instant::now();
        let mut keys = Keys::new(1, Duration::from_secs(60));
        let first = keys.give(1, now);
        let second = keys.give(1, now + Duration::from_secs(30));
        assert_ne!(first, second);
        assert_eq!(keys.check(&first, now + Duration::from_secs(59)), Verdict::Good);
        assert_eq!(keys.check(&first, now + Duration::from_secs(60)), Verdict::Expired);
        assert_eq!(keys.check(&second, now + Duration::from_secs(60)), Verdict::Good);
        assert_eq!(keys.check("made.up.key", now), Verdict::Expired);
    }

    #[test]
    fn a_reset_queue_needs_a_new_key() {
        let now = Instant::now();
        let mut keys = Keys::new(1, Duration::from_secs(60));
        let old = keys.give(1, now);
        keys.change_queue();
        assert_eq!(keys.check(&old, now), Verdict::OtherQueue);
        let new = keys.give(1, now);
        assert_eq!(keys.check(&new, now), Verdict::Good);
    }
}
