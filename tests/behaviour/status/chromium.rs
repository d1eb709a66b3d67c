//! A headless Chromium, driven over a pair of pipes by its debugging protocol.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::unix::pipe,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use super::scene::DEADLINE;

/// A page in a browser of its own. Dropping it kills the browser.
pub(crate) struct Browser {
    _process: Child,
    commands: pipe::Sender,
    answers: BufReader<pipe::Receiver>,
    session: Option<String>,
    calls: u64,
    complaints: Vec<String>,
    _folder: TempDir,
}

/// The Chromium of this machine, if it has one.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let all = std::env::split_paths(&path).flat_map(|it| names.map(|name| it.join(name)));
    all.into_iter().find(|it| it.is_file())
}

impl Browser {
    /// Starts a browser; none where there is no Chromium.
    pub(crate) async fn start() -> Option<Self> {
        let program = program()?;
        let folder = TempDir::new().unwrap();
        let [commands, answers] = ["commands", "answers"].map(|name| folder.path().join(name));
        let made = std::process::Command::new("mkfifo").arg(&commands).arg(&answers).status();
        assert!(made.unwrap().success());
        let mut pipes = pipe::OpenOptions::new();
        pipes.read_write(true);
        // Chromium takes commands on descriptor 3 and answers on 4.
        let process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<"$COMMANDS" 4>"$ANSWERS""#])
            .arg(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--remote-debugging-pipe", "--hide-scrollbars", "about:blank"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .env("COMMANDS", &commands)
            .env("ANSWERS", &answers)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut browser = Self {
            _process: process,
            commands: pipes.open_sender(&commands).unwrap(),
            answers: BufReader::new(pipes.open_receiver(&answers).unwrap()),
            session: None,
            calls: 0,
            complaints: Vec::new(),
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach).await;
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, json!({})).await;
        }
        Some(browser)
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        self.commands.write_all(format!("{call}\0").as_bytes()).await.unwrap();
        loop {
            let mut message = Vec::new();
            let read = self.answers.read_until(0, &mut message);
            timeout(DEADLINE, read).await.expect("Chromium answers").unwrap();
            assert_eq!(message.pop(), Some(0), "Chromium ended");
            let message: Value = serde_json::from_slice(&message).unwrap();
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.listen(&message);
        }
    }

    /// Remembers what the console would show.
    fn listen(&mut self, event: &Value) {
        let told = &event["params"];
        let complaint = match event["method"].as_str() {
            Some("Log.entryAdded") => &told["entry"],
            Some("Runtime.consoleAPICalled" | "Runtime.exceptionThrown") => told,
            _ => return,
        };
        // That the service cannot be reached is for the page to say.
        let is_silence = complaint["text"].as_str().is_some_and(|it| it.contains("net::ERR_CONN"));
        if complaint["source"] != "network" || !is_silence {
            self.complaints.push(complaint.to_string());
        }
    }

    /// Lets the browser prefer this language.
    pub(crate) async fn speak(&mut self, language: &str) {
        let agent = self.value("navigator.userAgent").await;
        let agent = json!({"userAgent": agent, "acceptLanguage": language});
        self.call("Emulation.setUserAgentOverride", agent).await;
    }

    /// Opens an address in a window of this width, for eyes that like it `light` or `dark`.
    pub(crate) async fn open(&mut self, url: &str, width: u32, scheme: &str) {
        let size =
            json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", scheme).await;
        self.call("Page.navigate", json!({"url": url})).await;
    }

    /// The value of an expression in the page.
    pub(crate) async fn value(&mut self, expression: &str) -> Value {
        let evaluate = json!({"expression": expression, "returnByValue": true});
        let result = self.call("Runtime.evaluate", evaluate).await;
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true in the page; in one that is still loading it may fail.
    pub(crate) async fn until(&mut self, expression: &str) {
        let end = Instant::now() + DEADLINE;
        let tried =
            format!("(() => {{ try {{ return {expression} }} catch {{ return false }} }})()");
        while self.value(&tried).await != true {
            let text = self.value("document.body.innerText").await;
            assert!(Instant::now() < end, "never true: {expression}\n{text}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Presses a key.
    pub(crate) async fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": if key == "Tab" { 9 } else { 0 }});
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Keeps a picture of the whole page in `file`.
    pub(crate) async fn picture(&mut self, file: &Path) {
        use base64::prelude::{BASE64_STANDARD, Engine};

        let all = json!({"format": "png", "captureBeyondViewport": true});
        let picture = self.call("Page.captureScreenshot", all).await;
        let bytes = BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// What the console has shown so far.
    pub(crate) fn complaints(&self) -> &[String] {
        &self.complaints
    }
}
