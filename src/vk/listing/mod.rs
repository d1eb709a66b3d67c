//! Responses that list users, communities or chats. Each element is parsed separately, so that an invalid
//! one does not affect the others.

mod elements;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Result, value::RawValue};

use super::{
    Method,
    field::{Field, First, Object},
};
pub use elements::{ChatInfo, CommunityInfo, UserInfo};

/// The elements of a response, not parsed yet: at most twice as many as the ids that any method takes.
pub(super) type List<'a> = First<&'a RawValue, 2000>;

/// An object that an API method looks up by id.
pub trait Listed: Sized + Send + 'static {
    /// The method.
    const METHOD: Method;

    /// The parameters of a call for these ids.
    fn parameters(ids: &[i64]) -> Vec<(&'static str, String)>;

    /// The list in a response.
    ///
    /// # Errors
    /// If there is none.
    fn list(response: &RawValue) -> Result<List<'_>>;

    /// The id of an element, if it is valid.
    #[must_use]
    fn id(element: &RawValue) -> Option<i64> {
        id(element)
    }

    /// The object in an element; none if VK knows the id, but returns no data for it.
    ///
    /// # Errors
    /// If it is invalid.
    fn object(element: &RawValue) -> Result<Option<Self>>;
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
pub(super) fn read<T: Listed>(response: &RawValue, ids: &[i64]) -> Result<Listing<T>> {
    let First { items, more } = T::list(response)?;
    let (mut objects, mut any_invalid) = (HashMap::new(), more > 0);
    for element in items {
        match T::id(element) {
            Some(id) => drop(objects.insert(id, T::object(element))),
            None => any_invalid = true,
        }
    }
    let mut listing =
        Listing { known: HashMap::new(), unknown: Vec::new(), unanswered: Vec::new() };
    for &id in ids {
        match objects.remove(&id) {
            Some(Ok(Some(object))) => drop(listing.known.insert(id, object)),
            Some(Ok(None)) | None if !any_invalid => listing.unknown.push(id),
            Some(_) | None => listing.unanswered.push(id),
        }
    }
    Ok(listing)
}

/// The field `id` of an object.
fn id(object: &RawValue) -> Option<i64> {
    #[derive(Deserialize)]
    struct Key {
        id: i64,
    }
    match serde_json::from_str(object.get()) {
        Ok(Field::Is(Object(Key { id }))) => Some(id),
        _ => None,
    }
}

/// Ids as a parameter: separated by commas.
pub(super) fn list(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
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
