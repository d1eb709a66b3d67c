//! Properties of the converter that hold for every update.

mod strategies;
mod world;

use crate::outcome::{self, Outcome};
use event_fetcher::{
    converter::{self, LookupRequest, Lookups, Parsed, Rules},
    event::{Content, Event, event_schema},
};
use proptest::prelude::*;
use serde_json::Value;

use strategies::{Kind, Sample};

fn event(sample: &Sample, known: &Lookups, rules: &Rules) -> Result<Event, TestCaseError> {
    match outcome::convert(&sample.raw(), known, rules) {
        Outcome::Event(event) => Ok(event),
        other => Err(TestCaseError::fail(format!("no event but {other:?}"))),
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(raw in any::<String>()) {
        let outcome = outcome::convert(&raw, &world::known(), &Rules::default());
        prop_assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    }

    #[test]
    fn no_json_makes_it_panic(json in strategies::json()) {
        let outcome = outcome::convert(&json.to_string(), &world::known(), &Rules::default());
        if let Outcome::Unrouted(kind) = outcome {
            prop_assert_eq!(json["type"].as_str(), Some(kind.as_str()));
        }
    }

    #[test]
    fn a_routed_type_around_any_json_is_an_event_or_a_rejection(
        kind in strategies::routed_type(),
        object in strategies::json(),
    ) {
        let raw = serde_json::json!({ "type": kind, "object": object }).to_string();
        let outcome = outcome::convert(&raw, &world::known(), &Rules::default());
        prop_assert!(!matches!(outcome, Outcome::Unrouted(_)));
    }

    /// Anything put anywhere into a good update: an event that obeys the schema, or a reason.
    #[test]
    fn a_spoilt_update_is_an_event_or_a_rejection(
        sample in strategies::sample(),
        place in any::<prop::sample::Index>(),
        intruder in strategies::json(),
    ) {
        let mut update = sample.update.clone();
        let places = strategies::places(&update);
        if let Some(value) = update.pointer_mut(place.get(&places).as_str()) {
            *value = intruder;
        }
        match outcome::convert(&update.to_string(), &world::known(), &Rules::default()) {
            Outcome::Event(event) => {
                prop_assert!(world::identity(event.peer.bpid).is_some());
                prop_assert!(world::validator().is_valid(&event.as_dict()));
            }
            Outcome::Rejected(rejection) => {
                prop_assert!(!rejection.to_string().is_empty());
                prop_assert!(["missing", "wrong_type", "no_identity", "unreadable"]
                    .contains(&rejection.code()));
            }
            Outcome::Unrouted(kind) => prop_assert_eq!(Some(kind.as_str()), update["type"].as_str()),
        }
    }

    #[test]
    fn user_and_peer_are_always_there_and_right(sample in strategies::sample()) {
        let known = world::known();
        let event = event(&sample, &known, &Rules::default())?;
        prop_assert_eq!(event.user, world::user(sample.author));
        let mut peer = world::peer(sample.peer);
        if let Some(title) = world::title_given(&sample) {
            title.clone_into(&mut peer.name);
        }
        prop_assert_eq!(&event.peer, &peer);
        let chat = sample.peer - 2_000_000_000;
        prop_assert_eq!(event.peer.cid, chat.max(0));
    }

    /// What a partial asks for is all that it request: with no more known, the event is the same.
    #[test]
    fn what_is_asked_for_is_enough(
        sample in strategies::sample(),
        whole in strategies::sample_message(),
    ) {
        let mut known = world::known();
        let cmid = sample.message["conversation_message_id"].as_i64().unwrap_or(0);
        let whole = serde_json::value::to_raw_value(&whole.message)?;
        known.messages.insert((sample.peer, cmid), whole);

        let mut request = LookupRequest::default();
        if let Parsed::Routed(partial) = converter::parse(&sample.raw(), &Rules::default()) {
            partial.add_to(&mut request);
        }
        let asked = world::restricted(&known, &request);
        let rules = Rules::default();
        prop_assert_eq!(event(&sample, &asked, &rules)?, event(&sample, &known, &rules)?);
    }

    #[test]
    fn the_event_has_exactly_the_attributes_of_its_type(sample in strategies::sample()) {
        let dict = event(&sample, &world::known(), &Rules::default())?.as_dict();
        prop_assert!(world::validator().is_valid(&dict), "{}", dict);
        let attribute = match sample.kind {
            Kind::Message => "message",
            Kind::Press => "button",
            Kind::Reaction => "reaction",
        };
        let keys: Vec<_> = dict.as_object().into_iter().flatten().map(|(key, _)| key).collect();
        prop_assert_eq!(keys, ["event_type", "event_id", "user", "peer", attribute]);
    }

    #[test]
    fn a_command_is_a_message_with_a_prefix(
        sample in strategies::sample_message(),
        prefixes in prop::collection::vec("[/!.a-c]{1,2}", 0..3),
    ) {
        let rules = Rules { command_prefixes: prefixes.clone(), ..Rules::default() };
        let event = event(&sample, &world::known(), &rules)?;
        let text = sample.message["text"].as_str().unwrap_or_default();
        let begins = prefixes.iter().any(|prefix| text.find(prefix.as_str()) == Some(0));
        match event.content {
            Content::Command(message) => {
                prop_assert!(begins);
                prop_assert_eq!(message.text, text);
            }
            Content::Message(message) => {
                prop_assert!(!begins);
                prop_assert_eq!(message.text, text);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn attachments_reply_and_forwards_keep_order_and_count(
        sample in strategies::sample_message(),
        reply_author in any::<bool>(),
    ) {
        let rules = Rules { reply_author, ..Rules::default() };
        let dict = event(&sample, &world::known(), &rules)?.as_dict();
        prop_assert_eq!(&dict["message"], &world::contents(&sample.message, reply_author));
    }

    #[test]
    fn a_press_and_a_reaction_keep_their_values(sample in strategies::sample()) {
        let object = &sample.update["object"];
        match event(&sample, &world::known(), &Rules::default())?.content {
            Content::Button(button) => {
                let cmid = object["conversation_message_id"].as_i64().unwrap_or(0);
                prop_assert_eq!(button.cmid, cmid);
                prop_assert_eq!(Some(button.beid.as_str()), object["event_id"].as_str());
                prop_assert_eq!(button.payload, world::payload(object.get("payload")));
            }
            Content::Reaction(reaction) => {
                prop_assert_eq!(Some(reaction.cmid), object["cmid"].as_i64());
                prop_assert_eq!(reaction.rid, object["reaction_id"].as_i64().unwrap_or(0));
            }
            Content::Message(_) | Content::Command(_) => {
                prop_assert_eq!(sample.kind, Kind::Message);
            }
        }
    }

    #[test]
    fn as_dict_reads_back_as_the_event(sample in strategies::sample(), reply_author: bool) {
        let rules = Rules { reply_author, ..Rules::default() };
        let event = event(&sample, &world::known(), &rules)?;
        let json = event.as_dict().to_string();
        prop_assert_eq!(&serde_json::to_string(&event)?, &json);
        prop_assert_eq!(serde_json::from_str::<Event>(&json)?, event);
    }

    #[test]
    fn the_same_update_gives_the_same_event(sample in strategies::sample()) {
        let convert = || outcome::convert(&sample.raw(), &world::known(), &Rules::default());
        prop_assert_eq!(convert(), convert());
    }

    #[test]
    fn an_event_keeps_vks_id_or_gets_a_digest(sample in strategies::sample()) {
        let rules = Rules::default();
        let id = event(&sample, &world::known(), &rules)?.event_id;
        match sample.update["event_id"].as_str() {
            Some(given) if !given.is_empty() => prop_assert_eq!(id, given),
            _ => {
                prop_assert_eq!(id.len(), 40);
                prop_assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
            }
        }
    }

    /// Each event of a batch is what it would be alone, with the titles given so far; where no
    /// title changes, converting a batch is converting each.
    #[test]
    fn a_title_shows_from_its_own_event_on(batch in strategies::batch()) {
        let rules = Rules::default();
        let partials = batch.iter().map(|sample| match converter::parse(&sample.raw(), &rules) {
            Parsed::Routed(partial) => Ok(partial),
            other => Err(TestCaseError::fail(format!("no partial but {other:?}"))),
        }).collect::<Result<Vec<_>, _>>()?;
        let mut known = world::known();
        let events = converter::complete(partials, &mut known, &rules).collect::<Vec<_>>();

        prop_assert_eq!(events.len(), batch.len());
        let mut titles = world::known();
        for (sample, in_batch) in batch.iter().zip(events) {
            let alone = event(sample, &titles, &rules)?;
            prop_assert_eq!(&in_batch, &alone);
            if let Some(title) = world::title_given(sample) {
                prop_assert_eq!(&in_batch.peer.name, title);
                titles.chats.insert(sample.peer, title.into());
            }
        }
    }
}

#[test]
fn the_schema_is_valid_json_schema() {
    let schema: Value = event_schema().to_value();
    assert!(jsonschema::meta::is_valid(&schema));
}
