//! API errors in VK's words.

use serde_json::{Value, json};

/// An API error, which VK returns with the HTTP status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: i64,
    message: String,
}

impl ApiError {
    /// The error of this code with its general message.
    pub(crate) fn of_code(code: i64) -> Self {
        let message = match code {
            1 => "Unknown error occurred",
            3 => "Unknown method passed",
            5 => "User authorization failed: invalid access_token (4).",
            6 => "Too many requests per second",
            7 => "Permission to perform this action is denied",
            8 => "Invalid request",
            9 => "Flood control",
            10 => "Internal server error",
            14 => "Captcha needed",
            15 => "Access denied",
            18 => "User was deleted or banned",
            29 => "Rate limit reached",
            38 => "Unknown application: could not get application",
            100 => "One of the parameters specified was missing or invalid",
            113 => "Invalid user id",
            125 => "Invalid group id",
            917 => "You don't have access to this chat",
            927 => "Chat does not exist",
            _ => "Error",
        };
        Self { code, message: message.to_owned() }
    }

    /// The error of this code with a message.
    pub(crate) fn because(code: i64, reason: &str) -> Self {
        let mut error = Self::of_code(code);
        error.message = format!("{}: {reason}", error.message);
        error
    }

    /// The message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The body of the answer. Like VK's, it echoes the parameters of the call, the token included.
    pub(crate) fn envelope(&self, parameters: &[(String, String)]) -> String {
        let echoed: Vec<Value> =
            parameters.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        let mut error = json!({
            "error_code": self.code,
            "error_msg": self.message,
            "request_params": echoed,
        });
        if self.code == 14 {
            error["captcha_sid"] = json!("239633676097");
            error["captcha_img"] = json!("https://api.vk.ru/captcha.php?sid=239633676097&s=1");
        }
        json!({ "error": error }).to_string()
    }
}
