//! Whether an error that asks for the operator is about the token, or passes.

use crate::vk::{Api, CallError, ErrorClass};

/// How often in a row the token cannot be checked before the error is believed.
const UNCLEAR_CHECKS: u32 = 5;

/// The checks of the token beside a method that keeps failing.
#[derive(Debug, Default)]
pub(super) struct Checks {
    unclear: u32,
}

impl Checks {
    /// Whether VK rejects only the method, and takes the token. Fails where `error` ends the service: VK
    /// rejects the token itself, or five times in a row does not say. VK is asked only where the error is
    /// of that kind.
    pub(super) async fn check(&mut self, api: &Api, error: &CallError) -> Result<bool, CallError> {
        if error.class() != ErrorClass::Permanent {
            return Ok(false);
        }
        match api.token_permissions().await {
            Ok(_) => {
                self.unclear = 0;
                return Ok(true);
            }
            Err(refusal) if refusal.refuses_token() => return Err(refusal),
            Err(_) => self.unclear += 1,
        }
        if self.unclear == UNCLEAR_CHECKS { Err(error.clone()) } else { Ok(false) }
    }
}
