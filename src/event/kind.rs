//! The types of events.

use std::{fmt, str::FromStr};

/// The type of an event; each has a stream and a channel of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A message.
    Message,
    /// A message that begins with a command prefix.
    Command,
    /// A press on a callback button.
    Button,
    /// A reaction put or taken back.
    Reaction,
}

impl EventType {
    /// All types, in the order of the specification.
    pub const ALL: [Self; 4] = [Self::Message, Self::Command, Self::Button, Self::Reaction];

    /// The type's name on the bus.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Command => "command",
            Self::Button => "button",
            Self::Reaction => "reaction",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// The name is not one of the four event types.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no event type: use message, command, button or reaction")]
pub struct UnknownEventType(pub String);

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownEventType(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_found_by_its_name() {
        for kind in EventType::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("Message".parse::<EventType>(), Err(UnknownEventType("Message".to_owned())));
    }
}
