//! Where the classes of a pickled event live, at the one who unpickles it.

/// Where the classes of a pickled event live. All parts are names of Python, in ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickleClasses {
    /// The module of the event's class, such as `toaster.broker.events.events`.
    pub event_module: String,
    /// The event's class, such as `Event`.
    pub event_class: String,
    /// The module of `Peer`, `User`, `Message` and the others.
    pub objects_module: String,
}

impl PickleClasses {
    /// What `bus.pubsub.classes` may be, for error messages.
    pub(super) const EXPECTED: &str = "\"toaster\", \"funcka_bots\", or the event's class and the \
         module of its objects, such as \"handler.events.Event handler.objects\"";

    /// Reads the value of `bus.pubsub.classes`: the name of a preset, or two paths.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::at(match text {
            "toaster" => "toaster.broker.events.events.Event toaster.broker.events.objects",
            "funcka_bots" => "funcka_bots.events.events.VkEvent funcka_bots.events.objects",
            paths => paths,
        })
    }

    /// The path of the event's class, a space, the module of the objects.
    fn at(paths: &str) -> Option<Self> {
        let (event, objects) = paths.split_once(' ')?;
        let (module, class) = event.rsplit_once('.')?;
        let is_path = |path: &str| path.split('.').all(is_name);
        (is_path(event) && is_path(objects)).then(|| Self {
            event_module: module.to_owned(),
            event_class: class.to_owned(),
            objects_module: objects.to_owned(),
        })
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}
