//! Each reply, and the state after it.

use super::*;

fn server() -> LongPollServer {
    LongPollServer::new(reqwest::Url::parse("https://lp.vk.ru/whp/1").unwrap(), "key".into())
}

fn polling(ts: u32) -> Polling {
    Polling::new(server(), Ts::from(ts))
}

fn position(step: &Step) -> Option<u64> {
    match &step.state {
        SessionState::Polling(polling) => Some(polling.ts.get()),
        SessionState::Connecting(Connecting::From(ts) | Connecting::LostAfter(ts)) => {
            Some(ts.get())
        }
        SessionState::Connecting(Connecting::Fresh) => None,
    }
}

#[test]
fn a_resumed_session_keeps_its_own_position_with_a_new_key() {
    let step = Connecting::From(Ts::from(7)).granted(server(), Ts::from(99));
    assert_eq!(position(&step), Some(7));
    assert!(step.batch.is_none());
}

#[test]
fn a_first_start_takes_the_servers_position_and_commits_it() {
    let step = Connecting::Fresh.granted(server(), Ts::from(99));
    assert_eq!(step.batch, Some(Batch::position_only(Ts::from(99), None)));
}

#[test]
fn updates_move_the_position_to_the_replys() {
    let updates = vec!["{}".into()];
    let step = polling(4).replied(PollReply::Updates { ts: Ts::from(5), updates: updates.clone() });
    assert_eq!(position(&step), Some(5));
    assert_eq!(step.batch, Some(Batch::new(updates, Ts::from(5))));
}

#[test]
fn an_empty_reply_passes_on_nothing() {
    let step = polling(4).replied(PollReply::Updates { ts: Ts::from(4), updates: vec![] });
    assert!(step.batch.is_none() && step.failure.is_none());
}

#[test]
fn failed_1_goes_on_from_the_replys_position_with_a_gap() {
    let step = polling(4).replied(PollReply::Outdated { ts: Ts::from(9) });
    assert!(matches!(step.state, SessionState::Polling(_)));
    let gap = step.batch.unwrap().gaps[0];
    assert_eq!((gap.from, gap.to, gap.updates_lost()), (Ts::from(4), Ts::from(9), 5));
}

#[test]
fn failed_2_keeps_the_position_and_requests_a_key() {
    let step = polling(4).replied(PollReply::KeyExpired);
    assert!(
        matches!(step.state, SessionState::Connecting(Connecting::From(at)) if at == Ts::from(4))
    );
    assert!(step.batch.is_none());
}

#[test]
fn failed_3_takes_the_new_position_with_a_gap() {
    let step = polling(4).replied(PollReply::Lost);
    let SessionState::Connecting(connecting) = step.state else { panic!("requests a server") };
    let step = connecting.granted(server(), Ts::from(2));
    assert_eq!(position(&step), Some(2));
    assert_eq!(step.batch.unwrap().gaps[0].from, Ts::from(4));
}

#[test]
fn an_unknown_reply_backs_off_and_requests_a_server_from_the_same_position() {
    let step = polling(4).replied(PollReply::Unknown { what: "failed 7".into() });
    assert!(
        matches!(step.state, SessionState::Connecting(Connecting::From(at)) if at == Ts::from(4))
    );
    assert!(step.failure.is_some());
}

#[test]
fn an_unreachable_server_is_polled_again_and_then_replaced() {
    let mut current = polling(4);
    for _ in 1..MAX_FAILED_POLLS {
        let step = current.replied(PollReply::Unreachable { reason: "reset".into() });
        assert!(step.failure.is_some());
        let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
        current = next;
    }
    let step = current.replied(PollReply::Unreachable { reason: "reset".into() });
    assert!(
        matches!(step.state, SessionState::Connecting(Connecting::From(at)) if at == Ts::from(4))
    );
}

#[test]
fn a_body_that_stays_damaged_is_salvaged_after_a_few_tries() {
    let body = r#"{"ts":"6","updates":[{"a":1},{"b":2},]}"#;
    let mut current = polling(4);
    for _ in 1..SAME_DAMAGE_TRIES {
        let step = current.replied(PollReply::Malformed { body: body.into() });
        assert!(step.batch.is_none() && step.failure.is_some());
        let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
        current = next;
    }
    let step = current.replied(PollReply::Malformed { body: body.into() });
    assert_eq!(position(&step), Some(6));
    assert_eq!(step.batch.unwrap().updates.len(), 2);
}

#[test]
fn bodies_with_different_damage_are_requested_again() {
    let mut current = polling(4);
    for cut in 20..29 {
        let body = &r#"{"ts":"6","updates":[{"a":1},{"b":2},]}"#[..cut];
        let step = current.replied(PollReply::Malformed { body: body.into() });
        assert!(step.batch.is_none());
        let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
        current = next;
    }
}

#[test]
fn bodies_cut_off_in_different_places_yield_their_whole_updates_in_the_end() {
    let whole = r#"{"ts":"7","updates":[{"a":1},{"b":2},{"c":"a long text"}]}"#;
    let mut current = polling(4);
    for cut in 1..DAMAGED_BODY_TRIES as usize {
        let body = &whole[..38 + cut];
        let step = current.replied(PollReply::Malformed { body: body.into() });
        assert!(step.batch.is_none() && step.failure.is_some(), "{body}");
        let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
        current = next;
    }
    let step = current.replied(PollReply::Malformed { body: whole[..38].into() });
    assert_eq!(position(&step), Some(6), "what was cut is still to be fetched");
    assert_eq!(step.batch.unwrap().updates.len(), 2);
}

#[test]
fn a_growing_body_with_the_same_damaged_update_is_salvaged_after_a_few_tries() {
    let damaged = r#"{"type":"message_new","event_id":"0123456789","object":{"text":oops}}"#;
    let mut current = polling(4);
    for updates in 1.. {
        let behind = r#",{"a":1}"#.repeat(updates);
        let body = format!(r#"{{"ts":"{}","updates":[{damaged}{behind}]}}"#, 5 + updates);
        let step = current.replied(PollReply::Malformed { body: body.into() });
        if let Some(batch) = step.batch {
            assert_eq!((updates, batch.updates.len()), (SAME_DAMAGE_TRIES as usize, 1 + updates));
            assert_eq!(batch.ts, Ts::from(4).after(1 + updates));
            return;
        }
        let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
        current = next;
    }
}

#[test]
fn updates_do_not_move_the_position_back() {
    for updates in [vec![], vec!["{}".into()]] {
        let step = polling(4).replied(PollReply::Updates { ts: Ts::from(3), updates });
        assert!(
            matches!(step.state, SessionState::Connecting(Connecting::From(at)) if at == Ts::from(4))
        );
        assert!(step.batch.is_none() && step.failure.is_some());
    }
    assert_eq!(position(&polling(4).replied(PollReply::Outdated { ts: Ts::from(3) })), Some(3));
}

#[test]
fn updates_that_do_not_move_the_position_are_passed_on_once() {
    let reply = |updates: &[&str]| PollReply::Updates {
        ts: Ts::from(4),
        updates: updates.iter().map(|&it| it.into()).collect(),
    };
    let mut current = polling(4);
    for (answer, new) in
        [(vec!["a", "a"], 2), (vec!["a"], 0), (vec!["b", "a"], 1), (vec!["b", "a"], 0)]
    {
        let step = current.replied(reply(&answer));
        assert_eq!(position(&step), Some(4));
        assert_eq!(step.failure.is_some(), new == 0, "{answer:?}");
        assert_eq!(step.batch.map_or(0, |batch| batch.updates.len()), new, "{answer:?}");
        let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
        current = next;
    }
    // Another position, and they are new.
    let step = current.replied(PollReply::Updates { ts: Ts::from(5), updates: vec!["a".into()] });
    assert!(step.failure.is_none() && step.batch.is_some());
}

#[test]
fn updates_that_change_each_time_without_moving_the_position_become_a_failure() {
    let reply = |updates: Vec<Box<str>>| PollReply::Updates { ts: Ts::from(4), updates };
    let mut current = polling(4);
    for round in 1..=2 * MAX_UNMOVED {
        let step = current.replied(reply(vec![format!("{{\"n\":{round}}}").into()]));
        assert_eq!(step.failure.is_some(), round >= MAX_UNMOVED, "{round}");
        assert_eq!(step.batch.map_or(0, |batch| batch.updates.len()), 1, "passed on all the same");
        let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
        current = next;
    }
    let step = current.replied(reply(Vec::new()));
    let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
    assert!(next.replied(reply(vec!["new".into()])).failure.is_none(), "an empty reply between");
}

#[test]
fn lost_updates_reported_again_and_again_are_a_failure() {
    let step = polling(4).replied(PollReply::Outdated { ts: Ts::from(9) });
    assert!(step.failure.is_none());
    let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
    let step = next.replied(PollReply::Outdated { ts: Ts::from(4) });
    assert!(step.failure.is_some() && step.batch.is_some());
    let SessionState::Polling(next) = step.state else { panic!("keeps the server") };
    let step = next.replied(PollReply::Updates { ts: Ts::from(4), updates: vec![] });
    assert!(step.failure.is_none());
}

#[test]
fn another_server_polls_from_the_same_position() {
    let failed = polling(4).replied(PollReply::Unreachable { reason: "reset".into() });
    let SessionState::Polling(failed) = failed.state else { panic!("keeps the server") };
    let replaced = failed.on(server());
    assert_eq!((replaced.ts, replaced.failed_polls), (Ts::from(4), 0));
}
