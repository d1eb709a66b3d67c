//! Responses that list users, communities or chats. Each element is parsed separately, so that an invalid
//! one does not affect the others.

mod elements;

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::Method;
pub use elements::{ChatInfo, CommunityInfo, UserInfo};

/// The most elements that are read from a response: twice as many ids as any method takes.
const ELEMENTS: usize = 2000;

/// An object that an API method looks up by id.
pub trait Listed: Sized + Send + 'static {
    /// The method.
    const METHOD: Method;

    /// The parameters of a call for these ids.
    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)>;

    /// The list in a response.
    ///
    /// # Errors
    ///
    /// If there is none.
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

impl Elements<'_> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.read.len()
    }
}

impl<'a> IntoIterator for Elements<'a> {
    type Item = &'a RawValue;
    type IntoIter = std::vec::IntoIter<&'a RawValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.read.into_iter()
    }
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
