//! Names as they are stored outside of the process: by a field such as `user:1`, as JSON; `null` if VK does not know
//! the id.

use std::time::Duration;

use super::{Enricher, cache::Cached, directory::Directory, lookup::Lookup, query::lock};

/// The most changed names that wait to be stored; further ones are stored when they are looked up again.
pub(super) const MOST_CHANGED: usize = 20_000;
const UNKNOWN: &str = "null";

impl Enricher {
    /// The names that were looked up since the last call, each with its field.
    pub fn changed_names(&self) -> Vec<(String, String)> {
        let mut names = self.users.changed();
        names.extend(self.communities.changed());
        names.extend(self.chats.changed());
        names
    }

    /// Uses a name that was stored so long ago, unless there is a newer one. Anything but a name is ignored.
    pub fn use_stored(&self, field: &str, name: &str, age: Duration) {
        let Some((kind, id)) = field.split_once(':') else { return };
        let Ok(id) = id.parse() else { return };
        self.users.use_stored(kind, id, name, age);
        self.communities.use_stored(kind, id, name, age);
        self.chats.use_stored(kind, id, name, age);
    }
}

/// The field of a user's name.
#[must_use]
pub fn user_field(id: i64) -> String {
    field::<super::Users>(id)
}

fn field<D: Directory>(id: i64) -> String {
    format!("{}:{id}", D::KIND)
}

impl<D: Directory> Lookup<D> {
    fn changed(&self) -> Vec<(String, String)> {
        let ids = std::mem::take(&mut *lock(&self.changed));
        let name = |id| match self.cache.get(id) {
            Cached::Fresh(name) | Cached::Stale(name) => {
                let name = name.map_or(Ok(UNKNOWN.to_owned()), |name| D::to_json(&name)).ok()?;
                Some((field::<D>(id), name))
            }
            Cached::Missing => None,
        };
        ids.into_iter().filter_map(name).collect()
    }

    fn use_stored(&self, kind: &str, id: i64, name: &str, age: Duration) {
        if kind != D::KIND || self.has(id) {
            return;
        }
        match D::from_json(name) {
            Ok(info) => self.cache.put_aged(id, Some(D::name(info).0), age),
            Err(_) if name == UNKNOWN => self.cache.put_aged(id, None, age),
            Err(_) => {}
        }
    }
}
