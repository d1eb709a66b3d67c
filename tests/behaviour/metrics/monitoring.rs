//! The dashboard, the alert rules and the documents name metrics that there are, and Prometheus takes
//! them.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use redis::AsyncCommands;
use serde_json::Value;

use super::scene::Scene;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap()
}

/// The names of our metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    words.filter(|word| word.starts_with("event_fetcher_")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_named_is_told_by_a_service_at_work() {
    let scene = Scene::new(&[]).await;
    let mut redis = scene.redis.connect().await.unwrap();
    let _: () = redis.xgroup_create_mkstream("{toaster}:message", "handler", "0").await.unwrap();
    scene.vk.generate(50);
    scene
        .until(
            r#"event_fetcher_consumer_group_lag{stream="{toaster}:message",group="handler"}"#,
            |it| it > 0.0,
        )
        .await;
    let told = scene.metrics().await;
    let told: BTreeSet<_> = told.0.keys().map(|series| series.split('{').next().unwrap()).collect();
    for name in [
        "deploy/monitoring/grafana.json",
        "deploy/monitoring/alerts.yaml",
        "deploy/monitoring/alerts.test.yaml",
        "docs/metrics.md",
        "docs/operations.md",
    ] {
        let text = text(name);
        let named = named(&text);
        assert!(named.len() > 1, "{name}: {named:?}");
        // A histogram may be named as a whole where people read.
        let known = |metric: &str| {
            told.contains(metric)
                || (name.starts_with("docs/") && told.contains(format!("{metric}_bucket").as_str()))
        };
        for metric in named {
            assert!(known(metric), "{metric} is in {name}, but no running service tells it");
        }
    }
}

#[test]
fn every_alert_has_its_paragraph() {
    let (rules, operations) = (text("deploy/monitoring/alerts.yaml"), text("docs/operations.md"));
    let after = |begin: &'static str| {
        rules.lines().filter_map(move |line| line.trim().strip_prefix(begin)).map(str::to_owned)
    };
    let alerts: Vec<_> = after("- alert: ").collect();
    let runbooks: Vec<_> = after("runbook_url: ").collect();
    assert!(alerts.len() > 5 && alerts.len() == runbooks.len(), "{alerts:?} {runbooks:?}");
    for (alert, runbook) in alerts.iter().zip(runbooks) {
        assert_eq!(runbook, format!("docs/operations.md#{}", alert.to_lowercase()));
        let paragraph = operations.split(&format!("\n### {alert}\n\n")).nth(1);
        let paragraph = paragraph.and_then(|rest| rest.split("\n#").next()).unwrap_or_default();
        assert!(paragraph.len() > 100, "docs/operations.md has no paragraph on {alert}");
    }
    let paragraphs = operations.lines().filter(|line| line.starts_with("### EventFetcher")).count();
    assert_eq!(paragraphs, alerts.len(), "a paragraph on an alert that there is not");
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard: Value = serde_json::from_str(&text("deploy/monitoring/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "an id twice: {panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
    }
    assert!(expressions(panels).count() > panels.len() / 2);
}

fn expressions(panels: &[Value]) -> impl Iterator<Item = &str> {
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap())
}

#[test]
fn prometheus_takes_the_rules_and_the_dashboards_questions() {
    if Command::new("promtool").arg("--version").output().is_err() {
        harness::skipped("the alert rules are not checked without promtool");
        return;
    }
    promtool(&["check", "rules"], &file("deploy/monitoring/alerts.yaml"));
    promtool(&["test", "rules"], &file("deploy/monitoring/alerts.test.yaml"));

    let dashboard: Value = serde_json::from_str(&text("deploy/monitoring/grafana.json")).unwrap();
    let mut rules = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    writeln!(rules, "groups:\n- name: dashboard\n  rules:").unwrap();
    for (number, expression) in expressions(dashboard["panels"].as_array().unwrap()).enumerate() {
        let expression = expression.replace("$__rate_interval", "1m");
        writeln!(rules, "  - record: panel:{number}\n    expr: '{expression}'").unwrap();
    }
    promtool(&["check", "rules"], rules.path());
}

fn promtool(arguments: &[&str], file: &Path) {
    let output = Command::new("promtool").args(arguments).arg(file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}
