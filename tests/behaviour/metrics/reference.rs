//! `docs/metrics.md` lists what is registered.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
    sync::Arc,
    time::Duration,
};

use event_fetcher::{
    ops::{
        gauges::{HealthGauges, StreamGauges},
        health::Health,
        metrics::{Format, Metrics},
        status::{BusSnapshot, GroupState, LettersState, StreamState},
    },
    pipeline,
};

const MARK: &str =
    "<!-- From here on generated: UPDATE_DOCS=1 cargo test --test behaviour metrics:: -->\n";
/// More values than these are not listed.
const VALUES: usize = 8;

#[test]
fn the_reference_lists_what_is_registered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let document = fs::read_to_string(&path).unwrap();
    let (by_hand, listed) = document.split_once(MARK).expect("the mark is in docs/metrics.md");
    let registered = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{by_hand}{MARK}{registered}")).unwrap();
        return;
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (listed, registered) = (lines(listed), lines(&registered));
    let differ: Vec<_> = listed.symmetric_difference(&registered).collect();
    assert!(
        differ.is_empty(),
        "docs/metrics.md is not up to date: run UPDATE_DOCS=1 cargo test --test behaviour metrics::; \
         {differ:#?} are only there or only registered"
    );
}

/// One metric, as it stands in the text.
#[derive(Default)]
struct Family<'a> {
    help: &'a str,
    kind: &'a str,
    labels: Vec<(&'a str, BTreeSet<&'a str>)>,
}

/// A survey of a bus with one stream and one consumer group.
fn survey() -> BusSnapshot {
    let group = GroupState {
        name: "any".into(),
        consumers: 0,
        lag: Some(0),
        lag_change: None,
        pending: 0,
        oldest_pending_s: None,
    };
    let stream =
        StreamState { name: "any".into(), length: 0, newest_age_s: None, groups: vec![group] };
    BusSnapshot {
        holder: None,
        held_for_s: None,
        position: None,
        gaps: 0,
        updates_lost: 0,
        duplicates: 0,
        streams: vec![stream],
        dead_letters: LettersState { name: "any".into(), count: 0, newest: Vec::new() },
    }
}

fn table() -> String {
    let streams = StreamGauges::default();
    streams.show(Some(survey()));
    let mut metrics = Metrics::new(&pipeline::label_values());
    metrics.register_collector(HealthGauges(Arc::new(Health::new(Duration::from_secs(25)))));
    metrics.register_collector(streams);
    let text = metrics.text(Format::OpenMetrics).unwrap();
    let mut order = Vec::new();
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, help] => {
                order.push(name);
                families.entry(name).or_default().help = help.trim_end_matches('.');
            }
            ["#", "TYPE", name, kind] => families.entry(name).or_default().kind = kind,
            ["#", ..] => {}
            _ => {
                let name = order.last().unwrap();
                add_labels(families.get_mut(name).unwrap(), line);
            }
        }
    }
    let mut table = "\n| metric | type | labels | what it is |\n|---|---|---|---|\n".to_owned();
    for name in order {
        let Family { help, kind, labels } = &families[name];
        let suffix = match *kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let labels: Vec<_> =
            labels.iter().map(|(label, values)| described(label, values)).collect();
        let labels = labels.join("; ");
        writeln!(table, "| `{name}{suffix}` | {kind} | {labels} | {help} |").unwrap();
    }
    table
}

fn described(label: &str, values: &BTreeSet<&str>) -> String {
    let values: Vec<_> = values.iter().copied().collect();
    match values[..] {
        _ if values.len() > VALUES => format!("`{label}`"),
        [_] => format!("`{label}`"),
        _ => format!("`{label}`: {}", values.join(", ")),
    }
}

fn add_labels<'a>(family: &mut Family<'a>, line: &'a str) {
    let Some((_, rest)) = line.split_once('{') else { return };
    let Some((labels, _)) = rest.rsplit_once('}') else { return };
    for pair in labels.split(',') {
        let (label, value) = pair.split_once('=').expect(line);
        if label == "le" {
            continue;
        }
        let value = value.trim_matches('"');
        match family.labels.iter_mut().find(|(it, _)| *it == label) {
            Some((_, values)) => {
                values.insert(value);
            }
            None => family.labels.push((label, [value].into())),
        }
    }
}
