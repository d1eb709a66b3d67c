//! The journal under systemd, JSON in a container, text on a terminal.

use std::{
    collections::BTreeMap, os::unix::net::UnixDatagram, process::Command, sync::mpsc,
    time::Duration,
};

use tempfile::TempDir;
use vk_simulator::{Fault, Target};

use super::scene::{PROGRAM, Scene};

/// How long anything awaited may take: far beyond what it should.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs the service where the journal's socket is another, and its output a stream that systemd calls
/// the journal's.
const UNDER_SYSTEMD: &str = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && \
    ln -s \"$JOURNAL\" /run/systemd/journal/socket && \
    JOURNAL_STREAM=$(stat -Lc %d:%i /proc/$$/fd/2) exec \"$PROGRAM\"";

/// A journal's end of its socket, read by a thread: who writes there waits for it.
struct Journal {
    entries: mpsc::Receiver<Entry>,
    folder: TempDir,
}

type Entry = BTreeMap<String, String>;

impl Journal {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("socket")).unwrap();
        let (sender, entries) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 20];
            while let Ok(length) = socket.recv(&mut buffer)
                && sender.send(read(&buffer[..length])).is_ok()
            {}
        });
        Self { entries, folder }
    }

    /// The next entry with this message.
    fn entry(&self, message: &str) -> Entry {
        loop {
            let entry = self.entries.recv_timeout(DEADLINE).expect("another entry");
            if entry.get("MESSAGE").is_some_and(|it| it.contains(message)) {
                return entry;
            }
        }
    }
}

/// The fields of an entry: `NAME=value`, or the name, a line's end, the value's length, the value.
fn read(mut bytes: &[u8]) -> Entry {
    let mut fields = BTreeMap::new();
    while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(&bytes[..end]).into_owned();
        bytes = &bytes[end + 1..];
        if let Some((name, value)) = line.split_once('=') {
            fields.insert(name.to_owned(), value.to_owned());
            continue;
        }
        let (length, rest) = bytes.split_at(8);
        let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
        fields.insert(line, String::from_utf8_lossy(&rest[..length]).into_owned());
        bytes = &rest[length + 1..];
    }
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn under_systemd_entries_of_the_journal_carry_fields() {
    let unshare = ["/usr/bin/unshare", "--map-root-user", "--mount", "sh", "-c"];
    let mut attempt = Command::new(unshare[0]);
    attempt.args(&unshare[1..]).arg("mount -t tmpfs none /run");
    if !attempt.output().is_ok_and(|it| it.status.success()) {
        harness::skipped("this machine lets nobody have mounts of their own");
        return;
    }
    let scene = Scene::new().await;
    let journal = Journal::new();
    let socket = journal.folder.path().join("socket").display().to_string();
    let command = [&unshare[..], &[UNDER_SYSTEMD]].concat();
    let variables =
        [("JOURNAL", socket.as_str()), ("PROGRAM", PROGRAM), ("FETCHER_LOG__LEVEL", "debug")];
    let mut service = scene.start(&command, &variables).await;
    let event_id = scene.say("a text that is nobody's business").await;

    let entry = journal.entry("event committed");
    assert_eq!(entry["EVENT_ID"], event_id);
    assert_eq!(entry["GROUP_ID"], "218730916");
    assert_eq!(entry["TS"], scene.vk.ts().to_string());
    assert_eq!(entry["SYSLOG_IDENTIFIER"], "event-fetcher");
    service.stop().await.unwrap();
    assert_eq!(journal.entry("stopped")["PRIORITY"], "5");
    assert_eq!(service.output(), "", "what is in the journal is not said twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_container_each_line_is_json() {
    let scene = Scene::new().await;
    // A name that is inherited, of a stream that is not ours.
    let variables = [("JOURNAL_STREAM", "8:12345"), ("FETCHER_LOG__LEVEL", "debug")];
    let mut service = scene.start(&[PROGRAM], &variables).await;
    let event_id = scene.say("Hi!").await;
    service.stop().await.unwrap();
    let lines: Vec<serde_json::Value> =
        service.stdout().iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    for (line, object) in service.stdout().iter().zip(&lines) {
        assert_eq!(object["group_id"], 218_730_916, "{line}");
        assert_eq!(line.matches("\"group_id\":").count(), 1, "{line}");
    }
    let totals = &lines.last().unwrap()["totals"];
    assert_eq!(
        totals,
        "events 1 (message 1), updates not routed 0, dead letters 0, duplicates dropped 0, gaps 0"
    );
    let committed = lines.iter().find(|line| line["message"] == "event committed").unwrap();
    assert_eq!(committed["event_id"], event_id);
    assert_eq!(committed["group_id"], 218_730_916);
    assert_eq!((&committed["level"], &service.stderr()[..]), (&"DEBUG".into(), &[][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_community_is_named_at_every_log_level() {
    let scene = Scene::new().await;
    let mut service = scene.start(&[PROGRAM], &[("FETCHER_LOG__LEVEL", "warn")]).await;
    scene.vk.inject(Target::Poll, Fault::Status(502), 1);
    let line = service.says("poll failed").await.unwrap();
    assert!(line.contains("\"group_id\":218730916"), "{line}");
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_it_is_text_for_people() {
    if Command::new("script").arg("--version").output().is_err() {
        harness::skipped("there is no `script` here to make a terminal with");
        return;
    }
    let scene = Scene::new().await;
    // Instead of the shell, so that it is what `script` ends.
    let program = format!("exec {PROGRAM}");
    let command = ["script", "--quiet", "--return", "--command", &program, "/dev/null"];
    let mut service = scene.start(&command, &[("JOURNAL_STREAM", "8:12345")]).await;
    let line = service.says("event-fetcher starts").await.unwrap();
    assert!(line.contains(" INFO") || line.contains("INFO\u{1b}["), "{line}");
    assert!(!line.starts_with('{'), "{line}");
    assert!(line.contains("group_id") && line.contains("218730916"), "{line}");
    service.stop().await.unwrap();
}
