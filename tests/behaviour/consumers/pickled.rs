//! Pickles, as Python reads them.

use event_fetcher::{
    bus::{PickleClasses, PickleVersion, pickle},
    event::{Content, Event},
};
use proptest::prelude::*;

use super::{
    events::{events, samples},
    python::{hex, python},
};

/// The presets, and custom modules.
fn layouts() -> [PickleClasses; 3] {
    let classes = |module: &str, class: &str, objects: &str, version| PickleClasses {
        event_module: module.to_owned(),
        event_class: class.to_owned(),
        objects_module: objects.to_owned(),
        version,
    };
    let toaster = ["toaster.broker.events.events", "Event", "toaster.broker.events.objects"];
    let funcka_bots = ["funcka_bots.events.events", "VkEvent", "funcka_bots.events.objects"];
    [
        classes(toaster[0], toaster[1], toaster[2], PickleVersion::Toaster),
        classes(funcka_bots[0], funcka_bots[1], funcka_bots[2], PickleVersion::FunckaBots),
        classes("handler.events", "Event", "handler.events", PickleVersion::FunckaBots),
    ]
}

/// A line for each event and layout: the pickle, and the JSON.
fn lines(events: &[Event]) -> String {
    let line = |event: &Event, classes: &PickleClasses| {
        let mut read = event.clone();
        if let (PickleVersion::Toaster, Content::Message(message) | Content::Command(message)) =
            (classes.version, &mut read.content)
        {
            message.forward.retain(|it| it.bpid == Some(event.peer.bpid));
        }
        format!("{} {}\n", hex(&pickle(event, classes)), serde_json::to_string(&read).unwrap())
    };
    let layouts = layouts();
    events.iter().flat_map(|event| layouts.iter().map(move |it| line(event, it))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn an_unpickled_event_is_its_json(events in events(true)) {
        python("unpickle.py", &lines(&events));
    }
}

#[test]
fn pickles_are_what_they_were() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/consumers/pickled.txt");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let now = lines(&samples());
    python("unpickle.py", &now);
    if kept != now {
        std::fs::write(format!("{path}.new"), now).unwrap();
        panic!("handlers would be sent other pickles: see {path}.new, and rename it if they may");
    }
}

#[test]
fn an_author_that_vk_did_not_name_is_none() {
    let mut events = samples();
    let unknown = |event: &mut Event| {
        if let Content::Message(message) = &mut event.content {
            message.reply.as_mut().unwrap().uuid = None;
        }
    };
    events.iter_mut().for_each(unknown);
    let toaster = &layouts()[0];
    let input: String = events[1..2].iter().map(|it| hex(&pickle(it, toaster)) + "\n").collect();
    let output = python("handler_of_old.py", &input);
    assert!(output.contains("warn None for Hi! at 3894"), "{output}");
}
