use std::{fs, path::Path};

use super::*;
use crate::ops::status::{BusSnapshot, LettersState, Progress, QueryResult, Status};

fn health(role: Role, failures: Vec<Failure>) -> HealthSnapshot {
    HealthSnapshot {
        role,
        role_for: Duration::from_secs(99),
        polled: Some(Duration::from_secs(3)),
        committed: Some(Duration::from_secs(7)),
        stalled: failures.iter().any(|it| it.dependency == Dependency::Service),
        failures,
        proven: role != Role::Starting,
    }
}

fn failure(dependency: Dependency, cause: Cause, seconds: u64) -> Failure {
    let reason = "what happened".to_owned();
    Failure { dependency, cause, lasts: Duration::from_secs(seconds), reason }
}

fn bus(holder: Option<&str>, age_s: u64) -> BusReport {
    let snapshot = BusSnapshot {
        holder: holder.map(str::to_owned),
        held_for_s: Some(90),
        position: Some(Progress { ts: "5".to_owned(), age_s: Some(age_s) }),
        gaps: 0,
        updates_lost: 0,
        duplicates: 0,
        streams: Vec::new(),
        dead_letters: LettersState { name: "d".to_owned(), count: 0, newest: Vec::new() },
    };
    BusReport { error: None, read_s_ago: Some(0), snapshot: Some(snapshot) }
}

fn no_bus() -> BusReport {
    BusReport { error: Some("refused".to_owned()), read_s_ago: None, snapshot: None }
}

fn of(health: &HealthSnapshot) -> Verdict {
    Verdict::new(health, Some(&bus(Some("host/1/a"), 7)))
}

const CAUSES: [Cause; 6] = [
    Cause::Unreachable,
    Cause::Error,
    Cause::Replicas,
    Cause::Disk,
    Cause::Backlog,
    Cause::Stalled,
];

#[test]
fn without_a_failure_there_is_no_fault() {
    let verdict = of(&health(Role::Fetching, Vec::new()));
    assert_eq!((verdict.state, verdict.fault, verdict.ready), (FlowState::Flowing, None, true));
    assert!(verdict.detail.unwrap().contains("7 s ago"));

    let committed = Some(Duration::from_secs(3600));
    let quiet = HealthSnapshot { committed, ..health(Role::Fetching, Vec::new()) };
    assert!(of(&quiet).detail.unwrap().contains("nothing new for 1 h"));

    let verdict = of(&health(Role::Standby, Vec::new()));
    assert!(verdict.state == FlowState::Standby && verdict.ready);
    assert!(verdict.detail.unwrap().contains("host/1/a"));

    for role in [Role::Starting, Role::Fetching, Role::Standby] {
        let unproven = HealthSnapshot { proven: false, ..health(role, Vec::new()) };
        for bus in [bus(Some("host/1/a"), 7), no_bus()] {
            let verdict = Verdict::new(&unproven, Some(&bus));
            assert_eq!((verdict.state, verdict.ready), (FlowState::Starting, false));
        }
    }
}

#[test]
fn each_failure_is_at_fault_briefly_and_lastingly() {
    for dependency in Dependency::ALL {
        for cause in CAUSES {
            let brief = of(&health(Role::Fetching, vec![failure(dependency, cause, 9)]));
            assert_eq!((brief.state, brief.ready), (FlowState::Degraded, true));
            let lasting = of(&health(Role::Fetching, vec![failure(dependency, cause, 10)]));
            assert_eq!((lasting.state, lasting.ready), (FlowState::Stopped, false));
            for verdict in [brief, lasting] {
                assert_eq!((verdict.fault, verdict.cause), (Some(dependency), Some(cause)));
                assert!(verdict.detail.unwrap().contains("what happened"));
                assert!(!verdict.remediation.unwrap().is_empty());
            }
        }
    }
}

#[test]
fn the_words_name_what_fails_and_what_to_do() {
    use {Cause as C, Dependency as D};
    for (dependency, cause, summary, remediation) in [
        (D::Redis, C::Unreachable, "Redis does not answer", "Start Redis"),
        (D::Redis, C::Error, "Redis does not accept commands", "redis-cli INFO"),
        (D::Redis, C::Disk, "cannot write to its disk", "free space"),
        (D::Redis, C::Replicas, "too few replicas", "min-replicas-to-write"),
        (D::Durability, C::Replicas, "replicas", "Connect a replica"),
        (D::Durability, C::Disk, "disk", "free space"),
        (D::Consumers, C::Backlog, "consumer group", "XGROUP DESTROY"),
        (D::LongPoll, C::Unreachable, "VK's Long Poll cannot be reached", "DNS"),
        (D::LongPoll, C::Error, "VK's Long Poll answers with errors", "VK is reached"),
        (D::Users, C::Error, "look-ups of users", "VK is reached"),
        (D::Communities, C::Unreachable, "look-ups of communities", "DNS"),
        (D::Chats, C::Error, "look-ups of chats", "VK is reached"),
        (D::Messages, C::Error, "cropped messages", "VK is reached"),
        (D::Service, C::Stalled, "the service has stalled", "Restart the service"),
    ] {
        let verdict = of(&health(Role::Fetching, vec![failure(dependency, cause, 60)]));
        assert!(verdict.summary.contains(summary), "{}", verdict.summary);
        let what = verdict.remediation.unwrap();
        assert!(what.contains(remediation), "{what}");
    }
}

#[test]
fn of_several_failures_the_one_that_holds_up_the_others_is_at_fault() {
    let redis = |seconds| failure(Dependency::Redis, Cause::Unreachable, seconds);
    let long_poll = |seconds| failure(Dependency::LongPoll, Cause::Error, seconds);
    for (redis_for, long_poll_for, fault) in
        [(20, 90, Dependency::Redis), (2, 90, Dependency::LongPoll), (2, 3, Dependency::Redis)]
    {
        let both = vec![redis(redis_for), long_poll(long_poll_for)];
        assert_eq!(of(&health(Role::Fetching, both)).fault, Some(fault));
    }
}

#[test]
fn a_start_that_fails_names_the_fault_before_it_lasts() {
    use {Dependency as D, FlowState as S, Role as R};
    for (role, dependency, seconds, state) in [
        (R::Starting, D::Redis, 3, S::Starting),
        (R::Starting, D::Redis, 10, S::Stopped),
        (R::Fetching, D::LongPoll, 3, S::Starting),
        (R::Fetching, D::LongPoll, 10, S::Stopped),
        (R::Standby, D::LongPoll, 3, S::Starting),
        (R::Standby, D::LongPoll, 10, S::Starting),
        (R::Standby, D::Redis, 10, S::Stopped),
    ] {
        let failing = vec![failure(dependency, Cause::Unreachable, seconds)];
        let unproven = HealthSnapshot { proven: false, ..health(role, failing) };
        let verdict = Verdict::new(&unproven, None);
        assert_eq!((verdict.state, verdict.ready), (state, false), "{role:?}");
        assert_eq!(verdict.fault, Some(dependency));
    }
}

#[test]
fn the_bus_never_decides_whether_the_service_is_ready() {
    let lasting = vec![failure(Dependency::Users, Cause::Error, 30)];
    for role in [Role::Starting, Role::Standby, Role::Fetching] {
        for failures in [Vec::new(), lasting.clone()] {
            let health = health(role, failures);
            let alone = Verdict::new(&health, None).ready;
            for bus in [bus(None, 3), bus(Some("host/1/a"), 900), no_bus()] {
                assert_eq!(Verdict::new(&health, Some(&bus)).ready, alone, "{role:?} {bus:?}");
            }
        }
    }
}

#[test]
fn a_bus_that_cannot_be_read_is_named_while_the_service_works() {
    let verdict = Verdict::new(&health(Role::Fetching, Vec::new()), Some(&no_bus()));
    assert_eq!((verdict.state, verdict.fault), (FlowState::Degraded, Some(Dependency::Redis)));
    assert!(verdict.detail.unwrap().contains("refused"));
}

#[test]
fn without_the_service_the_bus_shows_what_it_can() {
    let verdict = Verdict::without_service("silent", Some(&bus(Some("host/1/a"), 5)));
    assert!(verdict.state == FlowState::Flowing && verdict.ready);
    assert!(verdict.detail.unwrap().contains("silent"));

    let verdict = Verdict::without_service("silent", Some(&bus(Some("host/1/a"), 60)));
    assert_eq!(verdict.state, FlowState::Unknown, "the holder of the lease may be stuck");

    let verdict = Verdict::without_service("silent", Some(&bus(None, 5)));
    assert_eq!((verdict.state, verdict.fault), (FlowState::Stopped, Some(Dependency::Service)));

    let verdict = Verdict::without_service("silent", Some(&no_bus()));
    assert_eq!((verdict.state, verdict.fault), (FlowState::Unknown, Some(Dependency::Redis)));
    assert!(verdict.detail.unwrap().contains("refused"));

    let verdict = Verdict::without_service("silent", None);
    assert_eq!((verdict.state, verdict.fault), (FlowState::Unknown, Some(Dependency::Service)));
}

#[test]
fn readiness_is_a_headline_the_verdict_and_the_other_failures() {
    let failures = vec![
        failure(Dependency::Durability, Cause::Replicas, 12),
        failure(Dependency::LongPoll, Cause::Unreachable, 3),
    ];
    let readiness = Readiness::new(health(Role::Fetching, failures), None);
    let text = readiness.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "not ready: fetching");
    assert_eq!(lines[2], "Fault: durability (replicas)");
    assert_eq!(lines[3], "Failing for 12 s: what happened.");
    assert!(lines[4].starts_with("What to do: "), "{text}");
    assert_eq!(lines[5], "Also failing: long_poll (unreachable), for 3 s: what happened");

    let line = readiness.line();
    assert!(line.starts_with("not ready: fetching; Events do not flow: "), "{line}");
    assert!(line.ends_with("Fault: durability (replicas)") && !line.contains('\n'), "{line}");

    let well = Readiness::new(health(Role::Fetching, Vec::new()), None);
    assert_eq!(well.line(), "ready: fetching; Events flow.");
    assert_eq!(well.to_string(), "ready: fetching\nEvents flow.\nThe last updates came 7 s ago.");
}

#[test]
fn a_verdict_of_a_newer_service_is_read() {
    let verdict: Verdict = serde_json::from_value(serde_json::json!({
        "state": "throttled", "ready": true, "fault": "quota", "cause": "exhausted",
        "summary": "VK's quota is used up.", "detail": null, "remediation": "Wait.", "more": 1,
    }))
    .unwrap();
    assert_eq!((verdict.state, verdict.ready), (FlowState::Unknown, true));
    assert_eq!((verdict.fault, verdict.cause), (Some(Dependency::Unknown), Some(Cause::Unknown)));
    assert_eq!(verdict.lines()[0], "VK's quota is used up.");
}

#[test]
fn a_whole_status_of_a_newer_service_is_read() {
    let failure = serde_json::json!({
        "dependency": "quota", "cause": "exhausted", "for_s": 12, "reason": "used up", "ended_s": 3,
    });
    let status: Status = serde_json::from_value(serde_json::json!({
        "state": "stopped", "ready": false, "fault": "quota", "cause": "exhausted", "summary": "Stopped.",
        "service": {
            "version": "9", "group_id": 1, "uptime_s": 2, "role": "draining", "role_for_s": 1,
            "events_a_minute": 0, "failures": [failure], "past_failures": [failure], "gaps": [],
            "minutes": [], "more": {},
        },
        "redis": null,
    }))
    .unwrap();
    let QueryResult::Ok(service) = status.service else { panic!("{:?}", status.service) };
    assert_eq!((status.verdict.fault, service.role), (Some(Dependency::Unknown), Role::Unknown));
    assert_eq!(service.failures[0].dependency, Dependency::Unknown);
    let past = &service.past_failures[0];
    assert_eq!((past.ended.as_secs(), past.failure.lasts.as_secs()), (3, 12));
}

/// Every dependency is an alert's business, known to the page, and documented.
#[test]
fn alerts_page_and_documents_name_each_dependency() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in [
        "deploy/monitoring/alerts.yaml",
        "src/ops/http/page/page.js",
        "docs/status.md",
        "docs/operations.md",
    ] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        for dependency in Dependency::ALL {
            let word = dependency.as_str();
            let mut words = text.split(|it: char| !it.is_alphanumeric() && it != '_');
            assert!(words.any(|it| it == word), "{word} is not in {file}");
        }
    }
}
