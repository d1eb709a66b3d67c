//! The handle on a running simulated VK.

use std::{io, sync::Arc};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::{
    Chat, Fault, HiddenChats, Options, Stats, Target, User, World, api, poll,
    server::{listen, serve},
    state::Shared,
};

/// A simulated VK: an API server and a Long Poll server on two ports. Dropping it
/// stops both.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    api_origin: String,
    servers: TaskTracker,
    stop: DropGuard,
}

#[expect(
    clippy::must_use_candidate,
    reason = "updates are appended for the effect, and ignoring the `ts` is no mistake"
)]
impl Simulator {
    /// Starts both servers on the current Tokio runtime; fails if a port is taken.
    ///
    /// # Errors
    ///
    /// If one of the ports is taken.
    pub async fn start(options: Options) -> io::Result<Self> {
        let api_listener = listen(options.host, options.api_port).await?;
        let poll_listener = listen(options.host, options.poll_port).await?;
        let api_origin = origin(&api_listener)?;
        let shared = Arc::new(Shared::new(options, origin(&poll_listener)?));
        let stop = CancellationToken::new();
        let servers = TaskTracker::new();
        servers.spawn(serve(api_listener, api::router(Arc::clone(&shared)), stop.clone()));
        servers.spawn(serve(poll_listener, poll::router(Arc::clone(&shared)), stop.clone()));
        servers.close();
        Ok(Self { shared, api_origin, servers, stop: stop.drop_guard() })
    }

    /// The base URL of the API methods: `http://HOST:PORT/method/`.
    pub fn api_url(&self) -> String {
        format!("{}/method/", self.api_origin)
    }

    /// The base URL of the control interface: `http://HOST:PORT/control/`.
    pub fn control_url(&self) -> String {
        format!("{}/control/", self.api_origin)
    }

    /// Appends one update to the queue, wakes held polls and returns the update's `ts`.
    pub fn push(&self, update: &Value) -> u64 {
        self.push_raw(update.to_string())
    }

    /// Appends any text, which appears unchanged in the `updates` array, and returns the update's `ts`.
    pub fn push_raw(&self, update: String) -> u64 {
        self.shared.push(update)
    }

    /// Appends updates at once, so that no poll returns only some of them; returns the last one's `ts`.
    pub fn push_all(&self, updates: &[Value]) -> u64 {
        self.shared.push_all(updates.iter().map(Value::to_string))
    }

    /// Appends `n` seeded updates of mixed kinds and returns their `ts`. Updates of types that
    /// are switched off in the settings are drawn but not appended.
    pub fn generate(&self, n: usize) -> Vec<u64> {
        self.shared.generate(n)
    }

    /// The `ts` of the newest update.
    pub fn ts(&self) -> u64 {
        self.shared.lock().queue.newest()
    }

    /// Every update appended since the start with its `ts`, including those that the queue no longer
    /// keeps; empty if [`Options::history`] is off.
    pub fn updates(&self) -> Vec<(u64, Arc<str>)> {
        self.shared.lock().queue.history().to_vec()
    }

    /// Applies `fault` to the next `times` requests of `target`. Faults of one target apply in the order of
    /// injection, one for each request.
    pub fn inject(&self, target: impl Into<Target>, fault: Fault, times: u32) {
        self.shared.lock().faults.add(target.into(), fault, times);
    }

    /// Expires every Long Poll key issued so far: `failed: 2`, also for held polls.
    pub fn expire_key(&self) {
        self.shared.lock().keys.expire();
        self.shared.polls.send_replace(());
    }

    /// Silences all keys issued so far: their polls return nothing, whatever the queue contains, as sessions of
    /// VK sometimes do. New keys work.
    pub fn silence_sessions(&self) {
        self.shared.lock().keys.silence();
    }

    /// Silences all keys, including future ones, or ends that.
    pub fn set_silence(&self, silent: bool) {
        self.shared.lock().keys.silence_all(silent);
        self.shared.polls.send_replace(());
    }

    /// Empties the queue and continues from `first_ts`: keys issued so far get `failed: 3`, also in held
    /// polls.
    pub fn reset_queue(&self, first_ts: u64) {
        let mut state = self.shared.lock();
        state.queue.reset(first_ts);
        state.keys.change_queue();
        drop(state);
        self.shared.polls.send_replace(());
    }

    /// Empties the queue and continues from `first_ts`, but keys issued so far stay valid: a poll from a later
    /// position returns nothing until the queue reaches it.
    pub fn rewind_queue(&self, first_ts: u64) {
        self.shared.lock().queue.rewind(first_ts);
        self.shared.polls.send_replace(());
    }

    /// Switches Long Poll on or off in the community's settings; off,
    /// `groups.getLongPollServer` answers error 100.
    pub fn set_long_poll_enabled(&self, enabled: bool) {
        self.shared.lock().settings.enabled = enabled;
    }

    /// Switches the sending of an event type on or off in the community's settings. Updates
    /// pushed one by one are sent anyway.
    pub fn set_event_enabled(&self, event_type: &str, enabled: bool) {
        let switched_off = &mut self.shared.lock().settings.switched_off;
        switched_off.retain(|off| off != event_type);
        if !enabled {
            switched_off.push(event_type.to_owned());
        }
    }

    /// Sets the API version that `groups.getLongPollSettings` returns, initially 5.199. Generated updates keep
    /// their format.
    pub fn set_event_version(&self, version: &str) {
        version.clone_into(&mut self.shared.lock().settings.api_version);
    }

    /// Accepts a further access token.
    pub fn accept_token(&self, token: &str) {
        self.shared.lock().settings.tokens.push(token.to_owned());
    }

    /// Revokes an access token.
    pub fn revoke_token(&self, token: &str) {
        self.shared.lock().settings.tokens.retain(|accepted| accepted != token);
    }

    /// Sets the token's rights, initially all: `stories`, `photos`, `app_widget`, `messages`,
    /// `docs`, `manage`. Methods that need a missing right return error 15.
    pub fn set_rights(&self, rights: &[&str]) {
        self.shared.lock().settings.rights = rights.iter().map(|&right| right.to_owned()).collect();
    }

    /// A copy of the current world.
    pub fn world(&self) -> World {
        self.shared.lock().world.clone()
    }

    /// Adds a user, replacing the one with the same id.
    pub fn set_user(&self, user: User) {
        self.shared.lock().world.users.insert(user.id, user);
    }

    /// Adds a chat, replacing the one with the same peer id.
    pub fn set_chat(&self, chat: Chat) {
        self.shared.lock().world.chats.insert(chat.peer_id, chat);
    }

    /// Makes every call that looks `id` up fail as a whole with the error `code`. A community's id is positive
    /// here.
    pub fn refuse_id(&self, id: i64, code: i64) {
        self.shared.lock().world.refused.insert(id, code);
    }

    /// Replaces the element of `id` in every list of names.
    pub fn set_odd(&self, id: i64, element: Value) {
        self.shared.lock().world.odd.insert(id, element);
    }

    /// Undoes [`refuse_id`](Self::refuse_id) and [`set_odd`](Self::set_odd) for an id.
    pub fn mend_id(&self, id: i64) {
        let world = &mut self.shared.lock().world;
        world.refused.remove(&id);
        world.odd.remove(&id);
    }

    /// Removes the remaining faults of `target`.
    pub fn clear_faults(&self, target: impl Into<Target>) {
        self.shared.lock().faults.clear(&target.into());
    }

    /// Every Long Poll key issued so far.
    pub fn keys(&self) -> Vec<String> {
        self.shared.lock().keys.all().to_vec()
    }

    /// Changes the title of a chat that exists.
    pub fn set_title(&self, peer_id: i64, title: &str) {
        if let Some(chat) = self.shared.lock().world.chats.get_mut(&peer_id) {
            title.clone_into(&mut chat.title);
        }
    }

    /// Sets whether the community has rights in a chat.
    pub fn set_hidden(&self, peer_id: i64, hidden: bool) {
        if let Some(chat) = self.shared.lock().world.chats.get_mut(&peer_id) {
            chat.hidden = hidden;
        }
    }

    /// How the API answers look-ups of hidden chats.
    pub fn set_hidden_chats(&self, how: HiddenChats) {
        self.shared.lock().world.hidden_chats = how;
    }

    /// Adds a complete message for `messages.getByConversationMessageId`.
    pub fn add_message(&self, peer_id: i64, conversation_message_id: i64, message: Value) {
        self.shared.lock().world.messages.insert((peer_id, conversation_message_id), message);
    }

    /// The statistics since the start.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Waits until the statistics meet a condition.
    pub async fn until(&self, reached: impl Fn(&Stats) -> bool) {
        let mut counts = self.shared.counts.subscribe();
        while !reached(&self.shared.stats()) {
            // The sender lives as long as `self`.
            let _ = counts.changed().await;
        }
    }

    /// Closes all connections and waits until both ports are free.
    pub async fn stop(self) {
        drop(self.stop);
        self.servers.wait().await;
    }
}

fn origin(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}
