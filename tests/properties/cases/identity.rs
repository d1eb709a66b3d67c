//! Who did it, and where.

use std::sync::Arc;

use event_fetcher::converter::{self, Community, LookupRequest, Lookups, Rules};
use serde_json::{Value, json};

use super::updates::{
    CHAT, dict, dict_with, known, message, message_new, partial, person, request,
};

fn from(from_id: i64, peer_id: i64) -> Value {
    message_new(&message(&json!({ "from_id": from_id, "peer_id": peer_id })))
}

fn user(uuid: i64, names: [&str; 3], nick: &str) -> Value {
    let [name, firstname, lastname] = names;
    json!({
        "uuid": uuid, "name": name, "firstname": firstname, "lastname": lastname, "nick": nick,
    })
}

#[test]
fn case_29_a_chat_whose_title_vk_does_not_tell_has_no_name() {
    let event = dict_with(&from(100, CHAT), &Lookups::default(), &Rules::default());
    assert_eq!(event["peer"], json!({ "bpid": CHAT, "cid": 7, "name": "" }));
}

#[test]
fn case_29_a_dialog_bears_the_other_sides_name() {
    let peer = |peer_id| dict(&from(100, peer_id))["peer"].clone();
    assert_eq!(peer(CHAT), json!({ "bpid": CHAT, "cid": 7, "name": "Chat seven" }));
    assert_eq!(peer(100), json!({ "bpid": 100, "cid": 0, "name": "Anna Petrova" }));
    assert_eq!(peer(101), json!({ "bpid": 101, "cid": 0, "name": "" }));
    assert_eq!(peer(-5), json!({ "bpid": -5, "cid": 0, "name": "Five" }));
    assert_eq!(peer(-6), json!({ "bpid": -6, "cid": 0, "name": "" }));
    let guest = -2_000_000_007_i64;
    assert_eq!(peer(guest), json!({ "bpid": guest, "cid": 0, "name": "" }));
}

#[test]
fn case_30_a_community_writes_under_its_own_name() {
    let author = dict(&from(-5, CHAT))["user"].clone();
    assert_eq!(author, user(-5, ["Five", "Five", ""], "five"));

    let mut known = Lookups::default();
    let nameless = Community { name: "Six".to_owned(), screen_name: None };
    known.communities.insert(6, Arc::new(nameless));
    let author = dict_with(&from(-6, CHAT), &known, &Rules::default())["user"].clone();
    assert_eq!(author, user(-6, ["Six", "Six", ""], "club6"));
}

#[test]
fn case_30_a_deactivated_user_keeps_what_vk_says() {
    let mut known = Lookups::default();
    known.users.insert(9, person("DELETED", "", None));
    let author = dict_with(&from(9, CHAT), &known, &Rules::default())["user"].clone();
    assert_eq!(author, user(9, ["DELETED", "DELETED", ""], "id9"));
}

#[test]
fn an_author_whom_vk_does_not_know_has_an_id_and_no_names() {
    for (uuid, nick) in [(101, "id101"), (-6, "club6"), (-2_000_000_007, "id-2000000007")] {
        let author = dict(&from(uuid, CHAT))["user"].clone();
        assert_eq!(author, user(uuid, ["", "", ""], nick));
    }
}

#[test]
fn an_empty_short_address_is_none() {
    let mut known = known();
    known.users.insert(9, person("A", "B", Some("")));
    let author = dict_with(&from(9, CHAT), &known, &Rules::default())["user"].clone();
    assert_eq!(author, user(9, ["A B", "A", "B"], "id9"));
}

#[test]
fn no_more_is_asked_for_than_is_needed() {
    let asked = |update: &Value| {
        let LookupRequest { users, communities, chats, messages } = request(update);
        assert!(messages.is_empty());
        [users, communities, chats].map(|ids| ids.into_iter().collect::<Vec<i64>>())
    };
    assert_eq!(asked(&from(100, 100)), [vec![100], vec![], vec![]]);
    assert_eq!(asked(&from(100, CHAT)), [vec![100], vec![], vec![CHAT]]);
    assert_eq!(asked(&from(-5, CHAT)), [vec![], vec![5], vec![CHAT]]);
    assert_eq!(asked(&from(-5, 100)), [vec![100], vec![5], vec![]]);
    assert_eq!(asked(&from(-2_000_000_007, -2_000_000_008)), <[Vec<i64>; 3]>::default());
    assert_eq!(asked(&retitled("New")), [vec![100], vec![], vec![]]);
}

fn retitled(title: &str) -> Value {
    let action = json!({ "type": "chat_title_update", "text": title });
    message_new(&message(&json!({ "text": "", "action": action })))
}

#[test]
fn a_new_title_shows_from_its_own_event_on() {
    let mut known = known();
    let partials =
        [from(100, CHAT), retitled("New"), from(100, CHAT)].map(|update| partial(&update));
    assert_eq!(partials[1].new_title(), Some((CHAT, "New")));
    assert_eq!(partials[0].new_title(), None);

    let rules = Rules::default();
    let events = converter::complete(partials, &mut known, &rules);
    let names: Vec<_> = events.map(|event| event.peer.name).collect();
    assert_eq!(names, ["Chat seven", "New", "New"]);
    assert_eq!(known.chats[&CHAT].as_ref(), "New", "the next batch knows it too");

    assert_eq!(dict(&retitled("Alone"))["peer"]["name"], "Alone");
}

#[test]
fn only_a_chats_title_update_makes_a_new_title() {
    let action = |kind: &str, text: Value, peer_id: i64| {
        let action = json!({ "type": kind, "text": text });
        message_new(&message(&json!({ "action": action, "peer_id": peer_id })))
    };
    for update in [
        action("chat_pin_message", json!("New"), CHAT),
        action("chat_title_update", json!(5), CHAT),
        action("chat_title_update", json!("New"), 100),
    ] {
        assert_eq!(partial(&update).new_title(), None, "{update}");
    }
}
