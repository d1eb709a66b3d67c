//! The token, in the form in which VK is shown it.

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::text;

/// An access token and the header that carries it.
#[derive(Debug)]
pub(super) struct Credential {
    token: SecretString,
    authorization: HeaderValue,
}

impl Credential {
    /// Fails where no header can carry the token.
    pub(super) fn new(token: SecretString) -> anyhow::Result<Self> {
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut authorization = HeaderValue::try_from(bearer)
            .map_err(|_| anyhow::anyhow!("the token has characters that no VK token has"))?;
        authorization.set_sensitive(true);
        Ok(Self { token, authorization })
    }

    /// The value of `Authorization`; its `Debug` shows nothing.
    pub(super) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// A text of VK's without the token, fit to be quoted in one line.
    pub(super) fn redacted(&self, text: &str) -> String {
        text::excerpt(&text.replace(self.token.expose_secret(), "***"))
    }
}
