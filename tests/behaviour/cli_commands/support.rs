//! Running the binary in an empty environment.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, Lines},
    process::Command,
};
use vk_simulator::{Options, Simulator};

/// The token that the simulated VK accepts.
pub(crate) const TOKEN: &str = "vk1.a.the-right-token-of-the-tests";
pub(crate) const GROUP_ID: &str = "218730916";

/// How long anything may take; nothing waits for it unless it fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// How a process ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The binary with these arguments, nothing in its environment, and `dir` to work in.
pub(crate) fn event_fetcher(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-fetcher"));
    command
        .args(arguments)
        .env_clear()
        .current_dir(dir)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A simulated VK.
pub(crate) async fn vk() -> Simulator {
    let options = Options { token: TOKEN.to_owned(), ..Options::default() };
    Simulator::start(options).await.expect("free ports on loopback")
}

/// Lets the command fetch from a simulated VK.
pub(crate) fn with_vk(command: &mut Command, vk: &Simulator, token: &str) {
    command.env("FETCHER_VK__API_URL", vk.api_url()).env("GROUPID", GROUP_ID).env("TOKEN", token);
}

/// Runs the command to its end, with `input` on its standard input.
pub(crate) async fn run(mut command: Command, input: &str) -> Ended {
    let mut child = command.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    let feed = tokio::spawn(async move {
        // Whoever does not read its input ends without it.
        let _ = stdin.write_all(input.as_bytes()).await;
    });
    let output = within_deadline(child.wait_with_output()).await.expect("the process is ours");
    feed.abort();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// The lines of a process's stream as they come.
pub(crate) struct Said<R>(Lines<BufReader<R>>);

impl<R: AsyncRead + Unpin> Said<R> {
    pub(crate) fn by(stream: Option<R>) -> Self {
        Self(BufReader::new(stream.expect("piped")).lines())
    }

    /// The next line; none when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<String> {
        within_deadline(self.0.next_line()).await.expect("readable")
    }

    pub(crate) async fn line(&mut self) -> String {
        self.next().await.expect("another line")
    }

    pub(crate) async fn until(&mut self, part: &str) -> String {
        loop {
            let line = self.line().await;
            if line.contains(part) {
                return line;
            }
        }
    }
}

pub(crate) async fn within_deadline<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, event).await.expect("this happens long before the deadline")
}
