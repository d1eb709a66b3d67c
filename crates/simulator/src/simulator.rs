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
    reason = "updates are appended for the effect, and a `ts` not needed is no mistake"
)]
impl Simulator {
    /// Starts both servers on the current Tokio runtime; fails where a port is taken.
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

    /// Where API methods are called: `http://HOST:PORT/method/`.
    pub fn api_url(&self) -> String {
        format!("{}/method/", self.api_origin)
    }

    /// Where scripts control the simulator: `http://HOST:PORT/control/`.
    pub fn control_url(&self) -> String {
        format!("{}/control/", self.api_origin)
    }

    /// Appends one update to the queue, wakes held polls and returns the update's `ts`.
    pub fn push(&self, update: &Value) -> u64 {
        self.push_raw(update.to_string())
    }

    /// Like [`push`](Self::push), with any text, which stands in the `updates` array as it is.
    pub fn push_raw(&self, update: String) -> u64 {
        self.shared.push(update)
    }

    /// Appends updates that no poll can see apart, and returns the last one's `ts`.
    pub fn push_all(&self, updates: &[Value]) -> u64 {
        self.shared.push_all(updates.iter().map(Value::to_string))
    }

    /// Appends `n` seeded updates of mixed kinds and returns their `ts`. Updates of types that
    /// are switched off in the settings happen, but are not appended.
    pub fn generate(&self, n: usize) -> Vec<u64> {
        self.shared.generate(n)
    }

    /// The `ts` of the newest update.
    pub fn ts(&self) -> u64 {
        self.shared.lock().queue.newest()
    }

    /// Every update appended since the start with its `ts`, also those that the queue no longer
    /// keeps; empty when [`Options::history`] is off.
    pub fn updates(&self) -> Vec<(u64, Arc<str>)> {
        self.shared.lock().queue.history().to_vec()
    }

    /// Lets the next `times` requests of `target` meet `fault`. Faults of a target come in the
    /// order in which they were injected, one a request.
    pub fn inject(&self, target: impl Into<Target>, fault: Fault, times: u32) {
        self.shared.lock().faults.add(target.into(), fault, times);
    }

    /// Ends the life of every Long Poll key given so far: `failed: 2`, held polls included.
    pub fn expire_key(&self) {
        self.shared.lock().keys.expire();
        self.shared.polls.send_replace(());
    }

    /// From now on polls with the keys given so far return nothing, whatever the queue holds, as sessions of
    /// VK's do at times. A new key is not concerned.
    pub fn silence_sessions(&self) {
        self.shared.lock().keys.silence();
    }

    /// The same for all keys, also those to come, until it is switched off again.
    pub fn set_silence(&self, silent: bool) {
        self.shared.lock().keys.silence_all(silent);
        self.shared.polls.send_replace(());
    }

    /// Forgets the queue and counts on from `first_ts`: keys given so far get `failed: 3`, held
    /// polls included.
    pub fn reset_queue(&self, first_ts: u64) {
        let mut state = self.shared.lock();
        state.queue.reset(first_ts);
        state.keys.change_queue();
        drop(state);
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

    /// Sets the API version that `groups.getLongPollSettings` tells, 5.199 at first. Generated
    /// updates keep their shapes.
    pub fn set_event_version(&self, version: &str) {
        version.clone_into(&mut self.shared.lock().settings.api_version);
    }

    /// Accepts one more access token.
    pub fn accept_token(&self, token: &str) {
        self.shared.lock().settings.tokens.push(token.to_owned());
    }

    /// Accepts an access token no more.
    pub fn revoke_token(&self, token: &str) {
        self.shared.lock().settings.tokens.retain(|accepted| accepted != token);
    }

    /// Sets the token's rights, all at first: `stories`, `photos`, `app_widget`, `messages`,
    /// `docs`, `manage`. Without `manage` or `messages`, what needs it answers error 15.
    pub fn set_rights(&self, rights: &[&str]) {
        self.shared.lock().settings.rights = rights.iter().map(|&right| right.to_owned()).collect();
    }

    /// The world as it is now.
    pub fn world(&self) -> World {
        self.shared.lock().world.clone()
    }

    /// Makes a user known, in place of the one that had the id.
    pub fn set_user(&self, user: User) {
        self.shared.lock().world.users.insert(user.id, user);
    }

    /// Makes a chat known, in place of the one that had the peer id.
    pub fn set_chat(&self, chat: Chat) {
        self.shared.lock().world.chats.insert(chat.peer_id, chat);
    }

    /// Lets every call that asks for the name of `id` fail as a whole with the error `code`; a
    /// community's id is positive here.
    pub fn refuse_id(&self, id: i64, code: i64) {
        self.shared.lock().world.refused.insert(id, code);
    }

    /// Lets the element of `id` in every list of names be this instead.
    pub fn set_odd(&self, id: i64, element: Value) {
        self.shared.lock().world.odd.insert(id, element);
    }

    /// Takes back what [`refuse_id`](Self::refuse_id) and [`set_odd`](Self::set_odd) did to an id.
    pub fn mend_id(&self, id: i64) {
        let world = &mut self.shared.lock().world;
        world.refused.remove(&id);
        world.odd.remove(&id);
    }

    /// Lets requests of `target` meet no more of the faults injected for it.
    pub fn clear_faults(&self, target: impl Into<Target>) {
        self.shared.lock().faults.clear(&target.into());
    }

    /// Every Long Poll key given so far.
    pub fn keys(&self) -> Vec<String> {
        self.shared.lock().keys.all().to_vec()
    }

    /// Gives a chat another title, as the API tells it from now on; unknown chats stay unknown.
    pub fn set_title(&self, peer_id: i64, title: &str) {
        if let Some(chat) = self.shared.lock().world.chats.get_mut(&peer_id) {
            title.clone_into(&mut chat.title);
        }
    }

    /// Takes or gives the community's rights in a chat.
    pub fn set_hidden(&self, peer_id: i64, hidden: bool) {
        if let Some(chat) = self.shared.lock().world.chats.get_mut(&peer_id) {
            chat.hidden = hidden;
        }
    }

    /// How the API refuses to tell about hidden chats.
    pub fn set_hidden_chats(&self, how: HiddenChats) {
        self.shared.lock().world.hidden_chats = how;
    }

    /// Makes a whole message known to `messages.getByConversationMessageId`.
    pub fn add_message(&self, peer_id: i64, conversation_message_id: i64, message: Value) {
        self.shared.lock().world.messages.insert((peer_id, conversation_message_id), message);
    }

    /// The counts since the start.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Waits until the counts are as asked for.
    pub async fn until(&self, reached: impl Fn(&Stats) -> bool) {
        let mut counts = self.shared.counts.subscribe();
        while !reached(&self.shared.stats()) {
            // The sender lives as long as `self`.
            let _ = counts.changed().await;
        }
    }

    /// Ends all connections and waits until both ports are free.
    pub async fn stop(self) {
        drop(self.stop);
        self.servers.wait().await;
    }
}

fn origin(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}
