//! The errors of API calls, and what the caller should do about each.

use thiserror::Error;

use super::{Method, RequestError};

/// What the caller of a failed call should do: the class of VK's error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Stop and report: the configuration, the token or the community must be changed.
    Permanent,
    /// Retry with exponential back-off.
    Transient,
    /// Retry: VK limits the rate, and the client delays further calls by itself.
    Throttled,
    /// Continue without this item.
    Skip,
}

/// Why an API call has no response.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// VK answered with an error.
    #[error("VK answered {method} with error {code} ({message}){}", remediation(*method, *code))]
    Rejected {
        /// The method called.
        method: Method,
        /// VK's `error_code`.
        code: i64,
        /// VK's `error_msg`, without secrets.
        message: String,
    },
    /// There was no answer, or it cannot be used.
    #[error("VK's API gave no usable answer to {method}: {reason}")]
    Unreachable {
        /// The method called.
        method: Method,
        /// What happened instead.
        reason: RequestError,
    },
}

impl CallError {
    /// What the caller should do.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Rejected { method, code, .. } => class(*method, *code),
            Self::Unreachable { .. } => ErrorClass::Transient,
        }
    }

    /// Whether VK rejects the token itself, for every method.
    #[must_use]
    pub fn refuses_token(&self) -> bool {
        match self {
            // The method does not exist, is switched off, or does not accept this kind of token.
            Self::Rejected { code: 3 | 7 | 15 | 20 | 21 | 23 | 27 | 28, .. }
            | Self::Unreachable { .. } => false,
            Self::Rejected { .. } => self.class() == ErrorClass::Permanent,
        }
    }

    /// Whether there was a connection to VK.
    #[must_use]
    pub fn reached(&self) -> bool {
        match self {
            Self::Rejected { .. } => true,
            Self::Unreachable { reason, .. } => reason.reached,
        }
    }

    /// Whether the same call with fewer ids may succeed.
    #[must_use]
    pub fn wants_fewer_ids(&self) -> bool {
        match self {
            Self::Rejected { code: 13 | 36, .. } => true,
            Self::Rejected { .. } => self.class() == ErrorClass::Skip,
            Self::Unreachable { .. } => false,
        }
    }
}

/// Codes of permanent errors, by VK's list of common errors and the experience of its clients.
const PERMANENT: &[i64] = &[
    2, 3, 4, 5, 8, 11, 12, 16, 17, 20, 21, 23, 27, 28, 33, 34, 35, 42, 101, 912, 1114, 1116, 1117,
    1118, 3301, 3302, 3609, 9999,
];
/// Codes of limits on the rate of calls.
const THROTTLED: &[i64] = &[6, 9, 14, 29, 3300];
/// Codes of errors about what was asked for.
const SKIP: &[i64] = &[
    7, 15, 18, 19, 24, 25, 30, 37, 39, 40, 100, 103, 104, 113, 125, 200, 203, 260, 900, 901, 902,
    907, 908, 910, 911, 914, 917, 922, 925, 927, 932, 935, 936, 945, 946, 974, 1017, 3610,
];

/// The class of an error code in the answer to `method`.
pub(super) fn class(method: Method, code: i64) -> ErrorClass {
    let is_permanent = match method {
        Method::LongPollServer => matches!(code, 7 | 15 | 100 | 125),
        // These methods have nothing to deny but the access of the token; chats can be denied.
        Method::Users | Method::Communities => code == 15,
        _ => false,
    };
    if is_permanent || PERMANENT.contains(&code) {
        ErrorClass::Permanent
    } else if THROTTLED.contains(&code) {
        ErrorClass::Throttled
    } else if SKIP.contains(&code) {
        ErrorClass::Skip
    } else {
        ErrorClass::Transient
    }
}

/// What the operator should do about a permanent error; empty for the others.
fn remediation(method: Method, code: i64) -> &'static str {
    if class(method, code) != ErrorClass::Permanent {
        return "";
    }
    match code {
        5 | 1114 | 1116..=1118 | 3609 => {
            ": the token is wrong, revoked or expired. What to do: make a new one in the community's \
             settings (API usage, access tokens), and set it as TOKEN or TOKEN_FILE"
        }
        7 | 15 | 27 => {
            ": the token lacks a right. What to do: make one with community management and messages \
             allowed, and switch the community's messages on"
        }
        17 | 3301 | 3302 => {
            ": VK wants a person to confirm the account. What to do: log in to VK and confirm it"
        }
        42 => {
            ": VK does not accept the token from this IP address. What to do: remove the IP limit of \
             the token"
        }
        100 if method == Method::LongPollServer => {
            ": Long Poll is switched off or the group id is wrong. What to do: switch it on in the \
             community's settings (API usage, Long Poll API), and check GROUPID"
        }
        125 => ": there is no such community. What to do: check GROUPID",
        912 => {
            ": the community's chat-bot features are off. What to do: switch them on in its settings"
        }
        3 | 9999 => ". What to do: check vk.api_url and vk.api_version",
        _ => ". What to do: check the token, vk.api_url and vk.api_version",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(method: Method, code: i64) -> CallError {
        CallError::Rejected { method, code, message: "no".into() }
    }

    #[test]
    fn some_codes_are_permanent_only_for_the_long_poll_server() {
        for code in [7, 15, 100, 125] {
            assert_eq!(
                rejected(Method::LongPollServer, code).class(),
                ErrorClass::Permanent,
                "{code}"
            );
            assert_eq!(rejected(Method::Conversations, code).class(), ErrorClass::Skip, "{code}");
        }
    }

    #[test]
    fn access_denied_is_about_the_token_except_for_chats() {
        for method in [Method::Users, Method::Communities] {
            assert_eq!(rejected(method, 15).class(), ErrorClass::Permanent);
            assert!(!rejected(method, 15).refuses_token());
        }
        assert_eq!(rejected(Method::Conversations, 15).class(), ErrorClass::Skip);
    }

    #[test]
    fn unknown_codes_are_retried() {
        assert_eq!(rejected(Method::Users, 77_777).class(), ErrorClass::Transient);
    }

    #[test]
    fn rate_limits_are_throttled_and_other_transient_errors_are_not() {
        for code in [6, 9, 14, 29] {
            assert_eq!(rejected(Method::Users, code).class(), ErrorClass::Throttled, "{code}");
        }
        for code in [1, 10, 13, 36, 43] {
            assert_eq!(rejected(Method::Users, code).class(), ErrorClass::Transient, "{code}");
        }
    }

    #[test]
    fn a_permanent_error_says_what_to_do() {
        let text = rejected(Method::LongPollServer, 5).to_string();
        assert!(text.contains("TOKEN_FILE"), "{text}");
        let text = rejected(Method::LongPollServer, 100).to_string();
        assert!(text.contains("switch it on"), "{text}");
        assert!(!rejected(Method::Users, 10).to_string().contains(':'));
    }
}
