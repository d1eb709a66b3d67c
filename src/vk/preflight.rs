//! The preflight check of VK: the token's rights and the community's settings.

use super::{Api, CallError, ErrorClass, LongPollSettings};
use crate::{ops::preflight::Finding, text::excerpt};

/// The rights that the token needs, with the name of each on VK's page for making tokens.
const RIGHTS: [(&str, &str); 2] =
    [("messages", "community messages"), ("manage", "community management")];

/// The types of updates that become events.
const ROUTED: [&str; 3] = ["message_new", "message_event", "message_reaction_event"];

/// How often a call is repeated that came while VK's limit on calls was used up, such as by an instance that
/// fetches with the same token.
const RETRIES: u32 = 5;

const SETTINGS: &str = "the community's settings (API usage, Long Poll API)";

/// Requests the token's rights and the Long Poll settings.
pub async fn ask(api: &Api, api_version: &str) -> Vec<Finding> {
    let mut findings = match retried(|| api.token_permissions()).await {
        Ok(held) => rights(&held),
        // The other calls would fail in the same way.
        Err(error) => return vec![failure(&error)],
    };
    match retried(|| api.long_poll_settings()).await {
        Ok(settings) => findings.extend(long_poll(&settings, api_version)),
        Err(error) => findings.push(failure(&error)),
    }
    findings
}

/// Requests a Long Poll server.
pub async fn ask_for_server(api: &Api) -> Finding {
    match retried(|| api.long_poll_server()).await {
        Ok(_) => Finding::ok("a Long Poll server is granted"),
        Err(error) => failure(&error),
    }
}

/// Repeats a call to which VK answers with error 6. `Api` makes the pauses.
async fn retried<T, C>(call: impl Fn() -> C) -> Result<T, CallError>
where
    C: Future<Output = Result<T, CallError>>,
{
    for _ in 0..RETRIES {
        match call().await {
            Err(CallError::Rejected { code: 6, .. }) => {}
            result => return result,
        }
    }
    call().await
}

fn rights(held: &[String]) -> Vec<Finding> {
    let mut findings =
        vec![Finding::ok(format!("the token works; its rights: {}", excerpt(&held.join(", "))))];
    for (right, wording) in RIGHTS {
        if !held.iter().any(|held| held == right) {
            findings.push(Finding::problem(
                format!("the token lacks the right `{right}`"),
                format!(
                    "make a new token with {wording} allowed, in the community's settings \
                     (API usage, access tokens)"
                ),
            ));
        }
    }
    findings
}

fn long_poll(settings: &LongPollSettings, api_version: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if settings.is_enabled {
        findings.push(Finding::ok("Long Poll is on"));
    } else {
        findings.push(Finding::problem("Long Poll is off", format!("switch it on in {SETTINGS}")));
    }
    match settings.api_version.as_deref() {
        Some(version) if version == api_version => {
            findings.push(Finding::ok(format!("updates are written in version {version}")));
        }
        version => findings.push(Finding::warning(
            format!(
                "updates are written in version {}, while vk.api_version is {api_version}",
                excerpt(version.unwrap_or("unknown"))
            ),
            format!("choose {api_version} in {SETTINGS}"),
        )),
    }
    for kind in ROUTED {
        findings.push(if settings.events.get(kind).is_some_and(|&on| on != 0) {
            Finding::ok(format!("{kind} is on"))
        } else {
            Finding::warning(
                format!("{kind} is off: VK does not send such updates"),
                format!("switch it on in {SETTINGS}, event types"),
            )
        });
    }
    findings
}

fn failure(error: &CallError) -> Finding {
    let remediation = match error.class() {
        ErrorClass::Permanent => return Finding::refusal(error.to_string()),
        ErrorClass::Throttled => "VK limits the rate of calls; check again in some minutes",
        ErrorClass::Transient => "check vk.api_url and the network, or try again later",
        ErrorClass::Skip => "check GROUPID, and that the token is one of this community",
    };
    Finding::problem(error.to_string(), remediation)
}
