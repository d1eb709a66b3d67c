use crate::{
    bus::{BusSnapshot, LettersState, Progress},
    ops::{
        status::{Failure, QueryResult, Redis, Service},
        verdict::{Fault, State, Verdict, judge},
    },
};

fn service(role: &str, failures: Vec<Failure>) -> Service {
    Service {
        version: "1".to_owned(),
        group_id: 1,
        uptime_s: 100,
        role: role.to_owned(),
        role_for_s: 99,
        ready: role != "starting" && failures.iter().all(|it| it.for_s < 10),
        stalled: false,
        last_poll_s: Some(3),
        last_commit_s: Some(7),
        events_a_minute: 0,
        failures,
        past_failures: Vec::new(),
        gaps: Vec::new(),
        minutes: Vec::new(),
    }
}

fn failure(dependency: &str, for_s: u64, reached: bool) -> Failure {
    Failure {
        dependency: dependency.to_owned(),
        for_s,
        reached,
        reason: "what happened".to_owned(),
    }
}

fn redis(holder: Option<&str>, age_s: u64) -> Redis {
    let snapshot = BusSnapshot {
        holder: holder.map(str::to_owned),
        held_for_s: Some(90),
        position: Some(Progress { ts: "5".to_owned(), age_s: Some(age_s) }),
        gaps: 0,
        missed: 0,
        repeats: 0,
        streams: Vec::new(),
        dead_letters: LettersState { name: "d".to_owned(), count: 0, newest: Vec::new() },
    };
    Redis { error: None, read_s_ago: Some(0), snapshot: Some(snapshot) }
}

fn no_redis() -> Redis {
    Redis { error: Some("refused".to_owned()), read_s_ago: None, snapshot: None }
}

fn of(service: Service) -> Verdict {
    judge(&QueryResult::Ok(service), Some(&redis(Some("host/1/a"), 7)))
}

fn without_service(redis: &Redis) -> Verdict {
    judge(&QueryResult::Err { error: "silent".to_owned() }, Some(redis))
}

#[test]
fn all_is_well_where_nothing_fails() {
    let verdict = of(service("fetching", Vec::new()));
    assert_eq!((verdict.state, verdict.fault), (State::Flowing, None));
    assert!(verdict.detail.unwrap().contains("7 s ago"));

    let quiet = Service { last_commit_s: Some(3600), ..service("fetching", Vec::new()) };
    assert!(of(quiet).detail.unwrap().contains("quiet"));

    let verdict = of(service("standby", Vec::new()));
    assert!(verdict.state == State::Standby && verdict.state.is_well());
    assert!(verdict.detail.unwrap().contains("host/1/a"));
    assert!(!of(service("starting", Vec::new())).state.is_well());
}

#[test]
fn who_fails_is_at_fault() {
    for (dependency, reached, fault) in [
        ("redis", true, Fault::Redis),
        ("consumers", true, Fault::Consumer),
        ("long_poll", true, Fault::Vk),
        ("users", true, Fault::Vk),
        ("long_poll", false, Fault::Network),
        ("chats", false, Fault::Network),
    ] {
        let passing = of(service("fetching", vec![failure(dependency, 9, reached)]));
        assert_eq!((passing.state, passing.fault), (State::Degraded, Some(fault)));
        assert!(passing.state.is_well(), "it may pass");

        let lasting = of(service("fetching", vec![failure(dependency, 10, reached)]));
        assert_eq!((lasting.state, lasting.fault), (State::Stopped, Some(fault)));
        assert!(!lasting.state.is_well());
        assert!(lasting.detail.unwrap().contains("what happened"));
    }
}

#[test]
fn of_several_who_fail_the_first_on_the_way_back_is_at_fault() {
    let both = vec![failure("redis", 20, true), failure("long_poll", 90, false)];
    assert_eq!(of(service("fetching", both)).fault, Some(Fault::Redis));
}

#[test]
fn a_service_that_has_halted_is_at_fault_itself() {
    let halted = Service {
        stalled: true,
        ready: false,
        ..service("fetching", vec![failure("long_poll", 90, false)])
    };
    assert_eq!(of(halted).fault, Some(Fault::Service));
}

#[test]
fn a_redis_that_answers_the_service_but_not_here_is_worth_a_word() {
    let service = QueryResult::Ok(service("fetching", Vec::new()));
    let verdict = judge(&service, Some(&no_redis()));
    assert_eq!((verdict.state, verdict.fault), (State::Degraded, Some(Fault::Redis)));
}

#[test]
fn without_the_service_redis_tells_what_it_can() {
    let verdict = without_service(&redis(Some("host/1/a"), 5));
    assert!(verdict.state == State::Flowing && verdict.detail.unwrap().contains("silent"));

    let verdict = without_service(&redis(Some("host/1/a"), 60));
    assert_eq!(verdict.state, State::Unknown, "who holds the lease may be held up");

    let verdict = without_service(&redis(None, 5));
    assert_eq!((verdict.state, verdict.fault), (State::Stopped, Some(Fault::Service)));

    let verdict = without_service(&no_redis());
    assert_eq!((verdict.state, verdict.fault), (State::Unknown, Some(Fault::Redis)));
    assert!(verdict.detail.unwrap().contains("refused"));
}
