//! `docs/logs.md` lists what is logged, each message under its level.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A level and a message, with `{}` for what stands in it.
type Line = (String, String);

#[test]
fn the_document_lists_what_is_logged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut logged = BTreeSet::new();
    for file in sources(&root.join("src")) {
        logged.extend(calls(&fs::read_to_string(file).unwrap()));
    }
    let document = fs::read_to_string(root.join("docs/logs.md")).unwrap();
    let listed = rows(&document);
    assert!(logged.len() > 20, "{logged:#?}");
    let differ: Vec<_> = logged.symmetric_difference(&listed).collect();
    assert!(
        differ.is_empty(),
        "{differ:#?} are only in src/ or only in docs/logs.md: write the rows by hand"
    );
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|it| it == "rs"));
    files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// The calls of tracing's macros: of each the last text in it, which is the message.
fn calls(source: &str) -> Vec<Line> {
    let calls = source.split("tracing::").skip(1);
    let called = calls.filter_map(|call| {
        let (level, rest) = call.split_once("!(")?;
        let known = ["error", "warn", "info", "debug", "trace"].contains(&level);
        let arguments = rest.split_once(");").map_or(rest, |(arguments, _)| arguments);
        // As the arm of a match it ends with a comma.
        let arguments = arguments.split("),\n").next().unwrap_or_default();
        let message = arguments.rsplit('"').nth(1)?;
        known.then(|| (level.to_uppercase(), plain(message)))
    });
    called.collect()
}

/// The rows of the document's tables, each under the heading of its level.
fn rows(document: &str) -> BTreeSet<Line> {
    let mut level = "";
    let mut rows = BTreeSet::new();
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            level = heading.split(' ').next().unwrap_or_default();
        } else if let Some(message) = line.strip_prefix("| `").and_then(|it| it.split("` |").next())
        {
            rows.insert((level.to_owned(), plain(message)));
        }
    }
    rows
}

/// A message on one line, whatever stands in its braces.
fn plain(message: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in message.chars().filter(|&c| c != '\\') {
        if !inside || c == '}' {
            text.push(c);
        }
        inside = c == '{' || (inside && c != '}');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
