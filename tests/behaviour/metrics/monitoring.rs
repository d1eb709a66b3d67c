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
    if !has_promtool() {
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

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_takes_the_metrics() {
    if !has_promtool() {
        return;
    }
    let scene = Scene::new(&[]).await;
    let mut redis = scene.redis.connect().await.unwrap();
    let _: () = redis.xgroup_create_mkstream("{toaster}:message", "handler", "0").await.unwrap();
    scene.vk.generate(50);
    let lag = r#"event_fetcher_consumer_group_lag{stream="{toaster}:message",group="handler"}"#;
    scene.until(lag, |it| it > 0.0).await;
    let mut scraped = tempfile::NamedTempFile::new().unwrap();
    let text = scene.text("text/plain; version=0.0.4").await;
    scraped.write_all(text.as_bytes()).unwrap();
    let mut check = Command::new("promtool");
    check.args(["check", "metrics"]).stdin(std::fs::File::open(scraped.path()).unwrap());
    let output = check.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

fn has_promtool() -> bool {
    let is_there = Command::new("promtool").arg("--version").output().is_ok();
    if !is_there {
        harness::skipped("the alert rules and the metrics are not checked without promtool");
    }
    is_there
}

/// The rules as an operator renders them.
#[test]
fn rendered_rules_have_the_job_and_an_absolute_runbook() {
    let render = |arguments: &[&str]| {
        let output =
            Command::new(file("deploy/monitoring/rules")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let rules = text("deploy/monitoring/alerts.yaml");
    assert_eq!(render(&[]), rules, "without settings they are as they stand");
    let rendered =
        render(&["--job", "bots/fetcher", "--runbooks", "https://wiki.example/a&b/operations.md"]);
    let urls: Vec<_> =
        rendered.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: ")).collect();
    assert_eq!(urls.len(), rules.matches("runbook_url: ").count());
    assert!(
        urls.iter()
            .all(|url| url.starts_with("https://wiki.example/a&b/operations.md#eventfetcher"))
    );
    assert!(
        rendered.contains(r#"job="bots/fetcher""#) && !rendered.contains(r#"job="event-fetcher""#)
    );
}

fn promtool(arguments: &[&str], file: &Path) {
    let output = Command::new("promtool").args(arguments).arg(file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}
