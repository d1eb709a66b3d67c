//! Whether a quiet Long Poll session still follows VK's queue: a question to VK's API beside a poll.

use std::{
    hash::{BuildHasher, RandomState},
    pin::pin,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use tokio::time::{Instant, sleep_until};

use crate::{
    ts::Ts,
    vk::{Api, CallError, ErrorClass, LongPollServer},
};

/// The least time between two questions, so that there are at most six in an hour.
const SPACING: Duration = Duration::from_secs(10 * 60);
/// After so many fatal answers in a row to the question alone, the service ends: polls still answer, and a
/// single refusal may pass.
const FATAL_ANSWERS: u32 = 2;

type CheckResult = Result<(LongPollServer, Ts), CallError>;

/// Asks VK for a Long Poll server and its newest position where nothing new has come for some time.
///
/// The call runs while a poll is held, so it delays no event. What it finds counts only if a poll that ends
/// after it still returns nothing new.
pub(super) struct SessionCheck<'a> {
    ask: Box<dyn Fn() -> BoxFuture<'a, CheckResult> + Send + 'a>,
    quiet: Duration,
    /// When VK is asked next, unless something new comes before.
    due: Instant,
    /// When VK may be asked next.
    allowed: Instant,
    call: Option<BoxFuture<'a, CheckResult>>,
    found: Option<(LongPollServer, Ts)>,
    fatal_answers: u32,
}

impl<'a> SessionCheck<'a> {
    /// A check of a session of `api` that has brought nothing new for `quiet`.
    pub(super) fn new(api: &'a Api, quiet: Duration) -> Self {
        Self::asking(quiet, move || api.long_poll_server().boxed())
    }

    fn asking(quiet: Duration, ask: impl Fn() -> BoxFuture<'a, CheckResult> + Send + 'a) -> Self {
        let now = Instant::now();
        let mut check = Self {
            ask: Box::new(ask),
            quiet,
            due: now,
            allowed: now,
            call: None,
            found: None,
            fatal_answers: 0,
        };
        check.restart();
        check
    }

    /// The session has just begun, or has brought something new.
    pub(super) fn restart(&mut self) {
        self.found = None;
        self.fatal_answers = 0;
        self.due = self.allowed.max(Instant::now() + jittered(self.quiet));
    }

    /// Waits for `poll`, and meanwhile asks VK when that is due. Fails if VK refuses again and again for a
    /// reason that does not pass; any other failure of the question is none of the session.
    pub(super) async fn beside<T>(
        &mut self,
        poll: impl Future<Output = T>,
    ) -> Result<T, CallError> {
        let mut poll = pin!(poll);
        loop {
            let answer = tokio::select! {
                biased;
                reply = &mut poll => return Ok(reply),
                answer = self.answer() => answer,
            };
            self.take(answer)?;
        }
    }

    /// A server and VK's newest position, if VK was asked since the last restart.
    pub(super) fn found(&mut self) -> Option<(LongPollServer, Ts)> {
        self.found.take()
    }

    /// The next answer. Whatever waits for it can stop and begin again.
    async fn answer(&mut self) -> CheckResult {
        let call = match &mut self.call {
            Some(call) => call,
            none => {
                sleep_until(self.due).await;
                // From 10 to 12 minutes.
                self.allowed = Instant::now() + jittered(SPACING * 5 / 4).max(SPACING);
                self.due = self.allowed;
                none.insert((self.ask)())
            }
        };
        let answer = call.await;
        self.call = None;
        answer
    }

    fn take(&mut self, answer: CheckResult) -> Result<(), CallError> {
        match answer {
            Ok(found) => {
                self.fatal_answers = 0;
                self.found = Some(found);
            }
            Err(error) if error.class() == ErrorClass::Permanent => {
                self.fatal_answers += 1;
                if self.fatal_answers >= FATAL_ANSWERS {
                    return Err(error);
                }
                tracing::warn!(
                    %error,
                    "VK refuses to check the Long Poll session; polling goes on, and VK is asked once more"
                );
            }
            Err(error) => {
                tracing::debug!(%error, "the Long Poll session could not be checked; polling goes on");
            }
        }
        Ok(())
    }
}

/// A duration up to a fifth shorter or longer, so that many instances do not ask at once.
fn jittered(duration: Duration) -> Duration {
    let random = RandomState::new().hash_one(());
    let thousandths = 800 + u32::try_from(random % 401).unwrap_or_default();
    duration * thousandths / 1000
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::vk::Method;

    const QUIET: Duration = Duration::from_secs(5 * 60);
    const POLL: Duration = Duration::from_secs(25);
    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn server() -> LongPollServer {
        LongPollServer::new(reqwest::Url::parse("https://lp.vk.ru/whp/1").unwrap(), "key".into())
    }

    fn refused(code: i64) -> CallError {
        CallError::Rejected { method: Method::LongPollServer, code, message: "no".into() }
    }

    /// A check whose questions are noted with their times.
    fn noting(
        answer: impl Fn() -> CheckResult + Send + 'static,
    ) -> (SessionCheck<'static>, Arc<Mutex<Vec<Instant>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        let check = SessionCheck::asking(QUIET, move || {
            noted.lock().unwrap().push(Instant::now());
            ready(answer()).boxed()
        });
        (check, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_session_is_checked_at_most_six_times_an_hour() {
        let begun = Instant::now();
        let (mut check, asked) = noting(|| Ok((server(), Ts::from(1))));
        while begun.elapsed() < 10 * HOUR {
            check.beside(tokio::time::sleep(POLL)).await.unwrap();
        }
        let asked = asked.lock().unwrap();
        let first = asked[0] - begun;
        assert!(first >= QUIET * 4 / 5 && first <= QUIET * 6 / 5, "{first:?}");
        for (at, asked_at) in asked.iter().enumerate() {
            let within = asked[at..].iter().filter(|it| **it - *asked_at < HOUR).count();
            assert!((5..=6).contains(&within) || at + 6 > asked.len(), "{within} in an hour");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_brings_updates_is_not_checked() {
        let (mut check, asked) = noting(|| Ok((server(), Ts::from(1))));
        for _ in 0..1000 {
            check.beside(tokio::time::sleep(POLL)).await.unwrap();
            check.restart();
        }
        assert!(asked.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_times_between_updates_do_not_add_up_to_more_questions() {
        let (mut check, asked) = noting(|| Ok((server(), Ts::from(1))));
        for _ in 0..100 {
            check.beside(tokio::time::sleep(QUIET * 5 / 4)).await.unwrap();
            check.restart();
        }
        let asked = asked.lock().unwrap();
        assert!(asked.len() > 10);
        assert!(asked.windows(2).all(|two| two[1] - two[0] >= SPACING));
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_is_never_answered_does_not_hold_up_a_poll() {
        let mut check = SessionCheck::asking(QUIET, || pending().boxed());
        for _ in 0..100 {
            let begun = Instant::now();
            check.beside(tokio::time::sleep(POLL)).await.unwrap();
            assert_eq!(begun.elapsed(), POLL);
        }
        assert!(check.found().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_repeated_fatal_answer_ends_the_session() {
        let (mut check, asked) = noting(|| Err(refused(10)));
        check.beside(tokio::time::sleep(10 * HOUR)).await.unwrap();
        assert!(asked.lock().unwrap().len() > 40);
        let (mut check, asked) = noting(|| Err(refused(100)));
        let end = check.beside(pending::<()>()).await;
        assert_eq!((end, asked.lock().unwrap().len()), (Err(refused(100)), 2));
    }
}
