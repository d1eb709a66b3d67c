//! Whether events flow, and who is at fault if they do not.

use serde::{Deserialize, Serialize};

use super::{Redis, Service, Told, Trouble, ago, span};

/// From this age of the newest commit on, in seconds, silence is worth a word.
const QUIET: u64 = 300;
/// While the position moved so recently, in seconds, somebody fetches.
const MOVING: u64 = 60;

/// Whether events flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// They do.
    Flowing,
    /// Another instance fetches, and this one is there to take over.
    Standby,
    /// Something has failed for some seconds and is tried again.
    Trouble,
    /// They do not.
    Stopped,
    /// The service is on its way.
    Starting,
    /// Who would know does not answer.
    Unknown,
}

impl State {
    /// Whether nobody has to do anything.
    #[must_use]
    pub fn is_well(self) -> bool {
        matches!(self, Self::Flowing | Self::Standby | Self::Trouble)
    }
}

/// Who keeps events from flowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Redis.
    Redis,
    /// A consumer group that does not read.
    Consumer,
    /// VK.
    Vk,
    /// The way to VK.
    Network,
    /// The service itself.
    Service,
}

impl Fault {
    /// Who that is, in words.
    fn who(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Consumer => "a consumer",
            Self::Vk => "VK",
            Self::Network => "the way to VK",
            Self::Service => "the service",
        }
    }

    /// What is amiss, in words.
    fn what(self) -> &'static str {
        match self {
            Self::Redis => "Redis does not serve",
            Self::Consumer => "a consumer group does not read",
            Self::Vk => "VK does not answer as it should",
            Self::Network => "VK cannot be reached",
            Self::Service => "the service stands still",
        }
    }

    /// What the operator should know or do.
    fn advice(self) -> &'static str {
        match self {
            Self::Redis => {
                "See that Redis runs and can be reached. Nothing is lost meanwhile: VK keeps the \
                 queue, and fetching goes on by itself."
            }
            Self::Consumer => {
                "See that the consumers of that group run and acknowledge. Fetching goes on by \
                 itself once the group has read on; VK keeps the queue until then."
            }
            Self::Vk => {
                "There is nothing to do but wait, or to look at VK's own news: fetching goes on by \
                 itself."
            }
            Self::Network => {
                "VK's servers cannot be connected to. See that this machine has a name server and a \
                 way out; it may be an outage of VK's, too. Fetching goes on by itself."
            }
            Self::Service => "Look at its log, and start it again. It goes on where it was.",
        }
    }
}

/// Whether events flow, in words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether they do, in one word.
    pub state: State,
    /// Who keeps them from it.
    pub fault: Option<Fault>,
    /// Whether they do, in a sentence.
    pub summary: String,
    /// What is known beyond that.
    pub detail: Option<String>,
    /// What the operator should know or do.
    pub advice: Option<String>,
}

impl Verdict {
    fn well(state: State, summary: impl Into<String>, detail: Option<String>) -> Self {
        Self { state, fault: None, summary: summary.into(), detail, advice: None }
    }

    fn ill(state: State, fault: Fault, summary: impl Into<String>, detail: String) -> Self {
        let advice = Some(fault.advice().to_owned());
        Self { state, fault: Some(fault), summary: summary.into(), detail: Some(detail), advice }
    }
}

/// The verdict on what the service and Redis say.
#[must_use]
pub fn judge(service: &Told<Service>, redis: Option<&Redis>) -> Verdict {
    match service {
        Told::This(service) => by_its_word(service, redis),
        Told::Not { error } => without_the_service(error, redis),
    }
}

fn by_its_word(service: &Service, redis: Option<&Redis>) -> Verdict {
    if service.stalled {
        let silence = service.last_poll_s.unwrap_or(service.role_for_s);
        let detail = format!("No poll has come to an end for {}.", span(silence));
        return Verdict::ill(State::Stopped, Fault::Service, stopped(Fault::Service), detail);
    }
    if let Some((fault, trouble)) = worst(&service.troubles) {
        let detail = format!("For {}: {}", span(trouble.for_s), trouble.reason);
        return if service.ready {
            let summary = format!("Events are held up: {}. It may pass.", fault.what());
            Verdict::ill(State::Trouble, fault, summary, detail)
        } else {
            Verdict::ill(State::Stopped, fault, stopped(fault), detail)
        };
    }
    if let Some(error) = redis.and_then(|redis| redis.error.as_ref()) {
        let summary = "Events flow by the service's word, but Redis does not answer when asked.";
        return Verdict::ill(State::Trouble, Fault::Redis, summary, error.clone());
    }
    let survey = redis.and_then(|redis| redis.survey.as_ref());
    match service.role.as_str() {
        "starting" => Verdict::well(State::Starting, "The service is starting.", None),
        "standby" => {
            let who = match survey.and_then(|survey| survey.holder.as_ref()) {
                Some(holder) => format!("{holder} fetches."),
                None => "Nobody fetches now; this instance takes over within seconds.".to_owned(),
            };
            Verdict::well(State::Standby, "Standing by: another instance fetches.", Some(who))
        }
        _ => {
            let news = service.last_commit_s.map(|age| match age {
                0..QUIET => format!("The last updates came {}.", ago(age)),
                _ => format!("It is quiet: VK has told nothing new for {}.", span(age)),
            });
            Verdict::well(State::Flowing, "Events flow.", news)
        }
    }
}

fn without_the_service(error: &str, redis: Option<&Redis>) -> Verdict {
    let silent = format!("The service does not answer: {error}");
    let Some(redis) = redis else {
        return Verdict::ill(
            State::Unknown,
            Fault::Service,
            "Whether events flow is not known.",
            silent,
        );
    };
    let survey = match (&redis.survey, &redis.error) {
        (Some(survey), None) => survey,
        (_, error) => {
            let redis = error.as_deref().unwrap_or("it was not asked");
            let detail = format!("Redis: {redis}. {silent}");
            let summary = "Neither Redis nor the service answers.";
            return Verdict::ill(State::Unknown, Fault::Redis, summary, detail);
        }
    };
    let moved = survey.position.as_ref().and_then(|position| position.age_s);
    match (&survey.holder, moved) {
        (Some(holder), Some(age)) if age < MOVING => {
            let detail = format!("The last updates came {}. {silent}", ago(age));
            Verdict::well(State::Flowing, format!("Events flow: {holder} fetches."), Some(detail))
        }
        (Some(holder), _) => {
            let summary = format!("Whether events flow is not known: {holder} is to fetch them.");
            Verdict::ill(State::Unknown, Fault::Service, summary, silent)
        }
        (None, _) => {
            let summary = "Events do not flow: nobody fetches.";
            Verdict::ill(State::Stopped, Fault::Service, summary, silent)
        }
    }
}

fn stopped(fault: Fault) -> String {
    format!("Events do not flow: {} is at fault.", fault.who())
}

/// The failure that holds up the others: troubles are told from the end of the data's way to its
/// beginning.
fn worst(troubles: &[Trouble]) -> Option<(Fault, &Trouble)> {
    let trouble = troubles.first()?;
    let fault = match trouble.party.as_str() {
        "redis" | "lease" | "durability" => Fault::Redis,
        "consumers" => Fault::Consumer,
        _ if trouble.reached => Fault::Vk,
        _ => Fault::Network,
    };
    Some((fault, trouble))
}
