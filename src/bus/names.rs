//! Names kept in Redis, so that a restart or another instance begins with them. Losing them loses nothing else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{RedisResult, aio::ConnectionLike};
use tokio::sync::Mutex;

use super::{Config, Connection, Connector, RedisUrl};

/// The names that one command reads or writes.
const PAGE: usize = 500;

/// The names of a community in one language: a hash. A field is an id, a value is when the name was looked up, in
/// seconds since 1970, a space, and the name.
pub struct NameStore {
    connector: Connector,
    key: String,
    settings: NameStoreSettings,
    connection: Mutex<Option<Connection>>,
}

/// How long and how many names are kept.
#[derive(Debug, Clone)]
pub struct NameStoreSettings {
    /// The language of the names, as VK's parameter `lang`.
    pub lang: String,
    /// The age at which a name is deleted.
    pub ttl: Duration,
    /// The most names.
    pub capacity: usize,
}

/// A stored name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredName {
    /// The id.
    pub field: String,
    /// The name.
    pub name: String,
    /// How long ago it was looked up.
    pub age: Duration,
}

impl NameStore {
    /// The names of a community. Does not connect yet.
    ///
    /// # Errors
    /// A certificate file cannot be read or used.
    pub fn new(
        url: &RedisUrl,
        bus: &Config,
        group_id: i64,
        settings: NameStoreSettings,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            connector: Connector::new(url, bus)?,
            key: key(bus, group_id, &settings.lang),
            settings,
            connection: Mutex::new(None),
        })
    }

    /// Passes all names to `take`. Content that is no name is skipped.
    ///
    /// # Errors
    /// Redis is unreachable, or the key cannot be read.
    pub async fn load(&self, mut take: impl FnMut(StoredName)) -> RedisResult<()> {
        let now = now();
        self.scan(|field, at, name| {
            let age = Duration::from_secs(now.saturating_sub(at));
            if age < self.settings.ttl {
                take(StoredName { field, name: name.to_owned(), age });
            }
        })
        .await
    }

    /// Writes names as looked up now, by field. Deletes the oldest if there are too many.
    ///
    /// # Errors
    /// Redis is unreachable, or the key cannot be written.
    pub async fn save(&self, names: &[(String, String)]) -> RedisResult<()> {
        let now = now();
        let mut kept = 0;
        for page in names.chunks(PAGE) {
            let values: Vec<_> =
                page.iter().map(|(field, name)| (field, format!("{now} {name}"))).collect();
            let mut pipeline = redis::pipe();
            pipeline.hset_multiple(&self.key, &values).ignore();
            pipeline.expire(&self.key, self.settings.ttl.as_secs().cast_signed()).ignore();
            pipeline.hlen(&self.key);
            (kept,) = self.with_connection(async |it| pipeline.query_async(it).await).await?;
        }
        if kept > self.settings.capacity { self.trim().await } else { Ok(()) }
    }

    /// Deletes names beyond their TTL, and the oldest of the others until a tenth of the capacity is free.
    ///
    /// # Errors
    /// Redis is unreachable, or the key cannot be written.
    pub async fn trim(&self) -> RedisResult<()> {
        let mut all = Vec::new();
        self.scan(|field, at, _| all.push((at, field))).await?;
        all.sort_unstable();
        let excess = all.len().saturating_sub(self.settings.capacity / 10 * 9);
        let excess = if all.len() > self.settings.capacity { excess } else { 0 };
        let end = now().saturating_sub(self.settings.ttl.as_secs());
        let old = all.partition_point(|(at, _)| *at <= end).max(excess);
        for page in all[..old].chunks(PAGE) {
            let fields: Vec<_> = page.iter().map(|(_, field)| field).collect();
            let delete = redis::cmd("HDEL").arg(&self.key).arg(fields).take();
            let () = self.with_connection(async |it| delete.query_async(it).await).await?;
        }
        Ok(())
    }

    async fn scan(&self, mut visit: impl FnMut(String, u64, &str)) -> RedisResult<()> {
        let mut cursor: u64 = 0;
        loop {
            let mut page = redis::cmd("HSCAN");
            page.arg(&self.key).arg(cursor).arg("COUNT").arg(PAGE);
            let (next, values): (u64, Vec<Vec<u8>>) =
                self.with_connection(async |it| page.query_async(it).await).await?;
            for pair in values.chunks_exact(2) {
                let [field, value] = [0, 1].map(|n| String::from_utf8_lossy(&pair[n]));
                let (at, name) = value.split_once(' ').unwrap_or(("0", ""));
                visit(field.into_owned(), at.parse().unwrap_or_default(), name);
            }
            cursor = next;
            if cursor == 0 {
                return Ok(());
            }
        }
    }

    /// A connection on which a command failed is not used again.
    async fn with_connection<T>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let mut kept = self.connection.lock().await;
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.connector.connect().await?,
        };
        let result = work(&mut connection).await?;
        *kept = Some(connection);
        Ok(result)
    }
}

/// Deletes names of a community in all these languages, by field. Returns how many there were.
///
/// # Errors
/// Redis is unreachable, or a key cannot be written.
pub async fn forget_names(
    connection: &mut impl ConnectionLike,
    bus: &Config,
    group_id: i64,
    langs: &[&str],
    fields: &[String],
) -> RedisResult<u64> {
    let mut deleted = 0;
    for lang in langs {
        let delete = redis::cmd("HDEL").arg(key(bus, group_id, lang)).arg(fields).take();
        deleted += delete.query_async::<u64>(connection).await?;
    }
    Ok(deleted)
}

fn key(bus: &Config, group_id: i64, lang: &str) -> String {
    format!("{{{}}}:names:{group_id}:{lang}", bus.namespace)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs())
}
