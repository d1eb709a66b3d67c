//! Replies that list users, communities or chats. Each element is read by itself, so that an odd one
//! costs no other its name.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    Method,
    field::{Field, Object},
};

/// The most elements of a reply that are read: twice what any method is asked for at once.
const ELEMENTS: usize = 2000;

/// What an API method lists by id.
pub trait Listed: Sized + Send + 'static {
    /// The method.
    const METHOD: Method;

    /// The parameters of a call for these ids.
    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)>;

    /// The list within a response.
    fn elements(response: &RawValue) -> serde_json::Result<Elements<'_>>;

    /// Reads one element.
    fn element(raw: &RawValue) -> Element<Self>;
}

/// The elements of a list, unread.
#[derive(Debug, Default)]
pub struct Elements<'a> {
    read: Vec<&'a RawValue>,
    /// There were more than are read.
    more: bool,
}

/// One element of a list.
#[derive(Debug, PartialEq, Eq)]
pub enum Element<T> {
    /// What stands for this id.
    Lookups(i64, T),
    /// An id about which VK has nothing to tell.
    Nothing,
    /// An element that cannot be used, with its id where that can be read.
    Odd(Option<i64>),
}

/// What a reply says about the ids asked for.
#[derive(Debug)]
pub struct Listing<T> {
    /// What stands for each id.
    pub known: HashMap<i64, T>,
    /// Ids that VK leaves out: it does not know them, or has nothing to tell.
    pub unknown: Vec<i64>,
    /// Ids whose element is odd, or may be the odd one.
    pub unanswered: Vec<i64>,
}

impl<T> Listing<T> {
    /// Whether the reply answers anything.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.unanswered.is_empty() || !self.known.is_empty()
    }
}

/// Reads the list of a response to a call for `ids`.
pub(super) fn read<T: Listed>(response: &RawValue, ids: &[i64]) -> serde_json::Result<Listing<T>> {
    let Elements { read, more } = T::elements(response)?;
    let (mut told, mut odd, mut anybody) = (HashMap::new(), Vec::new(), more);
    for element in read {
        match T::element(element) {
            Element::Lookups(id, value) => drop(told.insert(id, value)),
            Element::Nothing => {}
            Element::Odd(Some(id)) => odd.push(id),
            Element::Odd(None) => anybody = true,
        }
    }
    let mut listing =
        Listing { known: HashMap::new(), unknown: Vec::new(), unanswered: Vec::new() };
    for &id in ids {
        if odd.contains(&id) {
            listing.unanswered.push(id);
        } else if let Some(value) = told.remove(&id) {
            listing.known.insert(id, value);
        } else if anybody {
            listing.unanswered.push(id);
        } else {
            listing.unknown.push(id);
        }
    }
    Ok(listing)
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Elements::default();
        while elements.read.len() < ELEMENTS {
            match list.next_element()? {
                Some(element) => elements.read.push(element),
                None => return Ok(elements),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            elements.more = true;
        }
        Ok(elements)
    }
}

/// An object's fields; none where the element is anything else or one of them is there twice.
fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    match serde_json::from_str(raw.get()) {
        Ok(Field::Is(Object(fields))) => Some(fields),
        _ => None,
    }
}

/// A text that VK always gives where it gives the field at all.
#[derive(Debug, Default)]
enum Text {
    #[default]
    Absent,
    Is(String),
    Odd,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Field::deserialize(deserializer)? {
            Field::Is(text) => Self::Is(text),
            Field::Absent | Field::Other(_) => Self::Odd,
        })
    }
}

impl Text {
    /// The text, empty where the field is absent; none where it is `null` or no text.
    fn plain(self) -> Option<String> {
        match self {
            Self::Absent => Some(String::new()),
            Self::Is(text) => Some(text),
            Self::Odd => None,
        }
    }
}

/// A short address, which may be absent, `null` or empty.
struct Address(Option<String>);

impl Address {
    /// None where it is no text.
    fn read(field: Field<String>) -> Option<Self> {
        match field {
            Field::Absent => Some(Self(None)),
            Field::Is(text) => Some(Self(Some(text).filter(|text| !text.is_empty()))),
            Field::Other(_) => None,
        }
    }
}

/// A user as `users.get` tells it.
#[derive(Debug, PartialEq, Eq)]
pub struct UserInfo {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Short address; deactivated users have none.
    pub domain: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UserElement {
    id: Field<i64>,
    first_name: Text,
    last_name: Text,
    domain: Field<String>,
}

impl Listed for UserInfo {
    const METHOD: Method = Method::Users;

    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)> {
        vec![("user_ids", list(ids)), ("fields", "domain".to_owned())]
    }

    fn elements(response: &RawValue) -> serde_json::Result<Elements<'_>> {
        serde_json::from_str(response.get())
    }

    fn element(raw: &RawValue) -> Element<Self> {
        let Some(UserElement { id: Field::Is(id), first_name, last_name, domain }) = object(raw)
        else {
            return Element::Odd(None);
        };
        let user = (|| {
            let (first_name, last_name) = (first_name.plain()?, last_name.plain()?);
            Some(Self { first_name, last_name, domain: Address::read(domain)?.0 })
        })();
        user.map_or(Element::Odd(Some(id)), |user| Element::Lookups(id, user))
    }
}

/// A community as `groups.getById` tells it; its id is positive.
#[derive(Debug, PartialEq, Eq)]
pub struct CommunityInfo {
    /// Its name.
    pub name: String,
    /// Its short address.
    pub screen_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommunityElement {
    id: Field<i64>,
    name: Text,
    screen_name: Field<String>,
}

/// The answer since 5.199; before, it was a bare list.
#[derive(Deserialize)]
struct Communities<'a> {
    #[serde(borrow)]
    groups: Elements<'a>,
}

impl Listed for CommunityInfo {
    const METHOD: Method = Method::Communities;

    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)> {
        vec![("group_ids", list(ids))]
    }

    fn elements(response: &RawValue) -> serde_json::Result<Elements<'_>> {
        if response.get().starts_with('[') {
            return serde_json::from_str(response.get());
        }
        let Communities { groups } = serde_json::from_str(response.get())?;
        Ok(groups)
    }

    fn element(raw: &RawValue) -> Element<Self> {
        let Some(CommunityElement { id: Field::Is(id), name, screen_name }) = object(raw) else {
            return Element::Odd(None);
        };
        let community =
            (|| Some(Self { name: name.plain()?, screen_name: Address::read(screen_name)?.0 }))();
        community.map_or(Element::Odd(Some(id)), |community| Element::Lookups(id, community))
    }
}

/// A chat as `messages.getConversationsById` tells it, by its peer id.
#[derive(Debug, PartialEq, Eq)]
pub struct ChatInfo {
    /// Its title.
    pub title: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ChatElement {
    peer: Field<Object<Peer>>,
    chat_settings: Field<Object<ChatSettings>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Peer {
    id: Field<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ChatSettings {
    title: Field<String>,
}

/// The answer; without items where there is nothing to tell.
#[derive(Deserialize)]
struct Conversations<'a> {
    #[serde(borrow, default)]
    items: Elements<'a>,
}

impl Listed for ChatInfo {
    const METHOD: Method = Method::Conversations;

    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)> {
        vec![("peer_ids", list(ids))]
    }

    fn elements(response: &RawValue) -> serde_json::Result<Elements<'_>> {
        let Conversations { items } = serde_json::from_str(response.get())?;
        Ok(items)
    }

    fn element(raw: &RawValue) -> Element<Self> {
        let Some(ChatElement { peer: Field::Is(Object(peer)), chat_settings }) = object(raw) else {
            return Element::Odd(None);
        };
        let Field::Is(id) = peer.id else { return Element::Odd(None) };
        match chat_settings {
            Field::Is(Object(ChatSettings { title: Field::Is(title) })) => {
                Element::Lookups(id, Self { title })
            }
            // A dialog has no title, and neither has a chat that may not be seen.
            Field::Absent | Field::Is(Object(ChatSettings { title: Field::Absent })) => {
                Element::Nothing
            }
            Field::Is(_) | Field::Other(_) => Element::Odd(Some(id)),
        }
    }
}

/// Ids as VK takes them.
pub(super) fn list(ids: &[i64]) -> String {
    let mut text = String::with_capacity(ids.len() * 11);
    for id in ids {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&id.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing<T: Listed>(response: &str, ids: &[i64]) -> Listing<T> {
        read(serde_json::from_str(response).unwrap(), ids).unwrap()
    }

    #[test]
    fn an_odd_element_costs_only_itself() {
        let good = r#"{"id":1,"first_name":"Anna","last_name":""}"#;
        for odd in [
            r#"{"id":2,"first_name":null}"#,
            r#"{"id":2,"first_name":7,"last_name":"x"}"#,
            r#"{"id":2,"domain":[]}"#,
        ] {
            let it = listing::<UserInfo>(&format!("[{odd},{good}]"), &[1, 2, 3]);
            assert!(it.known.contains_key(&1) && it.known.len() == 1, "{odd}");
            assert_eq!((it.unknown, it.unanswered), (vec![3], vec![2]), "{odd}");
        }
    }

    #[test]
    fn an_odd_element_without_an_id_may_be_that_of_any_id_left_out() {
        let good = r#"{"id":1,"first_name":"Anna","last_name":""}"#;
        for odd in ["null", "7", "[]", "{}", r#"{"id":null}"#, r#"{"id":2,"id":2}"#, "\"x\""] {
            let it = listing::<UserInfo>(&format!("[{odd},{good}]"), &[1, 2, 3]);
            assert!(it.known.contains_key(&1) && it.unknown.is_empty(), "{odd}");
            assert_eq!(it.unanswered, [2, 3], "{odd}");
        }
    }

    #[test]
    fn a_list_without_end_is_read_to_a_bound() {
        let it = listing::<UserInfo>(&format!("[{}1]", "1,".repeat(100_000)), &[1]);
        assert_eq!((it.known.len(), it.unanswered), (0, vec![1]));
    }

    #[test]
    fn communities_and_chats_are_read_in_all_their_forms() {
        let group = r#"{"id":5,"name":"Tea","screen_name":"tea"}"#;
        for response in
            [format!("[{group}]"), format!(r#"{{"groups":[{group},{{"id":6,"name":1}}]}}"#)]
        {
            let it = listing::<CommunityInfo>(&response, &[5]);
            assert_eq!(it.known[&5].screen_name.as_deref(), Some("tea"));
        }
        let items = r#"{"items":[{"peer":{"id":1}},{"peer":{"id":2},"chat_settings":{"title":"T"}},
            {"peer":{"id":3},"chat_settings":{}},{"peer":{"id":4},"chat_settings":{"title":4}}]}"#;
        let it = listing::<ChatInfo>(items, &[1, 2, 3, 4]);
        assert_eq!(it.known[&2].title, "T");
        assert_eq!((it.unknown, it.unanswered), (vec![1, 3], vec![4]));
        assert_eq!(listing::<ChatInfo>("{}", &[1]).unknown, [1]);
    }
}
