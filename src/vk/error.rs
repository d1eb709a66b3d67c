//! What VK's API can answer instead of a response, and what each answer asks of the caller.

use thiserror::Error;

use super::{Method, RequestError};

/// What a failed call asks of its caller (the classes of VK's error codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Configuration that cannot work: stop and tell the operator.
    Permanent,
    /// Passing trouble: try again after a growing pause.
    Transient,
    /// VK asks to be left alone for a while: the client itself delays further calls.
    Throttled,
    /// This item cannot be had: go on without it.
    Skip,
}

/// Why a call of VK's API gave no response.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// VK answered with an error.
    #[error("VK refuses {method} with error {code} ({message}){}", advice(*method, *code))]
    Rejected {
        /// The method called.
        method: Method,
        /// VK's `error_code`.
        code: i64,
        /// VK's `error_msg`, without secrets.
        message: String,
    },
    /// No answer that could be understood.
    #[error("VK's API gave no usable answer to {method}: {reason}")]
    Unreachable {
        /// The method called.
        method: Method,
        /// What happened instead.
        reason: RequestError,
    },
}

impl CallError {
    /// What this failure asks of the caller.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Rejected { method, code, .. } => class(*method, *code),
            Self::Unreachable { .. } => ErrorClass::Transient,
        }
    }

    /// The class of an error code that `method` is answered with.
    #[must_use]
    pub fn class_of(method: Method, code: i64) -> ErrorClass {
        class(method, code)
    }

    /// Whether VK refuses the token itself, whatever it is used for.
    #[must_use]
    pub fn refuses_token(&self) -> bool {
        match self {
            // A method that does not exist, is switched off, or is not for this kind of token.
            Self::Rejected { code: 3 | 7 | 15 | 20 | 21 | 23 | 27 | 28, .. }
            | Self::Unreachable { .. } => false,
            Self::Rejected { .. } => self.class() == ErrorClass::Permanent,
        }
    }

    /// Whether VK was reached at all.
    #[must_use]
    pub fn reached(&self) -> bool {
        match self {
            Self::Rejected { .. } => true,
            Self::Unreachable { reason, .. } => reason.reached,
        }
    }

    /// Whether the same question for fewer ids may succeed.
    #[must_use]
    pub fn wants_fewer_ids(&self) -> bool {
        match self {
            Self::Rejected { code: 13 | 36, .. } => true,
            Self::Rejected { .. } => self.class() == ErrorClass::Skip,
            Self::Unreachable { .. } => false,
        }
    }
}

/// The class of an error code: VK's list of common errors, and how its clients fare with them.
fn class(method: Method, code: i64) -> ErrorClass {
    match code {
        7 | 15 | 100 | 125 if method == Method::LongPollServer => ErrorClass::Permanent,
        2..=5
        | 8
        | 11
        | 12
        | 16
        | 17
        | 20
        | 21
        | 23
        | 27
        | 28
        | 33..=35
        | 42
        | 101
        | 912
        | 1114
        | 1116..=1118
        | 3301
        | 3302
        | 3609
        | 9999 => ErrorClass::Permanent,
        6 | 9 | 14 | 29 | 3300 => ErrorClass::Throttled,
        7
        | 15
        | 18
        | 19
        | 24
        | 25
        | 30
        | 37
        | 39
        | 40
        | 100
        | 103
        | 104
        | 113
        | 125
        | 200
        | 203
        | 260
        | 900..=902
        | 907
        | 908
        | 910
        | 911
        | 914
        | 917
        | 922
        | 925
        | 927
        | 932
        | 935
        | 936
        | 945
        | 946
        | 974
        | 1017
        | 3610 => ErrorClass::Skip,
        _ => ErrorClass::Transient,
    }
}

/// What the operator can do about a fatal error; empty for the others.
fn advice(method: Method, code: i64) -> &'static str {
    if class(method, code) != ErrorClass::Permanent {
        return "";
    }
    match code {
        5 | 1114 | 1116..=1118 | 3609 => {
            ": the token is wrong, revoked or expired; make a new one in the community's \
             settings (API usage, access tokens) and give it as TOKEN or TOKEN_FILE"
        }
        7 | 15 | 27 => {
            ": the token lacks a right; make one with community management and messages \
             allowed, and switch the community's messages on"
        }
        17 | 3301 | 3302 => ": VK wants a person to confirm the account; log in and do so",
        42 => ": VK does not accept this address for the token; lift the token's IP limit",
        100 if method == Method::LongPollServer => {
            ": Long Poll is switched off or the group id is wrong; switch it on in the \
             community's settings (API usage, Long Poll API) and check GROUPID"
        }
        125 => ": there is no such community; check GROUPID",
        912 => ": the community's chat-bot abilities are off; switch them on in its settings",
        3 | 9999 => ": check vk.api_url and vk.api_version",
        _ => ": check the token, vk.api_url and vk.api_version",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: Method, code: i64) -> CallError {
        CallError::Rejected { method, code, message: "no".into() }
    }

    #[test]
    fn the_same_code_weighs_differently_on_the_long_poll_server() {
        for code in [7, 15, 100, 125] {
            assert_eq!(
                refused(Method::LongPollServer, code).class(),
                ErrorClass::Permanent,
                "{code}"
            );
            assert_eq!(refused(Method::Users, code).class(), ErrorClass::Skip, "{code}");
        }
    }

    #[test]
    fn unknown_codes_are_retried() {
        assert_eq!(refused(Method::Users, 77_777).class(), ErrorClass::Transient);
    }

    #[test]
    fn vk_asking_for_a_pause_is_told_from_passing_trouble() {
        for code in [6, 9, 14, 29] {
            assert_eq!(refused(Method::Users, code).class(), ErrorClass::Throttled, "{code}");
        }
        for code in [1, 10, 13, 36, 43] {
            assert_eq!(refused(Method::Users, code).class(), ErrorClass::Transient, "{code}");
        }
    }

    #[test]
    fn a_fatal_error_says_what_to_do() {
        let text = refused(Method::LongPollServer, 5).to_string();
        assert!(text.contains("TOKEN_FILE"), "{text}");
        let text = refused(Method::LongPollServer, 100).to_string();
        assert!(text.contains("switch it on"), "{text}");
        assert!(!refused(Method::Users, 10).to_string().contains(':'));
    }
}
