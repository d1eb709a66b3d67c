//! docs/guarantees.md names the test behind each promise. A test that is gone is a promise without proof.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

/// The `file.rs::test_name` that the text has between backticks.
fn named(text: &str) -> Vec<(&str, &str)> {
    text.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.split_once(".rs::")).collect()
}

#[test]
fn every_test_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let named = named(&text);
    assert!(named.len() > 40, "only {} tests are named", named.len());
    for (file, test) in named {
        let source = fs::read_to_string(root.join(file).with_extension("rs"))
            .unwrap_or_else(|error| panic!("{file}.rs: {error}"));
        let (before, _) = source
            .split_once(&format!("fn {test}("))
            .unwrap_or_else(|| panic!("{file}.rs has no {test}"));
        let attribute =
            before.rsplit('\n').find(|line| line.trim_start().starts_with("#[")).unwrap();
        assert!(attribute.contains("test"), "{file}.rs: {test} is not run as a test");
    }
}
