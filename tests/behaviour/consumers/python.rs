//! Python scripts of this folder, run with `python3`.

use std::{
    io::Write,
    process::{Command, Stdio},
};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/consumers");

/// The output of a script for `input`. The script can import the predecessor's modules; its failure fails the
/// test.
pub(crate) fn python(script: &str, input: &str) -> String {
    let mut child = Command::new("python3")
        .args(["-X", "utf8", "-B", &format!("{HERE}/{script}")])
        .env("PYTHONPATH", format!("{HERE}/stand_ins"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test needs python3 on the PATH");
    // The scripts read while they write, and write less than they read, so this cannot deadlock.
    let fed = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fed.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}
