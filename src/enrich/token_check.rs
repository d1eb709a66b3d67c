//! Distinguishes a rejected token from a rejected method.

use crate::vk::{Api, CallError, ErrorClass};

/// After so many inconclusive checks in a row the method's error ends the service.
const INCONCLUSIVE_CHECKS: u32 = 5;

/// Checks the token when a method returns a permanent error.
#[derive(Debug, Default)]
pub(super) struct TokenChecks {
    inconclusive: u32,
}

impl TokenChecks {
    /// Whether VK accepts the token and rejects only the method. Calls VK only if `error` is permanent.
    ///
    /// # Errors
    /// Fails if VK rejects the token itself, or if five checks in a row are inconclusive.
    pub(super) async fn check(&mut self, api: &Api, error: &CallError) -> Result<bool, CallError> {
        if error.class() != ErrorClass::Permanent {
            return Ok(false);
        }
        match api.token_permissions().await {
            Ok(_) => {
                self.inconclusive = 0;
                return Ok(true);
            }
            Err(rejection) if rejection.refuses_token() => return Err(rejection),
            Err(_) => self.inconclusive += 1,
        }
        if self.inconclusive == INCONCLUSIVE_CHECKS { Err(error.clone()) } else { Ok(false) }
    }
}
