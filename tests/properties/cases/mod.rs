//! What a robust fetcher must survive, case by case, as other clients of VK met it.
#![expect(clippy::expect_used, reason = "what is expected here is what is tested")]

mod cropped;
mod identity;
mod messages;
mod presses;
mod rejections;
mod updates;
