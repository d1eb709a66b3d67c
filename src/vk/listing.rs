//! Responses that list users, communities or chats. Each element is parsed separately, so that an invalid
//! one does not affect the others.

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

/// The most elements that are read from a response: twice as many ids as any method takes.
const ELEMENTS: usize = 2000;

/// An object that an API method looks up by id.
pub trait Listed: Sized + Send + 'static {
    /// The method.
    const METHOD: Method;

    /// The parameters of a call for these ids.
    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)>;

    /// The list in a response.
    fn elements(response: &RawValue) -> serde_json::Result<Elements<'_>>;

    /// Parses one element.
    fn element(raw: &RawValue) -> Element<Self>;
}

/// The elements of a list, not parsed yet.
#[derive(Debug, Default)]
pub struct Elements<'a> {
    read: Vec<&'a RawValue>,
    /// There were more than [`ELEMENTS`].
    more: bool,
}

/// One element of a list.
#[derive(Debug, PartialEq, Eq)]
pub enum Element<T> {
    /// The object with this id.
    Found(i64, T),
    /// VK knows the id, but returns no data for it.
    Nothing,
    /// An invalid element, with its id if that is valid.
    Invalid(Option<i64>),
}

/// The result of a look-up of several ids.
#[derive(Debug)]
pub struct Listing<T> {
    /// The object of each id.
    pub known: HashMap<i64, T>,
    /// Ids without data: VK does not know them, or hides them.
    pub unknown: Vec<i64>,
    /// Ids whose element is invalid, or may be an invalid one without an id.
    pub unanswered: Vec<i64>,
}

impl<T> Listing<T> {
    /// Whether the response has any usable data.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.unanswered.is_empty() || !self.known.is_empty()
    }
}

/// Parses the response to a look-up of `ids`.
pub(super) fn read<T: Listed>(response: &RawValue, ids: &[i64]) -> serde_json::Result<Listing<T>> {
    let Elements { read, more } = T::elements(response)?;
    let (mut found, mut invalid, mut any_invalid) = (HashMap::new(), Vec::new(), more);
    for element in read {
        match T::element(element) {
            Element::Found(id, value) => drop(found.insert(id, value)),
            Element::Nothing => {}
            Element::Invalid(Some(id)) => invalid.push(id),
            Element::Invalid(None) => any_invalid = true,
        }
    }
    let mut listing =
        Listing { known: HashMap::new(), unknown: Vec::new(), unanswered: Vec::new() };
    for &id in ids {
        if invalid.contains(&id) {
            listing.unanswered.push(id);
        } else if let Some(value) = found.remove(&id) {
            listing.known.insert(id, value);
        } else if any_invalid {
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

/// The fields of an object; none if the element is no object, or has a field twice.
fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    match serde_json::from_str(raw.get()) {
        Ok(Field::Is(Object(fields))) => Some(fields),
        _ => None,
    }
}

/// A text that VK never sets to `null`.
#[derive(Debug, Default)]
enum Text {
    #[default]
    Absent,
    Is(String),
    Invalid,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Field::deserialize(deserializer)? {
            Field::Is(text) => Self::Is(text),
            Field::Absent | Field::Other(_) => Self::Invalid,
        })
    }
}

impl Text {
    /// The text, empty if the field is absent; none if it is `null` or no text.
    fn plain(self) -> Option<String> {
        match self {
            Self::Absent => Some(String::new()),
            Self::Is(text) => Some(text),
            Self::Invalid => None,
        }
    }
}

/// A short address, which may be absent, `null` or empty.
struct Address(Option<String>);

impl Address {
    /// None if it is no text.
    fn read(field: Field<String>) -> Option<Self> {
        match field {
            Field::Absent => Some(Self(None)),
            Field::Is(text) => Some(Self(Some(text).filter(|text| !text.is_empty()))),
            Field::Other(_) => None,
        }
    }
}

/// A user in the response of `users.get`.
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
            return Element::Invalid(None);
        };
        let user = (|| {
            let (first_name, last_name) = (first_name.plain()?, last_name.plain()?);
            Some(Self { first_name, last_name, domain: Address::read(domain)?.0 })
        })();
        user.map_or(Element::Invalid(Some(id)), |user| Element::Found(id, user))
    }
}

/// A community in the response of `groups.getById`; its id is positive.
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

/// The response since API 5.199; before, it was a bare list.
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
            return Element::Invalid(None);
        };
        let community =
            (|| Some(Self { name: name.plain()?, screen_name: Address::read(screen_name)?.0 }))();
        community.map_or(Element::Invalid(Some(id)), |community| Element::Found(id, community))
    }
}

/// A chat in the response of `messages.getConversationsById`, by its peer id.
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

/// The response; without items if VK returns none of the chats.
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
            return Element::Invalid(None);
        };
        let Field::Is(id) = peer.id else { return Element::Invalid(None) };
        match chat_settings {
            Field::Is(Object(ChatSettings { title: Field::Is(title) })) => {
                Element::Found(id, Self { title })
            }
            // Dialogs and hidden chats have no title.
            Field::Absent | Field::Is(Object(ChatSettings { title: Field::Absent })) => {
                Element::Nothing
            }
            Field::Is(_) | Field::Other(_) => Element::Invalid(Some(id)),
        }
    }
}

/// Ids as a parameter: separated by commas.
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
    fn an_invalid_element_affects_only_itself() {
        let good = r#"{"id":1,"first_name":"Anna","last_name":""}"#;
        for invalid in [
            r#"{"id":2,"first_name":null}"#,
            r#"{"id":2,"first_name":7,"last_name":"x"}"#,
            r#"{"id":2,"domain":[]}"#,
        ] {
            let it = listing::<UserInfo>(&format!("[{invalid},{good}]"), &[1, 2, 3]);
            assert!(it.known.contains_key(&1) && it.known.len() == 1, "{invalid}");
            assert_eq!((it.unknown, it.unanswered), (vec![3], vec![2]), "{invalid}");
        }
    }

    #[test]
    fn an_invalid_element_without_an_id_may_belong_to_any_missing_id() {
        let good = r#"{"id":1,"first_name":"Anna","last_name":""}"#;
        for invalid in ["null", "7", "[]", "{}", r#"{"id":null}"#, r#"{"id":2,"id":2}"#, "\"x\""] {
            let it = listing::<UserInfo>(&format!("[{invalid},{good}]"), &[1, 2, 3]);
            assert!(it.known.contains_key(&1) && it.unknown.is_empty(), "{invalid}");
            assert_eq!(it.unanswered, [2, 3], "{invalid}");
        }
    }

    #[test]
    fn a_long_list_is_read_up_to_a_limit() {
        let it = listing::<UserInfo>(&format!("[{}1]", "1,".repeat(100_000)), &[1]);
        assert_eq!((it.known.len(), it.unanswered), (0, vec![1]));
    }

    #[test]
    fn all_forms_of_communities_and_chats_are_parsed() {
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
