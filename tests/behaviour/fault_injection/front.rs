//! A proxy in front of a simulated VK that can answer in its place, byte for byte.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use vk_simulator::Simulator;

/// A proxy on a port of 127.0.0.1, until it is dropped.
pub(crate) struct Front {
    port: u16,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    _tasks: JoinSet<()>,
}

/// Changes the body of VK's answer to a request.
type Twist = Arc<dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync>;

/// The answer to the next request whose head contains this.
type Answer = (&'static str, Vec<u8>);

impl Front {
    pub(crate) async fn of(vk: &Simulator) -> Self {
        Self::twisting(vk, |_, body| body).await
    }

    /// A proxy that changes the bodies of VK's answers.
    pub(crate) async fn twisting(
        vk: &Simulator,
        twist: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = Arc::default();
        let behind = vk.api_url().replace("http://", "").replace("/method/", "");
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, behind, Arc::clone(&answers), Arc::new(twist)));
        Self { port, answers, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// Answers a request in VK's place. Answers are sent in this order.
    pub(crate) fn answer(&self, request: &'static str, head: &str, body: &[u8]) {
        let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
        self.answers.lock().unwrap().push_back((request, [head.as_bytes(), body].concat()));
    }

    /// Answers with `server` and its key for Long Poll.
    pub(crate) fn answer_server(&self, server: &str, key: &str) {
        self.answer_server_at(server, key, "1");
    }

    /// Answers with `server`, its key and this `ts` for Long Poll.
    pub(crate) fn answer_server_at(&self, server: &str, key: &str, ts: &str) {
        let body = format!(r#"{{"response":{{"key":"{key}","server":"{server}","ts":"{ts}"}}}}"#);
        self.answer("getLongPollServer", "200 OK", body.as_bytes());
    }

    /// The number of answers still to be sent.
    pub(crate) fn left(&self) -> usize {
        self.answers.lock().unwrap().len()
    }

    /// Whether all answers have been sent.
    pub(crate) async fn is_used_up(&self) {
        let waiting = async {
            while !self.answers.lock().unwrap().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(super::flow::DEADLINE, waiting).await.unwrap();
    }
}

async fn serve(
    listener: TcpListener,
    behind: String,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    twist: Twist,
) {
    let mut conversations = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // Errors of a closing connection do not matter.
        let (behind, answers, twist) = (behind.clone(), Arc::clone(&answers), Arc::clone(&twist));
        conversations.spawn(async move { converse(client, &behind, &answers, &*twist).await.ok() });
    }
}

async fn converse(
    mut client: TcpStream,
    behind: &str,
    answers: &Mutex<VecDeque<Answer>>,
    twist: &(dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync),
) -> std::io::Result<()> {
    let request = request(&mut client).await?;
    let answer = {
        let mut answers = answers.lock().unwrap();
        let is_meant = answers.front().is_some_and(|(part, _)| request.contains(part));
        is_meant.then(|| answers.pop_front()).flatten()
    };
    if let Some((_, answer)) = answer {
        return client.write_all(&answer).await;
    }
    let answer = ask(behind, &request).await?;
    let head_end = answer.windows(4).position(|it| it == b"\r\n\r\n").map_or(0, |at| at + 4);
    let body = twist(&request, answer[head_end..].to_vec());
    let head =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    client.write_all(&[head.as_bytes(), &body].concat()).await
}

/// The whole answer, head and body, of the server at `address`.
pub(crate) async fn ask(address: &str, request: &str) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(address).await?;
    let request = request.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1);
    server.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Reads a whole request.
pub(crate) async fn request(client: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut request = String::new();
    loop {
        let mut buffer = vec![0; 64 << 10];
        let read = client.read(&mut buffer).await?;
        request.push_str(&String::from_utf8_lossy(&buffer[..read]));
        if let Some((head, body)) = request.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Ok(request);
            }
        }
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
